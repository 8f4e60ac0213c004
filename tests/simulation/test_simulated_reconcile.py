"""Reconcile after histories of all kinds: it finds nothing on a site that converged, and repairs one that lost its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from nightdesk.adapters.memory import MemoryBus, memory_ports
from nightdesk.ports import Ports
from nightdesk.usecases.pipeline.reconcile import compare, request_repairs
from support.effort import amount

from simulation.history import small_world, world_of
from simulation.oracle import violations
from simulation.pictures import PlainPictures
from simulation.schedule import ReplaySchedule
from simulation.world import World

HISTORIES = amount("RECONCILED_HISTORIES", test=100, soak=2_000)


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_world():
        yield


def worlds() -> Iterator[World]:
    """Yield worlds without rejected files: what stays live of such a file does not follow from the drafts alone."""
    for seed in range(HISTORIES):
        world = world_of(seed)
        if not world.table.query("rejected"):
            yield world


def ports_of(world: World) -> Ports:
    """Return a world's ports without scheduling and faults; the bus keeps the events."""
    made = memory_ports(clock=world.clock, pictures=PlainPictures())
    return replace(made, drafts=world.drafts, private=world.private, site=world.site, articles=world.table)


@pytest.mark.soak
def test_a_converged_site_has_no_differences_and_one_that_lost_its_tables_is_repaired() -> None:
    for world in worlds():
        differences = compare(ports_of(world), world.theme)
        assert not differences, differences
        world.table.__init__()  # type: ignore[misc]  # the same table, emptied as by a disaster
        ports = ports_of(world)
        request_repairs(compare(ports, world.theme), ports)
        assert isinstance(ports.bus, MemoryBus)
        world.schedule = ReplaySchedule((), {}, {})
        world.deliver(ports.bus.events)
        world.play()
        assert not compare(ports, world.theme)
        # The record of invalidations is lost too.
        assert [found for found in violations(world) if not found.startswith("invalidated for nothing")] == []
