"""The paragraphs that WordPress gives to a text without blocks when it shows it.

Its first editor saves no paragraphs: an empty line begins one, a line break breaks the line, and elements such as lists stand between
them, with line breaks inside that mean nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

from .markdown_text import DIVIDER

_FLOW = frozenset(
    [
        "div",
        "blockquote",
        "section",
        "article",
        "aside",
        "main",
        "header",
        "footer",
        "nav",
        "form",
        "fieldset",
        "details",
        "address",
        "center",
        "hgroup",
    ]
)
"""Elements that hold paragraphs."""
_ITEMS = frozenset(["li", "td", "th", "dd", "dt"])
"""Elements that hold a line, or paragraphs."""
_LINES = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "caption", "summary", "legend"])
_STRUCTURES = frozenset(["ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr", "colgroup", "select", "figure"])
"""Elements in which line breaks mean nothing."""
_OPAQUE = frozenset(["pre", "script", "style", "textarea", "iframe", "video", "audio", "object", "svg"])
"""Elements that are kept as they are."""
_VOID = frozenset(["hr", "col"])
_SIBLINGS = {
    "li": ("li",),
    "dt": ("dt", "dd"),
    "dd": ("dt", "dd"),
    "td": ("td", "th"),
    "th": ("td", "th"),
    "tr": ("td", "th", "tr"),
}
"""Elements that end when another begins, if their own end is missing."""
_NAMES = "|".join(sorted({"p", *_FLOW, *_ITEMS, *_LINES, *_STRUCTURES, *_OPAQUE, *_VOID}, key=len, reverse=True))
_QUOTED = r"(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+"
_TOKEN = re.compile(rf"<!--|<(?P<close>/?)(?P<name>{_NAMES})(?=[\s/>])(?:{_QUOTED}>|[^<>]*+>)", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z/][^<>]*>")
_BREAK = re.compile(r"<br\b[^<>]*>\n?|\n", re.IGNORECASE)
_PARTING = ("more", "nextpage")
"""Comments between paragraphs."""


def add_paragraphs(text: str) -> str:
    """Return a text with its paragraphs and line breaks as elements, and without comments that mean nothing."""
    return _Text(text.replace("\r\n", "\n").replace("\r", "\n")).run()


class _Text:
    def __init__(self, text: str) -> None:
        self._text = text
        self._made: list[str] = []
        self._held: list[str] = []
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._unclosed: set[str] = set()

    def run(self) -> str:
        at = 0
        while found := _TOKEN.search(self._text, at):
            self._held.append(self._text[at : found.start()])
            at = self._comment(found) if found["name"] is None else self._element(found)
        self._held.append(self._text[at:])
        self._write()
        return "\n".join(self._made)

    def _comment(self, found: re.Match[str]) -> int:
        """Take a comment, and return where it ends."""
        end = -1 if "!" in self._unclosed else self._text.find("-->", found.end())
        if end < 0:
            self._unclosed.add("!")
            self._held.append(found[0])
            return found.end()
        comment = self._text[found.start() : end + 3]
        if comment == DIVIDER or comment[4:-3].strip().startswith(_PARTING):
            self._block(comment)
        return end + 3

    def _element(self, found: re.Match[str]) -> int:
        """Take a tag, or a whole element if it is kept as it is, and return where it ends."""
        name = found["name"].lower()
        if name in _OPAQUE:
            end = self._end_of(name, found)
            if not end:
                self._held.append(found[0])
                return found.end()
            self._block(self._text[found.start() : end])
            return end
        self._write()
        if found["close"]:
            self._close(name)
        elif name not in _VOID:
            self._begin(name)
        self._made.append(found[0])
        return found.end()

    def _end_of(self, name: str, found: re.Match[str]) -> int:
        """Return where an element that is kept as it is ends; 0 if it is never closed."""
        if found["close"] or name in self._unclosed:
            return 0
        closed = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, found.end())
        if not closed:
            self._unclosed.add(name)
        return closed.end() if closed else 0

    def _block(self, text: str) -> None:
        self._write()
        self._made.append(text)

    def _kind(self) -> str:
        return self._open[-1] if self._open else "div"

    def _begin(self, name: str) -> None:
        if self._kind() in _LINES or self._kind() == "p":
            self._pop()
        while self._open and self._open[-1] in _SIBLINGS.get(name, ()):
            self._pop()
        self._open.append(name)
        self._count[name] += 1

    def _close(self, name: str) -> None:
        while self._count[name]:
            if self._pop() == name:
                return

    def _pop(self) -> str:
        name = self._open.pop()
        self._count[name] -= 1
        return name

    def _write(self) -> None:
        """Write the text since the last element."""
        text, kind = "".join(self._held), self._kind()
        self._held.clear()
        if not text.strip():
            return
        if kind in _STRUCTURES:
            self._made.append(text)
            return
        parts = _parts(_TAG.sub(lambda tag: tag[0].replace("\n", " "), text))
        if kind in _LINES:
            self._made.append("<br>\n".join(parts))
        elif kind == "p":
            self._made.append("</p>\n<p>".join(parts))
        elif kind in _ITEMS and len(parts) == 1:
            self._made += parts
        else:
            self._made += [f"<p>{part}</p>" if _has_words(part) else part for part in parts]


def _parts(text: str) -> list[str]:
    """Return the paragraphs of a text, with their line breaks as elements, but without those at their ends."""
    lines = (line.strip() for line in text.split("\n"))
    made = (_with_breaks("\n".join(some)) for is_text, some in groupby(lines, key=bool) if is_text)
    return [part for part in made if part]


def _with_breaks(text: str) -> str:
    pieces = [piece.strip() for piece in _BREAK.split(text)]
    filled = [number for number, piece in enumerate(pieces) if piece not in ("", "&nbsp;")]
    return "<br>\n".join(pieces[filled[0] : filled[-1] + 1]) if filled else ""


def _has_words(part: str) -> bool:
    """Return False for tags alone, such as a link around the element that follows."""
    return "<img" in part.lower() or bool(_TAG.sub("", part).strip())
