"""Feeds for one reader each, with the texts that the reader's tier may see.

Feed readers cannot sign in, so the address of a feed has a secret of 256 bits, of which the membership holds the digest. It
opens the feed and nothing else: no session comes of it. It is shown once. A new address takes the place of the one before,
and each request asks the membership, so revoking takes effect at once.

A feed is made on request from what is stored for all: the public feed, and of articles with gates the page of the reader's
tier. So publishing costs nothing more, and a feed shows what the pages show.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import datetime

from nightdesk.domain.errors import RateLimited, Transient
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.tokens import hash_secret
from nightdesk.ports import ReaderPorts, Table
from nightdesk.repositories import memberships_table
from nightdesk.usecases.readers import rate_limits
from nightdesk.usecases.readers.members import update_membership
from nightdesk.usecases.readers.sessions import Reader

PATH = "/api/feed/"
REQUESTS_PER_HOUR = 60
"""Of one reader's feed. Feed readers ask a few times an hour."""
_FEED = "feed.xml"


def make_address(member: str, memberships: Table, now: datetime) -> str:
    """Return the path of a new feed of a reader, which replaces the one before. It cannot be read again later.

    Raises:
        NoSuchReader: there is no such reader.
    """
    secret = secrets.token_urlsafe(32)
    digest, since = hash_secret(secret), now.isoformat()
    update_membership(member, memberships, lambda found: replace(found, feed=digest, feed_since=since))
    return f"{PATH}{member}/{secret}"


def revoke(member: str, memberships: Table) -> None:
    """Revoke the address of a reader's feed, if there is one.

    Raises:
        NoSuchReader: there is no such reader.
    """
    update_membership(member, memberships, lambda found: replace(found, feed="", feed_since=""))


def find_reader(member: str, secret: str, ports: ReaderPorts, now: datetime) -> Reader | None:
    """Return the reader whose feed has this address; None if it was revoked or replaced, or never was one.

    Raises:
        RateLimited: the address was asked for too often in this hour.
    """
    found = memberships_table.find_membership(ports.memberships, member)
    known = found.membership.feed if found else ""
    if not found or not known or not hmac.compare_digest(known, hash_secret(secret)):
        return None
    if not rate_limits.allow("feed", member, REQUESTS_PER_HOUR, ports.memberships, now):
        raise RateLimited("the feed was asked for too often", rate_limits.seconds_to_next_hour(now))
    return Reader(member, *found, session="")


def feed_of(reader: Reader, address: str, site: Site, ports: ReaderPorts, now: datetime) -> str:
    """Return a reader's feed as RSS: the public feed, with the texts of the pages of the reader's tier.

    An article that was taken down or moved since the public feed was made is not in it.

    Args:
        address: of the feed.

    Raises:
        Transient: there is no feed yet.
    """
    from nightdesk.rendering.member_feed import gated_articles, page_text, with_texts

    tier = reader.membership.entitlement(site, now).tier
    objects = ports.site
    stored = objects.get(_FEED) if objects else None
    if not objects or not stored:
        raise Transient("there is no feed yet")

    def text(slug: str) -> str | None:
        page = objects.get(f"articles/{slug}/~{tier}/index.html")
        if page and "status" in page.metadata:
            return None
        return page_text(page.body.decode(), slug, site) if page else ""

    feed = stored.body.decode()
    slugs = gated_articles(feed) if tier != PUBLIC else []
    return with_texts(feed, address, dict(zip(slugs, ports.in_parallel(text, slugs), strict=True)))
