"""What pages of several kinds have in common: the site's frame, the head, cards, pictures and author boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from nightdesk.domain.documents import Document
from nightdesk.domain.languages import direction
from nightdesk.domain.pictures import CARD_WIDTH, MEDIA_TYPES, PictureFiles
from nightdesk.domain.site import PUBLIC, Offer, Price, Site, SiteLinks
from nightdesk.domain.site_paths import SEARCH_PATH
from nightdesk.domain.social_cards import CARD_SIZE
from nightdesk.domain.text import display_name
from nightdesk.domain.timestamps import iso_utc_seconds
from nightdesk.rendering.contexts import (
    AuthorBox,
    AuthorLink,
    Card,
    Head,
    HeadImage,
    Link,
    OfferBox,
    Picture,
    PriceButton,
    SiteContext,
)
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.pictures import picture_of
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.tier_names import tier_name
from nightdesk.rendering.times import script_times, stamp

Profile = Mapping[str, Any]
Facts = Mapping[str, Any]
"""The public facts of an article, as `card_facts` returns them."""
_PRICES = {"month": "membership.price_a_month", "year": "membership.price_a_year"}


def escaped(text: str) -> str:
    """Return plain text as it is written in a page."""
    return str(Markup.escape(text))


@lru_cache(maxsize=4)
def site_context(theme: Theme, site: Site) -> SiteContext:
    """Return what every page shows of its site."""
    text = theme.text(site)
    return SiteContext(
        name=site.name,
        tagline=site.tagline,
        base_url=site.base_url,
        language=site.language,
        direction=direction(site.language),
        nav=_usual_header(text) if site.navigation is None else _links(site.navigation),
        footer=_usual_footer(text) if site.footer is None else _links(site.footer),
        social=_links(site.social),
        legal=_links(site.legal),
        support=_links(site.support),
        offers=tuple(_offer(text, offer) for offer in site.offers),
        contributions=_buttons(text, site.contributions),
        times=script_times(text, site),
    )


def _links(links: SiteLinks) -> tuple[Link, ...]:
    return tuple(Link(label, url) for label, url in links)


def _usual_header(text: Catalogue) -> tuple[Link, ...]:
    return (
        Link(text("nav.topics"), "/topics/"),
        Link(text("nav.authors"), "/authors/"),
        Link(text("nav.updates"), "/updates/"),
        Link(text("nav.about"), "/about/"),
        Link(text("nav.search"), SEARCH_PATH),
        Link(text("nav.account"), "/account/"),
    )


def _usual_footer(text: Catalogue) -> tuple[Link, ...]:
    return (
        Link(text("nav.process"), "/process/"),
        Link(text("nav.corrections"), "/corrections/"),
        Link(text("nav.membership"), "/membership/"),
        Link(text("nav.newsletter"), "/newsletter/"),
        Link(text("nav.rss"), "/feed.xml"),
        Link(text("nav.json_feed"), "/feed.json"),
    )


def _offer(text: Catalogue, offer: Offer) -> OfferBox:
    has_label = offer.label != display_name(offer.tier)
    label = offer.label if has_label else tier_name(text, offer.tier)
    return OfferBox(offer.tier, label, _buttons(text, offer.prices))


def _buttons(text: Catalogue, prices: Sequence[Price]) -> tuple[PriceButton, ...]:
    return tuple(PriceButton(price.id, _price_label(text, price)) for price in prices)


def _price_label(text: Catalogue, price: Price) -> str:
    key = _PRICES.get(price.interval)
    return text(key, amount=price.amount) if key else price.amount


def page_head(site: Site, title: str, path: str, description: str = "", feed: str = "") -> Head:
    """Return the head of a page that is not an article.

    Args:
        feed: path of the page's own RSS feed; empty for none.
    """
    feeds = (*site_feeds(site), *((Link(title, feed),) if feed and feed != "/feed.xml" else ()))
    heading = title if title == site.name else f"{title} – {site.name}"
    return Head(
        heading,
        description,
        site.base_url + path,
        "website",
        None,
        Markup(""),
        feeds,
        "",
        "",
        "",
        *page_language(site, ""),
        title,
    )


def card_image(site: Site, path: str, alt: str) -> HeadImage:
    """Return a social card for the head of its page."""
    return HeadImage(site.base_url + path, MEDIA_TYPES["jpg"], *CARD_SIZE, alt)


def site_feeds(site: Site) -> tuple[Link, ...]:
    """Return the feeds of the whole site, which every page names."""
    return Link(site.name, "/feed.xml"), Link(site.name, "/feed.json")


def page_language(site: Site, language: str) -> tuple[str, str, Markup]:
    """Return the language and direction of a page, and the attributes of the site's frame around its text.

    Args:
        language: of the text; empty for the site's.
    """
    if language in ("", site.language):
        return site.language, direction(site.language), Markup("")
    frame = Markup(' lang="{}" dir="{}"').format(site.language, direction(site.language))
    return language, direction(language), frame


def unlisted_head(site: Site, title: str, path: str) -> Head:
    """Return the head of a page that search engines must not list."""
    return page_head(site, title, path)._replace(robots="noindex")


def author_name(identifier: str, typed: str, profile: Profile | None) -> str:
    """Return a display name: the profile's, else the name typed in the draft, else one made from the id."""
    return str(profile["name"]) if profile else typed or display_name(identifier)


def updated_date(document: Document) -> str:
    """Return when the article was last updated or corrected, as an ISO moment; empty if never after its date."""
    moments = [document.lastmod, *(correction["date"] for correction in document.corrections)]
    newest = max((moment for moment in moments if moment), key=iso_utc_seconds, default="")
    return newest if newest and iso_utc_seconds(newest) > iso_utc_seconds(document.date) else ""


def card_facts(
    document: Document,
    authors: Sequence[Profile | None],
    topics: Sequence[Profile | None],
    hero: PictureFiles | None = None,
) -> dict[str, Any]:
    """Return the public facts of an article that lists, feeds and related boxes may show, as JSON values.

    Args:
        hero: the files of its lead image; None without one, or as long as it is being prepared.
    """
    named = [[i, author_name(i, typed, p)] for (i, typed), p in zip(document.authors, authors, strict=True)]
    filed = [[i, author_name(i, typed, p)] for (i, typed), p in zip(document.topics, topics, strict=True)]
    updated = updated_date(document)
    return {
        **({"id": document.first_address} if document.first_address else {}),
        **({"modified": updated} if updated else {}),
        "slug": document.slug,
        "title": document.title,
        "dek": document.dek,
        "date": document.date,
        "authors": named,
        "personas": [i for (i, _), p in zip(document.authors, authors, strict=True) if p and not p["human"]],
        "topic": filed[0] if filed else None,
        "hero": {**document.hero, "files": hero.up_to(CARD_WIDTH).to_json()} if hero and hero.fallback else None,
        "access": document.access,
        "language": document.language,
        **({"topics": filed} if len(filed) > 1 else {}),
        **({"tags": list(document.tags)} if document.tags else {}),
    }


def card(text: Catalogue, site: Site, facts: Facts) -> Card:
    """Return the card of an article with these public facts."""
    slug = facts["slug"]
    topic, personas, language = facts["topic"], facts.get("personas", ()), facts.get("language", "")
    language = language if language != site.language else ""
    return Card(
        slug=slug,
        url=f"/articles/{slug}/",
        title=facts["title"],
        dek=facts["dek"],
        date=stamp(text, site, facts["date"]),
        authors=tuple(AuthorLink(name, f"/authors/{i}/", i in personas) for i, name in facts["authors"]),
        topic=Link(topic[1], f"/topics/{topic[0]}/") if topic else None,
        image=card_picture(text, slug, facts["hero"]),
        access=tier_name(text, facts["access"]) if facts["access"] != PUBLIC else "",
        language=language,
        direction=direction(language) if language else "",
        guid=_guid(facts.get("id", slug)),
    )


def _guid(first_address: str) -> str:
    """Return by what feeds know an article: the path at which it was first public, which stays when its slug changes."""
    slug, mark, draft = first_address.partition("#")
    return f"/articles/{slug}/{mark}{draft}"


def card_picture(text: Catalogue, slug: str, hero: Mapping[str, Any] | None) -> Picture | None:
    """Return the lead image of an article, by its public facts, with its label."""
    files = PictureFiles.from_json(hero["files"]) if hero and hero.get("files") else None
    return picture_of(text, f"/articles/{slug}/", files, hero) if hero and files else None


def author_box(text: Catalogue, identifier: str, typed: str, profile: Profile | None) -> AuthorBox:
    """Return an author as articles and the author's front show them."""
    facts: Profile = profile or {}
    name = author_name(identifier, typed, profile)
    files = PictureFiles.from_json(facts["portrait_files"]) if facts.get("portrait_files") else None
    said = {"alt": text("author.portrait", name=name)}
    return AuthorBox(
        name=name,
        url=f"/authors/{identifier}/",
        bio=Markup(facts.get("body", "")),
        beat=facts.get("beat", ""),
        portrait=picture_of(text, f"/authors/{identifier}/", files, said) if files else None,
        is_ai=not facts.get("human", True),
        responsible_editor=facts.get("responsible_editor", ""),
    )
