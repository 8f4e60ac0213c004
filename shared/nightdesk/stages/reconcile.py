"""Reconcile: find what differs from what the drafts say, and request that it is made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from nightdesk.domain.events import ReconcileDue
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.reconcile import compare, request_repairs


class ReconcileBatch:
    """Compares once for all messages of the batch.

    Args:
        make_world: makes ports in memory, without any content.
    """

    handles: ClassVar[tuple[type[Detail], ...]] = (ReconcileDue,)

    def __init__(self, ports: Ports, theme: Theme, make_world: Callable[[], Ports], note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._make_world = make_world
        self._note = note

    def handle(self, detail: ReconcileDue) -> None:
        """Do nothing: `finish` compares everything."""

    def finish(self) -> None:
        """Compare the site with the drafts, and request what differs."""
        found = compare(self._ports, self._theme, self._make_world())
        request_repairs(found, self._ports)
        counts = {name: len(value) for name, value in found.to_json().items() if isinstance(value, tuple)}
        self._note("reconciled", **counts, common_pages=int(found.common_pages))
