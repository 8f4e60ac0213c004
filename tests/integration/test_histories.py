"""Histories as in tests/simulation, fewer, with the real adapters over boto3 against the local cloud.

A fault of a call is a fault of its request: refused conditions, throttling, responses lost after the call took effect, and
functions killed around it. The SDK's own retries are part of the test.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import NamedTuple

import pytest
from simulation.history import actions_of, small_world, world_of
from simulation.oracle import violations
from simulation.schedule import KINDS, RandomSchedule
from support.cloud_under_test import CloudUnderTest
from support.effort import amount
from support.real_parts import Account, RealWorld

pytestmark = pytest.mark.cloud

HISTORIES = amount("REAL_HISTORIES", test=12, soak=400)
FEW_ACTIONS = 3
LONGEST = 350
"""The most calls that a history makes in memory; over HTTP each takes a few milliseconds."""


class FaultySchedule(RandomSchedule):
    """A random schedule with more faults, since faults are what is real here."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.profile = replace(self.profile, fault=random.Random(seed).choice((0.4, 0.6, 0.8)))


class Ending(NamedTuple):
    """How a history ended: what was wrong, how often each fault occurred, and the log if it was verbose."""

    seed: int
    wrong: list[str]
    faults: Counter[str]
    log: list[str]


_ACCOUNTS: list[Account] = []


def begin(endpoint: str) -> None:
    """Give this process its own account."""
    _ACCOUNTS.append(Account(endpoint, f"{os.getpid():012}"))


def play(seed: int, verbose: bool = False) -> Ending:
    """Play a history on the real adapters."""
    [account] = _ACCOUNTS
    account.wire.faults.clear()
    with small_world():
        settings = account.create_stores(f"{seed}{'-verbose' if verbose else ''}")
        world = RealWorld(actions_of(seed), FaultySchedule(seed), account, settings, verbose)
        world.play()
        wrong = violations(world)
        account.delete_stores(settings)
    return Ending(seed, wrong, Counter(account.wire.faults), world.log)


def short_histories(count: int) -> list[int]:
    """Return the first seeds whose histories are short; only those with few actions are played to find out."""
    seeds = (seed for seed in itertools.count() if len(actions_of(seed)) <= FEW_ACTIONS)
    with small_world():
        return list(itertools.islice((seed for seed in seeds if 60 < world_of(seed).ticks < LONGEST), count))


def all_of(seeds: Iterable[int], endpoint: str) -> list[Ending]:
    context = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=begin, initargs=(endpoint,)) as pool:
        return list(pool.map(play, seeds))


@pytest.mark.soak
def test_histories_on_the_real_adapters_converge(cloud: CloudUnderTest) -> None:
    endings = all_of(short_histories(HISTORIES), cloud.cloud.endpoint)
    faults = sum((ending.faults for ending in endings), Counter[str]())
    print(f"\n{len(endings)} histories, {faults.total()} faults: {dict(sorted(faults.items()))}")
    wrong = {ending.seed: ending.wrong for ending in endings if ending.wrong}
    if wrong:
        begin(cloud.cloud.endpoint)
        log = play(next(iter(wrong)), verbose=True).log
        pytest.fail("\n".join([f"{len(wrong)} of {HISTORIES}: {wrong}", *log]))
    assert {kind for kind in KINDS if any(what.startswith(kind) for what in faults)} == set(KINDS)
    # Calls on the cache and on schedules are too rare for faults to meet them in every run.
    assert {what.partition(", ")[2] for what in faults} >= {"s3", "dynamodb", "eventbridge"}
