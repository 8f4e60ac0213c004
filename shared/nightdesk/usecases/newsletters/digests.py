"""Digests: what went live since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nightdesk.domain.newsletters import DIGEST, PLANNED, Edition
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
_MOST_ARTICLES = 30


def first_since(until: datetime) -> str:
    """Return since when the first edition of a digest collects articles, ISO 8601."""
    return (until - _FIRST).isoformat()


def digest_edition(digest: Digest, day: str, until: datetime, ports: NewsletterPorts) -> Edition:
    """Return the edition of a digest for a day, with what went live since its last one and up to a moment."""
    window = editions_table.window(ports.editions, digest.id)
    slugs = new_articles(digest, until, window._replace(began=window.began or first_since(until)), ports)
    return Edition(
        id=f"{digest.id}/{day}",
        newsletter=digest.id,
        kind=DIGEST,
        state=PLANNED,
        subject=digest.title,
        at=ports.pipeline.clock().isoformat(timespec="seconds"),
        slugs=tuple(slugs),
        tiers=digest.tiers,
        until=until.isoformat(),
        minimum=digest.minimum,
    )


def new_articles(digest: Digest, until: datetime, window: Window, ports: NewsletterPorts) -> list[str]:
    """Return the slugs of articles that went live since a digest's last edition, the newest first."""
    began = datetime.fromisoformat(window.began)
    since = datetime.fromisoformat(window.until) - _LATE_ARTICLES if window.sent else began
    since = max(since, began, until - _LONGEST).astimezone(UTC)
    names = [f"topic:{topic}" for topic in digest.topics] or ["all"]
    bounds = since.strftime("%Y-%m-%dT%H:%M:%S"), until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ~")
    found = {
        entry.card["slug"]: entry.sort_key
        for name in names
        for entry in articles_table.between(ports.pipeline.articles, name, *bounds, _MOST_ARTICLES * 2)
    }
    recent = editions_table.editions_since(ports.editions, (since - _LATE_ARTICLES).date().isoformat())
    had = {slug for stored in recent if stored.edition.newsletter == digest.id for slug in stored.edition.slugs}
    ordered = sorted((slug for slug in found if slug not in had), key=lambda slug: found[slug], reverse=True)
    return ordered[:_MOST_ARTICLES]
