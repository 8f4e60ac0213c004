"""What the local cloud does as AWS does, if NIGHTDESK_AWS_MANNERS=1."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk_local import emulator_manners
from nightdesk_local.emulator_manners import caller_of, patch_manners, slow

SIGNED = b"AWS4-HMAC-SHA256 Credential=%s/20261129/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=x"


class Chance(random.Random):
    """Draws what a test says."""

    def __init__(self, drawn: float) -> None:
        super().__init__(1)
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn

    def uniform(self, least: float, most: float) -> float:
        return least


def request(key: bytes = b"ASIAROLE", service: bytes = b"s3") -> dict[str, Any]:
    return {"type": "http", "method": "GET", "headers": [(b"host", b"x"), (b"authorization", SIGNED % (key, service))]}


def finished(call: Coroutine[Any, Any, Any]) -> Any:
    """Return what a call comes to, awaited in a thread of its own: browser tests leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, call).result()


def status_of(scope: dict[str, Any], drawn: float) -> int:
    """Return the status of a request to an application that answers 200."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    finished(slow(app, Chance(drawn))(scope, receive, send))
    return int(sent[0]["status"])


def test_a_signed_request_says_who_calls_which_service() -> None:
    assert caller_of(request()) == ("ASIAROLE", "s3")
    assert caller_of({"type": "lifespan"}) == ("", "")


@pytest.mark.parametrize(("service", "status"), [(b"s3", 503), (b"dynamodb", 400), (b"sqs", 200)])
def test_some_calls_of_functions_are_throttled(service: bytes, status: int) -> None:
    assert status_of(request(service=service), 0.0) == status
    assert status_of(request(service=service), 0.9) == 200
    assert status_of(request(b"test", service), 0.0) == 200, "the operator's are not"


def patched(drawn: float) -> tuple[Any, Any]:
    messages = [{"id": "m", "receive_count": 1}]

    async def receive(data: Any, url: str) -> dict[str, Any]:
        return {"Messages": messages}

    sqs = SimpleNamespace(
        _HANDLERS={
            "ReceiveMessage": receive,
            "GetQueueAttributes": lambda data, url: {
                "Attributes": {"ApproximateNumberOfMessages": str(len(messages)), "QueueArn": "a"}
            },
        },
        _receive_messages_for_esm=lambda url, size: list(messages),
        _queues_lock=threading.Lock(),
        _get_q=lambda url: {"messages": messages},
    )
    rung: list[str] = []
    events = SimpleNamespace(_invoke_target=lambda target, event, *rest: rung.append(event["Source"]))
    scheduler = SimpleNamespace(
        get_account_id=lambda: "1", get_region=lambda: "r",
        set_request_account_id=lambda _: None, set_request_region=lambda _: None,
    )  # fmt: skip
    server = SimpleNamespace(serve=lambda app, config: app)
    patch_manners(server, sqs, events, scheduler, Chance(drawn))
    sqs.messages = messages
    events.rung = rung
    return sqs, events


def test_short_polls_may_miss_messages_and_long_ones_do_not() -> None:
    sqs, _ = patched(0.0)
    poll = sqs._HANDLERS["ReceiveMessage"]
    assert finished(poll({}, "u")) == {}
    assert finished(poll({"WaitTimeSeconds": 1}, "u"))["Messages"]


def test_counts_of_messages_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs, _ = patched(0.0)
    count, now = sqs._HANDLERS["GetQueueAttributes"], time.monotonic()
    monkeypatch.setattr(emulator_manners.time, "monotonic", lambda: now)
    assert count({}, "u")["Attributes"] == {"ApproximateNumberOfMessages": "1", "QueueArn": "a"}
    sqs.messages.clear()
    assert count({}, "u")["Attributes"]["ApproximateNumberOfMessages"] == "1"
    now += 10
    assert count({}, "u")["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_a_message_may_be_delivered_twice_and_not_for_ever() -> None:
    sqs, _ = patched(0.0)
    assert len(sqs._receive_messages_for_esm("u", 10)) == 1
    assert [message["id"] for message in sqs.messages] == ["m", "m"]
    assert sqs.messages[1]["visible_at"] > time.time()
    sqs.messages[:] = [{"id": "m", "receive_count": 2}]
    sqs._receive_messages_for_esm("u", 10)
    assert len(sqs.messages) == 1


def test_schedules_ring_late_and_rules_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[Any] = []

    class Timer:
        def __init__(self, seconds: float, ring: Any) -> None:
            self.ring = ring
            timers.append(self)

        def start(self) -> None:
            """Ring when the test says so."""

    monkeypatch.setattr(emulator_manners.threading, "Timer", Timer)
    _, events = patched(0.0)
    events._invoke_target({}, {"Source": "aws.scheduler"})
    events._invoke_target({}, {"Source": "nightdesk.gate"})
    assert events.rung == ["nightdesk.gate"]
    timers[0].ring()
    assert events.rung == ["nightdesk.gate", "aws.scheduler"]
