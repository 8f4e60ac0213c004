"""Index: makes records, lists, fronts and feeds from public facts."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.events import ArticleGated, EntriesChanged, ProfileChanged, RelistRequested, SiteChanged
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.entries import EntriesUpdate, request_lists, update_entries
from nightdesk.usecases.pipeline.index import refresh_lists
from nightdesk.usecases.pipeline.site_refresh import refresh_profile, refresh_site, refresh_whole_list


class IndexBatch:
    """Updates articles' entries one by one, and refreshes each list once for all messages of the batch."""

    handles: ClassVar[tuple[type[Detail], ...]] = (
        ArticleGated,
        EntriesChanged,
        ProfileChanged,
        RelistRequested,
        SiteChanged,
    )

    def __init__(self, ports: Ports, theme: Theme, note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._updated: dict[str, EntriesUpdate | None] = {}
        self._requested: dict[tuple[str, int], EntriesUpdate] = {}

    def handle(self, detail: ArticleGated | EntriesChanged | ProfileChanged | RelistRequested | SiteChanged) -> None:
        """Update an article's entries, or refresh the lists that a message names."""
        if isinstance(detail, ArticleGated):
            if detail.slug not in self._updated:
                self._updated[detail.slug] = update_entries(detail.slug, self._ports)
                self._note("indexed", slug=detail.slug, state=detail.state)
        elif isinstance(detail, EntriesChanged):
            self._requested[detail.slug, detail.generation] = EntriesUpdate(
                detail.slug, detail.generation, tuple(detail.places), reach=detail.reach
            )
        elif isinstance(detail, ProfileChanged):
            refresh_profile(detail.kind, detail.id, self._ports, self._theme)
        elif isinstance(detail, RelistRequested):
            refresh_whole_list(detail.list, self._ports, self._theme, detail.bulk)
        else:
            refresh_site(self._ports, self._theme)

    def finish(self) -> None:
        """Request the lists of articles whose entries were updated, and refresh the lists that were requested."""
        request_lists([update for update in self._updated.values() if update], self._ports)
        refresh_lists(list(self._requested.values()), self._ports, self._theme)
