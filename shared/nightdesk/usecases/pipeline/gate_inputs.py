"""What gate reads: everything that an article's pages and public facts depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, LIVE, SCHEDULED, WITHDRAWN, Document
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import (
    article_etag,
    author_kinds_of_profiles,
    decisions_from,
    decisions_key,
    document_key,
    facts_from,
    load_site,
    profile_key,
)
from nightdesk.usecases.pipeline.effective import effective_article, load_effective
from nightdesk.usecases.pipeline.gate_pictures import NO_PICTURES, ArticlePictures, read_pictures
from nightdesk.usecases.pipeline.places import related_lists, sort_key
from nightdesk.usecases.pipeline.related import earlier_by_list
from nightdesk.usecases.pipeline.social_cards import PageCard, article_card, read_card
from nightdesk.usecases.pipeline.translations import read_translations

NOT_YET_PUBLIC = frozenset((DRAFT, SCHEDULED))
_SHOWS_PROFILES = NOT_YET_PUBLIC | {LIVE}
_HAS_CARD = frozenset((SCHEDULED, LIVE))
"""The card of an article that goes live at a set moment is drawn before."""

Profiles = tuple[Mapping[str, Any] | None, ...]
"""Facts of authors or topics in the order in which a document names them; None for one without a profile."""


class Pending(NamedTuple):
    """A version that awaits an approval, with the facts of its authors and topics, for its preview."""

    document: Document
    authors: Profiles
    topics: Profiles


@dataclass(frozen=True, slots=True)
class GateInputs:
    """Everything that an article's pages and public facts depend on. Equal inputs give equal outputs.

    Attributes:
        document: the document with the editors' decisions applied.
        rendered: the document as render wrote it.
        etag: changes with the document and with the decisions.
        next_change: when time alone changes `state` or `pinned`; None for never.
        profile_digests: the digest of each profile that a page shows, by its key.
        earlier: by list, the cards of the articles that "More in" and "More from" name.
        translations: by list, the cards of the same article in other languages.
        pending: the newest version, if it awaits an approval while readers get an earlier one.
        pictures: what was derived of the images that the pages show.
        card: its social card; None for an article that has none, or as long as it is not known what the card shows.
        pinned: whether the article is to lead the front page now.
        was_public: False for an article that is gone, of which there never was anything at its address.
    """

    document: Document
    rendered: Document
    etag: str
    state: str
    next_change: datetime | None
    site: Site
    authors: Profiles
    topics: Profiles
    profile_digests: dict[str, str]
    earlier: dict[str, list[dict[str, Any]]]
    translations: dict[str, list[dict[str, Any]]]
    pending: Pending | None = None
    pinned: bool = False
    was_public: bool = True
    pictures: ArticlePictures = NO_PICTURES
    card: PageCard | None = None


def read_inputs(slug: str, ports: Ports, theme: Theme) -> GateInputs | None:
    """Read the inputs for an article; None if there is no document."""
    now = ports.clock()
    blob, decisions = ports.in_parallel(ports.private.get, (document_key(slug), decisions_key(slug)))
    if not blob:
        return None
    site = load_site(ports)
    rendered = Document.from_bytes(blob.body)
    profiles = _ProfileReader(ports)
    # Whether an article needs approval depends on who its authors are.
    authors = profiles.read("author", rendered.authors) if site.require_approval else None
    kinds = author_kinds_of_profiles(authors or ())
    document, held = effective_article(rendered, decisions_from(decisions), site, kinds, ports)
    state, next_change = document.state(now), document.next_change(now)
    if document.moved:
        target = _target_of(document, site, ports)
        if target and target.state(now) in NOT_YET_PUBLIC:
            state, next_change = target.state(now), target.next_change(now)
    topics: Profiles = ()
    pending = Pending(held, authors or (), profiles.read("topic", held.topics)) if held else None
    if state in _SHOWS_PROFILES:
        authors = profiles.read("author", document.authors) if authors is None or held else authors
        topics = profiles.read("topic", document.topics)
    else:
        authors = ()
        profiles.digests = profiles.digests if pending else {}
    lists = related_lists(document) if state == LIVE else []
    documents = [*([document] if state in _SHOWS_PROFILES else []), *([held] if held else [])]
    pictures = read_pictures(documents, ports)
    has_card = site.social_cards and state in _HAS_CARD and not document.moved
    card = article_card(document, topics, pictures, site, theme) if has_card else None
    return GateInputs(
        document=document,
        rendered=rendered,
        etag=article_etag(blob, decisions),
        state=state,
        next_change=next_change,
        site=site,
        authors=authors,
        topics=topics,
        profile_digests=profiles.digests,
        earlier=earlier_by_list(lists, sort_key(document, site), ports),
        translations=read_translations(document, ports) if state == LIVE and not document.moved else {},
        pending=pending,
        pinned=state == LIVE and document.is_pinned(now),
        pictures=pictures,
        card=read_card(card, ports),
        was_public=state != WITHDRAWN or not rendered.withdrawn or bool(ports.site.list_versions(f"articles/{slug}/")),
    )


class _ProfileReader:
    """Reads profiles, and collects their digests by key; an empty digest for one that does not exist."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.digests: dict[str, str] = {}

    def read(self, kind: str, names: Iterable[tuple[str, str]]) -> Profiles:
        """Return the facts of each author or topic; `names` are pairs of an id and the name that the draft gives."""
        keys = [profile_key(kind, identifier) for identifier, _ in names]
        blobs = self._ports.in_parallel(self._ports.private.get, keys)
        self.digests |= {key: b.metadata.get("digest", "") if b else "" for key, b in zip(keys, blobs, strict=True)}
        return tuple(facts_from(blob.body) if blob else None for blob in blobs)


def _target_of(pointer: Document, site: Site, ports: Ports) -> Document | None:
    """Return the article that an old slug leads to; None if another draft holds the new slug by now."""
    claim = articles_table.claim_of(ports.articles, pointer.moved)
    blob = ports.private.get(document_key(pointer.moved)) if claim and claim.holder == pointer.file else None
    if not blob:
        return None
    return load_effective(Document.from_bytes(blob.body), site, ports).document
