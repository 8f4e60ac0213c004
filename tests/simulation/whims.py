"""What chance decides in a simulated world, kept apart from how the world works.

The calm course is: one run at a time, to its end, messages in the order in which they came, and the next act when all
is quiet. Moves depart from it. They name what they move, so that each keeps its meaning when others are left out. So
the moves of a history can be drawn from a seed, written down, played again, and left out until only those remain that
matter; whatever they do not mention takes the calm course at the end.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from .messages import Message
    from .world import Run, World

_PATIENT = 10_000
"""Calls after which no message comes again: a history in which they came faster than they are worked off would not end."""
ENOUGH = 1_000_000
"""More calls than any run makes."""


class Fault(NamedTuple):
    """What befalls a run at one of its calls.

    Args:
        kind: see `KINDS`.
        call: which call, from 1; where `writes` is true, which of those that write.
        part: bits that say which of several events get out, where only some do.
    """

    kind: str
    call: int
    part: int = 0
    writes: bool = False


KINDS = {
    "dies before": "the function is killed before the call takes effect",
    "dies during": "it is killed in the midst: of several events, some got out",
    "dies after": "it is killed when the call has taken effect",
    "throttled": "the call is refused for a passing reason",
    "refused in part": "of several events some got out, and the call failed",
    "answer lost": "the call took effect, and the caller is told that it failed",
    "tried twice": "the same, and the SDK's own second attempt met what the first had written",
    "contended": "a conditional write is refused because of another under way, which then failed itself",
}
_KINDS = tuple(KINDS)


class Choice(NamedTuple):
    """What to do next: `go on` (the calm course), the next `act`, `start` or `resume` a run, or deliver a message `again`.

    Args:
        what: the message whose run starts, the run, or the message.
        calls: how many calls the run makes before it is anybody's turn again.
    """

    kind: str
    what: Message | Run | None = None
    calls: int = ENOUGH


class Move(NamedTuple):
    """A choice by name: `act` (of a number), `run` (for some calls, or to its end), a message `again`, or `quiet`: the calm
    course, until nothing is left to do but acts."""

    kind: str
    name: str = ""
    calls: int | None = None

    def __str__(self) -> str:
        if self.kind == "run":
            return f"{self.name}: " + ("to its end" if self.calls is None else f"{self.calls} calls")
        return f"{self.kind} {self.name}".strip()


GO_ON, ACT, QUIET = Choice("go on"), Choice("act"), Move("quiet")


class Whims(Protocol):
    """Decides what is left to chance."""

    def turn(self, world: World) -> Choice:
        """What to do next."""

    def fault(self, run: Run) -> Fault | None:
        """What befalls a run that begins."""

    def also(self, run: Run, others: Sequence[Message]) -> list[Message]:
        """Which of the other messages of its queue a run takes as well."""


@dataclass(frozen=True, slots=True)
class Temper:
    """How unkind a history is: how many runs there are at once, and the chance of each mischief.

    Args:
        grain: that a run is interrupted, at each of its calls.
        hurry: that the next act does not wait until all is quiet.
        again: that a message comes again, at each turn.
        sleep: that a run which is interrupted sleeps until nothing else is left to do.
    """

    width: int
    grain: float
    reorder: float
    batch: float
    fault: float
    hurry: float
    again: float
    sleep: float


def temper(rnd: random.Random) -> Temper:
    """A temper for one history. Some are gentle in one way or another, for there are faults that need some peace."""
    return Temper(
        width=rnd.choice((1, 2, 2, 3, 4, 6)),
        grain=rnd.choice((0.5, 0.2, 0.1, 0.05)),
        reorder=rnd.choice((0.0, 0.3, 0.9)),
        batch=rnd.choice((0.0, 0.2, 0.5, 0.8)),
        fault=rnd.choice((0.0, 0.0, 0.05, 0.15, 0.3)),
        hurry=rnd.choice((0.0, 0.03, 0.1, 0.4)),
        again=rnd.choice((0.0, 0.01, 0.04)),
        sleep=rnd.choice((0.0, 0.05, 0.2)),
    )


class Drawn:
    """Whims drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._rnd = random.Random(seed)
        self._asleep: set[Run] = set()
        self.temper = temper(self._rnd)

    def turn(self, world: World) -> Choice:
        chance, how = self._rnd.random, self.temper
        queue = world.queue
        if how.again and world.ticks < _PATIENT and chance() < how.again:
            known = [message for run in world.running for message in run.messages] if chance() < 0.5 else world.said
            if known:
                return Choice("again", known[int(chance() * len(known))])
        if world.coming and chance() < how.hurry:
            return ACT
        running = world.running
        if how.sleep:
            if running and chance() < how.sleep:
                self._asleep.add(running[int(chance() * len(running))])
            running = [run for run in running if run not in self._asleep]
        if not running and not queue and not world.coming:
            self._asleep.clear()
            running = world.running
        if queue and len(running) < how.width and (not running or chance() < 0.5):
            first = queue[int(chance() * len(queue)) if chance() < how.reorder else 0]
            return Choice("start", first, self._calls())
        if running:
            return Choice("resume", running[int(chance() * len(running))], self._calls())
        return ACT if world.coming else GO_ON

    def fault(self, run: Run) -> Fault | None:
        chance = self._rnd.random
        if chance() >= self.temper.fault:
            return None
        writes = chance() < 0.6
        call = 1 + int(chance() * (8 if writes else 30))
        return Fault(_KINDS[int(chance() * len(_KINDS))], call, int(chance() * 1024), writes)

    def also(self, run: Run, others: Sequence[Message]) -> list[Message]:
        how = self.temper.batch
        return [message for message in others if self._rnd.random() < how] if how else []

    def _calls(self) -> int:
        count, chance, grain = 0, self._rnd.random, self.temper.grain
        while chance() > grain:
            count += 1
        return count


class Played:
    """Moves as a world wrote them down, and what runs met and took, by the runs' names."""

    def __init__(self, moves: Sequence[Move], faults: Mapping[str, Fault], takes: Mapping[str, Sequence[str]]) -> None:
        self._moves = deque(moves)
        self._faults = faults
        self._takes = takes

    def turn(self, world: World) -> Choice:
        while self._moves:
            move = self._moves[0]
            if move == QUIET and (world.running or world.queue):
                return GO_ON
            self._moves.popleft()
            if choice := self._choice(move, world):
                return choice
        return GO_ON

    def _choice(self, move: Move, world: World) -> Choice | None:
        """What a move means now; None where it has lost its meaning."""
        kind, name, calls = move
        if kind == "act":
            return ACT if world.coming and str(world.coming[0].number) == name else None
        if kind == "again":
            return next((Choice("again", message) for message in world.said if message.name == name), None)
        if kind == "run":
            count = ENOUGH if calls is None else calls
            for run in world.running:
                if run.name == name:
                    return Choice("resume", run, count - 1)
            for message in world.queue:
                if world.name_of_run(message) == name:
                    return Choice("start", message, count)
        return None

    def fault(self, run: Run) -> Fault | None:
        return self._faults.get(run.name)

    def also(self, run: Run, others: Sequence[Message]) -> list[Message]:
        left, taken = list(others), []
        for name in self._takes.get(run.name, ()):
            if message := next((message for message in left if message.name == name), None):
                left.remove(message)
                taken.append(message)
        return taken
