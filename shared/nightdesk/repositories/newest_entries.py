"""What the newest entries of a list answer without another query, if they are enough for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nightdesk.repositories.articles_table import FARTHEST_ZONE, ListEntry, month_of


def month(newest: Sequence[ListEntry], which: str, complete: bool) -> list[ListEntry] | None:
    """Return the entries of one month, as `articles_table.month` does, if the newest entries of the list have all of them.

    Args:
        complete: whether the list has no other entries.
    """
    begin = (datetime.fromisoformat(f"{which}-01") - FARTHEST_ZONE).isoformat()
    if not complete and not (newest and newest[-1].sort_key < begin):
        return None
    return [entry for entry in newest if month_of(entry.sort_key) == which]


def preceding(
    newest: Sequence[ListEntry], complete: bool, sort_key: str, limit: int
) -> list[ListEntry] | None:  # fmt: skip
    """Return what `articles_table.preceding` does if the newest entries of the list have all of it."""
    found = [entry for entry in newest if entry.sort_key < sort_key][:limit]
    return found if complete or len(found) == limit else None


def following(
    newest: Sequence[ListEntry], complete: bool, sort_key: str, limit: int
) -> list[ListEntry] | None:  # fmt: skip
    """Return what `articles_table.following` does if the newest entries of the list have all of it."""
    if not complete and not (newest and newest[-1].sort_key <= sort_key):
        return None
    return [entry for entry in reversed(newest) if entry.sort_key > sort_key][:limit]
