"""Which addresses get no mail, stored so that nobody can find out whether an address is among them without the stack's secret.

Readers are known by a digest of their address, and a digest can be computed for any address that one suspects. After an account is deleted,
all that stays is the record that its address gets no mail. So its key is an HMAC-SHA-256 of the digest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

from nightdesk.ports import ALL_KEYS, ANY, Change, Item, KeyRange, Table

_PREFIX = "suppressed#"


class _ScannedTable(Table, Protocol):
    """A table that may be read as a whole."""

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]: ...


class KeyedSuppressions:
    """The memberships table, in which only the holder of a key finds the records of addresses that get no mail.

    Records that an earlier release wrote, under digests alone, count as well, until they are written again or lifted.

    Args:
        key: returns the key; called once, when the first such record is read or written.
    """

    def __init__(self, table: _ScannedTable, key: Callable[[], str]) -> None:
        self._table = table
        self._read_key = key
        self._key = b""

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item."""
        return self.get_many([(pk, sk)])[0] if pk.startswith(_PREFIX) else self._table.get(pk, sk)

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        """Return several items by `pk` and `sk`, in the order of `keys`."""
        keyed = {pk: self._keyed(pk) for pk, _ in keys if pk.startswith(_PREFIX)}
        found = self._table.get_many([*keys, *((keyed[pk], sk) for pk, sk in keys if pk in keyed)])
        others = iter(found[len(keys) :])
        return [
            (next(others) or item) if pk in keyed else item
            for (pk, _), item in zip(keys, found[: len(keys)], strict=True)
        ]

    def write(self, changes: Sequence[Change]) -> None:
        """Apply all changes, or none."""
        self._table.write([each for change in changes for each in self._stored(change)])

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        """Return items of a partition, ordered by sort key."""
        return self._table.query(pk, keys, descending=descending, limit=limit)

    def increment(self, pk: str, sk: str, until: int) -> int:
        """Increase a counter by one and return it."""
        return self._table.increment(pk, sk, until)

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        """Return up to `limit` items with a sort key: those after the partition `after`."""
        return self._table.scan(sort_key, after, limit)

    def _stored(self, change: Change) -> list[Change]:
        if not change.pk.startswith(_PREFIX):
            return [change]
        return [change._replace(pk=self._keyed(change.pk)), Change(change.pk, change.sk, None, ANY)]

    def _keyed(self, pk: str) -> str:
        self._key = self._key or self._read_key().encode()
        found = hmac.new(self._key, pk.removeprefix(_PREFIX).encode(), hashlib.sha256)
        return f"{_PREFIX}hmac#{found.hexdigest()}"
