"""Settings of a site, and which addresses its pages may contain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from nightdesk.domain.crawlers import Robots

TIER = re.compile(r"[a-z][a-z0-9-]{0,31}")
PUBLIC = "public"
OWN, ANYONE = "own", "any"
WRITERS = (OWN, ANYONE)
"""Over which drafts writers may upload through the editors' API: their own, or any."""

SiteLinks = tuple[tuple[str, str], ...]
"""Label and address of each link."""

LINK_LISTS = ("support", "navigation", "footer", "social", "legal")
"""The settings that are lists of links."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price at the payment provider: how often it is paid (`month`, `year` or `once`), its id there, and how it is shown."""

    interval: str
    id: str
    amount: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier that readers can buy, with its prices."""

    tier: str
    label: str
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed whose entries become updates. Entries of a feed that is not `trusted` wait for an editor."""

    url: str
    topic: str = ""
    trusted: bool = False
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events.

    Attributes:
        events: their names; empty for all that webhooks may be told of.
        secrets: the names of the secrets that sign; the first is the one to use, the others are on their way out.
    """

    url: str
    events: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ("1",)


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What the front page shows besides the newest articles.

    Attributes:
        lead: the slug of the article at its top; empty for none.
        sections: ids of the topics that have sections, in their order.
    """

    lead: str = ""
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Security:
    """Where to report a vulnerability (RFC 9116).

    Attributes:
        contact: addresses (`mailto:`, `https:` or `tel:`), the preferred one first.
        expires: when these details are out of date, ISO 8601 with offset.
        policy: the https address of the rules for reports; empty for none.
    """

    contact: tuple[str, ...]
    expires: str
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """A newsletter that collects what went live since its last edition.

    Attributes:
        time: of day at which it is sent, `hh:mm`, in `zone` (empty for the site's).
        days: of the week on which it is sent, from 0 for Monday; empty for all.
        topics: of which an article must have one; empty for any.
        tiers: whose readers get it; empty for all.
        minimum: with fewer articles there is no edition.
    """

    id: str
    title: str
    time: str
    zone: str = ""
    days: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """The settings. Every attribute has a default, so that a drafts bucket without `site.yaml` works.

    Attributes:
        tiers: in order, the least entitled first; the first is always `public`.
        teaser: for gates without one; if it is empty, the theme's default.
        typography: whether typed quotation marks, dashes and ellipses are shown as they are printed.
        writers: one of `WRITERS`.
        require_approval: kinds of authors (`ai`, `human`) whose articles go live only after an editor's approval.
        support: label and address of each support link.
        navigation: links of the header; None for the theme's.
        footer: the first links of the footer; None for the theme's.
        social: the site's accounts elsewhere.
        legal: the last links of the footer, such as the imprint.
        offers: memberships.
        contributions: prices that are paid once and give no access.
        robots: for `/robots.txt`.
        security: for `/.well-known/security.txt`; None if there is no such file.
        newsletters: digests, in addition to the newsletter that every site has.
        postal_address: of the newsroom, for the foot of every newsletter; without one none is sent.
        resend_unsure: whether a copy of a newsletter is sent once more if the answer of the mail provider was lost.
        count_clicks: whether links in newsletters lead over the site, which counts them.
        warm_up: the first day (ISO 8601) of a sender that is new to mail providers; empty for none.
        webhooks: addresses that are told of events.
        indexnow: whether search engines are told of articles that changed.
        websub: the address of the hub that is told of feeds that changed; empty for none.
        llms: whether there is a `/llms.txt`.
        embeds: the providers whose players readers may load on pages (`embeds.PROVIDERS`).
        can_sign_in: whether readers can sign in. The stack knows this, not `site.yaml` (see `load_site`).
    """

    name: str = "Nightdesk"
    tagline: str = ""
    base_url: str = ""
    language: str = "en"
    timezone: str = "UTC"
    tiers: tuple[str, ...] = (PUBLIC, "subscriber", "member")
    teaser: str = ""
    require_profiles: bool = False
    social_cards: bool = True
    typography: bool = True
    require_approval: tuple[str, ...] = ()
    writers: str = OWN
    support: SiteLinks = ()
    navigation: SiteLinks | None = None
    footer: SiteLinks | None = None
    social: SiteLinks = ()
    legal: SiteLinks = ()
    front: FrontSettings = FrontSettings()
    feeds: tuple[Feed, ...] = ()
    offers: tuple[Offer, ...] = ()
    contributions: tuple[Price, ...] = ()
    robots: Robots = field(default_factory=Robots)
    security: Security | None = None
    newsletters: tuple[Digest, ...] = ()
    postal_address: str = ""
    resend_unsure: bool = False
    count_clicks: bool = False
    warm_up: str = ""
    webhooks: tuple[Webhook, ...] = ()
    indexnow: bool = False
    websub: str = ""
    llms: bool = False
    embeds: tuple[str, ...] = ()
    can_sign_in: bool = True

    def rank(self, tier: str) -> int:
        """Return a tier's place in the order. An unknown tier ranks above every reader, so what it protects stays hidden."""
        return self.tiers.index(tier) if tier in self.tiers else len(self.tiers)

    def tier_of(self, price: str) -> str:
        """Return the tier that a price is for; empty for an unknown price."""
        return next((offer.tier for offer in self.offers for known in offer.prices if known.id == price), "")

    def pays_already(self, tier: str) -> bool:
        """Return True if a tier is at least one that the site sells; without offers, if it is the highest."""
        sold = [self.rank(offer.tier) for offer in self.offers]
        return self.rank(tier) >= min(sold, default=len(self.tiers) - 1)

    @property
    def zone(self) -> tzinfo:
        """The time zone of dates without an offset."""
        return ZoneInfo(self.timezone)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> Site:
        """Return the settings that `to_json` stored; None gives the defaults."""
        if not data:
            return cls()
        known = {**data, "tiers": tuple(data["tiers"])}
        known |= {name: _links(data[name]) for name in LINK_LISTS if data.get(name) is not None}
        known["embeds"] = tuple(data.get("embeds", ()))
        known["require_approval"] = tuple(data.get("require_approval", ()))
        known["feeds"] = tuple(Feed(**feed) for feed in data.get("feeds", ()))
        offers = data.get("offers", ())
        known["offers"] = tuple(Offer(**{**offer, "prices": _prices(offer["prices"])}) for offer in offers)
        known["contributions"] = _prices(data.get("contributions", ()))
        known["newsletters"] = tuple(map(_digest, data.get("newsletters", ())))
        hooks = data.get("webhooks", ())
        known["webhooks"] = tuple(Webhook(h["url"], tuple(h["events"]), tuple(h["secrets"])) for h in hooks)
        front = data.get("front") or {}
        known["front"] = FrontSettings(**{**front, "sections": tuple(front.get("sections", ()))})
        robots, security = data.get("robots") or {}, data.get("security")
        known["robots"] = Robots(**{name: tuple(values) for name, values in robots.items()})
        known["security"] = Security(**{**security, "contact": tuple(security["contact"])}) if security else None
        return cls(**known)


def _links(data: Iterable[Iterable[str]]) -> SiteLinks:
    return tuple((label, url) for label, url in data)


def _digest(data: dict[str, Any]) -> Digest:
    lists = {name: tuple(data[name]) for name in ("days", "topics", "tiers")}
    return Digest(**{**data, **lists})


def _prices(data: Iterable[dict[str, str]]) -> tuple[Price, ...]:
    return tuple(Price(**price) for price in data)


def is_return_path(text: str) -> bool:
    """Return True if a reader may be redirected to an address: a page of this site, with or without an anchor.

    The edge has the same rule for paths (`functions/edge/viewer_request.js`).
    """
    path = text.partition("#")[0]
    return (
        bool(re.fullmatch(r"/[a-z0-9._/-]{0,1023}(?:#[a-z0-9-]{1,64})?", text))
        and "//" not in path
        and not re.search(r"/\.\.?(?:/|$)", path)
    )


def is_link(url: str) -> bool:
    """Return True if pages may contain an address: https, http, mailto, or a path on this site.

    All that RFC 3986 allows in an address is allowed here, such as the apostrophe in /wiki/Rubik's_Cube.
    """
    return bool(re.fullmatch(r"(?:https?://|mailto:)[^\s\"<>\\]+|/(?![/\\])[^\s\"<>\\]*", url))


def web_address(typed: str) -> str:
    """Return an address in its usual form: the scheme in lower case, and https where only the host was typed.

    >>> web_address("HTTPS://news.example/a"), web_address("//news.example/a")
    ('https://news.example/a', 'https://news.example/a')
    """
    if typed.startswith("//") and not typed.startswith("///"):
        return f"https:{typed}"
    scheme, colon, rest = typed.partition(":")
    return f"{scheme.lower()}:{rest}" if colon and scheme.lower() in ("http", "https", "mailto", "tel") else typed
