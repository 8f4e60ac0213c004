"""Notify: tells webhooks, search engines and a hub what happened."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import ClassVar

from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.events import NoticeRequested
from nightdesk.domain.site import Site
from nightdesk.domain.webhooks import TOLD_EVENTS, Notice
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import load_site
from nightdesk.stages.batch import Note, silent
from nightdesk.usecases.pipeline.notify import REFUSED, Outside, give_notice, plan_notices

_ENOUGH = timedelta(seconds=60)
"""After that, a batch leaves what it has not begun to a later one, because servers may take long and functions may not."""


class NotifyBatch:
    """Gives each notice that was requested, and requests those that the other events of the batch make necessary."""

    handles: ClassVar[tuple[type, ...]] = (Notice,)
    events: ClassVar[tuple[str, ...]] = (*TOLD_EVENTS, NoticeRequested.__name__)
    """The names of the events of which notices may be."""

    def __init__(self, ports: Ports, outside: Outside, note: Note = silent) -> None:
        self._ports = ports
        self._outside = outside
        self._note = note
        self._notices: list[Notice] = []
        self._until = ports.clock() + _ENOUGH

    @cached_property
    def _site(self) -> Site:
        return load_site(self._ports)

    def handle(self, detail: Notice) -> None:
        """Give the notice that a message requests, or collect the event that it brings.

        A refusal is final: it is noted and counted, and the message is done.
        """
        event = detail.event
        if event.name not in self.events:
            raise Permanent(f"nobody is told of {event.name}")
        if not isinstance(event, NoticeRequested):
            self._notices.append(detail)
            return
        if self._ports.clock() > self._until:
            raise Transient("servers that were told before it took too long")
        try:
            outcome = give_notice(event, self._site, self._ports, self._outside)
        except Permanent as error:
            self._note("notice", to=event.to, event=event.event, result=REFUSED, reason=str(error))
            return
        self._note("notice", to=event.to, event=event.event, **outcome._asdict())

    def finish(self) -> None:
        """Request the notices of the events that were collected."""
        if self._notices and (planned := plan_notices(self._notices, self._site)):
            self._ports.bus.emit(planned)
