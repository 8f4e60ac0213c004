"""The ports of a simulated world: buckets, bus, schedules and timer in memory, each call on which the world schedules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.events import Event, ObjectChanged
from nightdesk.domain.uploaders import DIRECT
from nightdesk.ports import Output, Stat

if TYPE_CHECKING:
    from .world import World

WRITES = frozenset(("put", "copy", "delete", "write", "emit", "invalidate", "wake_at", "wake_in"))
"""The methods of ports that write."""


class ScheduledPort:
    """A port whose calls are scheduled by the world: before each of them, another run may continue or a fault may occur."""

    def __init__(self, name: str, inner: Any, world: World) -> None:
        self._name = name
        self._inner = inner
        self._world = world

    @property
    def bucket(self) -> str:
        """The name of the bucket behind the port."""
        return str(self._inner.bucket)

    def __getattr__(self, method: str) -> Any:
        called = partial(self._world.call, f"{self._name}.{method}", method in WRITES, getattr(self._inner, method))
        if method == "get_many":
            called = partial(_in_halves, called)
        self.__dict__[method] = called
        return called


def _in_halves(read: Callable[[Sequence[Any]], list[Any]], keys: Sequence[Any]) -> list[Any]:
    """Read many items in two calls, because they are not a snapshot of one moment."""
    half = len(keys) // 2
    return read(keys[:half]) + read(keys[half:]) if half else read(keys)


class ObjectRemoved(ObjectChanged):
    """S3's event of a deletion. The product does not distinguish it from that of a creation."""


class WorldBus:
    """A bus that delivers its events at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, events: Iterable[Event]) -> None:
        self._world.deliver(events)


class DraftsBucket(MemoryObjects):
    """The drafts bucket, of which every change is an event.

    Attributes:
        requester: who puts the next object, as S3's event will say.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self._world = world
        self.requester = DIRECT

    def put(self, output: Output, expected: str | None) -> Stat:
        written = super().put(output, expected)
        requester, self.requester = self.requester, DIRECT
        self._world.deliver([ObjectChanged(output.key, self._marks[output.key][0], requester)])
        return written

    def delete(self, key: str) -> None:
        super().delete(key)
        self._world.deliver([ObjectRemoved(key)])


class SiteBucket(MemoryObjects):
    """The site bucket. It reports its changes to the cache, and notices articles that are shown too early.

    Attributes:
        ever_live: slugs at which there ever was a live article.
        public_from: for each slug, the earliest time that any version of a draft allows.
        released: the earliest time that any editor's decision allows. Decisions follow an article to other slugs, so it
            counts for all of them.
        watch: called with each object that is put; returns what is wrong with it, or an empty string.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self._world = world
        self.ever_live: set[str] = set()
        self.public_from: dict[str, datetime] = {}
        self.released: datetime | None = None
        self.watch: Callable[[Output], str] | None = None

    def allow(self, slug: str, moment: datetime) -> None:
        """Note that a version of a draft lets an article be public from a moment on."""
        self.public_from[slug] = min(moment, self.public_from.get(slug, moment))

    def release(self, moment: datetime) -> None:
        """Note that an editor lets an article be public from a moment on."""
        self.released = min(moment, self.released or moment)

    def put(self, output: Output, expected: str | None) -> Stat:
        written = super().put(output, expected)
        self._world.cache.site_changed(output.key, output)
        if self.watch and (wrong := self.watch(output)):
            self._world.violations.append(wrong)
        folder, _, rest = output.key.partition("/")
        if folder == "articles" and "status" not in output.metadata:
            self.ever_live.add(rest.partition("/")[0])
        now = self._world.now
        for slug, moment in self.public_from.items():
            if moment > now and not (self.released and self.released <= now) and _shows(output, slug):
                self._world.violations.append(f"shown too early: {slug}, in {output.key}")
        return written

    def delete(self, key: str) -> None:
        existed = key in self.outputs
        super().delete(key)
        if existed:
            self._world.cache.site_changed(key, None)


def _shows(output: Output, slug: str) -> bool:
    """Return True if an object of the site shows an article, or names it."""
    if output.key.startswith(f"articles/{slug}/"):
        return "status" not in output.metadata
    if output.key.startswith("updates/"):
        return False  # those who post an update choose what it links to
    address = f"/articles/{slug}/".encode()
    return address in output.body and address in _LINK_BY_NAME.sub(b"", output.body)


_LINK_BY_NAME = re.compile(rb"/articles/[abcd]/[^<>]*>Next<")
"""What `[Next](b.md)` becomes: this address follows from the words of the page that links, and tells nothing of the draft."""


class Schedules:
    """Schedules that fire as the world's time passes. One for a moment that has already passed never fires."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wake_at(self, slug: str, moment: datetime) -> None:
        self._world.schedules.setdefault((moment, slug), moment <= self._world.now)


class Timer:
    """The ticker's timer: delayed messages in its queue."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wake_in(self, seconds: int) -> None:
        self._world.timers.append(self._world.now + timedelta(seconds=seconds))
