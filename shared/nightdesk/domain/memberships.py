"""Who may read what: a reader's address, and the tier that it has, by what, and until when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from .errors import Permanent
from .site import PUBLIC, Site

SESSION_SECONDS = 3600
"""A session cookie's life; a lapsed membership shows within it."""

SUBSCRIBER = "subscriber"
"""The tier of whoever has confirmed an address, on a site that has such a tier."""

NEWSLETTERS = ("newsletter",)
"""What a reader can choose to be sent."""

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f\"(),:;<>\[\\\]]{1,64}@[^@\s\x00-\x1f]{1,255}")


def normalise(address: str) -> str:
    """An e-mail address in the one form under which a reader is known: lower case, its domain in ASCII (IDNA).

    Raises:
        Permanent: it is no address.
    """
    text = address.strip()
    if not _ADDRESS.fullmatch(text):
        raise Permanent("that is not an e-mail address")
    local, _, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise Permanent("that is not an e-mail address") from None
    if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", ascii_domain):
        raise Permanent("that is not an e-mail address")
    return f"{local.lower()}@{ascii_domain}"


def member_id(address: str) -> str:
    """The id of the reader with a normalised address; it can stand in tokens and logs, where an address may not."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


class Standing(NamedTuple):
    """What a reader is now: a tier, what gives it (`complimentary`, `paid`, `confirmed` or nothing), and the ISO moment at
    which that may end (empty: never)."""

    tier: str
    source: str
    until: str


@dataclass(frozen=True, slots=True)
class Membership:
    """What is known of a reader.

    A complimentary tier and a paid one stand side by side, so that the end of either takes nothing from the other.

    Attributes:
        confirmed: the ISO moment of the first click that confirmed the address; empty before it.
        complimentary: `{"tier", "until"}`, where `until` is an ISO moment or empty; None without.
        paid: what is paid for, as `payments.paid_by` makes it of what the provider says; None without.
        customer: the id by which the payment provider knows the reader; empty for who has never been on the way to pay.
        newsletters: those of `NEWSLETTERS` that the reader wants; see `gets`.
        generation: how often the reader has signed out everywhere; a session of an earlier one has ended.
        unsubscribe: the secret of the links that end newsletters; empty before the address is confirmed.
    """

    email: str
    confirmed: str = ""
    complimentary: Mapping[str, Any] | None = None
    paid: Mapping[str, Any] | None = None
    newsletters: tuple[str, ...] = field(default=())
    generation: int = 0
    unsubscribe: str = ""
    customer: str = ""

    def to_item(self) -> dict[str, Any]:
        """As a table's item, always with the same attributes."""
        return {
            "email": self.email,
            "confirmed": self.confirmed,
            "complimentary": dict(self.complimentary) if self.complimentary else None,
            "paid": dict(self.paid) if self.paid else None,
            "newsletters": list(self.newsletters),
            "generation": self.generation,
            "unsubscribe": self.unsubscribe,
            "customer": self.customer,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Membership:
        """From a table's item."""
        known = {name: item[name] for name in cls.__slots__ if name in item}
        return cls(**{**known, "newsletters": tuple(item.get("newsletters", ()))})

    def gets(self, newsletter: str) -> bool:
        """Whether a newsletter may be sent: it is wanted, and the address was confirmed by whoever reads its mail."""
        return bool(self.confirmed) and newsletter in self.newsletters

    def standing(self, site: Site, now: datetime) -> Standing:
        """The highest tier that this gives at `now`. One that the site does not have gives nothing."""
        return max(
            (s for s in self._standings() if s.tier in site.tiers and not _ended(s.until, now)),
            key=lambda s: (site.rank(s.tier), not s.until, s.until and datetime.fromisoformat(s.until).timestamp()),
            default=Standing(PUBLIC, "", ""),
        )

    def _standings(self) -> Iterator[Standing]:
        if self.confirmed:
            yield Standing(SUBSCRIBER, "confirmed", "")
        for source, given in (("complimentary", self.complimentary), ("paid", self.paid)):
            if given:
                yield Standing(given["tier"], source, given["until"])


def _ended(until: str, now: datetime) -> bool:
    return bool(until) and datetime.fromisoformat(until) <= now
