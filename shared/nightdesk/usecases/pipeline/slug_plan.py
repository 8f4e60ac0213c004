"""Slug ownership: which slugs a draft should have. Pure functions of its record, its document and what it holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from nightdesk.domain.documents import Document
from nightdesk.domain.old_addresses import slug_of_address
from nightdesk.domain.problems import Kind, Problem
from nightdesk.usecases.pipeline.draft_history import DraftHistory, aliased_since, claimed_since

_NEVER = "9999"


class SlugPlan(NamedTuple):
    """What should become of each slug that a draft has or wants.

    Attributes:
        article: the slug of its article; empty if it has none.
        pointers: slugs that should lead to the article.
        former: the other slugs on its record. The editors' decisions there move to the article's slug, and those that
            cannot be made pointers are released, in this order.
    """

    article: str
    pointers: tuple[str, ...]
    former: tuple[str, ...]


class Contender(NamedTuple):
    """A draft that claims a slug: its key, and the history of its file."""

    key: str
    history: DraftHistory


def plan_published(document: Document, recorded: Sequence[str]) -> SlugPlan:
    """Return the plan for a draft whose document is to be published.

    Args:
        recorded: the slugs on the draft's record, among them all that the document names.
    """
    former = tuple(slug for slug in recorded if slug != document.slug)
    return SlugPlan(document.slug, tuple(aliased_slugs(document)), former)


def plan_rejected(slug: str, recorded: Sequence[str], live: Collection[str], pointers: Collection[str]) -> SlugPlan:
    """Return the plan for a rejected draft, which keeps what is live: one article, and the pointers to it.

    Args:
        slug: the slug of its article, by its record.
        recorded: the slugs on its record.
        live: those at which it has an article. A run that died may have left two.
        pointers: those at which it has a pointer.
    """
    article = slug if slug in live else min(live, default="")
    kept = (article, *sorted(pointers)) if article else ()
    return SlugPlan(article, kept[1:], tuple(other for other in recorded if other not in kept))


def aliased_slugs(document: Document) -> list[str]:
    """Return the slugs among a document's aliases, those of the form `/articles/<slug>/`, without its own."""
    found = [slug_of_address(alias) for alias in document.aliases]
    return list(dict.fromkeys(slug for slug in found if slug and slug != document.slug))


def path_aliases(document: Document) -> list[str]:
    """Return the other old addresses among a document's aliases. They are claimed like slugs."""
    return [address for address in document.aliases if not slug_of_address(address)]


def has_older_right(name: str, first: Contender, second: Contender) -> bool:
    """Return True if the first draft has an older right to a slug or an old address than the second.

    That is the one that has had the slug as its own for longer; then the one that has had it, or the address, as an alias
    for longer. Between equals, keys decide.
    """
    address = name if name.startswith("/") else f"/articles/{name}/"

    def since(contender: Contender) -> tuple[str, str, str]:
        history = contender.history
        return claimed_since(history, name) or _NEVER, aliased_since(history, address) or _NEVER, contender.key

    return since(first) < since(second)


def slug_taken(slug: str, holder: str, line: int) -> Problem:
    """Return the problem of a draft whose slug, typed in a line, another draft holds."""
    return Kind.SLUG_TAKEN.at(line, "slug", slug=slug, holder=holder)
