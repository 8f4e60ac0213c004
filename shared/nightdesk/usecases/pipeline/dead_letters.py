"""Messages that failed: why, and those that SQS moved to a dead-letter queue."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from nightdesk.ports import Queues, Table
from nightdesk.repositories import articles_table

_KEPT_SECONDS = 15 * 86_400
"""One day longer than a dead-letter queue keeps a message."""
_SUBJECTS = ("slug", "key", "list", "id")


class ParkedMessage(NamedTuple):
    """A message in a dead-letter queue.

    Attributes:
        queue: the name of the queue that it came from.
        message: its id.
        event: its detail-type.
        about: the slug, key, list or id that it names.
        since: when it was first sent (ISO 8601).
        reason: why it failed the last time.
    """

    queue: str
    message: str
    event: str
    about: str
    since: str
    reason: str


def record_failure(message: str, body: str, reason: str, failures: Table) -> None:
    """Record why a message failed, over what was recorded before."""
    _, about = subject_of(body)
    item = {"about": about, "reason": reason, "ttl": int(time.time()) + _KEPT_SECONDS}
    failures.write([articles_table.failure_change(message, item)])


def parked_messages(queues: Queues, failures: Table, limit: int) -> list[ParkedMessage]:
    """Return up to `limit` messages of each dead-letter queue, the oldest first."""
    found = []
    for queue, letter in queues.peek(limit):
        event, about = subject_of(letter.body)
        reason = articles_table.failure_reason(failures, letter.message) or "not recorded"
        found.append(ParkedMessage(queue, letter.message, event, about, letter.since, reason))
    return sorted(found, key=lambda parked: parked.since)


def subject_of(body: str) -> tuple[str, str]:
    """Return a message's detail-type and what it names; empty strings if its body cannot be read.

    Unlike `parse_message`, this accepts events that are not valid: those are among the messages that fail.
    """
    try:
        envelope: Any = json.loads(body)
        detail, event = envelope["detail"], str(envelope["detail-type"])
        stored = detail.get("object")
        about = stored["key"] if stored else next((detail[name] for name in _SUBJECTS if name in detail), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    return event[:60], str(about)[:200]
