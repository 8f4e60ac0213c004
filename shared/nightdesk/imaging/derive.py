"""The files that readers get, made of an original. The same input always gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from nightdesk.imaging.header import Header
from nightdesk.imaging.inspect import Picture
from nightdesk.imaging.limits import DEFAULT, ImageRefused, Limits
from nightdesk.imaging.provenance import NOTHING_SAID, Provenance, xmp_packet
from nightdesk.imaging.raster_headers import read_header
from nightdesk.imaging.recipe import Variant

if TYPE_CHECKING:
    from PIL import Image

_QUALITIES: dict[str, tuple[int, int]] = {"avif": (60, 75), "webp": (79, 90), "jpeg": (78, 90)}
"""By format: for a photograph, and for what a lossless format held, such as a screenshot. Those for photographs look alike: their
structural similarity to the original is 0.967 on average (see docs/decisions/2026-11-29-pictures-are-made-by-pillow.md)."""
_LARGE = 1080
"""Wider than this, AVIF is made with less effort: a tenth of the bytes more, in a third of the time. Telephones load no wider ones."""
_AVIF_SPEED, _AVIF_SPEED_OF_LARGE = 6, 8
_WEBP_EFFORT, _ANIMATED_EFFORT = 4, 2


def derive(
    data: bytes, picture: Picture, variant: Variant, provenance: Provenance = NOTHING_SAID, limits: Limits = DEFAULT
) -> bytes:
    """Return one of the files that `plan` names.

    Raises:
        ImageRefused: the original cannot be decoded, or the result cannot be encoded.
    """
    [(_, body)] = derive_all(data, picture, [variant], provenance, limits)
    return body


def derive_all(
    data: bytes,
    picture: Picture,
    variants: Iterable[Variant],
    provenance: Provenance = NOTHING_SAID,
    limits: Limits = DEFAULT,
) -> Iterator[tuple[Variant, bytes]]:
    """Yield each of the files with its bytes; the original is decoded once, or once more for each animated one.

    Nothing of the original's metadata is in them, only `provenance`.

    Raises:
        ImageRefused: the original cannot be decoded, or the result cannot be encoded.
    """
    packet = xmp_packet(provenance)
    if picture.format == "svg":
        from nightdesk.imaging.vector import sanitise, with_metadata

        for variant in variants:
            yield variant, with_metadata(sanitise(data).body, packet)
        return
    header = read_header(data, limits)
    still = None
    for variant in variants:
        if variant.is_animated:
            yield variant, _animation(data, header, variant, packet)
            continue
        if still is None:
            from nightdesk.imaging.pixels import master

            still = master(data, header)
        yield variant, _encoded(still, header, variant, packet)


def _encoded(master: Image.Image, header: Header, variant: Variant, packet: bytes) -> bytes:
    from nightdesk.imaging.pixels import resized

    image = resized(master, (variant.width, variant.height))
    return _saved(image, header, **_SETTINGS[variant.format](image, header, packet))


def _saved(image: Image.Image, header: Header, **settings: Any) -> bytes:
    out = BytesIO()
    try:
        image.save(out, **settings)
    except MemoryError:
        raise
    except Exception as error:
        # Encoders raise errors of many types for pictures beyond their limits.
        raise ImageRefused(
            f"is a {header.format.upper()} that cannot be converted for readers; save it again"
        ) from error
    return out.getvalue()


def _quality(name: str, header: Header) -> int:
    return _QUALITIES[name][header.is_lossless]


def _avif(image: Image.Image, header: Header, packet: bytes) -> dict[str, Any]:
    # One thread: the function has about one processor, and the result must not depend on how many there are.
    return {
        "format": "AVIF",
        "codec": "aom",
        "quality": _quality("avif", header),
        "speed": _AVIF_SPEED_OF_LARGE if image.width > _LARGE else _AVIF_SPEED,
        "subsampling": "4:4:4" if header.is_lossless else "4:2:0",
        "max_threads": 1,
        **({"xmp": packet} if packet else {}),
    }


def _webp(_: Image.Image, header: Header, packet: bytes) -> dict[str, Any]:
    lossless = {"lossless": True, "quality": 60} if header.is_indexed else {"quality": _quality("webp", header)}
    return {"format": "WEBP", "method": _WEBP_EFFORT, **lossless, **({"xmp": packet} if packet else {})}


def _jpeg(_: Image.Image, header: Header, packet: bytes) -> dict[str, Any]:
    return {
        "format": "JPEG",
        "quality": _quality("jpeg", header),
        "progressive": True,
        "optimize": True,
        "subsampling": "4:4:4" if header.is_lossless else "4:2:0",
        **({"xmp": packet} if packet else {}),
    }


def _png(_: Image.Image, header: Header, packet: bytes) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    if packet:
        texts.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"format": "PNG", "compress_level": 9, "pnginfo": texts}


_SETTINGS = {"avif": _avif, "webp": _webp, "jpeg": _jpeg, "png": _png}


def _animation(data: bytes, header: Header, variant: Variant, packet: bytes) -> bytes:
    from nightdesk.imaging.pixels import frames, loops

    images, durations = zip(*frames(data, header, (variant.width, variant.height)), strict=True)
    return _saved(
        images[0],
        header,
        format="WEBP",
        save_all=True,
        append_images=images[1:],
        duration=list(durations),
        loop=loops(data, header),
        method=_ANIMATED_EFFORT,
        quality=_quality("webp", header),
        **({"xmp": packet} if packet else {}),
    )
