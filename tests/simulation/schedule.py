"""What a simulated world leaves to chance: which run continues, which faults occur, which messages share a batch.

By default, one run at a time goes to its end, messages are processed in the order in which they came, and the next action
waits until no message is left. Moves depart from that. They name what they move, so each keeps its meaning when others
are left out. So the moves of a history can be drawn from a seed, recorded, replayed, and left out until only those remain
that matter; what they do not mention happens in the default order.
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

_MAX_REDELIVERY_TICKS = 10_000
"""After so many calls no message is redelivered: if they came faster than they are processed, a history would not end."""
TO_ITS_END = 1_000_000
"""More calls than any run makes."""


class Fault(NamedTuple):
    """A fault that occurs at one call of a run.

    Attributes:
        kind: one of `KINDS`.
        call: which call, from 1; if `writes` is true, which of the calls that write.
        part: bits that say which of several events are accepted, if only some are.
    """

    kind: str
    call: int
    part: int = 0
    writes: bool = False


KINDS = {
    "dies before": "the function is killed before the call takes effect",
    "dies during": "the function is killed during the call; of several events, some are accepted",
    "dies after": "the function is killed after the call has taken effect",
    "throttled": "the service refuses the call for now",
    "partly refused": "of several events, some are accepted and the call fails",
    "response lost": "the call takes effect, but fails for the caller",
    "retried": "likewise, and the SDK's second attempt conflicts with what the first one wrote",
    "contended": "a conditional write is refused because of another one in progress, which then fails itself",
}
_KINDS = tuple(KINDS)


class Choice(NamedTuple):
    """What happens next.

    Attributes:
        kind: `default` (as in the default order), `action` (the next one), `start` or `resume` a run, or `redeliver`.
        what: the first message of the run that starts, the run that continues, or the message to redeliver.
        calls: how many calls the run makes before the next choice.
    """

    kind: str
    what: Message | Run | None = None
    calls: int = TO_ITS_END


class Move(NamedTuple):
    """A recorded choice.

    Attributes:
        kind: `action`, `run`, `redeliver`, or `quiet`: the default order until only actions are left.
        name: the action's number, or the name of the run or the message.
        calls: how many calls the run makes; None to its end.
    """

    kind: str
    name: str = ""
    calls: int | None = None

    def __str__(self) -> str:
        if self.kind == "run":
            return f"{self.name}: " + ("to its end" if self.calls is None else f"{self.calls} calls")
        return f"{self.kind} {self.name}".strip()


DEFAULT, NEXT_ACTION, QUIET = Choice("default"), Choice("action"), Move("quiet")


class Schedule(Protocol):
    """Decides what is left to chance."""

    def next_choice(self, world: World) -> Choice:
        """Return what happens next."""

    def fault(self, run: Run) -> Fault | None:
        """Return the fault that will occur in a run, which is about to begin."""

    def share_batch(self, run: Run, others: Sequence[Message]) -> list[Message]:
        """Return the other messages of its queue that a run receives in the same batch."""


@dataclass(frozen=True, slots=True)
class FaultProfile:
    """How much disorder a history has.

    Attributes:
        width: how many runs there are at once, at most.
        grain: the chance that a run is interrupted, at each of its calls.
        reorder: the chance that a run begins with any message rather than the oldest.
        batch: the chance that a message shares the batch of a run that begins.
        fault: the chance that a fault occurs in a run.
        hurry: the chance that the next action does not wait until no message is left.
        redeliver: the chance that a message is redelivered, at each choice.
        sleep: the chance that an interrupted run sleeps until there is nothing else to do.
    """

    width: int
    grain: float
    reorder: float
    batch: float
    fault: float
    hurry: float
    redeliver: float
    sleep: float


def draw_profile(rnd: random.Random) -> FaultProfile:
    """Draw the profile of one history. Some lack one kind of disorder or another, because it would hide some bugs."""
    return FaultProfile(
        width=rnd.choice((1, 2, 2, 3, 4, 6)),
        grain=rnd.choice((0.5, 0.2, 0.1, 0.05)),
        reorder=rnd.choice((0.0, 0.3, 0.9)),
        batch=rnd.choice((0.0, 0.2, 0.5, 0.8)),
        fault=rnd.choice((0.0, 0.0, 0.05, 0.15, 0.3)),
        hurry=rnd.choice((0.0, 0.03, 0.1, 0.4)),
        redeliver=rnd.choice((0.0, 0.01, 0.04)),
        sleep=rnd.choice((0.0, 0.05, 0.2)),
    )


class RandomSchedule:
    """A schedule drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._rnd = random.Random(seed)
        self._asleep: set[Run] = set()
        self.profile = draw_profile(self._rnd)

    def next_choice(self, world: World) -> Choice:
        chance, profile = self._rnd.random, self.profile
        if profile.redeliver and world.ticks < _MAX_REDELIVERY_TICKS and chance() < profile.redeliver:
            in_progress = [message for run in world.running for message in run.messages]
            known = in_progress if chance() < 0.5 else world.delivered
            if known:
                return Choice("redeliver", known[int(chance() * len(known))])
        if world.actions and chance() < profile.hurry:
            return NEXT_ACTION
        running = self._awake(world)
        if world.queue and len(running) < profile.width and (not running or chance() < 0.5):
            position = int(chance() * len(world.queue)) if chance() < profile.reorder else 0
            return Choice("start", world.queue[position], self._calls())
        if running:
            return Choice("resume", running[int(chance() * len(running))], self._calls())
        return NEXT_ACTION if world.actions else DEFAULT

    def _awake(self, world: World) -> Sequence[Run]:
        """Return the runs that may continue, after perhaps sending one to sleep."""
        chance, sleep = self._rnd.random, self.profile.sleep
        running: Sequence[Run] = world.running
        if sleep:
            if running and chance() < sleep:
                self._asleep.add(running[int(chance() * len(running))])
            running = [run for run in running if run not in self._asleep]
        if not running and not world.queue and not world.actions:
            self._asleep.clear()
            return world.running
        return running

    def fault(self, run: Run) -> Fault | None:
        chance = self._rnd.random
        if chance() >= self.profile.fault:
            return None
        writes = chance() < 0.6
        call = 1 + int(chance() * (8 if writes else 30))
        return Fault(_KINDS[int(chance() * len(_KINDS))], call, int(chance() * 1024), writes)

    def share_batch(self, run: Run, others: Sequence[Message]) -> list[Message]:
        chance = self.profile.batch
        return [message for message in others if self._rnd.random() < chance] if chance else []

    def _calls(self) -> int:
        count, chance, grain = 0, self._rnd.random, self.profile.grain
        while chance() > grain:
            count += 1
        return count


class ReplaySchedule:
    """A schedule of recorded moves, and of recorded faults and batches by the names of runs."""

    def __init__(
        self, moves: Sequence[Move], faults: Mapping[str, Fault], batches: Mapping[str, Sequence[str]]
    ) -> None:
        self._moves = deque(moves)
        self._faults = faults
        self._batches = batches

    def next_choice(self, world: World) -> Choice:
        while self._moves:
            move = self._moves[0]
            if move == QUIET and (world.running or world.queue):
                return DEFAULT
            self._moves.popleft()
            if choice := self._choice(move, world):
                return choice
        return DEFAULT

    def _choice(self, move: Move, world: World) -> Choice | None:
        """Return what a move means now; None if what it names does not exist."""
        kind, name, calls = move
        if kind == "action":
            return NEXT_ACTION if world.actions and str(world.actions[0].number) == name else None
        if kind == "redeliver":
            return next((Choice("redeliver", message) for message in world.delivered if message.name == name), None)
        if kind == "run":
            count = TO_ITS_END if calls is None else calls
            for run in world.running:
                if run.name == name:
                    return Choice("resume", run, count - 1)
            for message in world.queue:
                if world.name_of_run(message) == name:
                    return Choice("start", message, count)
        return None

    def fault(self, run: Run) -> Fault | None:
        return self._faults.get(run.name)

    def share_batch(self, run: Run, others: Sequence[Message]) -> list[Message]:
        left, shared = list(others), []
        for name in self._batches.get(run.name, ()):
            if message := next((message for message in left if message.name == name), None):
                left.remove(message)
                shared.append(message)
        return shared
