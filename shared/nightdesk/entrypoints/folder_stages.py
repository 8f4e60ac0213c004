"""The stages without a cloud: events go from one to the next in this process until none is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from nightdesk.adapters.memory import MemoryBus
from nightdesk.adapters.pagefind import index_pages
from nightdesk.domain.events import Event, ObjectChanged
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Batch
from nightdesk.stages.gate import GateBatch
from nightdesk.stages.images import ImagesBatch
from nightdesk.stages.index import IndexBatch
from nightdesk.stages.render import RenderBatch
from nightdesk.stages.search import SearchBatch

_MOST = 1000
"""More rounds than any chain of events takes."""


class Unquiet(Exception):
    """The stages went on sending events."""


class Stage(NamedTuple):
    """A stage: the events that it gets, and what makes a batch of it."""

    handles: tuple[type, ...]
    make: Callable[[], Batch]


class FolderStages:
    """The stages that make a site of drafts. There is no cache to invalidate, and nobody to send mails to.

    Args:
        ports: those of a build; the bus keeps its events.
        bus: that of the ports.
        more: the stages after these; without, the search alone.

    Attributes:
        messages: how many messages the stages got.
        runs: how many batches they processed.
    """

    def __init__(
        self,
        ports: Ports,
        bus: MemoryBus,
        theme: Theme,
        more: Sequence[Stage] = (),
    ) -> None:
        self._bus = bus
        maker = ports.pictures
        self._stages = [
            Stage(RenderBatch.handles, lambda: RenderBatch(ports)),
            *([Stage(ImagesBatch.handles, lambda: ImagesBatch(ports, maker))] if maker else []),
            Stage(GateBatch.handles, lambda: GateBatch(ports, theme)),
            Stage(IndexBatch.handles, lambda: IndexBatch(ports, theme)),
            *(more or [Stage(SearchBatch.handles, lambda: SearchBatch(ports, theme, index_pages))]),
        ]
        self._queues: list[list[Any]] = [[] for _ in self._stages]
        self.messages = self.runs = 0

    def deliver(self, events: Iterable[Event | ObjectChanged]) -> list[Event | ObjectChanged]:
        """Put events into the queues of the stages that handle them, and return them."""
        delivered = list(events)
        for event in delivered:
            for queue, stage in zip(self._queues, self._stages, strict=True):
                if isinstance(event, stage.handles):
                    queue.append(event)
                    self.messages += 1
        return delivered

    def run(self) -> list[Event | ObjectChanged]:
        """Process what was delivered, and what follows from it. Returns the events that the stages sent.

        Raises:
            Unquiet: this came to no end.
            NightdeskError: a stage failed.
        """
        sent: list[Event | ObjectChanged] = []
        for _ in range(_MOST):
            waiting = next((number for number, queue in enumerate(self._queues) if queue), None)
            if waiting is None:
                return sent
            messages, self._queues[waiting] = self._queues[waiting], []
            batch = self._stages[waiting].make()
            self.runs += 1
            for message in messages:
                batch.handle(message)
            batch.finish()
            sent += self.deliver(self.take())
        raise Unquiet

    def take(self) -> list[Event]:
        """Return the events that are on the bus, and remove them from it."""
        events = list(self._bus.events)
        self._bus.events.clear()
        return events
