"""Histories: played from a seed, written down, played again, and shrunk to what matters of them."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from multiprocessing import get_context
from pkgutil import iter_modules
from typing import TypeVar
from unittest.mock import patch

from nightdesk import usecases
from nightdesk.domain.drafts import parse_draft
from nightdesk.usecases import history as past
from nightdesk.usecases import render

from .acts import Act, draw, plainer
from .truth import faults
from .whims import KINDS, QUIET, Drawn, Fault, Move, Played
from .world import WRITES, World

_TRIALS = 1500
_SHARE = 250
_SMALL = {"FRONT": 2, "FEED": 3, "RELATED": 2, "MANY": 3, "_BATCH": 2, "_PER_TRANSACTION": 4}
"""Limits, small enough that a handful of articles goes beyond them."""

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class History:
    """What is needed to play a history: its acts, the moves that depart from the calm course, and by the names of runs what
    befell them and which other messages they took."""

    acts: tuple[Act, ...]
    moves: tuple[Move, ...] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    takes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.acts)} acts:", *(f"  {act.number}. {act}" for act in self.acts)]
        lines += [f"{len(self.moves)} moves, and then the calm course:", *(f"  {move}" for move in self.moves)]
        for run, fault in self.faults.items():
            got_out = f", those of {fault.part:b} got out" if fault.kind in ("dies during", "refused in part") else ""
            lines.append(f"{run}, call {fault.call}: {fault.kind} ({KINDS[fault.kind]}){got_out}")
        lines += [f"{run} takes also {', '.join(names)}" for run, names in self.takes.items()]
        return "\n".join(lines)


@contextmanager
def small_world() -> Iterator[None]:
    """Where simulations play: limits are small, and nobody sleeps."""
    modules = [import_module(f"nightdesk.usecases.{found.name}") for found in iter_modules(usecases.__path__)]
    places = [(module, name) for module in modules for name in _SMALL if hasattr(module, name)]
    assert {name for _, name in places} == set(_SMALL)
    with ExitStack() as patches:
        patches.enter_context(patch("time.sleep", lambda _: None))
        for module, name in places:
            patches.enter_context(patch.object(module, name, _SMALL[name]))
        for module in (render, past):
            patches.enter_context(patch.object(module, "parse_draft", _parsed))
        yield


_parsed = lru_cache(maxsize=1024)(parse_draft)
"""The same few drafts are read over and over; reading is a pure function of their bytes."""


def world_of(seed: int, named: bool = False) -> World:
    """The world of a seed, played until it is quiet."""
    world = World(acts_of(seed), Drawn(seed), named)
    world.play()
    return world


def acts_of(seed: int) -> tuple[Act, ...]:
    """The acts of a seed."""
    return tuple(draw(random.Random(f"acts {seed}")))


def written_down(seed: int) -> tuple[History, World]:
    """The history of a seed, by name, and the world that it led to."""
    world = world_of(seed, named=True)
    return History(acts_of(seed), tuple(world.moves), world.faults, world.takes), world


def play(history: History, told: bool = False) -> World:
    """The world of a history that was written down."""
    world = World(history.acts, Played(history.moves, history.faults, history.takes), True, told)
    world.play()
    return world


def shrink(history: History, fails: Callable[[History], bool]) -> History:
    """A history that still fails, of which nothing can be left out, as far as a bounded search can tell."""
    trials = 0

    def still(candidate: History) -> bool:
        nonlocal trials
        trials += 1
        return trials <= _TRIALS and fails(candidate)

    before = None
    while before != history:
        before = history
        for part in ("acts", "moves", "faults", "takes"):
            history = _with_fewest(part, history, still)
        history = _with_longer_moves(history, still)
        history = _plainest(history, still)
    return history


def _with_fewest(name: str, history: History, fails: Callable[[History], bool]) -> History:
    """The history with the fewest acts, moves, faults or takes that still fail."""
    value = getattr(history, name)
    kind = type(value)
    parts = tuple(value.items()) if kind is dict else value
    fewest = _fewest(
        parts, lambda some: fails(replace(history, **{name: kind(some)})), QUIET if name == "moves" else None
    )
    return replace(history, **{name: kind(fewest)})


def _with_longer_moves(history: History, fails: Callable[[History], bool]) -> History:
    """The history with fewer interruptions: a run goes on to its end, or two of its moves become one."""
    place = 0
    while place < len(history.moves):
        move = history.moves[place]
        later = next((n for n, other in enumerate(history.moves) if n > place and other.name == move.name), None)
        candidates = []
        if move.kind == "run" and move.calls is not None:
            candidates.append((*history.moves[:place], move._replace(calls=None), *history.moves[place + 1 :]))
            if later is not None:
                more = history.moves[later].calls
                both = move._replace(calls=None if more is None else move.calls + more)
                rest = (*history.moves[place + 1 : later], *history.moves[later + 1 :])
                candidates += [
                    (*history.moves[:place], both, *rest),
                    (*history.moves[:place], *rest[: later - place - 1], both, *rest[later - place - 1 :]),
                ]
        better = next((some for moves in candidates if fails(some := replace(history, moves=moves))), None)
        if better:
            history = better
        else:
            place += 1
    return history


def _fewest(
    parts: Sequence[Part], fails: Callable[[Sequence[Part]], bool], instead: Part | None = None
) -> Sequence[Part]:
    """The fewest of some parts that still fail: leave out halves, then quarters, down to single ones.

    Args:
        instead: what may stand in place of several parts.
    """
    size = max(1, len(parts) // 2)
    while True:
        start = 0
        while start < len(parts):
            rest = parts[start + size :]
            if fails(fewer := (*parts[:start], *rest)):
                parts = fewer
            elif (
                instead
                and parts[start : start + size] != (instead,)
                and fails(fewer := (*parts[:start], instead, *rest))
            ):
                parts = fewer
                start += 1
            else:
                start += size
        if size == 1:
            return parts
        size //= 2


def _plainest(history: History, fails: Callable[[History], bool]) -> History:
    for place, act in enumerate(history.acts):
        for simpler in plainer(act):
            candidate = replace(history, acts=(*history.acts[:place], simpler, *history.acts[place + 1 :]))
            if fails(candidate):
                return _plainest(candidate, fails)
    return history


def failing(seeds: Iterable[int]) -> list[int]:
    """Seeds whose histories end otherwise than they must."""
    gc.set_threshold(100_000)  # a world is a few thousand objects, and gone in a moment
    with small_world():
        return [seed for seed in seeds if faults(world_of(seed))]


def search(seeds: range, processes: int) -> list[int]:
    """The failing ones among many seeds, looked for by several processes."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shares = [seeds[start : start + _SHARE] for start in range(0, len(seeds), _SHARE)]
        return sorted(seed for found in pool.map(failing, shares) for seed in found)


def report(seed: int) -> str:
    """What goes wrong in a seed's history: shrunk, and told: each call of the runs that matter, and all writes and events."""
    history, world = written_down(seed)
    found = faults(world)
    if not faults(play(history)):
        return f"seed {seed}: {found}\nIt does not lead there again when it is played by name.\n{history}"
    least = shrink(history, lambda some: bool(faults(play(some))))
    last = play(least, told=True)
    runs = {move.name for move in least.moves} | set(least.faults) | set(least.takes)
    told = [line for line in last.story if _matters(line, runs)]
    return "\n".join([f"seed {seed}", *found, "", "Shrunk:", *faults(last), "", str(least), "", "What happens:", *told])


def _matters(line: str, runs: set[str]) -> bool:
    run, _, call = line.strip().partition(", call ")
    operation = call.partition(": ")[2].partition("(")[0]
    return not call or run in runs or operation.rpartition(".")[2] in WRITES


def tell(seed: int) -> str:
    """A seed's whole history, call by call, and what is wrong with it, shrunk as well."""
    history, world = written_down(seed)
    last = play(history, told=True)
    found = faults(world)
    told = [f"seed {seed}", str(history), "", "Call by call:", *last.story, ""]
    return "\n".join([*told, report(seed) if found else "Nothing is wrong."])
