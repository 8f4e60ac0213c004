"""Whatever the order, repetition and loss of events, and wherever functions die, a site ends as a calm run makes it."""

from __future__ import annotations

import os

from simulation.history import play, report, search, small_world, written_down
from simulation.truth import faults

HISTORIES = 20_000


def test_histories_end_as_calm_runs_do() -> None:
    found = search(range(HISTORIES), os.cpu_count() or 1)
    with small_world():
        assert not found, f"{len(found)} of {HISTORIES}: {found[:20]}\n{report(found[0])}"


def test_a_history_is_played_again_exactly() -> None:
    with small_world():
        for seed in range(60):
            history, world = written_down(seed)
            again = play(history)
            assert (again.ticks, again.moves) == (world.ticks, world.moves)
            assert again.site.outputs == world.site.outputs
            assert faults(again) == faults(world)
