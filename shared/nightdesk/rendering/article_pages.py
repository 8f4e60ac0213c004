"""The pages of an article, one for each tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import unescape
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import Markup

from nightdesk.domain.documents import Document
from nightdesk.domain.languages import best_match
from nightdesk.domain.memberships import SUBSCRIBER
from nightdesk.domain.pictures import PictureFiles
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.site_paths import MEMBERSHIP_PATH, SIGN_IN_PATH, preview_key
from nightdesk.domain.timestamps import iso_utc_seconds
from nightdesk.domain.views import ClosedGate, View, VisiblePart, view
from nightdesk.rendering.ai_labels import source_types_in
from nightdesk.rendering.article_contexts import (
    ArticleContext,
    Gate,
    Passage,
    ProductionBox,
    RelatedBox,
    Source,
    SourcesBox,
    TocEntry,
)
from nightdesk.rendering.attachments import AttachmentLinks
from nightdesk.rendering.contexts import AuthorBox, Correction, Head, HeadImage, Link, Picture, SiteContext
from nightdesk.rendering.embeds import EmbedCards
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import (
    Facts,
    Profile,
    author_box,
    author_name,
    card,
    card_image,
    page_language,
    site_context,
    site_feeds,
    updated_date,
)
from nightdesk.rendering.pictures import Placer, has_figures, picture_of
from nightdesk.rendering.structured_data import WHOLE_ARTICLE, Described, json_ld, news_article, passage_class
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.tier_names import tier_name, tier_readers
from nightdesk.rendering.times import stamp, typed_date
from nightdesk.rendering.translations import Card, alternates, translation_links, versions_of

_RELATED = {"topic": ("article.more_in", "article.all_in"), "author": ("article.more_from", "article.all_from")}
"""The messages of a box of earlier articles: its heading, and its link to all of them."""


class SocialCard(NamedTuple):
    """The name of the file of an article's social card, and whether it shows the lead image."""

    file: str
    shows_lead: bool


class Article(NamedTuple):
    """An article, with everything else that its page shows.

    Attributes:
        authors: the profile of each of the document's authors, None for an author without one.
        topics: likewise for its topics.
        related: boxes of earlier articles.
        preview: True for the page that a preview link opens.
        pictures: the files of each image, by the name of its asset; None for one that is being prepared.
        plain: whether images are to be as simple as mail programs need them.
        translations: the cards of the same article in other languages, by list (see `versions_of`).
        card: its social card; None as long as there is none.
        place: the path below which its images are, if they are not beside its page.
    """

    document: Document
    authors: Sequence[Profile | None]
    topics: Sequence[Profile | None]
    related: Sequence[RelatedBox] = ()
    preview: bool = False
    pictures: Mapping[str, PictureFiles | None] = MappingProxyType({})
    plain: bool = False
    card: SocialCard | None = None
    translations: Mapping[str, Sequence[Card]] = MappingProxyType({})
    place: str = ""

    @property
    def base(self) -> str:
        """The path below which the page finds its images."""
        return (
            self.place
            or f"/{preview_key(self.document.slug, '') if self.preview else f'articles/{self.document.slug}/'}"
        )


def article_pages(theme: Theme, site: Site, article: Article, views: Sequence[View]) -> list[str]:
    """Return the page of an article for each of several views.

    Body, headings, notes and sources come from the view alone.
    """
    contexts = article_contexts(theme, site, article, views)
    return theme.render_each("article.html", "shell.html", contexts, article.document.language)


def article_contexts(theme: Theme, site: Site, article: Article, views: Sequence[View]) -> list[ArticleContext]:
    """Return what an article's page, or its mail, shows to readers of each of several views."""
    text, document = _words_of(theme, site, article), article.document
    seen = next((each for each in views if each.tier == PUBLIC), None) or view(document, PUBLIC, site)
    public = _public_context(theme, site, article, seen)
    placer, embeds = _placer(text, site, article), EmbedCards(text, site.embeds)
    return [
        public._replace(
            toc=tuple(TocEntry(h.anchor, unescape(h.text), h.level) for h in view.headings if h.level < 4),
            body=tuple(_part(text, part, _Door(document.slug, view.tier, site.can_sign_in)) for part in view.parts),
            paywalled=_whole_mark(document, view),
            footnotes=_footnotes(text, view.notes),
            sources=_sources(text, document, view, site.can_sign_in),
            support=_support(site, public.site, view.tier),
            frames=frames,
        )
        for frames, view in ((embeds.origins(each), placer.view(each)) for each in views)
    ]


def _words_of(theme: Theme, site: Site, article: Article) -> Catalogue:
    """Return the words within an article: in its language if the theme speaks it. Mails are in the site's throughout."""
    return theme.text(site) if article.plain else theme.text(site, article.document.language)


def _placer(text: Catalogue, site: Site, article: Article) -> Placer:
    document, others = article.document, [EmbedCards(text, site.embeds, article.plain).html]
    if document.attachments:
        public = frozenset() if article.preview else view(document, PUBLIC, site).attachments
        others.append(AttachmentLinks(text, article.base, document, public, article.plain).html)
    return Placer(text, article.base, article.pictures, document.figures, article.plain, others)


def _public_context(theme: Theme, site: Site, article: Article, seen: View) -> ArticleContext:
    """Return the parts of an article's page that are the same for every reader; `seen` is what everyone may see of it."""
    text, document = _words_of(theme, site, article), article.document
    authors = tuple(
        author_box(text, i, typed, p) for (i, typed), p in zip(document.authors, article.authors, strict=True)
    )
    topics = [
        Link(author_name(i, typed, p), f"/topics/{i}/")
        for (i, typed), p in zip(document.topics, article.topics, strict=True)
    ]
    language, written, frame = page_language(site, document.language)
    published, updated = stamp(text, site, document.date), updated_date(document)
    hero, seen = _hero(text, article), view(document, PUBLIC, site)
    versions = versions_of(site, document, article.translations)
    figures = _placer(text, site, article).figures(seen) if has_figures(document) else []
    ai_types = source_types_in(part.html for part in seen.parts if isinstance(part, VisiblePart))
    head_image = _head_image(site, article, hero)
    described = Described(document, authors, topics, hero, figures, ai_types, versions, head_image)
    return ArticleContext(
        site=site_context(theme, site),
        head=Head(
            title=f"{document.title} – {site.name}",
            description=document.dek,
            canonical=f"{site.base_url}/articles/{document.slug}/",
            kind="article",
            image=head_image,
            json_ld=json_ld(news_article(theme, site, described)),
            feeds=(*site_feeds(site), *(Link(t.label, f"{t.url}feed.xml") for t in topics[:1])),
            published=published.iso,
            modified=stamp(text, site, updated).iso if updated else published.iso,
            robots="noindex" if article.preview else "max-image-preview:large",
            language=language,
            direction=written,
            frame=frame,
            words=Markup("") if best_match(language, [text.language]) else frame,
            heading=document.title,
            section=topics[0].url if topics else "",
            alternates=alternates(site, versions),
        ),
        title=document.title,
        dek=document.dek,
        topic=topics[0] if topics else None,
        updates_topic=document.topics[0][0] if document.topics else "",
        tags=document.tags,
        authors=authors,
        published=published,
        updated=stamp(text, site, updated) if updated else None,
        hero=hero,
        toc=(),
        body=(),
        paywalled="",
        footnotes=Markup(""),
        sources=None,
        production=_production(text, site, document, authors, bool(ai_types)),
        corrections=_corrections(text, site, document),
        related=tuple(article.related),
        preview=article.preview,
        support=(),
        translations=translation_links(versions, document.slug),
    )


def _corrections(text: Catalogue, site: Site, document: Document) -> tuple[Correction, ...]:
    """Return the corrections of an article, the newest first."""
    newest_first = sorted(document.corrections, key=lambda each: iso_utc_seconds(each["date"]), reverse=True)
    return tuple(Correction(stamp(text, site, each["date"]), each["text"], None) for each in newest_first)


def _head_image(site: Site, article: Article, hero: Picture | None) -> HeadImage | None:
    """Return the social card; as long as there is none, the lead image. Other sites know no drawings."""
    label = f"{hero.alt} ({hero.ai_label})" if hero and hero.ai_label else hero.alt if hero else ""
    if article.card:
        title = article.document.title
        return card_image(site, article.base + article.card.file, (article.card.shows_lead and label) or title)
    if not hero or not hero.sources or hero.src.endswith(".svg"):
        return None
    return HeadImage(site.base_url + hero.src, hero.sources[-1].type, hero.width, hero.height, label)


def _hero(text: Catalogue, article: Article) -> Picture | None:
    """Return the lead image; None for an article without one."""
    said = article.document.hero
    if not said or said["src"] not in article.pictures:
        return None
    return picture_of(text, article.base, article.pictures[said["src"]], said)


_NOT_SHOWN: Facts = {"dek": "", "authors": (), "topic": None, "access": PUBLIC}
"""What cards show, but not those of earlier articles: a change of it would have to remake the pages of their neighbours."""


def related_box(text: Catalogue, site: Site, kind: str, target: Link, entries: Sequence[Facts]) -> RelatedBox:
    """Return a few earlier articles of a topic or author.

    Args:
        kind: `topic` or `author`.
        target: the name and front of that topic or author.
    """
    heading, see_all = (text(key, name=target.label) for key in _RELATED[kind])
    return RelatedBox(
        heading, tuple(card(text, site, {**_NOT_SHOWN, **facts}) for facts in entries), Link(see_all, target.url)
    )


class _Door(NamedTuple):
    """Where closed gates lead: the article, the tier of its reader, and whether readers can sign in."""

    slug: str
    tier: str
    can_sign_in: bool

    def action(self, text: Catalogue, tier: str, anchor: str) -> Link:
        """Return the link to where a reader gets a tier. It leads back to the same place in the article."""
        if tier == SUBSCRIBER:
            return Link(text("gate.subscribe"), self._from("/newsletter/", anchor))
        return Link(text("gate.become_member"), self._from(MEMBERSHIP_PATH, anchor))

    def sign_in(self, text: Catalogue, anchor: str) -> Link | None:
        """Return the link for a reader who may have the tier already; None for one who is signed in."""
        if self.tier != PUBLIC or not self.can_sign_in:
            return None
        return Link(text("sign_in.sign_in"), self._from(SIGN_IN_PATH, anchor))

    def _from(self, path: str, anchor: str) -> str:
        place = f"%23{anchor}" if anchor else ""
        return f"{path}?return_to=/articles/{self.slug}/{place}"


def _support(site: Site, shown: SiteContext, tier: str) -> tuple[Link, ...]:
    """Return the links to support the site, for readers of a tier. Those who pay already need none to become a member."""
    joins = (MEMBERSHIP_PATH, f"{site.base_url}{MEMBERSHIP_PATH}")
    hidden = joins if site.pays_already(tier) else ()
    return tuple(link for link in shown.support if link.url not in hidden)


def _whole_mark(document: Document, view: View) -> str:
    """Return the class of the whole text of an article that is closed as a whole, on the pages where it is open."""
    closed = any(isinstance(part, ClosedGate) and part.gate == WHOLE_ARTICLE for part in view.parts)
    return "" if document.access == PUBLIC or closed else passage_class(WHOLE_ARTICLE)


def _part(text: Catalogue, part: VisiblePart | ClosedGate, door: _Door) -> Passage | Gate:
    anchor = f"gate-{part.gate}" if part.gate else ""
    label = tier_name(text, part.tier) if part.tier else ""
    if isinstance(part, ClosedGate):
        default = "gate.teaser" if part.gate else "gate.article_teaser"
        teaser = part.teaser or text(default, readers=tier_readers(text, part.tier))
        action, sign_in = door.action(text, part.tier, anchor), door.sign_in(text, anchor)
        return Gate(Markup.escape(teaser), part.tier, label, action, sign_in, anchor, passage_class(part.gate))
    mark = passage_class(part.gate) if part.gate else ""
    return Passage(Markup(part.html), part.tier, label, anchor, mark)


def _footnotes(text: Catalogue, notes: Sequence[str]) -> Markup:
    """Return the list of notes, each ending in a link back to its first reference; empty if there are none."""
    items = []
    for number, note in enumerate(notes, start=1):
        label = Markup.escape(text("article.back_to_reference", number=number))
        back = f' <a href="#ref-{number}" class="note-back" role="doc-backlink" aria-label="{label}">↩</a>'
        joined = f"{note[:-4]}{back}</p>" if note.endswith("</p>") else f"{note}{back}"
        items.append(f'<li id="note-{number}">{joined}</li>')
    return Markup(f"<ol>{''.join(items)}</ol>" if items else "")


def _sources(text: Catalogue, document: Document, view: View, can_sign_in: bool) -> SourcesBox | None:
    if not view.sources:
        return None
    tier, door = document.sources_access, _Door(document.slug, view.tier, can_sign_in)
    return SourcesBox(
        items=tuple(
            Source(
                s.title or s.publisher or text("sources.untitled"), s.publisher, typed_date(text, s.date), s.note, s.url
            )
            for s in view.sources
        ),
        publishers=tuple(dict.fromkeys(s.publisher for s in view.sources if s.publisher)),
        locked=view.sources_locked,
        readers=tier_readers(text, tier),
        action=door.action(text, tier, "sources"),
        sign_in=door.sign_in(text, "sources"),
    )


def _production(
    text: Catalogue, site: Site, document: Document, authors: Sequence[AuthorBox], has_ai_parts: bool
) -> ProductionBox | None:
    production = document.production
    written_by_ai = any(author.is_ai for author in authors)
    if not production and not written_by_ai and not has_ai_parts:
        return None
    reviewed_at = production.get("reviewed_at", "")
    return ProductionBox(
        ai_roles=tuple(production.get("ai_roles", ())),
        reviewed_by=production.get("reviewed_by", ""),
        reviewed_at=stamp(text, site, reviewed_at) if reviewed_at else None,
        statement=production.get("statement", ""),
        process=Link(text("nav.process"), "/process/"),
        written_by_ai=written_by_ai,
        responsible=production.get("responsible", ""),
        ai_used=written_by_ai or has_ai_parts or bool(production.get("ai_roles")),
    )
