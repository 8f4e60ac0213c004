"""CSV files as people have them: as spreadsheets save them, in several encodings, and of any length."""

from __future__ import annotations

import codecs
import contextlib
import sqlite3
from collections.abc import Iterator
from typing import TextIO

from nightdesk.domain.errors import Permanent

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
WESTERN = "cp1252"
"""What Excel writes as “CSV” in Western Europe and America; nothing in a file says so."""
_CHUNK = 2**20


@contextlib.contextmanager
def open_csv(name: str) -> Iterator[tuple[TextIO, str]]:
    """Open a CSV file; yield it and the name of its encoding.

    Raises:
        Permanent: it is no text.
    """
    encoding = encoding_of(name)
    with open(name, encoding=encoding, errors="replace" if encoding == WESTERN else "strict", newline="") as lines:
        yield lines, encoding


def encoding_of(name: str) -> str:
    """Return the encoding of a text file, which is read as a whole, but a part at a time.

    Raises:
        Permanent: it is no text.
    """
    with open(name, "rb") as file:
        start = file.read(_CHUNK)
        marked = next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "")
        if b"\0" in start and not marked:
            raise Permanent(f"{name} is no text; save it as “CSV UTF-8”")
        decoder = codecs.getincrementaldecoder(marked or "utf-8")()
        try:
            decoder.decode(start)
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            if marked:
                raise Permanent(f"{name} has parts in different encodings; save it as “CSV UTF-8”") from None
            return WESTERN
    return marked or "utf-8"


class SeenOnDisk:
    """Keeps where each address of a file stood first, on disk, so that a file of any length needs little memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file, which SQLite removes
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8000"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (address TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def first_line(self, address: str, line: int) -> int:
        """Return the line in which an address stood first."""
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (address, line)).rowcount:
            return line
        (found,) = self._database.execute("SELECT line FROM seen WHERE address = ?", (address,)).fetchone()
        return int(found)
