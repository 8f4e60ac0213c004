"""A site's settings, from `site.yaml`."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import Problem, Rejected
from .frontmatter import Reader, decode, parse_yaml

TIER = re.compile(r"[a-z][a-z0-9-]{0,31}")
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Site:
    """What a newsroom says of its site. Every field has a default, so that a bucket without `site.yaml` works.

    `tiers` is ordered, the least entitled first, which is always `public`.
    """

    name: str = "Nightdesk"
    tagline: str = ""
    base_url: str = ""
    language: str = "en"
    timezone: str = "UTC"
    tiers: tuple[str, ...] = (PUBLIC, "subscriber", "member")
    teaser: str = "The rest of this passage is for {tier}s."
    require_profiles: bool = False
    support: tuple[tuple[str, str], ...] = field(default=())

    def rank(self, tier: str) -> int:
        """A tier's place in the order; one that the site does not know outranks every reader, so it stays shut."""
        return self.tiers.index(tier) if tier in self.tiers else len(self.tiers)

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
        return cls(**known)


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
    support = []
    for entry, node in keys.mappings("support"):
        label, url = entry.text("label", "title"), entry.text("url", "href")
        if not label or not is_link(url):
            entry.problem(node, "url", "each support link needs a label, and an https address or a path on this site")
        support.append((label, url))
    keys.find("feeds")
    site = Site(
        name=keys.text("name", "title") or default.name,
        tagline=keys.text("tagline", "description"),
        base_url=keys.text("base_url", "baseURL", "url").rstrip("/"),
        language=keys.text("language", "languageCode") or default.language,
        timezone=zone,
        tiers=tuple(tiers) or default.tiers,
        teaser=keys.text("teaser") or default.teaser,
        require_profiles=keys.flag("require_profiles"),
        support=tuple(support),
    )
    warnings = [Problem(node.line, key, "is not a setting that is known here") for key, node in keys.unread().items()]
    if problems:
        raise Rejected(*problems)
    return site, tuple(warnings)


def is_link(url: str) -> bool:
    """Whether an address may stand in a page: https, http, mailto, or a path on this site."""
    return bool(re.fullmatch(r"(?:https?://|mailto:)[^\s\"'<>\\]+|/(?![/\\])[^\s\"'<>\\]*", url))
