"""What gate reads: everything that an article's pages and public facts depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from nightdesk.domain.documents import LIVE, NOT_YET_PUBLIC, SCHEDULED, WITHDRAWN, Document
from nightdesk.domain.site import Site
from nightdesk.domain.social_cards import CardOrder
from nightdesk.ports import Ports, answer
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import (
    SITE_KEY,
    article_etag,
    author_kinds_of_profiles,
    decisions_from,
    decisions_key,
    document_key,
    facts_from,
    profile_key,
    site_from,
)
from nightdesk.usecases.pipeline.effective import effective_article
from nightdesk.usecases.pipeline.former_articles import former_article, target_of
from nightdesk.usecases.pipeline.gate_pictures import NO_PICTURES, ArticlePictures, read_pictures
from nightdesk.usecases.pipeline.places import related_lists, sort_key, translation_lists
from nightdesk.usecases.pipeline.related import earlier_in
from nightdesk.usecases.pipeline.social_cards import PageCard, article_card, find_card
from nightdesk.usecases.pipeline.translations import others_in

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
        former: the slug of the live article to which the address leads until this one is public; empty for none.
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
    former: str = ""
    pictures: ArticlePictures = NO_PICTURES
    card: PageCard | None = None


def read_inputs(slug: str, ports: Ports, theme: Theme) -> GateInputs | None:
    """Read the inputs for an article; None if there is no document."""
    now = ports.clock()
    blob, decisions, settings = ports.in_parallel(
        ports.private.get, (document_key(slug), decisions_key(slug), SITE_KEY)
    )
    if not blob:
        return None
    site = site_from(settings, ports)
    rendered = Document.from_bytes(blob.body)
    profiles = _ProfileReader(ports)
    # Whether an article needs approval depends on who its authors are.
    authors = profiles.read(("author", rendered.authors))[0] if site.require_approval else None
    kinds = author_kinds_of_profiles(authors or ())
    document, held = effective_article(rendered, decisions_from(decisions), site, kinds, ports)
    state, next_change = document.state(now), document.next_change(now)
    if document.moved:
        target = target_of(document, site, ports)
        if target and target.state(now) in NOT_YET_PUBLIC:
            state, next_change = target.state(now), target.next_change(now)
    former, former_change = _former(slug, site, ports) if state in NOT_YET_PUBLIC else ("", None)
    topics: Profiles = ()
    pending = Pending(held, authors or (), profiles.read(("topic", held.topics))[0]) if held else None
    if state in _SHOWS_PROFILES:
        known = authors if not held else None
        names = document.authors if known is None else ()
        authors, topics = profiles.read(("author", names), ("topic", document.topics))
        authors = authors if known is None else known
    else:
        authors = ()
        profiles.digests = profiles.digests if pending else {}
    documents = [*([document] if state in _SHOWS_PROFILES else []), *([held] if held else [])]
    pictures = read_pictures(documents, ports)
    has_card = site.social_cards and state in _HAS_CARD and not document.moved
    card = article_card(document, topics, pictures, site, theme) if has_card else None
    others = _read_others(document, state, card, site, ports)
    return GateInputs(
        document=document,
        rendered=rendered,
        etag=article_etag(blob, decisions),
        state=state,
        next_change=min((each for each in (next_change, former_change) if each), default=None),
        former=former,
        site=site,
        authors=authors,
        topics=topics,
        profile_digests=profiles.digests,
        earlier=others.earlier,
        translations=others.translations,
        pending=pending,
        pinned=state == LIVE and document.is_pinned(now),
        pictures=pictures,
        card=others.card,
        was_public=state != WITHDRAWN or not rendered.withdrawn or bool(ports.site.list_versions(f"articles/{slug}/")),
    )


class _Others(NamedTuple):
    """What the pages of an article show that was made of other articles, and its social card."""

    earlier: dict[str, list[dict[str, Any]]]
    translations: dict[str, list[dict[str, Any]]]
    card: PageCard | None


def _read_others(document: Document, state: str, card: CardOrder | None, site: Site, ports: Ports) -> _Others:
    lists = related_lists(document) if state == LIVE else []
    versions = translation_lists(document) if state == LIVE and not document.moved else []
    place = sort_key(document, site)
    calls: list[Callable[[], Any]] = [partial(earlier_in, name, place, ports) for name in lists]
    calls += [partial(others_in, name, document.slug, ports) for name in versions]
    calls.append(partial(find_card, card, ports))
    *cards, page_card = ports.in_parallel(answer, calls)
    found = dict(zip([*lists, *versions], cards, strict=True))
    return _Others({name: found[name] for name in lists}, {name: found[name] for name in versions}, page_card)


class _ProfileReader:
    """Reads profiles, and collects their digests by key; an empty digest for one that does not exist."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.digests: dict[str, str] = {}

    def read(self, *wanted: tuple[str, Iterable[tuple[str, str]]]) -> list[Profiles]:
        """Return the facts of authors or topics, for each kind and the pairs of an id and the name that the draft gives."""
        keys = [[profile_key(kind, identifier) for identifier, _ in names] for kind, names in wanted]
        each = list(dict.fromkeys(chain(*keys)))
        blobs = dict(zip(each, self._ports.in_parallel(self._ports.private.get, each), strict=True))
        self.digests |= {key: blob.metadata.get("digest", "") if blob else "" for key, blob in blobs.items()}
        facts = {key: facts_from(blob.body) if blob else None for key, blob in blobs.items()}
        return [tuple(facts[key] for key in some) for some in keys]


def _former(slug: str, site: Site, ports: Ports) -> tuple[str, datetime | None]:
    """Return the slug of the article that had a slug before, if it was published, and when time alone changes that."""
    now, pointer = ports.clock(), former_article(slug, ports)
    target = target_of(pointer, site, ports) if pointer else None
    if not pointer or not target:
        return "", None
    is_hidden = target.state(now) in NOT_YET_PUBLIC
    return "" if is_hidden else pointer.moved, target.next_change(now)
