"""Articles for editors: lists by state, topic, author and date, and the details of one article."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.decisions import Decisions, apply_decisions, approval_digest, awaits_approval
from nightdesk.domain.documents import LIVE, REJECTED, Document
from nightdesk.domain.site import Site
from nightdesk.ports import Blob, Ports, Table
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import (
    article_etag,
    author_kinds,
    decisions_from,
    decisions_key,
    document_key,
    load_site,
)
from nightdesk.usecases.editors.find_files import own_slug
from nightdesk.usecases.editors.status import status
from nightdesk.usecases.pipeline.effective import effective_article

STATES = (LIVE, *articles_table.UNSEEN, REJECTED)
_CHUNK = 50
_MOST_READ = 500
"""The limit of entries read for one page. A page that reaches it has a cursor, even if it is not full."""


class ArticleFilter(NamedTuple):
    """Which articles to list; an empty field matches any. Dates are `2026-11-24T07:20:00Z`, `until` is exclusive."""

    state: str = ""
    topic: str = ""
    author: str = ""
    since: str = ""
    until: str = ""


class ArticleSummary(NamedTuple):
    """An article in a list. A draft that was never accepted has a slug, a state and the key of its file only.

    Attributes:
        publish_at: when a scheduled article goes live (ISO 8601).
    """

    slug: str
    state: str
    title: str = ""
    date: str = ""
    authors: tuple[str, ...] = ()
    topic: str = ""
    access: str = ""
    publish_at: str = ""
    key: str = ""


class Page(NamedTuple):
    """Some articles, newest first, and the cursor of the next page; empty on the last one."""

    articles: tuple[ArticleSummary, ...]
    cursor: str


def articles(wanted: ArticleFilter, before: str, limit: int, ports: Ports) -> Page:
    """Return a page of articles: newest first, or rejected drafts by key.

    The number of reads does not grow with the archive.

    Args:
        before: the cursor of the previous page; empty for the first.
    """
    if wanted.state == REJECTED:
        return _rejected(wanted, before, limit, ports)
    states = [wanted.state] if wanted.state else [LIVE, *articles_table.UNSEEN]
    streams = [_stream(state, wanted, before, ports.articles) for state in states]
    found: list[ArticleSummary] = []
    last = ""
    merged = heapq.merge(*streams, key=lambda entry: entry[0], reverse=True)
    for count, (sort_key, summary) in enumerate(merged, 1):
        if len(found) == limit:
            return Page(tuple(found), last)
        last = sort_key
        if not wanted.author or wanted.author in summary.authors:
            found.append(summary)
        if count == _MOST_READ:
            return Page(tuple(found), last)
    return Page(tuple(found), "")


def _stream(state: str, wanted: ArticleFilter, before: str, table: Table) -> Iterator[tuple[str, ArticleSummary]]:
    """Yield the articles of one state with their sort keys, newest first, reading them in chunks.

    If both a topic and an author are wanted, the topic's list is read.
    """
    listed = f"topic:{wanted.topic}" if wanted.topic else f"author:{wanted.author}" if wanted.author else "all"
    name = articles_table.list_in(state, listed)
    end = min(filter(None, (before, wanted.until)), default="")
    while found := articles_table.between(table, name, wanted.since, end, _CHUNK):
        yield from ((entry.sort_key, _summary(state, entry.card)) for entry in found)
        if len(found) < _CHUNK:
            return
        end = found[-1].sort_key


def _summary(state: str, card: Mapping[str, Any]) -> ArticleSummary:
    authors = tuple(identifier for identifier, _ in card["authors"])
    topic = card["topic"][0] if card["topic"] else ""
    return ArticleSummary(
        card["slug"], state, card["title"], card["date"], authors, topic, card["access"], card.get("publish_at", "")
    )


def _rejected(wanted: ArticleFilter, after: str, limit: int, ports: Ports) -> Page:
    """Return a page of rejected drafts of which no version was ever accepted. They have no topic, author or date yet."""
    if wanted.topic or wanted.author or wanted.since or wanted.until:
        return Page((), "")
    found = articles_table.rejected_drafts(ports.articles, after, _CHUNK)
    records = articles_table.draft_records(ports.articles, [file.key for file in found])
    drafts: list[ArticleSummary] = []
    for file, record in zip(found, records, strict=True):
        if len(drafts) == limit:
            return Page(tuple(drafts), after)
        after = file.key
        if record and record.state == REJECTED and not record.document:
            drafts.append(ArticleSummary(own_slug(file.key, record, ports), REJECTED, key=file.key))
    return Page(tuple(drafts), after if len(found) == _CHUNK else "")


def article(slug: str, ports: Ports, now: datetime) -> dict[str, Any] | None:
    """Return an article's status, content and decisions as JSON values; None if it does not exist.

    Its `etag` identifies its version; empty if none was ever accepted.
    """
    report = status(slug, ports, now)
    if report is None:
        return None
    blob = ports.private.get(document_key(report["slug"]))
    details = _details(blob, ports) if blob else _NO_DETAILS
    return {"rejected": report["state"] == REJECTED, **report, **details} | (
        {"publish_at": report["publish_at"]} if report["publish_at"] else {}
    )


_NO_DETAILS: dict[str, Any] = {
    "etag": "",
    "title": "",
    "date": "",
    "authors": [],
    "topics": [],
    "access": "",
    "gates": [],
    "publish_at": "",
    "expires": "",
    "moved": "",
    "approval": None,
    "approval_required": False,
    "pending": False,
}


def _details(blob: Blob, ports: Ports) -> dict[str, Any]:
    document, site = Document.from_bytes(blob.body), load_site(ports)
    stored = ports.private.get(decisions_key(document.slug))
    decisions, kinds = decisions_from(stored), author_kinds(document, site, ports)
    effective, pending = effective_article(document, decisions, site, kinds, ports)
    shown = document if effective.withdrawn else effective
    return {
        "etag": article_etag(blob, stored),
        "title": shown.title,
        "date": shown.date,
        "authors": [identifier for identifier, _ in shown.authors],
        "topics": [identifier for identifier, _ in shown.topics],
        "access": shown.access,
        "gates": _gates(document, decisions, site),
        "publish_at": shown.publish_at,
        "expires": shown.expires,
        "moved": document.moved,
        "approval": _approval(document, decisions),
        "approval_required": bool(site.require_approval) and awaits_approval(document, Decisions(), site, kinds),
        "pending": pending is not None,
    }


def _gates(document: Document, decisions: Decisions, site: Site) -> list[dict[str, Any]]:
    """Return the gates by number, each with its tier now and its tier in the draft."""
    in_draft = [block for block in document.blocks if block.tier]
    # A withdrawn article has no blocks; its gates keep the draft's tiers.
    effective = apply_decisions(document, decisions, site).blocks or document.blocks
    now = [block for block, was in zip(effective, document.blocks, strict=True) if was.tier]
    return [
        {"number": number, "tier": block.tier, "draft_tier": was.tier, "teaser": was.teaser}
        for number, (block, was) in enumerate(zip(now, in_draft, strict=True), 1)
    ]


def _approval(document: Document, decisions: Decisions) -> dict[str, Any] | None:
    """Return who approved what, and whether the draft is still what was approved."""
    found = decisions.approval
    if not found:
        return None
    now = "" if document.withdrawn else approval_digest(document)
    return {"name": found.name, "at": found.at, "sha256": found.sha256, "valid": found.sha256 == now}
