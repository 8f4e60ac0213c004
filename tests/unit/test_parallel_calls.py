"""Calls that do not depend on each other wait together, and none outlives the run that made it."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Event
from time import sleep

import pytest
from nightdesk.adapters.parallel import in_parallel
from nightdesk.ports import one_by_one
from nightdesk.rendering.environment import Theme
from support.memory_newsroom import Newsroom


@pytest.mark.parametrize("make", [in_parallel, one_by_one])
def test_results_come_in_the_order_of_the_values(make: object) -> None:
    assert make(lambda value: value * 2, range(30)) == [value * 2 for value in range(30)]  # type: ignore[operator]


def test_calls_wait_at_the_same_time() -> None:
    """Each of them waits until all four have begun."""
    together = Barrier(4, timeout=20)
    assert sorted(in_parallel(lambda _: together.wait(), range(4))) == [0, 1, 2, 3]


def test_the_first_failure_is_raised_once_all_calls_have_ended() -> None:
    ended = Event()

    def call(value: int) -> None:
        if value < 2:
            raise ValueError(value)
        sleep(0.05)
        ended.set()

    with pytest.raises(ValueError, match="0"):
        in_parallel(call, range(3))
    assert ended.is_set()


def test_nothing_is_called_without_values() -> None:
    assert in_parallel(lambda value: value, []) == []


def test_calls_that_make_calls_do_not_wait_for_their_own_threads() -> None:
    """More of them than there are threads, three deep."""

    def call(depth: int) -> int:
        return sum(in_parallel(call, [depth - 1] * 12)) if depth else 1

    assert in_parallel(call, [2] * 12) == [144] * 12


def test_a_site_made_with_threads_is_the_one_made_without(theme: Theme) -> None:
    """With what every kind of list has: old addresses, corrections, AI's roles and translations."""
    sites = []
    for call in (one_by_one, in_parallel):
        room = Newsroom(theme)
        room.ports = replace(room.ports, in_parallel=call)
        room.file("topics/energy.md", "---\nname: Energy\n---\n")
        for number in range(3):
            room.publish(
                f"story-{number}",
                date=f"2026-{number + 8:02}-01",
                topics=["energy", "ports"],
                authors=["ada", f"author-{number % 2}"],
                aliases=[f"/old/{number}"],
                corrections=[{"date": "2026-11-02", "text": "Mended."}],
            )
        room.publish("story-1", title="Another", topics=["ports"])
        room.file("drafts/story-2.md", None)
        sites.append({key: output.body for key, output in room.site.outputs.items()})
    assert sites[0] == sites[1]
    assert any(key.startswith("topics/ports/") for key in sites[0])
