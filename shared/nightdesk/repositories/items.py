"""Table items: their own attributes, without what the table adds."""

from __future__ import annotations

from nightdesk.ports import Change, Item, Table

_TABLE_ATTRIBUTES = frozenset(("pk", "sk", "version"))


def own_attributes(item: Item) -> Item:
    """Return an item without its keys and its version."""
    return {name: value for name, value in item.items() if name not in _TABLE_ATTRIBUTES}


def set_item(table: Table, pk: str, sk: str, item: Item | None) -> bool:
    """Write an item, or remove it if `item` is None, unless it is stored like that already.

    Returns:
        True if anything was written.

    Raises:
        Conflict: another writer changed the item meanwhile.
    """
    stored = table.get(pk, sk)
    if (own_attributes(stored) if stored else None) == item:
        return False
    table.write([Change(pk, sk, item, stored["version"] if stored else None)])
    return True
