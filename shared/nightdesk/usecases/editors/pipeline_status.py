"""The pipeline's status, and rebuilds."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, LIVE, SCHEDULED
from nightdesk.domain.errors import Conflict, NotFound, Permanent
from nightdesk.domain.events import ProfileChanged, SiteChanged
from nightdesk.domain.text import SLUG
from nightdesk.ports import Item, Ports, Queues, Table
from nightdesk.repositories import articles_table, requests_table
from nightdesk.repositories.private_bucket import article_slugs, profile_key
from nightdesk.usecases.newsletters.control import held
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.pipeline.dead_letters import parked_messages

_MOST_LISTED = 100
_CHUNK = 500
_LIFETIME = timedelta(days=1)
_FAN_OUT = timedelta(seconds=4)
"""After this time every message that a stage sent is in its queue."""


def overview(queues: Queues, ports: Ports, newsletters: NewsletterPorts) -> dict[str, Any]:
    """Return messages in flight, dead letters with their reasons, rejected files, what is scheduled, and newsletters that are held:
    the first hundred of each list."""
    return {
        "in_flight": dict(queues.in_flight()),
        "dead_lettered": dict(queues.dead_letters()),
        "failed": [one._asdict() for one in parked_messages(queues, ports.articles, _MOST_LISTED)][:_MOST_LISTED],
        "rejected": [file._asdict() for file in articles_table.rejected(ports.articles, _MOST_LISTED)],
        "scheduled": _scheduled(ports),
        "held_newsletters": held(newsletters, _MOST_LISTED),
    }


def _scheduled(ports: Ports) -> list[dict[str, str]]:
    """Return slug, title and moment of scheduled articles, the next one first."""
    name = articles_table.list_in(SCHEDULED, "all")
    cards = [entry.card for entry in articles_table.newest(ports.articles, name, _MOST_LISTED)]
    found = [{"slug": c["slug"], "title": c["title"], "publish_at": c.get("publish_at") or c["date"]} for c in cards]
    return sorted(found, key=lambda one: datetime.fromisoformat(one["publish_at"]))


class Rebuild(NamedTuple):
    """A rebuild of the articles of a topic, of an author, or of all.

    Attributes:
        at: when it was requested, ISO 8601.
        total: how many articles it builds.
        left: how many messages the pipeline holds, at most `total`. It grows while the articles are requested.
    """

    id: str
    at: str
    topic: str
    author: str
    total: int
    left: int
    finished: bool


def rebuild(topic: str, author: str, queues: Queues, requests: Table, ports: Ports) -> Rebuild:
    """Request that the pages that show a topic or an author are built again, or all pages if both are empty.

    Raises:
        NotFound: no article and no profile has the name.
        Permanent: both are named, or the name is not an id.
    """
    if topic and author:
        raise Permanent("name a topic or an author, not both")
    named = topic or author
    if named and not SLUG.fullmatch(named):
        raise Permanent(
            f"“{named[:60]}” is not the id of a topic or author: ids have lower-case letters, digits and hyphens"
        )
    kind = "topic" if topic else "author"
    total = _count(kind, named, ports)
    if named and not total and not ports.private.stat(profile_key(kind, named)):
        raise NotFound(f"no article has the {kind} “{named}”")
    event = ProfileChanged(kind, named) if named else SiteChanged()
    now, identifier = ports.clock(), secrets.token_hex(8)
    item = {
        "at": now.isoformat(timespec="seconds"),
        "topic": topic,
        "author": author,
        "total": total,
        "ttl": int((now + _LIFETIME).timestamp()),
    }
    requests_table.add_rebuild(requests, identifier, item)
    ports.bus.emit([event])
    found = rebuild_progress(identifier, queues, requests, now)
    assert found  # it was just written
    return found


def _count(kind: str, named: str, ports: Ports) -> int:
    """Return how many articles a rebuild builds."""
    if not named:
        return len(article_slugs(ports))
    count = 0
    for state in (LIVE, DRAFT, SCHEDULED):
        after = ""
        while found := articles_table.entries(
            ports.articles, articles_table.list_in(state, f"{kind}:{named}"), after, _CHUNK
        ):
            count, after = count + len(found), found[-1].sort_key
    return count


def rebuild_progress(identifier: str, queues: Queues, requests: Table, now: datetime) -> Rebuild | None:
    """Return a rebuild as it is now; None for an unknown or expired one."""
    item = requests_table.rebuild(requests, identifier)
    if not item:
        return None
    left = sum(queues.in_flight().values())
    quiet_since = _remember_quiet(identifier, item, not left, now, requests)
    finished = bool(quiet_since and now - quiet_since >= max(_FAN_OUT, queues.settles))
    total = item["total"]
    return Rebuild(identifier, item["at"], item["topic"], item["author"], total, min(left, total), finished)


def _remember_quiet(identifier: str, item: Item, is_quiet: bool, now: datetime, requests: Table) -> datetime | None:
    """Record since when all counts have found no message, and return it; None while there are messages."""
    known = item.get("quiet_since")
    if bool(known) != is_quiet:
        known = now.isoformat() if is_quiet else ""
        with suppress(Conflict):  # Another caller asks as well, and has recorded it.
            requests_table.update_rebuild(requests, identifier, {**item, "quiet_since": known}, item["version"])
    return datetime.fromisoformat(known) if known else None
