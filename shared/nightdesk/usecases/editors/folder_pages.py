"""The pages that a folder of drafts would make, as far as links need to know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from nightdesk.domain.anchors import Anchors
from nightdesk.domain.documents import DRAFT, EXPIRED, LIVE, Document
from nightdesk.domain.drafts import alias_lines, slug_of_rejected
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.old_addresses import leads_to_no_file, old_address, slug_of_address
from nightdesk.domain.path_owners import owner_of
from nightdesk.domain.profile_uses import profile_uses
from nightdesk.domain.site import Site
from nightdesk.domain.suggestions import did_you_mean
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.domain.views import all_anchors
from nightdesk.usecases.editors.link_warnings import GONE, HIDDEN, LISTED, NOTHING, THERE
from nightdesk.usecases.pipeline.linked_drafts import slug_of_name
from nightdesk.usecases.pipeline.render_document import read_draft


class _Index(NamedTuple):
    """The key of the draft for each slug, old addresses, and the paths of profiles and of the newsroom's own pages."""

    slugs: dict[str, str]
    aliases: frozenset[str]
    fronts: frozenset[str]


class FolderPages:
    """The pages that a folder makes. Its files are read when the first link asks.

    Args:
        files: what reads each file, by its key in the drafts bucket.
    """

    where = "in this folder"

    def __init__(self, site: Site, files: Mapping[str, Callable[[], bytes]], now: datetime) -> None:
        self._site = site
        self._files = files
        self._now = now
        self._documents: dict[str, Document | None] = {}

    def state(self, path: str) -> str:
        """Return what readers would get at a path."""
        address, index = old_address(path), self._index
        if address in index.aliases or address in index.fronts:
            return THERE
        plain = old_address(path.partition("?")[0])
        if slug := slug_of_address(plain):
            document = self._document(slug)
            if slug not in index.slugs:
                return NOTHING
            state = document.state(self._now) if document else DRAFT
            return {LIVE: THERE, EXPIRED: GONE}.get(state, HIDDEN)
        if listed := LISTED.fullmatch(plain):
            return THERE if not listed[1] or f"/{listed[1]}s/{listed[2]}/" in index.fronts else NOTHING
        return THERE if owner_of(plain) and not leads_to_no_file(plain) else NOTHING

    def anchors(self, path: str) -> Anchors | None:
        """Return the anchors of an article."""
        document = self._document(slug_of_address(path))
        return all_anchors(document) if document else None

    def near(self, path: str) -> str:
        """Return a question for a misspelt article, author or topic."""
        if slug := slug_of_address(path):
            return did_you_mean(slug, self._index.slugs)
        found = LISTED.fullmatch(path)
        names = [front.split("/")[2] for front in self._index.fronts if found and front.startswith(f"/{found[1]}s/")]
        return did_you_mean(found[2], names) if found and found[1] else ""

    def slug_of(self, name: str) -> str:
        """Return the slug of a draft."""
        slug = slug_of_name(name, self._named.get(slug_of_filename(name), ()))
        return slug if slug in self._index.slugs else ""

    def original(self, slug: str) -> str:
        """Return the slug that an article names as its original."""
        document = self._document(slug)
        return document.translation_of if document else ""

    def _document(self, slug: str) -> Document | None:
        """Return the article at a slug; None if there is none, or if its draft would be rejected."""
        key = self._index.slugs.get(slug, "")
        if key and key not in self._documents:
            parsed = classify(key)
            try:
                read = read_draft(self._files[key](), parsed, self._site, (), {})[0] if parsed else None
            except Rejected:
                read = None
            self._documents[key] = read
        return self._documents.get(key)

    @cached_property
    def _named(self) -> dict[str, list[tuple[str, str]]]:
        """Key and slug of each draft, by the slug that its name gives."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for slug, key in self._index.slugs.items():
            if filed := classify(key):
                found[slug_of_filename(filed.name)].append((key, slug))
        return dict(found)

    @cached_property
    def _index(self) -> _Index:
        slugs: dict[str, str] = {}
        aliases, fronts = set(), set()
        for key in sorted(self._files):
            filed = classify(key)
            if not filed or filed.refusal:
                continue
            if filed.kind == "page":
                fronts.add(f"/{slugify(filed.name)}/")
            elif filed.kind in ("author", "topic"):
                fronts.add(f"/{filed.kind}s/{slugify(filed.name)}/")
            elif filed.kind == "draft":
                raw = self._files[key]()
                slugs.setdefault(slug_of_rejected(raw, filed.name), key)
                fronts |= {f"/{use.kind}s/{use.id}/" for use in profile_uses(raw, "draft")}
                aliases |= _aliases(raw)
        return _Index(slugs, frozenset(aliases), frozenset(fronts))


def _aliases(raw: bytes) -> set[str]:
    try:
        return set(alias_lines(raw))
    except Rejected:
        return set()
