"""Reconcile: compare the site with what the drafts say, and request that whatever differs is made again.

The expected site is built in memory by the same stages, from what outlasts every table: the drafts bucket with its versions,
the editors' decisions, and the documents that say that an article is gone or has moved. Reconcile makes no page itself:
it sends the events after which the stages do. It works after a disaster as on any other night.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.decisions import Decisions
from nightdesk.domain.documents import DRAFT, Document
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.events import (
    ArticleRendered,
    ArticleWithdrawn,
    PagesWritten,
    PictureRequested,
    RelistRequested,
    RenderRequested,
    RereadRequested,
    SiteChanged,
    SocialCardRequested,
)
from nightdesk.domain.site_paths import RECENT_SEARCH_PATH, SEARCH_ARCHIVE, is_uncached, key_of, path_of
from nightdesk.ports import ANY, ObjectVersion, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import (
    IMAGE_TYPES,
    JSON,
    SITE_KEY,
    approved_key,
    article_slugs,
    decisions_from,
    decisions_keys,
    document_key,
    facts_key,
    image_key,
    is_about_article,
    load_document,
    load_social_card,
    owners_keys,
    profile_keys,
    stored_attachments,
    stored_images,
)
from nightdesk.repositories.records import ArticleRecord, DraftRecord
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk.usecases.pipeline.expected_site import DigestedPages, Digests, ReadAhead
from nightdesk.usecases.pipeline.invalidate import has_older_version, token_of_versions
from nightdesk.usecases.pipeline.lost_entries import articles_with_wrong_entries, reopen_record
from nightdesk.usecases.pipeline.places import list_of_path
from nightdesk.usecases.pipeline.stored_pictures import HERE, missing_pictures, missing_social_cards, with_pictures
from nightdesk.usecases.pipeline.tombstones import write_tombstone

_NOT_COMPARED = ("updates/", "assets/", "~errors/", "openapi.json", SEARCH_ARCHIVE, key_of(RECENT_SEARCH_PATH))
"""The ticker, whose table is its own source; files of earlier themes; pages without an address; and the API's description,
which only a built theme has; and what the search stage makes, every night too."""
_PER_EVENT = 100


@dataclass(frozen=True, slots=True)
class Differences:
    """How the site differs from what the drafts say.

    Attributes:
        drafts: keys of files of which the table knows another version, or whose document or images differ.
        articles: slugs whose pages or records differ, or that never ordered their social card.
        orphans: slugs of articles on the site for which there is no draft.
        lists: names of lists whose pages differ, or that never ordered their social card.
        common_pages: whether pages that every site has differ.
        entries: for slugs of articles, the places in lists where an entry is missing or superfluous.
        stale: paths that the cache may hold an older version of.
        updates: keys of files of updates of which the table knows another version.
        pictures: who waits for renditions of an image, which, and what there are instead (`PictureRequested`).
        social_cards: which pages wait for which social card (`SocialCardRequested`).
    """

    drafts: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    common_pages: bool = False
    entries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    stale: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str, str], ...] = ()
    social_cards: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def to_json(self) -> dict[str, Any]:
        """Return the differences as JSON values."""
        return asdict(self)


def compare(ports: Ports, theme: Theme, empty: Ports) -> Differences:
    """Compare the tables, the site and its cache with what the drafts say. Changes nothing.

    Args:
        empty: ports in memory, without any content, in which to build the expected site.
    """
    stored = _read_documents(ports)
    expected = _build_expected(stored, ports, theme, empty)
    slugs = set(_expected_slugs(expected, stored))
    keys = _differing_keys(expected, ports)
    articles = {key.split("/")[1] for key in keys if key.startswith("articles/")}
    lists = {list_of_path(path_of(key)) for key in keys if not key.startswith("articles/")}
    cards = missing_social_cards(expected)
    ordered = {(page, card) for page, card in cards if load_social_card(card, ports)}
    # What the others are drawn from is known here in memory alone, so their pages must order them.
    articles |= {page.split("/")[2] for page, _ in cards - ordered if page.startswith("/articles/")}
    lists |= {list_of_path(page) for page, _ in cards - ordered if not page.startswith("/articles/")}
    records = _records(sorted(slugs), ports)
    entries = articles_with_wrong_entries(lists - {""}, records, ports)
    return Differences(
        drafts=tuple(sorted({*_differing_drafts(expected, ports), *_differing_documents(stored, expected, ports)})),
        articles=tuple(sorted((articles & slugs) | set(_differing_records(slugs, records, expected)))),
        orphans=tuple(sorted(articles - slugs)),
        lists=tuple(sorted(lists - {""})),
        common_pages="" in lists,
        entries=tuple((slug, tuple(places)) for slug, places in sorted(entries.items())),
        stale=tuple(sorted(_stale_paths(ports))),
        updates=tuple(sorted(_differing_updates(ports))),
        pictures=tuple(missing_pictures(expected)),
        social_cards=tuple(sorted(ordered)),
    )


def request_repairs(found: Differences, ports: Ports) -> None:
    """Request everything that differs to be made again; sends the events."""
    drafts = set(found.drafts)
    for slug in found.orphans:
        # Read before the claim: a draft that claims the slug meanwhile writes its document, and the tombstone conflicts.
        seen = ports.private.stat(document_key(slug))
        claim = articles_table.claim_of(ports.articles, slug)
        if claim:
            drafts.add(claim.holder)
        else:
            write_tombstone(slug, seen, ports)
            ports.bus.emit([ArticleWithdrawn(slug)])
    ports.bus.emit([RenderRequested(key) for key in sorted(drafts)])
    for slug, places in found.entries:
        reopen_record(slug, places, ports)
    ports.bus.emit([ArticleRendered(slug, 0) for slug in sorted({*found.articles, *dict(found.entries)})])
    ports.bus.emit([RelistRequested(name) for name in found.lists])
    ports.bus.emit([SiteChanged()] if found.common_pages else [])
    ports.bus.emit([PagesWritten(paths) for paths in _chunks(found.stale)])
    ports.bus.emit([PictureRequested(*picture) for picture in found.pictures])
    ports.bus.emit([SocialCardRequested(page, card) for page, card in found.social_cards])
    ports.bus.emit([RereadRequested(keys) for keys in _chunks(found.updates)])


def _chunks(names: Sequence[str]) -> list[list[str]]:
    return [list(names[start : start + _PER_EVENT]) for start in range(0, len(names), _PER_EVENT)]


def _read_documents(ports: Ports) -> dict[str, Document]:
    """Return the documents, tombstones and pointers that are stored, by slug."""
    slugs = article_slugs(ports)
    found = ports.in_parallel(lambda slug: load_document(slug, ports), slugs)
    return {slug: document for slug, document in zip(slugs, found, strict=True) if document}


def _build_expected(stored: Mapping[str, Document], ports: Ports, theme: Theme, empty: Ports) -> Ports:
    """Build the expected site, and return the ports of the world in memory that contains it.

    Args:
        stored: the documents of the present site, by slug.
    """
    keys = [key for key, _ in ports.drafts.list("")]
    texts = [key for key in keys if classify(key)]
    world = replace(
        empty,
        drafts=ReadAhead(ports.drafts, texts, ports.in_parallel),
        site=DigestedPages(empty.site),
        base_url=ports.base_url,
        clock=ports.clock,
        can_sign_in=ports.can_sign_in,
        can_pay=ports.can_pay,
    )
    world = with_pictures(world, ports)
    decided = decisions_keys(ports)
    copied = [*decided, *owners_keys(ports)]
    for key, blob in zip(copied, ports.in_parallel(ports.private.get, copied), strict=True):
        if blob:
            world.private.put(Output(key, blob.body, JSON), ANY)
    for key in filter(is_about_article, decided):
        _copy_approved(decisions_from(world.private.get(key)), ports, world)
    for slug, document in stored.items():
        if document.withdrawn:
            world.private.put(Output(document_key(slug), document.to_bytes(), JSON), ANY)
    _copy_records(texts, ports, world)
    build_site(keys, world, theme)
    return world


def _copy_records(keys: Sequence[str], ports: Ports, world: Ports) -> None:
    """Copy by what feeds know the articles that have moved, who put the drafts, and their dates before a restore, of which the bucket says nothing.

    What is known of each attachment is copied too, so that none is read again; and the records of the deleted drafts whose articles
    others continue, which says what those inherit.
    """
    records = articles_table.draft_records(ports.articles, keys)
    deleted = sorted({before for record in records if record for before in record.predecessors} - set(keys))
    for key, record in zip(deleted, articles_table.draft_records(ports.articles, deleted), strict=True):
        if record:
            world.articles.write(articles_table.draft_changes(key, record._replace(version=None), None))
    for key, record in zip(keys, records, strict=True):
        attachments = {name: found for name, found in record.images.items() if is_attachment(name)} if record else {}
        kept = record and (record.first_address or record.requesters or record.predecessors or record.dates)
        if record and (kept or attachments):
            unread = DraftRecord("draft", record.slug, DRAFT, "", [], [], [], [])
            known = unread._replace(
                first_address=record.first_address,
                requesters=record.requesters,
                images=attachments,
                predecessors=record.predecessors,
                dates=record.dates,
            )
            world.articles.write(articles_table.draft_changes(key, known, None))


def _copy_approved(decisions: Decisions, ports: Ports, world: Ports) -> None:
    """Copy the version that an editor approved, with its images: the drafts may hold a newer one by now."""
    key = approved_key(decisions.approval.sha256) if decisions.approval else ""
    blob = ports.private.get(key) if key else None
    if not blob:
        return
    world.private.put(Output(key, blob.body, JSON, metadata=blob.metadata), ANY)
    for asset in Document.from_bytes(blob.body).assets:
        if image := ports.private.get(image_key(asset.sha256)):
            world.private.put(Output(image_key(asset.sha256), image.body, "application/octet-stream"), ANY)


def _expected_slugs(expected: Ports, stored: Mapping[str, Document]) -> Iterator[str]:
    """Yield the slugs at which there should be an article, a pointer, or the tombstone of one that was there.

    A draft that gives way to an older one while the expected site is built leaves a tombstone; on the site, it may never have
    been more than rejected.
    """
    for slug in article_slugs(expected):
        document = load_document(slug, expected)
        if slug in stored or not (document and document.withdrawn):
            yield slug


def _differing_keys(expected: Ports, ports: Ports) -> set[str]:
    """Return the keys of the site bucket whose objects are missing, different or superfluous."""
    outputs: dict[str, Output] = expected.site.outputs  # type: ignore[attr-defined]  # it is in memory
    digests: dict[str, Digests] = {
        key: expected.site.digests(output)  # type: ignore[attr-defined]  # `_build_expected` wraps it
        for key, output in outputs.items()
        if output.body != HERE and not key.startswith("updates/")
    }
    stored = dict(ports.site.list(""))
    missing = {key for key in set(outputs) - set(stored) if not key.startswith("updates/")}
    # Whatever a listing cannot tell is looked at.
    unsure = [key for key, found in digests.items() if stored.get(key, found.md5) != found.md5]
    same = ports.in_parallel(lambda key: _holds(key, digests[key], ports), unsure)
    extra = [key for key in set(stored) - set(outputs) if not key.startswith(_NOT_COMPARED) and not _is_edition(key)]
    history = ports.in_parallel(lambda key: _is_history(key, ports), extra)
    wrong = {key for key, right in (*zip(unsure, same, strict=True), *zip(extra, history, strict=True)) if not right}
    return missing | wrong


def _holds(key: str, digests: Digests, ports: Ports) -> bool:
    """Return True if an object whose ETag is another one holds the expected bytes nevertheless.

    The ETag is the MD5 of the bytes for most objects, and then a listing is enough. It is not for those that S3 encrypts with
    a key of KMS, nor for those put in parts (API reference of S3, “Object”), so whatever differs is compared by its SHA-256.
    """
    stat = ports.site.stat(key)
    return stat is not None and stat.sha256 == digests.sha256


def _is_edition(key: str) -> bool:
    """Return True for the page of a newsletter that was sent, or the list of all: their table is their own source."""
    return key.startswith("newsletter/") and key != key_of("/newsletter/")


def _is_history(key: str, ports: Ports) -> bool:
    """Return True if an object comes from the site's past, of which the drafts say nothing.

    That is a tombstone, a redirect, or a replaced portrait or social card, which pages in a reader's browser may still show.
    """
    if key.startswith(("authors/", "topics/")) and key.endswith(tuple(IMAGE_TYPES)):
        return True
    stat = ports.site.stat(key)
    return stat is None or stat.metadata.get("status") in ("301", "410")


def _differing_drafts(expected: Ports, ports: Ports) -> Iterator[str]:
    """Yield the files of which the table knows another version or none, and deleted ones that still have an effect."""
    files = ports.drafts.list("")
    present = [(key, etag) for key, etag in files if classify(key) and not key.startswith(_NOT_COMPARED)]
    records = articles_table.draft_records(ports.articles, [key for key, _ in present])
    for (key, etag), record in zip(present, records, strict=True):
        if not record or record.etag != etag:
            yield key
    for kind in ("author", "topic", "page"):
        kept = profile_keys(kind, expected)
        yield from (key.removesuffix("json") + "md" for key in profile_keys(kind, ports) if key not in kept)
    if ports.private.stat(SITE_KEY) and not expected.private.stat(SITE_KEY):
        yield "site.yaml"


def _differing_documents(stored: Mapping[str, Document], expected: Ports, ports: Ports) -> Iterator[str]:
    """Yield the drafts whose documents differ, or of whose images or attachments there is no copy.

    That a table knows the version of a draft's file does not show that its document is right: an image may have changed.
    """
    images, attachments = stored_images(ports), stored_attachments(ports)
    for slug in article_slugs(expected):
        document = load_document(slug, expected)
        if document and not document.withdrawn:
            missing = any(asset.sha256 not in images for asset in document.assets)
            missing |= any(each.sha256 not in attachments for each in document.attachments)
            if missing or stored.get(slug) != document:
                yield document.file


def _differing_updates(ports: Ports) -> Iterator[str]:
    """Yield the files of updates of which the table knows another version, including deleted ones."""
    present = dict(ports.drafts.list("updates/"))
    ever = sorted({version.key for version in ports.drafts.list_versions("updates/")})
    keys = [key for key in ever if (parsed := classify(key)) and parsed.kind == "update"]
    records = articles_table.draft_records(ports.articles, keys)
    for key, record in zip(keys, records, strict=True):
        if (record.etag if record else "") != present.get(key, ""):
            yield key


def _records(slugs: Sequence[str], ports: Ports) -> dict[str, ArticleRecord]:
    """Return what the index last listed of articles, by slug."""
    found = articles_table.article_records(ports.articles, slugs)
    return {slug: record for slug, record in zip(slugs, found, strict=True) if record}


def _differing_records(slugs: Iterable[str], records: Mapping[str, ArticleRecord], expected: Ports) -> Iterator[str]:
    """Yield the articles whose facts or entries the table knows differently, or whose last generation was not completed."""
    for slug in slugs:
        blob = expected.private.get(facts_key(slug))
        facts = hashlib.sha256(blob.body).hexdigest() if blob else ""
        record = records.get(slug)
        if not record or record.facts != facts or not record.is_complete:
            yield slug


def _stale_paths(ports: Ports) -> Iterator[str]:
    """Yield the paths whose newest write was never invalidated."""
    versions: dict[str, list[ObjectVersion]] = defaultdict(list)
    for version in ports.site.list_versions(""):
        if version.key.startswith("articles/"):
            versions[f"/articles/{version.key.split('/')[1]}/*"].append(version)
        elif not version.key.startswith(_NOT_COMPARED) and not version.key.endswith(tuple(IMAGE_TYPES)):
            versions[path_of(version.key)].append(version)
    recorded = articles_table.invalidated_writes(ports.articles)
    for path, found in versions.items():
        if is_uncached(path):
            continue
        if recorded.get(path, "") != token_of_versions(path, found) and (path in recorded or has_older_version(found)):
            yield path
