"""Pictures: quality against bytes, time and memory for each megapixel, Pillow beside libvips, and Hugo's image processing.

`NIGHTDESK_PHOTOGRAPHS` names a folder of photographs to measure qualities on, in place of our rendered scenes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from nightdesk.domain.pictures import WIDTHS
from nightdesk.imaging.derive import derive_all
from nightdesk.imaging.inspect import inspect
from nightdesk.imaging.recipe import plan
from PIL import Image

from .measure import ROOT, run, table
from .scenes import camera_file, field, photographed, rails, strait

_QUALITIES: dict[str, tuple[dict[str, Any], ...]] = {
    "JPEG": tuple({"quality": q, "progressive": True, "optimize": True} for q in (70, 78, 85)),
    "WEBP": tuple({"quality": q, "method": 4} for q in (70, 79, 85)),
    "AVIF": tuple(
        {"quality": q, "speed": s, "max_threads": 1} for s, q in ((6, 50), (6, 60), (6, 70), (8, 60), (9, 60))
    ),
}
_GB_SECOND = 0.0000133334
"""US dollars for one gigabyte-second of Lambda on Arm (AWS Lambda pricing, us-east-1)."""
_PUT, _GIGABYTES = 0.005 / 1000, 2.0
_ALONE = """
import re, sys, time
sys.path.insert(0, sys.argv[1])
body = open(sys.argv[2], "rb").read()
{code}
# The kernel's figure for children (getrusage) begins at their parent's size.
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024, cpu)
"""
_OURS = """
from nightdesk.imaging.inspect import inspect
from nightdesk.imaging.recipe import plan
from nightdesk.imaging.derive import derive_all
start = time.process_time()
picture = inspect(body)
for variant, made in derive_all(body, picture, plan(picture)):
    pass
cpu = time.process_time() - start
"""
_VIPS = """
import os
os.environ["VIPS_CONCURRENCY"] = "1"
import pyvips
from nightdesk.imaging.inspect import inspect
from nightdesk.imaging.recipe import plan
start = time.process_time()
# The widest is made of the file, and all narrower ones of it, as in ours.
files = plan(inspect(body, decode=False))
master = pyvips.Image.thumbnail_buffer(body, max(f.width for f in files), height=100000).copy_memory()
for f in files:
    image = master if f.width == master.width else master.thumbnail_image(f.width, height=100000)
    large = f.width > 1080
    if f.format == "avif":
        image.heifsave_buffer(compression="av1", Q=60, effort=1 if large else 3, keep="none")
    elif f.format == "webp":
        image.webpsave_buffer(Q=79, effort=4, keep="none")
    else:
        image.jpegsave_buffer(Q=78, interlace=True, optimize_coding=True, keep="none")
cpu = time.process_time() - start
"""


def measure() -> str:
    """Measure everything, in about five minutes of one processor."""
    hero = camera_file(photographed(strait(4000), noise=0.008), 85, "")
    return "\n".join((_qualities(), _delivered(hero), _per_megapixel(hero), _largest(), _beside_hugo(hero)))


def similarity(one: Image.Image, other: Image.Image) -> float:
    """Return the structural similarity (SSIM) of two pictures' brightness, with the window and constants of Wang et al. (2004)."""
    a, b = (np.asarray(image.convert("L"), np.float64) for image in (one, other))
    means = [_window(value) for value in (a, b, a * a, b * b, a * b)]
    variance = [means[2] - means[0] ** 2, means[3] - means[1] ** 2, means[4] - means[0] * means[1]]
    luminance = (2 * means[0] * means[1] + 6.5025) / (means[0] ** 2 + means[1] ** 2 + 6.5025)
    return float((luminance * (2 * variance[2] + 58.5225) / (variance[0] + variance[1] + 58.5225)).mean())


def _window(values: Any) -> Any:
    weights = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    for axis in (0, 1):
        length = values.shape[axis] - 10
        values = sum(
            weight * np.take(values, range(at, at + length), axis) for at, weight in enumerate(weights / weights.sum())
        )
    return values


def _photographs() -> Iterator[Image.Image]:
    folder = os.environ.get("NIGHTDESK_PHOTOGRAPHS")
    if folder:
        yield from (Image.open(path).convert("RGB") for path in sorted(Path(folder).iterdir()))
        return
    for scene in (strait, field, rails):
        yield photographed(scene(1440)).resize((720, 480), Image.Resampling.LANCZOS)


def _qualities() -> str:
    pictures, rows = list(_photographs()), []
    pixels = sum(picture.width * picture.height for picture in pictures)
    for name, choices in _QUALITIES.items():
        for options in choices:
            start = time.process_time()
            bodies = [_saved(picture, name, options) for picture in pictures]
            cpu = time.process_time() - start
            alike = [
                similarity(picture, Image.open(BytesIO(body))) for picture, body in zip(pictures, bodies, strict=True)
            ]
            effort = options.get("speed", options.get("method", ""))
            rows.append(
                (name, options["quality"], effort, f"{sum(alike) / len(alike):.4f}", f"{min(alike):.4f}",
                 f"{sum(map(len, bodies)) * 8 / pixels:.3f}", cpu / pixels * 1e6)
            )  # fmt: skip
    columns = ("format", "quality", "speed or method", "SSIM", "lowest", "bits a pixel", "CPU s a megapixel")
    return table(f"Quality on {len(pictures)} photographs", columns, rows)


def _saved(picture: Image.Image, name: str, options: dict[str, Any]) -> bytes:
    out = BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def _delivered(hero: bytes) -> str:
    picture = inspect(hero)
    made = {(variant.format, variant.width): len(body) for variant, body in derive_all(hero, picture, plan(picture))}
    rows = []
    for viewport, density in ((360, 3), (768, 2), (1440, 1)):
        width = next((width for width in WIDTHS if width >= viewport * density), WIDTHS[-1])
        rows.append(
            (f"{viewport} px × {density}", width, *(round(made[name, width] / 1000) for name in ("avif", "webp")))
        )
    return table(
        f"Bytes of a hero of {picture.width:,} px and {len(hero) / 1000:,.0f} kB, as delivered across the whole screen",
        ("screen", "file's width", "AVIF kB", "WebP kB"),
        rows,
    )


def _per_megapixel(hero: bytes) -> str:
    small = camera_file(photographed(strait(2000), noise=0.008), 85, "")
    large = Image.open(BytesIO(hero)).resize((8000, 5333), Image.Resampling.BICUBIC)
    bodies = {
        2.7: small,
        10.7: hero,
        42.7: _saved(large, "JPEG", {"quality": 85}),
        42.71: _saved(large, "PNG", {"compress_level": 1}),
    }
    rows = []
    for megapixels, body in bodies.items():
        peak, cpu = _alone(_OURS, body)
        calls = len(plan(inspect(body, decode=False)))
        cost = cpu * _GIGABYTES * _GB_SECOND + calls * _PUT
        kind = "PNG" if body[1:4] == b"PNG" else "JPEG"
        rows.append((f"Pillow, {kind}", f"{megapixels:.1f}", cpu, cpu / megapixels, round(peak), f"{cost:.5f}"))
    try:
        import pyvips  # noqa: F401
    except ImportError:
        return _megapixels(rows)
    peak, cpu = _alone(_VIPS, hero)
    return _megapixels([*rows, ("libvips, JPEG", "10.7", cpu, cpu / 10.7, round(peak), "")])


def _megapixels(rows: list[tuple[Any, ...]]) -> str:
    columns = ("with", "megapixels", "CPU s an image", "CPU s a megapixel", "peak MB", "USD an image on AWS")
    return table(f"All {len(plan(_picture()))} files of an original, made by one process", columns, rows)


def _largest() -> str:
    """Measure the largest originals that the limits allow, in the formats that take most."""
    grey = Image.effect_noise((894, 894), 60).resize((8940, 8940))
    colours = Image.merge("RGB", [grey] * 3)
    bodies = {
        "PNG of 16 bits, transparent": _sixteen_bits(8940),
        "JPEG, progressive CMYK": _saved(colours.convert("CMYK"), "JPEG", {"progressive": True, "quality": 80}),
        "WebP": _saved(colours, "WEBP", {"method": 0, "quality": 70}),
    }
    rows = [(name, *map(round, _alone(_OURS, body))) for name, body in bodies.items()]
    return table("The largest that the limits allow, 80 megapixels", ("", "peak MB", "CPU s"), rows)


def _sixteen_bits(side: int) -> bytes:
    """Return a PNG that Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    levels = np.random.default_rng(1).integers(0, 40, side * 4 // 20, dtype=">u2") * 1600
    rows = (b"\0" + levels.astype(">u2").tobytes() * 20) * side
    header = side.to_bytes(4, "big") * 2 + bytes((16, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 1)), chunk(b"IEND", b""))
    )


def _picture() -> Any:
    from nightdesk.imaging.inspect import Picture

    return Picture("", "jpeg", 4000, 2667)


def _alone(code: str, body: bytes) -> tuple[float, float]:
    """Return the peak memory in MB and the CPU seconds of code that runs in a separate process."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = [sys.executable, "-c", _ALONE.format(code=code), str(ROOT / "shared"), file.name]
        peak, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(peak), float(cpu)


def _beside_hugo(hero: bytes) -> str:
    """Compare with Hugo, for the formats that it has: WebP and JPEG, at the same widths."""
    found = sorted(Path(sysconfig.get_paths()["purelib"]).glob("hugo/binaries/hugo*"))
    if not found:
        return "(beside Hugo: skipped, it is not installed)\n"
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        files = [variant for variant in plan(inspect(hero, decode=False)) if variant.format != "avif"]
        for path, text in {
            "hugo.json": json.dumps({"disableKinds": ["taxonomy", "term", "rss", "sitemap", "robotsTXT", "404"]}),
            "layouts/index.html": "".join(
                f'{{{{ $i := (resources.Get "hero.jpg").Resize "{f.width}x {f.format} q79" }}}}{{{{ $i.RelPermalink }}}}\n'
                for f in files
            ),
        }.items():
            (site / path).parent.mkdir(exist_ok=True)
            (site / path).write_text(text)
        (site / "assets").mkdir()
        (site / "assets" / "hero.jpg").write_bytes(hero)
        theirs = run([str(found[0]), "--quiet"], site)
    code = _OURS.replace("plan(picture))", "[f for f in plan(picture) if f.format != 'avif'])")
    rows = [("Hugo", theirs.cpu, round(theirs.peak)), ("ours", *_alone(code, hero)[::-1])]
    return table(f"WebP and JPEG of a 4,000 px photograph, {len(files)} files", ("", "CPU s", "peak MB"), rows)
