"""The audit log: who did what, when, to what, and the subject's state before and after.

An entry is written before its action and the outcome after it, so every action has an entry. An entry without an outcome is
that of an action that may or may not have finished.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from nightdesk.domain.errors import NightdeskError
from nightdesk.ports import AuditLog
from nightdesk.repositories import audit_table

Result = TypeVar("Result")
State = Mapping[str, Any] | None
"""A subject's state as JSON values; None where it is unknown or does not apply."""
_LONGEST_REASON = 300
_UNFINISHED = {"outcome": "open", "reason": "", "before": None, "after": None}


class Actor(NamedTuple):
    """Who acts: a name, and an id that says where the person is known (`editor:…`, `cli:…`). Neither is an e-mail address."""

    id: str
    name: str


class Action(NamedTuple):
    """An action about to be taken.

    Attributes:
        name: such as `publish`.
        subject: what it is about: `article:<slug>`, `member:<id>`, `pipeline` …
        input: its arguments as JSON values.
    """

    actor: Actor
    name: str
    subject: str
    input: Mapping[str, Any]


class Entry(NamedTuple):
    """An entry of the log.

    Attributes:
        at: when the action began, ISO 8601.
        outcome: `done`, `failed` (for a `reason`) or `open`.
        before, after: the subject's state.
    """

    id: str
    at: str
    actor: Actor
    action: str
    subject: str
    input: Mapping[str, Any]
    outcome: str
    reason: str
    before: State
    after: State

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return {**self._asdict(), "actor": self.actor._asdict()}


class Page(NamedTuple):
    """Some entries, newest first, and the cursor of the next page; empty on the last one."""

    entries: tuple[Entry, ...]
    cursor: str


def no_states(_: Any) -> tuple[State, State]:
    """Return the states before and after an action whose subject has none."""
    return None, None


def record(
    action: Action,
    log: AuditLog,
    now: datetime,
    run: Callable[[], Result],
    states: Callable[[Result], tuple[State, State]] = no_states,
) -> Result:
    """Run an action, with its entry in the log, and return its result.

    Args:
        states: returns the subject's state before and after, from the result.

    Raises:
        Whatever `run` raises, after logging the failure.
    """
    identifier = f"{now.isoformat(timespec='milliseconds')}#{secrets.token_hex(6)}"
    entry = {
        "at": now.isoformat(timespec="seconds"),
        "actor": list(action.actor),
        "action": action.name,
        "subject": action.subject,
        "input": dict(action.input),
    }
    audit_table.append_entry(log, action.subject, identifier, entry)
    try:
        result = run()
    except Exception as error:
        # Only our own messages are known to hold no personal data.
        reason = str(error)[:_LONGEST_REASON] if isinstance(error, NightdeskError) else type(error).__name__
        audit_table.append_outcome(log, action.subject, identifier, {"outcome": "failed", "reason": reason})
        raise
    before, after = states(result)
    outcome = {"outcome": "done", "before": before, "after": after}
    audit_table.append_outcome(log, action.subject, identifier, outcome)
    return result


def entries(subject: str, before: str, limit: int, log: AuditLog) -> Page:
    """Return a page of the log.

    Args:
        subject: whose entries; empty for all.
        before: the cursor of the previous page; empty for the first.
    """
    found = audit_table.entries(log, subject, before, limit + 1)
    page = tuple(_entry(recorded) for recorded in found[:limit])
    return Page(page, page[-1].id if len(found) > limit else "")


def _entry(recorded: audit_table.Recorded) -> Entry:
    entry = {**recorded.entry, "actor": Actor(*recorded.entry["actor"])}
    return Entry(id=recorded.id, **entry, **{**_UNFINISHED, **recorded.outcome})
