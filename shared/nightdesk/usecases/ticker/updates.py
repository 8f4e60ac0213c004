"""Posts, removes, approves and lists updates.

Each operation is one transaction that writes the update, its list entries and a marker that the pages must be refreshed.
The event only speeds this up: the next refresh finds the marker without it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import RateLimited, Rejected
from nightdesk.domain.events import UpdatePosted
from nightdesk.domain.problems import Kind
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import LIVE, REMOVED, WAITING, NewUpdate, Update, make_update
from nightdesk.ports import Ports
from nightdesk.repositories import updates_table
from nightdesk.repositories.compare_and_swap import compare_and_swap

PER_MINUTE = 120
"""How many updates one editor may post within a minute."""
_ATTEMPTS = 12
_WINDOW = timedelta(minutes=1)


class Posted(NamedTuple):
    """An update as it was posted. `repeated` is True if the same request was made before."""

    update: Update
    repeated: bool


class Page(NamedTuple):
    """Updates, newest first, and the cursor of the next page, which is empty after the last one."""

    updates: tuple[Update, ...]
    cursor: str


def post(new: NewUpdate, poster: str, key: str, ports: Ports, per_minute: int = PER_MINUTE) -> Posted:
    """Post an update; sends the event.

    Args:
        poster: the id of the editor who posts; not an e-mail address.
        key: the poster's idempotency key, or an empty string. A post with the same key returns the first one's update.
        per_minute: how many updates a poster may post within a minute; 0 for any number. Repeated posts do not count.

    Raises:
        Rejected: the key was used for another update.
        RateLimited: the poster must wait.
        Transient: too many others wrote at the same time.
    """
    now = ports.clock()
    identifier = digest(f"{poster}\n{key}".encode())[:16] if key else secrets.token_hex(8)

    def attempt() -> Posted:
        if key and (known := updates_table.find(ports.updates, identifier)):
            return Posted(_first_answer(new, known.update), True)
        if per_minute:
            _check_rate(poster, per_minute, ports, now)
        update = make_update(new, identifier, f"editor:{poster}", LIVE, now)
        ports.updates.write([*updates_table.changes(None, update), updates_table.counted(poster, update, now)])
        return Posted(update, False)

    posted = compare_and_swap(attempt, "the ticker", _ATTEMPTS)
    ports.bus.emit([as_event(posted.update)])
    return posted


def _first_answer(new: NewUpdate, update: Update) -> Update:
    same = ("headline", "summary", "url", "topic", "weight", *(["expires"] if new.expires else []))
    if any(getattr(update, name) != getattr(new, name) for name in same):
        raise Rejected(Kind.KEY_REUSED.at(0, "idempotency_key"))
    return replace(update, status=LIVE)


def _check_rate(poster: str, most: int, ports: Ports, now: datetime) -> None:
    """Refuse a post over the limit. Concurrent posts may slightly exceed it; none below it is refused."""
    recent = updates_table.posts_since(ports.updates, poster, iso_utc_milliseconds(now - _WINDOW), most)
    if len(recent) >= most:
        wait = datetime.fromisoformat(recent[0]["at"]) + _WINDOW - now
        raise RateLimited(f"at most {most} updates a minute are accepted", max(1, math.ceil(wait.total_seconds())))


def remove(identifier: str, ports: Ports) -> Update | None:
    """Remove an update from the ticker, or reject one that waits; sends the event. Returns None if there is no such update."""
    return _change(identifier, lambda update: replace(update, status=REMOVED), ports)


def approve(identifier: str, ports: Ports) -> Update | None:
    """Publish an update that waits; sends the event. Returns None if there is no such update.

    Raises:
        Rejected: it was removed, or it has expired.
    """

    now = ports.clock()

    def live(update: Update) -> Update:
        if update.status == REMOVED:
            raise Rejected(Kind.UPDATE_REMOVED.at(0, "id"))
        if update.expires <= iso_utc_milliseconds(now):
            raise Rejected(Kind.UPDATE_ENDED.at(0, "expires"))
        return replace(update, status=LIVE, published=iso_utc_milliseconds(now)) if update.status == WAITING else update

    return _change(identifier, live, ports)


def remove_of_article(slug: str, ports: Ports) -> int:
    """Remove all updates that link to an article, including those that wait. Returns how many there were."""
    count, after = 0, ""
    while found := updates_table.of_article(ports.updates, slug, after):
        for update in found:
            remove(update.id, ports)
        count, after = count + len(found), found[-1].id
    return count


def listing(status: str, cursor: str, limit: int, ports: Ports) -> Page:
    """List updates that are `live` or `waiting`, newest first, without those that have ended.

    Args:
        cursor: that of the previous page, or an empty string.
    """
    now = iso_utc_milliseconds(ports.clock())
    found = updates_table.newest(ports.updates, status, limit, cursor)
    more = f"{found[-1].published}#{found[-1].id}" if len(found) == limit else ""
    return Page(tuple(update for update in found if update.expires > now), more)


def save(update: Update, ports: Ports) -> bool:
    """Write an update with its list entries. Returns True if anything changed.

    Raises:
        Conflict: another writer changed it in the meantime.
    """
    known = updates_table.find(ports.updates, update.id)
    if known and known.update == update:
        return False
    ports.updates.write(updates_table.changes(known, update))
    return True


def as_event(update: Update) -> UpdatePosted:
    """Return the event that announces an update's current state."""
    return UpdatePosted(update.id, update.status)


def _change(identifier: str, make: Callable[[Update], Update], ports: Ports) -> Update | None:
    def attempt() -> Update | None:
        known = updates_table.find(ports.updates, identifier)
        if known is None:
            return None
        after = make(known.update)
        if after != known.update:
            ports.updates.write(updates_table.changes(known, after))
        return after

    after = compare_and_swap(attempt, "the ticker", _ATTEMPTS)
    if after:
        ports.bus.emit([as_event(after)])
    return after
