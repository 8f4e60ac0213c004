"""JSON-LD of pages that list articles: the front page, topics, authors and months (schema.org, in Google's profile)."""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.domain.site import Site
from nightdesk.rendering.contexts import AuthorBox, Card, DirectoryEntry, Link
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.structured_data import CONTEXT, Data, breadcrumbs, person_or_persona, publisher


def home_page(theme: Theme, site: Site, cards: Sequence[Card]) -> Data:
    """Return the site, with the articles of its front page ("Site names", developers.google.com)."""
    data = {
        "@context": CONTEXT,
        "@type": "WebSite",
        "name": site.name,
        "url": f"{site.base_url}/",
        "inLanguage": site.language,
        "publisher": publisher(theme, site),
        "mainEntity": _item_list(site, _links(cards)),
    }
    return data | ({"description": site.tagline} if site.tagline else {})


def collection_page(site: Site, trail: Sequence[Link], cards: Sequence[Card]) -> Data:
    """Return a topic's front or a month of an archive.

    Args:
        trail: the way from the front page; the last link is the page.
    """
    return _collection(site, trail, _links(cards))


def directory_page(site: Site, page: Link, entries: Sequence[DirectoryEntry]) -> Data:
    """Return the page of all topics or all authors."""
    return _collection(site, [page], [Link(entry.label, entry.url) for entry in entries])


def _links(cards: Sequence[Card]) -> list[Link]:
    return [Link(card.title, card.url) for card in cards]


def _collection(site: Site, trail: Sequence[Link], listed: Sequence[Link]) -> Data:
    return {
        "@context": CONTEXT,
        "@type": "CollectionPage",
        "name": trail[-1].label,
        "url": site.base_url + trail[-1].url,
        "inLanguage": site.language,
        "breadcrumb": breadcrumbs(site, trail),
        "mainEntity": _item_list(site, listed),
    }


def profile_page(theme: Theme, site: Site, author: AuthorBox, trail: Sequence[Link], cards: Sequence[Card]) -> Data:
    """Return an author's front ("Profile page structured data", developers.google.com)."""
    described = person_or_persona(theme, site, author)
    if author.beat:
        described["description"] = author.beat
    if author.portrait:
        described["image"] = site.base_url + author.portrait.src
    return {
        "@context": CONTEXT,
        "@type": "ProfilePage",
        "name": author.name,
        "url": site.base_url + author.url,
        "inLanguage": site.language,
        "breadcrumb": breadcrumbs(site, trail),
        "mainEntity": described,
        "hasPart": [
            {
                "@type": "NewsArticle",
                "headline": card.title,
                "url": site.base_url + card.url,
                "datePublished": card.date.iso,
            }
            for card in cards
        ],
    }


def _item_list(site: Site, listed: Sequence[Link]) -> Data:
    return {
        "@type": "ItemList",
        "numberOfItems": len(listed),
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": link.label, "url": site.base_url + link.url}
            for number, link in enumerate(listed, start=1)
        ],
    }
