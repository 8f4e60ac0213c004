"""Takedown: withdraw an article, and verify that it is gone from every surface that showed it.

The surfaces are an article's own addresses, the lists and feeds that its record names, the few articles that show it as a
preceding one, and the ticker. Each is fetched the way readers of every tier fetch it, through the cache.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from nightdesk.domain.documents import Document, canonical_json
from nightdesk.domain.errors import Transient
from nightdesk.domain.site import PUBLIC
from nightdesk.domain.site_paths import (
    NEWS_SITEMAP_PATH,
    RECENT_SEARCH_PATH,
    SEARCH_ARCHIVE,
    is_uncached,
    key_of,
    path_of,
    sitemap_path,
)
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.page_parts import escaped
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import JSON, SEARCH_KEY, document_key, load_site, takedown_key
from nightdesk.usecases.editors.decisions import withdraw
from nightdesk.usecases.pipeline.invalidate import is_dropped_everywhere
from nightdesk.usecases.pipeline.places import LIST_FOLDERS, kind_of, list_path, month_path
from nightdesk.usecases.pipeline.related import RELATED
from nightdesk.usecases.pipeline.search_recent import indexed_in

_FIRST_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
_PAUSE = 1.0
"""Seconds between two polls after the first few."""
_MOST_EDITIONS = 60
_PARALLEL = 8


class Readers(Protocol):
    """Readers of each tier, who fetch the site through its cache, several at a time."""

    def get(self, path: str, tier: str) -> tuple[int, str]:
        """Return the status and text that a reader of a tier gets at a path; redirects are not followed.

        Raises:
            Transient: there was no answer.
        """


class Surface(NamedTuple):
    """A path and tier at which an article may show.

    Attributes:
        needle: text that must not be in the page; empty where the path itself must answer 410.
        may_be_missing: True where it may as well answer 404.
    """

    path: str
    tier: str
    needle: str
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class SurfaceResult:
    """What a takedown found at a surface.

    Attributes:
        was_there: whether it showed the article before the takedown.
        status: the last answer's status; 0 for no answer.
        gone: whether the last answer did not show the article.
    """

    path: str
    tier: str
    was_there: bool
    status: int
    gone: bool


class Takedown(NamedTuple):
    """Which article to take down, and who does; `expected` as for `decisions.withdraw`."""

    slug: str
    by: str
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Polling:
    """How long to poll, in seconds, and a callback that gets the number of clear surfaces and of all."""

    timeout: float
    progress: Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a takedown.

    Attributes:
        at: when the article was withdrawn, ISO 8601.
        seconds: how long it took until the last poll.
        everywhere: whether CloudFront has dropped what it held at all of its edge locations. The surfaces were read through
            the nearest one.
        complete: whether the article is gone from every surface, everywhere.
    """

    slug: str
    by: str
    at: str
    seconds: float
    complete: bool
    everywhere: bool
    surfaces: tuple[SurfaceResult, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def take_down(takedown: Takedown, ports: Ports, readers: Readers, polling: Polling) -> Report:
    """Withdraw an article, and store and return a report on every surface that showed it.

    Poll every surface until the article is gone from it, or until `polling.timeout` seconds have passed.

    Raises:
        NotFound: the article does not exist.
        Conflict: it is not as the editor saw it.
    """
    slug = takedown.slug
    places = [place for one in _slugs_of(slug, ports) for place in surfaces(one, ports)]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        before = dict(zip(places, pool.map(lambda place: _is_there(place, readers), places), strict=True))
        started = time.monotonic()
        at = ports.clock().isoformat(timespec="seconds")
        withdraw(slug, ports, takedown.expected)

        def check(some: Sequence[Surface]) -> dict[Surface, SurfaceResult]:
            found = pool.map(lambda place: _check(place, before[place], readers), some)
            return dict(zip(some, found, strict=True))

        results = check(places)
        everywhere = False
        for pause in _pauses(started + polling.timeout):
            showing = [place for place in places if not results[place].gone]
            polling.progress(len(places) - len(showing), len(places))
            everywhere = not showing and _is_gone_everywhere(places, ports)
            if everywhere:
                break
            time.sleep(pause)
            results |= check(showing)
    found = tuple(results.values())
    seconds = round(time.monotonic() - started, 1)
    complete = everywhere and all(result.gone for result in found)
    report = Report(slug, takedown.by, at, seconds, complete, everywhere, found)
    ports.private.put(Output(takedown_key(slug, at), canonical_json(report.to_json()), JSON), ANY)
    return report


def _slugs_of(slug: str, ports: Ports) -> list[str]:
    """Return the slug of a takedown, and the one that the article has moved to."""
    blob = ports.private.get(document_key(slug))
    moved = Document.from_bytes(blob.body).moved if blob else ""
    return [slug, moved] if moved else [slug]


def _is_gone_everywhere(places: Iterable[Surface], ports: Ports) -> bool:
    """Return True once no edge location can serve an older copy of the surfaces."""
    paths = (place.path for place in places)
    articles = re.compile(r"(/articles/[^/]+/).*")
    named = {articles.sub(r"\1*", path) for path in paths if not path.startswith(f"/{SEARCH_ARCHIVE}")}
    return is_dropped_everywhere((path for path in named if not is_uncached(path)), ports)


def _pauses(deadline: float) -> Iterator[float]:
    yield from _FIRST_PAUSES
    while time.monotonic() < deadline:
        yield _PAUSE


def surfaces(slug: str, ports: Ports) -> Iterator[Surface]:
    """Yield every surface that shows an article, from its record and the site's objects."""
    site = load_site(ports)
    tiers = site.tiers
    for tier in tiers:
        yield Surface(f"/articles/{slug}/", tier, "")
    for key, _ in ports.site.list(f"articles/{slug}/"):
        tier, _, name = key.removeprefix(f"articles/{slug}/~").partition("/")
        if name != "index.html" and tier in tiers:
            yield Surface(f"/articles/{slug}/{name}", tier, "")
    needle = f"/articles/{slug}/"
    record = articles_table.article_record(ports.articles, slug)
    entries = [articles_table.split_entry(place) for place in (record.places if record else ())]
    pages = {path for name, sort_key in entries for path in _pages_of(name, sort_key)}
    pages |= {path_of(key) for key, _ in ports.site.list("updates/")}
    pages |= {path_of(key) for key in _newest_editions(ports)}
    for path in sorted(pages):
        yield Surface(path, PUBLIC, _item_needle(path, site.base_url, needle))
    searched = ports.private.get(SEARCH_KEY)
    if found := indexed_in(searched.body if searched else None).get(slug):
        yield Surface(f"/{SEARCH_ARCHIVE}{found.file}", PUBLIC, "", may_be_missing=True)
    blob = ports.private.get(document_key(slug))
    title = Document.from_bytes(blob.body).title if blob else ""
    for other in sorted(_articles_naming(entries, ports) - {slug}):
        for tier in tiers:
            # As “More in” links to it. A link that the other's author wrote stays, and leads to the tombstone.
            yield Surface(f"/articles/{other}/", tier, f'"{needle}">{escaped(title)}<')


def _newest_editions(ports: Ports) -> list[str]:
    """Return the keys of the newest editions' pages, which may name the article, and of the list of all."""
    keys = [
        key
        for key, _ in ports.site.list("newsletter/")
        if key.endswith("/index.html") and key != key_of("/newsletter/")
    ]
    return sorted(keys, key=lambda key: key.split("/")[2:3], reverse=True)[:_MOST_EDITIONS]


def _item_needle(path: str, base_url: str, page: str) -> str:
    """Return what a list has for an article's own item. A feed also holds other articles' texts, which may link to the article
    as their authors wrote, and the search holds words that readers may take for an address."""
    if path == RECENT_SEARCH_PATH:
        return f'"url":"{page}"'
    if path.endswith("feed.json"):
        return f'"url": "{base_url}{page}"'
    return f"<link>{base_url}{page}</link>" if path.endswith("feed.xml") else page


def _pages_of(name: str, sort_key: str) -> list[str]:
    """Return the pages and feeds of a list that show the entry with a sort key."""
    kind, _, identifier = name.partition(":")
    month = articles_table.month_of(sort_key)
    if kind == "all":
        return [
            "/",
            "/feed.xml",
            "/feed.json",
            month_path(name, month),
            sitemap_path(month),
            NEWS_SITEMAP_PATH,
            RECENT_SEARCH_PATH,
        ]
    if kind in LIST_FOLDERS:
        return [f"/{LIST_FOLDERS[kind]}/", list_path(name), f"{list_path(name)}feed.xml", month_path(name, month)]
    return [identifier] if kind == "alias" else ["/corrections/"] if kind == "corrections" else []


def _articles_naming(entries: Sequence[tuple[str, str]], ports: Ports) -> set[str]:
    """Return the articles that may show this one as a preceding one."""
    return {
        entry.card["slug"]
        for name, sort_key in entries
        if kind_of(name) in LIST_FOLDERS
        for entry in articles_table.following(ports.articles, name, sort_key, RELATED)
    }


def _fetch(place: Surface, readers: Readers) -> tuple[int, str]:
    """Return status and text; (0, "") for no answer, so that the takedown goes on and the surface counts as not gone."""
    try:
        return readers.get(place.path, place.tier)
    except Transient:
        return 0, ""


def _is_there(place: Surface, readers: Readers) -> bool:
    status, text = _fetch(place, readers)
    return status == 200 and place.needle in text


def _check(place: Surface, was_there: bool, readers: Readers) -> SurfaceResult:
    status, text = _fetch(place, readers)
    # A redirect may lead to the article's own address, which is a surface itself.
    rewritten = bool(place.needle) and (status in (301, 404) or (status == 200 and place.needle not in text))
    missing = place.may_be_missing and status == 404
    return SurfaceResult(place.path, place.tier, was_there, status, status == 410 or rewritten or missing)
