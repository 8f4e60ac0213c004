"""Which files are made of an original: their dimensions follow from its header."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nightdesk.domain.pictures import WIDTHS
from nightdesk.imaging.inspect import Picture

FALLBACK_WIDTHS = (720, 1440)
"""Of JPEG and PNG, which only browsers from before 2020 load."""
ANIMATED_WIDTHS = (480, 960)
ANIMATED_PIXELS = 48_000_000
"""The most pixels of all frames of an animation together: what WebP encodes in about ten seconds."""
_LONGEST_SIDE = 16_383
"""WebP's."""

_SUFFIXES = {"jpeg": "jpg"}


@dataclass(frozen=True)
class Variant:
    """A file that is made of an original.

    Attributes:
        format: avif, webp, jpeg or png; svg for a drawing.
        is_animated: it keeps the frames of an animation; without, it shows the first.
    """

    width: int
    height: int
    format: str
    is_animated: bool = False

    @property
    def suffix(self) -> str:
        """Of its name, without the dot."""
        return _SUFFIXES.get(self.format, self.format)


def plan(picture: Picture, widths: Sequence[int] = WIDTHS) -> list[Variant]:
    """Return the files to make, by format (those that browsers should prefer first), and by width.

    No file is wider than the original. An animation is made as animated WebP, and its first frame as still pictures for readers
    who prefer reduced motion. A drawing is made once, written anew.
    """
    if picture.format == "svg":
        return [Variant(picture.width, picture.height, "svg")]
    fallback = "png" if picture.has_alpha or picture.is_indexed else "jpeg"
    if picture.frames > 1:
        moving = [w for w in ANIMATED_WIDTHS if picture.frames * w * _height(picture, w) <= ANIMATED_PIXELS]
        affordable = math.isqrt(ANIMATED_PIXELS * picture.width // (picture.frames * picture.height))
        chosen = _within(picture, moving or [max(1, affordable)])
        return [
            *(Variant(w, _height(picture, w), "webp", True) for w in chosen),
            *(Variant(w, _height(picture, w), "webp") for w in chosen),
            *(Variant(w, _height(picture, w), fallback) for w in chosen[-1:]),
        ]
    # AVIF blurs flat colours and sharp edges at sizes where lossless WebP is smaller.
    formats = ("webp",) if picture.is_indexed else ("avif", "webp")
    return [
        *(Variant(w, _height(picture, w), name) for name in formats for w in _within(picture, widths)),
        *(Variant(w, _height(picture, w), fallback) for w in _within(picture, [w for w in widths if w in FALLBACK_WIDTHS] or widths)),
    ]  # fmt: skip


def _within(picture: Picture, widths: Sequence[int]) -> list[int]:
    """Return the widths that a picture is made in: those below its own, and the largest that it has."""
    top = min(picture.width, max(widths), WIDTHS[-1], max(1, picture.width * _LONGEST_SIDE // picture.height))
    # A width just below the largest would save next to nothing.
    return [*(w for w in sorted(widths) if w * 1.1 < top), top]


def _height(picture: Picture, width: int) -> int:
    # A picture may be so narrow that even one pixel of width is too tall.
    return min(_LONGEST_SIDE, max(1, round(picture.height * width / picture.width)))
