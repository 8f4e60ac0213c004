"""The read-write-read protocol, and conditional writes that are tried again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.usecases.pipeline.converge import Converged, converge


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def test_the_result_is_that_of_the_inputs_that_held() -> None:
    readings = iter(["old", "new", "new"])
    assert converge(lambda: next(readings), lambda text: (text.upper(), True)) == Converged("new", "NEW", True)
    assert next(readings, None) is None


def test_a_run_that_writes_nothing_reads_once() -> None:
    readings = iter(["same"])
    assert converge(lambda: next(readings), lambda text: (text, False)) == Converged("same", "same", False)


def test_a_run_whose_write_lost_starts_again() -> None:
    outcomes: Iterator[bool] = iter([True, False])

    def apply(text: str) -> tuple[str, bool]:
        if next(outcomes):
            raise Conflict("another run wrote first")
        return text, False

    assert converge(lambda: "same", apply) == Converged("same", "same", True), (
        "the lost attempt may have written in part"
    )


def test_inputs_that_never_hold_still_are_retried_later() -> None:
    numbers = iter(range(100))
    with pytest.raises(Transient):
        converge(lambda: next(numbers), lambda number: (number, True))


def test_a_conditional_write_is_tried_again() -> None:
    outcomes = iter([True, True, False])

    def attempt() -> str:
        if next(outcomes):
            raise Conflict("another writer was first")
        return "written"

    assert compare_and_swap(attempt, "the record") == "written"


def test_a_conditional_write_that_always_loses_is_retried_later() -> None:
    attempts: list[None] = []

    def attempt() -> None:
        attempts.append(None)
        raise Conflict("another writer was first")

    with pytest.raises(Transient, match="the record changed faster than it could be written"):
        compare_and_swap(attempt, "the record", attempts=3)
    assert len(attempts) == 3
