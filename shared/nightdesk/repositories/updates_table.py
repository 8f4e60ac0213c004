"""The Updates table: keys and items together.

    pk                  sk                     item
    update#<id>         update                 the record of an update, also after its end
    live                <published>#<id>       live updates, in order of time
    topic#<topic>       <published>#<id>       the same, of one topic
    waiting             <published>#<id>       updates from feeds that wait for an editor
    ends                <expires>#<id>         live and waiting updates, in order of expiry
    article#<slug>      <id>                   live and waiting updates that link to an article
    unsettled           <topic>#<id>#<change>  a change that the ticker's pages do not show yet
    topics              <topic>                topics that have a file on the site
    rate#<poster>       <moment>#<id>          posts of the last minute
    feeds               <digest of address>    the state of a feed
    wake                wake                   the expiry for which a refresh was requested

Each list entry is a copy of the update, so a list is one query, and every query is limited. The next refresh removes the
list entries of an update that has ended. DynamoDB deletes old items after their `ttl` (in seconds since 1970); nothing
depends on when.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.updates import REMOVED, WAITING, Update, linked_article
from nightdesk.ports import ANY, Change, Item, KeyRange, Table
from nightdesk.repositories.compare_and_swap import compare_and_swap

FEW, MANY = 20, 200
"""How many updates of a topic, and of the whole site, are read for the selection."""
BATCH = 100
_TOPICS = 1000
_REMEMBERED = timedelta(days=400)
"""How long the record of an update is kept after its end, so that a feed that still has it does not post it again."""
_SLACK = timedelta(days=7)


class Known(NamedTuple):
    """An update, and the version of its record."""

    update: Update
    version: int


def find(table: Table, identifier: str) -> Known | None:
    """Return the update with an id, whatever its status."""
    item = table.get(f"update#{identifier}", "update")
    return Known(Update.from_json(item), item["version"]) if item else None


def changes(before: Known | None, after: Update) -> list[Change]:
    """Return the changes that replace an update and its list entries, and mark that the pages must be refreshed."""
    old = list_keys(before.update) if before else []
    new = list_keys(after)
    item = after.to_json()
    version = before.version if before else None
    found = [Change(f"update#{after.id}", "update", _stored(item, after, _REMEMBERED), version)]
    found += [Change(*place, None, ANY) for place in old if place not in new]
    found += [Change(*place, _stored(item, after, _SLACK), ANY) for place in new]
    topics = {after.topic, before.update.topic if before else after.topic}
    # Each change has its own marker, so that a refresh which did not see the change cannot remove its marker.
    return found + [
        Change("unsettled", f"{topic}#{after.id}#{(version or 0) + 1}", {}, ANY) for topic in sorted(topics)
    ]


def list_keys(update: Update) -> list[tuple[str, str]]:
    """Return the keys (pk, sk) of an update's list entries."""
    if update.status == REMOVED:
        return []
    place = f"{update.published}#{update.id}"
    lists = ["waiting"] if update.status == WAITING else ["live", *([f"topic#{update.topic}"] if update.topic else [])]
    found = [(name, place) for name in lists] + [("ends", f"{update.expires}#{update.id}")]
    slug = linked_article(update.url)
    return found + ([(f"article#{slug}", update.id)] if slug else [])


def _stored(item: Item, update: Update, time: timedelta) -> Item:
    return {**item, "ttl": int((datetime.fromisoformat(update.expires) + time).timestamp())}


def newest(table: Table, name: str, limit: int, before: str = "") -> list[Update]:
    """Return the newest updates of `live`, `waiting` or `topic#<topic>`, from before a position if one is given."""
    return [Update.from_json(item) for item in table.query(name, KeyRange(before=before), descending=True, limit=limit)]


def of_article(table: Table, slug: str, after: str) -> list[Update]:
    """Return a batch of updates that link to an article, by id, from after an id if one is given."""
    return [Update.from_json(item) for item in table.query(f"article#{slug}", KeyRange(after=after), limit=BATCH)]


def ended(table: Table, now: str) -> list[Update]:
    """Return a batch of updates that have ended and still have list entries."""
    return [Update.from_json(item) for item in table.query("ends", KeyRange(before=f"{now}~"), limit=BATCH)]


def next_end(table: Table, now: str) -> str:
    """Return when the next update ends, or an empty string."""
    found = table.query("ends", KeyRange(after=f"{now}~"), limit=1)
    return str(found[0]["expires"]) if found else ""


def remove_from_lists(table: Table, update: Update) -> None:
    """Delete the list entries of an update that has ended, except those that it has again because it ends later now. Its record stays.

    Raises:
        Transient: it changed during every attempt.
    """

    def attempt() -> None:
        known = find(table, update.id)
        gone = [Change(*place, None, ANY) for place in list_keys(update)]
        if known and known.update == update:
            # Rewrite the record unchanged, so that of two concurrent changes one fails.
            stored = _stored(update.to_json(), update, _REMEMBERED)
            gone.append(Change(f"update#{update.id}", "update", stored, known.version))
        elif known:
            gone = [change for change in gone if (change.pk, change.sk) not in list_keys(known.update)]
        if gone:
            table.write(gone)

    compare_and_swap(attempt, f"the lists of the update {update.id}")


def incomplete(table: Table) -> list[Item]:
    """Return a batch of changes that the pages do not show yet."""
    return table.query("unsettled", limit=BATCH)


def topic_of(item: Item) -> str:
    """Return the topic of a change that the pages do not show yet."""
    return str(item["sk"]).partition("#")[0]


def complete(table: Table, items: Iterable[Item]) -> None:
    """Delete the markers of changes that the pages show now.

    Raises:
        Conflict: other transactions wrote the same markers at the same time.
    """
    gone = [Change(item["pk"], item["sk"], None, ANY) for item in items]
    try:
        table.write(gone)
    except Conflict:  # another refresh deletes the same markers
        for change in gone:
            table.write([change])


def topics(table: Table) -> list[str]:
    """Return the topics that have a file on the site."""
    return [item["sk"] for item in table.query("topics", limit=_TOPICS)]


def posts_since(table: Table, poster: str, moment: str, limit: int) -> list[Item]:
    """Return what a poster has posted since a moment, the oldest first."""
    return table.query(f"rate#{poster}", KeyRange(after=moment), limit=limit)


def counted(poster: str, update: Update, now: datetime) -> Change:
    """Return the change that counts a post."""
    ttl = int((now + timedelta(hours=1)).timestamp())
    return Change(f"rate#{poster}", f"{update.published}#{update.id}", {"at": update.published, "ttl": ttl}, ANY)


def feed(table: Table, key: str) -> dict[str, Any]:
    """Return the record of a feed by the digest of its address; empty if it was never read."""
    return table.get("feeds", key) or {}
