"""Messages that failed: why, and those that were given up and parked in a dead-letter queue."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from .ports import ANY, Change, Table

_KEPT_SECONDS = 15 * 86_400
"""A day longer than a dead-letter queue keeps a message."""


class Parked(NamedTuple):
    """A message in a dead-letter queue: what it is about (a slug or a key), since when it has existed, and why it failed."""

    queue: str
    message: str
    event: str
    about: str
    since: str
    reason: str


class Letter(NamedTuple):
    """A parked message as its queue holds it; `since` is ISO 8601."""

    message: str
    body: str
    since: str


class DeadLetters(Protocol):
    """The dead-letter queues of all stages."""

    def look(self) -> Sequence[tuple[str, Letter]]:
        """Every message there is, with its queue's name; they stay."""

    def redrive(self) -> int:
        """Put every message back into the queue that it came from; how many there were."""


def note_failure(message: str, body: str, reason: str, failures: Table) -> None:
    """Note why a message failed, over what was noted before."""
    _, about = subject_of(body)
    item = {"about": about, "reason": reason, "ttl": int(time.time()) + _KEPT_SECONDS}
    failures.write([Change("failure", message, item, ANY)])


def parked(letters: DeadLetters, failures: Table) -> list[Parked]:
    """What was given up, oldest first."""
    found = []
    for queue, letter in letters.look():
        event, about = subject_of(letter.body)
        known = failures.get("failure", letter.message)
        reason = known["reason"] if known else "not noted"
        found.append(Parked(queue, letter.message, event, about, letter.since, reason))
    return sorted(found, key=lambda one: one.since)


def subject_of(body: str) -> tuple[str, str]:
    """What kind of event a message is, and what it is about; empty where that cannot be read."""
    try:
        envelope: Any = json.loads(body)
        detail = envelope["detail"]
        event = str(envelope["detail-type"])
        stored = detail.get("object")
        about = stored["key"] if stored else next((detail[n] for n in ("slug", "key", "list", "id") if n in detail), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    return event[:60], str(about)[:200]
