"""The Updates table: keys and items together.

    pk                  sk                     item
    update#<id>         update                 an update, for as long as somebody may ask for it
    live                <published>#<id>       updates that are shown, in order of time
    topic#<topic>       <published>#<id>       the same, of one topic
    waiting             <published>#<id>       updates from outside that wait for an editor
    ends                <expires>#<id>         what is live or waits, in order of its end
    article#<slug>      <id>                   what is live or waits and leads to an article
    unsettled           <topic>#<id>#<change>  a change that the ticker's pages do not show yet
    topics              <topic>                topics that have a file of their own on the site
    rate#<poster>       <moment>#<id>          posts of the last minute
    feeds               <digest of address>    what is known of a feed
    wake                wake                   the end for which a look was asked

The same update stands at each of its places, so a list is one query, and every query says how many items it wants at
most. An update that ended leaves its places at the next look. `ttl` (DynamoDB's, in seconds since 1970) lets go of what
is long gone; nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.updates import REMOVED, WAITING, Update, article_of

from .ports import ANY, Change, Item, Table

FEW, MANY = 20, 200
"""How many updates of a topic, and of the whole site, are read to choose from."""
BATCH = 100
_TOPICS = 1000
_REMEMBERED = timedelta(days=400)
"""How long an update is known after its end: a feed that still has it must not post it again."""
_SLACK = timedelta(days=7)


class Known(NamedTuple):
    """An update, and the version of its record."""

    update: Update
    version: int


def find(table: Table, identifier: str) -> Known | None:
    """The update with an id, whatever became of it."""
    item = table.get(f"update#{identifier}", "update")
    return Known(Update.from_json(item), item["version"]) if item else None


def changes(before: Known | None, after: Update) -> list[Change]:
    """The changes that put an update into the place of what was known of it, and note that pages must follow."""
    stood = places(before.update) if before else {}
    stands = places(after)
    item = after.to_json()
    version = before.version if before else None
    found = [Change(f"update#{after.id}", "update", _kept(item, after, _REMEMBERED), version)]
    found += [Change(*place, None, ANY) for place in stood if place not in stands]
    found += [Change(*place, _kept(item, after, _SLACK), ANY) for place in stands]
    topics = {after.topic, before.update.topic if before else after.topic}
    # Each change has a mark of its own, so that who made the pages without it cannot take its mark away.
    return found + [
        Change("unsettled", f"{topic}#{after.id}#{(version or 0) + 1}", {}, ANY) for topic in sorted(topics)
    ]


def places(update: Update) -> list[tuple[str, str]]:
    """Where an update stands besides its record, each as pk and sk."""
    if update.status == REMOVED:
        return []
    place = f"{update.published}#{update.id}"
    lists = ["waiting"] if update.status == WAITING else ["live", *([f"topic#{update.topic}"] if update.topic else [])]
    found = [(name, place) for name in lists] + [("ends", f"{update.expires}#{update.id}")]
    slug = article_of(update.url)
    return found + ([(f"article#{slug}", update.id)] if slug else [])


def _kept(item: Item, update: Update, time: timedelta) -> Item:
    return {**item, "ttl": int((datetime.fromisoformat(update.expires) + time).timestamp())}


def newest(table: Table, name: str, limit: int, before: str = "") -> list[Update]:
    """The newest updates of `live`, `waiting` or `topic#<topic>`, those before a place if one is named."""
    return [Update.from_json(item) for item in table.query(name, before=before, descending=True, limit=limit)]


def of_article(table: Table, slug: str, after: str) -> list[Update]:
    """Updates that lead to an article, some at a time, in order of their ids; those after an id if one is named."""
    return [Update.from_json(item) for item in table.query(f"article#{slug}", after=after, limit=BATCH)]


def ended(table: Table, now: str) -> list[Update]:
    """Updates that have ended and still have their places, some at a time."""
    return [Update.from_json(item) for item in table.query("ends", before=f"{now}~", limit=BATCH)]


def next_end(table: Table, now: str) -> str:
    """The moment at which the next update ends, or nothing."""
    found = table.query("ends", after=f"{now}~", limit=1)
    return str(found[0]["expires"]) if found else ""


def leave(table: Table, update: Update) -> None:
    """Take an update that has ended from its places; its record stays.

    Raises:
        Conflict: it was changed in the meantime, and may live longer now.
    """
    known = find(table, update.id)
    gone = [Change(*place, None, ANY) for place in places(update)]
    if known and known.update == update:
        # Written over itself, so that a change that comes at the same time fails or makes this one fail.
        gone.append(
            Change(f"update#{update.id}", "update", _kept(update.to_json(), update, _REMEMBERED), known.version)
        )
    elif known:
        gone = [change for change in gone if (change.pk, change.sk) not in places(known.update)]
    if gone:
        table.write(gone)


def unsettled(table: Table) -> list[Item]:
    """Changes that the pages do not show yet, some at a time."""
    return table.query("unsettled", limit=BATCH)


def topic_of(item: Item) -> str:
    """The topic that an unsettled change concerns."""
    return str(item["sk"]).partition("#")[0]


def settle(table: Table, items: Iterable[Item]) -> None:
    """Forget changes that the pages show now.

    Raises:
        Conflict: others are in the way.
    """
    gone = [Change(item["pk"], item["sk"], None, ANY) for item in items]
    try:
        table.write(gone)
    except Conflict:  # another does the same, or came to nothing
        for change in gone:
            table.write([change])


def topics(table: Table) -> list[str]:
    """The topics that have a file of their own on the site."""
    return [item["sk"] for item in table.query("topics", limit=_TOPICS)]


def posts_since(table: Table, poster: str, moment: str, limit: int) -> list[Item]:
    """What somebody has posted since a moment, the oldest first."""
    return table.query(f"rate#{poster}", after=moment, limit=limit)


def counted(poster: str, update: Update, now: datetime) -> Change:
    """The change that counts a post."""
    ttl = int((now + timedelta(hours=1)).timestamp())
    return Change(f"rate#{poster}", f"{update.published}#{update.id}", {"at": update.published, "ttl": ttl}, ANY)


def feed(table: Table, key: str) -> dict[str, Any]:
    """What is known of a feed, by the digest of its address; nothing of one that was never read."""
    return table.get("feeds", key) or {}
