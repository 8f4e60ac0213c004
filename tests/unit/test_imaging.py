"""Photographs: what is read of an original, what is refused, and what is made of it."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from nightdesk.domain import pictures
from nightdesk.domain.source_types import understates
from nightdesk.imaging import derive as derivation
from nightdesk.imaging import recipe
from nightdesk.imaging.derive import derive, derive_all
from nightdesk.imaging.inspect import Picture, inspect
from nightdesk.imaging.limits import DEFAULT, ImageRefused
from nightdesk.imaging.provenance import Provenance, xmp_packet
from nightdesk.imaging.recipe import Variant, plan
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
SAID = Provenance("Jo <Ko> & “Sons”", "© 2026 Nightdesk", "digitalCapture")
SECRETS = (b"Zbigniew", b"GPS", b"Canon", b"serial-4711", b"8BIM", b"evil")


@cache
def scene(width: int = 640, height: int = 400, mode: str = "RGB") -> Image.Image:
    """A picture whose four corners differ: red, green, blue and white, on a gradient."""
    image = Image.merge(
        "RGB", [Image.linear_gradient("L").resize((width, height)).rotate(turn) for turn in (0, 180, 0)]
    )
    draw = ImageDraw.Draw(image)
    for x, y, colour in ((0, 0, "red"), (1, 0, "lime"), (0, 1, "blue"), (1, 1, "white")):
        draw.rectangle(
            (x * width * 3 // 4, y * height * 3 // 4, (3 * x + 1) * width // 4, (3 * y + 1) * height // 4), fill=colour
        )
    if mode == "I;16":
        return image.convert("I").point(lambda value: value * 257).convert("I;16")
    return image.convert(mode)


def saved(image: Image.Image, name: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def corners(data: bytes) -> list[str]:
    """Return the colours of the four corners by name: upper left, upper right, lower left, lower right."""
    image = opened(data).convert("RGB")
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white"}
    points = [(x, y) for y in (4, image.height - 5) for x in (4, image.width - 5)]
    pixels = [image.getpixel(point) for point in points]
    return [names.get(tuple(round(channel / 255) for channel in pixel), "?") for pixel in pixels]  # type: ignore[union-attr]


def made(data: bytes, provenance: Provenance = SAID) -> dict[Variant, bytes]:
    picture = inspect(data)
    return dict(derive_all(data, picture, plan(picture), provenance))


# --- Planning ---


def test_no_file_is_wider_than_its_original_and_all_keep_its_shape() -> None:
    for width, height in ((4000, 2667), (1500, 1000), (500, 3000), (33, 2), (1, 1), (1000, 40_000)):
        files = plan(Picture("0" * 64, "jpeg", width, height))
        assert {file.format for file in files} == {"avif", "webp", "jpeg"}
        assert all(1 <= file.width <= width and file.height <= 16_383 for file in files)
        assert all(abs(file.height - height * file.width / width) <= 1 for file in files)
        assert len({(file.format, file.width) for file in files}) == len(files)


def test_what_is_planned_is_what_is_made() -> None:
    data = saved(scene(400, 250))
    picture = inspect(data, decode=False)
    for variant, body in derive_all(data, picture, plan(picture), SAID):
        found = inspect(body)
        assert (found.format, found.width, found.height) == (variant.format, variant.width, variant.height)


def test_the_same_input_gives_the_same_bytes_alone_and_together() -> None:
    data = saved(scene(360, 240))
    picture = inspect(data)
    first, second = made(data), made(data)
    assert first == second
    for variant in (variant for variant in plan(picture) if variant.width < 360):
        assert derive(data, picture, variant, SAID) == first[variant]


def test_another_pillow_and_other_settings_are_another_recipe() -> None:
    """They may give other bytes. After a change, increase `RECIPE` and add a line here: then pages get new renditions."""
    lock = (ROOT / "requirements" / "images.txt").read_text("utf-8")
    pillow = re.search(r"^pillow==(\S+)", lock, re.MULTILINE)
    settings = [
        (
            pictures.WIDTHS,
            pictures.AUTHOR_WIDTHS,
            recipe.FALLBACK_WIDTHS,
            recipe.ANIMATED_WIDTHS,
            recipe.ANIMATED_PIXELS,
        ),
        (derivation._QUALITIES, derivation._LARGE, derivation._AVIF_SPEED, derivation._AVIF_SPEED_OF_LARGE),
        (derivation._WEBP_EFFORT, derivation._ANIMATED_EFFORT),
        DEFAULT,
    ]
    known = {"1": ("13.0.0", "7b9653726ad1"), "2": ("13.0.0", "e2fdb9e41f7f")}
    assert known[pictures.RECIPE] == (pillow and pillow[1], hashlib.sha256(repr(settings).encode()).hexdigest()[:12])


def test_a_picture_that_is_one_pixel_wide_and_very_tall_is_made_within_every_formats_limits() -> None:
    for size in ((1, 20_000), (20_000, 1)):
        files = made(saved(Image.new("L", size), "PNG"))
        assert {variant.format for variant in files} == {"avif", "webp", "jpeg"}
        assert all(max(opened(body).size) <= 16_383 for body in files.values())


def test_what_an_encoder_cannot_write_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(scene(64, 40))
    for name, error in (("JPEG", ValueError("encoding error 5")), ("WEBP", OSError("broken data stream"))):
        monkeypatch.setattr(Image.Image, "save", Mock(side_effect=error))
        with pytest.raises(ImageRefused, match="is a JPEG that cannot be converted"):
            derive(data, inspect(data), Variant(32, 20, name.lower()))


# --- Metadata ---


def test_only_credit_notice_and_source_type_are_in_what_readers_get() -> None:
    for body in made(original_with_metadata()).values():
        assert not [secret for secret in SECRETS if secret in body]
        found = inspect(body, decode=False)
        assert (found.credit, found.copyright, found.source_type) == (SAID.credit, SAID.copyright, SAID.source_type)
    for body in made(original_with_metadata(), Provenance()).values():
        assert b"xmp" not in body.lower()
        assert b"Exif" not in body


def original_with_metadata() -> bytes:
    image = scene(330, 200)
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x8298] = "Canon", "Zbigniew", "© Zbigniew"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8769)[0xA431] = "serial-4711"
    image.info["comment"] = b"evil"
    return saved(image, exif=exif, comment=b"evil", xmp=xmp_packet(Provenance("evil", "evil", "print")))


def test_orientation_is_applied() -> None:
    for orientation, expected in {
        1: "red lime blue white", 2: "lime red white blue", 3: "white blue lime red", 4: "blue white red lime",
        5: "red blue lime white", 6: "blue red white lime", 7: "white lime blue red", 8: "lime white red blue",
    }.items():  # fmt: skip
        exif = Image.Exif()
        exif[0x0112] = orientation
        for name in ("JPEG", "PNG", "WEBP", "AVIF"):
            data = saved(scene(320, 200), name, exif=exif)
            picture = inspect(data)
            assert (picture.width, picture.height) == ((200, 320) if orientation > 4 else (320, 200)), (
                name,
                orientation,
            )
            variant = Variant(picture.width // 2, picture.height // 2, "jpeg")
            assert corners(derive(data, picture, variant)) == expected.split(), (name, orientation)


def test_a_machines_part_that_a_draft_understates() -> None:
    assert understates("digitalCapture", "trainedAlgorithmicMedia")
    assert understates("compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia")
    assert understates("print", "algorithmicallyEnhanced")
    assert not understates("", "trainedAlgorithmicMedia"), "then the page shows what the original says"
    assert not understates("trainedAlgorithmicMedia", "digitalCapture")
    assert not understates("digitalCapture", "")


def test_a_picture_is_named_by_the_digest_of_its_bytes() -> None:
    data = saved(scene())
    assert inspect(data).sha256 == hashlib.sha256(data).hexdigest()


def test_the_examples_photographs_hold_what_readers_must_not_get() -> None:
    photographs = sorted((ROOT / "examples").rglob("*.jpg"))
    assert len(photographs) == 5
    for path in photographs:
        data = path.read_bytes()
        assert len(data) <= (900_000 if path.stem == "strait" else 300_000)
        assert Image.open(BytesIO(data)).getexif().get_ifd(0x8825)[2] == (47.0, 14.0, 7.5), "a position"
        picture = inspect(data, decode=False)
        assert (picture.credit, picture.source_type) == ("The Late Meridian", "algorithmicMedia")
        assert picture.width >= picture.height, "the one that was taken upright is turned"
    made = derive(data, picture, Variant(90, 60, "jpeg"), SAID)
    assert b"Anonymous Renderer" in data
    assert b"Exif" not in made
    assert b"Renderer" not in made
