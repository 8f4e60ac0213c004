"""Gift and preview links: each opens one article to everyone who has it, until it ends or is revoked.

The edge cannot look anything up, so a link carries an id instead of a token. The readers' API looks the id up in the table
and exchanges it for a token that is bound to the article and lasts an hour at most. Revoking a link removes its record; the
tokens it was exchanged for end within the hour. Only a digest of the id is stored, so a link is shown once and can be
replaced, but not be read again.

There is one live link per kind, article and giver: a new link replaces the one before.

A link belongs to the article's draft, whether that is a file or a folder by then. It leads to the slug that the draft holds when the link is followed, and to nothing
once the draft holds none: so it never opens an article that took the slug over.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Literal

from nightdesk.domain.drafts_bucket import draft_forms, draft_id
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import SESSION_SECONDS
from nightdesk.domain.site import Site
from nightdesk.domain.text import SLUG
from nightdesk.domain.tokens import hash_secret, sign
from nightdesk.ports import ReaderPorts, Table
from nightdesk.repositories import articles_table, memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.memberships_table import AccessLink, LinkName

Kind = Literal["gift", "preview"]
_FOLDERS = {"gift": "articles", "preview": "preview"}
"""Where a link leads: to the article as its highest tier sees it, or to the page of an unpublished one."""


def create(name: LinkName, slug: str, until: datetime, site_url: str, memberships: Table) -> dict[str, Any]:
    """Create a link that replaces the giver's earlier link to the article.

    Args:
        name: `gift` for a live article or `preview` for an unpublished one, the key of its draft, and an id of the giver,
            which must not be an address.
        slug: the slug that the draft holds now.

    Returns:
        `url`, which cannot be read again later, and `until`.

    Raises:
        Permanent: the slug is malformed.
        Transient: the giver creates links faster than they can be written.
    """
    if not SLUG.fullmatch(slug):
        raise Permanent(f"“{slug}” is not the slug of an article")
    secret = secrets.token_urlsafe(32)
    link = AccessLink(name, until.isoformat(), int(until.timestamp()))

    def attempt() -> None:
        live = memberships_table.find_live_link(memberships, name)
        memberships.write(memberships_table.link_changes(link, hash_secret(secret), live))

    compare_and_swap(attempt, "the link")
    return {"url": f"{site_url.rstrip('/')}{_path(name.kind, slug)}?{name.kind}={secret}", "until": link.until}


def revoke(name: LinkName, memberships: Table) -> bool:
    """Revoke a giver's link to an article. Returns False if there is none.

    Raises:
        Transient: the giver creates links faster than they can be revoked.
    """

    def attempt() -> bool:
        live = memberships_table.find_live_link(memberships, name)
        if live:
            memberships.write(memberships_table.link_removal(name, live))
        return live is not None

    return compare_and_swap(attempt, "the link")


def live_links(draft: str, memberships: Table, now: datetime) -> list[dict[str, Any]]:
    """Return the kind, giver and end of each link to an article that has not ended."""
    links = memberships_table.links_to(memberships, draft)
    return [
        {"kind": link.name.kind, "giver": link.name.giver, "until": link.until}
        for link in links
        if link.ttl > now.timestamp()
    ]


def exchange_link(kind: Kind, secret: str, site: Site, ports: ReaderPorts, now: datetime) -> str | None:
    """Return the path that a link opens, with a token for an hour at most; None if the link ended, was revoked or is forged, or if
    the draft that it belongs to holds no slug any more."""
    digest = hash_secret(secret)
    link = memberships_table.find_link(ports.memberships, digest)
    if not link or link.name.kind != kind or link.ttl <= now.timestamp():
        return None
    # A link that its giver's entry does not name cannot be revoked, so it opens nothing. It is left by a revocation that
    # ran at the same time as its creation.
    live = memberships_table.find_live_link(ports.memberships, link.name)
    if not live or live.digest != digest:
        return None
    slug = _slug_of(link.name.draft, ports.articles) if ports.articles else ""
    if not slug:
        return None
    path = _path(kind, slug)
    expiry = min(int(now.timestamp()) + SESSION_SECONDS, link.ttl)
    claims = {"t": site.tiers[-1], "s": kind, "e": expiry, "p": path}
    return f"{path}?{kind}={sign(claims, ports.key_id, ports.keys[ports.key_id])}"


def _slug_of(draft: str, articles: Table) -> str:
    """Return the slug of a draft's article, whichever form the draft has now; empty if it has none, or if another draft holds the
    slug by now."""
    for key in dict.fromkeys((draft, *draft_forms(draft_id(draft)))):
        record = articles_table.draft_record(articles, key)
        claim = articles_table.claim_of(articles, record.slug) if record else None
        if record and claim and claim.holder == key:
            return record.slug
    return ""


def _path(kind: str, slug: str) -> str:
    return f"/{_FOLDERS[kind]}/{slug}/"
