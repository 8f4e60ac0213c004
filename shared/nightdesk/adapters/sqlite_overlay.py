"""Buckets and tables of another process's store, with writes that stay apart from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from nightdesk.adapters.memory import Clock
from nightdesk.adapters.sqlite import ItemRow, ObjectRow, SqliteObjects, SqliteStore, SqliteTable
from nightdesk.domain.documents import parse_json
from nightdesk.ports import ALL_KEYS, Item, KeyRange

ItemKey = tuple[str, str]


class ObjectWrite(NamedTuple):
    """A write of an object: the version that it replaces (None: nothing), and what is stored (None: it is deleted)."""

    over: int | None
    row: ObjectRow | None


class ItemWrite(NamedTuple):
    """A write of an item, likewise."""

    over: int | None
    row: ItemRow


class ReadOnlyStore(SqliteStore):
    """A store as it was committed last.

    Args:
        first_write: the number of the first write; no other process may use it or one of those that follow.
    """

    def __init__(self, path: Path, first_write: int) -> None:
        self._connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
        self._writes = first_write
        self.execute("BEGIN")


class OverlayObjects(SqliteObjects):
    """A bucket of such a store.

    Attributes:
        written: by key, what was written here.
    """

    def __init__(self, store: SqliteStore, bucket: str, clock: Clock) -> None:
        super().__init__(store, bucket, clock)
        self.written: dict[str, ObjectWrite] = {}

    def write_row(self, key: str, row: ObjectRow) -> None:
        self.written[key] = ObjectWrite(self._replaced(key), row)

    def delete(self, key: str) -> None:
        self.written[key] = ObjectWrite(self._replaced(key), None)

    def _replaced(self, key: str) -> int | None:
        return self.written[key].over if key in self.written else self.version_of(key)

    def _row(self, columns: str, key: str) -> Any:
        if key not in self.written:
            return super()._row(columns, key)
        row = self.written[key].row
        return _columns(columns, key, row) if row else None

    def _select(self, columns: str, prefix: str) -> list[Any]:
        found = super()._select(columns, prefix)
        written = {key: write.row for key, write in self.written.items() if key.startswith(prefix)}
        if not written:
            return found
        # The key is the first of the columns that are selected.
        rows = [row for row in found if row[0] not in written]
        return sorted(rows + [_columns(columns, key, row) for key, row in written.items() if row])


def _columns(columns: str, key: str, row: ObjectRow) -> tuple[Any, ...]:
    return tuple(key if column == "key" else getattr(row, column) for column in columns.split(", "))


class OverlayTable(SqliteTable):
    """A table of such a store.

    Attributes:
        written: by key, what was written here.
    """

    def __init__(self, store: SqliteStore, name: str) -> None:
        super().__init__(store, name)
        self.written: dict[ItemKey, ItemWrite] = {}

    def get(self, pk: str, sk: str) -> Item | None:
        if (pk, sk) not in self.written:
            return super().get(pk, sk)
        body = self.written[pk, sk].row.body
        return parse_json(body) if body else None

    def version_of(self, pk: str, sk: str) -> int | None:
        if (pk, sk) not in self.written:
            return super().version_of(pk, sk)
        row = self.written[pk, sk].row
        return row.version if row.body else None

    def write_row(self, pk: str, sk: str, row: ItemRow) -> None:
        known = self.written.get((pk, sk))
        self.written[pk, sk] = ItemWrite(known.over if known else super().version_of(pk, sk), row)

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        written = {sk: write.row.body for (of, sk), write in self.written.items() if of == pk}
        if not written:
            return super().query(pk, keys, descending=descending, limit=limit)
        found: dict[str, Item] = {item["sk"]: item for item in super().query(pk, keys) if item["sk"] not in written}
        found |= {sk: parse_json(body) for sk, body in written.items() if body and _is_within(sk, keys)}
        return [found[sk] for sk in sorted(found, reverse=descending)][:limit]


def _is_within(sk: str, keys: KeyRange) -> bool:
    prefix, after, before = keys
    return sk.startswith(prefix) and sk > after and (not before or sk < before)


class Writes(NamedTuple):
    """What one run wrote: objects by bucket, and items of the table of articles."""

    objects: Mapping[str, Mapping[str, ObjectWrite]]
    items: Mapping[ItemKey, ItemWrite]
