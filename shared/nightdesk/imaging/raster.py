"""The parts of PNG, JPEG, GIF and WebP files."""

from __future__ import annotations

import re
import struct
import zlib

from nightdesk.imaging.header import Header
from nightdesk.imaging.limits import ImageRefused, Limits

CUT_OFF = "is cut off: upload it again"


def broken(format_name: str) -> ImageRefused:
    """Return the error for a file that contradicts its own format."""
    return ImageRefused(f"is damaged: it begins as {format_name}, but cannot be read as one. Save it again")


# --- PNG (W3C, "Portable Network Graphics Specification, Third Edition") ---

_MOST_TEXTS = 100
_PNG_KEPT = frozenset(
    (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"cHRM", b"sRGB", b"iCCP")
)
_LARGEST_PROFILE = 1024 * 1024
"""Of a PNG, in bytes, once decompressed; Pillow accepts no larger one."""


def read_png(data: bytes, limits: Limits) -> Header:
    """Return what the chunks of a PNG file say."""
    header = Header("png", is_lossless=True)
    header.kept.append((0, 8))
    at, profiles = 8, 0
    for _ in range(limits.parts):
        if at + 12 > len(data):
            raise ImageRefused(CUT_OFF)
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if not header.width and (kind != b"IHDR" or length != 13):
            raise broken("PNG")
        if end > len(data):
            raise ImageRefused(CUT_OFF)
        _png_chunk(header, kind, data[at + 8 : end - 4], limits)
        if kind == b"iCCP":
            profiles += 1
        if kind in _PNG_KEPT and (kind != b"iCCP" or (profiles == 1 and _is_profile(data[at + 8 : end - 4]))):
            header.kept.append((at, end))
        if kind == b"IEND":
            return header
        at = end
    raise broken("PNG")


def _is_profile(body: bytes) -> bool:
    """Return whether a decoder would accept the colour profile in a chunk; without one, the image is read as sRGB."""
    packed = body.partition(b"\0")[2]
    return len(body) <= _LARGEST_PROFILE and packed[:1] == b"\0" and _inflate(packed[1:], _LARGEST_PROFILE) != b""


def _png_chunk(header: Header, kind: bytes, body: bytes, limits: Limits) -> None:
    if kind == b"IHDR":
        header.width, header.height, _, colours = struct.unpack(">IIBB", body[:10])
        header.has_alpha, header.is_indexed = colours in (4, 6), colours == 3
    elif kind == b"tRNS":
        header.has_alpha = True
    elif kind == b"acTL" and len(body) >= 4:
        header.frames = max(1, struct.unpack(">I", body[:4])[0])
    elif len(body) > limits.metadata:
        return
    elif kind == b"eXIf":
        header.exif = body
    elif kind == b"caBX":
        header.manifest = body
    elif kind in (b"tEXt", b"iTXt", b"zTXt"):
        _png_text(header, kind, body, limits)


def _png_text(header: Header, kind: bytes, body: bytes, limits: Limits) -> None:
    keyword, _, rest = body.partition(b"\0")
    name, packed = keyword.decode("latin-1"), False
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif kind == b"zTXt":
        packed, rest = True, rest[1:]
    is_xmp = name == "XML:com.adobe.xmp"
    if name in header.texts or (len(header.texts) >= _MOST_TEXTS and not is_xmp):
        return
    if packed:
        rest = _inflate(rest, limits.metadata)
    if is_xmp:
        header.xmp, rest = rest, b""
    header.texts[name] = rest[:10_000].decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _inflate(packed: bytes, most: int) -> bytes:
    """Return compressed text, or nothing if it is damaged or longer than `most` bytes."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, most)
    except zlib.error:
        return b""
    return b"" if unpacker.unconsumed_tail else plain


# --- JPEG (ITU-T T.81, annex B) ---

_SOF = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_STANDALONE = frozenset((0x01, 0xD9))
"""Markers without a length. Those of restarts are passed over as pixels are."""
_EXIF, _XMP, _IPTC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
_ICC, _JFIF, _ADOBE = b"ICC_PROFILE\0", b"JFIF\0", b"Adobe"


def read_jpeg(data: bytes, limits: Limits) -> Header:
    """Return what the segments of a JPEG file say, up to the end of its first image."""
    header = Header("jpeg")
    header.kept.append((0, 2))
    at, scans = 2, 0
    for _ in range(limits.parts):
        marker, start, end = _next_segment(data, at)
        # Before the first scan, only fill bytes stand between segments; after it, the pixels do.
        if scans:
            header.kept.append((at, start))
        elif data[at:start].strip(b"\xff"):
            raise broken("JPEG")
        if marker == 0xD9 and scans:
            header.kept.append((start, end))
            return header
        if _jpeg_segment(header, marker, data[start + 4 : end], limits):
            header.kept.append((start, end))
        scans += marker == 0xDA
        if marker == 0xD9 or (scans and not header.width):
            raise broken("JPEG")
        if scans > limits.scans:
            raise ImageRefused(
                f"has more than {limits.scans} scans, which take too long to decode; save it again as a plain JPEG"
            )
        at = end
    raise broken("JPEG")


def _next_segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the marker of the next segment, where it starts, and where it ends."""
    found = _NEXT_MARKER.search(data, at)
    if found is None:
        raise ImageRefused(CUT_OFF)
    marker, end = data[found.end() - 1], found.end()
    if marker in _STANDALONE:
        return marker, found.start(), end
    length = int.from_bytes(data[end : end + 2], "big")
    if end + max(length, 2) > len(data):
        raise ImageRefused(CUT_OFF)
    if length < 2:
        raise broken("JPEG")
    return marker, found.start(), end + length


def _jpeg_segment(header: Header, marker: int, body: bytes, limits: Limits) -> bool:
    """Read a segment into the header. Return whether decoding needs it."""
    if marker in _SOF:
        if header.width or len(body) < 6:
            raise broken("JPEG")
        header.height, header.width = struct.unpack(">HH", body[1:5])
    elif marker == 0xE1:
        if body.startswith(_EXIF):
            header.exif = header.exif or body[len(_EXIF) :]
        elif body.startswith(_XMP):
            header.xmp = header.xmp or body[len(_XMP) :]
    elif marker == 0xED and body.startswith(_IPTC) and len(header.iptc) < limits.metadata:
        header.iptc += body[len(_IPTC) :]
    elif marker == 0xEB and len(header.manifest) < limits.metadata:
        header.manifest += body
    if 0xE0 <= marker <= 0xEF:
        return body.startswith((_ICC, _JFIF, _ADOBE))
    return marker != 0xFE


# --- GIF (CompuServe, "Graphics Interchange Format, Version 89a") ---


def read_gif(data: bytes, limits: Limits) -> Header:
    """Return what the blocks of a GIF file say."""
    header = Header("gif", frames=0, is_lossless=True, is_indexed=True)
    if len(data) < 13:
        raise ImageRefused(CUT_OFF)
    header.width, header.height, flags = struct.unpack("<HHB", data[6:11])
    at = 13 + _colour_table(flags)
    parts = 0
    while True:
        parts += 1
        kind = data[at : at + 1]
        # Some programs leave the trailer out, or write zeros in its place.
        if header.frames and kind in (b";", b"\0", b""):
            header.kept.append((0, min(at + 1, len(data))))
            return header
        if not kind:
            raise ImageRefused(CUT_OFF)
        if kind == b"!":
            at = _gif_extension(header, data, at, limits)
        elif kind == b",":
            header.frames += 1
            descriptor = data[at + 1 : at + 10]
            if len(descriptor) < 9:
                raise ImageRefused(CUT_OFF)
            left, top, width, height = struct.unpack("<4H", descriptor[:8])
            # Decoders would make the whole picture as large as this frame.
            if left + width > header.width or top + height > header.height:
                raise broken("GIF")
            at, steps = _skip_blocks(data, at + 11 + _colour_table(descriptor[8]))
            parts += steps
        else:
            raise broken("GIF")
        if parts > limits.parts or header.frames > 20 * limits.frames:
            return header


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_extension(header: Header, data: bytes, at: int, limits: Limits) -> int:
    if data[at + 1 : at + 3] == b"\xf9\x04" and data[at + 3 : at + 4] and data[at + 3] & 1:
        header.has_alpha = True
    end, _ = _skip_blocks(data, at + 2)
    if data[at + 1 : at + 14] == b"\xff\x0bXMP DataXMP" and end - at < limits.metadata:
        header.xmp = data[at + 14 : end].partition(b"\x01\xff\xfe")[0]
    return end


def _skip_blocks(data: bytes, at: int) -> tuple[int, int]:
    """Return where the blocks that begin at a position end, and how many they are."""
    for steps in range(len(data)):
        if at >= len(data):
            raise ImageRefused(CUT_OFF)
        length = data[at]
        at += 1 + length
        if not length:
            return at, steps
    raise ImageRefused(CUT_OFF)


# --- WebP (RFC 9649) ---


def read_webp(data: bytes, limits: Limits) -> Header:
    """Return what the chunks of a WebP file say."""
    header = Header("webp", frames=0)
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ImageRefused(CUT_OFF)
    header.kept.append((0, end))
    at = 12
    for _ in range(limits.parts):
        if at + 8 > end:
            break
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise broken("WebP")
        _webp_chunk(header, kind, data[at + 8 : at + 8 + length], limits)
        at += 8 + length + (length & 1)
    if not header.width or not header.frames:
        raise broken("WebP")
    return header


def _webp_chunk(header: Header, kind: bytes, body: bytes, limits: Limits) -> None:
    if kind == b"VP8X" and len(body) >= 10:
        header.has_alpha = bool(body[0] & 0x10)
        header.width = 1 + int.from_bytes(body[4:7], "little")
        header.height = 1 + int.from_bytes(body[7:10], "little")
    elif kind == b"VP8 " and len(body) >= 10:
        header.frames += 1
        if not header.width:
            header.width, header.height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    elif kind == b"VP8L" and len(body) >= 5:
        header.frames, header.is_lossless = header.frames + 1, True
        bits = int.from_bytes(body[1:5], "little")
        header.has_alpha = header.has_alpha or bool(bits >> 28 & 1)
        if not header.width:
            header.width, header.height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"ANMF":
        header.frames += 1
    elif len(body) > limits.metadata:
        return
    elif kind == b"EXIF":
        header.exif = body.removeprefix(_EXIF)
    elif kind == b"XMP ":
        header.xmp = body
    elif kind == b"C2PA":
        header.manifest = body
