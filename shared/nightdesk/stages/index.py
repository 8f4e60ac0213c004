"""Index: public facts into records, lists, fronts and feeds."""

from __future__ import annotations

from nightdesk.events import ArticleEntered, ArticleGated, ListTouched, ProfileChanged, SiteChanged
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Note, silent
from nightdesk.usecases.index import Listed, enter, finish, tell
from nightdesk.usecases.lists import refresh_list, refresh_profile, refresh_site
from nightdesk.usecases.ports import Ports


class IndexBatch:
    """Articles are entered one by one, and the lists that messages ask for made once for all."""

    def __init__(self, ports: Ports, theme: Theme, note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._entered: dict[str, Listed | None] = {}
        self._asked: dict[tuple[str, int], Listed] = {}

    def work(self, detail: object) -> None:
        """Enter an article, or make the lists that a message names."""
        if isinstance(detail, ArticleGated):
            if detail.slug not in self._entered:
                self._entered[detail.slug] = enter(detail.slug, self._ports)
                self._note("indexed", slug=detail.slug, state=detail.state)
        elif isinstance(detail, ArticleEntered):
            self._asked[detail.slug, detail.turn] = Listed(detail.slug, detail.turn, tuple(detail.places))
        elif isinstance(detail, ProfileChanged):
            refresh_profile(detail.kind, detail.id, self._ports, self._theme)
        elif isinstance(detail, ListTouched):
            refresh_list(detail.list, self._ports, self._theme, detail.bulk)
        elif isinstance(detail, SiteChanged):
            refresh_site(self._ports, self._theme)
        else:
            raise TypeError(f"index has no use for {type(detail).__name__}")

    def finish(self) -> None:
        """Ask for the lists of articles that were entered, and make those that were asked for."""
        tell([listed for listed in self._entered.values() if listed], self._ports)
        finish(list(self._asked.values()), self._ports, self._theme)
