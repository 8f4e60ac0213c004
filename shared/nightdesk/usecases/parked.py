"""Messages that failed: why, and those that were given up and parked in a dead-letter queue."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
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


class Queues(Protocol):
    """The queues of all stages, by name, and their dead-letter queues. SQS counts approximately."""

    def in_flight(self) -> Mapping[str, int]:
        """How many messages each queue holds, those that are being worked on or come later among them."""

    def dead(self) -> Mapping[str, int]:
        """How many messages each dead-letter queue holds."""

    def look(self, most: int) -> Sequence[tuple[str, Letter]]:
        """Dead letters with their queues' names, at most so many of each; they stay."""

    def redrive(self, most: int) -> int:
        """Put dead letters back into the queues that they came from, at most so many; how many it were."""


def note_failure(message: str, body: str, reason: str, failures: Table) -> None:
    """Note why a message failed, over what was noted before."""
    _, about = subject_of(body)
    item = {"about": about, "reason": reason, "ttl": int(time.time()) + _KEPT_SECONDS}
    failures.write([Change("failure", message, item, ANY)])


def parked(queues: Queues, failures: Table, most: int) -> list[Parked]:
    """What was given up, oldest first; of each queue at most so many."""
    found = []
    for queue, letter in queues.look(most):
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
