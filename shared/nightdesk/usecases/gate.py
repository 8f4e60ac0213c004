"""Gate: from a document to one page per tier and the public facts of the article.

Knows who may see what. Everything that is written under `articles/<slug>/~<tier>/` comes from that tier's view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, EXPIRED, LIVE, SCHEDULED, WITHDRAWN, Document, canonical
from nightdesk.domain.editorial import decided
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.domain.moments import sortable
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id
from nightdesk.domain.views import view
from nightdesk.rendering import pages
from nightdesk.rendering.contexts import Link, RelatedBox
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge, is_stored, store, store_over
from .invalidate import MANY
from .paths import ARTICLES_TAG, article_tag, files_tag, preview_key, profile_tag
from .ports import Blob, Event, Objects, Output, Ports, Stat
from .related import digest_cards, earlier_cards
from .stored import (
    ASSET_CACHE,
    HTML,
    IMAGE_TYPES,
    JSON,
    author_kinds,
    editorial_key,
    facts_from,
    kinds_of,
    load_decisions,
    load_site,
    mark_of,
    version_with,
)

PAGE_CACHE = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
PREVIEW_CACHE = "no-store"
_BATCH = 50
_UNSEEN = frozenset((DRAFT, SCHEDULED))
_SHOWN = _UNSEEN | {LIVE}
_SHORTLY = timedelta(seconds=1)
_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The etag of a tombstone: the MD5 of nothing."""
_NONE: Mapping[str, str] = {}
_NO_DATE = "1000-01-01T00:00:00+00:00"
"""Of an article whose draft was deleted: nothing is known of it but its slug."""


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
    plain: Document
    """Without them."""
    digest: str
    state: str
    due: datetime | None
    site: Site
    authors: tuple[Mapping[str, Any] | None, ...]
    topics: tuple[Mapping[str, Any] | None, ...]
    profiles: dict[str, str]
    earlier: dict[str, list[dict[str, Any]]]


class _Folder(NamedTuple):
    """What is to lie in a folder: objects, and images (target, key and etag of each); nothing else, or else tombstones."""

    prefix: str
    outputs: tuple[Output, ...]
    assets: tuple[tuple[str, str, str], ...] = ()
    cache: str = ""
    tags: Mapping[str, str] = _NONE
    tombstones: bool = False


class _Made(NamedTuple):
    pages: _Folder
    preview: _Folder
    facts: bytes


def gate(slug: str, ports: Ports, theme: Theme, bulk: str = "", again: bool = False) -> Gated | None:
    """Bring an article's pages in line with its document and the editors' decisions; sends the events.

    Args:
        bulk: the cache tag of all articles that a change touched, when it touched many.
        again: whether a run may have died in the midst of this.

    Returns:
        None where there is no such document.

    Raises:
        Transient: time alone will change the article within a second, so the message should come back.
    """
    seen: list[_Inputs | None] = []

    def read() -> _Inputs | None:
        seen[:] = [_read(slug, ports, ports.clock())]
        return seen[0]

    def make(inputs: _Inputs | None) -> _Made | None:
        return _make(inputs, theme) if inputs else None

    def write(made: _Made | None) -> bool:
        nonlocal again
        doubtful, again = again, True
        return made is not None and _write(slug, made, ports, doubtful)

    converge(read, make, write)
    inputs = seen[0]
    if inputs is None:
        return None
    due = inputs.due
    if due:
        ports.alarm.wake(slug, due)
    detail = {"slug": slug, "state": inputs.state, "paths": [f"/articles/{slug}/*"]}
    events = (Event("ArticleGated", {**detail, "bulk": bulk} if bulk else detail),)
    # Whether an old address leads here can depend on a profile, of which only the article itself is told.
    old = catalogue.old_slugs(ports.articles, slug) if inputs.site.require_approval else []
    ports.bus.emit([*events, *(Event("ArticleTouched", {"slug": other}) for other in old)])
    if due and due <= ports.clock() + _SHORTLY:
        # The alarm may have rung a little early, by another clock than ours, and does not ring twice; or the moment came
        # while we worked, and it may not ring at all.
        raise Transient(f"{slug} is due in a moment")
    return Gated(slug, inputs.state, due, events)


def lift(slug: str, ports: Ports, theme: Theme) -> bool:
    """Put up the pages of an article whose embargo is over, and nothing else, so that of many that are due at one moment
    each is there before the lists are made.

    Nothing is written over, so this brings nothing back that was taken down. Nor is there a second look: whoever calls
    this has the article gated next, which takes away what should not be there after all.

    Returns:
        Whether all of its pages are up. Where not, there is more to it than that an embargo is over.
    """
    inputs = _read(slug, ports, ports.clock())
    if inputs is None or inputs.state != LIVE or inputs.document.moved:
        return False
    folder = _variants(inputs, theme)
    try:
        _bring(folder, {}, ports.site, ports)
        _store(folder, {}, ports.site)
    except Conflict:
        return False
    return True


def _read(slug: str, ports: Ports, now: datetime) -> _Inputs | None:
    blob = ports.work.get(f"articles/{slug}.json")
    if not blob:
        return None
    decisions = ports.work.get(editorial_key(slug))
    site = load_site(ports)
    plain = Document.from_bytes(blob.body)
    profiles: dict[str, str] = {}

    def load(folder: str, ids: Iterable[tuple[str, str]]) -> tuple[Mapping[str, Any] | None, ...]:
        keys = [f"{folder}/{identifier}.json" for identifier, _ in ids]
        blobs = [ports.work.get(key) for key in keys]
        profiles.update((key, b.metadata.get("digest", "") if b else "") for key, b in zip(keys, blobs, strict=True))
        return tuple(facts_from(found.body) if found else None for found in blobs)

    authors = load("authors", plain.authors) if site.require_approval else None
    document = decided(plain, load_decisions(decisions), site, kinds_of(authors or ()))
    state, due = document.state(now), document.next_change(now)
    if document.moved and (target := _led_to(document, site, ports)) and target.state(now) in _UNSEEN:
        state, due = target.state(now), target.next_change(now)
    topics: tuple[Mapping[str, Any] | None, ...] = ()
    earlier: dict[str, list[dict[str, Any]]] = {}
    if state in _SHOWN:
        authors = load("authors", document.authors) if authors is None else authors
        topics = load("topics", document.topics)
    else:
        authors = ()
        profiles.clear()
    if state == LIVE:
        earlier = {name: earlier_cards(name, sort_key(document), ports) for name in related_lists(document)}
    mark = mark_of(blob, decisions)
    return _Inputs(document, plain, mark, state, due, site, authors, topics, profiles, earlier)


def _led_to(pointer: Document, site: Site, ports: Ports) -> Document | None:
    """The article that an old address leads to; None where it has moved on, and what stands there is another's."""
    held = catalogue.holder(ports.articles, pointer.moved)
    blob = ports.work.get(f"articles/{pointer.moved}.json") if held and held["holder"] == pointer.file else None
    if not blob:
        return None
    document, decisions = Document.from_bytes(blob.body), ports.work.get(editorial_key(pointer.moved))
    return decided(document, load_decisions(decisions), site, author_kinds(document, site, ports))


def sort_key(document: Document) -> str:
    """An article's place in any list: lists are in order of time, and of slugs within a second."""
    return f"{sortable(document.date or _NO_DATE)}#{document.slug}"


def related_lists(document: Document) -> list[str]:
    """The lists that "More in" and "More from" are taken from: the primary topic's and the first author's."""
    return [f"topic:{i}" for i, _ in document.topics[:1]] + [f"author:{i}" for i, _ in document.authors[:1]]


def places(document: Document) -> list[str]:
    """Where an article would stand in lists if it were live, each as `<list> <sort key>`."""
    names = ["all", *(f"topic:{i}" for i, _ in document.topics), *(f"author:{i}" for i, _ in document.authors)]
    return [f"{name} {sort_key(document)}" for name in names]


def _unseen_entries(inputs: _Inputs) -> dict[str, Any]:
    """Card and places of an article that readers do not get: in lists without pages, which editors look into.

    Whoever changes a profile finds there the previews that show it.
    """
    known = inputs.plain if inputs.document.withdrawn else inputs.document
    card = pages.card_facts(known, [None] * len(known.authors), [None] * len(known.topics))
    return {"cards": [card], "places": {catalogue.list_in(inputs.state, place): 0 for place in places(known)}}


def _make(inputs: _Inputs, theme: Theme) -> _Made:
    document, slug = inputs.document, inputs.document.slug
    facts: dict[str, Any] = {"slug": slug, "state": inputs.state, "document": inputs.digest, "cards": [], "places": {}}
    # What the page shows of others: whoever enters the article into lists looks whether it still holds.
    facts["shows"] = {"profiles": inputs.profiles, "place": "", "earlier": digest_cards(inputs.earlier)}
    published, preview = _Folder(f"articles/{slug}/", ()), _preview_is_over(slug)
    if document.moved:
        # The way to what readers do not get yet would tell them that it is there.
        if inputs.state not in _UNSEEN:
            there = {"status": "301", "location": f"/articles/{document.moved}/"}
            published = _everywhere(inputs, b"Moved\n", there)
    elif inputs.state in (WITHDRAWN, EXPIRED):
        published = _everywhere(inputs, gone_html(theme, inputs.site).encode(), {"status": "410"})
        facts |= _unseen_entries(inputs)
        facts["cards"].append({"slug": slug})
        facts["places"] |= dict.fromkeys(_old_addresses(document, "~"), 1)
    elif inputs.state != LIVE:
        preview = _preview(inputs, theme)
        facts |= _unseen_entries(inputs)
    else:
        published = _variants(inputs, theme)
        facts["shows"]["place"] = sort_key(document)
        facts["cards"], facts["places"] = _entries(inputs)
    return _Made(published, preview, canonical(facts))


def _entries(inputs: _Inputs) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What lists show of a live article: its cards, and for each of its places in lists, which of them."""
    document = inputs.document
    cards: list[dict[str, Any]] = [pages.card_facts(document, inputs.authors, inputs.topics), {"slug": document.slug}]
    found = dict.fromkeys(places(document), 0) | dict.fromkeys(_old_addresses(document), 1)
    for number, correction in enumerate(document.corrections):
        found[f"corrections {sortable(correction['date'])}#{document.slug}#{number:03}"] = len(cards)
        cards.append({**correction, "title": document.title, "slug": document.slug})
    return cards, found


def _old_addresses(document: Document, mark: str = "") -> list[str]:
    """Its places in the lists of those who had an address once; `mark` puts it after those without one."""
    paths = [path for path in document.aliases if not path.startswith("/articles/")]
    # What is left out are slugs, which render sees to.
    return [f"alias:{path} {mark}{document.slug}" for path in paths]


def _article_page(document: Document, tier: str, body: bytes, metadata: Mapping[str, str] = _NONE) -> Output:
    """An article's page for one tier, with the tags by which the cache finds it."""
    named = [("author", i) for i, _ in document.authors] + [("topic", i) for i, _ in document.topics]
    tags = [ARTICLES_TAG, article_tag(document.slug), *(profile_tag(kind, i) for kind, i in named)]
    key = f"articles/{document.slug}/~{tier}/index.html"
    return Output(key, body, HTML, PAGE_CACHE, {"cache-tag": ",".join(tags), **metadata})


def _everywhere(inputs: _Inputs, body: bytes, metadata: Mapping[str, str]) -> _Folder:
    """The same for every reader and in place of every image: the article is gone, or somewhere else."""
    outputs = tuple(_article_page(inputs.document, tier, body, metadata) for tier in inputs.site.tiers)
    slug = inputs.document.slug
    return _Folder(f"articles/{slug}/", outputs, tags={"cache-tag": files_tag(slug)}, tombstones=True)


def _variants(inputs: _Inputs, theme: Theme) -> _Folder:
    """A page for each tier from that tier's view, and what images it shows."""
    document, site = inputs.document, inputs.site
    views = [view(document, tier, site) for tier in site.tiers]
    texts = pages.article_pages(theme, site, document, views, inputs.authors, inputs.topics, _related(inputs))
    assets = [
        (f"articles/{document.slug}/~{tier}/{asset.name}", asset.key, asset.etag)
        for tier, seen in zip(site.tiers, views, strict=True)
        for asset in document.assets
        if asset.name in seen.assets
    ]
    outputs = [_article_page(document, tier, text.encode()) for tier, text in zip(site.tiers, texts, strict=True)]
    tags = {"cache-tag": files_tag(document.slug)}
    return _Folder(f"articles/{document.slug}/", tuple(outputs), tuple(assets), ASSET_CACHE, tags)


def _preview(inputs: _Inputs, theme: Theme) -> _Folder:
    """The whole of an article that readers do not get yet, in the private bucket, for those who have a link of their own."""
    document, site = inputs.document, inputs.site
    whole = view(document, site.tiers[-1], site)
    [text] = pages.article_pages(theme, site, document, [whole], inputs.authors, inputs.topics, [], preview=True)
    prefix = preview_key(document.slug, "")
    # The page's own images lie beside it; every other address is as it will be.
    text = text.replace(f'src="/articles/{document.slug}/', f'src="/{prefix}')
    page = Output(preview_key(document.slug), text.encode(), HTML, PREVIEW_CACHE)
    assets = tuple((prefix + a.name, a.key, a.etag) for a in document.assets if a.name in whole.assets)
    return _Folder(prefix, (page,), assets, PREVIEW_CACHE)


def _preview_is_over(slug: str) -> _Folder:
    """Whoever still comes with a preview link is sent to the article's own address."""
    there = {"status": "302", "location": f"/articles/{slug}/"}
    return _Folder(preview_key(slug, ""), (Output(preview_key(slug), b"Published\n", HTML, PREVIEW_CACHE, there),))


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


def _write(slug: str, made: _Made, ports: Ports, doubtful: bool) -> bool:
    wrote = [_fill(made.pages, ports.site, ports), _fill_preview(made.preview, ports, doubtful)]
    wrote.append(store(ports.work, Output(f"facts/{slug}.json", made.facts, JSON)))
    return any(wrote)


def _fill(folder: _Folder, objects: Objects, ports: Ports) -> bool:
    """Bring a folder in line; whether anything was written."""
    there = dict(objects.list(folder.prefix))
    return any([_bring(folder, there, objects, ports), _store(folder, there, objects), _clear(folder, there, objects)])


def _fill_preview(folder: _Folder, ports: Ports, doubtful: bool) -> bool:
    """As any folder; but that a preview is over is written last, so that where it stands, there is nothing else.

    Args:
        doubtful: whether a slow run, this one itself before, may have put an image beside it even so.
    """
    [page] = folder.outputs
    if page.metadata and not doubtful and is_stored(ports.work, page):
        return False
    there = dict(ports.work.list(folder.prefix))
    return any(
        [_bring(folder, there, ports.work, ports), _clear(folder, there, ports.work), _store(folder, there, ports.work)]
    )


def _bring(folder: _Folder, there: Mapping[str, str], objects: Objects, ports: Ports) -> bool:
    """Copy the images that are missing.

    An image's name holds its digest, so bytes other than those that the document speaks of may not get that name.
    """
    missing = [asset for asset in folder.assets if there.get(asset[0], _EMPTY) == _EMPTY]
    for target, key, etag in missing:
        blob = _image(key, etag, ports)
        kind = IMAGE_TYPES["." + target.rsplit(".", 1)[1]]
        seen = objects.stat(target) if target in there else None
        store_over(seen, objects, Output(target, blob.body, kind, folder.cache, folder.tags))
    return bool(missing)


def _image(key: str, etag: str, ports: Ports) -> Blob:
    """The version of an image that a document speaks of. An article whose newer drafts are refused keeps an older one.

    Raises:
        Conflict: there is none.
    """
    blob = ports.drafts.get(key)
    if not blob or blob.etag != etag:
        blob = version_with(key, etag, ports)
    if not blob:
        raise Conflict(f"{key} is not what the draft was rendered with")
    return blob


def _store(folder: _Folder, there: Mapping[str, str], objects: Objects) -> bool:
    def seen(key: str) -> Stat | None:
        return objects.stat(key) if key in there else None

    wrote = [store_over(seen(output.key), objects, output) for output in folder.outputs]
    return any(wrote)


def _clear(folder: _Folder, there: Mapping[str, str], objects: Objects) -> bool:
    """Take away what should not be there. Where an article is gone, a tombstone stands for each of its images."""
    wanted = {output.key for output in folder.outputs} | {target for target, _, _ in folder.assets}
    shown = {output.key.rpartition("/")[0] for output in folder.outputs if folder.tombstones}
    wrote = False
    for key in sorted(set(there) - wanted):
        if key.rpartition("/")[0] in shown:
            wrote |= store(objects, Output(key, b"", "text/plain", PAGE_CACHE, {**folder.tags, "status": "410"}))
        else:
            objects.delete(key)
            wrote = True
    return wrote


def fan_out(kind: str, identifier: str, ports: Ports) -> int:
    """Ask for every article that shows a profile, or for all of them (`kind` is site), to be gated again.

    Returns:
        How many articles were asked for.
    """
    count = 0
    batches = _affected(kind, identifier, ports)
    first = next(batches, [])
    bulk = {"bulk": profile_tag(kind, identifier) if identifier else ARTICLES_TAG} if len(first) >= MANY else {}
    for batch in chain([first], batches):
        ports.bus.emit([Event("ArticleTouched", {"slug": slug, **bulk}) for slug in batch])
        count += len(batch)
    return count


def _affected(kind: str, identifier: str, ports: Ports) -> Iterator[list[str]]:
    if kind == "site":
        slugs = [key.removeprefix("articles/").removesuffix(".json") for key, _ in ports.work.list("articles/")]
        yield from (slugs[start : start + _BATCH] for start in range(0, len(slugs), _BATCH))
        return
    for state in (LIVE, DRAFT, SCHEDULED):
        name = catalogue.list_in(state, f"{kind}:{identifier}")
        after = ""
        while entries := catalogue.entries(ports.articles, name, after, _BATCH):
            yield [item["card"]["slug"] for item in entries]
            after = entries[-1]["sk"]
