"""Ghost's `routes.yaml`: the addresses of posts, by the collection to which each belongs, and those of tags and authors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.errors import Rejected

from .archives import Archive, decode_text
from .front_matter import plain_yaml
from .hugo import zone_of
from .permalinks import date_tokens
from .report import LOST, SKIPPED, Report

_TOKEN = re.compile(r"""\s*(?:([(),+]|$)|([a-z_.]+):(-?)(\[[^\]]*\]|'(?:[^'\\]|\\.)*'|[\w-]+))""")
Facts = Mapping[str, Sequence[str]]
"""What filters ask of a post: `tag`, `primary_tag`, `author` and so on, each with all values."""


class Routes:
    """The addresses of a site.

    Args:
        permalink: the pattern of all posts, if the editor named it.
        timezone: of the site, in whose days posts have their dates.
    """

    def __init__(self, archive: Archive, report: Report, permalink: str, timezone: str) -> None:
        self._report, self._zone = report, zone_of(timezone, report)
        self._collections: list[tuple[str, str, str]] = [("", "", permalink or "/{slug}/")]
        self._profiles = {"tag": "/tag/{slug}/", "author": "/author/{slug}/"}
        names = [name for name in archive.names if PurePosixPath(name).name in ("routes.yaml", "routes.yml")]
        for name in names[:1]:
            try:
                self._read(plain_yaml(decode_text(archive.read(name), name)), name, permalink)
            except Rejected as error:
                problem = error.problems[0]
                report.add(LOST, name, problem.line, "the routes cannot be read", problem.text)

    def _read(self, given: Mapping[str, Any], name: str, permalink: str) -> None:
        taxonomies, collections, routes = (given.get(key) for key in ("taxonomies", "collections", "routes"))
        if isinstance(taxonomies, dict):
            self._profiles = {kind: str(taxonomies.get(kind) or "") for kind in self._profiles}
        if isinstance(collections, dict) and not permalink:
            rows = [row for row in collections.values() if isinstance(row, dict) and row.get("permalink")]
            self._collections = [(name, str(row.get("filter") or ""), str(row["permalink"])) for row in rows]
        for route in routes if isinstance(routes, dict) else ():
            self._report.add(SKIPPED, name, 0, "a page that a route makes is left out", str(route))

    def profile(self, kind: str, slug: str) -> str:
        """Return the address of a tag or an author; empty if the site had no pages of them."""
        return re.sub(r"[{:]slug\}?", slug, self._profiles[kind])

    def post(self, facts: Facts, date: str) -> str:
        """Return the address of a post; empty for one that belongs to no collection.

        Args:
            date: ISO 8601 with offset; empty for none.
        """
        for name, wanted, pattern in self._collections:
            try:
                if wanted and not _Filter(wanted, facts).holds():
                    continue
            except (ValueError, RecursionError):
                what = "a filter of the routes is not understood, so the old addresses of its posts are not known"
                self._report.add(LOST, name, 0, what, wanted)
                continue
            return self._filled(pattern, facts, date)
        return ""

    def _filled(self, pattern: str, facts: Facts, date: str) -> str:
        """Return a pattern with its tokens, `{slug}` or `:slug`, filled in."""
        local = datetime.fromisoformat(date).astimezone(self._zone).isoformat() if date else ""
        tokens = date_tokens(local) | {key: values[0] if values else "all" for key, values in facts.items()}
        return re.sub(r"[{:](\w+)\}?", lambda found: tokens.get(found[1], ""), pattern)


class _Filter:
    """A filter such as `tag:[sea,sky]+primary_author:-ada`, and what it asks of a post.

    Raises:
        ValueError: it is not understood.
    """

    def __init__(self, text: str, facts: Facts) -> None:
        self._text, self._facts, self._at = text, facts, 0

    def holds(self) -> bool:
        """Return True if a post passes the filter."""
        result = self._any()
        if self._next() is not None:
            raise ValueError(self._text)
        return result

    def _next(self) -> re.Match[str] | None:
        """Return the next token, and go past it; None at the end."""
        found = _TOKEN.match(self._text, self._at)
        if not found:
            raise ValueError(self._text)
        self._at = found.end()
        return found if found[0].strip() else None

    def _has(self, mark: str) -> bool:
        """Return True and go on if a mark comes next."""
        before, found = self._at, self._next()
        if found and found[1] == mark:
            return True
        self._at = before
        return False

    def _any(self) -> bool:
        results = [self._all()]
        while self._has(","):
            results.append(self._all())
        return any(results)

    def _all(self) -> bool:
        results = [self._one()]
        while self._has("+"):
            results.append(self._one())
        return all(results)

    def _one(self) -> bool:
        if self._has("("):
            result = self._any()
            if not self._has(")"):
                raise ValueError(self._text)
            return result
        found = self._next()
        key = re.sub(r"s?(?:\.slug)?$", "", found[2]) if found and found[2] else ""
        if not found or key not in self._facts:
            raise ValueError(self._text)
        wanted = [each.strip().strip("'") for each in found[4].strip("[]").split(",")]
        return bool(set(wanted) & set(self._facts[key])) != bool(found[3])
