"""Search: keeps what readers can find up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from nightdesk.domain.events import ArticleGated, SearchDue
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.search_archive import Indexer, rebuild_archive
from nightdesk.usecases.pipeline.search_recent import Recent, update_recent

RECENT_SIZE = 60
"""With more changed articles than this, the archive is indexed again: browsers read all of them at each search."""
REST = timedelta(hours=1)
"""But not more often than this, unless many of all articles have changed, as in an import. So what that costs does not grow
with the number of articles published, nor the cost of one with the archive."""


class SearchBatch:
    """Updates the newest part once for all articles of the batch, and indexes the archive if that is due.

    Args:
        index: makes the files of the archive's index.
        most: how many articles the newest part may have.
    """

    handles: ClassVar[tuple[type[Detail], ...]] = (ArticleGated, SearchDue)

    def __init__(
        self, ports: Ports, theme: Theme, index: Indexer, note: Note = silent, most: int = RECENT_SIZE
    ) -> None:
        self._ports = ports
        self._theme = theme
        self._index = index
        self._note = note
        self._most = most
        self._slugs: set[str] = set()
        self._due = False

    def handle(self, detail: ArticleGated | SearchDue) -> None:
        """Note what a message names: `finish` does the work."""
        if isinstance(detail, ArticleGated):
            self._slugs.add(detail.slug)
        else:
            self._due = True

    def finish(self) -> None:
        """Update the newest part. Index the archive every night, when much has changed, and when an article is gone whose
        words are in it."""
        recent = update_recent(self._slugs, self._ports, self._theme) if self._slugs else None
        if self._due or (recent and self._is_worth_indexing(recent)):
            articles = rebuild_archive(self._ports, self._theme, self._index)
            self._note("search indexed", articles=articles)

    def _is_worth_indexing(self, recent: Recent) -> bool:
        rested = not recent.indexed or self._ports.clock() - recent.indexed >= REST
        return recent.has_gone or (recent.size > self._most and (rested or 2 * recent.size > recent.archived))
