"""Takedown: an article withdrawn, and proof that it is gone from every surface where it was.

The surfaces are known: an article's own addresses, the lists and feeds that its record names, the few articles that show it
as an earlier one, and the ticker. Each is looked at as its readers see it, through the cache, for every tier.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from nightdesk.domain.documents import Document, canonical
from nightdesk.domain.errors import Transient
from nightdesk.domain.site import PUBLIC
from nightdesk.rendering.pages import escaped

from . import catalogue
from .editorial import withdraw
from .lists import FOLDERS, base_of
from .paths import path_of
from .ports import ANY, Output, Ports
from .related import RELATED
from .stored import JSON, load_site

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
_AT_ONCE = 8


class Readers(Protocol):
    """Readers of each tier, who see the site through its cache, several at once."""

    def get(self, path: str, tier: str) -> tuple[int, str]:
        """Status and text of what a reader of a tier gets at a path; redirects are not followed."""


class Surface(NamedTuple):
    """A place where an article may show: `needle` is what must not be there; empty where the address itself must be gone."""

    path: str
    tier: str
    needle: str


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at a surface: whether the article was there before, what a reader gets now (0: no answer), and whether
    it is gone."""

    path: str
    tier: str
    was_there: bool
    status: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a takedown did. `complete` says that the article is gone from all surfaces; `at` is ISO 8601."""

    slug: str
    by: str
    at: str
    seconds: float
    complete: bool
    surfaces: tuple[Look, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def take_down(
    slug: str,
    by: str,
    ports: Ports,
    readers: Readers,
    *,
    expected: str = "",
    patience: float = 90.0,
    progress: Callable[[int, int], None] = lambda gone, of: None,
) -> Report:
    """Withdraw an article, and return when it is gone from every surface, or patience is; keeps the report.

    Args:
        by: who takes it down.
        expected: as for `withdraw`.
        patience: in seconds.
        progress: told from how many surfaces it is gone, and how many there are.

    Raises:
        Unknown: there is no such article.
        Conflict: it is not as the editor saw it.
    """
    places = list(surfaces(slug, ports))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        before = dict(zip(places, pool.map(lambda place: _is_there(place, readers), places), strict=True))
        started = time.monotonic()
        at = ports.clock().isoformat(timespec="seconds")
        withdraw(slug, ports, expected)

        def look_at(some: Sequence[Surface]) -> dict[Surface, Look]:
            return dict(zip(some, pool.map(lambda place: _look(place, before[place], readers), some), strict=True))

        looks = look_at(places)
        for pause in _pauses(started + patience):
            missing = [place for place in places if not looks[place].gone]
            progress(len(places) - len(missing), len(places))
            if not missing:
                break
            time.sleep(pause)
            looks |= look_at(missing)
    found = tuple(looks.values())
    seconds = round(time.monotonic() - started, 1)
    report = Report(slug, by, at, seconds, all(look.gone for look in found), found)
    ports.work.put(Output(f"takedowns/{slug}/{at}.json", canonical(report.to_json()), JSON), ANY)
    return report


def _pauses(until: float) -> Iterator[float]:
    yield from _PAUSES
    while time.monotonic() < until:
        yield 1.0


def surfaces(slug: str, ports: Ports) -> Iterator[Surface]:
    """Every place where an article shows, as its record and the site's objects tell."""
    tiers = load_site(ports).tiers
    for tier in tiers:
        yield Surface(f"/articles/{slug}/", tier, "")
    for key, _ in ports.site.list(f"articles/{slug}/"):
        tier, _, name = key.removeprefix(f"articles/{slug}/~").partition("/")
        if name != "index.html" and tier in tiers:
            yield Surface(f"/articles/{slug}/{name}", tier, "")
    needle = f"/articles/{slug}/"
    record = catalogue.record(ports.articles, slug)
    placed = [catalogue.split_entry(place) for place in (record["places"] if record else ())]
    pages = {path for name, sort_key in placed for path in _pages_of(name, sort_key)}
    pages |= {path_of(key) for key, _ in ports.site.list("updates/")}
    for path in sorted(pages):
        yield Surface(path, PUBLIC, needle)
    blob = ports.work.get(f"articles/{slug}.json")
    title = Document.from_bytes(blob.body).title if blob else ""
    for other in sorted(_showing(placed, ports) - {slug}):
        for tier in tiers:
            # As “More in” has it. A link that the other's author wrote is that author's, and leads to the tombstone.
            yield Surface(f"/articles/{other}/", tier, f'"{needle}">{escaped(title)}<')


def _pages_of(name: str, sort_key: str) -> list[str]:
    """The pages of a list that show the entry at a place."""
    kind, _, identifier = name.partition(":")
    month = catalogue.month_of(sort_key)
    if kind == "all":
        return ["/", "/feed.xml", "/feed.json", f"/archive/{month[:4]}/{month[5:]}/"]
    if kind in FOLDERS:
        base = base_of(name)
        return [base, f"{base}feed.xml", f"{base}{month[:4]}/{month[5:]}/"]
    return [identifier] if kind == "alias" else ["/corrections/"] if kind == "corrections" else []


def _showing(placed: Sequence[tuple[str, str]], ports: Ports) -> set[str]:
    """The articles that may show this one as an earlier one."""
    return {
        entry["card"]["slug"]
        for name, sort_key in placed
        if name.partition(":")[0] in FOLDERS
        for entry in catalogue.following(ports.articles, name, sort_key, RELATED)
    }


def _get(place: Surface, readers: Readers) -> tuple[int, str]:
    """What a reader gets; where nobody answers, the takedown goes on, and the surface counts as not gone."""
    try:
        return readers.get(place.path, place.tier)
    except Transient:
        return 0, ""


def _is_there(place: Surface, readers: Readers) -> bool:
    status, text = _get(place, readers)
    return status == 200 and place.needle in text


def _look(place: Surface, was_there: bool, readers: Readers) -> Look:
    status, text = _get(place, readers)
    # An old address may lead to the article's own, which is looked at by itself.
    rewritten = bool(place.needle) and (status in (301, 404) or (status == 200 and place.needle not in text))
    return Look(place.path, place.tier, was_there, status, status == 410 or rewritten)
