"""Gift and preview links: one article, for whoever has the link, until it ends or is taken back.

The edge can look nothing up, so a link carries no token but an id, which the readers' API looks up in the table and
exchanges for a token of an hour, bound to that article. Taking a link back takes its row away; what was handed out before
ends within the hour. Of an id only its digest is kept, so a link can be shown once and made anew, but not read again.

There is one live link per kind, article and giver: a new one voids the one before.

    links#<slug>   <kind>#<giver>   link (digest of the id), until, ttl
    link#<digest>  link             kind, slug, giver, until, ttl
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Literal

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.memberships import SESSION_SECONDS
from nightdesk.domain.site import Site
from nightdesk.domain.text import SLUG
from nightdesk.domain.tokens import hashed, sign

from .ports import ANY, Change, ReaderPorts, Table

Kind = Literal["gift", "preview"]
_FOLDERS = {"gift": "articles", "preview": "preview"}
"""What a kind opens: an article as its highest tier sees it, or the page of one that readers do not get yet."""
_ATTEMPTS = 8


def create(kind: Kind, slug: str, giver: str, until: datetime, site_url: str, memberships: Table) -> dict[str, Any]:
    """Make a link, in place of the one that this giver had made for the article.

    Args:
        kind: `gift` for a live article, `preview` for one that is not published.
        giver: an id of whoever gives it; no address.

    Returns:
        `url`, which is told this once, and `until`.

    Raises:
        Permanent: that is no slug.
        Transient: the giver makes links faster than they can be written.
    """
    if not SLUG.fullmatch(slug):
        raise Permanent(f"“{slug}” is no article")
    secret = secrets.token_urlsafe(32)
    shared = {"until": until.isoformat(), "ttl": int(until.timestamp())}
    link = {"kind": kind, "slug": slug, "giver": giver, **shared}
    place = _place(kind, slug, giver)
    for _ in range(_ATTEMPTS):
        before = memberships.get(*place)
        changes = [
            Change(*place, {"link": hashed(secret), **shared}, before["version"] if before else None),
            Change(f"link#{hashed(secret)}", "link", link, None),
        ]
        if before:
            changes.append(Change(f"link#{before['link']}", "link", None, ANY))
        try:
            memberships.write(changes)
        except Conflict:
            continue
        return {"url": f"{site_url.rstrip('/')}{_path(kind, slug)}?{kind}={secret}", "until": until.isoformat()}
    raise Transient("a link changed faster than it could be written")


def revoke(kind: Kind, slug: str, giver: str, memberships: Table) -> bool:
    """Take a giver's link to an article back; whether there was one.

    Raises:
        Transient: the giver makes links faster than they can be taken back.
    """
    place = _place(kind, slug, giver)
    for _ in range(_ATTEMPTS):
        before = memberships.get(*place)
        if not before:
            return False
        try:
            # Of the version that was read: a newer one names another link, which must not stay without a name.
            memberships.write(
                [Change(*place, None, before["version"]), Change(f"link#{before['link']}", "link", None, ANY)]
            )
        except Conflict:
            continue
        return True
    raise Transient("a link changed faster than it could be taken back")


def links_of(slug: str, memberships: Table, now: datetime) -> list[dict[str, Any]]:
    """The live links to an article: kind, giver and until of each."""
    found = []
    for item in memberships.query(f"links#{slug}"):
        kind, _, giver = item["sk"].partition("#")
        if item["ttl"] > now.timestamp():
            found.append({"kind": kind, "giver": giver, "until": item["until"]})
    return found


def exchange(kind: Kind, secret: str, site: Site, ports: ReaderPorts, now: datetime) -> str | None:
    """The path, with a token of an hour, that a link stands for; None for one that has ended, was taken back or never was."""
    item = ports.memberships.get(f"link#{hashed(secret)}", "link")
    if not item or item["kind"] != kind or item["ttl"] <= now.timestamp():
        return None
    # A link that nobody could take back, since its giver's entry was removed as it was made, is none.
    named = ports.memberships.get(*_place(kind, item["slug"], item["giver"]))
    if not named or named["link"] != hashed(secret):
        return None
    path = _path(kind, item["slug"])
    expiry = min(int(now.timestamp()) + SESSION_SECONDS, item["ttl"])
    claims = {"t": site.tiers[-1], "s": kind, "e": expiry, "p": path}
    return f"{path}?{kind}={sign(claims, ports.key_id, ports.keys[ports.key_id])}"


def _place(kind: str, slug: str, giver: str) -> tuple[str, str]:
    """Where it stands which link of a giver's is live."""
    return f"links#{slug}", f"{kind}#{giver}"


def _path(kind: str, slug: str) -> str:
    return f"/{_FOLDERS[kind]}/{slug}/"
