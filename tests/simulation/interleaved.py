"""Runs tasks interleaved call by call. Each call may fail, or its task may be killed. A seed reproduces a run.

This is simpler than `world`, which simulates the pipeline: there are no queues here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from nightdesk.domain.errors import Transient

T = TypeVar("T")
FAULTS = ("killed before", "killed after", "fails before", "fails after")
"""The task is killed or the call fails, before or after the call takes effect."""


class Killed(BaseException):
    """The function was killed. Not an `Exception`, so no error handler catches it."""


class Task:
    """One task. `on_end` is called with its outcome, an exception or a value."""

    def __init__(self, name: str, do: Callable[[], Any], on_end: Callable[[Any], None], hub: greenlet) -> None:
        self.name = name
        self.on_end = on_end
        self.greenlet = greenlet(self._do, hub)
        self.fault: tuple[int, str] | None = None
        self.calls = 0
        self.outcome: Any = None
        self._work = do

    def _do(self) -> None:
        try:
            self.outcome = self._work()
        except (Exception, Killed) as error:
            self.outcome = error


class Interleaved:
    """All running tasks.

    Args:
        chance: makes all random choices.
        fault_rate: the probability that a task has a fault.
    """

    def __init__(self, chance: random.Random, fault_rate: float) -> None:
        self.chance = chance
        self.running: list[Task] = []
        self.log: list[str] = []
        self._faulty = fault_rate
        self._current: Task | None = None

    def start(self, name: str, do: Callable[[], Any], on_end: Callable[[Any], None] = lambda _: None) -> None:
        """Start a task. It pauses at its first call."""
        task = Task(name, do, on_end, getcurrent())
        if self.chance.random() < self._faulty:
            task.fault = self.chance.randint(1, 8), self.chance.choice(FAULTS)
        self.running.append(task)
        self.log.append(f"{name} starts")
        self.resume(task)

    def resume(self, task: Task | None = None) -> None:
        """Let a task, by default a random one, make its next call."""
        task = task or self.chance.choice(self.running)
        self._current = task
        task.greenlet.switch()
        self._current = None
        if task.greenlet.dead:
            self.running.remove(task)
            self.log.append(f"{task.name} ends: {task.outcome!r}")
            task.on_end(task.outcome)

    def call(self, name: str, make: Callable[[], T]) -> T:
        """Make a call of the current task. Other tasks may run before it is made."""
        task = self._current
        if task is None:  # the test itself
            return make()
        task.greenlet.parent.switch()  # type: ignore[union-attr]
        task.calls += 1
        fault = task.fault[1] if task.fault and task.fault[0] == task.calls else ""
        self.log.append(f"    {task.name}: {name}{f' ({fault})' if fault else ''}")
        if fault.endswith("before"):
            raise Killed if fault.startswith("killed") else Transient(name)
        made = make()
        if fault:
            raise Killed if fault.startswith("killed") else Transient(name)
        return made


class InterleavedPort:
    """A port whose calls are calls of the current task."""

    def __init__(self, name: str, inner: Any, hub: Interleaved) -> None:
        self._name = name
        self._inner = inner
        self._hub = hub

    def __getattr__(self, method: str) -> Any:
        inner = getattr(self._inner, method)
        return lambda *args, **named: self._hub.call(
            f"{self._name}.{method} {args[0] if args else ''}", lambda: inner(*args, **named)
        )
