"""Feeds: what other people's feeds say, into updates. What is not from a trusted one waits for an editor.

A feed that is to be read counts as failed from then on until it has been read, so two runs do not read the same one at
once. One whose run did not come to its end is read alone the next time, after the others: if it was what took the run
down, it takes nobody else with it again, and is left alone for longer each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site import Feed
from nightdesk.domain.updates import (
    LIVE,
    REMOVED,
    WAITING,
    Entry,
    Update,
    Wish,
    make_update,
    moment_text,
    news_of,
    repeats,
)

from . import board
from .ports import Ask, Change, Feeds, Item, Ports, Reading
from .updates import told

PER_READING = 20
"""How many items are taken at most of a feed that was read."""
_LONGEST_PAUSE = timedelta(hours=6)
_FORGOTTEN = timedelta(days=30)
"""When a feed that is no longer watched is forgotten."""
_UNFINISHED = "its reading did not come to an end"


class Looked(NamedTuple):
    """How a feed's reading went: how many updates it made, and what was wrong, if anything."""

    url: str
    posted: int
    problem: str


def read_feeds(feeds: Sequence[Feed], reader: Feeds, ports: Ports) -> Iterator[Looked]:
    """Read those feeds whose time has come, and tell of each as soon as it was; sends an event for each update made of them."""
    known = {feed.url: board.feed(ports.updates, _key(feed)) for feed in feeds}
    suspects = [feed for feed in feeds if known[feed.url].get("problem") == _UNFINISHED]
    suspects.sort(key=lambda feed: int(known[feed.url]["failures"]))
    for group in ([feed for feed in feeds if feed not in suspects], *([feed] for feed in suspects)):
        yield from _read_together(group, reader, ports)


def _read_together(feeds: Sequence[Feed], reader: Feeds, ports: Ports) -> Iterator[Looked]:
    now = ports.clock()
    due = {feed.url: (feed, known) for feed in feeds if (known := _take_up(feed, ports, now))}
    asks = [Ask(url, known["etag"], known["modified"], known["digest"]) for url, (_, known) in due.items()]
    for reading in reader.read(asks) if asks else ():
        feed, known = due[reading.url]
        made = _post(feed, reading.entries or (), ports, now)
        ports.bus.emit([told(update) for update in made])
        _record(known, reading, ports, now)
        yield Looked(feed.url, len(made), reading.problem)


def failing(feeds: Sequence[Feed], ports: Ports) -> list[Item]:
    """Those feeds that could not be read the last time: `url`, `problem`, `failures`, and when it is `next` tried."""
    names = ("url", "problem", "failures", "next")
    known = [board.feed(ports.updates, _key(feed)) for feed in feeds]
    return [{name: item[name] for name in names} for item in known if item.get("failures")]


def _key(feed: Feed) -> str:
    return digest(feed.url.encode())[:32]


def _take_up(feed: Feed, ports: Ports, now: datetime) -> Item | None:
    """Count a feed as failed, if it is time to read it; what is known of it then, else None."""
    key = _key(feed)
    known = board.feed(ports.updates, key)
    if known and known["next"] > moment_text(now):
        return None
    failures = known.get("failures", 0) + 1
    item = {
        "url": feed.url,
        "etag": known.get("etag", ""),
        "modified": known.get("modified", ""),
        "digest": known.get("digest", ""),
        "failures": failures,
        "next": moment_text(now + _pause(failures)),
        "problem": _UNFINISHED,
        "ttl": int((now + _FORGOTTEN).timestamp()),
    }
    try:
        ports.updates.write([Change("feeds", key, item, known.get("version"))])
    except Conflict:
        return None
    return {**item, "pk": "feeds", "sk": key, "version": known.get("version", 0) + 1}


def _pause(failures: int) -> timedelta:
    """1, 2, 4 … minutes and some chance, six hours at most."""
    minutes = 2 ** min(failures - 1, 9)
    return min(_LONGEST_PAUSE, timedelta(minutes=minutes) + timedelta(seconds=random.uniform(0, 10 * failures)))


def _record(known: Item, reading: Reading, ports: Ports, now: datetime) -> None:
    item = {name: value for name, value in known.items() if name not in ("pk", "sk", "version")}
    if reading.problem:
        asked = moment_text(now + min(timedelta(seconds=reading.retry_after), 4 * _LONGEST_PAUSE))
        item |= {"problem": reading.problem[:500], "next": max(known["next"], asked)}
    else:
        item |= {"problem": "", "failures": 0, "next": "", "etag": reading.etag, "modified": reading.modified}
        item["digest"] = reading.digest
    ports.updates.write([Change("feeds", known["sk"], item, known["version"])])


def _post(feed: Feed, entries: Sequence[Entry], ports: Ports, now: datetime) -> list[Update]:
    """Make updates of items that were never seen; one that says what another one says is noted, and not shown."""
    news = [(entry, digest(f"{feed.url}\n{entry.id}".encode())[:16]) for entry in news_of(entries, now, PER_READING)]
    fresh = [(entry, identifier) for entry, identifier in news if not board.find(ports.updates, identifier)]
    if not fresh:
        return []
    known = board.newest(ports.updates, "live", board.MANY) + board.newest(ports.updates, "waiting", board.MANY)
    headlines = [update.headline for update in known]
    made = []
    for entry, identifier in fresh:
        status = LIVE if feed.trusted else WAITING
        if repeats(entry.headline, headlines):
            status = REMOVED
        wish = Wish(entry.headline, entry.summary, entry.url, feed.topic, feed.weight, "")
        update = make_update(wish, identifier, f"feed:{feed.url}", status, entry.published or now)
        try:
            ports.updates.write(board.changes(None, update))
        except Conflict:  # another run was first
            continue
        if status != REMOVED:
            headlines.append(update.headline)
            made.append(update)
    return made
