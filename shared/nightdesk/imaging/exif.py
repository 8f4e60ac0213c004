"""EXIF (CIPA DC-008): how a picture is to be turned, and its copyright notice. Nothing else of it is read."""

from __future__ import annotations

from typing import Literal

_ORIENTATION, _COPYRIGHT = 0x0112, 0x8298
_SHORT, _ASCII = 3, 2
_MOST_ENTRIES = 500


def read_exif(body: bytes) -> dict[str, str]:
    """Return the copyright notice of an EXIF block, if it has one."""
    kind, notice = _entries(body).get(_COPYRIGHT, (0, b""))
    # Photographer's and editor's notices are divided by a zero.
    text = decoded(notice.strip(b"\0 ").replace(b"\0", b"; ")) if kind == _ASCII else ""
    return {"copyright": text} if text.strip("; ") else {}


def orientation_of(body: bytes) -> int:
    """Return how a picture is to be turned (1 to 8); 1 if the block does not say, or not clearly."""
    kind, value = _entries(body).get(_ORIENTATION, (0, b""))
    number = int.from_bytes(value[:2], _order(body)) if kind == _SHORT else 1
    return number if 1 <= number <= 8 else 1


def decoded(text: bytes) -> str:
    """Return text whose encoding its file does not say, or says wrongly: UTF-8 if it can be, else Windows-1252."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("windows-1252", "replace")


def _order(body: bytes) -> Literal["little", "big"]:
    return "little" if body[:2] == b"II" else "big"


def _entries(body: bytes) -> dict[int, tuple[int, bytes]]:
    """Return type and value of the entries of the first directory, by tag."""
    if body[:4] not in (b"II*\0", b"MM\0*"):
        return {}
    order = _order(body)

    def number(at: int, size: int) -> int:
        return int.from_bytes(body[at : at + size], order)

    start = number(4, 4)
    found: dict[int, tuple[int, bytes]] = {}
    for at in range(start + 2, start + 2 + 12 * min(number(start, 2), _MOST_ENTRIES), 12):
        tag, kind, count = number(at, 2), number(at + 2, 2), number(at + 4, 4)
        size = count * {_SHORT: 2, _ASCII: 1}.get(kind, 0)
        where = at + 8 if size <= 4 else number(at + 8, 4)
        found.setdefault(tag, (kind, body[where : where + size]))
    return found
