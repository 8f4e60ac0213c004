"""JSON-LD: what search engines read of an article (schema.org, in Google's profile)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from nightdesk.domain.documents import Document
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.site_paths import CORRECTIONS_PATH, PROCESS_PATH
from nightdesk.domain.timestamps import local_time
from nightdesk.rendering.ai_labels import part_class
from nightdesk.rendering.contexts import AuthorBox, HeadImage, Link, Picture
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import updated_date
from nightdesk.rendering.pictures import AI_LABELS, IPTC
from nightdesk.rendering.translations import Version, described_translations

Data = dict[str, Any]
CONTEXT = "https://schema.org"
_SOURCE_TYPES = {kind: f"https://schema.org/{kind[0].upper()}{kind[1:]}DigitalSource" for kind in AI_LABELS}
_LOGO, _LOGO_SIZE = "favicon.svg", 512
"""The theme's mark. It is a drawing, so it has every size; Google asks for 112 pixels at least."""
WHOLE_ARTICLE = 0
"""The number of the passage of an article that is closed as a whole; gates count from 1."""


class Described(NamedTuple):
    """What structured data say of an article besides its document.

    Attributes:
        sections: the topics, the primary one first.
        hero: the lead image; None for none.
        figures: the images in figures that everyone may see.
        ai_types: the digital source types of the parts of the text that a machine made, as far as everyone may see them.
        versions: the article and its translations; none without translations.
        card: the social card, which stands for an image in an article without any.
    """

    document: Document
    authors: Sequence[AuthorBox]
    sections: Sequence[Link]
    hero: Picture | None
    figures: Sequence[Picture] = ()
    ai_types: Sequence[str] = ()
    versions: Sequence[Version] = ()
    card: HeadImage | None = None


def json_ld(data: Mapping[str, Any]) -> Markup:
    """Return JSON that cannot end the script element around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def passage_class(number: int) -> str:
    """Return the class of the element that holds a gate's passage, and nothing else; it is empty where the gate is closed.

    Teasers are free, so they are outside it.
    """
    return f"passage-{number}"


def news_article(theme: Theme, site: Site, described: Described) -> Data:
    """Return the schema.org `NewsArticle` of an article.

    Sources: "Article structured data" and "Structured data for subscription and paywalled content" (developers.google.com).
    """
    document, authors = described.document, described.authors
    url = f"{site.base_url}/articles/{document.slug}/"
    closed = _closed_passages(document)
    data: Data = {
        "@context": CONTEXT,
        "@type": "NewsArticle",
        "headline": document.title,
        "url": url,
        "mainEntityOfPage": {
            "@type": "WebPage",
            "@id": url,
            "breadcrumb": breadcrumbs(
                site, [*described.sections[:1], Link(document.title, f"/articles/{document.slug}/")]
            ),
        },
        "datePublished": local_time(document.date, site.zone).isoformat(),
        "dateModified": local_time(updated_date(document) or document.date, site.zone).isoformat(),
        "inLanguage": document.language or site.language,
        "isAccessibleForFree": not closed,
        "author": [person_or_persona(theme, site, author) for author in authors] or [_newsroom(site)],
        "publisher": publisher(theme, site),
    }
    if document.dek:
        data["description"] = document.dek
    if described.sections:
        data["articleSection"] = [section.label for section in described.sections]
    parts = [
        {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": f".{passage_class(number)}"}
        for number in closed
    ]
    parts += [
        {"@type": "WebPageElement", "cssSelector": f".{part_class(kind)}", "digitalSourceType": _SOURCE_TYPES[kind]}
        for kind in described.ai_types
    ]
    if parts:
        data["hasPart"] = parts
    data |= _responsibility(document, authors)
    data |= described_translations(site, described.versions, document.slug)
    hero = [described.hero] if described.hero and described.hero.src else []
    if images := [_image(site, picture) for picture in (*hero, *described.figures)]:
        data["image"] = images if described.figures else images[0]
    elif card := described.card:
        data["image"] = {"@type": "ImageObject", "url": card.url, "width": card.width, "height": card.height}
    if document.tags:
        data["keywords"] = list(document.tags)
    if document.corrections:
        data["correction"] = [
            {
                "@type": "CorrectionComment",
                "text": c["text"],
                "datePublished": local_time(c["date"], site.zone).isoformat(),
            }
            for c in document.corrections
        ]
    return data


def _closed_passages(document: Document) -> list[int]:
    """Return the numbers of the passages that not everyone may see. Google wants none inside another one."""
    if document.access != PUBLIC:
        return [WHOLE_ARTICLE]
    return list(range(1, 1 + sum(bool(block.tier) for block in document.blocks)))


def breadcrumbs(site: Site, links: Sequence[Link]) -> Data:
    """Return the way from the front page to a page; the last of the links is the page itself."""
    trail = [Link(site.name, "/"), *links]
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": link.label, "item": site.base_url + link.url}
            for number, link in enumerate(trail, start=1)
        ],
    }


def _newsroom(site: Site) -> Data:
    """Return the author of an article that has no byline."""
    return {"@type": "NewsMediaOrganization", "name": site.name, "url": f"{site.base_url}/"}


def publisher(theme: Theme, site: Site) -> Data:
    """Return the newsroom."""
    data: Data = {
        "@type": "NewsMediaOrganization",
        "name": site.name,
        "url": f"{site.base_url}/",
        "publishingPrinciples": site.base_url + PROCESS_PATH,
        "correctionsPolicy": site.base_url + CORRECTIONS_PATH,
    }
    if site.social:
        data["sameAs"] = [url for _, url in site.social]
    if logo := theme.assets.get(_LOGO):
        data["logo"] = {
            "@type": "ImageObject",
            "url": f"{site.base_url}/{logo[0]}",
            "width": _LOGO_SIZE,
            "height": _LOGO_SIZE,
        }
    return data


def person_or_persona(theme: Theme, site: Site, author: AuthorBox) -> Data:
    """Return an author. An AI persona is no `Person`: it is stated as software, with the person who answers for it."""
    data: Data = {
        "@type": "Organization" if author.is_ai else "Person",
        "name": author.name,
        "url": site.base_url + author.url,
    }
    if author.is_ai:
        data["additionalType"] = "https://schema.org/SoftwareApplication"
        data["disambiguatingDescription"] = theme.text(site)("author.not_a_person", name=author.name)
        if author.responsible_editor:
            data["member"] = {
                "@type": "OrganizationRole",
                "roleName": theme.text(site)("author.responsible_editor"),
                "member": {"@type": "Person", "name": author.responsible_editor},
            }
    return data


def _responsibility(document: Document, authors: Sequence[AuthorBox]) -> Data:
    """Return who is responsible for the article, and its source type if AI wrote it or had a role in it."""
    data: Data = {}
    responsible = document.production.get("responsible")
    named = [responsible] if responsible else [a.responsible_editor for a in authors if a.responsible_editor]
    if editors := list(dict.fromkeys(named)):
        data["editor"] = [{"@type": "Person", "name": name} for name in editors]
    if responsible:
        data["accountablePerson"] = {"@type": "Person", "name": responsible}
    if any(a.is_ai for a in authors) or document.production.get("ai_roles"):
        by_ai_alone = bool(authors) and all(a.is_ai for a in authors)
        kind = "trainedAlgorithmicMedia" if by_ai_alone else "compositeWithTrainedAlgorithmicMedia"
        data["digitalSourceType"] = _SOURCE_TYPES[kind]
    return data


def _image(site: Site, picture: Picture) -> Data:
    image: Data = {"@type": "ImageObject", "url": site.base_url + picture.src}
    if picture.width and picture.height:
        image |= {"width": picture.width, "height": picture.height}
    if picture.caption:
        image["caption"] = picture.caption
    if picture.credit:
        image["creditText"] = picture.credit
    kind = picture.source_type.removeprefix(IPTC)
    if kind in _SOURCE_TYPES:
        image["digitalSourceType"] = _SOURCE_TYPES[kind]
    return image
