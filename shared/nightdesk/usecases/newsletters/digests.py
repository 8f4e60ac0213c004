"""Digests: what went live since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nightdesk.domain.newsletter_settings import MOST_ARTICLES
from nightdesk.domain.newsletters import CANCELLED, DIGEST, PLANNED, SKIPPED, Edition
from nightdesk.domain.site import Digest
from nightdesk.repositories import articles_table, editions_table
from nightdesk.repositories.editions_table import Window
from nightdesk.usecases.newsletters.ports import NewsletterPorts

RECENT = 40
"""The newest editions, which are looked at although they may have ended."""
_LATE_ARTICLES = timedelta(days=2)
"""How much older than the last digest an article may be that went live after it, because it waited for an approval."""
_FIRST = timedelta(days=1)
_LONGEST = timedelta(days=31)
_COPIES = 50


def first_since(until: datetime) -> str:
    """Return since when the first edition of a digest collects articles, ISO 8601."""
    return (until - _FIRST).isoformat()


def digest_edition(digest: Digest, day: str, until: datetime, ports: NewsletterPorts) -> Edition:
    """Return the edition of a digest for a day, with what went live since its last one and up to a moment."""
    window = editions_table.window(ports.editions, digest.id)
    since = _since(digest, until, window._replace(began=window.began or first_since(until)), ports)
    return Edition(
        id=f"{digest.id}/{day}",
        newsletter=digest.id,
        kind=DIGEST,
        state=PLANNED,
        subject=digest.title,
        at=ports.pipeline.clock().isoformat(timespec="seconds"),
        slugs=tuple(_new_articles(digest, since, until, ports)),
        tiers=digest.tiers,
        since=since.isoformat(),
        until=until.isoformat(),
        minimum=digest.minimum,
    )


def _since(digest: Digest, until: datetime, window: Window, ports: NewsletterPorts) -> datetime:
    """Return since when the next edition of a digest collects articles: those of editions that went to nobody are in it."""
    began = datetime.fromisoformat(window.began)
    since = datetime.fromisoformat(window.until) - _LATE_ARTICLES if window.sent else began
    found = (edition for edition in _editions_of(digest, since, ports) if edition.since)
    unsent = [edition.since for edition in found if _went_to_nobody(edition, ports)]
    since = min([since, *map(datetime.fromisoformat, unsent)])
    return max(since, began, until - _LONGEST).astimezone(UTC)


def _editions_of(digest: Digest, since: datetime, ports: NewsletterPorts) -> list[Edition]:
    """Return the editions of a digest that may name articles since a moment."""
    recent = editions_table.editions_since(ports.editions, (since - _LATE_ARTICLES).date().isoformat())
    return [stored.edition for stored in recent if stored.edition.newsletter == digest.id]


def _went_to_nobody(edition: Edition, ports: NewsletterPorts) -> bool:
    """Return True if an edition was cancelled before anybody had a copy."""
    if edition.state != CANCELLED:
        return False
    copies = editions_table.first_recipients(ports.editions, edition.id, _COPIES)
    return len(copies) < _COPIES and all(copy.state == SKIPPED for copy in copies)


def _new_articles(digest: Digest, since: datetime, until: datetime, ports: NewsletterPorts) -> list[str]:
    """Return the slugs of articles that went live in a time and are in no edition of a digest, the newest first."""
    names = [f"topic:{topic}" for topic in digest.topics] or ["all"]
    bounds = since.strftime("%Y-%m-%dT%H:%M:%S"), until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ~")
    found = {
        entry.card["slug"]: entry.sort_key
        for name in names
        for entry in articles_table.between(ports.pipeline.articles, name, *bounds, MOST_ARTICLES * 2)
    }
    sent = [edition for edition in _editions_of(digest, since, ports) if not _went_to_nobody(edition, ports)]
    had = {slug for edition in sent for slug in edition.slugs}
    ordered = sorted((slug for slug in found if slug not in had), key=lambda slug: found[slug], reverse=True)
    return ordered[:MOST_ARTICLES]
