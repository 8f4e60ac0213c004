"""Histories: played from a seed, recorded, replayed and shrunk."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from importlib import import_module
from multiprocessing import get_context
from pkgutil import walk_packages
from types import ModuleType
from unittest.mock import patch

from nightdesk import repositories, usecases
from nightdesk.domain.drafts import parse_draft
from nightdesk.usecases.pipeline import draft_versions, render_document

from .actions import Action, draw
from .oracle import violations
from .recorded import History
from .remembered import Memory, remembering, using
from .schedule import RandomSchedule, ReplaySchedule
from .shrink import shrink
from .world import World
from .world_ports import WRITES

_SEEDS_PER_TASK = 250
_SMALL_LIMITS = {
    "FRONT_SIZE": 2,
    "FEED_SIZE": 3,
    "RELATED": 2,
    "BULK_THRESHOLD": 3,
    "_PAGE_SIZE": 2,
    "_PER_TRANSACTION": 4,
    "_FEW": 1,
}
"""Limits so small that a few articles exceed them."""


def product_modules() -> list[ModuleType]:
    """Return every module of the use cases and the repositories."""
    packages = (usecases, repositories)
    names = [found.name for p in packages for found in walk_packages(p.__path__, f"{p.__name__}.")]
    return [import_module(name) for name in names]


@contextmanager
def small_world(memory: bool = True) -> Iterator[None]:
    """Make limits small, and let nothing sleep. Every history is played inside this context.

    Args:
        memory: whether pure functions remember what they returned, which changes nothing but the time it takes.
    """
    modules = product_modules()
    places = [(module, name) for module in modules for name in _SMALL_LIMITS if hasattr(module, name)]
    assert {name for _, name in places} == set(_SMALL_LIMITS)
    with ExitStack() as patches:
        patches.enter_context(patch("time.sleep", lambda _: None))
        for module, name in places:
            patches.enter_context(patch.object(module, name, _SMALL_LIMITS[name]))
        for module in (render_document, draft_versions):
            patches.enter_context(patch.object(module, "parse_draft", _parse_draft))
        if memory:
            patches.enter_context(remembering())
        yield


_parse_draft = lru_cache(maxsize=1024)(parse_draft)
"""Cached because the same few drafts are parsed again and again, and parsing is a pure function of their bytes."""


def world_of(seed: int, recording: bool = False) -> World:
    """Play the history of a seed, and return its world."""
    world = World(actions_of(seed), RandomSchedule(seed), recording)
    world.play()
    return world


def actions_of(seed: int) -> tuple[Action, ...]:
    """Return the actions of a seed."""
    return tuple(draw(random.Random(f"acts {seed}")))


def record(seed: int) -> tuple[History, World]:
    """Play the history of a seed, and return it as it was recorded, with its world."""
    world = world_of(seed, recording=True)
    return History(actions_of(seed), tuple(world.moves), world.faults, world.batches), world


def replay(history: History, verbose: bool = False) -> World:
    """Replay a recorded history, and return its world."""
    schedule = ReplaySchedule(history.moves, history.faults, history.batches)
    world = World(history.actions, schedule, recording=True, verbose=verbose)
    world.play()
    return world


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect garbage less often, and only what is new: a world is a few thousand objects that soon are garbage together."""
    usual, is_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    gc.set_threshold(100_000)
    if not is_frozen:
        gc.freeze()
    try:
        yield
    finally:
        if not is_frozen:
            gc.unfreeze()
        gc.set_threshold(*usual)


_FAILING = Memory()
"""For all calls of `failing` in a process, since nothing is planted there."""


def failing(seeds: Iterable[int]) -> list[int]:
    """Return the seeds whose histories do not converge."""
    with small_world(), using(_FAILING), _rare_garbage_collection():
        return [seed for seed in seeds if violations(world_of(seed))]


def search(seeds: range, processes: int) -> list[int]:
    """Return the seeds whose histories do not converge, using several processes."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = [seeds[start : start + _SEEDS_PER_TASK] for start in range(0, len(seeds), _SEEDS_PER_TASK)]
        return sorted(seed for found in pool.map(failing, tasks) for seed in found)


def report(seed: int) -> str:
    """Describe what goes wrong in the history of a seed, shrunk: the calls of the runs that matter, and all writes."""
    history, world = record(seed)
    found = violations(world)
    if not violations(replay(history)):
        return f"seed {seed}: {found}\nThe replay of the recorded history converges.\n{history}"
    smallest = shrink(history, lambda candidate: bool(violations(replay(candidate))))
    last = replay(smallest, verbose=True)
    runs = {move.name for move in smallest.moves} | set(smallest.faults) | set(smallest.batches)
    log = [line for line in last.log if _matters(line, runs)]
    parts = [f"seed {seed}", *found, "", "Shrunk:", *violations(last), "", str(smallest), "", "What happens:", *log]
    return "\n".join(parts)


def _matters(line: str, runs: set[str]) -> bool:
    run, _, call = line.strip().partition(", call ")
    operation = call.partition(": ")[2].partition("(")[0]
    return not call or run in runs or operation.rpartition(".")[2] in WRITES


def narrate(seed: int) -> str:
    """Describe the whole history of a seed, call by call, and what goes wrong in it."""
    history, world = record(seed)
    last = replay(history, verbose=True)
    parts = [f"seed {seed}", str(history), "", "Call by call:", *last.log, ""]
    return "\n".join([*parts, report(seed) if violations(world) else "It converges."])
