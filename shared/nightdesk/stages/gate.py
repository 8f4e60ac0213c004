"""Gate: makes one page per tier from a private document."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

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
from nightdesk.ports import Objects, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import SharedReads, read_once
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.gate import gate, lift_embargo
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
        self._reads = SharedReads(ports.private)
        self._gating_ports = replace(ports, private=cast(Objects, self._reads))
        self._lifted: set[str] = set()
        self._shown: set[tuple[str, str]] = set()

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
        request = detail if isinstance(detail, RegateRequested) else None
        told = self._gated.get((detail.slug, bulk))
        if told or (request and (told is not None or (request.slug, request.shows) in self._shown)):
            return
        found = gate(detail.slug, self._gating_ports, self._theme, bulk, self._redelivered, request)
        if request and found.passed_over:
            self._shown.add((request.slug, request.shows))
            return
        revision = detail.revision if isinstance(detail, ArticleRendered) else None
        self._note("gated", slug=detail.slug, revision=revision, state=found.state)
        self._gated[detail.slug, bulk] = found.told

    def _lift(self, slug: str) -> bool:
        if slug not in self._lifted and (ended := lift_embargo(slug, self._cached_ports, self._theme)):
            self._lifted.add(slug)
            self._note("embargo lifted", slug=slug, late=(self._ports.clock() - ended).total_seconds())
        return slug in self._lifted

    def finish(self) -> None:
        """Make pages again if settings or profiles, which were read once for all, have changed meanwhile. Request the rest of
        the work for articles whose embargo ended: it queues behind the articles that still wait."""
        if self._reads.have_changed(self._ports):
            for slug, bulk in self._gated:
                gate(slug, self._ports, self._theme, bulk, self._redelivered, RegateRequested(slug, bulk))
        if self._lifted:
            self._ports.bus.emit([EmbargoLifted(slug) for slug in sorted(self._lifted)])
