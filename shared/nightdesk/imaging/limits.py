"""What an original may be at most, and the error that says why one is refused."""

from __future__ import annotations

from dataclasses import dataclass

from nightdesk.domain.errors import Permanent
from nightdesk.domain.pictures import LARGEST_ORIGINAL


class ImageRefused(Permanent):
    """An image that is not shown. Its text says why, and continues a sentence that begins with the file's name."""


@dataclass(frozen=True)
class Limits:
    """What an original may be at most.

    Attributes:
        size: in bytes.
        pixels: of one frame. Below what Pillow warns of (89 million), so that its own limit never decides.
        side: in pixels; JPEG and GIF can hold no more.
        frames: of an animation.
        animated_pixels: of all frames of an animation together, each of which covers the whole picture once decoded.
        metadata: in bytes, of one packet. A larger one is not read; it never reaches readers in any case.
        parts: segments, chunks and blocks of the file. Tools write a few thousand for the largest of pictures.
        scans: the most scans of a JPEG. Each is decoded over the whole picture, however few bytes it has; tools write about ten.
    """

    size: int = LARGEST_ORIGINAL
    pixels: int = 80_000_000
    side: int = 65_535
    frames: int = 500
    animated_pixels: int = 200_000_000
    metadata: int = 1024 * 1024
    parts: int = 500_000
    scans: int = 100


DEFAULT = Limits()


def check_dimensions(width: int, height: int, frames: int, limits: Limits) -> None:
    """Raise `ImageRefused` if a picture has too many pixels or frames. Called before anything is decoded."""
    if width < 1 or height < 1:
        raise ImageRefused("has no pixels")
    pixels = width * height
    if pixels > limits.pixels:
        raise ImageRefused(
            f"has {pixels:,} pixels ({width:,} × {height:,}); at most {limits.pixels:,} are accepted: save it smaller"
        )
    if max(width, height) > limits.side:
        raise ImageRefused(f"is {max(width, height):,} pixels long on one side; at most {limits.side:,} are accepted")
    if frames > limits.frames:
        raise ImageRefused(f"has {frames:,} frames; at most {limits.frames:,} are accepted: publish it as a video")
    if frames > 1 and frames * pixels > limits.animated_pixels:
        raise ImageRefused(
            f"has {frames:,} frames of {width:,} × {height:,} pixels, which is too much for an animation: "
            "make it smaller or shorter, or publish it as a video"
        )
