"""What the Articles table records of each list: its months, and what the directories of topics and authors show of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.ports import Change, Item, Table
from nightdesk.repositories.items import own_attributes

_PER_TRANSACTION = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""
_UNCOUNTED = "all"
"""The list of all articles is in no directory, so its articles are not counted."""


class ListSummary(NamedTuple):
    """What a directory shows of a topic or an author.

    Attributes:
        note: an author's beat, or a topic's summary.
        portrait: the path of an author's portrait; empty for none.
        is_ai: True for an AI persona.
        articles: how many the list has.
        newest: slug, title and date of the newest of them; None for a list without articles.
    """

    label: str
    note: str = ""
    portrait: str = ""
    is_ai: bool = False
    articles: int = 0
    newest: tuple[str, str, str] | None = None


def _months_pk(name: str) -> str:
    return f"months#{name}"


def months(table: Table, name: str) -> dict[str, int]:
    """Return the number of articles in each month of a list that has articles; of the list of all articles, 0."""
    return {item["sk"]: int(item.get("count", 0)) for item in table.query(_months_pk(name)) if not item["empty"]}


def all_months(table: Table, name: str) -> list[str]:
    """Return the months of a list that have articles or ever had some: a run that died may have left the page of one."""
    return [item["sk"] for item in table.query(_months_pk(name))]


def record_list(table: Table, name: str, counts: Mapping[str, int], summary: ListSummary | None) -> bool:
    """Record how many articles some months of a list have, and the list itself, or that there is no such list (None).

    Returns:
        True if that changed anything.

    Raises:
        Conflict: another writer changed one of the items meanwhile.
    """
    wanted: dict[tuple[str, str], Item | None] = {
        (_months_pk(name), month): _month_item(name, count) for month, count in counts.items()
    }
    if name != _UNCOUNTED:
        wanted["lists", name] = _summary_item(summary) if summary else None
    stored = table.get_many(list(wanted))
    changes = [
        Change(*key, item, old["version"] if old else None)
        for (key, item), old in zip(wanted.items(), stored, strict=True)
        if (own_attributes(old) if old else None) != item and not (old is None and item and item.get("empty"))
    ]
    for start in range(0, len(changes), _PER_TRANSACTION):
        table.write(changes[start : start + _PER_TRANSACTION])
    return bool(changes)


def _month_item(name: str, count: int) -> Item:
    return {"empty": not count} if name == _UNCOUNTED else {"empty": not count, "count": count}


def _summary_item(summary: ListSummary) -> Item:
    return {**summary._asdict(), "newest": list(summary.newest) if summary.newest else None}


def lists(table: Table) -> list[str]:
    """Return the names of the lists that have articles."""
    return [item["sk"] for item in table.query("lists")]


def summaries(table: Table) -> list[tuple[str, ListSummary]]:
    """Return name and summary of the list of each topic and author that has articles or a profile."""
    return [(item["sk"], _summary(own_attributes(item))) for item in table.query("lists")]


def _summary(item: Item) -> ListSummary:
    newest = item.get("newest")
    values = {
        **item,
        "articles": int(item.get("articles", 0)),
        "newest": (newest[0], newest[1], newest[2]) if newest else None,
    }
    return ListSummary(**values)
