"""Whatever the order, repetition and loss of events, and wherever functions die, a site ends as a calm run makes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from simulation.history import play, report, search, small_world, written_down
from simulation.truth import faults

HISTORIES = int(os.environ.get("NIGHTDESK_HISTORIES", 20_000))


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


TELL = """
import hashlib
from simulation.history import small_world, world_of
with small_world():
    worlds = [world_of(seed, named=True) for seed in range(60)]
told = [(world.ticks, world.moves, world.faults, world.takes) for world in worlds]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    """Python orders sets of texts otherwise in each process, which must not show."""
    told = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run([sys.executable, "-c", TELL], env=environment, capture_output=True, text=True, check=True)
        told.add(done.stdout)
    assert len(told) == 1
