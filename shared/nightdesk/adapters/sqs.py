"""The queues on SQS, and their dead-letter queues.

The emulator lacks StartMessageMoveTask, so a message is moved by receiving, sending and deleting it: it may be in both
queues for a moment, but never in neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.ports import DeadLetter

_PER_CALL = 10
_EMPTY_RECEIVES = 2
"""Empty responses in succession after which a queue that should hold messages counts as read."""
_WAIT = 1
"""Seconds of long polling, which asks all of SQS's servers; short polling asks some, and may miss messages (SQS guide)."""
_VISIBILITY_TIMEOUT = 20
"""Seconds for which a message is hidden from other receivers while all of them are read."""


class SqsQueues:
    """Queues with their dead-letter queues.

    Args:
        queues: the URLs of each queue and of its dead-letter queue, by the queue's name.
        settles: how long counts may be wrong after the last message was sent; SQS says a minute at least (API reference,
            GetQueueAttributes).
    """

    def __init__(
        self, client: Any, queues: Mapping[str, tuple[str, str]], settles: timedelta = timedelta(seconds=75)
    ) -> None:
        self.settles = settles
        self._sqs = client
        self._queues = queues

    def in_flight(self, among: Collection[str] = ()) -> Mapping[str, int]:
        # A delayed message of these waits until an update expires or an article is due, so it is not work in flight.
        return {
            name: self._count(url, delayed=name not in ("updates", "gate"))
            for name, (url, _) in self._queues.items()
            if not among or name in among
        }

    def dead_letters(self) -> Mapping[str, int]:
        return {name: self._count(url) for name, (_, url) in self._queues.items()}

    def _count(self, url: str, delayed: bool = True) -> int:
        kinds = ("", "NotVisible", "Delayed") if delayed else ("", "NotVisible")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        with translate_aws_errors("count messages"):
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def peek(self, limit: int) -> Sequence[tuple[str, DeadLetter]]:
        found = []
        for name, (_, dead) in self._queues.items():
            messages = list(islice(self._receive(dead), limit))
            for message in messages:
                since = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
                found.append(
                    (name, DeadLetter(message["MessageId"], message["Body"], since.isoformat(timespec="seconds")))
                )
            for message in messages:
                with suppress(ClientError):  # it becomes visible again after the timeout
                    self._sqs.change_message_visibility(
                        QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                    )
        return found

    def redrive(self, limit: int) -> int:
        count = 0
        for queue, dead in self._queues.values():
            for message in islice(self._receive(dead), limit - count):
                with translate_aws_errors("redrive dead letters"):
                    self._sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                    self._sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                count += 1
        return count

    def _receive(self, url: str) -> Iterator[Any]:
        """Yield the messages of a queue, until it is empty as often as its count demands.

        The count is approximate, so a queue that counts none is asked once all the same.
        """
        allowed = left = _EMPTY_RECEIVES if self._count(url) else 1
        wait = _WAIT if left > 1 else 0
        while left:
            with translate_aws_errors("read dead letters"):
                page = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=_PER_CALL,
                    WaitTimeSeconds=wait,
                    VisibilityTimeout=_VISIBILITY_TIMEOUT,
                    MessageSystemAttributeNames=["SentTimestamp"],
                )
            messages = page.get("Messages", [])
            left = allowed if messages else left - 1
            yield from messages
