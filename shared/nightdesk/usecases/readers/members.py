"""Members: complimentary tiers, newsletters, a reader's own data, and the deletion of an account."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from nightdesk.domain.errors import Conflict, NotFound, Permanent, Refused
from nightdesk.domain.events import EDITION_ID, MembershipChanged
from nightdesk.domain.memberships import NEWSLETTERS, SESSION_SECONDS, Membership, member_id, normalise_address
from nightdesk.domain.payments import will_charge_again
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.tokens import sign
from nightdesk.ports import ANY, Bus, Item, Table
from nightdesk.repositories import memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap

LANDING = "/signin/"
BLOCKED = "blocked"
DELETED = "deleted"
BOUNCED, COMPLAINED = "bounced", "complained"
"""Reasons for which an address gets no newsletters, until its owner chooses one again."""


class NoSuchReader(Refused, NotFound):
    """No reader has this id or address."""

    def __init__(self) -> None:
        super().__init__("no_reader", "there is no such reader")


class MemberPorts(Protocol):
    """The ports that a change of a membership needs."""

    @property
    def memberships(self) -> Table: ...

    @property
    def bus(self) -> Bus: ...


class Grant(NamedTuple):
    """A complimentary tier, until an ISO timestamp or for good (empty). An empty tier revokes what was granted before."""

    tier: str
    until: str


class LinkSigner(NamedTuple):
    """What signs a sign-in link: the site's URL, the edge's secret and the id of that secret."""

    site_url: str
    key: str
    key_id: str


def update_membership(
    member: str, memberships: Table, change: Callable[[Membership], Membership], email: str = ""
) -> Membership:
    """Change a membership and return the result. Nothing is written if it stays the same.

    Args:
        change: returns the new membership; called again if another writer came first.
        email: the reader's address, if a missing membership is to be created.

    Raises:
        NoSuchReader: there is no membership, and no address to create one.
        Transient: other writers came first every time.
    """

    def attempt() -> Membership:
        found = memberships_table.find_membership(memberships, member)
        if not found and not email:
            raise NoSuchReader
        after = change(found.membership if found else Membership(email))
        if not found or after != found.membership:
            memberships.write([memberships_table.membership_change(member, after, found)])
        return after

    return compare_and_swap(attempt, "the membership")


def announce_change(member: str, bus: Bus, edition: str = "") -> None:
    """Emit the event that a membership changed, by the unsubscribe link of an edition if one is given."""
    bus.emit([MembershipChanged(member, edition)])


def announce_changes(changed: Iterable[str], bus: Bus) -> None:
    """Emit the events that memberships of several readers changed."""
    bus.emit([MembershipChanged(member) for member in changed])


def membership_json(member: str, membership: Membership, site: Site, now: datetime) -> dict[str, Any]:
    """Return what editors may know of a reader. Of payments they learn only whether there are any."""
    granted = membership.complimentary or {"tier": "", "until": ""}
    return {
        "id": member,
        "email": membership.email,
        **membership.entitlement(site, now)._asdict(),
        "given_tier": granted["tier"],
        "given_until": granted["until"],
        "confirmed": bool(membership.confirmed),
        "paying": membership.paid is not None,
        "newsletters": list(membership.newsletters),
    }


def grant_to_address(address: str, granted: Grant, site: Site, ports: MemberPorts) -> Item:
    """Grant a complimentary tier to the owner of an address, known or not, and return it as JSON.

    Raises:
        Permanent: the tier cannot be granted, or the address is malformed.
    """
    _check_grantable(granted.tier, site)
    email = normalise_address(address)
    member = member_id(email)
    grant(member, granted, site, ports, email)
    return {"id": member, "email": email, **granted._asdict(), "source": "complimentary"}


def grant(member: str, granted: Grant, site: Site, ports: MemberPorts, email: str = "") -> Membership:
    """Replace a reader's complimentary tier. What the reader pays for is not affected.

    Args:
        email: the reader's address, if a missing membership is to be created.

    Raises:
        Permanent: the tier cannot be granted, or there is no such reader.
    """
    if granted.tier:
        _check_grantable(granted.tier, site)
    complimentary = granted._asdict() if granted.tier else None
    after = update_membership(
        member, ports.memberships, lambda found: replace(found, complimentary=complimentary), email
    )
    announce_change(member, ports.bus)
    return after


def require_future(until: str, now: datetime) -> None:
    """Raise Permanent if a tier's end (ISO 8601) has passed already; an empty one never passes."""
    if until and datetime.fromisoformat(until) <= now:
        raise Permanent(f"{until} is in the past; name a later day, or revoke the tier to end it now")


def _check_grantable(tier: str, site: Site) -> None:
    if tier not in site.tiers or tier == PUBLIC:
        raise Permanent(f"“{tier}” is not a tier that can be granted; choose one of: {', '.join(site.tiers[1:])}")


def sign_in_link(address: str, signer: LinkSigner, site: Site, memberships: Table, now: datetime) -> dict[str, Any]:
    """Return a link with which an editor can sign a reader in within an hour.

    The edge turns the link into a session. Only who may read the edge's secret can make one, and it is never mailed.

    Raises:
        Permanent: no reader has this address.
    """
    member = member_id(normalise_address(address))
    found = memberships_table.find_membership(memberships, member)
    if not found:
        raise Permanent("no reader has this address; add one with `nightdesk members add`")
    expiry = int(now.timestamp()) + SESSION_SECONDS
    tier = found.membership.entitlement(site, now).tier
    claims = {"t": tier, "s": member, "e": expiry, "p": LANDING, "a": int(now.timestamp())}
    if found.membership.generation:
        claims["g"] = found.membership.generation
    token = sign(claims, signer.key_id, signer.key)
    return {"url": f"{signer.site_url.rstrip('/')}{LANDING}?session={token}", "tier": tier, "expires": expiry}


def choose_newsletters(
    member: str,
    choices: Mapping[str, bool],
    ports: MemberPorts,
    known: Sequence[str] = NEWSLETTERS,
    edition: str = "",
) -> Membership:
    """Set which newsletters a reader gets.

    Args:
        choices: by id; newsletters that are not named stay as they are.
        known: the ids of all newsletters (`newsletter_ids`), in their order.
        edition: the one by whose link the reader unsubscribes.

    Raises:
        Refused: there is no such reader, or a newsletter is chosen for an address that is not confirmed.
    """

    def change(found: Membership) -> Membership:
        if any(choices.values()) and not found.confirmed:
            raise Refused("unconfirmed", "the reader has not confirmed the address")
        # Those that the settings do not name now may be back tomorrow.
        names = dict.fromkeys((*known, *found.newsletters))
        return replace(found, newsletters=tuple(name for name in names if choices.get(name, name in found.newsletters)))

    after = update_membership(member, ports.memberships, change)
    if any(choices.values()):
        _allow_newsletters(member, ports.memberships)
    announce_change(member, ports.bus, edition)
    return after


def _allow_newsletters(member: str, memberships: Table) -> None:
    """Lift what stopped newsletters to a reader who asks for them again."""
    if memberships_table.suppression(memberships, member) in (BOUNCED, COMPLAINED):
        unsuppress(member, memberships)


def unsubscribe_headers(
    member: str, membership: Membership, site_url: str, newsletter: str = "", edition: str = ""
) -> dict[str, str]:
    """Return the headers for one-click unsubscription (RFC 8058). DKIM must cover them, which SES takes care of.

    Args:
        newsletter: the one to unsubscribe from; empty for all.
        edition: the one that has the link.
    """
    named = {name: value for name, value in (("list", newsletter), ("edition", edition)) if value}
    query = urlencode({"reader": member, "key": membership.unsubscribe, **named}, safe="/")
    return {
        "List-Unsubscribe": f"<{site_url.rstrip('/')}/api/unsubscribe?{query}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def unsubscribe(member: str, key: str, ports: MemberPorts, newsletter: str = "", edition: str = "") -> bool:
    """Unsubscribe a reader from a newsletter, or from all (empty), by the link of an edition.

    Returns:
        False if the key is not the one in the reader's links.
    """
    found = memberships_table.find_membership(ports.memberships, member)
    if not found or not key or not hmac.compare_digest(found.membership.unsubscribe.encode(), key.encode()):
        return False
    names = [newsletter] if newsletter else found.membership.newsletters
    known = edition if EDITION_ID.fullmatch(edition) else ""
    choose_newsletters(member, dict.fromkeys(names, False), ports, edition=known)
    return True


def export(member: str, memberships: Table) -> dict[str, Any]:
    """Return everything that is stored about a reader as JSON, without secrets and their digests."""
    membership, sessions = memberships_table.personal_data(memberships, member)
    return {"id": member, "membership": membership, "sessions": sessions}


def delete(member: str, ports: MemberPorts, now: datetime, deleted_customer: str = "") -> None:
    """Delete every record of a reader. A digest of the address stays, so that it gets no mail until its owner signs in again.

    Args:
        deleted_customer: the customer that was deleted at the payment provider (see `payments.delete_account`).

    Raises:
        Refused: the reader has a paid membership, which has to be cancelled first.
        Conflict: the membership changed meanwhile, for example because a checkout began.
    """
    table = ports.memberships
    found = memberships_table.find_membership(table, member)
    if found and will_charge_again(found.membership.paid):
        raise Refused("still_paying", "the paid membership has to be cancelled first")
    if found and found.membership.customer != deleted_customer:
        raise Conflict("the reader has another customer id")
    for pending, _ in memberships_table.sign_ins_of(table, member):
        table.write([memberships_table.sign_in_removal(member, pending)])
    for digest in memberships_table.session_digests(table, member):
        table.write([memberships_table.session_change(member, digest, None, ANY)])
    # The membership goes last, so that a deletion that was interrupted can be repeated.
    changes = [memberships_table.suppression_change(member, DELETED, now.isoformat())]
    if found:
        changes.append(memberships_table.membership_change(member, None, found))
    if deleted_customer:
        changes.append(memberships_table.customer_change(deleted_customer, ""))
    table.write(changes)
    announce_change(member, ports.bus)


def suppress(member: str, reason: str, memberships: Table, now: datetime) -> None:
    """Stop mail to an address: if `DELETED` until its owner signs in, if `BLOCKED` even sign-in mails."""
    memberships.write([memberships_table.suppression_change(member, reason, now.isoformat())])


def unsuppress(member: str, memberships: Table) -> None:
    """Allow mail to an address again."""
    memberships.write([memberships_table.suppression_change(member, "", "")])
