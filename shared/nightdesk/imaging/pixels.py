"""Decoding, with Pillow: from an original's bytes to pixels in sRGB, turned as they are to be displayed."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from PIL import Image, ImageCms, ImageSequence

from nightdesk.imaging.header import Header
from nightdesk.imaging.limits import ImageRefused

MASTER_WIDTH = 1920
"""The width, as displayed, at which pixels are kept after decoding. All files are made from these, so that each is the same
whether it is made alone or with others."""
_PILLOW = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GAP = 3.0
"""How much larger than its target a picture may be before it is first reduced by averaging (Pillow's `reducing_gap`)."""


def master(data: bytes, header: Header) -> Image.Image:
    """Return the first frame of an original in RGB or RGBA, in sRGB, turned, and at most `MASTER_WIDTH` wide.

    Raises:
        ImageRefused: it cannot be decoded.
    """
    return _decoded(data, header, MASTER_WIDTH)


def dominant_colour(data: bytes, header: Header) -> str:
    """Return the colour that covers most of a picture, as `#rrggbb`; transparent parts count as white.

    Raises:
        ImageRefused: it cannot be decoded.
    """
    small = _decoded(data, header, 64)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    few = flat.resize((32, 32), Image.Resampling.BOX).quantize(8, Image.Quantize.MEDIANCUT)
    counts = sorted(few.getcolors() or [(1, 0)], key=lambda pair: (-pair[0], pair[1]))
    palette = few.getpalette() or [255, 255, 255]
    index = counts[0][1]
    assert isinstance(index, int)
    return "#{:02x}{:02x}{:02x}".format(*palette[3 * index : 3 * index + 3])


def frames(data: bytes, header: Header, size: tuple[int, int]) -> Iterator[tuple[Image.Image, int]]:
    """Yield each frame of an animation at a size, and for how many milliseconds it is shown."""
    try:
        with _opened(data, header) as source:
            for frame in ImageSequence.Iterator(source):
                duration = int(frame.info.get("duration") or 0)
                # Browsers show a frame of 10 ms or less for 100 ms.
                yield _finished(frame, header, size), duration if duration > 10 else 100
    except ImageRefused:
        raise
    except Exception as error:
        # Decoders raise errors of many kinds for files that are damaged.
        raise _unreadable(header) from error


def loops(data: bytes, header: Header) -> int:
    """Return how often an animation is played; 0 for without end."""
    with _opened(data, header) as source:
        return max(0, min(65_535, int(source.info.get("loop", 1))))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return an image at a size."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=_GAP)


def _opened(data: bytes, header: Header) -> Image.Image:
    image = Image.open(BytesIO(header.core(data)), formats=[_PILLOW[header.format]])
    # The limits were applied to what our own reading of the header says.
    if image.size != (header.width, header.height):
        raise _unreadable(header)
    return image


def _decoded(data: bytes, header: Header, width: int) -> Image.Image:
    turned = header.orientation >= 5
    shown = (header.height, header.width) if turned else (header.width, header.height)
    width = min(width, shown[0])
    size = (width, max(1, round(shown[1] * width / shown[0])))
    try:
        with _opened(data, header) as image:
            # JPEG can be decoded at an eighth to a half of its size, which saves most of the time and memory.
            image.draft(None, size[::-1] if turned else size)
            return _finished(image, header, size)
    except ImageRefused:
        raise
    except Exception as error:
        # Decoders raise errors of many kinds for files that are damaged.
        raise _unreadable(header) from error


def _unreadable(header: Header) -> ImageRefused:
    return ImageRefused(f"is damaged: its pixels cannot be read as {header.format.upper()}. Save it again")


def _finished(image: Image.Image, header: Header, size: tuple[int, int]) -> Image.Image:
    """Return a decoded frame in sRGB, turned, at a size as displayed, and without anything that came with it."""
    profile = image.info.get("icc_profile") or b""
    plain = _plain_mode(image)
    small = resized(plain, size[::-1] if header.orientation >= 5 else size)
    colours = _in_srgb(small, profile)
    turn = _TURNS.get(header.orientation)
    result = colours.transpose(turn) if turn is not None else colours
    # Pillow would write what it finds here into the files that are made.
    if result is image:
        result = result.copy()
    result.info = {}
    return result


def _plain_mode(image: Image.Image) -> Image.Image:
    """Return an image with 8 bits a channel and no palette: L, RGB, RGBA or CMYK."""
    if image.mode in ("L", "RGB", "CMYK") and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("RGBA", "LA", "La", "RGBa", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an image in sRGB. A profile that is damaged, or for other channels than the image has, is left aside."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if space == {"L": "GRAY", "CMYK": "CMYK"}.get(image.mode, "RGB"):
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.PERCEPTUAL, outputMode=target
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == target else image.convert(target)
