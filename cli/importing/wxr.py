"""WordPress's export format, WXR, read as a stream of plain records.

The parser is expat without its dangerous parts: a file with a document type, or with entities that it declares, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple
from xml.parsers import expat

from .archives import ImportRefused
from .report import NOTED, Report
from .xml_mending import Mending

_CHUNK = 1 << 16
_JUNK = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_MAX_TEXT = 64 * 1024 * 1024
_RECORDS = ("item", "wp:author", "wp:category", "wp:tag", "wp:term")
_NESTED = ("wp:postmeta", "wp:comment")


class Category(NamedTuple):
    """A category or tag of an item."""

    domain: str
    nicename: str
    name: str


@dataclass(slots=True)
class Record:
    """An item, an author or a term.

    Attributes:
        values: the text of each element, by its name with prefix.
        lines: the line at which each element begins.
        meta: of an item: the values of its post meta, by their keys.
        comments: how many comments it has.
    """

    name: str
    line: int
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    categories: list[Category] = field(default_factory=list)
    meta: dict[str, list[str]] = field(default_factory=dict)
    comments: int = 0

    def get(self, name: str) -> str:
        """Return the text of an element, stripped; empty if it is missing."""
        return self.values.get(name, "").strip()

    def setting(self, key: str) -> str:
        """Return the first value of the post meta with a key, stripped; empty if it is missing."""
        return next(iter(self.meta.get(key, ())), "").strip()


class _Reader:
    """Collects records from expat's events."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.UnparsedEntityDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse
        self.done: list[Record] = []
        self.channel = Record("channel", 1)
        self._path: list[str] = []
        self._record: Record | None = None
        self._nested: dict[str, str] | None = None
        self._attributes: dict[str, str] = {}
        self._parts: list[str] = []
        self._size = 0
        self.has_root = False

    def _refuse(self, *_: object) -> bool:
        line = self.parser.CurrentLineNumber
        raise ImportRefused(f"{self._name}:{line}: the file declares a document type or entities, which no export does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name != "rss":
            raise ImportRefused(f"{self._name}: this is no WordPress export; it begins with <{name[:40]}>")
        self.has_root = True
        self._path.append(name)
        if len(self._path) > 40:
            raise ImportRefused(f"{self._name}:{self.parser.CurrentLineNumber}: the XML is nested too deeply")
        self._parts, self._size = [], 0
        line = self.parser.CurrentLineNumber
        if len(self._path) == 3 and name in _RECORDS:
            self._record = Record(name, line)
        elif self._record is not None and len(self._path) == 4:
            self._record.lines[name] = line
            self._attributes = attributes
            self._nested = {} if name in _NESTED else None

    def _text(self, data: str) -> None:
        self._size += len(data)
        if self._size > _MAX_TEXT:
            raise ImportRefused(f"{self._name}:{self.parser.CurrentLineNumber}: a text has more than 64 MiB")
        self._parts.append(data)

    def _end(self, name: str) -> None:
        text = "".join(self._parts)
        self._parts = []
        depth = len(self._path)
        self._path.pop()
        record = self._record
        if record is None:
            if depth == 3:
                self.channel.values.setdefault(name, text)
        elif depth == 3:
            self.done.append(record)
            self._record = None
        elif depth == 5 and self._nested is not None:
            self._nested[name] = text
        elif depth == 4:
            self._end_part(record, name, text)

    def _end_part(self, record: Record, name: str, text: str) -> None:
        if name == "wp:postmeta" and self._nested is not None:
            key = self._nested.get("wp:meta_key", "")
            record.meta.setdefault(key, []).append(self._nested.get("wp:meta_value", ""))
        elif name == "wp:comment":
            record.comments += 1
        elif name == "category":
            given = self._attributes
            record.categories.append(Category(given.get("domain", "category"), given.get("nicename", ""), text.strip()))
        else:
            record.values[name] = text
        self._nested = None


def read_records(file: IO[bytes], name: str, report: Report) -> Iterator[Record]:
    """Yield the records of an export, one at a time; the channel comes first, with what stands before the first item.

    Raises:
        ImportRefused: it is no export, is not complete, or declares entities.
    """
    reader, mending = _Reader(name), Mending()
    is_first = True
    try:
        while chunk := file.read(_CHUNK):
            reader.parser.Parse(mending.mend(chunk), False)
            if reader.done and is_first:
                yield reader.channel
                is_first = False
            yield from reader.done
            reader.done.clear()
        reader.parser.Parse(mending.mend(b"", is_last=True), True)
    except expat.ExpatError as error:
        if error.code != _JUNK:
            raise ImportRefused(_explain(error, name)) from error
        report.add(NOTED, name, error.lineno, "what follows the end of the export was left out")
    if is_first:
        yield reader.channel
    yield from reader.done
    mending.report(name, report)


def _explain(error: expat.ExpatError, name: str) -> str:
    words = expat.ErrorString(error.code) or ""
    if re.search(r"no element found|unclosed", words):
        return f"{name}:{error.lineno}: the export is not complete: it ends here; nothing was imported. Export it again"
    if "invalid token" in words or "encoding" in words:
        return f"{name}:{error.lineno}: the file is no XML in the encoding that it names; nothing was imported"
    return f"{name}:{error.lineno}: the XML does not parse; nothing was imported. Export it again"
