"""What an original is, or why it is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nightdesk.domain.pictures import refusal_of_size
from nightdesk.imaging.formats import format_of
from nightdesk.imaging.limits import DEFAULT, ImageRefused, Limits
from nightdesk.imaging.provenance import drawing_provenance, read_provenance
from nightdesk.imaging.raster_headers import displayed, read_header
from nightdesk.imaging.vector import sanitise


@dataclass(frozen=True)
class Picture:
    """What is known of an original.

    Attributes:
        sha256: of its bytes.
        format: png, jpeg, gif, webp, avif or svg, by its bytes, whatever its name says.
        width, height: in pixels, as displayed; of a drawing without a size, 0.
        frames: more than one in an animation.
        has_alpha: it can have transparent pixels.
        is_lossless: its format kept every pixel, as for screenshots and charts.
        is_indexed: it has a palette of at most 256 colours.
        credit, copyright, caption: from its metadata; empty for none.
        source_type: a code of IPTC's digital source types, from its metadata; None for none.
        colour: its dominant colour, as `#rrggbb`; empty if it was not decoded.
    """

    sha256: str
    format: str
    width: int
    height: int
    frames: int = 1
    has_alpha: bool = False
    is_lossless: bool = False
    is_indexed: bool = False
    credit: str = ""
    copyright: str = ""
    caption: str = ""
    source_type: str | None = None
    colour: str = ""


def inspect(data: bytes, limits: Limits = DEFAULT, *, decode: bool = True) -> Picture:
    """Return what an original is.

    Args:
        data: the whole file.
        decode: also decode it (with Pillow), which finds its colour, and damage that its headers do not show. Without, no more
            than its headers are read, in plain Python.

    Raises:
        ImageRefused: it cannot be shown; the text says why.
    """
    if refusal := refusal_of_size(len(data), limits.size):
        raise ImageRefused(refusal)
    sha256 = hashlib.sha256(data).hexdigest()
    name = format_of(data)
    if name == "svg":
        drawing, described = sanitise(data), drawing_provenance(data)
        return Picture(
            sha256,
            "svg",
            drawing.width,
            drawing.height,
            has_alpha=True,
            credit=described.credit,
            copyright=described.copyright,
            caption=described.caption,
            source_type=described.source_type or None,
        )
    header = read_header(data, limits)
    colour = ""
    if decode:
        from nightdesk.imaging.pixels import dominant_colour

        colour = dominant_colour(data, header)
    said = read_provenance(header)
    width, height = displayed(header)
    return Picture(
        sha256,
        name,
        width,
        height,
        header.frames,
        header.has_alpha,
        header.is_lossless,
        header.is_indexed,
        said.credit,
        said.copyright,
        said.caption,
        said.source_type or None,
        colour,
    )
