"""The Requests table: keys and items together.

    pk         sk            item
    request    <digest>      the answer to a request with an Idempotency-Key, kept by Powertools
    rebuild    <id>          a requested rebuild

`ttl` (DynamoDB's, in seconds since 1970) removes items after a day.
"""

from __future__ import annotations

from nightdesk.ports import Change, Item, Table

IDEMPOTENCY_PARTITION = "request"
_REBUILDS = "rebuild"


def add_rebuild(table: Table, identifier: str, item: Item) -> None:
    """Store a new rebuild."""
    table.write([Change(_REBUILDS, identifier, item, None)])


def update_rebuild(table: Table, identifier: str, item: Item, expected: int) -> None:
    """Store a rebuild over its version `expected`.

    Raises:
        Conflict: it has another version by now.
    """
    table.write([Change(_REBUILDS, identifier, item, expected)])


def rebuild(table: Table, identifier: str) -> Item | None:
    """Return a rebuild; None for an unknown or expired one."""
    return table.get(_REBUILDS, identifier)
