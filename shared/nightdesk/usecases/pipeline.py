"""The pipeline: what is in flight, what was given up, and articles made again on request."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, LIVE, SCHEDULED
from nightdesk.domain.errors import Permanent
from nightdesk.domain.text import SLUG

from . import catalogue
from .parked import Queues, parked
from .ports import Change, Event, Ports, Table

_TOLD = 100
_CHUNK = 500
_KEPT = timedelta(days=1)
_SOON = timedelta(seconds=4)
"""By then what a rebuild asks for is in the queues, or done."""


def overview(queues: Queues, ports: Ports) -> dict[str, Any]:
    """What is in flight, what was given up and why, and which files wait for their authors; of those, the first hundred."""
    return {
        "in_flight": dict(queues.in_flight()),
        "dead_lettered": dict(queues.dead()),
        "failed": [one._asdict() for one in parked(queues, ports.articles, _TOLD)][:_TOLD],
        "rejected": [
            {"key": item["sk"], "slug": item["slug"], "at": item["at"]}
            for item in catalogue.rejected(ports.articles, _TOLD)
        ],
    }


class Rebuild(NamedTuple):
    """Articles that were asked to be made again: of a topic, of an author, or all; `at` is ISO 8601.

    `left` is how many messages the pipeline still has, at most `total`. It grows while the articles are being asked for.
    """

    id: str
    at: str
    topic: str
    author: str
    total: int
    left: int
    finished: bool


def rebuild(topic: str, author: str, queues: Queues, requests: Table, ports: Ports) -> Rebuild:
    """Ask for pages to be made again: those that show a topic or an author, or all where neither is named; sends the event.

    Raises:
        Permanent: both are named, or that is no id.
    """
    if topic and author:
        raise Permanent("a rebuild is of a topic or of an author, not of both")
    named = topic or author
    if named and not SLUG.fullmatch(named):
        raise Permanent(f"“{named[:60]}” is no id")
    kind = "topic" if topic else "author"
    event = Event("ProfileChanged", {"kind": kind, "id": named}) if named else Event("SiteChanged", {})
    now, identifier = ports.clock(), secrets.token_hex(8)
    item = {
        "at": now.isoformat(timespec="seconds"),
        "topic": topic,
        "author": author,
        "total": _count(kind, named, ports),
        "ttl": int((now + _KEPT).timestamp()),
    }
    requests.write([Change("rebuild", identifier, item, None)])
    ports.bus.emit([event])
    found = progress(identifier, queues, requests, now)
    assert found  # it was just written
    return found


def _count(kind: str, named: str, ports: Ports) -> int:
    """How many articles a rebuild is about."""
    if not named:
        return len(ports.work.list("articles/"))
    count = 0
    for state in (LIVE, DRAFT, SCHEDULED):
        after = ""
        while found := catalogue.entries(ports.articles, catalogue.list_in(state, f"{kind}:{named}"), after, _CHUNK):
            count, after = count + len(found), found[-1]["sk"]
    return count


def progress(identifier: str, queues: Queues, requests: Table, now: datetime) -> Rebuild | None:
    """How far a rebuild is; None for one that is not known, or no longer."""
    item = requests.get("rebuild", identifier)
    if not item:
        return None
    left = sum(queues.in_flight().values())
    finished = not left and now - datetime.fromisoformat(item["at"]) > _SOON
    told = min(left, item["total"])
    return Rebuild(identifier, item["at"], item["topic"], item["author"], item["total"], told, finished)
