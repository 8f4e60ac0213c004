"""Articles as editors see them: lists by state, topic, author and date, and all that is known of one."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.documents import LIVE, REJECTED, Document
from nightdesk.domain.editorial import Editorial, approved_form, decided, is_held_back, opened
from nightdesk.domain.site import Site

from . import catalogue
from .ports import Blob, Ports, Table
from .status import status
from .stored import author_kinds, editorial_key, load_decisions, load_site, mark_of

STATES = (LIVE, *catalogue.UNSEEN, REJECTED)
_CHUNK = 50
_LOOKED_AT = 500
"""So many entries are read for a page at most. One that is not full has a cursor all the same."""


class Wanted(NamedTuple):
    """Which articles: empty text means any. Dates are as in sort keys (`2026-11-24T07:20:00Z`), `until` excludes itself."""

    state: str = ""
    topic: str = ""
    author: str = ""
    since: str = ""
    until: str = ""


class Row(NamedTuple):
    """An article in a list. A draft that was never accepted has a slug and a state alone."""

    slug: str
    state: str
    title: str = ""
    date: str = ""
    authors: tuple[str, ...] = ()
    topic: str = ""
    access: str = ""


class Page(NamedTuple):
    """Some articles, newest first, and the place to go on from; empty at the end."""

    rows: tuple[Row, ...]
    cursor: str


def articles(wanted: Wanted, before: str, limit: int, ports: Ports) -> Page:
    """A page of the articles wanted, by their dates; of those that never were accepted, by their files' keys.

    However many there are, the number of reads is bounded.

    Args:
        before: the cursor of the page before; empty for the first.
    """
    if wanted.state == REJECTED:
        return _rejected(wanted, before, limit, ports.articles)
    states = [wanted.state] if wanted.state else [LIVE, *catalogue.UNSEEN]
    streams = [_stream(state, wanted, before, ports.articles) for state in states]
    rows: list[Row] = []
    last = ""
    for looked_at, (place, row) in enumerate(heapq.merge(*streams, key=lambda found: found[0], reverse=True), 1):
        if len(rows) == limit:
            return Page(tuple(rows), last)
        last = place
        if not wanted.author or wanted.author in row.authors:
            rows.append(row)
        if looked_at == _LOOKED_AT:
            return Page(tuple(rows), last)
    return Page(tuple(rows), "")


def _stream(state: str, wanted: Wanted, before: str, table: Table) -> Iterator[tuple[str, Row]]:
    """The articles of one state, newest first, read as they are needed. Of a topic and an author, the topic's are read."""
    plain = f"topic:{wanted.topic}" if wanted.topic else f"author:{wanted.author}" if wanted.author else "all"
    name, end = (
        catalogue.list_in(state, plain),
        min(before, wanted.until) if before and wanted.until else before or wanted.until,
    )
    while found := catalogue.between(table, name, wanted.since, end, _CHUNK):
        yield from ((item["sk"], _row(state, item["card"])) for item in found)
        if len(found) < _CHUNK:
            return
        end = found[-1]["sk"]


def _row(state: str, card: Mapping[str, Any]) -> Row:
    authors = tuple(identifier for identifier, _ in card["authors"])
    topic = card["topic"][0] if card["topic"] else ""
    return Row(card["slug"], state, card["title"], card["date"], authors, topic, card["access"])


def _rejected(wanted: Wanted, after: str, limit: int, table: Table) -> Page:
    """Drafts that were refused, of which no version is live or ever was accepted. Nothing else is known of them."""
    if wanted.topic or wanted.author or wanted.since or wanted.until:
        return Page((), "")
    found = catalogue.rejected_drafts(table, after, _CHUNK)
    records = table.get_many([(f"draft#{item['sk']}", catalogue.DRAFT) for item in found])
    rows: list[Row] = []
    for item, record in zip(found, records, strict=True):
        if len(rows) == limit:
            return Page(tuple(rows), after)
        after = item["sk"]
        if record and record["state"] == REJECTED and not record["document"]:
            rows.append(Row(record["slug"], REJECTED))
    return Page(tuple(rows), after if len(found) == _CHUNK else "")


def article(slug: str, ports: Ports, now: datetime) -> dict[str, Any] | None:
    """All that is known of an article, as JSON values: `status`, what its draft says, and what editors decided.

    Its `mark` tells it from any other version; empty where nothing of it was ever accepted.
    """
    report = status(slug, ports, now)
    if report is None:
        return None
    blob = ports.work.get(f"articles/{slug}.json")
    facts: dict[str, Any] = {
        "rejected": False,
        **report,
        "mark": "",
        "title": "",
        "date": "",
        "authors": [],
        "topics": [],
    }
    facts |= {
        "access": "",
        "gates": [],
        "publish_at": "",
        "expires": "",
        "moved": "",
        "approval": None,
        "approval_required": False,
    }
    return facts | (_facts(blob, ports) if blob else {})


def _facts(blob: Blob, ports: Ports) -> dict[str, Any]:
    plain, site = Document.from_bytes(blob.body), load_site(ports)
    decisions = ports.work.get(editorial_key(plain.slug))
    editorial, kinds = load_decisions(decisions), author_kinds(plain, site, ports)
    made = decided(plain, editorial, site, kinds)
    shown = plain if made.withdrawn else made
    return {
        "mark": mark_of(blob, decisions),
        "title": shown.title,
        "date": shown.date,
        "authors": [identifier for identifier, _ in shown.authors],
        "topics": [identifier for identifier, _ in shown.topics],
        "access": shown.access,
        "gates": _gates(plain, editorial, site),
        "publish_at": shown.publish_at,
        "expires": shown.expires,
        "moved": plain.moved,
        "approval": _approval(plain, editorial),
        "approval_required": bool(site.require_approval) and is_held_back(plain, Editorial(), site, kinds),
    }


def _gates(plain: Document, editorial: Editorial, site: Site) -> list[dict[str, Any]]:
    """The gates by number: the tier that each asks for now, and the one that its draft says."""
    passages = [block for block in plain.blocks if block.tier]
    now = [block for block, was in zip(opened(plain, editorial, site).blocks, plain.blocks, strict=False) if was.tier]
    now = now or passages
    return [
        {"number": number, "tier": block.tier, "draft_tier": was.tier, "teaser": was.teaser}
        for number, (block, was) in enumerate(zip(now, passages, strict=True), 1)
    ]


def _approval(plain: Document, editorial: Editorial) -> dict[str, Any] | None:
    """Who approved what, and whether that is what the draft says now."""
    found = editorial.approval
    if not found:
        return None
    now = "" if plain.withdrawn else approved_form(plain)
    return {"name": found.name, "at": found.at, "sha256": found.sha256, "holds": found.sha256 == now}
