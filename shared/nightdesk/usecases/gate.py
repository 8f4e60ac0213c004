"""Gate: from a document to one page per tier and the public facts of the article.

Knows who may see what. Everything that is written under `articles/<slug>/~<tier>/` comes from that tier's view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.documents import EXPIRED, LIVE, WITHDRAWN, Document, canonical, digest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.moments import sortable
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id
from nightdesk.domain.views import view
from nightdesk.rendering import pages
from nightdesk.rendering.contexts import Link, RelatedBox
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge, store
from .ports import Event, Output, Ports
from .stored import IMAGE_TYPES, JSON, facts_from, load_site

HTML = "text/html; charset=utf-8"
PAGE_CACHE = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
ASSET_CACHE = "public, max-age=31536000, immutable"
RELATED = 3
"""How many earlier articles "More in" and "More from" name; publishing re-gates at most as many that follow."""
_BATCH = 50


class Gated(NamedTuple):
    """What became of an article: its state, when time alone will change it, and the events to send."""

    slug: str
    state: str
    next_change: datetime | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Inputs:
    document: Document
    digest: str
    state: str
    site: Site
    authors: tuple[Mapping[str, Any] | None, ...]
    topics: tuple[Mapping[str, Any] | None, ...]
    profiles: dict[str, str]
    earlier: dict[str, list[dict[str, Any]]]


class _Made(NamedTuple):
    outputs: tuple[Output, ...]
    assets: tuple[tuple[str, str, str], ...]
    facts: bytes


def gate(slug: str, ports: Ports, theme: Theme, now: datetime) -> Gated | None:
    """Bring an article's pages in line with its document; sends the events. None where there is no such document."""

    last: list[_Inputs | None] = [None]

    def read() -> _Inputs | None:
        last[0] = _read(slug, ports, now)
        return last[0]

    def make(inputs: _Inputs | None) -> _Made | None:
        return _make(inputs, theme) if inputs else None

    def write(made: _Made | None) -> bool:
        return made is not None and _write(slug, made, ports)

    converge(read, make, write)
    inputs = last[0]
    if inputs is None:
        return None
    events = (Event("ArticleGated", {"slug": slug, "state": inputs.state, "paths": [f"/articles/{slug}/*"]}),)
    ports.bus.emit(events)
    return Gated(slug, inputs.state, inputs.document.next_change(now), events)


def _read(slug: str, ports: Ports, now: datetime) -> _Inputs | None:
    blob = ports.work.get(f"articles/{slug}.json")
    if not blob:
        return None
    document = Document.from_bytes(blob.body)
    state = document.state(now)
    site = load_site(ports)
    authors: list[Mapping[str, Any] | None] = []
    topics: list[Mapping[str, Any] | None] = []
    profiles: dict[str, str] = {}
    earlier: dict[str, list[dict[str, Any]]] = {}
    if state == LIVE:
        for kind, ids, found in (("authors", document.authors, authors), ("topics", document.topics, topics)):
            for identifier, _ in ids:
                key = f"{kind}/{identifier}.json"
                profile = ports.work.get(key)
                found.append(facts_from(profile.body) if profile else None)
                profiles[key] = profile.metadata.get("digest", "") if profile else ""
        earlier = {name: earlier_cards(name, sort_key(document), ports) for name in related_lists(document)}
    return _Inputs(document, digest(blob.body), state, site, tuple(authors), tuple(topics), profiles, earlier)


def earlier_cards(name: str, place: str, ports: Ports) -> list[dict[str, Any]]:
    """The cards that an article at a place in a list shows as earlier ones."""
    return [dict(item["card"]) for item in catalogue.preceding(ports.articles, name, place, RELATED)]


def digest_cards(earlier: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """A digest of the cards of each list."""
    return {name: digest(canonical(cards)) for name, cards in earlier.items()}


def sort_key(document: Document) -> str:
    """An article's place in any list: lists are in order of time, and of slugs within a second."""
    return f"{sortable(document.date)}#{document.slug}"


def related_lists(document: Document) -> list[str]:
    """The lists that "More in" and "More from" are taken from: the primary topic's and the first author's."""
    return [f"topic:{i}" for i, _ in document.topics[:1]] + [f"author:{i}" for i, _ in document.authors[:1]]


def places(document: Document) -> list[str]:
    """Where a live article stands in lists, each as `<list> <sort key>`."""
    names = ["all", *(f"topic:{i}" for i, _ in document.topics), *(f"author:{i}" for i, _ in document.authors)]
    return [f"{name} {sort_key(document)}" for name in names]


def _make(inputs: _Inputs, theme: Theme) -> _Made:
    document, site = inputs.document, inputs.site
    prefix = f"articles/{document.slug}"
    tag = {"cache-tag": f"article-{document.slug}"}
    facts: dict[str, Any] = {"slug": document.slug, "state": inputs.state, "places": {}, "document": inputs.digest}
    # What the page shows of others: whoever enters the article into lists looks whether it still holds.
    facts["shows"] = {"profiles": inputs.profiles, "place": "", "earlier": digest_cards(inputs.earlier)}
    if inputs.state in (WITHDRAWN, EXPIRED):
        body = gone_html(theme, site).encode()
        outputs = tuple(
            Output(f"{prefix}/~{tier}/index.html", body, HTML, PAGE_CACHE, {**tag, "status": "410"})
            for tier in site.tiers
        )
        return _Made(outputs, (), canonical(facts))
    if inputs.state != LIVE:
        return _Made((), (), canonical(facts))
    facts["shows"]["place"] = sort_key(document)
    related = _related(inputs)
    pages_made, assets = [], []
    views = [view(document, tier, site) for tier in site.tiers]
    texts = pages.article_pages(theme, site, document, views, inputs.authors, inputs.topics, related)
    for tier, seen, text in zip(site.tiers, views, texts, strict=True):
        pages_made.append(Output(f"{prefix}/~{tier}/index.html", text.encode(), HTML, PAGE_CACHE, tag))
        assets += [(f"{prefix}/~{tier}/{a.name}", a.key, a.etag) for a in document.assets if a.name in seen.assets]
    facts_card = pages.card_facts(document, inputs.authors, inputs.topics)
    facts["places"] = {place: {"card": facts_card} for place in places(document)}
    for number, correction in enumerate(document.corrections):
        place = f"corrections {sortable(correction['date'])}#{document.slug}#{number:03}"
        facts["places"][place] = {"card": {**correction, "title": document.title, "slug": document.slug}}
    return _Made(tuple(pages_made), tuple(assets), canonical(facts))


def _related(inputs: _Inputs) -> list[RelatedBox]:
    document = inputs.document
    boxes = []
    named = {
        f"topic:{i}": ("More in", "topics", i, typed, p)
        for (i, typed), p in zip(document.topics[:1], inputs.topics, strict=False)
    }
    named |= {
        f"author:{i}": ("More from", "authors", i, typed, p)
        for (i, typed), p in zip(document.authors[:1], inputs.authors, strict=False)
    }
    shown: set[str] = set()
    for name, (words, folder, identifier, typed, profile) in named.items():
        cards = [facts for facts in inputs.earlier[name] if facts["slug"] not in shown]
        shown.update(facts["slug"] for facts in cards)
        label = pages.author_name(identifier, typed or name_of_id(identifier), profile)
        boxes.append(
            pages.related_box(f"{words} {label}", cards, Link(f"See all of {label}", f"/{folder}/{identifier}/"))
        )
    return boxes


def gone_html(theme: Theme, site: Site) -> str:
    """The page of an article that was taken down."""
    body = "<p>This article is no longer published.</p>"
    return pages.page_html(theme, site, "No longer here", "/", body, robots="noindex")


def _write(slug: str, made: _Made, ports: Ports) -> bool:
    prefix = f"articles/{slug}/"
    there = {key for key, _ in ports.site.list(prefix)}
    missing = [asset for asset in made.assets if asset[0] not in there]
    for target, key, etag in missing:
        _copy(target, key, etag, slug, ports)
    wrote = [store(ports.site, output) for output in made.outputs]
    wanted = {output.key for output in made.outputs} | {target for target, _, _ in made.assets}
    for key in sorted(there - wanted):
        ports.site.delete(key)
    wrote.append(store(ports.work, Output(f"facts/{slug}.json", made.facts, JSON)))
    return any(wrote) or bool(missing) or not there <= wanted


def _copy(target: str, key: str, etag: str, slug: str, ports: Ports) -> None:
    """An image's name holds its digest, so bytes other than those that the document speaks of may not get that name."""
    blob = ports.drafts.get(key)
    if blob is None or blob.etag != etag:
        raise Conflict(f"{key} changed since the draft was rendered")
    kind = IMAGE_TYPES["." + target.rsplit(".", 1)[1]]
    store(ports.site, Output(target, blob.body, kind, ASSET_CACHE, {"cache-tag": f"article-{slug}"}))


def fan_out(kind: str, identifier: str, ports: Ports) -> int:
    """Ask for every article that shows a profile, or for all of them (`kind` is site), to be gated again.

    Returns:
        How many articles were asked for.
    """
    count = 0
    for batch in _affected(kind, identifier, ports):
        ports.bus.emit([Event("ArticleTouched", {"slug": slug}) for slug in batch])
        count += len(batch)
    return count


def _affected(kind: str, identifier: str, ports: Ports) -> Iterator[list[str]]:
    if kind == "site":
        slugs = [key.removeprefix("articles/").removesuffix(".json") for key, _ in ports.work.list("articles/")]
        yield from (slugs[start : start + _BATCH] for start in range(0, len(slugs), _BATCH))
        return
    after = ""
    while entries := catalogue.entries(ports.articles, f"{kind}:{identifier}", after, _BATCH):
        yield [item["card"]["slug"] for item in entries]
        after = entries[-1]["sk"]
