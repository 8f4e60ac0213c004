"""Gate: makes one page per tier from a private document."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.events import (
    ArticleDue,
    ArticleRendered,
    ArticleScheduled,
    ArticleWithdrawn,
    DecisionChanged,
    EmbargoLifted,
    ProfileChanged,
    RegateRequested,
    SiteChanged,
)
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import read_once
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.gate import gate, lift_embargo, shows_already
from nightdesk.usecases.pipeline.gate_requests import regate_all, regate_showing

ArticleEvent = (
    ArticleRendered
    | ArticleWithdrawn
    | ArticleScheduled
    | DecisionChanged
    | ArticleDue
    | EmbargoLifted
    | RegateRequested
)
"""Events after which one article's pages must be made again."""


class GateBatch:
    """Makes the pages of each article once, however many messages name it.

    Args:
        redelivered: True if SQS delivered one of the messages before, so that a run may have died while it wrote.
    """

    handles: ClassVar[tuple[type[Detail], ...]] = (*ArticleEvent.__args__, ProfileChanged, SiteChanged)

    def __init__(self, ports: Ports, theme: Theme, note: Note = silent, redelivered: bool = False) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._redelivered = redelivered
        self._gated: dict[tuple[str, str], bool] = {}
        self._cached_ports = read_once(ports)
        self._lifted: set[str] = set()

    def handle(self, detail: ArticleEvent | ProfileChanged | SiteChanged) -> None:
        """Make an article's pages, or request those of all articles that show what changed."""
        if isinstance(detail, ProfileChanged):
            regate_showing(detail.kind, detail.id, self._ports)
        elif isinstance(detail, SiteChanged):
            regate_all(self._ports)
        elif not (isinstance(detail, ArticleDue) and self._lift(detail.slug)):
            self._gate(detail)

    def _gate(self, detail: ArticleEvent) -> None:
        bulk = detail.bulk if isinstance(detail, ArticleRendered | RegateRequested) else ""
        if_changed = isinstance(detail, RegateRequested)
        told = self._gated.get((detail.slug, bulk))
        if told or (if_changed and told is not None):
            return
        if isinstance(detail, RegateRequested) and not self._redelivered and self._shows(detail):
            return
        found = gate(detail.slug, self._ports, self._theme, bulk, self._redelivered, if_changed)
        revision = detail.revision if isinstance(detail, ArticleRendered) else None
        self._note("gated", slug=detail.slug, revision=revision, state=found.state)
        self._gated[detail.slug, bulk] = found.told

    def _shows(self, request: RegateRequested) -> bool:
        return shows_already(request.slug, request.shows, self._ports)

    def _lift(self, slug: str) -> bool:
        if slug not in self._lifted and (ended := lift_embargo(slug, self._cached_ports, self._theme)):
            self._lifted.add(slug)
            self._note("embargo lifted", slug=slug, late=(self._ports.clock() - ended).total_seconds())
        return slug in self._lifted

    def finish(self) -> None:
        """Request the rest of the work for articles whose embargo ended. It queues behind the articles that still wait."""
        if self._lifted:
            self._ports.bus.emit([EmbargoLifted(slug) for slug in sorted(self._lifted)])
