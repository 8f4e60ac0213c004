"""Memberships: a reader's address, and the tiers that the reader has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.addresses import ascii_domain
from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import PUBLIC, Site

SESSION_SECONDS = 3600
"""Lifetime of a session cookie; within it, a membership that lapsed takes effect."""

SUBSCRIBER = "subscriber"
"""The tier of readers who confirmed their address, on a site that has such a tier."""

NEWSLETTERS = ("newsletter",)
"""Newsletters that a reader can choose."""

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f\"(),:;<>\[\\\]]{1,64}@[^@\s\x00-\x1f]{1,255}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")


def normalise_address(address: str) -> str:
    """Return the one form of an e-mail address that identifies a reader: lower case, the domain in ASCII (IDNA 2008).

    Raises:
        Permanent: it is not an address.
    """
    text = address.strip()
    local, _, domain = text.lower().rpartition("@")
    domain = ascii_domain(domain)
    # Unassigned and unprintable characters would show differently, or not at all, in each mail program.
    if not _ADDRESS.fullmatch(text) or not local.isprintable() or not _DOMAIN.fullmatch(domain):
        raise Permanent("that is not an e-mail address")
    return f"{local}@{domain}"


def member_id(address: str) -> str:
    """Return the id of the reader with a normalised address. Tokens and logs may contain it, but not the address."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


class Entitlement(NamedTuple):
    """A reader's access at a moment.

    Attributes:
        source: what gives the tier: `complimentary`, `paid`, `confirmed`, or nothing.
        until: when it ends (ISO 8601); empty if it does not.
    """

    tier: str
    source: str
    until: str


@dataclass(frozen=True, slots=True)
class Membership:
    """What is stored about a reader.

    A complimentary tier and a paid one are independent: the end of one does not affect the other.

    Attributes:
        confirmed: when the address was first confirmed (ISO 8601); empty before that.
        complimentary: `{"tier", "until"}`, where `until` is ISO 8601 or empty; None without one.
        paid: what is paid for (see `payments.paid_membership`); None without it.
        newsletters: those of `NEWSLETTERS` that the reader chose; see `receives`.
        generation: how often the reader signed out everywhere; sessions of earlier generations have ended.
        unsubscribe: the secret in unsubscribe links; empty before the address is confirmed.
        customer: the payment provider's id of the reader; empty before the first checkout.
        consent: when and how the address was confirmed elsewhere, as the list said with which the reader was imported.
        feed: the digest of the secret in the address of the reader's feed; empty without one.
        feed_since: when that address was made (ISO 8601).
    """

    email: str
    confirmed: str = ""
    complimentary: Mapping[str, Any] | None = None
    paid: Mapping[str, Any] | None = None
    newsletters: tuple[str, ...] = field(default=())
    generation: int = 0
    unsubscribe: str = ""
    customer: str = ""
    consent: str = ""
    feed: str = ""
    feed_since: str = ""

    def to_item(self) -> dict[str, Any]:
        """Return the attributes as an item of a table, all of them."""
        return {
            "email": self.email,
            "confirmed": self.confirmed,
            "complimentary": dict(self.complimentary) if self.complimentary else None,
            "paid": dict(self.paid) if self.paid else None,
            "newsletters": list(self.newsletters),
            "generation": self.generation,
            "unsubscribe": self.unsubscribe,
            "customer": self.customer,
            "consent": self.consent,
            "feed": self.feed,
            "feed_since": self.feed_since,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Membership:
        """Return the membership that `to_item` stored."""
        known = {name: item[name] for name in cls.__slots__ if name in item}
        return cls(**{**known, "newsletters": tuple(item.get("newsletters", ()))})

    def receives(self, newsletter: str) -> bool:
        """Return True if the reader chose a newsletter and confirmed the address."""
        return bool(self.confirmed) and newsletter in self.newsletters

    def entitlement(self, site: Site, now: datetime) -> Entitlement:
        """Return the highest tier that the reader has at `now`. A tier that the site does not have gives nothing."""
        return max(
            (s for s in self._entitlements() if s.tier in site.tiers and not _ended(s.until, now)),
            key=lambda s: (site.rank(s.tier), not s.until, s.until and datetime.fromisoformat(s.until).timestamp()),
            default=Entitlement(PUBLIC, "", ""),
        )

    def _entitlements(self) -> Iterator[Entitlement]:
        if self.confirmed:
            yield Entitlement(SUBSCRIBER, "confirmed", "")
        for source, given in (("complimentary", self.complimentary), ("paid", self.paid)):
            if given:
                yield Entitlement(given["tier"], source, given["until"])


def _ended(until: str, now: datetime) -> bool:
    return bool(until) and datetime.fromisoformat(until) <= now
