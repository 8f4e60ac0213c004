"""The Audit table: keys and items together.

    pk                  sk          item
    log                 <id>        an entry, written before its action
    log                 <id>#end    the action's outcome, written after it
    log#<subject>       …           both again, by what the action was about

Ids sort by time. Items are added, and never changed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nightdesk.ports import AuditLog

_END = "#end"


class Recorded(NamedTuple):
    """An entry's attributes, and those of its outcome: none where the action may or may not have finished."""

    id: str
    entry: Mapping[str, Any]
    outcome: Mapping[str, Any]


def _partition(subject: str) -> str:
    return f"log#{subject}" if subject else "log"


def append_entry(log: AuditLog, subject: str, identifier: str, entry: Mapping[str, Any]) -> None:
    """Add an entry to the log, and to the log of its subject."""
    log.append([_partition(""), _partition(subject)], identifier, entry)


def append_outcome(log: AuditLog, subject: str, identifier: str, outcome: Mapping[str, Any]) -> None:
    """Add the outcome of an entry."""
    log.append([_partition(""), _partition(subject)], identifier + _END, outcome)


def entries(log: AuditLog, subject: str, before: str, limit: int) -> list[Recorded]:
    """Return entries of a subject, or of all where `subject` is empty, newest first.

    Args:
        before: the id of the entry that they precede; empty for the newest.
    """
    found: list[Recorded] = []
    outcome: Mapping[str, Any] = {}
    # Newest first, an outcome comes right before its entry, so an entry takes two items at most.
    for sk, item in log.query(_partition(subject), before, 2 * limit):
        if sk.endswith(_END):
            outcome = item
            continue
        found.append(Recorded(sk, item, outcome))
        outcome = {}
    return found[:limit]
