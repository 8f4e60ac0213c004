"""Histories as in tests/simulation, fewer, with the real adapters over boto3 against the local cloud.

What befalls a call here befalls its request: refused conditions, throttling, answers that are lost after the deed, and
functions that die around it. The SDK's own retries are part of what is tried.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import NamedTuple

import pytest
from cloud_under_test import CloudUnderTest
from real_parts import Place, RealWorld
from simulation.history import acts_of, small_world, world_of
from simulation.truth import faults
from simulation.whims import KINDS, Drawn

pytestmark = pytest.mark.cloud

HISTORIES = int(os.environ.get("NIGHTDESK_REAL_HISTORIES", "200"))
LONGEST = 220
"""Calls that a history makes in memory: over HTTP each takes a few milliseconds."""


class Rough(Drawn):
    """Whims as in the simulation, but with more faults, for these are what is real here."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.temper = replace(self.temper, fault=random.Random(seed).choice((0.15, 0.3, 0.5)))


class Ending(NamedTuple):
    """How a history ended: what was wrong, what befell calls, and the story where it was told."""

    seed: int
    wrong: list[str]
    struck: Counter[str]
    story: list[str]


_PLACES: list[Place] = []


def begin(endpoint: str) -> None:
    """Give this process a place of its own."""
    _PLACES.append(Place(endpoint, f"{os.getpid():012}"))


def play(seed: int, told: bool = False) -> Ending:
    """Play a history on the real parts."""
    [place] = _PLACES
    place.line.struck.clear()
    with small_world():
        settings = place.furnish(f"{seed}{'-told' if told else ''}")
        world = RealWorld(acts_of(seed), Rough(seed), place, settings, told)
        world.play()
        wrong = faults(world)
        place.clear(settings)
    return Ending(seed, wrong, Counter(place.line.struck), world.story)


def short_ones(count: int) -> list[int]:
    """The first seeds whose histories are not long."""
    found: list[int] = []
    seed = 0
    with small_world():
        while len(found) < count:
            if 60 < world_of(seed).ticks < LONGEST:
                found.append(seed)
            seed += 1
    return found


def all_of(seeds: Iterable[int], endpoint: str) -> list[Ending]:
    context = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=begin, initargs=(endpoint,)) as pool:
        return list(pool.map(play, seeds))


def test_histories_on_the_real_parts_end_as_calm_runs_do(cloud: CloudUnderTest) -> None:
    endings = all_of(short_ones(HISTORIES), cloud.cloud.endpoint)
    struck = sum((ending.struck for ending in endings), Counter[str]())
    print(f"\n{len(endings)} histories, {struck.total()} faults: {dict(sorted(struck.items()))}")
    wrong = {ending.seed: ending.wrong for ending in endings if ending.wrong}
    if wrong:
        begin(cloud.cloud.endpoint)
        story = play(next(iter(wrong)), told=True).story
        pytest.fail("\n".join([f"{len(wrong)} of {HISTORIES}: {wrong}", *story]))
    assert {kind: sum(n for what, n in struck.items() if what.startswith(kind)) > 3 for kind in KINDS} == dict.fromkeys(
        KINDS, True
    )
    # The cache and the schedules are asked so rarely that faults seldom meet them.
    assert {what.partition(", ")[2] for what in struck} >= {"s3", "dynamodb", "eventbridge"}
