"""The Memberships table: keys and records.

    pk                     sk                record
    member#<member>        membership        `Membership`: what a reader has and chooses
    member#<member>        session#<digest>  `Session`: a browser that is signed in
    signin#<member>        link#<digest>     `PendingSignIn`: a mailed link and its code, by the digest of the link's secret
    suppressed#<member>    reason            why an address gets no mail; stored under a keyed hash (see `adapters.suppressions`)
    links#<draft>          <kind>#<giver>    which access link of a giver is live
    link#<digest>          link              `AccessLink`, by the digest of its secret
    customer#<id>          member            the reader behind a customer of the payment provider
    stripe#<id>            event             a webhook event that was handled
    limit#<kind>#<digest>  <hour>            the counter of a rate limit; its `version` is the count

Secrets are stored as digests only. `ttl` (Unix seconds, DynamoDB's time to live) removes records after their end, possibly
days later, so the use cases compare it with the clock as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from nightdesk.domain.memberships import Membership
from nightdesk.ports import ANY, Change, Item, KeyRange, Table

_MEMBERSHIP = "membership"
_KEYS = ("pk", "sk", "version")
_NOT_EXPORTED = (*_KEYS, "ttl", "unsubscribe", "feed")


def _attributes(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _KEYS}


class ScannedTable(Protocol):
    """A table that is read as a whole. Only an operator may do that; the cost grows with the table."""

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        """Return up to `limit` items with a sort key, in an order of the table's own: those after the partition `after`."""


# --- Memberships ---


class StoredMembership(NamedTuple):
    """A membership and the version of its item."""

    membership: Membership
    version: int


def find_membership(table: Table, member: str) -> StoredMembership | None:
    """Return a reader's membership; None if there is no such reader."""
    item = table.get(f"member#{member}", _MEMBERSHIP)
    return StoredMembership(Membership.from_item(item), item["version"]) if item else None


def mail_standing(table: Table, member: str) -> tuple[Membership | None, str]:
    """Return a reader's membership, None without one, and why the address gets no mail (see `suppression`), in one call."""
    keys = [(f"member#{member}", _MEMBERSHIP), (f"suppressed#{member}", "reason")]
    found, suppressed = table.get_many(keys)
    return Membership.from_item(found) if found else None, str(suppressed["reason"]) if suppressed else ""


def mail_standings(table: Table, members: Sequence[str]) -> list[tuple[StoredMembership | None, str]]:
    """Return the membership of each of several readers, None without one, and why the address gets no mail (see `suppression`)."""
    keys = [(f"member#{member}", _MEMBERSHIP) for member in members]
    found = table.get_many([*keys, *((f"suppressed#{member}", "reason") for member in members)])
    stored = (
        StoredMembership(Membership.from_item(item), item["version"]) if item else None
        for item in found[: len(members)]
    )
    return list(zip(stored, (str(item["reason"]) if item else "" for item in found[len(members) :]), strict=True))


def memberships(table: ScannedTable, after: str, limit: int) -> list[tuple[str, Membership]]:
    """Return the ids and memberships of up to `limit` readers, in no particular order: those after the reader `after`."""
    items = table.scan(_MEMBERSHIP, f"member#{after}" if after else "", limit)
    return [(item["pk"].removeprefix("member#"), Membership.from_item(item)) for item in items]


def membership_change(member: str, membership: Membership | None, stored: StoredMembership | None) -> Change:
    """Return the change that writes a membership, or removes it (None), over exactly what is `stored`."""
    item = membership.to_item() if membership else None
    return Change(f"member#{member}", _MEMBERSHIP, item, stored.version if stored else None)


def personal_data(table: Table, member: str) -> tuple[Item | None, list[Item]]:
    """Return all attributes of a reader's membership and of each session, except secrets and their digests."""
    membership, sessions = None, []
    for item in table.query(f"member#{member}"):
        attributes = {name: value for name, value in item.items() if name not in _NOT_EXPORTED}
        if item["sk"] == _MEMBERSHIP:
            membership = attributes
        else:
            sessions.append(attributes)
    return membership, sessions


# --- Sessions ---


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.

    Attributes:
        began: when, in ISO 8601.
        generation: the membership's generation at that time.
        ttl: when it ends, in Unix seconds.
    """

    began: str
    generation: int
    ttl: int


class StoredSession(NamedTuple):
    """A session and the version of its item."""

    session: Session
    version: int


def find_session(table: Table, member: str, digest: str) -> StoredSession | None:
    """Return a reader's session by the digest of its secret."""
    item = table.get(f"member#{member}", f"session#{digest}")
    return StoredSession(Session(**_attributes(item)), item["version"]) if item else None


def session_digests(table: Table, member: str) -> list[str]:
    """Return the digests of a reader's sessions."""
    items = table.query(f"member#{member}", KeyRange(prefix="session#"))
    return [item["sk"].removeprefix("session#") for item in items]


def session_change(member: str, digest: str, session: Session | None, expected: int | str | None) -> Change:
    """Return the change that writes a session, or removes it (None), over the version `expected`."""
    return Change(f"member#{member}", f"session#{digest}", asdict(session) if session else None, expected)


# --- Sign-in ---


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A link and a code that were mailed to an address. An address may have several, requested by different browsers.

    Attributes:
        link_digest: of the secret in the link.
        code_digest: of the code together with the browser's secret, so that the table alone does not reveal the code.
        browser_digest: of the secret in the cookie of the browser that requested the mail.
        newsletter: whether the reader asked for the newsletter.
        return_to: the page to open after signing in.
        attempts: how often a code was entered.
        ttl: when the link and code end, in Unix seconds.
        price: the membership that the reader chose before signing in; empty for none.
        used: when the link or its code was used, in Unix seconds; 0 before that.
        used_by: the digest of the secret of the browser that used it.
        lists: the ids of other newsletters that the reader asked for.
    """

    email: str
    link_digest: str
    code_digest: str
    browser_digest: str
    newsletter: bool
    return_to: str
    attempts: int
    ttl: int
    price: str = ""
    used: int = 0
    used_by: str = ""
    lists: Sequence[str] = ()


class StoredSignIn(NamedTuple):
    """A pending sign-in and the version of its item."""

    pending: PendingSignIn
    version: int


def find_sign_in(table: Table, member: str, link_digest: str) -> StoredSignIn | None:
    """Return a pending sign-in of an address by the digest of its link's secret."""
    item = table.get(f"signin#{member}", f"link#{link_digest}")
    return StoredSignIn(PendingSignIn(**_attributes(item)), item["version"]) if item else None


def sign_ins_of(table: Table, member: str) -> list[StoredSignIn]:
    """Return all pending sign-ins of an address."""
    items = table.query(f"signin#{member}", KeyRange(prefix="link#"))
    return [StoredSignIn(PendingSignIn(**_attributes(item)), item["version"]) for item in items]


def sign_in_change(member: str, pending: PendingSignIn, expected: int | None) -> Change:
    """Return the change that writes a pending sign-in over the version `expected`."""
    return Change(
        f"signin#{member}", f"link#{pending.link_digest}", {**asdict(pending), "lists": list(pending.lists)}, expected
    )


def sign_in_removal(member: str, pending: PendingSignIn) -> Change:
    """Return the change that removes a pending sign-in."""
    return Change(f"signin#{member}", f"link#{pending.link_digest}", None, ANY)


# --- Addresses that get no mail ---


def suppression(table: Table, member: str) -> str:
    """Return why an address gets no mail, or an empty string."""
    item = table.get(f"suppressed#{member}", "reason")
    return str(item["reason"]) if item else ""


def suppression_change(member: str, reason: str, since: str) -> Change:
    """Return the change that suppresses mail to an address since an ISO timestamp, for a reason; none (empty) lifts it."""
    item = {"reason": reason, "since": since} if reason else None
    return Change(f"suppressed#{member}", "reason", item, ANY)


# --- Access links ---


class LinkName(NamedTuple):
    """What an access link is for and who gives it; there is one live link of each name.

    Attributes:
        draft: the key of the article's draft. The link opens this article wherever it is, and no other.
    """

    kind: str
    draft: str
    giver: str


class AccessLink(NamedTuple):
    """A link that opens one article, until an ISO timestamp; `ttl` is the same in Unix seconds."""

    name: LinkName
    until: str
    ttl: int


class LiveLink(NamedTuple):
    """Which link of a name is live: its digest, and the version of the item that says so."""

    digest: str
    version: int


def find_link(table: Table, digest: str) -> AccessLink | None:
    """Return an access link by the digest of its secret; None for one of an earlier version, which names no draft."""
    item = table.get(f"link#{digest}", "link")
    if not item or "draft" not in item:
        return None
    return AccessLink(LinkName(item["kind"], item["draft"], item["giver"]), item["until"], item["ttl"])


def find_live_link(table: Table, name: LinkName) -> LiveLink | None:
    """Return which link of a name is live."""
    item = table.get(*_live_link_key(name))
    return LiveLink(item["link"], item["version"]) if item else None


def links_to(table: Table, draft: str) -> list[AccessLink]:
    """Return the access links to the article of a draft."""
    found = []
    for item in table.query(f"links#{draft}"):
        kind, _, giver = item["sk"].partition("#")
        found.append(AccessLink(LinkName(kind, draft, giver), item["until"], item["ttl"]))
    return found


def link_changes(link: AccessLink, digest: str, live: LiveLink | None) -> list[Change]:
    """Return the changes that store a link in place of the one that is `live`."""
    times = {"until": link.until, "ttl": link.ttl}
    changes = [
        Change(*_live_link_key(link.name), {"link": digest, **times}, live.version if live else None),
        Change(f"link#{digest}", "link", {**link.name._asdict(), **times}, None),
    ]
    return [*changes, Change(f"link#{live.digest}", "link", None, ANY)] if live else changes


def link_removal(name: LinkName, live: LiveLink) -> list[Change]:
    """Return the changes that remove the link that is `live`."""
    # Only over the version that was read: a newer one names another link, which this would orphan.
    return [Change(*_live_link_key(name), None, live.version), Change(f"link#{live.digest}", "link", None, ANY)]


def _live_link_key(name: LinkName) -> tuple[str, str]:
    return f"links#{name.draft}", f"{name.kind}#{name.giver}"


# --- Payments ---


def member_of_customer(table: Table, customer: str) -> str:
    """Return the reader behind a customer of the payment provider, or an empty string."""
    item = table.get(f"customer#{customer}", "member")
    return str(item["member"]) if item else ""


def customer_change(customer: str, member: str) -> Change:
    """Return the change that records the reader behind a customer; none (empty) removes the record."""
    return Change(f"customer#{customer}", "member", {"member": member} if member else None, ANY)


def is_event_handled(table: Table, identifier: str) -> bool:
    """Return True if a webhook event was handled before."""
    return table.get(f"stripe#{identifier}", "event") is not None


def event_change(identifier: str, kind: str, ttl: int) -> Change:
    """Return the change that records a webhook event as handled, until `ttl` in Unix seconds."""
    return Change(f"stripe#{identifier}", "event", {"type": kind, "ttl": ttl}, ANY)


# --- Rate limits ---


def increment_counter(table: Table, kind: str, digest: str, hour: int, until: int) -> int:
    """Increase an hour's counter by one and return it. It is kept until `until`, in Unix seconds."""
    return table.increment(f"limit#{kind}#{digest}", str(hour), until)


def counter_value(table: Table, kind: str, digest: str, hour: int) -> int:
    """Return an hour's counter, 0 if nothing was counted."""
    item = table.get(f"limit#{kind}#{digest}", str(hour))
    return int(item["version"]) if item else 0
