"""What reconcile finds: how the site differs from what the drafts say, in one slice of it or in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

LISTED = 200
"""How many files, articles or entries one slice compares."""


@dataclass(frozen=True, slots=True)
class Differences:
    """How the site differs from what the drafts say.

    Attributes:
        drafts: keys of files of which the table knows another version, or whose document or images differ.
        articles: slugs whose pages or records differ, or that never ordered their social card.
        orphans: slugs of articles on the site for which there is no draft.
        lists: names of lists whose pages differ, or that never ordered their social card.
        common_pages: whether pages that every site has differ.
        entries: for slugs of articles, the places in lists where an entry is missing, superfluous or another one.
        stale: paths that the cache may hold an older version of.
        updates: keys of files of updates of which the table knows another version.
        pictures: who waits for renditions of an image, which, and what there are instead (`PictureRequested`).
        social_cards: which pages wait for which social card (`SocialCardRequested`).
        failed: files, articles and lists that could not be compared. Nothing is requested for these.
    """

    drafts: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    common_pages: bool = False
    entries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    stale: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str, str], ...] = ()
    social_cards: tuple[tuple[str, str], ...] = ()
    failed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def to_json(self) -> dict[str, Any]:
        """Return the differences as JSON values."""
        return asdict(self)

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        return {name: int(value) if isinstance(value, bool) else len(value) for name, value in asdict(self).items()}


def merged(each: Iterable[Differences]) -> Differences:
    """Return what several slices found, in order and without repetition."""
    found = list(each)
    names = ("drafts", "articles", "orphans", "lists", "stale", "updates", "pictures", "social_cards", "failed")
    values: dict[str, Any] = {
        name: tuple(sorted({value for one in found for value in getattr(one, name)})) for name in names
    }
    places: dict[str, set[str]] = defaultdict(set)
    for one in found:
        for slug, wrong in one.entries:
            places[slug] |= set(wrong)
    entries = tuple((slug, tuple(sorted(wrong))) for slug, wrong in sorted(places.items()))
    return Differences(**values, common_pages=any(one.common_pages for one in found), entries=entries)


class Slice(NamedTuple):
    """What one slice of a part found, and the position after which the next begins; None if there is none."""

    found: Differences
    after: str | None
