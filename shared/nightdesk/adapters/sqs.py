"""The queues on SQS, and their dead-letter queues.

The emulator knows no StartMessageMoveTask, so a message is moved by receiving, sending and deleting it: it may then stand
in both queues for a moment, and never in neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from nightdesk.usecases.parked import Letter

from .aws import faults

_PER_CALL = 10
_LOOK_SECONDS = 20
"""How long a message is hidden from others while all of them are looked at."""


class SqsQueues:
    """Queues, by name, with their dead-letter queues.

    Args:
        queues: the URLs of each queue and of its dead-letter queue.
    """

    def __init__(self, client: Any, queues: Mapping[str, tuple[str, str]]) -> None:
        self._sqs = client
        self._queues = queues

    def in_flight(self) -> Mapping[str, int]:
        # The ticker's messages that wait for the end of an update are no work in flight.
        return {name: self._count(url, delayed=name != "updates") for name, (url, _) in self._queues.items()}

    def dead(self) -> Mapping[str, int]:
        return {name: self._count(url) for name, (_, url) in self._queues.items()}

    def _count(self, url: str, delayed: bool = True) -> int:
        kinds = ("", "NotVisible", "Delayed") if delayed else ("", "NotVisible")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        with faults("count messages"):
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def look(self, most: int) -> Sequence[tuple[str, Letter]]:
        found = []
        for name, (_, dead) in self._queues.items():
            seen = list(islice(self._receive(dead), most))
            for message in seen:
                since = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
                found.append((name, Letter(message["MessageId"], message["Body"], since.isoformat(timespec="seconds"))))
            for message in seen:
                with suppress(ClientError):  # it is seen again when its time has passed
                    self._sqs.change_message_visibility(
                        QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                    )
        return found

    def redrive(self, most: int) -> int:
        count = 0
        for queue, dead in self._queues.values():
            for message in islice(self._receive(dead), most - count):
                with faults("redrive"):
                    self._sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                    self._sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                count += 1
        return count

    def _receive(self, url: str) -> Iterator[Any]:
        while True:
            with faults("look at dead letters"):
                answer = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=_PER_CALL,
                    VisibilityTimeout=_LOOK_SECONDS,
                    MessageSystemAttributeNames=["SentTimestamp"],
                )
            if not answer.get("Messages"):
                return
            yield from answer["Messages"]
