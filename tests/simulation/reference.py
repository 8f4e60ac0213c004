"""A world without faults or concurrency, for unit tests and for comparisons."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.errors import NightdeskError
from nightdesk.domain.events import Event, ObjectChanged
from nightdesk.domain.uploaders import DIRECT, Uploader
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Runtime, process_batch
from nightdesk.usecases.newsletters.ports import NewsletterPorts

from .messages import Message, batch_of, messages_of
from .pictures import PlainPictures

_MAX_MESSAGES = 20_000
"""More than any test needs."""
_STAGES = ("render", "images", "gate", "index", "search", "updates", "newsletter", "mailer", "invalidate")


class ReferenceWorld:
    """Ports in memory, and messages that are processed in the order in which they came.

    Args:
        ports: those of `memory_ports`, some of which may be replaced; the bus must not be.
    """

    def __init__(self, theme: Theme, clock: Callable[[], datetime], ports: Ports | None = None) -> None:
        self.theme = theme
        self.ports = ports or memory_ports(clock=clock, pictures=PlainPictures())
        self.newsletters: NewsletterPorts | None = None
        self.queue: deque[Message] = deque()

    def deliver(self, events: Iterable[Event | ObjectChanged]) -> None:
        """Put events into the queues whose rules match them."""
        self.queue += [message for event in events for message in messages_of(event)]

    def upload(self, key: str, body: bytes | None, uploader: Uploader = DIRECT) -> None:
        """Put a file into the drafts bucket, as its uploader through the editors' API would, or delete it (None)."""
        if body is None:
            self.ports.drafts.delete(key)
        else:
            metadata = {} if uploader == DIRECT else uploader.to_metadata()
            self.ports.drafts.put(Output(key, body, "text/markdown", metadata=metadata), ANY)
        self.deliver([ObjectChanged(key)])

    def process_next(self) -> None:
        """Process the oldest message. If it fails, it goes back to the end of the queue."""
        message = self.queue.popleft()
        for failed in self._process([message]):
            failed.redelivered = True
            self.queue.append(failed)

    def process_all(self) -> None:
        """Process messages one by one until none is left."""
        for _ in range(_MAX_MESSAGES):
            if not self.queue:
                return
            self.process_next()
        raise AssertionError("there are always more messages")

    def process_in_batches(self) -> None:
        """Process messages until none is left, all of a stage at once. That is faster, and leads to the same site.

        Raises:
            NightdeskError: a stage failed.
        """
        while self.queue:
            stage = min((message.stage for message in self.queue), key=_STAGES.index)
            batch = [message for message in self.queue if message.stage == stage]
            self.queue = deque(message for message in self.queue if message.stage != stage)
            if self._process(batch):
                raise NightdeskError(f"{stage} failed although there were no faults")

    def _process(self, messages: list[Message]) -> list[Message]:
        """Process a batch, and return the messages that failed."""
        make_batch = partial(
            batch_of, messages[0].stage, ports=self.ports, theme=self.theme, newsletters=self.newsletters
        )
        runtime = Runtime(make_batch, lambda message: message.detail, _raise_unexpected)
        try:
            failed = process_batch(messages, any(message.redelivered for message in messages), runtime)
        finally:
            self.deliver_emitted()
        return [message for message, _ in failed]

    def deliver_emitted(self) -> None:
        """Deliver the events that were put on the bus."""
        events = list(self.ports.bus.events)  # type: ignore[attr-defined]  # memory_ports makes it
        self.ports.bus.events.clear()  # type: ignore[attr-defined]
        self.deliver(events)


def _raise_unexpected(error: Exception) -> None:
    """Raise what no stage raises on purpose; a NightdeskError only fails its message."""
    if not isinstance(error, NightdeskError):
        raise error
