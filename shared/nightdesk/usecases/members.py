"""Members: what is given to a reader, what a reader chooses, and how a reader is forgotten."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.memberships import NEWSLETTERS, SESSION_SECONDS, Membership, member_id, normalise
from nightdesk.domain.payments import goes_on
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.tokens import sign

from .ports import ANY, Bus, Change, Event, Item, Table

LANDING = "/signin/"
BLOCKED = "blocked"
DELETED = "deleted"
_ATTEMPTS = 8


class NoSuchReader(Permanent):
    """Nobody is known by that id."""


def membership_of(member: str, memberships: Table) -> tuple[Membership, int] | None:
    """A reader's membership and its version."""
    item = memberships.get(f"member#{member}", "membership")
    return (Membership.from_item(item), item["version"]) if item else None


def change(member: str, memberships: Table, make: Callable[[Membership], Membership], email: str = "") -> Membership:
    """Change a membership, over whatever others change at the same time; what it then is.

    Args:
        make: from what is there; done again where another writer was first.
        email: of a reader who may be new.

    Raises:
        NoSuchReader: and there is no address for a new one.
        Transient: others were first each time.
    """
    for _ in range(_ATTEMPTS):
        found = membership_of(member, memberships)
        if not found and not email:
            raise NoSuchReader("there is no such reader")
        before, version = found or (Membership(email), None)
        after = make(before)
        if found and after == before:
            return after
        try:
            memberships.write([Change(f"member#{member}", "membership", after.to_item(), version)])
            return after
        except Conflict:
            continue
    raise Transient("a membership changed faster than it could be written")


def changed(member: str, bus: Bus) -> None:
    """Say that a membership changed."""
    bus.emit([Event("MembershipChanged", {"id": member})])


def told(member: str, found: Membership, site: Site, now: datetime) -> dict[str, Any]:
    """What editors are told of a reader, as JSON values: nothing of payments but that there are some."""
    given = found.complimentary or {"tier": "", "until": ""}
    return {
        "id": member,
        "email": found.email,
        **found.standing(site, now)._asdict(),
        "given_tier": given["tier"],
        "given_until": given["until"],
        "confirmed": bool(found.confirmed),
        "paying": found.paid is not None,
        "newsletters": list(found.newsletters),
    }


def grant(address: str, tier: str, until: str, site: Site, memberships: Table, bus: Bus) -> Item:
    """Give a reader a tier, until an ISO moment or for good (empty). What the reader pays for stays beside it.

    Raises:
        Permanent: no such tier, or no such address.
    """
    _must_open_something(tier, site)
    email = normalise(address)
    give(member_id(email), tier, until, site, memberships, bus, email)
    return {"id": member_id(email), "email": email, "tier": tier, "until": until, "source": "complimentary"}


def give(
    member: str, tier: str, until: str, site: Site, memberships: Table, bus: Bus, email: str = ""
) -> Membership:  # fmt: skip
    """Give a reader a tier, until an ISO moment or for good (empty), in place of what was given before; no tier (empty) takes
    it back.

    Args:
        email: of a reader who may be new.

    Raises:
        Permanent: no such tier, or no such reader.
    """
    if tier:
        _must_open_something(tier, site)
    given = {"tier": tier, "until": until} if tier else None
    after = change(member, memberships, lambda found: replace(found, complimentary=given), email)
    changed(member, bus)
    return after


def _must_open_something(tier: str, site: Site) -> None:
    if tier not in site.tiers or tier == PUBLIC:
        raise Permanent(f"“{tier}” is no tier that can be given; there are {', '.join(site.tiers[1:])}")


def sign_in_link(
    address: str, site: Site, site_url: str, signer: tuple[str, str], memberships: Table, now: datetime
) -> dict[str, Any]:
    """A link with which an editor signs a reader in, for an hour. The edge makes the session out of it; it is for whoever
    may read the edge's key, and no such link is mailed by itself.

    Args:
        signer: the edge's secret, and the id that the edge knows it by.

    Raises:
        Permanent: nobody is known by that address.
    """
    email = normalise(address)
    found = membership_of(member_id(email), memberships)
    if not found:
        raise Permanent("no member has that address; “nightdesk members add” makes one")
    expiry = int(now.timestamp()) + SESSION_SECONDS
    tier = found[0].standing(site, now).tier
    claims = {"t": tier, "s": member_id(email), "e": expiry, "p": LANDING}
    if found[0].generation:
        claims["g"] = found[0].generation
    key, key_id = signer
    token = sign(claims, key_id, key)
    return {"url": f"{site_url.rstrip('/')}{LANDING}?session={token}", "tier": tier, "expires": expiry}


def choose(member: str, newsletters: Mapping[str, bool], memberships: Table, bus: Bus) -> Membership:
    """Set which newsletters a reader gets.

    Args:
        newsletters: by name, those of `NEWSLETTERS` that are spoken of; the others stay.

    Raises:
        Permanent: there is no such reader; or one is wanted for an address that nobody has confirmed.
    """

    def make(found: Membership) -> Membership:
        if any(newsletters.values()) and not found.confirmed:
            raise Permanent("the address has to be confirmed first, by the link or the code of a sign-in mail")
        wanted = {name: newsletters.get(name, name in found.newsletters) for name in NEWSLETTERS}
        return replace(found, newsletters=tuple(name for name, yes in wanted.items() if yes))

    after = change(member, memberships, make)
    changed(member, bus)
    return after


def unsubscribe_headers(member: str, membership: Membership, site_url: str) -> dict[str, str]:
    """The headers with which a newsletter can be ended by one click in a mail program (RFC 8058). DKIM must cover them, as
    SES sees to."""
    query = urlencode({"reader": member, "key": membership.unsubscribe})
    return {
        "List-Unsubscribe": f"<{site_url.rstrip('/')}/api/unsubscribe?{query}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def unsubscribe(member: str, key: str, memberships: Table, bus: Bus) -> bool:
    """End a reader's newsletters by the key of the link in them; whether it was the right one."""
    found = membership_of(member, memberships)
    if not found or not key or not hmac.compare_digest(found[0].unsubscribe.encode(), key.encode()):
        return False
    choose(member, dict.fromkeys(NEWSLETTERS, False), memberships, bus)
    return True


def export(member: str, memberships: Table) -> dict[str, Any]:
    """All that is stored of a reader, as JSON values; secrets and their digests are left out."""
    hidden = ("pk", "sk", "version", "ttl", "unsubscribe")
    items = memberships.query(f"member#{member}")
    rows = [(item["sk"], {name: value for name, value in item.items() if name not in hidden}) for item in items]
    return {
        "id": member,
        "membership": next((row for key, row in rows if key == "membership"), None),
        "sessions": [row for key, row in rows if key.startswith("session#")],
    }


def delete(member: str, memberships: Table, bus: Bus, now: datetime, forgotten: str = "") -> None:
    """Forget a reader: every row of the table, but for a digest of the address, so that nothing is mailed to it again
    unless its owner signs in anew.

    Args:
        forgotten: the customer whom the payment provider has forgotten; `payments.leave` sees to that.

    Raises:
        Permanent: the reader pays; that has to be ended first.
        Conflict: the membership has changed meanwhile, perhaps by beginning to pay.
    """
    found = membership_of(member, memberships)
    if found and goes_on(found[0].paid):
        raise Permanent("a paid membership has to be ended first")
    if found and found[0].customer != forgotten:
        raise Conflict("there is another customer")
    memberships.write([Change(f"signin#{member}", "pending", None, ANY)])
    for item in memberships.query(f"member#{member}"):
        if item["sk"] != "membership":
            memberships.write([Change(item["pk"], item["sk"], None, ANY)])
    # The membership last: whoever is cut off before it can ask again.
    changes = [_suppression(member, DELETED, now)]
    if found:
        changes.append(Change(f"member#{member}", "membership", None, found[1]))
    if forgotten:
        changes.append(Change(f"customer#{forgotten}", "member", None, ANY))
    memberships.write(changes)
    changed(member, bus)


def _suppression(member: str, reason: str, now: datetime) -> Change:
    return Change(f"suppressed#{member}", "reason", {"reason": reason, "since": now.isoformat()}, ANY)


def suppress(member: str, reason: str, memberships: Table, now: datetime) -> None:
    """Keep that an address gets no mail: `DELETED` until its owner signs in, `BLOCKED` not even a sign-in link."""
    memberships.write([_suppression(member, reason, now)])


def suppressed(member: str, memberships: Table) -> str:
    """Why an address gets no mail, or nothing."""
    item = memberships.get(f"suppressed#{member}", "reason")
    return str(item["reason"]) if item else ""


def unsuppress(member: str, memberships: Table) -> None:
    """Let an address have mail again."""
    memberships.write([Change(f"suppressed#{member}", "reason", None, ANY)])
