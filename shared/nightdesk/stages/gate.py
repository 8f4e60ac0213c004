"""Gate: private documents into one page per tier."""

from __future__ import annotations

from nightdesk.events import ArticleDue, ProfileChanged, SiteChanged, ToGate
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Note, silent
from nightdesk.usecases.gate import fan_out, gate, lift
from nightdesk.usecases.ports import Event, Ports
from nightdesk.usecases.stored import read_once


class GateBatch:
    """One look at an article serves all messages that came before it.

    Args:
        again: whether a run may have died in the midst of these messages.
    """

    def __init__(self, ports: Ports, theme: Theme, note: Note = silent, again: bool = False) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._again = again
        self._looked: set[tuple[str, str]] = set()
        self._ports_once = read_once(ports)
        self._lifted: set[str] = set()

    def work(self, detail: object) -> None:
        """Bring an article in line, or ask for those that show what changed."""
        if isinstance(detail, ArticleDue) and self._lift(detail.slug):
            return
        if isinstance(detail, ToGate):
            bulk = getattr(detail, "bulk", "")
            if (detail.slug, bulk) not in self._looked:
                gated = gate(detail.slug, self._ports, self._theme, bulk, self._again)
                revision = getattr(detail, "revision", None)
                self._note("gated", slug=detail.slug, revision=revision, state=gated and gated.state)
            self._looked.add((detail.slug, bulk))
        elif isinstance(detail, ProfileChanged):
            fan_out(detail.kind, detail.id, self._ports)
        elif isinstance(detail, SiteChanged):
            fan_out("site", "", self._ports)
        else:
            raise TypeError(f"gate has no use for {type(detail).__name__}")

    def _lift(self, slug: str) -> bool:
        if slug not in self._lifted and lift(slug, self._ports_once, self._theme):
            self._lifted.add(slug)
            self._note("embargo lifted", slug=slug)
        return slug in self._lifted

    def finish(self) -> None:
        """Ask for what comes after the pages of articles whose embargo is over: behind those that wait for theirs."""
        if self._lifted:
            self._ports.bus.emit([Event("EmbargoLifted", {"slug": slug}) for slug in sorted(self._lifted)])
