"""SQS's counts lag behind by up to a minute; nothing is called finished before they can be right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from nightdesk.adapters.memory import MemoryTable, memory_ports
from nightdesk.adapters.sqs import SqsQueues
from nightdesk.entrypoints import waiting
from nightdesk.usecases.editors.pipeline_status import rebuild, rebuild_progress

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class LaggingQueues:
    """A queue whose count shows what it held a minute ago."""

    settles = timedelta(seconds=75)

    def __init__(self, busy_from: float, busy_until: float) -> None:
        self.now = 0.0
        self._busy = (busy_from + 60, busy_until + 60)

    def in_flight(self) -> Mapping[str, int]:
        return {"gate": int(self._busy[0] <= self.now < self._busy[1])}


def test_sqs_is_not_believed_for_a_minute_and_more() -> None:
    assert SqsQueues(None, {}).settles > timedelta(seconds=60)


def test_waiting_ends_only_after_the_work_has(monkeypatch: pytest.MonkeyPatch) -> None:
    queues = LaggingQueues(busy_from=1, busy_until=50)

    def sleep(seconds: float) -> None:
        queues.now += seconds

    monkeypatch.setattr(waiting.time, "sleep", sleep)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: queues.now)
    waiting.wait_until_quiet(queues)  # type: ignore[arg-type]  # it counts, which is all that is needed
    assert 50 + 60 < queues.now < 300


def test_a_rebuild_is_finished_when_counts_have_found_nothing_for_long_enough() -> None:
    queues, requests = LaggingQueues(busy_from=1, busy_until=90), MemoryTable()
    ports = memory_ports(clock=lambda: NOW)
    made = rebuild("", "", queues, requests, ports)  # type: ignore[arg-type]
    finished = []
    for second in range(0, 400, 5):
        queues.now = second
        now = NOW + timedelta(seconds=second)
        found = rebuild_progress(made.id, queues, requests, now)  # type: ignore[arg-type]
        assert found
        if found.finished:
            finished.append(second)
    assert 90 + 60 + 75 <= finished[0] <= 90 + 60 + 75 + 5
    assert finished == list(range(finished[0], 400, 5))
