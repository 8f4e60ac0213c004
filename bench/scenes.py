"""Made-up photographs: rendered scenes with camera-like noise, for the examples and for `bench/images.py`.

`python -m bench.scenes examples` writes the examples' photographs again. They say of themselves that software made them, and carry the
metadata that a camera would leave, with a position and a serial number, so that one can see these go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from nightdesk.imaging.provenance import IPTC
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .measure import ROOT

Pixels = np.ndarray[Any, np.dtype[np.float32]]
"""Linear light: height × width × 3, or height × width."""
FONT = ROOT / "shared" / "nightdesk" / "imaging" / "fonts" / "NotoSans-SemiBold.ttf"


def colour(text: str) -> Pixels:
    """Return a colour such as `#ffc35c` in linear light."""
    values = np.array([int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)], np.float32)
    return values**2.2  # type: ignore[no-any-return]


def clouds(
    random: np.random.Generator, height: int, width: int, coarse: tuple[float, float], octaves: int = 6
) -> Pixels:
    """Return noise of several sizes, from 0 to 1; `coarse` is how many of its largest bumps fit, down and across."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        bumps = (min(height, max(2, round(coarse[0] * 2**octave))), min(width, max(2, round(coarse[1] * 2**octave))))
        layer = Image.fromarray(random.random(bumps, np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, np.float32) * 0.5**octave
        weight += 0.5**octave
    return total / weight  # type: ignore[no-any-return]


def between(low: Pixels, high: Pixels, part: Pixels) -> Pixels:
    """Return colours between two, by a part from 0 to 1 for each pixel."""
    part = np.clip(part, 0, 1)
    return low * (1 - part[..., None]) + high * part[..., None]  # type: ignore[no-any-return]


def step(low: float, high: float, value: Pixels) -> Pixels:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between them."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)  # type: ignore[no-any-return]


def grid(height: int, width: int) -> tuple[Pixels, Pixels]:
    """Return how far down and how far across each pixel lies, from 0 to 1."""
    return np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)  # type: ignore[return-value]


def mask(width: int, height: int, draw: Callable[[ImageDraw.ImageDraw], None], blur: float = 0.8) -> Pixels:
    """Return what is drawn in white on black, a little out of focus."""
    image = Image.new("L", (width, height))
    draw(ImageDraw.Draw(image))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur * width / 1600)), np.float32) / 255


def strait(width: int = 4000, seed: int = 11) -> Pixels:
    """Ships between two headlands at dusk."""
    random, height = np.random.default_rng(seed), width * 2 // 3
    down, across = grid(height, width)
    horizon = 0.47
    sky = between(colour("#f2a35e"), colour("#31465f"), step(0, 0.5, horizon - down))
    sky = between(sky, colour("#1c2a40"), step(0.25, 0.6, horizon - down))
    veil = clouds(random, height, width, (5, 2.2))
    sky = between(sky, colour("#c97a5e"), step(0.5, 0.72, veil) * step(0.42, 0.0, np.abs(horizon - 0.12 - down)) * 0.75)
    sun = np.exp(-(((across - 0.61) / 0.13) ** 2) - ((down - horizon) / 0.1) ** 2)
    sky = sky + sun[..., None] * colour("#ffb35a") * 1.6
    # The sea mirrors the sky at a height that each wave's slope decides; waves are smaller the farther away they are.
    depth = np.maximum(down - horizon, 0.0015)
    texture = clouds(random, 2048, 2048, (110, 90), 5)
    rows = (132 / depth + 1400 * down).astype(np.int64) % 2048
    columns = ((across - 0.5) / (depth + 0.04) * 660 + 1024).astype(np.int64) % 2048
    waves = texture[rows, columns] - 0.5
    mirrored = np.clip(((2 * horizon - down - np.abs(waves) * 0.55 - 0.02) * height).astype(np.int64), 0, height - 1)
    columns = np.clip((np.arange(width)[None, :] + (waves * width * 0.03)).astype(np.int64), 0, width - 1)
    sea = sky[mirrored, columns] * 0.5 + colour("#0d2029") * 0.6
    glitter = step(0.1, 0.24, waves) * np.exp(-(((across - 0.61) / (0.03 + depth * 0.35)) ** 2) - 5 * depth)
    sea = sea + glitter[..., None] * colour("#ffd49a") * 1.3
    scene = np.where((down < horizon)[..., None], sky, sea).astype(np.float32)
    for side, rise, haze in ((0.0, 0.16, 0.55), (1.0, 0.12, 0.35), (0.0, 0.09, 0.15)):
        slope = np.clip(1 - np.abs(across[0] - side) / (0.46 - rise), 0, 1) ** 0.7
        ridge = horizon - rise * slope * (0.6 + 0.8 * clouds(random, 1, width, (1, 6))[0])
        land = (step(0, 0.002, down - ridge[None, :]) * (down < horizon + 0.004) * (slope > 0)[None, :]).astype(
            np.float32
        )
        rock = colour("#20262b") * (0.55 + 0.9 * clouds(random, height, width, (30, 40), 5)[..., None])
        scene = between(scene, rock * (1 - haze) + colour("#a3705c") * haze, land)
    return _ships(scene, horizon, height, width)


def _ships(scene: Pixels, horizon: float, height: int, width: int) -> Pixels:
    def hulls(draw: ImageDraw.ImageDraw) -> None:
        for x, y, size in ((0.55, 0.012, 0.16), (0.36, 0.004, 0.06), (0.72, 0.0015, 0.035)):
            left, base, unit = x * width, (horizon + y) * height, size * width
            draw.polygon([(left, base), (left + unit, base), (left + unit * 1.04, base - unit * 0.09),
                          (left - unit * 0.03, base - unit * 0.075)], fill=255)  # fmt: skip
            draw.rectangle((left + unit * 0.06, base - unit * 0.23, left + unit * 0.17, base - unit * 0.05), fill=255)
            draw.rectangle((left + unit * 0.1, base - unit * 0.29, left + unit * 0.13, base - unit * 0.2), fill=255)
            for bay in range(9):
                x0, tall = left + unit * (0.21 + bay * 0.085), unit * (0.05 + 0.03 * ((bay * 7) % 4) / 2)
                draw.rectangle((x0, base - unit * 0.07 - tall, x0 + unit * 0.078, base - unit * 0.06), fill=255)

    def lamps(draw: ImageDraw.ImageDraw) -> None:
        for x, y, radius in (
            (0.567, -0.021, 1.6),
            (0.575, -0.021, 1.6),
            (0.71, -0.003, 1.2),
            (0.363, -0.006, 1.1),
            (0.12, -0.02, 1.4),
        ):
            at, r = (x * width, (horizon + y) * height), radius * width / 1600
            draw.ellipse((at[0] - r, at[1] - r, at[0] + r, at[1] + r), fill=255)

    ships = mask(width, height, hulls)
    scene = between(scene, colour("#171a1f"), ships * 0.94)
    mirror = np.roll(ships[::-1], round((2 * horizon + 0.012 - 1) * height), 0)
    scene = between(scene, colour("#10171c"), mirror * 0.5 * (grid(height, width)[0] > horizon))
    light = mask(width, height, lamps)
    glow = (
        np.asarray(
            Image.fromarray((light * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(width / 260)), np.float32
        )
        / 255
    )
    return scene + (light * 1.6 + glow * 2.5)[..., None] * colour("#ffe2a8")  # type: ignore[no-any-return]


def field(width: int = 1600, seed: int = 5) -> Pixels:
    """A field of stubble under summer clouds."""
    random, height = np.random.default_rng(seed), width * 2 // 3
    down, across = grid(height, width)
    horizon = 0.42
    sky = between(colour("#c9dcea"), colour("#3f78b5"), step(0, 0.42, horizon - down))
    billow = clouds(random, height, width, (6, 4), 7)
    sky = between(sky, colour("#f4f3ef"), step(0.5, 0.66, billow) * 0.92)
    sky = between(sky, colour("#8d97a5"), step(0.6, 0.8, np.roll(billow, -height // 40, 0)) * 0.5)
    depth = np.maximum(down - horizon, 0.004)
    texture = clouds(random, 2048, 2048, (60, 260), 4)
    rows = (24 / depth).astype(np.int64) % 2048
    columns = ((across - 0.5) / (depth + 0.03) * 420).astype(np.int64) % 2048
    stalks = texture[rows, columns]
    tracks = np.abs(((across - 0.47) / (depth + 0.01)) % 3.0 - 1.5) < 0.09
    wheat = between(colour("#6f5420"), colour("#e3bf6c"), step(0.25, 0.75, stalks))
    wheat = between(wheat, colour("#5b4a22"), tracks * 0.55)
    wheat = between(wheat, colour("#c8b98d"), step(0.1, 0.0, depth) * 0.7)
    wheat = wheat * (0.75 + 0.5 * step(0.4, 0.6, clouds(random, height, width, (4, 3), 3)))[..., None]
    scene = np.where((down < horizon)[..., None], sky, wheat).astype(np.float32)
    trees = horizon - 0.012 - 0.028 * clouds(random, 1, width, (1, 26))[0] ** 2
    hedge = step(0, 0.003, down - trees[None, :]) * (down < horizon + 0.003)
    return between(
        scene, colour("#35452c") * (0.6 + 0.8 * clouds(random, height, width, (90, 120), 3)[..., None]), hedge
    )


def rails(width: int = 1600, seed: int = 8) -> Pixels:
    """A railway line in morning fog."""
    random, height = np.random.default_rng(seed), width * 2 // 3
    down, across = grid(height, width)
    horizon = 0.5
    depth = np.maximum(down - horizon, 0.001)
    fog = colour("#c3c9cc")
    texture = clouds(random, 1024, 1024, (200, 200), 4)
    ballast = texture[
        (40 / (depth + 0.02)).astype(np.int64) % 1024, ((across - 0.5) / (depth + 0.02) * 300).astype(np.int64) % 1024
    ]
    ground = between(colour("#2d2a27"), colour("#8d877d"), step(0.25, 0.8, ballast))
    meadow = between(colour("#39462b"), colour("#7d8a52"), texture[::-1][(60 / (depth + 0.05)).astype(np.int64) % 1024,
                     ((across - 0.5) / (depth + 0.05) * 200).astype(np.int64) % 1024])  # fmt: skip
    lateral = (across - 0.53) / depth
    ground = between(meadow, ground, step(2.3, 1.9, np.abs(lateral)))
    sleepers = ((1 / depth * 1.1) % 1.0 < 0.42) & (np.abs(lateral) < 1.45)
    ground = between(ground, colour("#4a4139") * (0.7 + 0.6 * ballast[..., None]), sleepers.astype(np.float32) * 0.9)
    for side in (-0.85, 0.85):
        ground = between(ground, colour("#1d1c1c"), step(0.15, 0.09, np.abs(lateral - side)))
        ground = between(ground, colour("#e8edf0"), step(0.06, 0.03, np.abs(lateral - side + 0.02)) * 0.9)
    scene = between(ground, fog, step(0.24, 0.0, depth))
    scene = np.where((down < horizon)[..., None], fog * (1.05 - 0.25 * (horizon - down)[..., None]), scene).astype(
        np.float32
    )
    for far, height_of in ((0.85, 0.07), (0.65, 0.12), (0.4, 0.2)):
        crown = horizon - height_of * clouds(random, 1, width, (1, 9), 7)[0] * (0.35 + 1.3 * np.abs(across[0] - 0.53))
        wood = step(0, 0.006, down - crown[None, :]) * step(horizon + 0.02, horizon - 0.005, down)
        scene = between(scene, colour("#2a332c") * (1 - far) + fog * far, wood)
    poles = mask(width, height, lambda draw: _poles(draw, width, height, horizon))
    return between(scene, colour("#3b4043"), poles * 0.85)


def _poles(draw: ImageDraw.ImageDraw, width: int, height: int, horizon: float) -> None:
    for number in range(1, 8):
        far = 0.5 / number
        x, base = (0.53 + far * 0.9) * width, (horizon + far * 0.45) * height
        top, thick = base - far * 1.3 * height, max(1, far * 0.02 * width)
        draw.rectangle((x, top, x + thick, base), fill=255)
        draw.rectangle(
            (x - far * 0.32 * width, top + far * 0.1 * height, x, top + far * 0.1 * height + thick / 3), fill=255
        )
    for wire in (0.02, 0.06):
        draw.line(
            (width * 1.3, height * (-0.3 + wire * 8), 0.53 * width, horizon * height),
            fill=200,
            width=max(1, width // 900),
        )


def portrait(
    width: int = 900, seed: int = 1, *, hair: str = "#3a2a20", coat: str = "#27394a", wall: str = "#8d8779"
) -> Pixels:
    """A bust of clay in the light of a window, before a wall out of focus."""
    random = np.random.default_rng(seed)
    down, across = grid(width, width)
    x, y = (across - 0.5) * 2, (0.46 - down) * 2
    light = np.array([-0.55, 0.5, 0.67], np.float32)
    back = (
        colour(wall)
        * (0.5 + 0.8 * clouds(random, width, width, (3, 3), 3)[..., None])
        * (1.15 - 0.75 * across[..., None])
    )
    scene, near = back.astype(np.float32), np.full((width, width), -9, np.float32)
    skin = colour("#b98f78")
    parts = [  # centre, radii, colour
        ((0, -1.15, -0.1), (0.98, 0.66, 0.5), colour(coat)), ((0, -0.52, 0), (0.2, 0.36, 0.2), skin * 0.85),
        ((0, 0.1, 0), (0.36, 0.48, 0.4), skin), ((0, 0.02, 0.37), (0.055, 0.11, 0.09), skin),
        ((0, -0.15, 0.34), (0.11, 0.026, 0.05), skin * colour("#d08a80")), ((-0.37, 0.05, -0.02), (0.05, 0.1, 0.08), skin),
        ((0.37, 0.05, -0.02), (0.05, 0.1, 0.08), skin), ((0, 0.25, -0.06), (0.385, 0.4, 0.4), colour(hair)),
        ((-0.14, 0.14, 0.33), (0.06, 0.022, 0.05), colour("#2b2320")), ((0.14, 0.14, 0.33), (0.06, 0.022, 0.05), colour("#2b2320")),
        ((-0.14, 0.22, 0.33), (0.09, 0.014, 0.06), colour(hair)), ((0.14, 0.22, 0.33), (0.09, 0.014, 0.06), colour(hair)),
    ]  # fmt: skip
    strands = clouds(random, width, width, (4, 90), 4)
    for number, ((cx, cy, cz), (rx, ry, rz), tone) in enumerate(parts):
        u, v = (x - cx) / rx, (y - cy) / ry
        inside = 1 - u * u - v * v
        depth = cz + rz * np.sqrt(np.maximum(inside, 0))
        # The fringe ends above the eyes.
        shown = (inside > 0) & (depth > near) & ((number != 7) | (y > 0.32 + 0.05 * strands))
        normal = np.stack([u / rx, v / ry, np.sqrt(np.maximum(inside, 0)) / rz], -1)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        shade = np.clip(normal @ light, 0, 1) * 1.05 + 0.16 + 0.25 * np.clip(normal[..., 0], 0, 1) ** 3
        grain = 0.88 + 0.24 * (strands if number == 7 else clouds(random, width, width, (60, 60), 3))
        body = tone * (shade * grain)[..., None]
        scene = np.where(shown[..., None], body, scene).astype(np.float32)
        near = np.where(shown, depth, near).astype(np.float32)
    return scene


def photographed(scene: Pixels, seed: int = 3, noise: float = 0.012) -> Image.Image:
    """Return a scene as a camera would take it: darker corners, noise of light and sensor, a film's curve."""
    random = np.random.default_rng(seed)
    height, width = scene.shape[:2]
    down, across = grid(height, width)
    scene = scene * (1 - 0.45 * ((across - 0.5) ** 2 + (down - 0.5) ** 2))[..., None]
    scene = (
        np.maximum(scene, 0)
        + random.standard_normal(scene.shape, np.float32) * np.sqrt(np.maximum(scene, 0.002)) * noise
    )
    scene = np.clip(scene * 1.15 / (1 + 0.15 * np.maximum(scene, 0)), 0, 1) ** (1 / 2.2)
    image = Image.fromarray((scene * 255 + 0.5).astype(np.uint8))
    # A camera's interpolation of colours makes noise of neighbouring pixels alike.
    return image.filter(ImageFilter.GaussianBlur(0.55))


def chart(width: int = 1600) -> Image.Image:
    """A bar chart in few colours, as drawing programs export it."""
    height = width * 9 // 16
    image = Image.new("RGB", (width, height), "#fcfcfb")
    draw = ImageDraw.Draw(image)
    small, large = ImageFont.truetype(FONT, width // 50), ImageFont.truetype(FONT, width // 36)
    draw.text((width * 0.06, height * 0.06), "One passage of a ship worth 40 million", fill="#15191f", font=large)
    bars = (
        ("Now", (("War risk premium", 100_000, "#985100"),)),
        ("If Sahlen confirms", (("War risk premium", 4_000, "#985100"), ("Pilot’s fee", 44_000, "#07596f"))),
    )
    for number, (name, parts) in enumerate(bars):
        top, left = height * (0.26 + 0.33 * number), width * 0.06
        draw.text((left, top - height * 0.015), name, fill="#525c68", font=small, anchor="ls")
        for label, value, tone in parts:
            right = left + width * 0.86 * value / 100_000
            draw.rectangle((left, top, right - 2, top + height * 0.14), fill=tone)
            if value > 20_000:
                text = f"{label}: {value:,}"
                draw.text((left + width * 0.015, top + height * 0.07), text, fill="#fcfcfb", font=small, anchor="lm")
            left = right
        if len(parts) > 1:
            total = f"{sum(value for _, value, _ in parts):,}"
            draw.text((left + width * 0.015, top + height * 0.07), total, fill="#15191f", font=small, anchor="lm")
    draw.text(
        (width * 0.06, height * 0.92),
        "Sources: brokers’ quotations, 5 November; ordinance on pilotage",
        fill="#525c68",
        font=small,
    )
    return image.quantize(32, dither=Image.Dither.NONE)


def camera_file(image: Image.Image, quality: int, caption: str, *, orientation: int = 1) -> bytes:
    """Return a JPEG file with what a camera and an agency's desk would write into it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Nightdesk", "Scene renderer", "bench/scenes.py"
    exif[0x013B], exif[0x8298], exif[0x0132] = "Anonymous Renderer", "© The Late Meridian", "2026:11:02 17:41:09"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769).update({0xA431: "ND-000417", 0x829A: 1 / 250, 0x829D: 5.6, 0x8827: 400})
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 14.0, 7.5), 3: "E", 4: (9.0, 35.0, 51.2)})
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" photoshop:Credit="The Late Meridian"'
        f' e:DigitalSourceType="{IPTC}algorithmicMedia"><dc:creator><rdf:Seq><rdf:li>Anonymous Renderer</rdf:li></rdf:Seq></dc:creator>'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{caption}</rdf:li></rdf:Alt></dc:description>'
        '</rdf:Description></rdf:RDF></x:xmpmeta>'
    )  # fmt: skip
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif, xmp=packet.encode(), optimize=True)
    return out.getvalue()


def examples() -> dict[str, bytes]:
    """Return the examples' pictures, by path below `examples/`."""
    drafts = "drafts/"
    turned = photographed(field(), noise=0.01).transpose(Image.Transpose.ROTATE_90)
    out = BytesIO()
    chart().save(out, "PNG", optimize=True)
    return {
        f"{drafts}tamrin-strait-insurance/strait.jpg": camera_file(
            photographed(strait(), noise=0.008), 85, "Dusk at the narrows of Tamrin."
        ),
        f"{drafts}tamrin-strait-insurance/passage.png": out.getvalue(),
        f"{drafts}melitor-grain-corridor/field.jpg": camera_file(
            turned, 80, "Stubble above Melitor, after the harvest.", orientation=6
        ),
        f"{drafts}counting-trains/crossing.jpg": camera_file(
            photographed(rails(), noise=0.014), 80, "The single track on a morning in May."
        ),
        "authors/henrike-solano.jpg": camera_file(photographed(portrait(), noise=0.012), 82, ""),
        "authors/tobin-sule.jpg": camera_file(
            photographed(portrait(seed=4, hair="#8a8580", coat="#5b3a33", wall="#5c6c78"), noise=0.012), 82, ""
        ),
    }


def main() -> None:
    """Write the examples' pictures into a folder."""
    for name, body in examples().items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        print(f"{name}: {len(body) / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
