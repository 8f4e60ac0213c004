"""Reading `site.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .addresses import host_of, is_loopback_address, is_public_link
from .errors import Problem, Rejected
from .frontmatter import Node, Reader, decode, parse_yaml
from .site import PUBLIC, TIER, Feed, Offer, Price, Site, is_link
from .text import SLUG, name_of_id

_FEEDS = 50
_PRICE_ID = re.compile(r"price_[A-Za-z0-9_]{1,250}")
_RECURRING = ("month", "year")


def parse_site(raw: bytes) -> tuple[Site, tuple[Problem, ...]]:
    """Settings from the bytes of `site.yaml`, and warnings of unknown keys.

    Raises:
        Rejected: it does not parse or a value will not do.
    """
    problems: list[Problem] = []
    keys = Reader(parse_yaml(decode(raw)), problems)
    default = Site()
    zone = keys.text("timezone", "timeZone") or default.timezone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        found = keys.find("timezone", "timeZone")
        problems.append(
            Problem(found[1].line if found else 0, "timezone", f"“{zone}” is no time zone such as Europe/Oslo")
        )
    tiers = []
    for name, node in keys.texts("tiers"):
        if not TIER.fullmatch(name):
            keys.problem(node, "tiers", f"“{name}” must be lower-case letters, digits and hyphens")
        elif name in tiers:
            keys.problem(node, "tiers", f"“{name}” stands twice")
        tiers.append(name)
    if tiers and tiers[0] != PUBLIC:
        tiers.insert(0, PUBLIC)
    base = keys.find("base_url", "baseURL", "url")
    if base and not re.fullmatch(r"https?://[^\s/]+/?", str(base[1].value)):
        keys.problem(base[1], base[0], "must be the site's address, such as https://news.example")
    kinds = keys.texts("require_approval")
    for kind, node in kinds:
        if kind not in ("ai", "human"):
            keys.problem(node, "require_approval", f"“{kind}” is no kind of author; there are ai and human")
    support = []
    for entry, node in keys.mappings("support"):
        label, url = entry.text("label", "title"), entry.text("url", "href")
        if not label or not is_link(url):
            entry.problem(node, "url", "each support link needs a label, and an https address or a path on this site")
        support.append((label, url))
    known = tuple(tiers) or default.tiers
    offers = tuple(_offer(entry, node, known) for entry, node in keys.mappings("memberships"))
    contributions = tuple(_price("once", entry, node) for entry, node in keys.mappings("contributions"))
    sold = [price.id for offer in offers for price in offer.prices] + [price.id for price in contributions]
    found = keys.find("memberships", "contributions")
    if found and len(set(sold)) < len(sold):
        keys.problem(found[1], found[0], "a price stands twice")
    site = Site(
        name=keys.text("name", "title") or default.name,
        tagline=keys.text("tagline", "description"),
        base_url=keys.text("base_url", "baseURL", "url").rstrip("/"),
        language=keys.text("language", "languageCode") or default.language,
        timezone=zone,
        tiers=known,
        teaser=keys.text("teaser") or default.teaser,
        require_profiles=keys.flag("require_profiles"),
        require_approval=tuple(dict.fromkeys(kind for kind, _ in kinds)),
        support=tuple(support),
        feeds=_feeds(keys),
        offers=offers,
        contributions=contributions,
    )
    warnings = [Problem(node.line, key, "is not a setting that is known here") for key, node in keys.unread().items()]
    if problems:
        raise Rejected(*problems)
    return site, tuple(warnings)


def _feeds(keys: Reader) -> tuple[Feed, ...]:
    feeds: dict[str, Feed] = {}
    for entry, node in keys.mappings("feeds"):
        url, topic, weight = entry.text("url"), entry.text("topic"), entry.text("weight") or "0"
        # One on this machine is for the local cloud and its tests: whoever reads feeds refuses it anywhere else.
        if not is_public_link(url) and not is_loopback_address(host_of(url)):
            entry.problem(node, "url", "each feed needs an https address")
        if url in feeds:
            entry.problem(node, "url", f"“{url[:80]}” stands twice")
        if topic and not SLUG.fullmatch(topic):
            entry.problem(node, "topic", f"“{topic[:60]}” is no topic's id: lower-case letters, digits, hyphens")
        if not re.fullmatch("[0-9]", weight):
            entry.problem(node, "weight", "must be a whole number from 0 to 9")
            weight = "0"
        feeds[url] = Feed(url, topic, entry.flag("trusted"), int(weight))
    if len(feeds) > _FEEDS:
        found = keys.find("feeds")
        keys.problems.append(Problem(found[1].line if found else 0, "feeds", f"{_FEEDS} feeds are the most"))
    return tuple(feeds.values())


def _offer(entry: Reader, node: Node, tiers: Sequence[str]) -> Offer:
    tier = entry.text("tier")
    if tier not in tiers[1:]:
        entry.problem(node, "tier", f"“{tier}” is no tier that can be paid for; there are {', '.join(tiers[1:])}")
    prices = [_price(each, *found) for each in _RECURRING for found in entry.mappings(each)]
    if not prices:
        entry.problem(
            node, "month", "each membership needs the price of a month or a year: “month: {price: …, amount: …}”"
        )
    return Offer(tier, entry.text("label", limit=80) or name_of_id(tier), tuple(prices))


def _price(interval: str, entry: Reader, node: Node) -> Price:
    price, amount = entry.text("price"), entry.text("amount", limit=40)
    if not _PRICE_ID.fullmatch(price):
        entry.problem(node, "price", f"“{price}” is not the id of a price, which begins with price_")
    if not amount:
        entry.problem(node, "amount", "each price needs its amount as readers see it, such as €8")
    return Price(interval, price, amount)
