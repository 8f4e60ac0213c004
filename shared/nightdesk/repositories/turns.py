"""Turns: which runs are at work on some pages, so that one knows whether it is alone. They are in the Articles table.

pk             sk      item
turn#<name>    turn    the tokens of the runs at work, each with the Unix second at which it began; if none is, what the last
                       one left of the pages that it wrote; DynamoDB removes the item when it is of no use any more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.ports import Change, Item, Stat, Table

_KEPT = timedelta(days=1)
"""Far longer than a run of a function takes: the token of one that died counts as long."""
_SK = "turn"
_MOST_PAGES = 20
"""Those written last: enough for a list's front, feeds and newest months."""
_NONE: Mapping[str, Stat] = {}


class Turn(NamedTuple):
    """The runs at work on some pages.

    Attributes:
        version: of this item; None if there is none.
        pages: while nobody is at work, what is stored of some of the pages, by key.
    """

    runs: Mapping[str, int]
    version: int | None
    pages: Mapping[str, Stat]

    def at_work(self, now: datetime) -> dict[str, int]:
        """Return the runs that have not ended."""
        return {run: since for run, since in self.runs.items() if since > (now - _KEPT).timestamp()}


def read_turns(table: Table, names: Sequence[str]) -> list[Turn]:
    """Return the turn at each of some pages."""
    return read_turns_and(table, names, ())[0]


def read_turns_and(
    table: Table, names: Sequence[str], others: Sequence[tuple[str, str]]
) -> tuple[list[Turn], list[Item | None]]:
    """Return the turn at each of some pages, and the items with other keys, with one call."""
    keys = [*((_pk(name), _SK) for name in names), *others]
    items = [table.get(*keys[0])] if len(keys) == 1 else table.get_many(keys)
    turns = [_turn(item) if item else Turn({}, None, {}) for item in items[: len(names)]]
    return turns, items[len(names) :]


def _turn(item: Item) -> Turn:
    pages = {} if item["runs"] else item["pages"]
    known = {key: Stat(key, version, etag, {"digest": digest}) for key, (version, etag, digest) in pages.items()}
    return Turn(item["runs"], item["version"], known)


def turn_change(
    name: str, runs: Mapping[str, int], now: datetime, expected: int | str | None, pages: Mapping[str, Stat] = _NONE
) -> Change:
    """Return the change that stores which runs are at work, or what is stored of the pages if none is."""
    kept = [] if runs else list(pages.items())[-_MOST_PAGES:]
    item = {
        "runs": dict(runs),
        "pages": {key: [page.version, page.etag, page.metadata["digest"]] for key, page in kept},
        "ttl": int((now + _KEPT).timestamp()),
    }
    return Change(_pk(name), _SK, item, expected)


def _pk(name: str) -> str:
    return f"turn#{name}"
