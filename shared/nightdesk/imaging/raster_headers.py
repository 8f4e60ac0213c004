"""The headers of a photograph in any of the raster formats, within the limits."""

from __future__ import annotations

from nightdesk.imaging.boxes import read_avif
from nightdesk.imaging.exif import orientation_of
from nightdesk.imaging.formats import format_of
from nightdesk.imaging.header import Header
from nightdesk.imaging.limits import DEFAULT, ImageRefused, Limits, check_dimensions
from nightdesk.imaging.raster import read_gif, read_jpeg, read_png, read_webp

_READERS = {"png": read_png, "jpeg": read_jpeg, "gif": read_gif, "webp": read_webp, "avif": read_avif}


def read_header(data: bytes, limits: Limits = DEFAULT) -> Header:
    """Return what the headers of a raster image say, once they are within the limits.

    Raises:
        ImageRefused: it is damaged, cut off or too large, or not a raster image.
    """
    read = _READERS.get(format_of(data))
    if read is None:
        raise ImageRefused("is a drawing, not a photograph")
    header = read(data, limits)
    check_dimensions(header.width, header.height, header.frames, limits)
    # AVIF has separate properties for this, and ignores EXIF's.
    if header.format != "avif" and header.exif:
        header.orientation = orientation_of(header.exif)
    return header


def displayed(header: Header) -> tuple[int, int]:
    """Return width and height once the picture is turned as its header says."""
    return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)
