"""Mailer: sends editions of newsletters, a batch of recipients at a time."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.events import BatchPlanned, TestMailRequested
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sending import send_batch, send_test


class MailerBatch:
    """Sends each message's batch by itself."""

    handles: ClassVar[tuple[type[Detail], ...]] = (BatchPlanned, TestMailRequested)

    def __init__(self, ports: NewsletterPorts, theme: Theme, note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note

    def handle(self, detail: BatchPlanned | TestMailRequested) -> None:
        """Send to the recipients that a message names."""
        if isinstance(detail, TestMailRequested):
            send_test(detail.edition, detail.id, self._ports, self._theme)
            self._note("test", edition=detail.edition)
            return
        counts = send_batch(detail.edition, detail.batch, self._ports, self._theme)
        self._note("sent", edition=detail.edition, batch=detail.batch, **counts)

    def finish(self) -> None:
        """Do nothing: each batch was completed by itself."""
