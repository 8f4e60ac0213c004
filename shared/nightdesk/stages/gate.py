"""Gate: private documents into one page per tier."""

from __future__ import annotations

from nightdesk.events import ProfileChanged, SiteChanged, ToGate
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Note, silent
from nightdesk.usecases.gate import fan_out, gate
from nightdesk.usecases.ports import Ports


class GateBatch:
    """One look at an article serves all messages that came before it."""

    def __init__(self, ports: Ports, theme: Theme, note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._looked: set[tuple[str, str]] = set()

    def work(self, detail: object) -> None:
        """Bring an article in line, or ask for those that show what changed."""
        if isinstance(detail, ToGate):
            bulk = getattr(detail, "bulk", "")
            if (detail.slug, bulk) not in self._looked:
                gated = gate(detail.slug, self._ports, self._theme, bulk)
                revision = getattr(detail, "revision", None)
                self._note("gated", slug=detail.slug, revision=revision, state=gated and gated.state)
            self._looked.add((detail.slug, bulk))
        elif isinstance(detail, ProfileChanged):
            fan_out(detail.kind, detail.id, self._ports)
        elif isinstance(detail, SiteChanged):
            fan_out("site", "", self._ports)
        else:
            raise TypeError(f"gate has no use for {type(detail).__name__}")

    def finish(self) -> None:
        """Nothing is left to do."""
