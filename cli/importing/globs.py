"""Patterns of paths with wildcards, with which generators leave files out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_BRACES = re.compile(r"\{([^{}]*)\}")
_WILD = re.compile(r"[*?\[]")
_MOST = 100
"""So many patterns one pattern with braces may stand for."""


def matches(path: str, pattern: str) -> bool:
    """Return True if a pattern names a path, or a folder above it.

    `*` and `?` stand for characters of one name, `**` for any number of folders, and `{a,b}` for one or the other.

    >>> matches("notes/2019/a.md", "notes"), matches("notes/2019/a.md", "**/*.{md,html}"), matches("notes/a.md", "*.md")
    (True, True, False)
    """
    names = [part for part in path.split("/") if part not in ("", ".")]
    return any(_matches(names, each.removeprefix("./").strip("/").split("/")) for each in _alternatives(pattern))


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Return True if one of several patterns names a path."""
    return any(matches(path, pattern) for pattern in patterns)


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    end, is_folder = len(parts), not _WILD.search(parts[-1])
    at = _reached({0}, parts)
    for name in names:
        if end in at and is_folder:
            return True
        stay = {n for n in at if n < end and parts[n] == "**"}
        at = stay | {n + 1 for n in at - stay if n < end and fnmatchcase(name, parts[n])}
        at = _reached(at, parts)
    return end in at


def _reached(at: set[int], parts: Sequence[str]) -> set[int]:
    """Add the places behind each `**`, which may stand for no folder at all."""
    for n, part in enumerate(parts):
        if n in at and part == "**":
            at.add(n + 1)
    return at


def _alternatives(pattern: str) -> list[str]:
    todo, done = [pattern], list[str]()
    while todo and len(todo) + len(done) <= _MOST:
        each = todo.pop()
        if found := _BRACES.search(each):
            todo += [each[: found.start()] + choice + each[found.end() :] for choice in found[1].split(",")]
        else:
            done.append(each)
    return done + todo
