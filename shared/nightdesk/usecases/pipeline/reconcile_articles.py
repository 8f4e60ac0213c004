"""Reconcile articles, a slice at a time: pages, facts, records, entries and invalidations.

Documents, folders of the site, facts and versions of the site's objects are listed beside each other, in the order of slugs. So what belongs to
an article is known without asking for it, and so is what belongs to none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, cast

from nightdesk.domain.documents import Document, canonical_json, digest
from nightdesk.domain.events import PictureRequested, SocialCardRequested
from nightdesk.ports import Listed, Objects, ObjectVersion, Ports, Stat
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, list_records
from nightdesk.repositories.private_bucket import (
    document_key,
    facts_key,
    load_document,
    load_site,
    load_social_card,
    profile_ids,
)
from nightdesk.repositories.records import ArticleRecord, DraftRecord
from nightdesk.usecases.pipeline.entries import card_digest
from nightdesk.usecases.pipeline.gate import picture_requests
from nightdesk.usecases.pipeline.gate_folders import Folder
from nightdesk.usecases.pipeline.gate_inputs import read_inputs
from nightdesk.usecases.pipeline.gate_outputs import make_pages, public_facts
from nightdesk.usecases.pipeline.invalidate import has_older_version, token_of_versions
from nightdesk.usecases.pipeline.places import LIST_FOLDERS, kind_of
from nightdesk.usecases.pipeline.reconciled import LISTED, Differences, Slice, merged
from nightdesk.usecases.pipeline.standing_pages import refresh_address
from nightdesk.usecases.pipeline.trials import TrialObjects, holds, read_once, trial_of

_PER_PAGE = 1000


class _Listed(NamedTuple):
    """What is listed of some articles.

    Attributes:
        slugs: in order.
        folders: the objects of the site, by slug and key.
        facts: the ETags of public facts, by slug.
        versions: those of the objects of the site, by slug.
        last: the slug after which the next slice begins; None if there is none.
    """

    slugs: list[str]
    folders: Mapping[str, Mapping[str, Listed]]
    facts: Mapping[str, str]
    versions: Mapping[str, Sequence[ObjectVersion]]
    last: str | None


def compare_articles(after: str, ports: Ports, theme: Theme) -> Slice:
    """Compare the articles after a slug with what gate and index would make of them."""
    listed = _list(after, ports)
    shared = read_once(ports)
    records = dict(zip(listed.slugs, articles_table.article_records(ports.articles, listed.slugs), strict=True))
    documents = _documents(listed.slugs, shared)
    drafts = _Drafts(documents.values(), shared)
    compare = _Comparison(listed, records, drafts, known_lists(shared), shared, ports, theme)
    found = ports.in_parallel(compare.article, listed.slugs)
    stale = stale_paths({f"/articles/{slug}/*": each for slug, each in listed.versions.items()}, ports)
    return Slice(merged([*found, Differences(stale=tuple(stale))]), listed.last)


def _list(after: str, ports: Ports) -> _Listed:
    documents = [
        key.removeprefix("articles/").removesuffix(".json")
        for key, _ in ports.private.page("articles/", document_key(after) if after else "", LISTED)
    ]
    last = documents[-1] if len(documents) == LISTED else None
    folders, last = _folders(after, last, ports)
    within = partial(_is_within, last=last)
    begin = facts_key(after) if after else ""
    facts: dict[str, str] = {}
    while page := ports.private.page("facts/", begin, LISTED):
        named = [(key.removeprefix("facts/").removesuffix(".json"), listed.etag) for key, listed in page]
        facts |= {slug: etag for slug, etag in named if within(slug)}
        begin = page[-1][0]
        if not within(named[-1][0]):
            break
    versions: dict[str, list[ObjectVersion]] = defaultdict(list)
    begin = _past(after)
    while some := ports.site.page_versions("articles/", begin, _PER_PAGE):
        for version in some:
            if within(slug := version.key.split("/")[1]):
                versions[slug].append(version)
        begin = some[-1].key
        if not within(begin.split("/")[1]):
            break
    slugs = sorted({*filter(within, documents), *folders}, key=_order)
    return _Listed(slugs, folders, facts, versions, last)


def _folders(after: str, last: str | None, ports: Ports) -> tuple[dict[str, dict[str, Listed]], str | None]:
    """Return the folders of the site up to an article, or to an earlier one if there are more than a slice takes."""
    folders: dict[str, dict[str, Listed]] = {}
    begin = _past(after)
    while page := ports.site.page("articles/", begin, _PER_PAGE):
        for key, listed in page:
            slug = key.split("/")[1]
            if not _is_within(slug, last):
                return folders, last
            if slug not in folders and len(folders) == LISTED:
                return folders, next(reversed(folders))
            folders.setdefault(slug, {})[key] = listed
        begin = page[-1][0]
    return folders, last


def _order(slug: str) -> str:
    """Return by what both buckets order an article's objects: a hyphen comes before the dot and the slash after its slug."""
    return f"{slug}/"


def _is_within(slug: str, last: str | None) -> bool:
    return last is None or _order(slug) <= _order(last)


def _past(slug: str) -> str:
    """Return a key after all objects of an article's folder, and before those of the next one: a zero follows the slash."""
    return f"articles/{slug}0" if slug else ""


def _documents(slugs: Sequence[str], shared: Ports) -> dict[str, Document | None]:
    """Return the documents that can be read; the comparison of another one fails by itself."""

    def load(slug: str) -> Document | None:
        try:
            return load_document(slug, shared)
        except Exception:  # reported where the article is compared
            return None

    return dict(zip(slugs, shared.in_parallel(load, slugs), strict=True))


class _Drafts:
    """The drafts of articles: which there are, and their records."""

    def __init__(self, documents: Iterable[Document | None], shared: Ports) -> None:
        files = {each.file for each in documents if each and not each.withdrawn and each.file}
        self._stats: dict[str, Stat | None] = dict(
            zip(sorted(files), shared.in_parallel(shared.drafts.stat, sorted(files)), strict=True)
        )
        found = articles_table.draft_records(shared.articles, sorted(files))
        self._records: dict[str, DraftRecord | None] = dict(zip(sorted(files), found, strict=True))

    def differing(self, slug: str, document: Document) -> Differences:
        """Return what must be done about an article whose draft is gone, or has another slug."""
        record, stat = self._records.get(document.file), self._stats.get(document.file)
        if document.withdrawn or not document.file or (stat and (not record or record.etag != stat.etag)):
            return Differences()  # a file that was not rendered is found with the files
        if record and slug in record.slugs:
            is_right = stat is not None and (record.slug == slug or not record.document)
            return Differences() if is_right else Differences(drafts=(document.file,))
        return Differences(orphans=(slug,))


class _Comparison(NamedTuple):
    """What is compared of the articles of a slice."""

    listed: _Listed
    records: Mapping[str, ArticleRecord | None]
    drafts: _Drafts
    lists: frozenset[str]
    shared: Ports
    ports: Ports
    theme: Theme

    def article(self, slug: str) -> Differences:
        """Compare one article. One that fails stops no other."""
        try:
            return self._article(slug)
        except Exception:  # whatever it is
            return Differences(failed=(slug,))

    def _article(self, slug: str) -> Differences:
        trial = trial_of(self.shared)
        folder = self.listed.folders.get(slug, {})
        document = load_document(slug, self.shared)
        inputs = read_inputs(slug, trial.ports, self.theme) if document else None
        if not document or not inputs:
            return Differences(orphans=(slug,) if _has_extras(folder, (), self.ports) else ())
        draft = self.drafts.differing(slug, document)
        if draft.orphans:
            return draft
        pages, _ = make_pages(inputs, self.theme)
        requests = picture_requests(inputs, trial.ports)
        pictures = [event for event in requests if isinstance(event, PictureRequested)]
        cards = [event for event in requests if isinstance(event, SocialCardRequested)]
        ordered = [event for event in cards if load_social_card(event.card, self.ports)]
        facts, record = canonical_json(public_facts(inputs, self.theme)), self.records[slug]
        # What a card is drawn from is known here in memory alone, so the page must order it.
        wrong = len(ordered) < len(cards) or _differs(pages, folder, self.ports)
        is_current = holds(facts_key(slug), facts, self.listed.facts.get(slug, ""), self.ports.private)
        is_indexed = record is not None and record.facts == digest(facts) and record.is_complete
        places = self._wrong_places(record) if record and is_indexed else []
        return merged(
            [
                draft,
                Differences(
                    articles=() if is_current and is_indexed and not wrong else (slug,),
                    lists=tuple(self._wrong_lists(record)) if record else (),
                    entries=((slug, tuple(places)),) if places else (),
                    pictures=tuple((event.owner, event.picture, event.instead_of) for event in pictures),
                    social_cards=tuple((event.page, event.card) for event in ordered),
                ),
            ]
        )

    def _wrong_places(self, record: ArticleRecord) -> list[str]:
        """Return the places of an article in lists at which there is no entry, or another card."""
        places = list(record.places)
        entries = articles_table.entries_at(self.ports.articles, places)
        return [
            place
            for place, entry in zip(places, entries, strict=True)
            if not entry or card_digest(entry.card) != record.places[place]
        ]

    def _wrong_lists(self, record: ArticleRecord) -> list[str]:
        """Return the lists of an article of which nothing is recorded, and those of its old addresses that do not lead to it."""
        names = sorted({articles_table.split_entry(place)[0] for place in record.places})
        unknown = [name for name in names if kind_of(name) in LIST_FOLDERS and name not in self.lists]
        return unknown + [name for name in names if kind_of(name) == "alias" and not self._leads(name)]

    def _leads(self, name: str) -> bool:
        """Return True if an old address is what it should be. Its status and target are in metadata, which no listing shows."""
        site = TrialObjects(self.shared.site, stamped=True)
        ports = replace(trial_of(self.shared).ports, site=cast(Objects, site))
        refresh_address(name.partition(":")[2], load_site(self.shared), ports, self.theme)
        return not site.written


def _differs(pages: Folder, folder: Mapping[str, Listed], ports: Ports) -> bool:
    """Return True if a folder of the site lacks an object, or has another page or one that does not belong there."""
    copies = [image.target for image in pages.images] + [copy.target for copy in pages.attachments]
    if any(key not in folder or not folder[key].size for key in copies):
        return True
    for page in pages.outputs:
        listed = folder.get(page.key)
        if not listed or not holds(page.key, page.body, listed.etag, ports.site):
            return True
    return _has_extras(folder, [*copies, *(page.key for page in pages.outputs)], ports)


def _has_extras(folder: Iterable[str], wanted: Iterable[str], ports: Ports) -> bool:
    extra = sorted(set(folder) - set(wanted))
    return not all(ports.in_parallel(lambda key: is_gone_or_moved(key, ports.site), extra))


def is_gone_or_moved(key: str, site: Objects) -> bool:
    """Return True if an object comes from the site's past, of which the drafts say nothing: a tombstone or a redirect."""
    stat = site.stat(key)
    return stat is None or stat.metadata.get("status") in ("301", "410")


def known_lists(ports: Ports) -> frozenset[str]:
    """Return the names of the lists of topics and authors that the table records, or that have profiles."""
    profiles = {f"{kind}:{each}" for kind in LIST_FOLDERS for each in profile_ids(kind, ports)}
    return frozenset({*list_records.lists(ports.articles), *profiles})


def stale_paths(versions: Mapping[str, Sequence[ObjectVersion]], ports: Ports) -> list[str]:
    """Return the paths whose newest write was never invalidated.

    Args:
        versions: of the objects at each path.
    """
    paths = sorted(versions)
    items = articles_table.invalidations(ports.articles, paths)
    recorded = {path: str(item["write"]) for path, item in zip(paths, items, strict=True) if item}
    return [
        path
        for path in paths
        if recorded.get(path, "") != token_of_versions(path, versions[path])
        and (path in recorded or has_older_version(versions[path]))
    ]
