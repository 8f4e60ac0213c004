"""Invalidate: makes the CDN drop its copies of paths that were written."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.events import ArticleGated, ArticleIndexed, PagesWritten
from nightdesk.ports import Ports
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.invalidate import invalidate


class InvalidateBatch:
    """Collects paths, and invalidates each once for all messages of the batch."""

    handles: ClassVar[tuple[type[Detail], ...]] = (ArticleGated, ArticleIndexed, PagesWritten)

    def __init__(self, ports: Ports, note: Note = silent) -> None:
        self._ports = ports
        self._note = note
        self._paths: list[str] = []
        self._listed: set[str] = set()
        self._others: set[str] = set()
        self._bulk: dict[str, str] = {}

    def handle(self, detail: ArticleGated | ArticleIndexed | PagesWritten) -> None:
        """Collect a message's paths, with the cache tag that they share."""
        self._paths.extend(detail.paths)
        (self._listed if isinstance(detail, ArticleIndexed) else self._others).update(detail.paths)
        if not isinstance(detail, ArticleIndexed) and detail.bulk:
            self._bulk.update(dict.fromkeys(detail.paths, detail.bulk))

    def finish(self) -> None:
        """Invalidate the paths that were written."""
        listed = self._listed - self._others
        self._note("invalidated", paths=list(invalidate(self._paths, self._ports, self._bulk, listed)))
