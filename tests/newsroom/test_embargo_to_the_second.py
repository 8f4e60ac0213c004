"""An embargo ends to the second, though EventBridge Scheduler is exact to the minute only."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightdesk.adapters.timers import EventBridgeSchedules, ScheduleTarget
from nightdesk.rendering.environment import Theme
from support.memory_newsroom import NOW, Newsroom


class Services:
    """The scheduler, which rings up to a minute late or early, and a queue, which delivers when a message's delay is over."""

    def __init__(self, room: Newsroom, wrong_by: timedelta) -> None:
        self.room = room
        self.wrong_by = wrong_by
        self.due: list[tuple[datetime, str]] = []
        self.rings = 0

    def create_schedule(self, **asked: Any) -> None:
        moment = datetime.strptime(asked["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
        assert asked["Target"]["Arn"] == "queue"
        self.rings += 1
        self.due.append((moment + self.wrong_by, asked["Target"]["Input"]))

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:
        assert QueueUrl == "https://queue"
        assert 0 <= DelaySeconds <= 900
        self.due.append((self.room.now + timedelta(seconds=DelaySeconds), MessageBody))

    def run_next(self) -> None:
        """Set the clock to when the next message arrives, and let the stages process it."""
        self.due.sort()
        moment, body = self.due.pop(0)
        self.room.now = max(self.room.now, moment)
        self.room.fire_schedule(json.loads(body)["detail"]["slug"])


@pytest.mark.parametrize("wrong_by", [-60, -17, 0, 59])
@pytest.mark.parametrize(
    "ahead", [timedelta(seconds=40), timedelta(minutes=14), timedelta(minutes=16), timedelta(days=3)]
)
def test_an_embargo_ends_within_a_second_and_never_early(theme: Theme, wrong_by: int, ahead: timedelta) -> None:
    room = Newsroom(theme)
    services = Services(room, timedelta(seconds=wrong_by))
    target = ScheduleTarget("queue", "https://queue", "role", "parked")
    schedules = EventBridgeSchedules(lambda _: services, "group", target, lambda: room.now)
    room.ports = replace(room.ports, schedules=schedules)
    ends = NOW + ahead
    room.publish("quay", "Quay", publish_at=ends.isoformat())
    assert room.state("quay")["state"] == "scheduled"
    for _ in range(10):
        if room.state("quay")["state"] == "live":
            break
        assert not room.page("/articles/quay/"), "nothing is out before its time"
        services.run_next()
    assert room.page("/articles/quay/")
    assert timedelta(0) <= room.now - ends <= timedelta(seconds=1)
    assert services.rings <= 2
