"""Gate: from a document to one page per tier and the public facts of the article.

Knows who may see what. Everything that is written under `articles/<slug>/~<tier>/` comes from that tier's view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, EXPIRED, LIVE, SCHEDULED, WITHDRAWN, Document, canonical, digest
from nightdesk.domain.editorial import Editorial, decided
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.domain.moments import sortable
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id
from nightdesk.domain.views import view
from nightdesk.rendering import pages
from nightdesk.rendering.contexts import Link, RelatedBox
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge, store
from .invalidate import MANY
from .paths import article_tag, profile_tag
from .ports import Event, Output, Ports
from .stored import IMAGE_TYPES, JSON, editorial_key, facts_from, load_site, mark_of

HTML = "text/html; charset=utf-8"
PAGE_CACHE = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
ASSET_CACHE = "public, max-age=31536000, immutable"
RELATED = 3
"""How many earlier articles "More in" and "More from" name; publishing re-gates at most as many that follow."""
_BATCH = 50
PREVIEW = "preview"
"""In place of a tier, in the path of what is shown to those who have a preview link."""
_SHOWN = frozenset((LIVE, DRAFT, SCHEDULED))
_SHORTLY = timedelta(seconds=1)
_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The etag of a tombstone: the MD5 of nothing."""
_NONE: Mapping[str, str] = {}


class Gated(NamedTuple):
    """What became of an article: its state, when time alone will change it, and the events to send."""

    slug: str
    state: str
    next_change: datetime | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Inputs:
    document: Document
    """With the editors' decisions in it."""
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
    tombstones: bool
    """Whether what else lies below the article gets a tombstone, rather than being removed."""


def gate(slug: str, ports: Ports, theme: Theme, bulk: str = "") -> Gated | None:
    """Bring an article's pages in line with its document and the editors' decisions; sends the events.

    Args:
        bulk: the cache tag of all articles that a change touched, when it touched many.

    Returns:
        None where there is no such document.

    Raises:
        Transient: time alone will change the article within a second, so the message should come back.
    """
    seen: list[tuple[_Inputs | None, datetime]] = []

    def read() -> _Inputs | None:
        now = ports.clock()
        seen[:] = [(_read(slug, ports, now), now)]
        return seen[0][0]

    def make(inputs: _Inputs | None) -> _Made | None:
        return _make(inputs, theme) if inputs else None

    def write(made: _Made | None) -> bool:
        return made is not None and _write(slug, made, ports)

    converge(read, make, write)
    inputs, now = seen[0]
    if inputs is None:
        return None
    due = inputs.document.next_change(now)
    if due:
        ports.alarm.wake(slug, due)
    detail = {"slug": slug, "state": inputs.state, "paths": [f"/articles/{slug}/*"]}
    events = (Event("ArticleGated", {**detail, "bulk": bulk} if bulk else detail),)
    ports.bus.emit(events)
    if due and due <= now + _SHORTLY:
        # The alarm may have rung a little early, by another clock than ours, and does not ring twice.
        raise Transient(f"{slug} is due in a moment")
    return Gated(slug, inputs.state, due, events)


def _read(slug: str, ports: Ports, now: datetime) -> _Inputs | None:
    blob = ports.work.get(f"articles/{slug}.json")
    if not blob:
        return None
    decisions = ports.work.get(editorial_key(slug))
    site = load_site(ports)
    editorial = Editorial.from_bytes(decisions.body if decisions else None)
    document = decided(Document.from_bytes(blob.body), editorial, {tier: n for n, tier in enumerate(site.tiers)})
    state = document.state(now)
    authors: list[Mapping[str, Any] | None] = []
    topics: list[Mapping[str, Any] | None] = []
    profiles: dict[str, str] = {}
    earlier: dict[str, list[dict[str, Any]]] = {}
    if state in _SHOWN:
        for kind, ids, found in (("authors", document.authors, authors), ("topics", document.topics, topics)):
            for identifier, _ in ids:
                key = f"{kind}/{identifier}.json"
                profile = ports.work.get(key)
                found.append(facts_from(profile.body) if profile else None)
                profiles[key] = profile.metadata.get("digest", "") if profile else ""
    if state == LIVE:
        earlier = {name: earlier_cards(name, sort_key(document), ports) for name in related_lists(document)}
    mark = mark_of(blob, decisions)
    return _Inputs(document, mark, state, site, tuple(authors), tuple(topics), profiles, earlier)


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
    facts: dict[str, Any] = {"slug": document.slug, "state": inputs.state, "places": {}, "document": inputs.digest}
    # What the page shows of others: whoever enters the article into lists looks whether it still holds.
    facts["shows"] = {"profiles": inputs.profiles, "place": "", "earlier": digest_cards(inputs.earlier)}
    if document.moved:
        body = f"Moved to /articles/{document.moved}/\n".encode()
        return _everywhere(document, site, body, canonical(facts), "301", f"/articles/{document.moved}/")
    if inputs.state in (WITHDRAWN, EXPIRED):
        return _everywhere(document, site, gone_html(theme, site).encode(), canonical(facts), "410")
    if inputs.state != LIVE:
        # In no list that readers see; but whoever changes a profile must find the previews that show it.
        facts["places"] = {f"{PREVIEW}:{place}": {"card": {"slug": document.slug}} for place in places(document)[1:]}
        return _Made(*_preview(inputs, theme), canonical(facts), False)
    facts["shows"]["place"] = sort_key(document)
    outputs, assets = _variants(inputs, site.tiers, _related(inputs), theme)
    # Whoever comes with a preview link finds the article itself now.
    here = {"status": "302", "location": f"/articles/{document.slug}/", "ends": PREVIEW}
    outputs.append(_article_page(document, PREVIEW, b"Published\n", here))
    facts_card = pages.card_facts(document, inputs.authors, inputs.topics)
    facts["places"] = {place: {"card": facts_card} for place in places(document)}
    for number, correction in enumerate(document.corrections):
        place = f"corrections {sortable(correction['date'])}#{document.slug}#{number:03}"
        facts["places"][place] = {"card": {**correction, "title": document.title, "slug": document.slug}}
    return _Made(tuple(outputs), tuple(assets), canonical(facts), False)


def _article_page(document: Document, tier: str, body: bytes, metadata: Mapping[str, str] = _NONE) -> Output:
    """An article's page for one tier, with the tags by which the cache finds it."""
    named = [("author", i) for i, _ in document.authors] + [("topic", i) for i, _ in document.topics]
    tags = ["site", article_tag(document.slug), *(profile_tag(kind, i) for kind, i in named)]
    key = f"articles/{document.slug}/~{tier}/index.html"
    return Output(key, body, HTML, PAGE_CACHE, {"cache-tag": ",".join(tags), **metadata})


def _everywhere(
    document: Document, site: Site, body: bytes, facts: bytes, status: str, location: str = ""
) -> _Made:  # fmt: skip
    """The same for every reader and in place of every image: the article is gone, or somewhere else."""
    metadata = {"status": status} | ({"location": location} if location else {})
    outputs = tuple(_article_page(document, tier, body, metadata) for tier in (*site.tiers, PREVIEW))
    return _Made(outputs, (), facts, True)


def _preview(inputs: _Inputs, theme: Theme) -> tuple[tuple[Output, ...], tuple[tuple[str, str, str], ...]]:
    """The whole of an article that readers do not get yet, for those who have a link of their own."""
    outputs, assets = _variants(inputs, (PREVIEW,), [], theme)
    return tuple(replace(output, cache_control="no-store") for output in outputs), tuple(assets)


def _variants(
    inputs: _Inputs, tiers: Sequence[str], related: list[RelatedBox], theme: Theme
) -> tuple[list[Output], list[tuple[str, str, str]]]:
    """A page for each tier from that tier's view, and what images it shows: target, key and etag of each."""
    document, site = inputs.document, inputs.site
    preview = tiers == (PREVIEW,)
    views = [view(document, site.tiers[-1] if preview else tier, site) for tier in tiers]
    texts = pages.article_pages(theme, site, document, views, inputs.authors, inputs.topics, related, preview)
    outputs, assets = [], []
    for tier, seen, text in zip(tiers, views, texts, strict=True):
        outputs.append(_article_page(document, tier, text.encode()))
        prefix = f"articles/{document.slug}/~{tier}"
        assets += [(f"{prefix}/{a.name}", a.key, a.etag) for a in document.assets if a.name in seen.assets]
    return outputs, assets


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
    """Write what is new, and take away what should not be there; where the article is gone, a tombstone stands for each image."""
    prefix = f"articles/{slug}/"
    there = dict(ports.site.list(prefix))
    missing = [asset for asset in made.assets if there.get(asset[0], _EMPTY) == _EMPTY]
    for target, key, etag in missing:
        _copy(target, key, etag, slug, ports)
    wrote = [store(ports.site, output) for output in made.outputs]
    wanted = {output.key for output in made.outputs} | {target for target, _, _ in made.assets}
    folders = {output.key.rpartition("/")[0] for output in made.outputs}
    for key in sorted(set(there) - wanted):
        if made.tombstones and key.rpartition("/")[0] in folders:
            metadata = {"cache-tag": article_tag(slug), "status": "410"}
            wrote.append(store(ports.site, Output(key, b"", "text/plain", PAGE_CACHE, metadata)))
        else:
            ports.site.delete(key)
            wrote.append(True)
    wrote.append(store(ports.work, Output(f"facts/{slug}.json", made.facts, JSON)))
    return any(wrote) or bool(missing)


def _copy(target: str, key: str, etag: str, slug: str, ports: Ports) -> None:
    """An image's name holds its digest, so bytes other than those that the document speaks of may not get that name."""
    blob = ports.drafts.get(key)
    if blob is None or blob.etag != etag:
        raise Conflict(f"{key} changed since the draft was rendered")
    kind = IMAGE_TYPES["." + target.rsplit(".", 1)[1]]
    store(ports.site, Output(target, blob.body, kind, ASSET_CACHE, {"cache-tag": article_tag(slug)}))


def fan_out(kind: str, identifier: str, ports: Ports) -> int:
    """Ask for every article that shows a profile, or for all of them (`kind` is site), to be gated again.

    Returns:
        How many articles were asked for.
    """
    count = 0
    batches = _affected(kind, identifier, ports)
    first = next(batches, [])
    bulk = {"bulk": profile_tag(kind, identifier) if identifier else "site"} if len(first) >= MANY else {}
    for batch in chain([first], batches):
        ports.bus.emit([Event("ArticleTouched", {"slug": slug, **bulk}) for slug in batch])
        count += len(batch)
    return count


def _affected(kind: str, identifier: str, ports: Ports) -> Iterator[list[str]]:
    if kind == "site":
        slugs = [key.removeprefix("articles/").removesuffix(".json") for key, _ in ports.work.list("articles/")]
        yield from (slugs[start : start + _BATCH] for start in range(0, len(slugs), _BATCH))
        return
    for name in (f"{kind}:{identifier}", f"{PREVIEW}:{kind}:{identifier}"):
        after = ""
        while entries := catalogue.entries(ports.articles, name, after, _BATCH):
            yield [item["card"]["slug"] for item in entries]
            after = entries[-1]["sk"]
