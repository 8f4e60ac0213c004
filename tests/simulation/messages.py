"""Messages, as events become them, and what a stage's function does with a batch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nightdesk.adapters.memory import MemoryTimer
from nightdesk.events import DETAILS, ObjectEvent
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Batch
from nightdesk.stages.gate import GateBatch
from nightdesk.stages.index import IndexBatch
from nightdesk.stages.invalidate import InvalidateBatch
from nightdesk.stages.render import RenderBatch
from nightdesk.stages.updates import UpdatesBatch
from nightdesk.usecases.ports import Ask, Event, Ports, Reading, Timer

from .acts import Act
from .routes import FILE_MOVED, Route, routes


class Message:
    """A message in a stage's queue; `tries` counts how often it failed for reasons of our own making, and `again` says whether
    a run with it failed or died."""

    __slots__ = ("again", "detail", "event", "name", "queue", "stage", "tries")

    def __init__(self, route: Route, event: Event, detail: object) -> None:
        self.queue = route.queue
        self.stage = route.stage
        self.event = event
        self.detail = detail
        self.name = ""
        self.tries = 0
        self.again = False


def messages_of(event: Event) -> list[Message]:
    """The messages that an event becomes: one in each queue whose rule lets it through."""
    if event.type == FILE_MOVED:
        detail: Any = ObjectEvent.model_validate({"object": event.detail})
    else:
        detail = DETAILS[event.type].model_validate({"version": 1, **event.detail})
    bulk = bool(event.detail.get("bulk"))
    heard = [route for route in routes().get(event.type, ()) if route.bulk in (None, bulk)]
    return [Message(route, event, detail) for route in heard]


def edit_of(act: Act) -> Message:
    """What an editor does, as a message: a run of its own, which editors begin again where it fails."""
    return Message(Route("editor", "editor", None), Event(act.kind, {"slug": act.subject}), act)


def name_of(message: Message) -> str:
    """A message's stage, type and identity, for people."""
    detail = message.event.detail
    about = [str(detail[key]) for key in ("key", "slug", "kind", "id", "list") if key in detail]
    if not about and (paths := detail.get("paths")):
        about = [paths[0], *([f"+{len(paths) - 1}"] if len(paths) > 1 else [])]
    return " ".join([f"{message.stage}: {message.event.type}", *about])


class NoFeeds:
    """What reads feeds where there are none."""

    def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
        return iter(())


def batch_of(stage: str, again: bool, ports: Ports, theme: Theme, timer: Timer | None = None) -> Batch:
    """A batch as the stage's handler makes it; `again` is as in `nightdesk.runtime.each_message`."""
    if stage == "render":
        return RenderBatch(ports)
    if stage == "gate":
        return GateBatch(ports, theme, again=again)
    if stage == "index":
        return IndexBatch(ports, theme)
    if stage == "updates":
        return UpdatesBatch(ports, theme, timer or MemoryTimer(), NoFeeds, again=again)
    assert stage == "invalidate"
    return InvalidateBatch(ports)
