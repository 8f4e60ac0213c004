"""What the Articles table records of each list: its months, and what the directories of topics and authors show of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nightdesk.ports import Change, Item, Table
from nightdesk.repositories.items import own_attributes

_LISTS = "lists"
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


class ListRecord(NamedTuple):
    """What is recorded of a list.

    Attributes:
        months: the number of articles in each month that has some or ever had some; of the list of all articles, 1 or 0.
        summary: what directories show; None for a list that they do not show.
        versions: of the two items; None for one that is not stored.
    """

    months: Mapping[str, int]
    summary: ListSummary | None
    versions: tuple[int | None, int | None]


def read_records(table: Table, names: Iterable[str]) -> dict[str, ListRecord]:
    """Return what is recorded of some lists, by name."""
    wanted = list(names)
    keys = [key for name in wanted for key in (_months_key(name), (_LISTS, name))]
    found = iter(table.get_many(keys))
    return {name: _record(next(found), next(found)) for name in wanted}


def read_record(table: Table, name: str) -> ListRecord:
    """Return what is recorded of a list."""
    return read_records(table, [name])[name]


def _record(months_item: Item | None, summary_item: Item | None) -> ListRecord:
    counts = months_item["counts"] if months_item else {}
    summary = _summary(own_attributes(summary_item)) if summary_item else None
    versions = [item["version"] if item else None for item in (months_item, summary_item)]
    return ListRecord(counts, summary, (versions[0], versions[1]))


def _months_key(name: str) -> tuple[str, str]:
    return f"months#{name}", "months"


def months(table: Table, name: str) -> dict[str, int]:
    """Return the number of articles in each month of a list that has articles; of the list of all articles, 1."""
    return {month: count for month, count in read_record(table, name).months.items() if count}


def all_months(table: Table, name: str) -> list[str]:
    """Return the months of a list that have articles or ever had some: a run that died may have left the page of one."""
    return sorted(read_record(table, name).months)


def record_list(
    table: Table, name: str, before: ListRecord, counts: Mapping[str, int], summary: ListSummary | None
) -> bool:
    """Record how many articles some months of a list have, and the list itself, or that there is no such list (None).

    Args:
        before: what was recorded when the articles were read.

    Returns:
        True if that changed anything.

    Raises:
        Conflict: another writer changed one of the items meanwhile.
    """
    known = dict(before.months)
    known |= {
        month: count if name != _UNCOUNTED else min(count, 1)
        for month, count in counts.items()
        if count or month in known
    }
    changes = []
    if known != before.months:
        changes.append(Change(*_months_key(name), {"counts": known}, before.versions[0]))
    if name != _UNCOUNTED and summary != before.summary:
        changes.append(Change(_LISTS, name, _summary_item(summary) if summary else None, before.versions[1]))
    if changes:
        table.write(changes)
    return bool(changes)


def _summary_item(summary: ListSummary) -> Item:
    return {**summary._asdict(), "newest": list(summary.newest) if summary.newest else None}


def lists(table: Table) -> list[str]:
    """Return the names of the lists that have articles."""
    return [item["sk"] for item in table.query(_LISTS)]


def summaries(table: Table) -> list[tuple[str, ListSummary]]:
    """Return name and summary of the list of each topic and author that has articles or a profile."""
    return [(item["sk"], _summary(own_attributes(item))) for item in table.query(_LISTS)]


def _summary(item: Item) -> ListSummary:
    newest = item.get("newest")
    values = {
        **item,
        "articles": int(item.get("articles", 0)),
        "newest": (newest[0], newest[1], newest[2]) if newest else None,
    }
    return ListSummary(**values)
