"""What gate makes of its inputs: the pages of each tier, a preview, and the article's public facts.

Everything below `articles/<slug>/~<tier>/` comes from that tier's view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, EXPIRED, LIVE, NOT_YET_PUBLIC, SCHEDULED, WITHDRAWN, canonical_json
from nightdesk.domain.pictures import PictureFiles
from nightdesk.domain.site_paths import ARTICLES_TAG, article_tag, files_tag, preview_key, profile_tag
from nightdesk.domain.views import view
from nightdesk.ports import Output
from nightdesk.rendering.article_contexts import RelatedBox
from nightdesk.rendering.article_pages import Article, SocialCard, article_pages, related_box
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.feeds import MAX_TEXT, text_digest
from nightdesk.rendering.page_parts import author_name, card_facts
from nightdesk.rendering.public_text import public_text
from nightdesk.rendering.standing_pages import article_gone_html
from nightdesk.rendering.translations import alternate_slugs, versions_of
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import ASSET_CACHE, HTML
from nightdesk.usecases.pipeline.attachments import copies_of
from nightdesk.usecases.pipeline.gate_folders import PAGE_CACHE, Folder, ImageCopy
from nightdesk.usecases.pipeline.gate_inputs import GateInputs, Pending
from nightdesk.usecases.pipeline.places import (
    alias_places,
    correction_place,
    lead_places,
    list_places,
    role_places,
    sort_key,
    translation_places,
)
from nightdesk.usecases.pipeline.related import digest_earlier

_PREVIEW_CACHE = "no-store"
_NO_METADATA: Mapping[str, str] = {}


class GateOutputs(NamedTuple):
    """An article's folders in the site bucket and in the private bucket, and its public facts as JSON."""

    pages: Folder
    preview: Folder
    facts: bytes


def make_outputs(inputs: GateInputs, theme: Theme) -> GateOutputs:
    """Make an article's pages and facts: a pure function of the inputs and the theme."""
    return GateOutputs(*make_pages(inputs, theme), canonical_json(public_facts(inputs, theme)))


def make_pages(inputs: GateInputs, theme: Theme) -> tuple[Folder, Folder]:
    """Make an article's folders in the site bucket and in the private bucket, likewise."""
    document, slug = inputs.document, inputs.document.slug
    pages, preview = Folder(f"articles/{slug}/", ()), _ended_preview(slug)
    # A pointer to an article that readers cannot get yet would reveal that it exists.
    leads_to = inputs.former if inputs.state in NOT_YET_PUBLIC else document.moved
    if leads_to:
        metadata = {"status": "301", "location": f"/articles/{leads_to}/"}
        pages = _same_for_all_tiers(inputs, b"Moved\n", metadata)
    if document.moved:
        pass  # there is nothing to preview
    elif not inputs.was_public:
        pass  # a tombstone would reveal that something was to be published here
    elif inputs.state in (WITHDRAWN, EXPIRED):
        html = article_gone_html(theme, inputs.site)
        pages = _same_for_all_tiers(inputs, html.encode(), {"status": "410"})
    elif inputs.state == LIVE:
        pages = live_pages(inputs, theme)
    else:
        preview = _preview(Pending(document, inputs.authors, inputs.topics), inputs, theme)
    if inputs.pending:
        preview = _preview(inputs.pending, inputs, theme)
    return pages, preview


def live_pages(inputs: GateInputs, theme: Theme) -> Folder:
    """Make a page for each tier from that tier's view, with the images that the view shows."""
    document, site = inputs.document, inputs.site
    views = [view(document, tier, site) for tier in site.tiers]
    public = views[0].assets
    pictures = inputs.pictures.files(document, public)
    card = inputs.card.copy(public=True) if inputs.card else None
    article = Article(
        document,
        inputs.authors,
        inputs.topics,
        _related_boxes(inputs, theme),
        pictures=pictures,
        card=SocialCard(card[0], bool(inputs.card and inputs.card.order.lead)) if card else None,
        translations=inputs.translations,
    )
    texts = article_pages(theme, site, article, views)
    images = [
        ImageCopy(f"articles/{document.slug}/~{tier}/{file}", sha256)
        for name, files in pictures.items()
        for tier, seen in zip(site.tiers, views, strict=True)
        # What everyone sees is stored once: the edge takes it from there for every reader.
        if files and name in (public if tier == site.tiers[0] else seen.assets - public)
        for file, sha256 in inputs.pictures.copies(document, name, files)
    ]
    if card and inputs.card:
        order = inputs.card.order
        target = f"articles/{document.slug}/~{site.tiers[0]}/{card[0]}"
        images.append(ImageCopy(target, card[1], None if order.lead else order))
    outputs = [_page(inputs, tier, text.encode()) for tier, text in zip(site.tiers, texts, strict=True)]
    offered = views[0].attachments
    attachments = [
        copy
        for tier, seen in zip(site.tiers, views, strict=True)
        for copy in copies_of(
            document,
            offered if tier == site.tiers[0] else seen.attachments - offered,
            f"articles/{document.slug}/~{tier}/",
            offered,
        )
    ]
    metadata = {"cache-tag": files_tag(document.slug)}
    return Folder(
        f"articles/{document.slug}/",
        tuple(outputs),
        tuple(images),
        ASSET_CACHE,
        metadata,
        attachments=tuple(attachments),
    )


def _page(inputs: GateInputs, tier: str, body: bytes, metadata: Mapping[str, str] = _NO_METADATA) -> Output:
    """Return an article's page for one tier, with the tags by which the cache finds it."""
    document = inputs.document
    profiles = [("author", i) for i, _ in document.authors] + [("topic", i) for i, _ in document.topics]
    tags = [ARTICLES_TAG, article_tag(document.slug), *(profile_tag(kind, i) for kind, i in profiles)]
    key = f"articles/{document.slug}/~{tier}/index.html"
    return Output(key, body, HTML, PAGE_CACHE, {"cache-tag": ",".join(tags), **metadata})


def _same_for_all_tiers(inputs: GateInputs, body: bytes, metadata: Mapping[str, str]) -> Folder:
    """Return the folder of an article that is gone or has moved: the same page for every tier, and tombstones for images."""
    slug = inputs.document.slug
    outputs = tuple(_page(inputs, tier, body, metadata) for tier in inputs.site.tiers)
    return Folder(f"articles/{slug}/", outputs, image_metadata={"cache-tag": files_tag(slug)}, tombstones=True)


def _preview(shown: Pending, inputs: GateInputs, theme: Theme) -> Folder:
    """Make the page of a version that is not public yet, ungated, for those who have a preview link."""
    document, site = shown.document, inputs.site
    whole = view(document, site.tiers[-1], site)
    pictures = inputs.pictures.files(document, ())
    article = Article(document, shown.authors, shown.topics, preview=True, pictures=pictures)
    [text] = article_pages(theme, site, article, [whole])
    page = Output(preview_key(document.slug), text.encode(), HTML, _PREVIEW_CACHE)
    images = [
        ImageCopy(preview_key(document.slug, file), sha256)
        for name, files in pictures.items()
        if files and name in whole.assets
        for file, sha256 in inputs.pictures.copies(document, name, files)
    ]
    folder = preview_key(document.slug, "")
    attachments = tuple(copies_of(document, whole.attachments, folder, ()))
    return Folder(folder, (page,), tuple(images), _PREVIEW_CACHE, attachments=attachments)


def _ended_preview(slug: str) -> Folder:
    """Return the folder of a preview that has ended: preview links lead to the article's own address."""
    metadata = {"status": "302", "location": f"/articles/{slug}/"}
    page = Output(preview_key(slug), b"Published\n", HTML, _PREVIEW_CACHE, metadata)
    return Folder(preview_key(slug, ""), (page,))


def _related_boxes(inputs: GateInputs, theme: Theme) -> list[RelatedBox]:
    """Return the boxes "More in" the primary topic and "More from" the first author. No article is in both."""
    document = inputs.document
    topics = zip(document.topics[:1], inputs.topics, strict=False)
    authors = zip(document.authors[:1], inputs.authors, strict=False)
    sources = [("topic", "topics", pair, profile) for pair, profile in topics]
    sources += [("author", "authors", pair, profile) for pair, profile in authors]
    boxes = []
    shown: set[str] = set()
    for kind, folder, (identifier, name), profile in sources:
        cards = [card for card in inputs.earlier[f"{kind}:{identifier}"] if card["slug"] not in shown]
        shown.update(card["slug"] for card in cards)
        target = Link(author_name(identifier, name, profile), f"/{folder}/{identifier}/")
        if cards:
            boxes.append(related_box(theme.text(inputs.site), inputs.site, kind, target, cards))
    return boxes


def public_facts(inputs: GateInputs, theme: Theme) -> dict[str, Any]:
    """Return what index may know of an article: its cards, and for each of its places the number of the card there.

    `shows` names what the page shows of others. Index compares it with what they are when the article is listed. `text` is
    what feeds show and the search finds; the card names it by its digest, so that lists of cards stay small. `moved` is the slug to which an old one leads.
    """
    document, live, text = inputs.document, inputs.state == LIVE, ""
    cards: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    if live and not inputs.rendered.moved:
        pictures = inputs.pictures.public_files(document, inputs.site)
        text = public_text(theme.text(inputs.site), inputs.site, document, pictures)
        cards, places = _live_entries(inputs, text, pictures.get(document.hero.get("src", "")))
    elif not inputs.rendered.moved:
        cards, places = _hidden_entries(inputs)
    if inputs.pending:
        # In the lists of drafts, where editors look for what awaits them, and where a changed profile finds its preview.
        waiting = inputs.pending.document
        places |= {articles_table.list_in(DRAFT, place): len(cards) for place in list_places(waiting, inputs.site)}
        cards.append(card_facts(waiting, [None] * len(waiting.authors), [None] * len(waiting.topics)))
    return {
        "slug": document.slug,
        "state": inputs.state,
        "document": inputs.etag,
        "cards": cards,
        "places": places,
        **({"text": text} if text else {}),
        **({"moved": document.moved} if document.moved else {}),
        "shows": {
            "profiles": inputs.profile_digests,
            "place": sort_key(document, inputs.site) if live and not document.moved else "",
            "earlier": digest_earlier(inputs.earlier),
            **_shown_translations(inputs, places),
        },
    }


def _shown_translations(inputs: GateInputs, places: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return digests of the lists of translations that an article is in; nothing for one that is in none."""
    names = {place.partition(" ")[0] for place in places}
    shown = {name: cards for name, cards in inputs.translations.items() if name in names}
    return {"translations": digest_earlier(shown)} if shown else {}


def _live_entries(
    inputs: GateInputs, text: str, hero: PictureFiles | None
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the cards and places of a live article."""
    document = inputs.document
    card = card_facts(document, inputs.authors, inputs.topics, hero) | (
        {"text": text_digest(text)} if text and len(text) <= MAX_TEXT else {}
    )
    cards: list[dict[str, Any]] = [card, {"slug": document.slug}]
    places = dict.fromkeys(list_places(document, inputs.site), 0) | dict.fromkeys(alias_places(document, gone=False), 1)
    places |= dict.fromkeys(lead_places(document, inputs.site, pinned=inputs.pinned), 0)
    if others := alternate_slugs(versions_of(inputs.site, document, inputs.translations)):
        # In the list of all articles alone, of which sitemaps are made: other lists need not follow.
        places |= {place: len(cards) for place in places if articles_table.split_entry(place)[0] == "all"}
        cards.append(card | {"alternates": others})
    if translated := translation_places(document, inputs.translations):
        places |= dict.fromkeys(translated, len(cards))
        original = not document.translation_of
        cards.append({"slug": document.slug, "language": document.language, "original": original})
    if roles := role_places(document, inputs.site):
        places |= dict.fromkeys(roles, len(cards))
        cards.append({"slug": document.slug, "roles": document.production["ai_roles"]})
    for number, correction in enumerate(document.corrections):
        places[correction_place(document, number)] = len(cards)
        cards.append({**correction, "title": document.title, "slug": document.slug})
    return cards, places


def _hidden_entries(inputs: GateInputs) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the card and places of an article that readers cannot get, in lists without pages.

    Editors query these lists, and a changed profile finds there the previews that show it.
    """
    document = inputs.rendered if inputs.document.withdrawn else inputs.document
    card = card_facts(document, [None] * len(document.authors), [None] * len(document.topics))
    cards: list[dict[str, Any]] = [card | ({"publish_at": document.goes_live} if inputs.state == SCHEDULED else {})]
    places = {articles_table.list_in(inputs.state, place): 0 for place in list_places(document, inputs.site)}
    if inputs.state in (WITHDRAWN, EXPIRED):
        cards.append({"slug": document.slug})
        places |= dict.fromkeys(alias_places(inputs.document, gone=True), 1)
    return cards, places
