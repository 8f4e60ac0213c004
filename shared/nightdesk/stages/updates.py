"""Updates: posts, files and feeds into the ticker's pages and files."""

from __future__ import annotations

from collections.abc import Callable

from nightdesk.events import (
    ArticleWithdrawn,
    ObjectEvent,
    SiteChanged,
    TickerDue,
    UpdateEnded,
    UpdatePosted,
    UpdatesTouched,
)
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Note, silent
from nightdesk.usecases.ports import Feeds, Ports, Timer
from nightdesk.usecases.stored import load_site
from nightdesk.usecases.ticker import look_at_next_end, refresh


class UpdatesBatch:
    """Each message only says that there is something to look at, and one look serves them all.

    Args:
        web: gives what reads feeds; asked when it is time for them.
        again: whether a run may have died in the midst of these messages.
    """

    def __init__(
        self,
        ports: Ports,
        theme: Theme,
        timer: Timer,
        web: Callable[[], Feeds],
        note: Note = silent,
        again: bool = False,
    ) -> None:
        self._ports = ports
        self._theme = theme
        self._timer = timer
        self._web = web
        self._note = note
        self._again = again
        self._heard: set[type] = set()

    def work(self, detail: object) -> None:
        """Take files, or what a takedown concerns; all else is for the look."""
        self._heard.add(type(detail))
        if isinstance(detail, ObjectEvent | UpdatesTouched):
            # Late, here and below: most messages need none of this, and it takes a while to load.
            from nightdesk.usecases.update_files import take_file

            for key in [detail.object.key] if isinstance(detail, ObjectEvent) else detail.keys:
                self._note("file", key=key, state=take_file(key, self._ports))
        elif isinstance(detail, ArticleWithdrawn):
            from nightdesk.usecases.updates import remove_of_article

            remove_of_article(detail.slug, self._ports)
        elif not isinstance(detail, SiteChanged | TickerDue | UpdateEnded | UpdatePosted):
            raise TypeError(f"updates has no use for {type(detail).__name__}")

    def finish(self) -> None:
        """Show what was posted, then read the feeds, if it is time, and show what each says as soon as it has said it."""
        # Who died after writing over newer pages left nothing that tells which.
        self._look(everything=self._again or not self._heard.isdisjoint((SiteChanged, UpdatesTouched)))
        if feeds := load_site(self._ports).feeds if TickerDue in self._heard else ():
            from nightdesk.usecases.feeds import read_feeds

            for looked in read_feeds(feeds, self._web(), self._ports):
                self._note("feed", **looked._asdict())
                self._look()
        look_at_next_end(self._ports, self._timer)

    def _look(self, everything: bool = False) -> None:
        paths = refresh(self._ports, self._theme, everything)
        if paths:
            self._note("refreshed", paths=paths)
