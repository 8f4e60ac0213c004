"""What the parts of an image file say, read without decoding a pixel.

Each format is walked part by part, within the file's own bytes and a limit of parts. The walk finds the dimensions, whether the file
is whole, where the image ends (what follows it is ignored), and the packets of metadata.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Header:
    """What a file says of its image.

    Attributes:
        format: png, jpeg, gif, webp or avif.
        width, height: as stored, in pixels.
        orientation: how it is to be turned for display, as in EXIF (1 to 8).
        frames: more than one in an animation.
        has_alpha: it can have transparent pixels.
        is_lossless: its format kept every pixel, as for screenshots and charts.
        is_indexed: it has a palette of at most 256 colours.
        exif, xmp, iptc: packets of metadata; empty for none, or for one above the limit.
        manifest: content credentials (C2PA), in one piece or in several.
        texts: of a PNG, by keyword.
        kept: the parts that decoding needs, as start and end.
    """

    format: str
    width: int = 0
    height: int = 0
    orientation: int = 1
    frames: int = 1
    has_alpha: bool = False
    is_lossless: bool = False
    is_indexed: bool = False
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    manifest: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    kept: list[tuple[int, int]] = field(default_factory=list)

    def core(self, data: bytes) -> bytes:
        """Return the file without metadata and without what follows the image."""
        return b"".join(data[start:end] for start, end in self.kept)
