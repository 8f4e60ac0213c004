"""Pieces of work that are inside each other call by call, and at each call may fail or be cut off: the same for a seed.

Smaller than `world`, which plays the pipeline: here there are no queues, only whoever does something, and chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from nightdesk.domain.errors import Transient

T = TypeVar("T")
FAULTS = ("dies before", "dies after", "fails before", "fails after")
"""At a call: the function is killed, or the call fails; without having been made, or after."""


class Died(BaseException):
    """The function was killed: no handler of errors sees it."""


class Work:
    """One piece of work: `ended` is told of what came of it, an exception or a value."""

    def __init__(self, name: str, do: Callable[[], Any], ended: Callable[[Any], None], hub: greenlet) -> None:
        self.name = name
        self.ended = ended
        self.greenlet = greenlet(self._do, hub)
        self.fault: tuple[int, str] | None = None
        self.calls = 0
        self.outcome: Any = None
        self._work = do

    def _do(self) -> None:
        try:
            self.outcome = self._work()
        except (Exception, Died) as error:
            self.outcome = error


class Interleaved:
    """All work that is under way.

    Args:
        chance: what decides.
        faulty: how likely a piece of work meets with a fault.
    """

    def __init__(self, chance: random.Random, faulty: float) -> None:
        self.chance = chance
        self.running: list[Work] = []
        self.story: list[str] = []
        self._faulty = faulty
        self._current: Work | None = None

    def begin(self, name: str, do: Callable[[], Any], ended: Callable[[Any], None] = lambda _: None) -> None:
        """Begin a piece of work; it stops at its first call."""
        work = Work(name, do, ended, getcurrent())
        if self.chance.random() < self._faulty:
            work.fault = self.chance.randint(1, 8), self.chance.choice(FAULTS)
        self.running.append(work)
        self.story.append(f"{name} begins")
        self.go_on(work)

    def go_on(self, work: Work | None = None) -> None:
        """Let a piece of work, by default any, do its next call."""
        work = work or self.chance.choice(self.running)
        self._current = work
        work.greenlet.switch()
        self._current = None
        if work.greenlet.dead:
            self.running.remove(work)
            self.story.append(f"{work.name} ends: {work.outcome!r}")
            work.ended(work.outcome)

    def call(self, name: str, make: Callable[[], T]) -> T:
        """A call of the current work: others may go on before it is made."""
        work = self._current
        if work is None:  # whoever looks on from outside
            return make()
        work.greenlet.parent.switch()  # type: ignore[union-attr]
        work.calls += 1
        fault = work.fault[1] if work.fault and work.fault[0] == work.calls else ""
        self.story.append(f"    {work.name}: {name}{f' ({fault})' if fault else ''}")
        if fault.endswith("before"):
            raise Died if fault.startswith("dies") else Transient(name)
        made = make()
        if fault:
            raise Died if fault.startswith("dies") else Transient(name)
        return made


class Wire:
    """A port, each call on which is one of the current work's."""

    def __init__(self, name: str, inner: Any, hub: Interleaved) -> None:
        self._name = name
        self._inner = inner
        self._hub = hub

    def __getattr__(self, method: str) -> Any:
        inner = getattr(self._inner, method)
        return lambda *args, **named: self._hub.call(
            f"{self._name}.{method} {args[0] if args else ''}", lambda: inner(*args, **named)
        )
