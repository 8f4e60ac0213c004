"""`publish` uploads many drafts no faster than the pipeline renders them, so that other drafts do not wait behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest
from nightdesk.entrypoints import waiting
from nightdesk.entrypoints.waiting import Pace


class Line:
    """The queues of a pipeline that renders a draft in a given number of seconds, with some messages at the start."""

    settles = timedelta(0)

    def __init__(self, seconds_each: float, before: int = 0) -> None:
        self.now = 0.0
        self.waiting = float(before)
        self.longest = 0.0
        self._rate = 1 / seconds_each

    def upload(self, pace: Pace) -> None:
        self.waiting += 1
        self.longest = max(self.longest, self.waiting)
        pace.uploaded()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waiting = max(0.0, self.waiting - seconds * self._rate)

    def in_flight(self, among: Collection[str]) -> Mapping[str, int]:
        half = round(self.waiting) // 2
        counts = {"render": half, "gate": round(self.waiting) - half, "search": 1000}
        return {name: counts[name] for name in among}


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """Take the time from the newest queue."""
    lines: list[Line] = []
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: lines[-1].sleep(seconds))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: lines[-1].now)
    return lines


def upload(line: Line, count: int, time: list[Line]) -> None:
    time.append(line)
    pace = Pace(line)  # type: ignore[arg-type]  # it counts, which is all that is needed
    for _ in range(count):
        line.upload(pace)


def test_two_thousand_drafts_never_make_a_long_line(time: list[Line]) -> None:
    line = Line(seconds_each=0.5)
    upload(line, 2000, time)
    assert line.longest <= 2 * Pace.FEWEST + 1
    assert line.now < 2000 * 0.5


@pytest.mark.parametrize("seconds_each", [0.2, 0.05, 0.02, 0.005])
def test_no_more_waits_than_about_a_seconds_work_and_the_pipeline_is_not_kept_waiting(
    time: list[Line], seconds_each: float
) -> None:
    line = Line(seconds_each)
    upload(line, 2000, time)
    assert line.longest <= max(2 * Pace.FEWEST + 1, 1.6 / seconds_each)
    assert line.now < max(1.2 * 2000 * seconds_each, 2 * 2000 * 0.2 / Pace.MOST)


def test_a_few_drafts_are_uploaded_at_once(time: list[Line]) -> None:
    line = Line(seconds_each=0.5)
    upload(line, 2 * Pace.FEWEST - 1, time)
    assert line.now == 0


def test_a_pipeline_that_stands_still_keeps_nothing_from_being_uploaded(time: list[Line]) -> None:
    line = Line(seconds_each=10**9, before=500)
    upload(line, 2000, time)
    assert line.waiting > 2400
    assert line.now < 60
