"""A draft: what an author filed, read strictly enough to publish and kindly enough to say what to mend."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .errors import Problem, Rejected
from .frontmatter import Node, Reader, decode, plain, split
from .moments import parse_moment
from .passages import Passage, cut
from .site import PUBLIC, Site, is_link
from .text import SLUG, SLUG_LENGTH, slug_of_filename, slugify

SOURCE_TYPES = frozenset(
    [
        "trainedAlgorithmicMedia",
        "compositeWithTrainedAlgorithmicMedia",
        "algorithmicMedia",
        "algorithmicallyEnhanced",
        "compositeSynthetic",
        "compositeCapture",
        "dataDrivenMedia",
        "digitalArt",
        "digitalCreation",
        "humanEdits",
        "digitalCapture",
        "negativeFilm",
        "positiveFilm",
        "print",
        "virtualRecording",
        "screenCapture",
        "minorHumanEdits",
        "softwareImage",
    ]
)
"""IPTC digital source types (cv.iptc.org/newscodes/digitalsourcetype), retired ones that archives hold among them."""

RESERVED = frozenset(
    [
        "api",
        "archive",
        "articles",
        "assets",
        "authors",
        "feed",
        "newsletter-archive",
        "openapi",
        "preview",
        "search",
        "sitemap",
        "signin",
        "account",
        "topics",
        "updates",
    ]
)
"""First path segments that the site makes itself, so that no standing page may take them."""


class Filed(NamedTuple):
    """What a key in the drafts bucket is: `kind` is draft, author, topic, page, update or site; `name` is its file name's stem."""

    kind: str
    name: str
    folder: str


def classify(key: str) -> Filed | None:
    """What the object at `key` is, or None for a file that is none of ours (an image belongs to the draft in its folder).

    >>> classify("drafts/2026-11-23-a-story/index.md")
    Filed(kind='draft', name='2026-11-23-a-story', folder='drafts/2026-11-23-a-story/')
    """
    if key == "site.yaml":
        return Filed("site", "site", "")
    path = PurePosixPath(key)
    parts = path.parts
    kinds = {"drafts": "draft", "authors": "author", "topics": "topic", "pages": "page", "updates": "update"}
    if len(parts) < 2 or parts[0] not in kinds or path.suffix not in (".md", ".markdown"):
        return None
    kind = kinds[parts[0]]
    if len(parts) == 2:
        folder = f"{parts[0]}/" if kind == "author" else ""
        return Filed(kind, path.stem, folder)
    if kind == "draft" and len(parts) == 3 and path.stem == "index":
        return Filed("draft", parts[1], f"{parts[0]}/{parts[1]}/")
    return None


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as its author meant it. Moments are ISO 8601 with offset; empty text means that nothing was said."""

    slug: str
    title: str
    dek: str = ""
    date: str = ""
    lastmod: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    draft: bool = False
    publish_at: str = ""
    expires: str = ""
    hero: dict[str, str] = field(default_factory=dict)
    access: str = PUBLIC
    sources: tuple[dict[str, str], ...] = ()
    sources_access: str = ""
    production: dict[str, Any] = field(default_factory=dict)
    corrections: tuple[dict[str, str], ...] = ()
    newsletter: bool = False
    aliases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()
    warnings: tuple[Problem, ...] = ()


def parse_draft(raw: bytes, name: str, site: Site, to_html: Callable[[str], str]) -> Draft:
    """A draft from its bytes.

    Args:
        name: the file's name without its ending (or its folder's name), from which the default slug comes.
        site: tiers and zone are read in its light.
        to_html: the Markdown parser (see `domain.passages.cut`).

    Raises:
        Rejected: with all that is wrong, not just the first thing.
    """
    source = split(decode(raw))
    problems: list[Problem] = []
    warnings: list[Problem] = []
    keys = Reader(source.matter, problems)

    title = keys.text("title", limit=300)
    if not title and not problems:
        found = keys.find("title")
        problems.append(Problem(found[1].line if found else 1, "title", "every draft needs a title"))

    zone = site.zone

    def moment(reader: Reader, *names: str) -> str:
        text = reader.text(*names)
        if not text:
            return ""
        try:
            return parse_moment(text, zone).isoformat()
        except ValueError as error:
            name, node = reader.find(*names) or ("", Node(0, None))
            reader.problem(node, name, str(error))
            return ""

    def tier(*names: str, default: str) -> str:
        text = keys.text(*names)
        if text and text not in site.tiers:
            name, node = keys.find(*names) or ("", Node(0, None))
            keys.problem(node, name, f"“{text}” is no tier of this site; there are {', '.join(site.tiers)}")
        return text or default

    def at_most(limit: int, items: Sized, *names: str) -> None:
        """An article enters all of its lists, and leaves its old ones, in one transaction of 100 writes at most."""
        if len(items) > limit:
            name, node = keys.find(*names) or ("", Node(0, None))
            keys.problem(node, name, f"has {len(items)} entries; {limit} are the most")

    def identifiers(limit: int, *names: str) -> tuple[tuple[str, str], ...]:
        """Ids, each with the name as typed where that was more than the id."""
        pairs: dict[str, str] = {}
        for text, node in keys.texts(*names):
            identifier = slugify(text)
            if not identifier:
                keys.problem(node, names[0], f"“{text}” has no letters to make an id from")
            pairs.setdefault(identifier, "" if identifier == text else text)
        at_most(limit, pairs, *names)
        return tuple(pairs.items())

    status = keys.text("status").lower()
    date = moment(keys, "date", "published", "publishDate", "published_at", "publishdate", "pubdate")
    hero = _hero(keys, warnings)
    sources = []
    for entry, node in keys.mappings("sources"):
        one = {name: entry.text(name, limit=1000) for name in ("title", "url", "publisher", "date", "note")}
        if not one["title"] and not one["url"]:
            entry.problem(node, "title", "a source needs a title or a url")
        if one["url"] and not is_link(one["url"]):
            entry.problem(node, "url", f"“{one['url'][:80]}” is not a web address")
        sources.append(one)
    production: dict[str, Any] = {}
    for entry, _ in keys.mappings("production"):
        production = {
            "ai_roles": [text for text, _ in entry.texts("ai_roles")],
            "reviewed_by": entry.text("reviewed_by"),
            "reviewed_at": moment(entry, "reviewed_at"),
            "statement": entry.text("statement"),
        }
    corrections = []
    for entry, node in keys.mappings("corrections"):
        correction = {"date": moment(entry, "date"), "text": entry.text("text", limit=5000)}
        if not correction["text"] or not correction["date"]:
            entry.problem(node, "text", "a correction needs a date and a text")
        corrections.append(correction)
    at_most(12, corrections, "corrections")

    aliases = tuple(dict.fromkeys(_aliases(keys, warnings)))
    at_most(24, aliases, "aliases")
    slug = _slug(keys, name, problems)
    access = tier("access", "visibility", default=PUBLIC)
    sources_access = tier("sources_access", default=site.tiers[min(1, len(site.tiers) - 1)])
    draft = Draft(
        slug=slug,
        title=title,
        dek=keys.text("dek", "deck", "description", "summary", "excerpt", "subtitle"),
        date=date,
        lastmod=moment(keys, "lastmod", "updated"),
        authors=identifiers(12, "authors", "author"),
        topics=identifiers(24, "topics", "topic", "categories"),
        tags=tuple(dict.fromkeys(text for text, _ in keys.texts("tags"))),
        draft=keys.flag("draft") or status == "draft",
        publish_at=moment(keys, "publish_at"),
        expires=moment(keys, "expires", "expiryDate", "expirydate"),
        hero=hero,
        access=access,
        sources=tuple(sources),
        sources_access=sources_access,
        production=production,
        corrections=tuple(corrections),
        newsletter=keys.flag("newsletter"),
        aliases=aliases,
    )
    extra = keys.unread()
    warnings += [Problem(node.line, key, "is not a key that is known here; it is kept") for key, node in extra.items()]
    passages: tuple[Passage, ...] = ()
    try:
        passages = cut(source.body, source.body_line, site, to_html)
    except Rejected as error:
        problems += error.problems
    if problems:
        raise Rejected(*sorted(problems, key=lambda p: p.line))
    return replace(draft, extra={k: plain(v) for k, v in extra.items()}, passages=passages, warnings=tuple(warnings))


def _slug(keys: Reader, name: str, problems: list[Problem]) -> str:
    typed = keys.text("slug")
    if typed:
        node = keys.find("slug")[1]  # type: ignore[index]  # just read
        if len(typed) > SLUG_LENGTH:
            keys.problem(node, "slug", f"has {len(typed)} characters; a slug may have {SLUG_LENGTH}")
        elif not SLUG.fullmatch(typed):
            keys.problem(node, "slug", f"“{typed[:60]}” must be lower-case letters, digits and single hyphens")
        return typed
    slug = slug_of_filename(name)
    if not slug:
        problems.append(Problem(1, "slug", f"no slug can be made from the file name “{name}”; write one"))
    return slug


def _hero(keys: Reader, warnings: list[Problem]) -> dict[str, str]:
    found = keys.find("hero", "feature_image", "image")
    if not found:
        return {}
    name, node = found
    if isinstance(node.value, str):
        return {"src": node.value.strip(), "alt": "", "caption": "", "credit": "", "source_type": ""}
    if not isinstance(node.value, dict):
        keys.problem(node, name, "must be an image's file name, or keys: src, alt, caption, credit, source_type")
        return {}
    entry = Reader(node.value, keys.problems, f"{name}.")
    hero = {key: entry.text(key) for key in ("src", "alt", "caption", "credit", "source_type")}
    hero["source_type"] = hero["source_type"].rsplit("/", 1)[-1]
    if hero["source_type"] and hero["source_type"] not in SOURCE_TYPES:
        key_node = entry.find("source_type")[1]  # type: ignore[index]  # just read
        entry.problem(key_node, "source_type", f"“{hero['source_type']}” is no IPTC digital source type")
    if not hero["src"]:
        entry.problem(node, "src", "names the image's file")
    if not hero["alt"]:
        warnings.append(Problem(node.line, f"{name}.alt", "describe the image for those who cannot see it"))
    return hero


def _aliases(keys: Reader, warnings: list[Problem]) -> list[str]:
    """Old addresses in the one spelling that the edge lets through (functions/edge/viewer_request.js); others lead nowhere."""
    aliases = []
    for text, node in keys.texts("aliases"):
        path = "/" + text.strip().lstrip("/")
        if re.search(r"[?#\\\s]|//|/\.{1,2}(/|$)", path) or path == "/":
            keys.problem(node, "aliases", f"“{text}” must be a path on this site, such as /2019/03/old-name/")
        if "." not in path.rsplit("/", 1)[1]:
            path = path.rstrip("/") + "/"
        first = path.split("/")[1]
        if re.search(r"[^a-z0-9._/-]", path) or path.endswith("/index.html"):
            told = f"“{text}” cannot lead here: addresses have lower-case letters, digits, hyphens and dots"
            warnings.append(Problem(node.line, "aliases", told))
        elif first in RESERVED and not re.fullmatch(rf"/articles/{SLUG.pattern}/", path):
            warnings.append(
                Problem(node.line, "aliases", f"“{text}” cannot lead here: what is below /{first}/ is the site's")
            )
        else:
            aliases.append(path)
    return aliases


@dataclass(frozen=True, slots=True)
class Profile:
    """An author, a topic or a standing page. For a page, `name` is its title; only authors have the other fields."""

    kind: str
    id: str
    name: str
    summary: str = ""
    human: bool = True
    beat: str = ""
    portrait: str = ""
    responsible_editor: str = ""
    body: str = ""
    warnings: tuple[Problem, ...] = ()


def parse_profile(raw: bytes, kind: str, name: str) -> Profile:
    """An author's, a topic's or a standing page's file; `body` of the profile is Markdown still.

    Raises:
        Rejected: it has no name, an unknown kind of author, or a directive in its body.
    """
    source = split(decode(raw))
    problems: list[Problem] = []
    keys = Reader(source.matter, problems)
    identifier = slugify(name)
    display = keys.text("name", "title", "display_name", limit=300)
    if not identifier:
        problems.append(Problem(0, "", f"no id can be made from the file name “{name}”"))
    if not display and not problems:
        problems.append(Problem(1, "title" if kind == "page" else "name", "is needed"))
    author_kind = keys.text("kind") or "human"
    if kind == "author" and author_kind not in ("human", "ai"):
        found = keys.find("kind")
        problems.append(Problem(found[1].line if found else 1, "kind", "must be human or ai"))
    if kind == "page" and (not SLUG.fullmatch(identifier) or identifier in RESERVED):
        problems.append(Problem(1, "slug", f"“{identifier}” cannot be the address of a standing page"))
    for number, line in enumerate(source.body.split("\n"), source.body_line):
        if line.startswith(":::"):
            problems.append(Problem(number, "gate", "gates stand in articles only; this page is public as a whole"))
    profile = Profile(
        kind=kind,
        id=identifier,
        name=display,
        summary=keys.text("summary", "description", "dek"),
        human=author_kind == "human",
        beat=keys.text("beat"),
        portrait=keys.text("portrait", "image"),
        responsible_editor=keys.text("responsible_editor"),
        body=source.body,
        warnings=tuple(Problem(n.line, k, "is not a key that is known here") for k, n in keys.unread().items()),
    )
    if problems:
        raise Rejected(*sorted(problems, key=lambda p: p.line))
    return profile
