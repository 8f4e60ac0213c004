"""Webhooks: which events they are told of, what they are told, and how that is signed (standardwebhooks.com).

A secret is derived from the stack's key, the webhook's address and the secret's name. So none is stored, whoever learns one
learns no other, and another name makes another secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import Event, NoticeRequested, parse_message
from nightdesk.domain.site import Site, Webhook

TOLD_EVENTS = (
    "DraftRejected",
    "ArticleRendered",
    "ArticleGated",
    "ArticleIndexed",
    "ArticleWithdrawn",
    "ArticleScheduled",
    "UpdatePosted",
    "TickerRefreshed",
    "CacheInvalidated",
    "MembershipChanged",
)
"""The events that webhooks may be told of: those that the bus promises to the newsroom's tools."""
_OURS = ("version", "bulk", "newsletter", "edition")
"""What events carry for our stages alone."""


class Notice(NamedTuple):
    """An event with the id and the time (ISO 8601) that it has on the bus."""

    event: Event
    id: str
    created: str


def parse_notice(body: str) -> Notice:
    """Read the body of an SQS message of the notify stage.

    Raises:
        Permanent: it is not an event of our bus, or its detail is not valid.
    """
    event = parse_message(body)
    if not isinstance(event, Event):
        raise Permanent("the message is not an event of the bus")
    envelope = json.loads(body)
    return Notice(event, str(envelope.get("id", "")), str(envelope.get("time", "")))


def webhook_id(url: str) -> str:
    """Return what identifies a webhook in events: addresses may hold passwords."""
    return digest(url.encode())[:16]


def find_webhook(identifier: str, site: Site) -> Webhook | None:
    """Return the webhook of an id; None if the settings have it no longer."""
    return next((webhook for webhook in site.webhooks if webhook_id(webhook.url) == identifier), None)


def data_of(event: Event) -> dict[str, Any]:
    """Return what a webhook is told of an event: what it identifies, never text.

    Problems of drafts quote drafts, so only their number is told.
    """
    detail = {name: value for name, value in event.to_detail().items() if name not in _OURS}
    return {**detail, "problems": len(detail["problems"])} if "problems" in detail else detail


def webhook_body(notice: NoticeRequested) -> bytes:
    """Return the body of a delivery."""
    said = {"id": notice.event, "type": notice.type, "created": notice.created, "data": notice.data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def signing_key(stack_key: str, url: str, name: str) -> bytes:
    """Return the secret of a webhook that has a name."""
    return hmac.digest(stack_key.encode(), f"webhook\n{url}\n{name}".encode(), hashlib.sha256)


def secret_text(key: bytes) -> str:
    """Return a secret as receivers configure it."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signed_headers(message: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the headers of a delivery.

    Args:
        message: its id, which is the same at every attempt.
        timestamp: of the attempt, in Unix seconds.
        keys: the secrets; each gives a signature, of which one must be right.
    """
    signed = f"{message}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
