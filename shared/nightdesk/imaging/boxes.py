"""The boxes of an AVIF file (ISO/IEC 14496-12 and 23008-12; AOM, "AV1 Image File Format")."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from nightdesk.imaging.header import Header
from nightdesk.imaging.limits import ImageRefused, Limits
from nightdesk.imaging.raster import CUT_OFF, broken

_TURNS = {0: 1, 1: 8, 2: 3, 3: 6}
"""Quarter turns against the clock (`irot`), as EXIF says them."""
_MOST_EXTENTS = 10_000
"""Of all items together. An extent may be empty, so the size of the file does not limit them."""
_MIRRORED = {(1, 0): 4, (1, 1): 2, (8, 0): 5, (8, 1): 7, (3, 0): 2, (3, 1): 4, (6, 0): 7, (6, 1): 5}
"""Turn and axis of a mirror (`imir`), as EXIF says them together."""


def read_avif(data: bytes, limits: Limits) -> Header:
    """Return what the boxes of an AVIF file say."""
    header = Header("avif")
    header.kept.append((0, len(data)))
    meta = movie = b""
    for kind, body in _boxes(data, limits):
        if kind == b"meta":
            meta = meta or body
        elif kind == b"moov":
            movie = movie or body
        elif kind == b"uuid" and len(header.manifest) + len(body) <= limits.metadata:
            header.manifest += body
    if not meta:
        raise broken("AVIF")
    _read_meta(header, data, meta, limits)
    if movie:
        header.frames = max(header.frames, _samples(movie, limits))
    if not header.width:
        raise broken("AVIF")
    return header


def _boxes(data: bytes, limits: Limits, at: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each box."""
    for _ in range(min(limits.parts, 10_000)):
        if at == len(data):
            return
        if at + 8 > len(data):
            raise ImageRefused(CUT_OFF)
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + length if length else len(data)
        if end > len(data):
            raise ImageRefused(CUT_OFF)
        if end < start:
            raise broken("AVIF")
        yield kind, data[start:end]
        at = end
    raise broken("AVIF")


def _read_meta(header: Header, data: bytes, meta: bytes, limits: Limits) -> None:
    parts: dict[bytes, bytes] = {}
    for kind, body in _boxes(meta[4:], limits):
        parts.setdefault(kind, body)
    primary = int.from_bytes(parts.get(b"pitm", b"")[4:8], "big")
    if len(parts.get(b"pitm", b"")) == 6:
        primary = int.from_bytes(parts[b"pitm"][4:6], "big")
    _read_properties(header, parts.get(b"iprp", b""), primary, limits)
    items = dict(_items(parts.get(b"iinf", b""), limits))
    for item, extents in _locations(parts.get(b"iloc", b"")):
        if any(start + length > len(data) for start, length in extents):
            raise ImageRefused(CUT_OFF)
        kind = items.get(item, b"")
        if kind in (b"Exif", b"mime") and sum(length for _, length in extents) <= limits.metadata:
            body = b"".join(data[start : start + length] for start, length in extents)
            if kind == b"mime":
                header.xmp = header.xmp or body
            else:
                header.exif = header.exif or body[4 + int.from_bytes(body[:4], "big") :]


def _read_properties(header: Header, body: bytes, primary: int, limits: Limits) -> None:
    """Read the dimensions and the turn of the primary image, and whether any has an alpha plane."""
    boxes = list(_boxes(body, limits))
    held = next((inside for kind, inside in boxes if kind == b"ipco"), b"")
    properties = list(_boxes(held, limits))
    wanted = [number for kind, inside in boxes if kind == b"ipma" for number in _associations(inside, primary)]
    turn, mirror = 1, None
    for kind, inside in (properties[number - 1] for number in wanted if 0 < number <= len(properties)):
        if kind == b"ispe" and len(inside) >= 12:
            header.width, header.height = struct.unpack(">II", inside[4:12])
        elif kind == b"irot" and inside:
            turn = _TURNS[inside[0] & 3]
        elif kind == b"imir" and inside:
            mirror = inside[0] & 1
    header.orientation = turn if mirror is None else _MIRRORED[turn, mirror]
    header.has_alpha = any(kind == b"auxC" and b"alpha" in inside for kind, inside in properties)
    sides = [struct.unpack(">II", inside[4:12]) for kind, inside in properties if kind == b"ispe" and len(inside) >= 12]
    # A tile or a layer larger than the picture would be decoded as well.
    if any(width * height > limits.pixels for width, height in sides):
        header.width, header.height = max(sides, key=lambda side: side[0] * side[1])


def _associations(body: bytes, item: int) -> Iterator[int]:
    """Yield the numbers of an item's properties."""
    if len(body) < 8:
        return
    version, flags = body[0], body[3]
    size = 2 if version < 1 else 4
    at = 8
    for _ in range(min(int.from_bytes(body[4:8], "big"), 10_000)):
        found, count = int.from_bytes(body[at : at + size], "big"), body[at + size : at + size + 1]
        at += size + 1
        for _ in range(count[0] if count else 0):
            number = (
                int.from_bytes(body[at : at + 2], "big") & 0x7FFF
                if flags & 1
                else body[at] & 0x7F
                if at < len(body)
                else 0
            )
            at += 2 if flags & 1 else 1
            if found == item:
                yield number


def _items(body: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Yield number and type of each item."""
    if not body:
        return
    for kind, inside in _boxes(body, limits, 6 if body[0] == 0 else 8):
        if kind == b"infe" and inside and inside[0] in (2, 3):
            size = 2 if inside[0] == 2 else 4
            yield int.from_bytes(inside[4 : 4 + size], "big"), inside[6 + size : 10 + size]


def _locations(body: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield each item's number and where its bytes lie in the file, as start and length."""
    if len(body) < 8:
        return
    reader = _Reader(body, 4)
    version, sizes = body[0], reader.number(2)
    extents_left = _MOST_EXTENTS
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(min(reader.number(2 if version < 2 else 4), 10_000)):
        item = reader.number(2 if version < 2 else 4)
        in_file = version == 0 or reader.number(2) & 15 == 0
        reader.number(2)
        base, extents = reader.number(base_size), []
        count = reader.number(2)
        extents_left -= count
        if extents_left < 0:
            raise broken("AVIF")
        for _ in range(count):
            if version:
                reader.number(index_size)
            start = base + reader.number(offset_size)
            extents.append((start, reader.number(length_size)))
        if in_file:
            yield item, extents


class _Reader:
    """Reads numbers one after the other; those beyond the end are 0."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    def number(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._body[self._at - size : self._at], "big")


def _samples(movie: bytes, limits: Limits) -> int:
    """Return the largest number of frames of a track."""
    most = 1
    for kind, track in _boxes(movie, limits):
        body = track
        if kind != b"trak":
            continue
        for name in (b"mdia", b"minf", b"stbl", b"stsz"):
            body = next((inside for found, inside in _boxes(body, limits) if found == name), b"")
        most = max(most, int.from_bytes(body[8:12], "big"))
    return most
