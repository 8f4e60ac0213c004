"""What a text loses on its way to the page, with the lines at which it was typed."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyromark

from nightdesk.domain.problems import Kind, Problem, ProblemKind

_MOST = 200
"""The most losses reported for one file: finding the line of each means searching the text."""
_STARS = re.compile(r"(?<!\\)\*\*")
ADDRESS, MARKUP, PROSE, FRONT_MATTER = "address", "markup", "prose", "front matter"
"""Where something was typed: the address of a link or image, HTML, text, or the value of a key."""


_LITERAL = (Kind.TAG_LITERAL, Kind.LINK_LITERAL)


def is_typed(line: str, text: str) -> bool:
    """Return True if a line contains a text unescaped: a backslash or a character reference shows that its author wants it shown."""
    return re.search(rf"(?<!\\){re.escape(text)}", line) is not None


class _Loss(NamedTuple):
    kind: ProblemKind
    key: str
    where: str
    needle: str
    suggestion: str
    values: dict[str, Any]
    line: int


class Losses:
    """Collects what is lost, passage by passage.

    Attributes:
        found: those of the passages that were read so far, with their lines, and what was typed.
    """

    def __init__(self) -> None:
        self.found: list[tuple[Problem, str]] = []
        self._pending: list[_Loss] = []
        self._line = 0

    @contextmanager
    def at(self, line: int) -> Iterator[None]:
        """Give every loss added inside the `with` block this line, instead of searching for it."""
        self._line = line
        try:
            yield
        finally:
            self._line = 0

    def add(self, kind: ProblemKind, key: str, where: str, needle: str, suggestion: str = "", **values: Any) -> None:
        """Add a loss of the passage that is being rendered.

        Args:
            where: one of `ADDRESS`, `MARKUP` and `PROSE`.
            needle: what to look for there.
            values: what the message mentions.
        """
        if len(self._pending) + len(self.found) < _MOST:
            needle = unquote(needle) if where == ADDRESS else needle
            self._pending.append(_Loss(kind, key, where, needle, suggestion, values, self._line))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each loss once, in the order of the file."""
        return tuple(dict.fromkeys(sorted((problem for problem, _ in self.found), key=lambda each: each.line)))

    def locate(self, source: str, first_line: int, options: pyromark.Options) -> None:
        """Give what was added since the last call its lines: it was typed in `source`, which begins at `first_line`."""
        if not self._pending:
            return
        found = _Occurrences(source, options)
        lines = source.split("\n")
        for loss in self._pending:
            if loss.line:
                self.found.append((loss.kind.at(loss.line, loss.key, loss.suggestion, **loss.values), loss.needle))
                continue
            place = found.next_line(loss.where, loss.needle)
            if loss.kind is Kind.EMPHASIS_LITERAL and not _STARS.search(lines[place]):
                continue  # each asterisk was typed after a backslash
            is_escaped = loss.kind is Kind.FOOTNOTE_MISSING and f"\\{loss.needle}" in lines[place]
            if (loss.kind in _LITERAL or is_escaped) and not is_typed(lines[place], loss.needle):
                continue
            line = first_line + place if first_line else 0
            self.found.append((loss.kind.at(line, loss.key, loss.suggestion, **loss.values), loss.needle))
        self._pending.clear()


class _Occurrences:
    """Finds where something was typed. What is looked for twice is found at its second place."""

    def __init__(self, source: str, options: pyromark.Options) -> None:
        self._source = source
        self._options = options
        self._next: dict[tuple[str, str], int] = {}

    @cached_property
    def _line_starts(self) -> list[int]:
        """Where each line begins, in bytes."""
        return [0, *(found.end() for found in re.finditer(b"\n", self._source.encode()))]

    @cached_property
    def _typed(self) -> dict[str, tuple[str, list[tuple[int, int]]]]:
        """What was typed where: all texts after one another, and for each its place among them and in the source's bytes."""
        texts: dict[str, list[str]] = defaultdict(list)
        starts: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths: dict[str, int] = defaultdict(int)
        for where, start, text in _events(self._source, self._options):
            starts[where].append((lengths[where], start))
            texts[where].append(f"{text}\0")
            lengths[where] += len(text) + 1
        return {where: ("".join(parts), starts[where]) for where, parts in texts.items()}

    def next_line(self, where: str, typed: str) -> int:
        """Return the line, from 0, of the next place; of the first one in the source if there is none."""
        text, starts = ("", []) if where == FRONT_MATTER else self._typed.get(where, ("", []))
        place = text.find(typed, self._next.get((where, typed), 0))
        if place < 0:
            return self._source.count("\n", 0, max(self._source.find(typed), 0))
        self._next[where, typed] = place + max(len(typed), 1)
        begins, start = starts[bisect_right(starts, (place, len(self._source) * 4)) - 1]
        return bisect_right(self._line_starts, start) - 1 + text.count("\n", begins, place)


def _events(source: str, options: pyromark.Options) -> Iterator[tuple[str, int, str]]:
    """Yield where a text stands, its offset in bytes, and the text as the parser read it."""
    for event, span in pyromark.events_with_range(source, options=options, merge_text=True):
        if not isinstance(event, dict):
            continue
        [(name, value)] = event.items()
        if name in ("Html", "InlineHtml"):
            yield MARKUP, span["start"], value.lower()
            yield ADDRESS, span["start"], unquote(html.unescape(value))
        elif name == "Text":
            yield PROSE, span["start"], value
        elif name == "Start" and isinstance(value, dict):
            link = value.get("Link") or value.get("Image")
            if link:
                yield ADDRESS, span["start"], unquote(link["dest_url"])
