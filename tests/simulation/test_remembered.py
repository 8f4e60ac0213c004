"""What pure functions remember changes nothing in a history but the time that it takes."""

from __future__ import annotations

import itertools
from typing import Any
from unittest.mock import patch

import pytest
from nightdesk.domain.site import Site
from nightdesk.usecases.pipeline.list_outputs import ListContents

from simulation.history import record, replay, small_world
from simulation.oracle import violations
from simulation.recorded import History
from simulation.remembered import Memory, using
from simulation.theme import theme

SEEDS = (0, 1, 2, 138)


def played(history: History) -> list[object]:
    """Replay a history, and return everything that it did and led to. Random tokens become numbers."""
    numbers = itertools.count()
    with patch("secrets.token_hex", lambda size: f"{next(numbers):016x}"):
        world = replay(history, verbose=True)
        wrong = violations(world)
    stored = [(bucket.outputs, bucket._history) for bucket in (world.site, world.private)]
    return [world.log, world.ticks, world.moves, stored, world.table._items, world.updates._items, wrong]


def test_histories_are_the_same_with_and_without_memory() -> None:
    memory = Memory()
    for seed in SEEDS:
        with small_world(memory=False):
            history, _ = record(seed)
            without = played(history)
        with small_world(), using(memory):
            assert played(history) == without
            assert played(history) == without
    assert len(memory.results) > 8


def test_nothing_that_is_remembered_changes_afterwards() -> None:
    memory = Memory()
    with small_world(), using(memory):
        worlds = [record(seed)[1] for seed in SEEDS]
        before = _pickled(memory)
        found = [violations(world) for world in worlds]
    after = _pickled(memory)
    assert found == [[]] * len(worlds)
    assert before
    assert {known: after[known][: len(results)] for known, results in before.items()} == before


def _pickled(memory: Memory) -> dict[tuple[str, bytes], list[bytes]]:
    """Return each result; of one that depends on what is looked up, each that was returned so far."""
    return {
        (name, key): [memory.key_of(each) for each in (result if isinstance(result, list) else [result])]
        for name, results in memory.results.items()
        for key, result in results.items()
    }


@pytest.mark.parametrize("other", [Site(name="B"), Site(tiers=("public", "member"))], ids=["name", "tiers"])
def test_another_setting_theme_or_card_is_another_result(other: Site) -> None:
    card = {"slug": "a", "title": "T", "date": "2026-01-02", "authors": [], "topic": [], "topics": []}
    given: list[Any] = ["topic:t", ListContents({}, [], {}, None), Site(), theme(0), {}]
    memory = Memory()
    key = memory.key_of(given)
    assert memory.key_of(["topic:t", ListContents({}, [], {}, None), Site(), theme(0), {}]) == key
    others = (
        [*given[:2], other, *given[3:]],
        [*given[:3], theme(1), {}],
        [given[0], ListContents({}, [card], {}, None), *given[2:]],
    )
    assert len({key, *map(memory.key_of, others)}) == 4
