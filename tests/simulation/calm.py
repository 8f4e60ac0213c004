"""A world in which nothing goes wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.errors import NightdeskError
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.ports import ANY, Event, Output, Ports

from .messages import Message, batch_of, messages_of
from .routes import FILE_MOVED

_PATIENCE = 20_000
"""More messages than any of these stories needs."""


class CalmWorld:
    """Ports in memory, and messages that are worked off in the order in which they came.

    Args:
        theme: what pages are made with.
        ports: those of `memory_ports`, some of which may be others than it makes; the bus must be its own.
    """

    def __init__(self, theme: Theme, clock: Callable[[], datetime], ports: Ports | None = None) -> None:
        self.theme = theme
        self.ports = ports or memory_ports(clock=clock)
        self.queue: deque[Message] = deque()

    def say(self, events: Iterable[Event]) -> None:
        """Events reach the queues of those who hear of them."""
        self.queue += [message for event in events for message in messages_of(event)]

    def act(self, key: str, body: bytes | None) -> None:
        """An editor puts a file into the drafts bucket, or takes it out."""
        if body is None:
            self.ports.drafts.delete(key)
        else:
            self.ports.drafts.put(Output(key, body, "text/markdown"), ANY)
        self.say([Event(FILE_MOVED, {"key": key})])

    def step(self) -> None:
        """One function takes the message that has waited longest; one that fails comes back."""
        message = self.queue.popleft()
        if not self._work_off([message]):
            message.again = True
            self.queue.append(message)

    def settle(self) -> None:
        """Work everything off, message by message."""
        for _ in range(_PATIENCE):
            if not self.queue:
                return
            self.step()
        raise AssertionError("it never becomes quiet")

    def settle_together(self) -> None:
        """Work everything off, each stage taking all that waits for it at once: quicker, and the same in the end.

        Raises:
            NightdeskError: a stage failed.
        """
        while self.queue:
            stage = min((message.stage for message in self.queue), key=_ORDER.index)
            mine = [message for message in self.queue if message.stage == stage]
            self.queue = deque(message for message in self.queue if message.stage != stage)
            if not self._work_off(mine):
                raise NightdeskError(f"{stage} failed in a calm world")

    def _work_off(self, messages: list[Message]) -> bool:
        """Whether a batch was worked off."""
        batch = batch_of(messages[0].stage, any(message.again for message in messages), self.ports, self.theme)
        try:
            for message in messages:
                batch.work(message.detail)
            batch.finish()
        except NightdeskError:
            return False
        finally:
            self.collect()
        return True

    def collect(self) -> None:
        """Bring what was put on the bus to the queues."""
        events = list(self.ports.bus.events)  # type: ignore[attr-defined]  # memory_ports makes it
        self.ports.bus.events.clear()  # type: ignore[attr-defined]
        self.say(events)


_ORDER = ("render", "gate", "index", "updates", "invalidate")
