"""The front-matter keys of a draft."""

from __future__ import annotations

import re
from typing import Any

from nightdesk.domain.draft_dates import (
    DATE_SYNONYMS,
    WAITING,
    is_published_flag,
    read_date,
    read_expires,
    read_lastmod,
    read_pinned_until,
    read_publish_at,
)
from nightdesk.domain.draft_file import DraftFile
from nightdesk.domain.hidden_drafts import hiding_keys
from nightdesk.domain.keys import Key, Value
from nightdesk.domain.languages import language_tag
from nightdesk.domain.old_addresses import OLD_PREFIX, old_address, slug_of_address
from nightdesk.domain.path_owners import owner_of
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import PUBLIC, is_link, web_address
from nightdesk.domain.source_types import SOURCE_TYPES
from nightdesk.domain.text import SLUG, SLUG_LENGTH, slug_of_filename, slugify, spelling

_HERO = ("src", "alt", "caption", "credit", "source_type", "focus")
_SEVERAL_PATHS = re.compile(r"\s*,\s*(?=/|https?://)")
_FOCUS = re.compile(r"(\d{1,2}|100)\s*%?[\s,]+(\d{1,2}|100)\s*%?")
_SOURCE = ("title", "url", "publisher", "date", "note")
# Publishing an article writes an entry to each of its lists and removes the old ones, in one transaction of at most 100
# writes (Amazon DynamoDB Developer Guide, "Managing complex workflows with transactions").
_MAX_AUTHORS, _MAX_TOPICS, _MAX_CORRECTIONS, _MAX_ALIASES = 12, 24, 12, 24
ALIAS_SYNONYMS = ("redirect_from",)
_STATUSES = ("draft", "published", "live", "public", "scheduled")


def _title(value: Value, file: DraftFile) -> str:
    return value.required_text(Kind.TITLE_MISSING, limit=300)


def _text(value: Value, file: DraftFile) -> str:
    return value.text()


def _flag(value: Value, file: DraftFile) -> bool:
    return value.flag()


def _typography(value: Value, file: DraftFile) -> bool:
    return value.flag() if value else file.site.typography


def _tags(value: Value, file: DraftFile) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text, _ in value.texts(commas=True)))


def _draft(value: Value, file: DraftFile) -> bool:
    """Return True if any key, also one of another system, keeps the article from readers."""
    status = file.keys.value("status")
    status.refuse_cut()
    state = status.word().lower()
    if state and state not in _STATUSES:
        status.report(Kind.STATUS_UNKNOWN, typed=state)
    hidden = [each for each in file.keys.typed("published") if is_published_flag(each) and not each.flag()]
    hidden += hiding_keys(file.keys)
    for each in hidden:
        each.report(Kind.KEPT_FROM_READERS)
    return value.flag() or state == "draft" or bool(hidden)


def _slug(value: Value, file: DraftFile) -> str:
    value.refuse_cut()
    typed = value.word()
    if not typed:
        slug = slug_of_filename(file.name)
        if not slug:
            file.keys.report(Kind.SLUG_FROM_FILE_NAME, "slug", typed=file.name)
        return slug
    if len(typed) > SLUG_LENGTH:
        value.report(Kind.SLUG_TOO_LONG, count=len(typed), limit=SLUG_LENGTH)
    elif not SLUG.fullmatch(typed):
        value.report(Kind.SLUG_INVALID, typed=typed, slug=slugify(typed) or "my-article")
    return typed


def _authors(value: Value, file: DraftFile) -> tuple[tuple[str, str], ...]:
    return _ids(value, _MAX_AUTHORS)


def _topics(value: Value, file: DraftFile) -> tuple[tuple[str, str], ...]:
    return _ids(value, _MAX_TOPICS, commas=True)


def _ids(value: Value, limit: int, commas: bool = False) -> tuple[tuple[str, str], ...]:
    """Return each id with the name as typed, or with an empty name where the id itself was typed."""
    names: dict[str, str] = {}
    for text, node in value.texts(commas):
        identifier = slugify(text)
        if not identifier:
            value.report(Kind.ID_WITHOUT_LETTERS, node, typed=text)
            continue
        known = names.setdefault(identifier, text)
        if spelling(known) != spelling(text):
            value.report(Kind.IDS_EQUAL, node, typed=text, other=known, id=identifier)
    value.check_count(names, limit)
    return tuple((identifier, "" if name == identifier else name) for identifier, name in names.items())


def _tier(value: Value, file: DraftFile) -> str:
    value.refuse_cut()
    typed = value.word()
    if typed and typed not in file.site.tiers:
        value.report(Kind.TIER_UNKNOWN, typed=typed, tiers=", ".join(file.site.tiers))
    return typed


def _access(value: Value, file: DraftFile) -> str:
    return _tier(value, file) or PUBLIC


def _sources_access(value: Value, file: DraftFile) -> str:
    # Where readers cannot sign in, no reader could open a link that is locked by default.
    default = file.site.tiers[min(1, len(file.site.tiers) - 1)] if file.site.can_sign_in else PUBLIC
    return _tier(value, file) or default


def _hero(value: Value, file: DraftFile) -> dict[str, str]:
    if value.node is None:
        return {}
    if isinstance(value.node.value, str):
        value.refuse_cut()
        if value.node.value.strip():
            value.report(Kind.HERO_ALT_MISSING)
        return {**dict.fromkeys(_HERO[:-1], ""), "src": value.node.value.strip()}
    if not isinstance(value.node.value, dict):
        value.report(Kind.HERO_FORM)
        return {}
    (keys,) = value.mappings()
    hero = {name: keys.value(name).text() for name in _HERO}
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    hero["source_type"] = hero["source_type"].rsplit("/", 1)[-1]
    if hero["source_type"] and hero["source_type"] not in SOURCE_TYPES:
        keys.value("source_type").report(Kind.SOURCE_TYPE_UNKNOWN, typed=hero["source_type"])
    if hero["focus"]:
        found = _FOCUS.fullmatch(hero["focus"])
        if not found:
            keys.value("focus").report(Kind.FOCUS_FORM, typed=hero["focus"])
        hero["focus"] = f"{int(found[1])}% {int(found[2])}%" if found else ""
    if not hero["focus"]:
        del hero["focus"]
    if not hero["src"]:
        keys.report(Kind.HERO_SRC_MISSING, "src")
    if not hero["alt"]:
        keys.report(Kind.HERO_ALT_MISSING, "alt")
    return hero


def _sources(value: Value, file: DraftFile) -> tuple[dict[str, str], ...]:
    sources = []
    for keys in value.mappings():
        source = {name: keys.value(name).text(limit=1000) for name in _SOURCE}
        if not source["title"] and not source["url"]:
            keys.report(Kind.SOURCE_EMPTY, "title")
        source["url"] = web_address(source["url"])
        if source["url"] and not is_link(source["url"]):
            keys.report(Kind.SOURCE_URL, "url", typed=source["url"])
        keys.report_unknown(Kind.UNKNOWN_SETTING)
        sources.append(source)
    return tuple(sources)


def _production(value: Value, file: DraftFile) -> dict[str, Any]:
    production: dict[str, Any] = {}
    for keys in value.mappings():
        production = {
            "ai_roles": [text for text, _ in keys.value("ai_roles").texts()],
            "reviewed_by": keys.value("reviewed_by").text(),
            "reviewed_at": keys.value("reviewed_at").timestamp(file.site.zone),
            "statement": keys.value("statement").text(),
        }
        if file.is_ahead(production["reviewed_at"]):
            keys.value("reviewed_at").report(Kind.LASTMOD_FUTURE, typed=production["reviewed_at"])
            production["reviewed_at"] = ""
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    value.check_count(list(value.mappings()), 1)
    return production


def _corrections(value: Value, file: DraftFile) -> tuple[dict[str, str], ...]:
    corrections = []
    for keys in value.mappings():
        correction = {
            "date": keys.value("date").timestamp(file.site.zone),
            "text": keys.value("text").text(limit=5000),
        }
        if file.is_ahead(correction["date"]):
            keys.value("date").report(Kind.CORRECTION_FUTURE, typed=correction["date"])
        if not correction["date"] or not correction["text"]:
            keys.report(Kind.CORRECTION_INCOMPLETE, "text")
        keys.report_unknown(Kind.UNKNOWN_SETTING)
        corrections.append(correction)
    value.check_count(corrections, _MAX_CORRECTIONS)
    return tuple(corrections)


def _language(value: Value, _: DraftFile) -> str:
    typed = value.word()
    if typed and not language_tag(typed):
        value.report(Kind.LANGUAGE_CODE, typed=typed)
    return language_tag(typed)


def _translation_of(value: Value, file: DraftFile) -> str:
    value.refuse_cut()
    typed = value.word()
    if not typed:
        return ""
    if not SLUG.fullmatch(typed) or len(typed) > SLUG_LENGTH:
        value.report(Kind.TRANSLATION_OF_INVALID, typed=typed)
        return ""
    if typed == (file.keys.value("slug").word() or slug_of_filename(file.name)):
        value.report(Kind.TRANSLATION_OF_ITSELF)
        return ""
    return typed


def each_path(text: str) -> list[str]:
    """Return the old paths of a list that is typed as one text; a comma within a path stays."""
    return _SEVERAL_PATHS.split(text)


def _aliases(value: Value, file: DraftFile) -> tuple[str, ...]:
    """Return old addresses in their one spelling (`old_address`).

    The old address of an article, `/articles/<slug>/`, is a slug to claim. If it was typed in capitals, requests for that
    spelling are led to the slug.
    """
    aliases: dict[str, None] = {}
    typed_paths = ((path, node) for text, node in value.texts() for path in each_path(text))
    for text, node in typed_paths:
        typed = "/" + text.lstrip("/")
        address = old_address(typed)
        if not address or typed == "/":
            value.report(Kind.ALIAS_INVALID, node, typed=text)
        elif "?" in typed and "~3f" not in address:
            value.report(Kind.ALIAS_UNREACHABLE, node, typed=text)
        elif owner_of(address):
            value.report(Kind.ALIAS_RESERVED, node, typed=text, path=address)
        else:
            aliases[address] = None
            if slug_of_address(address) and typed.rstrip("/") != address.rstrip("/"):
                aliases[OLD_PREFIX + address] = None
    value.check_count(aliases, _MAX_ALIASES)
    return tuple(aliases)


DRAFT_KEYS: tuple[Key[DraftFile], ...] = (
    Key("title", "text; required", _title),
    Key(
        "dek",
        "one or two sentences",
        _text,
        ("deck", "description", "summary", "excerpt", "subtitle"),
        several="warn",
    ),
    Key(
        "language",
        "language code, such as `ar`, of an article in another language than the site's",
        _language,
        ("lang",),
    ),
    Key(
        "translation_of",
        "the slug of the article of which this is a translation; each then links to the others",
        _translation_of,
    ),
    Key("slug", "lower-case letters, digits, hyphens; default: the file name without its date", _slug),
    Key(
        "date",
        "ISO 8601; default: the date at the head of the file name, or else when it was first published. If it is in the future, the article waits until then",
        read_date,
        DATE_SYNONYMS,
        several="read",
    ),
    Key("lastmod", "ISO 8601", read_lastmod, ("updated",), several="read"),
    Key("authors", f"list of ids or names, at most {_MAX_AUTHORS}", _authors, ("author",)),
    Key(
        "topics",
        f"list of ids or names, at most {_MAX_TOPICS}; the first is the primary topic",
        _topics,
        ("topic", "categories"),
    ),
    Key("tags", "list, shown below the article; tags have no pages", _tags),
    Key("draft", "`true`: rendered for preview only", _draft, settings=("status: draft", "published: false")),
    Key(
        "publish_at",
        "ISO 8601: not published before then; `publishDate` beside a `date` is read as this",
        read_publish_at,
        WAITING,
        several="read",
    ),
    Key(
        "expires",
        "ISO 8601: withdrawn then",
        read_expires,
        ("expiryDate", "expirydate", "expires_at", "expiry", "unpublish_at", "unpublishDate"),
    ),
    Key(
        "hero",
        "the file name of an image, or `{src, alt, caption, credit, source_type, focus}`; `source_type` is an IPTC digital source type, `focus` the point that crops keep, such as `30% 40%`",
        _hero,
        ("feature_image", "image"),
        several="warn",
    ),
    Key("access", "tier for the whole article; default: `public`", _access, ("visibility", "tier")),
    Key("sources", "list of `{title, url, publisher, date, note}`", _sources),
    Key(
        "sources_access",
        "tier that opens the links of the sources; default: the second tier, or public where readers cannot sign in",
        _sources_access,
    ),
    Key("production", "`{ai_roles, reviewed_by, reviewed_at, statement}`", _production),
    Key("corrections", f"list of `{{date, text}}`, at most {_MAX_CORRECTIONS}", _corrections),
    Key("featured", "`true`: leads the front page while it is among the newest articles there", _flag),
    Key("pinned_until", "ISO 8601: leads the front page until then", read_pinned_until),
    Key(
        "newsletter",
        "`true`: mailed once to readers of the newsletter, when it goes live, or if it is added within two days after that",
        _flag,
    ),
    Key(
        "typography",
        "`false`: show quotation marks, dashes and ellipses as they are typed; default: the setting of the site",
        _typography,
    ),
    Key("aliases", f"list of old paths that redirect here, at most {_MAX_ALIASES}", _aliases, ALIAS_SYNONYMS),
)
"""Every key; each sets the attribute of `Draft` that has its name."""
