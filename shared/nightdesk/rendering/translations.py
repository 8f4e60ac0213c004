"""The links between an article and its translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nightdesk.domain.documents import Document
from nightdesk.domain.language_names import native_name
from nightdesk.domain.languages import direction
from nightdesk.domain.site import Site
from nightdesk.rendering.contexts import Alternate, Translation

Card = Mapping[str, Any]
"""What the list of an article's translations says of one of them: `slug`, `language`, and whether it is the `original`."""
_DEFAULT = "x-default"


class Version(NamedTuple):
    """An article in one language."""

    slug: str
    language: str
    is_original: bool


def versions_of(site: Site, document: Document, lists: Mapping[str, Sequence[Card]]) -> tuple[Version, ...]:
    """Return an article and its translations, the original first and one for each language; none if there is no other.

    All of them choose in the same way among articles that contradict each other, so links always lead in both directions: of
    several originals the one whose slug is the one that translations name, and of several articles in one language
    the first by slug.

    Args:
        lists: the other articles, by list of translations.
    """
    own = Version(document.slug, document.language or site.language, not document.translation_of)
    found = {own.slug: own}
    for name, cards in lists.items():
        others = [Version(card["slug"], card["language"] or site.language, card["original"]) for card in cards]
        named = name.partition(":")[2]
        originals = sorted(
            (each for each in (own, *others) if each.is_original), key=lambda v: (v.slug != named, v.slug)
        )
        if own.is_original and originals[0] != own:
            continue
        found |= {each.slug: each for each in (*originals[:1], *(v for v in others if not v.is_original))}
    kept: dict[str, Version] = {}
    for version in sorted(found.values(), key=lambda version: (not version.is_original, version.slug)):
        kept.setdefault(version.language.lower(), version)
    return tuple(kept.values()) if len(kept) > 1 and own in kept.values() else ()


def alternates(site: Site, versions: Sequence[Version]) -> tuple[Alternate, ...]:
    """Return what the head of a page names: each version, itself included, and the original for all other languages."""
    return tuple(Alternate(language, article_url(site, slug)) for language, slug in alternate_slugs(versions))


def alternate_slugs(versions: Sequence[Version]) -> list[list[str]]:
    """Return the language and slug of each version, and the original once more for all other languages, as JSON values."""
    found = [[version.language, version.slug] for version in versions]
    return found + [[_DEFAULT, version.slug] for version in versions[:1] if version.is_original]


def translation_links(versions: Sequence[Version], slug: str) -> tuple[Translation, ...]:
    """Return the links that the page of an article shows to the others. A language that occurs in two forms has its tag."""
    names = [native_name(version.language) for version in versions]
    return tuple(
        Translation(
            name if names.count(name) == 1 else f"{name} ({version.language})",
            f"/articles/{version.slug}/",
            version.language,
            direction(version.language),
        )
        for name, version in zip(names, versions, strict=True)
        if version.slug != slug
    )


def described_translations(site: Site, versions: Sequence[Version], slug: str) -> dict[str, Any]:
    """Return what structured data say of the translations of an article, or of the original of a translation (schema.org)."""
    works = [
        {"@type": "NewsArticle", "@id": url, "url": url, "inLanguage": v.language}
        for v in versions
        if v.slug != slug and (url := article_url(site, v.slug))
    ]
    if not works:
        return {}
    original = versions[0]
    if original.slug == slug:
        return {"workTranslation": works}
    return {"translationOfWork": works[0]} if original.is_original else {}


def article_url(site: Site, slug: str) -> str:
    """Return the address of an article."""
    return f"{site.base_url}/articles/{slug}/"
