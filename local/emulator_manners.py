"""Manners of AWS that the local cloud has only if NIGHTDESK_AWS_MANNERS=1, because they make everything slow.

Calls take as long as in a region, a few are throttled, short polls miss messages, counts of messages lag, messages come twice, and schedules
ring late. What readers' caches do with errors needs no switch: the edge cache keeps them for ten seconds, unless the distribution says
otherwise.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from nightdesk_local.identity import ROOT_KEY
from nightdesk_local.patching import require

_LATENCY = {"s3": (0.02, 0.03), "dynamodb": (0.004, 0.008)}
"""The least and the most seconds of a call."""
_THROTTLED = 0.01
"""The share of the functions' calls to S3 and DynamoDB that are refused."""
_MISSED = 0.5
"""The share of short polls that find nothing."""
_TWICE = 0.1
"""The share of messages that are delivered a second time, some seconds later."""
_LAG = 5.0
"""Seconds for which the counts of a queue stay what they were; on AWS they may for a minute (SQS API reference, GetQueueAttributes)."""
_LATE = 60.0
"""Seconds that a schedule may be late (EventBridge Scheduler user guide)."""
_CREDENTIAL = re.compile(rb"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
_REFUSALS = {
    "s3": (
        503,
        b"application/xml",
        b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    ),
    "dynamodb": (
        400,
        b"application/x-amz-json-1.0",
        b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}',
    ),
}

Asgi = Callable[..., Any]


def patch_manners(server: Any, sqs: Any, events: Any, scheduler: Any, chance: random.Random) -> None:
    """Give the local cloud the manners of AWS."""
    _patch_calls(server, chance)
    _patch_polls(sqs, chance)
    _patch_counts(sqs)
    _patch_lateness(events, scheduler, chance)


def _patch_calls(server: Any, chance: random.Random) -> None:
    require(server, "serve")
    serve = server.serve
    server.serve = lambda app, config: serve(slow(app, chance), config)


def slow(app: Asgi, chance: random.Random) -> Asgi:
    """Return an ASGI application that takes AWS's time for calls, and that refuses some of those by functions."""

    async def answer(scope: Any, receive: Asgi, send: Asgi) -> None:
        key, service = caller_of(scope)
        if service not in _LATENCY:
            await app(scope, receive, send)
            return
        await asyncio.sleep(chance.uniform(*_LATENCY[service]))
        if key == ROOT_KEY or chance.random() >= _THROTTLED:
            await app(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        status, kind, body = _REFUSALS[service]
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer


def caller_of(scope: Any) -> tuple[str, str]:
    """Return the access key and the service of a signed request; empty texts for any other."""
    for name, value in scope.get("headers", ()):
        if name == b"authorization" and (found := _CREDENTIAL.search(value)):
            return found[1].decode(), found[2].decode()
    return "", ""


def _patch_polls(sqs: Any, chance: random.Random) -> None:
    require(sqs, "_HANDLERS", "_receive_messages_for_esm", "_queues_lock", "_get_q")
    receive, receive_for_functions = sqs._HANDLERS["ReceiveMessage"], sqs._receive_messages_for_esm

    async def poll(data: dict[str, Any], url: str) -> Any:
        if not int(data.get("WaitTimeSeconds") or 0) and chance.random() < _MISSED:
            return {}
        return await receive(data, url)

    def deliver(url: str, size: int) -> list[Any]:
        taken: list[Any] = receive_for_functions(url, size)
        with sqs._queues_lock:
            messages = sqs._get_q(url)["messages"]
            again = [message for message in taken if message["receive_count"] == 1 and chance.random() < _TWICE]
            messages += [{**message, "visible_at": time.time() + 3, "receipt_handle": None} for message in again]
        return taken

    sqs._HANDLERS["ReceiveMessage"] = poll
    sqs._receive_messages_for_esm = deliver


def _patch_counts(sqs: Any) -> None:
    count = sqs._HANDLERS["GetQueueAttributes"]
    known: dict[str, tuple[float, dict[str, str]]] = {}

    def count_late(data: dict[str, Any], url: str) -> dict[str, Any]:
        queue = data.get("QueueUrl", url)
        until, counts = known.get(queue, (0.0, {}))
        if time.monotonic() > until:
            every = count({"QueueUrl": queue, "AttributeNames": ["All"]}, url)["Attributes"]
            counts = {name: value for name, value in every.items() if name.startswith("ApproximateNumber")}
            known[queue] = time.monotonic() + _LAG, counts
        answer: dict[str, Any] = count(data, url)
        return {**answer, "Attributes": {name: counts.get(name, value) for name, value in answer["Attributes"].items()}}

    sqs._HANDLERS["GetQueueAttributes"] = count_late


def _patch_lateness(events: Any, scheduler: Any, chance: random.Random) -> None:
    require(events, "_invoke_target")
    require(scheduler, "get_account_id", "get_region", "set_request_account_id", "set_request_region")
    invoke = events._invoke_target

    def invoke_late(target: Any, event: Any, *rest: Any) -> Any:
        if event.get("Source") != "aws.scheduler":
            return invoke(target, event, *rest)
        account, region = scheduler.get_account_id(), scheduler.get_region()

        def ring() -> None:
            scheduler.set_request_account_id(account)
            scheduler.set_request_region(region)
            invoke(target, event, *rest)

        timer = threading.Timer(chance.uniform(0, _LATE), ring)
        timer.daemon = True
        timer.start()
        return None

    events._invoke_target = invoke_late
