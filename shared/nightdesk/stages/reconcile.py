"""Reconcile: what differs from what the drafts say, found and asked for again."""

from __future__ import annotations

from collections.abc import Callable

from nightdesk.events import ReconcileDue
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Note, silent
from nightdesk.usecases.ports import Ports
from nightdesk.usecases.reconcile import compare, mend


class ReconcileBatch:
    """One look at everything serves all messages.

    Args:
        make_world: ports of a world in memory that holds nothing.
    """

    def __init__(self, ports: Ports, theme: Theme, make_world: Callable[[], Ports], note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._make_world = make_world
        self._note = note

    def work(self, detail: object) -> None:
        """Whatever it is, it is worked on at the end."""
        if not isinstance(detail, ReconcileDue):
            raise TypeError(f"reconcile has no use for {type(detail).__name__}")

    def finish(self) -> None:
        """Compare, and ask for what differs."""
        found = compare(self._ports, self._theme, self._make_world())
        mend(found, self._ports)
        told = {name: len(value) for name, value in found.to_json().items() if isinstance(value, tuple)}
        self._note("reconciled", **told, fixed=int(found.fixed))
