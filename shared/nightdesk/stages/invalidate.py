"""Invalidate: paths that were written, out of the cache."""

from __future__ import annotations

from nightdesk.events import ArticleGated, ArticleIndexed, PagesWritten
from nightdesk.stages import Note, silent
from nightdesk.usecases.invalidate import invalidate
from nightdesk.usecases.ports import Ports


class InvalidateBatch:
    """Paths are gathered, and each is invalidated once for all messages."""

    def __init__(self, ports: Ports, note: Note = silent) -> None:
        self._ports = ports
        self._note = note
        self._gathered: list[str] = []
        self._bulk: dict[str, str] = {}

    def work(self, detail: object) -> None:
        """Gather a message's paths."""
        if not isinstance(detail, ArticleGated | ArticleIndexed | PagesWritten):
            raise TypeError(f"invalidate has no use for {type(detail).__name__}")
        self._gathered.extend(detail.paths)
        if tag := getattr(detail, "bulk", ""):
            self._bulk.update(dict.fromkeys(detail.paths, tag))

    def finish(self) -> None:
        """Make the cache forget them."""
        self._note("invalidated", paths=list(invalidate(self._gathered, self._ports, self._bulk)))
