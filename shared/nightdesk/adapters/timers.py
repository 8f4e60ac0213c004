"""What happens at a moment: schedules of EventBridge, and messages of SQS that wait."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.domain.events import ArticleDue, UpdateEnded

_LONGEST_DELAY = 900
"""Seconds that a message of SQS may wait (API reference, SendMessage)."""
EARLY = timedelta(minutes=5)


class ScheduleTarget(NamedTuple):
    """Where schedules send to: a queue's ARN and URL, the ARNs of the role by which the scheduler may send to it, and of the queue for
    what it cannot send."""

    queue: str
    url: str
    role: str
    dead_letters: str


class EventBridgeSchedules:
    """Puts an `ArticleDue` into a queue when an article is due, to the second.

    EventBridge Scheduler is exact to the minute only (Scheduler user guide), and a message of SQS can wait for 15 minutes. So a
    one-time schedule rings five minutes early; its message has the article gated, which asks again, and now a message waits
    until the moment. A schedule's name says the article and the moment, so asking twice makes one. A schedule or a message that is no longer
    wanted stays and does no harm: an event only says where to look.

    Args:
        make_client: makes a client of a service when it is first needed: few articles need one, and a cold function should not wait.
    """

    def __init__(
        self,
        make_client: Callable[[str], Any],
        group: str,
        target: ScheduleTarget,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = cache(make_client)
        self._group = group
        self._target = target
        self._clock = clock

    def wake_at(self, slug: str, moment: datetime) -> None:
        due = ArticleDue(slug)
        message = {"source": "nightdesk.scheduler", "detail-type": due.name, "detail": due.to_detail()}
        left = ceil((moment - self._clock()).total_seconds())
        with translate_aws_errors(f"schedule {slug}"):
            if left > _LONGEST_DELAY:
                self._schedule(slug, moment.astimezone(UTC), json.dumps(message))
            else:
                self._client("sqs").send_message(
                    QueueUrl=self._target.url, MessageBody=json.dumps(message), DelaySeconds=max(0, left)
                )

    def _schedule(self, slug: str, moment: datetime, message: str) -> None:
        try:
            self._client("scheduler").create_schedule(
                Name=hashlib.sha256(f"{slug} {moment.isoformat()}".encode()).hexdigest()[:40],
                GroupName=self._group,
                ScheduleExpression=f"at({moment - EARLY:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._target.queue,
                    "RoleArn": self._target.role,
                    "Input": message,
                    "DeadLetterConfig": {"Arn": self._target.dead_letters},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise


class SqsTickerTimer:
    """A queue whose stage looks again when it gets a message; a message may wait for 900 seconds at most.

    Args:
        make_client: makes a client of SQS, when one is needed.
    """

    def __init__(self, make_client: Callable[[], Any], queue_url: str) -> None:
        self._make_client = make_client
        self._queue_url = queue_url

    def wake_in(self, seconds: int) -> None:
        ended = UpdateEnded()
        message = {"source": "nightdesk.updates", "detail-type": ended.name, "detail": ended.to_detail()}
        with translate_aws_errors("ask for a look"):
            self._make_client().send_message(
                QueueUrl=self._queue_url, MessageBody=json.dumps(message), DelaySeconds=seconds
            )
