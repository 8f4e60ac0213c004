"""Lists, and where an article is in them. A place is `<list> <sort key>`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nightdesk.domain.documents import Document
from nightdesk.domain.old_addresses import OLD_PREFIX, slug_of_address
from nightdesk.domain.path_owners import PAGES, owner_of
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import NEWS_SITEMAP_PATH, PROCESS_PATH, SITEMAP_PATH
from nightdesk.domain.timestamps import iso_utc_seconds, month_in
from nightdesk.repositories.articles_table import has_pages, month_of, split_entry

LIST_FOLDERS = {"topic": "topics", "author": "authors"}
"""The folders of the lists' pages, by the kind of list."""
LEADS = "lead"
"""The list of articles that may lead the front page."""
DIRECTORIES = "directories"
"""The name of the turn at `/topics/` and `/authors/`."""
TRANSLATIONS = "translation"
"""The kind of the lists of an article's translations (see `translations`)."""
AI_ROLES = "ai-roles"
"""The list of articles that name roles of AI, which the page `/process/` shows."""
_NO_DATE = "1000-01-01T00:00:00+00:00"
"""The date of an article whose draft was deleted, of which only the slug is known."""


def sort_key(document: Document, site: Site) -> str:
    """Return an article's sort key in every list: lists are ordered by time, and by slug within a second.

    The key also tells the month in the site's time zone, if that is not the month in UTC. So an article whose month is
    another one after a change of the time zone has other places, and the lists of both are made again.
    """
    date = document.date or _NO_DATE
    moment, month = iso_utc_seconds(date), month_in(date, site.zone)
    return f"{moment}#{document.slug}" if moment.startswith(month) else f"{moment}@{month}#{document.slug}"


def list_places(document: Document, site: Site) -> list[str]:
    """Return an article's places in the lists that it belongs to when it is live."""
    topics, authors = [f"topic:{i}" for i, _ in document.topics], [f"author:{i}" for i, _ in document.authors]
    return [f"{name} {sort_key(document, site)}" for name in ("all", *topics, *authors)]


def correction_place(document: Document, number: int) -> str:
    """Return the place of one of an article's corrections, by its index from 0, in the list of all corrections."""
    date = document.corrections[number]["date"]
    return f"corrections {iso_utc_seconds(date)}#{document.slug}#{number:03}"


def role_places(document: Document, site: Site) -> list[str]:
    """Return the place of a live article that names roles of AI in the list of these."""
    return [f"{AI_ROLES} {sort_key(document, site)}"] if document.production.get("ai_roles") else []


def alias_places(document: Document, *, gone: bool) -> list[str]:
    """Return an article's places in the lists of its old addresses. The first article of such a list gets its readers.

    Old addresses of the form `/articles/<slug>/` are slugs, which are claimed instead (`render`).

    Args:
        gone: whether readers can no longer get the article. It then comes after all articles that they can get.
    """
    paths = [path for path in document.aliases if not slug_of_address(path)]
    return [f"alias:{path} {'~' if gone else ''}{document.slug}" for path in paths]


def lead_places(document: Document, site: Site, *, pinned: bool) -> list[str]:
    """Return the place of a live article in the list of those that may lead the front page: pinned ones above featured ones."""
    why = "pinned" if pinned else "featured" if document.featured else ""
    return [f"{LEADS} {why}#{sort_key(document, site)}"] if why else []


def translation_lists(document: Document) -> list[str]:
    """Return the lists in which a live article finds its translations: of an original, also that of the slug at which it was
    first public."""
    first = document.first_address if "#" not in document.first_address else ""
    names = [document.translation_of] if document.translation_of else [document.slug, *([first] if first else [])]
    return [f"{TRANSLATIONS}:{name}" for name in names]


def translation_places(document: Document, others: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return a live article's places in lists of translations. An original is in those in which there is a translation.

    Args:
        others: the cards of the other articles in each list.
    """
    if document.translation_of:
        return [f"{name} 1#{document.slug}" for name in others]
    with_translations = [name for name, cards in others.items() if not all(card["original"] for card in cards)]
    return [f"{name} 0#{document.slug}" for name in with_translations]


def related_lists(document: Document) -> list[str]:
    """Return the lists of "More in" and "More from": those of the primary topic and the first author."""
    return [f"topic:{i}" for i, _ in document.topics[:1]] + [f"author:{i}" for i, _ in document.authors[:1]]


def has_topic_or_author(places: Iterable[str]) -> bool:
    """Return True if one of some places is in the list of a topic or an author."""
    return any(kind_of(split_entry(place)[0]) in LIST_FOLDERS for place in places)


def kind_of(name: str) -> str:
    """Return the kind of a list: such as `all`, `topic` or `corrections`."""
    return name.partition(":")[0]


def months_of(places: Iterable[str]) -> dict[str, set[str]]:
    """Return the lists with pages that some places are in, and for each the months (`yyyy-mm`).

    The list of leads has no pages: only the front page shows it, which is made with the list of all articles. Nor have lists of
    translations, which only articles show.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, key in map(split_entry, places):
        if name == LEADS:
            found["all"] |= set()
        elif has_pages(name) and kind_of(name) != TRANSLATIONS:
            found[name].add(month_of(key))
    return dict(sorted(found.items()))


def turn_of(name: str) -> str:
    """Return the name of the turn (`turns`) at the pages of a list: the same for lists that share pages."""
    kind, _, path = name.partition(":")
    if kind == "news":
        return "all"
    if kind == AI_ROLES:
        return turn_of(f"alias:{PROCESS_PATH}")
    if kind != "alias":
        return name
    return "corrections" if path == "/corrections/" else f"alias:{OLD_PREFIX}{path.removeprefix(OLD_PREFIX)}"


def turn_of_path(path: str) -> str:
    """Return the name of the turn at a page; empty for a page of no list."""
    if path.strip("/") in LIST_FOLDERS.values():
        return DIRECTORIES
    name = list_of_path(path)
    return name and turn_of(name)


def list_path(name: str) -> str:
    """Return the path below which the pages of a list are."""
    kind, _, identifier = name.partition(":")
    return f"/{LIST_FOLDERS[kind]}/{identifier}/" if identifier else "/archive/"


def month_path(name: str, month: str) -> str:
    """Return the path of a month's page of a list."""
    return f"{list_path(name)}{month[:4]}/{month[5:]}/"


def list_of_path(path: str) -> str:
    """Return the list that a page belongs to; empty for a page that belongs to none."""
    if path in ("/", "/feed.xml", "/feed.json", SITEMAP_PATH) or path.startswith(("/archive/", "/sitemap/")):
        return "all"
    if path == "/corrections/":
        return "corrections"
    if path == NEWS_SITEMAP_PATH:
        return "news"
    kinds = {folder: kind for kind, folder in LIST_FOLDERS.items()}
    found = re.match(r"/(\w+)/([a-z0-9-]+)/", path)
    if found and found[1] in kinds:
        return f"{kinds[found[1]]}:{found[2]}"
    if path.startswith(f"{OLD_PREFIX}/"):
        address = path.removeprefix(OLD_PREFIX)
        return f"alias:{path if slug_of_address(address) else address}"
    if owner_of(path) not in ("", PAGES) or path.startswith("/~"):
        return ""
    return f"alias:{path}"
