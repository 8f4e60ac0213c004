"""Updates: makes the ticker's pages and files from posts, files and feeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from nightdesk.domain.events import (
    ArticleWithdrawn,
    ObjectChanged,
    RereadRequested,
    SiteChanged,
    TickerDue,
    UpdateEnded,
    UpdatePosted,
)
from nightdesk.ports import Feeds, Ports, TickerTimer
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import load_site
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.ticker.pages import refresh, schedule_next_end


class TickerPorts(NamedTuple):
    """The ports that only this stage uses. `open_feeds` makes the client that reads feeds, which most batches do not need."""

    timer: TickerTimer
    open_feeds: Callable[[], Feeds]


class UpdatesBatch:
    """Processes files one by one, and refreshes the ticker once for all messages of the batch.

    Args:
        redelivered: True if SQS delivered one of the messages before, so that a run may have stopped while it wrote.
    """

    handles: ClassVar[tuple[type[Detail], ...]] = (
        ArticleWithdrawn,
        ObjectChanged,
        RereadRequested,
        SiteChanged,
        TickerDue,
        UpdateEnded,
        UpdatePosted,
    )

    def __init__(
        self,
        ports: Ports,
        theme: Theme,
        ticker: TickerPorts,
        note: Note = silent,
        redelivered: bool = False,
    ) -> None:
        self._ports = ports
        self._theme = theme
        self._ticker = ticker
        self._note = note
        self._redelivered = redelivered
        self._received: set[type] = set()

    def handle(self, detail: Detail) -> None:
        """Process the files that a message names, or remove the updates of a withdrawn article. `finish` does the rest."""
        self._received.add(type(detail))
        if isinstance(detail, ObjectChanged | RereadRequested):
            # Imported here and below because most messages need none of this, and it is slow to load.
            from nightdesk.usecases.ticker.update_files import process_file

            for key in [detail.key] if isinstance(detail, ObjectChanged) else detail.keys:
                self._note("file", key=key, state=process_file(key, self._ports))
        elif isinstance(detail, ArticleWithdrawn):
            from nightdesk.usecases.ticker.updates import remove_of_article

            remove_of_article(detail.slug, self._ports)

    def finish(self) -> None:
        """Refresh the ticker. On `TickerDue`, also read the feeds, and refresh it after each one."""
        # A run that stopped after overwriting newer pages left no record of them.
        self._refresh(everything=self._redelivered or not self._received.isdisjoint((SiteChanged, RereadRequested)))
        if feeds := load_site(self._ports).feeds if TickerDue in self._received else ():
            from nightdesk.usecases.ticker.feeds import read_feeds

            for result in read_feeds(feeds, self._ticker.open_feeds(), self._ports):
                self._note("feed", **result._asdict())
                self._refresh()
        schedule_next_end(self._ports, self._ticker.timer)

    def _refresh(self, everything: bool = False) -> None:
        paths = refresh(self._ports, self._theme, everything)
        if paths:
            self._note("refreshed", paths=paths)
