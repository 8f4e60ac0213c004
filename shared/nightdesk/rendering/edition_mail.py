"""Newsletters as mails, one for each tier, and as pages of the site.

Everything is made from views, as an article's page is, so a mail holds what the same reader would get on the site, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from nightdesk.domain.languages import direction
from nightdesk.domain.newsletters import ARTICLE, ARTICLES, WRITTEN, Edition, click_path, newsletter_title, one_line
from nightdesk.domain.site import Site
from nightdesk.domain.text import display_name
from nightdesk.domain.views import View
from nightdesk.rendering.article_contexts import ArticleContext, Gate, Passage
from nightdesk.rendering.article_pages import Article, article_contexts
from nightdesk.rendering.contexts import Link, Picture
from nightdesk.rendering.edition_contexts import (
    ArchiveContext,
    ArchiveEntry,
    EditionMailContext,
    EditionPageContext,
)
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.mail_parts import (
    MAX_HTML,
    fit,
    inline_styles,
    make_absolute,
    plain_text,
    redirect_links,
    shorten,
)
from nightdesk.rendering.page_parts import card, page_head, site_context, unlisted_head
from nightdesk.rendering.times import stamp

UNSUBSCRIBE = "https://unsubscribe.invalid/"
"""Stands for the address at which one reader unsubscribes, in mails that are made once for many."""
ARCHIVE_PATH = "/newsletter/archive/"
_TRIES = 4
_GATE_BOX = 600
"""Bytes that a gate takes in a mail, besides its teaser."""


class EditionText(NamedTuple):
    """An edition with what it shows.

    Attributes:
        article: the one article that it mails; None for one that names several.
        cards: the public facts of the articles that it names.
        postal_address: the newsroom's.
    """

    edition: Edition
    article: Article | None
    cards: Sequence[dict[str, Any]]
    postal_address: str


class TierMail(NamedTuple):
    """A mail as readers of one tier get it, with `UNSUBSCRIBE` in it. `links` are addresses to which it leads by links that count."""

    html: str
    text: str
    links: Sequence[str] = ()


def edition_mails(theme: Theme, site: Site, shown: EditionText, views: Sequence[View]) -> list[TierMail]:
    """Return an edition as readers of each of several views get it.

    Args:
        views: of its article; without an article only their number counts.
    """
    contexts = article_contexts(theme, site, shown.article, views) if shown.article else [None] * len(views)
    placed = [_placed(article, shown.edition, site) if article else None for article in contexts]
    return [_mail(theme, _context(theme, site, shown, article), _redirect(site, shown.edition)) for article in placed]


def _redirect(site: Site, edition: Edition) -> Callable[[str], str] | None:
    """Return what makes the address by which a link is counted; None if none is."""
    return (lambda url: site.base_url + click_path(edition.id, url)) if site.count_clicks else None


def _placed(article: ArticleContext, edition: Edition, site: Site) -> ArticleContext:
    """Return an article at its own address; a text that was written as an edition is at that of the edition."""
    if edition.kind != WRITTEN:
        return article
    own = f"return_to=/articles/{edition.slugs[0]}/"
    body = tuple(
        part if isinstance(part, Passage) else part._replace(action=_led_back(part.action, own, edition.path))
        for part in article.body
    )
    head = article.head._replace(canonical=site.base_url + edition.path)
    return article._replace(head=head, body=body)


def _led_back(link: Link, own: str, path: str) -> Link:
    return link._replace(url=link.url.partition(own)[0] + f"return_to={path}" if own in link.url else link.url)


def _context(theme: Theme, site: Site, shown: EditionText, article: ArticleContext | None) -> EditionMailContext:
    edition, text, home = shown.edition, theme.text(site), site.base_url
    cards = tuple(card(text, site, facts) for facts in shown.cards)
    cards = tuple(each._replace(image=_fitted(each.image)) for each in cards)
    first = article or (cards[0] if cards else None)
    on_article = article is not None and edition.kind == ARTICLE
    language = article.head.language if article else site.language
    return EditionMailContext(
        site=site_context(theme, site),
        language=language,
        direction=direction(language),
        newsletter=title_of(theme, site, edition.newsletter),
        subject=edition.subject,
        preheader=one_line((first.dek or first.title) if first else edition.subject, 140),
        article=_for_mail(article, home) if article else None,
        cards=cards,
        in_browser=(article.head.canonical if article and on_article else home + edition.path),
        choices=f"{home}/account/",
        unsubscribe=UNSUBSCRIBE,
        postal_address=tuple(line.strip() for line in shown.postal_address.split(",") if line.strip()),
    )


def title_of(theme: Theme, site: Site, newsletter: str) -> str:
    """Return a newsletter's name, as readers see it."""
    default = theme.text(site)("newsletter.articles") if newsletter == ARTICLES else display_name(newsletter)
    return newsletter_title(site, newsletter, default)


def _for_mail(article: ArticleContext, home: str) -> ArticleContext:
    """Return an article whose passages have whole addresses."""
    page = article.head.canonical
    body = tuple(
        part._replace(html=Markup(make_absolute(part.html, page)))
        if isinstance(part, Passage)
        else part._replace(action=_whole(part.action, home), sign_in=None)
        for part in article.body
    )
    return article._replace(
        hero=_fitted(article.hero), body=body, footnotes=Markup(make_absolute(article.footnotes, page))
    )


def _fitted(image: Picture | None) -> Picture | None:
    """Return an image in the size in which a mail shows it."""
    if not image:
        return None
    width, height = fit(image.width, image.height)
    return image._replace(width=width, height=height)


def _whole(link: Link, home: str) -> Link:
    return link._replace(url=home + link.url) if link.url.startswith("/") else link


def _mail(theme: Theme, context: EditionMailContext, redirect: Callable[[str], str] | None) -> TierMail:
    """Render a mail, cut to the length that mail programs show."""
    links: tuple[str, ...] = ()
    for _ in range(_TRIES):
        html = inline_styles(theme.render("mail/edition.html", context))
        if redirect:
            html, links = redirect_links(html, (context.unsubscribe, context.choices), redirect)
        size = len(html.encode())
        if size <= MAX_HTML:
            break
        # Styles make some passages longer than others, so that the first cut may not be enough.
        context = _smaller(context, MAX_HTML / size * 0.9)
    return TierMail(html, plain_text(theme.render("mail/edition_text.html", context)), links)


def _smaller(context: EditionMailContext, share: float) -> EditionMailContext:
    """Return a mail with about this share of its text: the beginning of its article, or shorter deks of those it lists."""
    if context.article:
        limit = int(sum(map(_size, context.article.body)) * share)
        return context._replace(article=_shortened(context.article, limit))
    cards = (card._replace(dek=one_line(card.dek, max(1, int(len(card.dek) * share)))) for card in context.cards)
    return context._replace(cards=tuple(cards))


def _size(part: Passage | Gate) -> int:
    """Return about how many bytes a part of a body takes in a mail."""
    return len(part.html.encode()) if isinstance(part, Passage) else len(part.teaser.encode()) + _GATE_BOX


def _shortened(article: ArticleContext, limit: int) -> ArticleContext:
    """Return an article with only the first part of its body, and no notes."""
    body: list[Passage | Gate] = []
    for part in article.body:
        kept = part._replace(html=Markup(shorten(part.html, limit))) if isinstance(part, Passage) else part
        limit -= _size(kept)
        if limit < 0:
            break
        body.append(kept)
        if isinstance(part, Passage) and _size(kept) < len(part.html.rstrip().encode()):
            break
    return article._replace(body=tuple(body), footnotes=Markup(""), toc=())


def edition_page(theme: Theme, site: Site, shown: EditionText, public: View | None) -> str:
    """Return the page of an edition, as the public may see it."""
    edition = shown.edition
    [article] = article_contexts(theme, site, shown.article, [public]) if shown.article and public else [None]
    article = _placed(article, edition, site) if article else None
    # Readers find the article itself at its own address; search engines should, too.
    names_article = edition.kind == ARTICLE
    make_head = unlisted_head if names_article else page_head
    context = EditionPageContext(
        site=site_context(theme, site),
        head=make_head(site, edition.subject, edition.path),
        heading=edition.subject,
        newsletter=title_of(theme, site, edition.newsletter),
        date=stamp(theme.text(site), site, edition.at),
        article=None if names_article else article,
        cards=tuple(card(theme.text(site), site, facts) for facts in shown.cards),
        archive=Link(theme.text(site)("newsletter.archive"), ARCHIVE_PATH),
    )
    return theme.render("edition.html", context)


def archive_page(
    theme: Theme, site: Site, editions: Sequence[Edition], path: str = ARCHIVE_PATH, years: Sequence[str] = ()
) -> str:
    """Return a page that lists editions, in the order given.

    Args:
        path: the page's path: `ARCHIVE_PATH`, followed by the year for the list of one.
        years: the years to whose lists it links.
    """
    heading = f"{theme.text(site)('newsletter.archive')} {path.removeprefix(ARCHIVE_PATH).strip('/')}".rstrip()
    entries = tuple(
        ArchiveEntry(
            Link(edition.subject, edition.path),
            title_of(theme, site, edition.newsletter),
            stamp(theme.text(site), site, edition.at),
        )
        for edition in editions
    )
    links = tuple(Link(year, f"{ARCHIVE_PATH}{year}/") for year in years)
    head = page_head(site, heading, path)
    return theme.render("archive.html", ArchiveContext(site_context(theme, site), head, heading, entries, links))
