"""Shrink a history to what matters: leave out parts of it, as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from .actions import simpler
from .recorded import History
from .schedule import QUIET, Move

_MAX_TRIALS = 1500

Part = TypeVar("Part")
Fails = Callable[[History], bool]


def shrink(history: History, fails: Fails) -> History:
    """Return a history that still fails, of which nothing can be left out, as far as a bounded search can tell."""
    trials = 0

    def still_fails(candidate: History) -> bool:
        nonlocal trials
        trials += 1
        return trials <= _MAX_TRIALS and fails(candidate)

    before = None
    while before != history:
        before = history
        for name in ("actions", "moves", "faults", "batches"):
            history = _with_fewest(name, history, still_fails)
        history = _with_longer_moves(history, still_fails)
        history = _with_simpler_actions(history, still_fails)
    return history


def _with_fewest(name: str, history: History, fails: Fails) -> History:
    """Return the history with the fewest actions, moves, faults or batches that still fails."""
    value = getattr(history, name)
    kind = type(value)
    parts = tuple(value.items()) if kind is dict else value
    substitute = QUIET if name == "moves" else None
    fewest = _fewest(parts, lambda some: fails(replace(history, **{name: kind(some)})), substitute)
    return replace(history, **{name: kind(fewest)})


def _fewest(
    parts: Sequence[Part], fails: Callable[[Sequence[Part]], bool], substitute: Part | None = None
) -> Sequence[Part]:
    """Return the fewest parts that still fail: leave out halves, then quarters, down to single parts.

    Args:
        substitute: what may replace several parts.
    """
    size = max(1, len(parts) // 2)
    while True:
        start = 0
        while start < len(parts):
            before, after = parts[:start], parts[start + size :]
            if fails(fewer := (*before, *after)):
                parts = fewer
            elif (
                substitute
                and parts[start : start + size] != (substitute,)
                and fails(fewer := (*before, substitute, *after))
            ):
                parts = fewer
                start += 1
            else:
                start += size
        if size == 1:
            return parts
        size //= 2


def _with_longer_moves(history: History, fails: Fails) -> History:
    """Return the history with fewer interruptions."""
    place = 0
    while place < len(history.moves):
        candidates = (replace(history, moves=moves) for moves in _longer_moves(history.moves, place))
        better = next((candidate for candidate in candidates if fails(candidate)), None)
        if better:
            history = better
        else:
            place += 1
    return history


def _longer_moves(moves: tuple[Move, ...], place: int) -> Iterator[tuple[Move, ...]]:
    """Yield the moves in which the run at a place goes to its end, or in which two of its moves become one."""
    move = moves[place]
    if move.kind != "run" or move.calls is None:
        return
    before = moves[:place]
    yield (*before, move._replace(calls=None), *moves[place + 1 :])
    later = next((n for n, other in enumerate(moves) if n > place and other.name == move.name), None)
    if later is not None:
        more = moves[later].calls
        both = move._replace(calls=None if more is None else move.calls + more)
        between, after = moves[place + 1 : later], moves[later + 1 :]
        yield (*before, both, *between, *after)
        yield (*before, *between, both, *after)


def _with_simpler_actions(history: History, fails: Fails) -> History:
    for place, action in enumerate(history.actions):
        for simple in simpler(action):
            actions = (*history.actions[:place], simple, *history.actions[place + 1 :])
            candidate = replace(history, actions=actions)
            if fails(candidate):
                return _with_simpler_actions(candidate, fails)
    return history
