"""Audit: who did what, when, to what, and from which state it went to which.

An entry is written before the act, so that no act is without one, and its outcome after it. An entry that has no outcome is
of an act that may or may not have come to its end.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from nightdesk.domain.errors import NightdeskError

from .ports import Journal

Done = TypeVar("Done")
_END = "#end"
_OPEN = {"outcome": "open", "reason": "", "before": None, "after": None}


class Actor(NamedTuple):
    """Who acts: an id that says where it is known (`editor:…`, `cli:…`) and a name; neither is an e-mail address."""

    id: str
    name: str


class Deed(NamedTuple):
    """What is done, to what (`article:<slug>`, `member:<id>` …), and what the act was given."""

    act: str
    subject: str
    given: Mapping[str, Any]


class Entry(NamedTuple):
    """An entry of the log. `at` is ISO 8601; `outcome` is done, failed (for a `reason`) or open; `before` and `after` are
    where the subject stood, None where that is not known."""

    id: str
    at: str
    who: Actor
    deed: Deed
    outcome: str
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Page(NamedTuple):
    """Some entries, newest first, and the place to go on from; empty at the end."""

    entries: tuple[Entry, ...]
    cursor: str


def recorded(
    deed: Deed,
    who: Actor,
    journal: Journal,
    now: datetime,
    do: Callable[[], Done],
    change: Callable[[Done], tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = lambda _: (None, None),
) -> Done:
    """Do something, with its entry in the log.

    Args:
        change: where the subject stood before and after, from what was done.

    Raises:
        Whatever doing it raises; the log says so.
    """
    place = f"{now.isoformat(timespec='milliseconds')}#{secrets.token_hex(6)}"
    entry = {"at": now.isoformat(timespec="seconds"), "who": list(who), "act": deed.act, "given": dict(deed.given)}
    journal.append(deed.subject, place, {**entry, "subject": deed.subject})
    try:
        done = do()
    except Exception as error:
        reason = str(error)[:300] if isinstance(error, NightdeskError) else type(error).__name__
        journal.append(deed.subject, place + _END, {"outcome": "failed", "reason": reason})
        raise
    before, after = change(done)
    journal.append(deed.subject, place + _END, {"outcome": "done", "before": before, "after": after})
    return done


def entries(subject: str, before: str, limit: int, journal: Journal) -> Page:
    """Entries of the log: of a subject, or all where that is empty.

    Args:
        before: the cursor of the page before; empty for the newest.
    """
    found: list[Entry] = []
    end: Mapping[str, Any] = {}
    items = journal.read(subject, before, 2 * limit + 2)
    for place, item in items:
        if place.endswith(_END):
            end = item
            continue
        if len(found) == limit:
            return Page(tuple(found), found[-1].id)
        told = {**_OPEN, **end}
        deed = Deed(item["act"], item["subject"], item["given"])
        found.append(
            Entry(
                place,
                item["at"],
                Actor(*item["who"]),
                deed,
                told["outcome"],
                told["reason"],
                told["before"],
                told["after"],
            )
        )
        end = {}
    return Page(tuple(found), "")
