"""Reconcile: find what differs from what the drafts say, and request that it is made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import ClassVar

from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import ReconcileContinued, ReconcileDue
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.reconcile import PARTS, Position, compare_slice, request_repairs

_NAMED = 20
"""How many of those that could not be compared a log line names."""


class ReconcileBatch:
    """Compares slice after slice, and sends itself an event to go on when the time of a run is used.

    What differs in a slice is requested before the next one is compared. So a run that dies has the comparison of one message repeated, and
    however large the archive is, a run knows only one slice of it.

    Args:
        has_time: returns whether the run may begin another slice.
    """

    handles: ClassVar[tuple[type[Detail], ...]] = (ReconcileDue, ReconcileContinued)

    def __init__(self, ports: Ports, theme: Theme, has_time: Callable[[], bool], note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._has_time = has_time
        self._note = note
        self._begun: list[ReconcileContinued] = []

    def handle(self, detail: ReconcileDue | ReconcileContinued) -> None:
        """Note where to begin: `finish` compares, once for all messages that begin at one place."""
        if isinstance(detail, ReconcileDue):
            detail = ReconcileContinued(PARTS[0], "", 0, {})
        if detail.part not in PARTS:
            raise Permanent(f"reconcile has no part {detail.part}")
        if all((each.part, each.after) != (detail.part, detail.after) for each in self._begun):
            self._begun.append(detail)

    def finish(self) -> None:
        """Compare as many slices as the time allows, and request what differs."""
        for begun in self._begun:
            self._go_on(begun)

    def _go_on(self, begun: ReconcileContinued) -> None:
        at: Position | None = Position(begun.part, begun.after)
        counts, slices = Counter(begun.counts), begun.slices
        while at:
            found, at = compare_slice(at, self._ports, self._theme)
            request_repairs(found, self._ports)
            counts.update(found.counts())
            slices += 1
            if found.failed:
                self._note("not compared", names=list(found.failed[:_NAMED]), failed=len(found.failed))
            if at and not self._has_time():
                self._ports.bus.emit([ReconcileContinued(at.part, at.after, slices, dict(counts))])
                self._note("reconcile goes on", part=at.part, slices=slices)
                return
        self._note("reconciled", slices=slices, **counts)
