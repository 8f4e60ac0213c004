"""Dead letters are all found, although SQS sometimes answers that a queue is empty while it holds messages."""

from __future__ import annotations

from typing import Any

from nightdesk.adapters.sqs import SqsQueues


class PatchySqs:
    """An SQS that answers every other receive with nothing, as one of its servers may hold none of the messages."""

    def __init__(self, bodies: list[str]) -> None:
        self.dead = bodies
        self.sent: list[str] = []
        self.receives = 0

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:
        return {
            "Attributes": {name: str(len(self.dead)) if name == AttributeNames[0] else "0" for name in AttributeNames}
        }

    def receive_message(self, QueueUrl: str, WaitTimeSeconds: int, **options: Any) -> Any:
        self.receives += 1
        if self.receives % 2 or not self.dead:
            return {}
        assert WaitTimeSeconds > 0, "short polling misses messages"
        return {"Messages": [{"MessageId": self.dead[0], "Body": self.dead[0], "ReceiptHandle": self.dead[0]}]}

    def send_message(self, QueueUrl: str, MessageBody: str) -> None:
        self.sent.append(MessageBody)

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:
        self.dead.remove(ReceiptHandle)


def test_redrive_leaves_no_message_behind_an_empty_answer() -> None:
    sqs = PatchySqs(["one", "two", "three"])
    assert SqsQueues(sqs, {"gate": ("queue", "dead")}).redrive(10) == 3
    assert (sqs.sent, sqs.dead) == (["one", "two", "three"], [])


def test_an_empty_queue_is_asked_once() -> None:
    sqs = PatchySqs([])
    assert SqsQueues(sqs, {"gate": ("queue", "dead")}).redrive(10) == 0
    assert sqs.receives == 1
