"""A site's settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

TIER = re.compile(r"[a-z][a-z0-9-]{0,31}")
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Price:
    """A price at the payment provider: how often it is paid (`month`, `year` or `once`), its id there, and how it is shown."""

    interval: str
    id: str
    amount: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier that can be paid for, and by which prices."""

    tier: str
    label: str
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that the ticker watches. What comes from one that is not `trusted` waits for an editor."""

    url: str
    topic: str = ""
    trusted: bool = False
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """What a newsroom says of its site. Every field has a default, so that a bucket without `site.yaml` works.

    `tiers` is ordered, the least entitled first, which is always `public`. `require_approval` names the kinds of authors
    (`ai`, `human`) whose articles go live only when an editor has approved them. `contributions` are paid once, and open
    nothing.
    """

    name: str = "Nightdesk"
    tagline: str = ""
    base_url: str = ""
    language: str = "en"
    timezone: str = "UTC"
    tiers: tuple[str, ...] = (PUBLIC, "subscriber", "member")
    teaser: str = "The rest of this passage is for {tier}s."
    require_profiles: bool = False
    require_approval: tuple[str, ...] = ()
    support: tuple[tuple[str, str], ...] = field(default=())
    feeds: tuple[Feed, ...] = ()
    offers: tuple[Offer, ...] = ()
    contributions: tuple[Price, ...] = ()

    def rank(self, tier: str) -> int:
        """A tier's place in the order; one that the site does not know outranks every reader, so it stays shut."""
        return self.tiers.index(tier) if tier in self.tiers else len(self.tiers)

    def tier_of(self, price: str) -> str:
        """The tier that a price is for; empty for none of ours."""
        return next((offer.tier for offer in self.offers for known in offer.prices if known.id == price), "")

    @property
    def zone(self) -> tzinfo:
        """The zone that a date without an offset is meant in."""
        return ZoneInfo(self.timezone)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> Site:
        """From JSON values; None gives the defaults."""
        if not data:
            return cls()
        known = {**data, "tiers": tuple(data["tiers"]), "support": tuple((a, b) for a, b in data["support"])}
        known["require_approval"] = tuple(data.get("require_approval", ()))
        known["feeds"] = tuple(Feed(**feed) for feed in data.get("feeds", ()))
        offers = data.get("offers", ())
        known["offers"] = tuple(Offer(**{**offer, "prices": _prices(offer["prices"])}) for offer in offers)
        known["contributions"] = _prices(data.get("contributions", ()))
        return cls(**known)


def _prices(data: Iterable[dict[str, str]]) -> tuple[Price, ...]:
    return tuple(Price(**price) for price in data)


def is_return_path(text: str) -> bool:
    """Whether a reader may be sent on to this address: a page of this site, perhaps with an anchor, and no other site's.

    The edge has the same rule for paths (`functions/edge/viewer_request.js`).
    """
    path = text.partition("#")[0]
    return (
        bool(re.fullmatch(r"/[a-z0-9._/-]{0,1023}(?:#[a-z0-9-]{1,64})?", text))
        and "//" not in path
        and not re.search(r"/\.\.?(?:/|$)", path)
    )


def is_link(url: str) -> bool:
    """Whether an address may stand in a page: https, http, mailto, or a path on this site."""
    return bool(re.fullmatch(r"(?:https?://|mailto:)[^\s\"'<>\\]+|/(?![/\\])[^\s\"'<>\\]*", url))
