"""Calls that do not depend on each other wait together, and none outlives the run that made it."""

from __future__ import annotations

from threading import Barrier, Event
from time import sleep

import pytest
from nightdesk.adapters.parallel import in_parallel
from nightdesk.ports import one_by_one


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
