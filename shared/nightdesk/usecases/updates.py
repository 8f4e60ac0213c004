"""Updates: post, remove and approve them, and list them. What readers see follows by itself (see `ticker`).

Each act is one transaction, in which the update, its places in lists and a mark that pages must follow are written
together. The event only makes it quick: the next look at the ticker finds the mark without it.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Problem, Rejected, TooMany, Transient
from nightdesk.domain.updates import LIVE, REMOVED, WAITING, Update, Wish, make_update, moment_text

from . import board
from .ports import Event, Ports

PER_MINUTE = 120
"""How many updates one editor may post within a minute."""
_ATTEMPTS = 12
_WINDOW = timedelta(minutes=1)
Done = TypeVar("Done")


class Posted(NamedTuple):
    """An update as it was posted; `repeated` where the same post had come before."""

    update: Update
    repeated: bool


class Page(NamedTuple):
    """Some updates, newest first, and the cursor to those before them, empty at the end."""

    updates: tuple[Update, ...]
    cursor: str


def post(wish: Wish, poster: str, key: str, ports: Ports, per_minute: int = PER_MINUTE) -> Posted:
    """Post an update; sends the event.

    Args:
        poster: who posts, as an id that is nobody's address.
        key: an idempotency key of the poster's own; a post that comes again with it gets the first one's answer. May be empty.
        per_minute: how many a poster may post within a minute, 0 for any number. A repeated post does not count.

    Raises:
        Rejected: the key was used for another update.
        TooMany: the poster must wait.
        Transient: too many others wrote at the same moment.
    """
    now = ports.clock()
    identifier = digest(f"{poster}\n{key}".encode())[:16] if key else secrets.token_hex(8)

    def once() -> Posted:
        if key and (known := board.find(ports.updates, identifier)):
            return Posted(_first_answer(wish, known.update), True)
        if per_minute:
            _check_rate(poster, per_minute, ports, now)
        update = make_update(wish, identifier, f"editor:{poster}", LIVE, now)
        ports.updates.write([*board.changes(None, update), board.counted(poster, update, now)])
        return Posted(update, False)

    posted = _until_won(once)
    ports.bus.emit([told(posted.update)])
    return posted


def _first_answer(wish: Wish, update: Update) -> Update:
    same = ("headline", "summary", "url", "topic", "weight", *(["expires"] if wish.expires else []))
    if any(getattr(update, name) != getattr(wish, name) for name in same):
        raise Rejected(Problem(0, "idempotency_key", "was used for another update"))
    return replace(update, status=LIVE)


def _check_rate(poster: str, most: int, ports: Ports, now: datetime) -> None:
    """Count within the last minute, exactly enough: posts of one moment may pass the limit, and none is refused below it."""
    recent = board.posts_since(ports.updates, poster, moment_text(now - _WINDOW), most)
    if len(recent) >= most:
        wait = datetime.fromisoformat(recent[0]["at"]) + _WINDOW - now
        raise TooMany(f"{most} updates a minute are the most", max(1, math.ceil(wait.total_seconds())))


def remove(identifier: str, ports: Ports) -> Update | None:
    """Take an update from the ticker, or refuse one that waits; sends the event. None where there is no such update."""
    return _change(identifier, lambda update: replace(update, status=REMOVED), ports)


def approve(identifier: str, ports: Ports) -> Update | None:
    """Let an update from outside go live, now; sends the event. None where there is no such update.

    Raises:
        Rejected: it was removed, or its time is over.
    """

    now = ports.clock()

    def live(update: Update) -> Update:
        if update.status == REMOVED:
            raise Rejected(Problem(0, "id", "was removed"))
        if update.expires <= moment_text(now):
            raise Rejected(Problem(0, "expires", "its time is over"))
        return replace(update, status=LIVE, published=moment_text(now)) if update.status == WAITING else update

    return _change(identifier, live, ports)


def remove_of_article(slug: str, ports: Ports) -> int:
    """Take all updates that lead to an article from the ticker, also those that wait; how many there were."""
    count, after = 0, ""
    while found := board.of_article(ports.updates, slug, after):
        for update in found:
            remove(update.id, ports)
        count, after = count + len(found), found[-1].id
    return count


def listing(status: str, cursor: str, limit: int, ports: Ports) -> Page:
    """Updates that are `live` or `waiting`, newest first; those that have ended are left out.

    Args:
        cursor: of the page before, empty for the first.
    """
    now = moment_text(ports.clock())
    found = board.newest(ports.updates, status, limit, cursor)
    more = f"{found[-1].published}#{found[-1].id}" if len(found) == limit else ""
    return Page(tuple(update for update in found if update.expires > now), more)


def save(update: Update, ports: Ports) -> bool:
    """Make an update what it should be, wherever it stood before; whether anything changed.

    Raises:
        Conflict: somebody else changed it in the meantime.
    """
    known = board.find(ports.updates, update.id)
    if known and known.update == update:
        return False
    ports.updates.write(board.changes(known, update))
    return True


def told(update: Update) -> Event:
    """The event that says what an update is now."""
    return Event("UpdatePosted", {"id": update.id, "state": update.status})


def _change(identifier: str, make: Callable[[Update], Update], ports: Ports) -> Update | None:
    def once() -> Update | None:
        known = board.find(ports.updates, identifier)
        if known is None:
            return None
        after = make(known.update)
        if after != known.update:
            ports.updates.write(board.changes(known, after))
        return after

    after = _until_won(once)
    if after:
        ports.bus.emit([told(after)])
    return after


def _until_won(once: Callable[[], Done]) -> Done:
    """Do something again, after a moment, while others write first."""
    for attempt in range(_ATTEMPTS):
        try:
            return once()
        except Conflict:
            time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))
    raise Transient("others wrote the same updates faster than this one could")
