"""Reads feeds, and makes updates of their entries. Updates from feeds that are not trusted wait for an editor.

A feed is recorded as failed before it is read, and as read afterwards. So two runs do not read it at the same time, and a
feed that kills its run (by exhausting memory, for example) is found by the next run: it is then read alone, after the
others, and less and less often.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.feeds import (
    MAX_ENTRY_AGE,
    OMITTED,
    REPEATED,
    TOO_OLD,
    FeedRequest,
    FeedResult,
    Identified,
    describe_left_out,
    fault_of,
    identify,
    is_same_entry,
    repeats_update,
)
from nightdesk.domain.site import Feed
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import LIVE, REMOVED, WAITING, NewUpdate, Update, make_update
from nightdesk.ports import Change, Feeds, Item, Ports
from nightdesk.repositories import updates_table
from nightdesk.usecases.ticker.updates import as_event

MAX_POSTED = 50
"""How many updates one reading of a feed may make. The next reading makes the rest."""
_MAX_PAUSE = timedelta(hours=6)
_FEED_LIFETIME = timedelta(days=30)
"""How long the state of a feed is kept after its last reading."""
_MAX_SHARED = 100
_UNFINISHED = "its reading did not finish"
_NOTHING_YET: dict[str, Any] = {
    "etag": "", "modified": "", "digest": "", "read": "", "items": 0, "left_out": {}, "seen": {}, "shared": {}
}  # fmt: skip


class FeedReading(NamedTuple):
    """What one reading of a feed brought: how many updates it made, how many entries were left out, and any problem."""

    url: str
    posted: int
    left_out: dict[str, int]
    problem: str


class FeedState(NamedTuple):
    """The state of a feed after its last reading.

    Attributes:
        read: when it was last read successfully, or an empty string.
        items: how many entries it had then.
        left_out: how many of them were left out, by reason.
        problem: why it could not be read, or why none of its entries can be used; empty if all is well.
        failures: how many times in a row it could not be read.
        next: when it will be tried again, if it could not be read.
    """

    url: str
    read: str
    items: int
    left_out: dict[str, int]
    problem: str
    failures: int
    next: str


def read_feeds(feeds: Sequence[Feed], reader: Feeds, ports: Ports) -> Iterator[FeedReading]:
    """Read the feeds that are due. Yields each reading as soon as its updates are posted; sends an event for each update."""
    known = {feed.url: updates_table.feed(ports.updates, _key(feed)) for feed in feeds}
    suspects = [feed for feed in feeds if known[feed.url].get("problem") == _UNFINISHED]
    suspects.sort(key=lambda feed: int(known[feed.url]["failures"]))
    for group in ([feed for feed in feeds if feed not in suspects], *([feed] for feed in suspects)):
        yield from _read_together(group, reader, ports)


def feed_states(feeds: Sequence[Feed], ports: Ports) -> list[FeedState]:
    """Return the state of each feed that was tried at least once."""
    found = [(feed.url, updates_table.feed(ports.updates, _key(feed))) for feed in feeds]
    return [_state(url, {**_NOTHING_YET, **item}) for url, item in found if item]


def _state(url: str, item: Item) -> FeedState:
    left_out = {reason: int(count) for reason, count in item["left_out"].items()}
    problem = str(item["problem"])
    # A feed with old entries only is quiet, and nothing needs to be done about it.
    if not problem and sum(left_out.values()) == item["items"] and set(left_out) - {TOO_OLD}:
        problem = describe_left_out(int(item["items"]), left_out)
    return FeedState(url, item["read"], int(item["items"]), left_out, problem, int(item["failures"]), item["next"])


def _read_together(feeds: Sequence[Feed], reader: Feeds, ports: Ports) -> Iterator[FeedReading]:
    now = ports.clock()
    due = {feed.url: (feed, known) for feed in feeds if (known := _reserve(feed, ports, now))}
    requests = [FeedRequest(url, known["etag"], known["modified"], known["digest"]) for url, (_, known) in due.items()]
    for result in reader.read(requests) if requests else ():
        feed, known = due[result.url]
        posted = _post_entries(feed, result, known, ports, now)
        ports.bus.emit([as_event(update) for update in posted.updates])
        _record(known, result, posted, ports, now)
        yield FeedReading(feed.url, len(posted.updates), posted.left_out, result.problem)


def _key(feed: Feed) -> str:
    return digest(feed.url.encode())[:32]


def _reserve(feed: Feed, ports: Ports, now: datetime) -> Item | None:
    """Record a feed as failed until it has been read. Returns its record, or None if it is not due or another run has it."""
    key = _key(feed)
    known = updates_table.feed(ports.updates, key)
    if known and known["next"] > iso_utc_milliseconds(now):
        return None
    failures = known.get("failures", 0) + 1
    item = {
        **_NOTHING_YET,
        **{name: known[name] for name in _NOTHING_YET if name in known},
        "url": feed.url,
        "failures": failures,
        "next": iso_utc_milliseconds(now + _pause(failures)),
        "problem": _UNFINISHED,
        "ttl": int((now + _FEED_LIFETIME).timestamp()),
    }
    try:
        ports.updates.write([Change("feeds", key, item, known.get("version"))])
    except Conflict:
        return None
    return {**item, "pk": "feeds", "sk": key, "version": known.get("version", 0) + 1}


def _pause(failures: int) -> timedelta:
    """Return how long to wait after failures: 1, 2, 4 … minutes plus some seconds at random, at most six hours."""
    minutes = 2 ** min(failures - 1, 9)
    return min(_MAX_PAUSE, timedelta(minutes=minutes) + timedelta(seconds=random.uniform(0, 10 * failures)))


class _Posted(NamedTuple):
    """What became of the entries of a feed.

    Attributes:
        seen: ids of those entries that need no further look; the value is the reason if an entry was left out for good.
        shared: see `identify`.
        unfinished: True if more entries are waiting than one reading may post.
    """

    updates: list[Update]
    left_out: dict[str, int]
    seen: dict[str, str]
    shared: dict[str, int]
    unfinished: bool


def _record(known: Item, result: FeedResult, posted: _Posted, ports: Ports, now: datetime) -> None:
    item = {name: value for name, value in known.items() if name not in ("pk", "sk", "version")}
    if result.problem:
        asked = iso_utc_milliseconds(now + min(timedelta(seconds=result.retry_after), 4 * _MAX_PAUSE))
        item |= {"problem": result.problem[:500], "next": max(known["next"], asked)}
    else:
        item |= {"problem": "", "failures": 0, "next": "", "read": iso_utc_milliseconds(now)}
        item |= {"etag": result.etag, "modified": result.modified, "digest": result.digest}
    if result.entries is not None:
        item |= {"items": len(result.entries) + result.omitted, "left_out": posted.left_out}
        item |= {"seen": posted.seen, "shared": posted.shared}
    if posted.unfinished:  # without these, the feed's server sends it all again
        item |= {"etag": "", "modified": "", "digest": ""}
    ports.updates.write([Change("feeds", known["sk"], item, known["version"])])


def _post_entries(feed: Feed, result: FeedResult, known: Item, ports: Ports, now: datetime) -> _Posted:
    """Make updates of entries that are new, the oldest first."""
    seen_before: dict[str, str] = known["seen"]
    left_out = Counter({OMITTED: result.omitted} if result.omitted else {})
    usable = []
    for entry in result.entries or ():
        if fault := fault_of(entry):
            left_out[fault] += 1
        else:
            usable.append(entry)
    identified, shared = identify(usable, known["shared"])
    seen, new = {}, []
    for one in identified:
        identifier = _identifier(feed, one.key)
        if identifier in seen_before:
            seen[identifier] = seen_before[identifier]
        elif one.entry.published and one.entry.published <= now - MAX_ENTRY_AGE:
            left_out[TOO_OLD] += 1
        else:
            new.append(one)
    new.reverse()  # feeds begin with the newest, as a rule
    new.sort(key=lambda one: min(one.entry.published or now, now))
    updates, unfinished = _post_new(feed, new, seen, ports, now)
    left_out.update(filter(None, seen.values()))
    shared = dict([*shared.items(), *known["shared"].items()][:_MAX_SHARED]) | shared
    return _Posted(updates, dict(left_out), seen, shared, unfinished)


def _identifier(feed: Feed, key: str) -> str:
    return digest(f"{feed.url}\n{key}".encode())[:16]


def _post_new(
    feed: Feed, entries: Sequence[Identified], seen: dict[str, str], ports: Ports, now: datetime
) -> tuple[list[Update], bool]:
    """Post entries, and note them in `seen`. Returns the updates, and True if there are more than one reading may post.

    An entry that repeats another update is stored as removed, so that it stays out when the other one is gone.
    """
    made: list[Update] = []
    others: list[Update] | None = None
    source = f"feed:{feed.url}"
    for one in entries:
        identifier = _identifier(feed, one.key)
        if _was_posted(feed, one, identifier, ports):
            seen[identifier] = ""
            continue
        if len(made) == MAX_POSTED:
            return made, True
        if others is None:
            others = [
                update
                for status in ("live", "waiting")
                for update in updates_table.newest(ports.updates, status, updates_table.MANY)
            ]
        entry, moment = one.entry, min(one.entry.published or now, now)
        repeats = repeats_update(entry, moment, source, others)
        status = REMOVED if repeats else LIVE if feed.trusted else WAITING
        new = NewUpdate(entry.headline, entry.summary, entry.url, feed.topic, feed.weight, "")
        update = make_update(new, identifier, source, status, moment)
        try:
            ports.updates.write(updates_table.changes(None, update))
        except Conflict:  # another run was faster
            continue
        seen[identifier] = REPEATED if repeats else ""
        if not repeats:
            others.append(update)
            made.append(update)
    return made, False


def _was_posted(feed: Feed, one: Identified, identifier: str, ports: Ports) -> bool:
    if updates_table.find(ports.updates, identifier):
        return True
    before = [updates_table.find(ports.updates, _identifier(feed, other)) for other in one.others]
    return any(known is not None and is_same_entry(one.entry, known.update) for known in before)
