"""The settings file, `site.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightdesk.domain.addresses import is_public_or_loopback
from nightdesk.domain.crawlers import AI_CRAWLERS, Robots
from nightdesk.domain.embeds import PROVIDERS
from nightdesk.domain.errors import only_rejects
from nightdesk.domain.frontmatter import decode, parse_yaml
from nightdesk.domain.keys import Key, KeyReader, Value, raise_rejections
from nightdesk.domain.languages import INTERFACE_LANGUAGES, best_match, language_tag
from nightdesk.domain.newsletter_settings import NEWSLETTERS_FORM, read_digests
from nightdesk.domain.notice_settings import WEBHOOKS_FORM, read_hub, read_llms, read_webhooks
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem, ProblemKind
from nightdesk.domain.site import (
    PUBLIC,
    TIER,
    WRITERS,
    Feed,
    FrontSettings,
    Offer,
    Price,
    Security,
    Site,
    SiteLinks,
    is_link,
    web_address,
)
from nightdesk.domain.text import SLUG, display_name
from nightdesk.domain.typography import Typography

Settings = dict[str, Any]
"""The settings that stand before a key in the table, by attribute."""

_DEFAULT = Site()
_MAX_FEEDS = 50
_MAX_WEIGHT = 9
_MAX_LINKS, _MAX_LABEL = 24, 80
_MAX_SECTIONS = 8
_AUTHOR_KINDS = ("ai", "human")
_PRICE_ID = re.compile(r"price_[A-Za-z0-9_]{1,250}")
_INTERVALS = ("month", "year")


@only_rejects
def parse_site(
    raw: bytes, languages: Sequence[str] = INTERFACE_LANGUAGES
) -> tuple[Site, tuple[Problem, ...]]:  # fmt: skip
    """Parse the bytes of `site.yaml` into settings and warnings.

    Args:
        languages: those in which the theme speaks to readers.

    Raises:
        Rejected: with all of the file's problems.
    """
    problems = ProblemList()
    keys = KeyReader(parse_yaml(decode(raw)), problems)
    settings: Settings = {}
    for key in SITE_KEYS:
        settings |= keys.values([key], settings)
    prices = [price.id for offer in settings["offers"] for price in offer.prices]
    prices += [price.id for price in settings["contributions"]]
    if len(set(prices)) < len(prices):
        keys.value("memberships", "contributions").report(Kind.PRICE_REPEATED)
    if settings["language"] and not best_match(settings["language"], languages):
        value = keys.value("language", "languageCode")
        value.report(Kind.LANGUAGE_UNSPOKEN, typed=settings["language"], languages=", ".join(languages))
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    raise_rejections(problems)
    if settings["typography"]:
        settings["teaser"] = Typography(settings["language"]).plain(settings["teaser"])
    return Site(**settings), tuple(problems.warnings)


def _name(value: Value, _: Settings) -> str:
    return value.text() or _DEFAULT.name


def _text(value: Value, _: Settings) -> str:
    return value.text()


def _flag(value: Value, _: Settings) -> bool:
    return value.flag()


def _flag_or_true(value: Value, _: Settings) -> bool:
    return value.flag() if value else True


def _base_url(value: Value, _: Settings) -> str:
    url = value.text()
    if value and not re.fullmatch(r"https?://[^\s/]+/?", url):
        value.report(Kind.BASE_URL)
    return url.rstrip("/")


def _language(value: Value, _: Settings) -> str:
    typed = value.text() or _DEFAULT.language
    if not language_tag(typed):
        value.report(Kind.LANGUAGE_CODE, typed=typed)
    return language_tag(typed)


def _time_zone(value: Value, _: Settings) -> str:
    name = value.text() or _DEFAULT.timezone
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        value.report(Kind.TIME_ZONE, typed=name)
        return _DEFAULT.timezone  # for the keys that are read with it
    return name


def _tiers(value: Value, _: Settings) -> tuple[str, ...]:
    tiers: list[str] = []
    for name, node in value.texts():
        if not TIER.fullmatch(name):
            value.report(Kind.TIER_NAME, node, typed=name)
        elif name in tiers:
            value.report(Kind.TIER_REPEATED, node, typed=name)
        tiers.append(name)
    if PUBLIC in tiers[1:]:
        value.report(Kind.TIER_ORDER, typed=PUBLIC)
    elif tiers and tiers[0] != PUBLIC:
        tiers.insert(0, PUBLIC)
    return tuple(tiers) or _DEFAULT.tiers


def _embeds(value: Value, _: Settings) -> tuple[str, ...]:
    listed = []
    for name, node in value.texts():
        if name.lower() not in PROVIDERS:
            value.report(Kind.EMBED_UNKNOWN, node, typed=name, known=", ".join(PROVIDERS))
        else:
            listed.append(name.lower())
    return tuple(dict.fromkeys(listed))


def _teaser(value: Value, _: Settings) -> str:
    return value.text() or _DEFAULT.teaser


def _require_approval(value: Value, _: Settings) -> tuple[str, ...]:
    kinds = value.texts()
    for kind, node in kinds:
        if kind not in _AUTHOR_KINDS:
            value.report(Kind.APPROVAL_KIND, node, typed=kind)
    return tuple(dict.fromkeys(kind for kind, _ in kinds))


def _writers(value: Value, _: Settings) -> str:
    typed = value.text() or _DEFAULT.writers
    if typed not in WRITERS:
        value.report(Kind.WRITERS, typed=typed)
    return typed


def _support(value: Value, _: Settings) -> SiteLinks:
    return _links(value, Kind.SUPPORT_LINK, is_link)


def _menu(value: Value, _: Settings) -> SiteLinks:
    return _links(value, Kind.MENU_LINK, lambda url: is_link(url) and not url.startswith("http:"))


def _menu_or_default(value: Value, settings: Settings) -> SiteLinks | None:
    return _menu(value, settings) if value else None


def _social(value: Value, _: Settings) -> SiteLinks:
    return _links(value, Kind.SOCIAL_LINK, lambda url: is_link(url) and url.startswith("https:"))


def _links(value: Value, kind: ProblemKind, is_allowed: Callable[[str], bool]) -> SiteLinks:
    links = []
    for keys in value.mappings():
        label = keys.value("label", "title").text(limit=_MAX_LABEL)
        url = web_address(keys.value("url", "href").text())
        if not label or not is_allowed(url):
            keys.report(kind, "url")
        keys.report_unknown(Kind.UNKNOWN_SETTING)
        links.append((label, url))
    value.check_count(links, _MAX_LINKS)
    return tuple(links)


def _front(value: Value, _: Settings) -> FrontSettings:
    lead, sections = "", dict[str, None]()
    for keys in value.mappings():
        lead = keys.value("lead").word()
        if lead and not SLUG.fullmatch(lead):
            keys.value("lead").report(Kind.FRONT_LEAD, typed=lead)
        topics = keys.value("sections")
        for topic, node in topics.texts(commas=True):
            if not SLUG.fullmatch(topic):
                topics.report(Kind.TOPIC_ID, node, typed=topic)
            sections[topic] = None
        topics.check_count(sections, _MAX_SECTIONS)
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    return FrontSettings(lead, tuple(sections))


def _feeds(value: Value, _: Settings) -> tuple[Feed, ...]:
    feeds: dict[str, Feed] = {}
    for keys in value.mappings():
        url, topic, weight = keys.value("url").text(), keys.value("topic").text(), keys.value("weight").text() or "0"
        if not is_public_or_loopback(url):
            keys.report(Kind.FEED_URL, "url")
        if url in feeds:
            keys.report(Kind.FEED_REPEATED, "url", typed=url)
        if topic and not SLUG.fullmatch(topic):
            keys.report(Kind.TOPIC_ID, "topic", typed=topic)
        if not re.fullmatch(f"[0-{_MAX_WEIGHT}]", weight):
            keys.report(Kind.WEIGHT, "weight")
            weight = "0"
        feeds[url] = Feed(url, topic, keys.value("trusted").flag(), int(weight))
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    value.check_count(feeds, _MAX_FEEDS)
    return tuple(feeds.values())


def _offers(value: Value, settings: Settings) -> tuple[Offer, ...]:
    return tuple(_offer(keys, settings["tiers"][1:]) for keys in value.mappings())


def _offer(keys: KeyReader, tiers: tuple[str, ...]) -> Offer:
    tier = keys.value("tier").text()
    if tier not in tiers:
        keys.report(Kind.PAID_TIER, "tier", typed=tier, tiers=", ".join(tiers))
    prices = [_price(interval, price) for interval in _INTERVALS for price in keys.value(interval).mappings()]
    if not prices:
        keys.report(Kind.PRICE_MISSING, "month")
    label = keys.value("label").text(limit=80) or display_name(tier)
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    return Offer(tier, label, tuple(prices))


def _contributions(value: Value, _: Settings) -> tuple[Price, ...]:
    return tuple(_price("once", keys) for keys in value.mappings())


def _price(interval: str, keys: KeyReader) -> Price:
    price, amount = keys.value("price").text(), keys.value("amount").text(limit=40)
    if not _PRICE_ID.fullmatch(price):
        keys.report(Kind.PRICE_ID, "price", typed=price)
    if not amount:
        keys.report(Kind.AMOUNT_MISSING, "amount")
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    return Price(interval, price, amount)


def _robots(value: Value, _: Settings) -> Robots:
    disallow: list[str] = []
    block: list[str] = []
    for keys in value.mappings():
        for path, node in keys.value("disallow").texts():
            if not re.fullmatch(r"/[^\s#]*", path):
                keys.value("disallow").report(Kind.ROBOTS_PATH, node, typed=path)
            disallow.append(path)
        for name, node in keys.value("block").texts():
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
                keys.value("block").report(Kind.CRAWLER_NAME, node, typed=name)
            block.append(name)
        for purpose, names in AI_CRAWLERS.items():
            allowed = keys.value(purpose)
            if allowed and not allowed.flag():
                block += names
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    return Robots(tuple(dict.fromkeys(disallow)), tuple(dict.fromkeys(block)))


def _security(value: Value, settings: Settings) -> Security | None:
    found = None
    for keys in value.mappings():
        contact = [text for text, _ in keys.value("contact").texts()]
        policy = keys.value("policy").text()
        expires = keys.value("expires").timestamp(ZoneInfo("UTC"))
        if not contact or not all(re.fullmatch(r"(?:mailto:|https://|tel:)[^\s<>]+", text) for text in contact):
            keys.report(Kind.SECURITY_CONTACT, "contact")
        if not expires:
            keys.report(Kind.SECURITY_EXPIRES, "expires")
        if policy and not re.fullmatch(r"https://[^\s<>]+", policy):
            keys.report(Kind.SECURITY_POLICY, "policy")
        keys.report_unknown(Kind.UNKNOWN_SETTING)
        found = Security(tuple(contact), expires, policy)
    return found


SITE_KEYS: tuple[Key[Settings], ...] = (
    Key("name", f"text; default: {_DEFAULT.name}", _name, ("title",)),
    Key("tagline", "text", _text, ("description",)),
    Key("base_url", "the address of the site, such as `https://news.example`", _base_url, ("baseURL", "url")),
    Key(
        "language",
        f"language code, of the articles and of all words around them; default: `{_DEFAULT.language}`",
        _language,
        ("languageCode",),
    ),
    Key("timezone", f"time zone, such as `Europe/Oslo`; default: `{_DEFAULT.timezone}`", _time_zone, ("timeZone",)),
    Key("tiers", f"list, the least entitled first; default: `{list(_DEFAULT.tiers)}`".replace("'", ""), _tiers),
    Key(
        "teaser",
        "what a gate without a teaser says; `{tier}` stands for its tier; default: the one of the theme",
        _teaser,
    ),
    Key(
        "embeds",
        f"list of providers whose players readers may load on pages: `{'`, `'.join(PROVIDERS)}`",
        _embeds,
    ),
    Key("require_profiles", "`true`: reject a draft whose authors and topics have no profile", _flag),
    Key("social_cards", "`false`: draw no social cards; a shared link shows the lead image as it is", _flag_or_true),
    Key(
        "typography",
        "`false`: show quotation marks, dashes and ellipses as they are typed, in place of those of the text's language",
        _flag_or_true,
    ),
    Key(
        "require_approval",
        "`[ai]`, `[human]` or both: kinds of authors whose articles an editor must approve; with either, also all that writers upload",
        _require_approval,
    ),
    Key(
        "writers",
        "`own`: a writer uploads over drafts of their own only; `any`: over those of others too; default: `own`",
        _writers,
    ),
    Key("support", "list of `{label, url}`", _support),
    Key(
        "navigation",
        f"list of `{{label, url}}`, at most {_MAX_LINKS}: the links of the header, in place of the usual ones",
        _menu_or_default,
    ),
    Key(
        "footer",
        f"list of `{{label, url}}`, at most {_MAX_LINKS}: the links of the footer, in place of the usual ones",
        _menu_or_default,
    ),
    Key("social", f"list of `{{label, url}}`, at most {_MAX_LINKS}: the accounts of the newsroom elsewhere", _social),
    Key(
        "legal",
        f"list of `{{label, url}}`, at most {_MAX_LINKS}: the last links of the footer, such as the imprint",
        _menu,
    ),
    Key(
        "front",
        f"`{{lead, sections}}`: the slug of the article at the top of the front page, and ids of topics that have sections there, at most {_MAX_SECTIONS}",
        _front,
    ),
    Key("feeds", f"list of `{{url, topic, trusted, weight}}`, at most {_MAX_FEEDS}", _feeds),
    Key("memberships", "list of `{tier, label, month, year}`; a price is `{price, amount}`", _offers, (), (), "offers"),
    Key("contributions", "list of `{price, amount}`", _contributions),
    Key(
        "robots",
        "`{disallow, block, ai_training, ai_search, ai_fetch}` for `/robots.txt`: paths that no crawler should fetch, names of crawlers, "
        "and with `false` all that train models, that find sources for answers, or that fetch a page for a user",
        _robots,
    ),
    Key("newsletters", NEWSLETTERS_FORM, lambda value, settings: read_digests(value, settings["tiers"])),
    Key("postal_address", "of the newsroom, for the foot of every newsletter; without it none is sent", _text),
    Key(
        "resend_unsure",
        "`true`: send a copy of a newsletter again if the mail provider’s answer was lost; default: rather none than two",
        _flag,
    ),
    Key(
        "count_clicks",
        "`true`: links in newsletters lead over the site, which counts how often each is followed, and by nobody in particular; default: they are not counted",
        _flag,
    ),
    Key(
        "warm_up",
        "the day of the first newsletter of a new sender: 200 copies on that day, twice as many each day after, for two weeks",
        lambda value, settings: value.timestamp(ZoneInfo(settings["timezone"]))[:10],
    ),
    Key("webhooks", WEBHOOKS_FORM, lambda value, _: read_webhooks(value)),
    Key("indexnow", "`true`: tell search engines that take part in IndexNow of each article that changed", _flag),
    Key(
        "websub",
        "the address of a WebSub hub, such as `https://pubsubhubbub.appspot.com/`, that is told of feeds that changed",
        lambda value, _: read_hub(value),
    ),
    Key(
        "llms",
        "`true`: have an `/llms.txt` with the sections, the standing pages and the newest articles",
        lambda value, settings: read_llms(value, settings["robots"]),
    ),
    Key("security", "`{contact, expires, policy}` for `/.well-known/security.txt`", _security),
)
"""Every setting; a later one may depend on an earlier one."""
