"""Mending of XML that plug-ins and editors of databases have spoiled: bytes, control characters and ampersands that are not allowed."""

from __future__ import annotations

import codecs
import html.entities
import re

from .report import CHANGED, NOTED, Report

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_AHEAD = 48
"""How much must follow an ampersand to tell whether it begins an entity."""
_ENTITY = re.compile(r"&(?:#\d+;|#x[\da-fA-F]+;|(\w+);)?")
_NEXT = re.compile(r"&|<!\[CDATA\[|<!--")
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->"}
_XML = ("amp", "lt", "gt", "quot", "apos")
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w-]+)", re.IGNORECASE)


_ERRORS = "nightdesk-windows-1252"
_MARKED = re.compile("\ue0f5")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 as Windows-1252, and mark each."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(f"\ue0f5{bytes([byte]).decode('cp1252', 'replace')}" for byte in wrong), error.end


codecs.register_error(_ERRORS, _as_windows)


def _is_allowed(reference: str) -> bool:
    """Return True if XML may hold the character that `&#…;` names."""
    digits = reference[2:-1]
    if len(digits) > 8:
        return False
    code = int(digits[1:], 16) if digits[:1] in "xX" else int(digits)
    return code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


class Mending:
    """Mends a file piece by piece, in flat memory. A file in another encoding than UTF-8 is left as it is."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
        self._rest = ""
        self._end = ""
        self._begun = False
        self._is_utf8: bool | None = None
        self._bytes = self._controls = self._ampersands = 0

    def mend(self, chunk: bytes, is_last: bool = False) -> bytes:
        """Return a piece as well-formed XML, as far as it can be."""
        if self._is_utf8 is None and (chunk or not is_last):
            declared = _DECLARED.match(chunk.removeprefix(codecs.BOM_UTF8).lstrip()[:200])
            named = declared[1].lower() if declared else b"utf-8"
            is_wide = chunk[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in chunk[:4]
            self._is_utf8 = named in (b"utf-8", b"utf8") and not is_wide
        if not self._is_utf8:
            return chunk
        if not self._begun:  # plug-ins put blanks before the declaration, where none may be
            chunk = chunk.removeprefix(codecs.BOM_UTF8).lstrip()
            self._begun = bool(chunk)
        text = self._decoder.decode(chunk, is_last)
        text, wrong = _MARKED.subn("", text)
        self._bytes += wrong
        plain, count = _CONTROL.subn("", text)
        self._controls += count
        text, position = self._rest + plain, 0
        parts: list[str] = []
        while (stop := self._next(text, position, parts, is_last)) > position:
            position = stop
        self._rest = text[position:]
        return "".join(parts).encode()

    def _next(self, text: str, start: int, parts: list[str], is_last: bool) -> int:
        """Add what is certain of a text to `parts`, and return where to go on: at `start` if more must be read first."""
        wanted = self._end or ("&" if (found := _NEXT.search(text, start)) is None else found[0])
        at = text.find(wanted, start)
        if at < 0:
            kept = len(text) if is_last else max(start, len(text) - len("<![CDATA["))
            parts.append(text[start:kept])
            return kept
        stop = at + len(wanted)
        if self._end:
            self._end = ""
        elif wanted in _ENDS:
            self._end = _ENDS[wanted]
        elif not is_last and len(text) - at < _AHEAD:
            parts.append(text[start:at])
            return at
        else:
            parts.append(text[start:at])
            return at + self._entity(text, at, parts)
        parts.append(text[start:stop])
        return stop

    def _entity(self, text: str, at: int, parts: list[str]) -> int:
        """Add an ampersand or an entity, and return its length."""
        found = _ENTITY.match(text, at)
        assert found
        name = found[1]
        if found[0].startswith("&#") and not _is_allowed(found[0]):
            self._controls += 1
            return len(found[0])
        if found[0] == "&" or (name and name not in _XML and f"{name};" not in html.entities.html5):
            self._ampersands += 1
            parts.append("&amp;")
            return 1
        parts.append(found[0] if not name or name in _XML else html.entities.html5[f"{name};"])
        return len(found[0])

    def report(self, name: str, report: Report) -> None:
        """Report what was mended."""
        if self._controls:
            what = "control characters, which XML does not allow, were taken out"
            report.add(NOTED, name, 0, what, str(self._controls))
        if self._ampersands:
            report.add(NOTED, name, 0, "ampersands that were not escaped were escaped", str(self._ampersands))
        if self._bytes:
            what = "bytes that are no UTF-8 were read as Windows-1252; look at their words"
            report.add(CHANGED, name, 0, what, f"{self._bytes} of them")
