"""Members: complimentary access, and links that sign a reader in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import SESSION_SECONDS, member_id, normalise, tier_at
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.tokens import sign

from .ports import ANY, Change, Item, Table

KEY_ID = "1"


def grant(address: str, tier: str, until: str, site: Site, memberships: Table) -> Item:
    """Give a reader a tier, until an ISO moment or for good (empty).

    Raises:
        Permanent: no such tier, or no such address.
    """
    if tier not in site.tiers or tier == PUBLIC:
        raise Permanent(f"“{tier}” is no tier that can be given; there are {', '.join(site.tiers[1:])}")
    email = normalise(address)
    item = {"email": email, "tier": tier, "until": until, "source": "complimentary"}
    memberships.write([Change(f"member#{member_id(email)}", "membership", item, ANY)])
    return {"id": member_id(email), **item}


def sign_in_link(address: str, site_url: str, key: str, memberships: Table, now: datetime) -> dict[str, Any]:
    """A link that sets a reader's session cookie.

    Args:
        key: the edge's secret.

    Raises:
        Permanent: nobody is known by that address.
    """
    email = normalise(address)
    membership = memberships.get(f"member#{member_id(email)}", "membership")
    if not membership:
        raise Permanent("no member has that address; “nightdesk members add” makes one")
    expiry = int(now.timestamp()) + SESSION_SECONDS
    tier = tier_at(membership, now)
    token = sign({"t": tier, "s": member_id(email), "e": expiry}, KEY_ID, key)
    return {"url": f"{site_url.rstrip('/')}/signin/?session={token}", "tier": tier, "expires": expiry}
