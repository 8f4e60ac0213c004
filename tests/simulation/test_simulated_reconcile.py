"""Reconcile, after histories of all kinds: it finds nothing where nothing is wrong, and mends a site that lost its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from nightdesk.adapters.memory import MemoryBus, memory_ports
from nightdesk.usecases.ports import Ports
from nightdesk.usecases.reconcile import compare, mend

from simulation.history import small_world, world_of
from simulation.truth import faults
from simulation.whims import Played
from simulation.world import World

HISTORIES = 150


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_world():
        yield


def worlds() -> Iterator[World]:
    """Worlds in which no file is refused: of such a file, what was live stays, which the drafts alone cannot tell."""
    for seed in range(HISTORIES):
        world = world_of(seed)
        if not world.table.query("rejected"):
            yield world


def ports_of(world: World) -> Ports:
    """A world's ports, without its mischief; the bus keeps what is said."""
    made = memory_ports(clock=world.clock)
    return replace(made, drafts=world.drafts, work=world.work, site=world.site, articles=world.table)


def test_nothing_is_found_once_all_is_quiet() -> None:
    for world in worlds():
        found = compare(ports_of(world), world.theme, memory_ports())
        assert not found, found


def test_a_site_that_lost_its_tables_is_mended() -> None:
    for world in worlds():
        world.table.__init__()  # type: ignore[misc]  # as after a disaster: the same table, empty
        ports = ports_of(world)
        mend(compare(ports, world.theme, memory_ports()), ports)
        assert isinstance(ports.bus, MemoryBus)
        world.whims = Played((), {}, {})
        world.say(ports.bus.events)
        world.play()
        assert not compare(ports, world.theme, memory_ports())
        # What had been invalidated is forgotten too.
        assert [fault for fault in faults(world) if not fault.startswith("invalidated for nothing")] == []
