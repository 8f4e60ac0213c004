"""Buckets and tables in one SQLite file: what `nightdesk build` keeps between builds.

Only the newest version of an object is kept: a build has no history. Nothing is durable before `commit`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from nightdesk.adapters.memory import Clock, copy_of, fingerprint_of, wall_clock
from nightdesk.domain.documents import canonical_json, parse_json
from nightdesk.domain.errors import Conflict
from nightdesk.ports import (
    ALL_KEYS,
    ANY,
    Blob,
    Change,
    Fingerprint,
    Item,
    KeyRange,
    Listed,
    Objects,
    ObjectVersion,
    Output,
    Stat,
)

_TABLES = """
CREATE TABLE objects (bucket TEXT, key TEXT, version INTEGER, modified TEXT, etag TEXT, metadata BLOB, size INTEGER,
    body BLOB, PRIMARY KEY (bucket, key));
CREATE TABLE files (bucket TEXT, key TEXT, size INTEGER, time INTEGER, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE items (name TEXT, pk TEXT, sk TEXT, version INTEGER, item BLOB, PRIMARY KEY (name, pk, sk)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB);
"""
_LAST = "\U0010ffff"
"""Sorts after every other character."""


class SqliteStore:
    """A file that holds buckets and tables.

    Args:
        path: of an existing file, or of one to make (an empty file will do); None for a store in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        exists = path is not None and path.exists() and path.stat().st_size > 0
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        # A build that is killed is undone by the journal of the file. A new file is only used when it is complete; until then,
        # other processes read it while it is written.
        self.execute(f"PRAGMA journal_mode = {'DELETE' if exists else 'WAL'}")
        if not exists:
            self.execute("PRAGMA synchronous = OFF")
        self.execute("PRAGMA cache_size = -32000")
        if not exists:
            self._connection.executescript(_TABLES)
        self.execute("BEGIN")
        [(newest,)] = self.execute("SELECT value FROM facts WHERE name = 'writes'").fetchall() or [(0,)]
        self._writes = int(newest)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement."""
        return self._connection.execute(statement, values)

    def next_write(self) -> int:
        """Return a number that no other write of this store has."""
        self._writes += 1
        return self._writes

    def fact(self, name: str) -> Any:
        """Return a fact that was stored with `set_fact`; None if there is none."""
        found = self.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return parse_json(found[0]) if found else None

    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact: JSON values."""
        self.execute("REPLACE INTO facts VALUES (?, ?)", (name, canonical_json(value)))

    def commit(self) -> None:
        """Keep everything that was written."""
        self.execute("REPLACE INTO facts VALUES ('writes', ?)", (self._writes,))
        self.execute("COMMIT")

    def show_others(self) -> None:
        """Commit, so that other processes that open the file see what it holds now."""
        self.commit()
        self.execute("BEGIN")

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()


class ObjectRow(NamedTuple):
    """What a store holds of an object besides its bucket and key."""

    version: int
    modified: str
    etag: str
    metadata: bytes
    size: int
    body: bytes


class SqliteObjects:
    """A bucket of a store."""

    def __init__(self, store: SqliteStore, bucket: str, clock: Clock = wall_clock) -> None:
        self._store = store
        self.bucket = bucket
        self._clock = clock

    def _row(self, columns: str, key: str) -> Any:
        query = f"SELECT {columns} FROM objects WHERE bucket = ? AND key = ?"  # columns are constants
        return self._store.execute(query, (self.bucket, key)).fetchone()

    def get(self, key: str, version: str = "") -> Blob | None:
        row = self._row("version, etag, modified, metadata, body", key)
        if not row or version not in ("", str(row[0])):
            return None
        number, etag, modified, metadata, body = row
        return Blob(
            self.load_body(key, body), str(number), etag, datetime.fromisoformat(modified), parse_json(metadata)
        )

    def load_body(self, key: str, body: bytes | None) -> bytes:
        """Return the bytes of an object, of which the store holds `body`."""
        return body or b""

    def save_body(self, key: str, body: bytes) -> bytes | None:
        """Keep the bytes of an object, and return what the store is to hold of them."""
        return body

    def stat(self, key: str) -> Stat | None:
        row = self._row("version, etag, metadata", key)
        return Stat(key, str(row[0]), row[1], parse_json(row[2])) if row else None

    def put(self, output: Output, expected: str | None) -> Stat:
        if expected != ANY:
            row = self._row("etag", output.key)
            if (row[0] if row else None) != expected:
                raise Conflict(output.key)
        version, etag = self._store.next_write(), hashlib.md5(output.body, usedforsecurity=False).hexdigest()
        row = ObjectRow(
            version,
            self._clock().isoformat(),
            etag,
            canonical_json(dict(output.metadata)),
            len(output.body),
            output.body,
        )
        self.write_row(output.key, row)
        return Stat(output.key, str(version), etag, output.metadata)

    def write_row(self, key: str, row: ObjectRow) -> None:
        """Store an object over whatever is there."""
        values = (self.bucket, key, *row[:-1], self.save_body(key, row.body))
        self._store.execute("REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def version_of(self, key: str) -> int | None:
        """Return the number of the write that an object is from; None for no object."""
        row = self._row("version", key)
        return row[0] if row else None

    def fingerprint(self, key: str, version: str, largest: int) -> Fingerprint | None:
        return fingerprint_of(self.get(key, version), largest)

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        self.put(copy_of(source, key, version, output), expected)

    def delete(self, key: str) -> None:
        for table in ("objects", "files"):
            self._store.execute(f"DELETE FROM {table} WHERE bucket = ? AND key = ?", (self.bucket, key))

    def _select(self, columns: str, prefix: str) -> list[Any]:
        query = f"SELECT {columns} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key"
        return self._store.execute(query, (self.bucket, prefix, prefix + _LAST)).fetchall()

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        return self._select("key, etag", prefix)

    def page(self, prefix: str, after: str, limit: int) -> Sequence[tuple[str, Listed]]:
        return [(key, Listed(size, etag)) for key, size, etag in self._some("key, size, etag", prefix, after, limit)]

    def _some(self, columns: str, prefix: str, after: str, limit: int) -> Sequence[Any]:
        query = (
            f"SELECT {columns} FROM objects WHERE bucket = ? AND key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?"
        )
        return self._store.execute(query, (self.bucket, prefix, after, prefix + _LAST, limit)).fetchall()

    def listing(self, prefix: str) -> Mapping[str, Listed]:
        return {key: Listed(size, etag) for key, size, etag in self._select("key, size, etag", prefix)}

    def sizes(self, prefix: str) -> Mapping[str, int]:
        return dict(self._select("key, size", prefix))

    def files(self) -> Sequence[tuple[str, int, int]]:
        """Return the key, the size and the time (`set_file`) of each object whose bytes are in a file.

        They have a table of their own, because all are read at once: that of the objects also holds bytes.
        """
        return self._store.execute("SELECT key, size, time FROM files WHERE bucket = ?", (self.bucket,)).fetchall()

    def set_file(self, key: str, size: int, time: int) -> None:
        """Record the size of the file that holds the bytes of an object, and when it was written, in nanoseconds."""
        self._store.execute("REPLACE INTO files VALUES (?, ?, ?, ?)", (self.bucket, key, size, time))

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        return list(map(_version, self._select("key, version, modified", prefix)))

    def page_versions(self, prefix: str, after: str, limit: int) -> Sequence[ObjectVersion]:
        return list(map(_version, self._some("key, version, modified", prefix, after, limit)))


def _version(row: tuple[str, int, str]) -> ObjectVersion:
    key, version, modified = row
    return ObjectVersion(key, str(version), datetime.fromisoformat(modified), latest=True, deleted=False)


class ItemRow(NamedTuple):
    """The version of an item, and the item as JSON; None for one that is removed."""

    version: int
    body: bytes | None


class SqliteTable:
    """A table of a store.

    Attributes:
        overwritten: the keys of the items that an earlier build had stored and this one changed.
    """

    def __init__(self, store: SqliteStore, name: str) -> None:
        self._store = store
        self.name = name
        self._fresh: set[tuple[str, str]] = set()
        self.overwritten: set[tuple[str, str]] = set()

    def get(self, pk: str, sk: str) -> Item | None:
        row = self._store.execute(
            "SELECT item FROM items WHERE name = ? AND pk = ? AND sk = ?", (self.name, pk, sk)
        ).fetchone()
        return parse_json(row[0]) if row else None

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        prefix, after, before = keys
        conditions, values = ["name = ? AND pk = ?"], [self.name, pk]
        for condition, value in (
            ("sk > ?", after),
            ("sk >= ?", prefix),
            ("sk < ?", before),
            ("sk < ?", prefix and prefix + _LAST),
        ):
            if value:
                conditions.append(condition)
                values.append(value)
        order = "DESC" if descending else "ASC"
        query = f"SELECT item FROM items WHERE {' AND '.join(conditions)} ORDER BY sk {order} LIMIT ?"
        rows = self._store.execute(query, (*values, -1 if limit is None else limit))
        return [parse_json(row[0]) for row in rows]

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        """Return items with a sort key from the partitions after one."""
        rows = self._store.execute(
            "SELECT item FROM items WHERE name = ? AND sk = ? AND pk > ? ORDER BY pk LIMIT ?",
            (self.name, sort_key, after, limit),
        )
        return [parse_json(row[0]) for row in rows]

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        return [self.get(pk, sk) for pk, sk in keys]

    def version_of(self, pk: str, sk: str) -> int | None:
        """Return the version of an item; None for no item."""
        row = self._store.execute(
            "SELECT version FROM items WHERE name = ? AND pk = ? AND sk = ?", (self.name, pk, sk)
        ).fetchone()
        return row[0] if row else None

    def write(self, changes: Sequence[Change]) -> None:
        versions = [self.version_of(change.pk, change.sk) for change in changes]
        for (pk, sk, _, expected), version in zip(changes, versions, strict=True):
            if expected not in (ANY, version):
                raise Conflict(f"{pk} {sk}")
        for (pk, sk, item, _), version in zip(changes, versions, strict=True):
            if version is None:
                self._fresh.add((pk, sk))
            elif (pk, sk) not in self._fresh:
                self.overwritten.add((pk, sk))
            number = (version or 0) + 1
            body = None if item is None else canonical_json({**item, "pk": pk, "sk": sk, "version": number})
            self.write_row(pk, sk, ItemRow(number, body))

    def write_row(self, pk: str, sk: str, row: ItemRow) -> None:
        """Store an item over whatever is there, or remove it."""
        if row.body is None:
            self._store.execute("DELETE FROM items WHERE name = ? AND pk = ? AND sk = ?", (self.name, pk, sk))
        else:
            self._store.execute("REPLACE INTO items VALUES (?, ?, ?, ?, ?)", (self.name, pk, sk, *row))

    def increment(self, pk: str, sk: str, until: int) -> int:
        self.write([Change(pk, sk, {"ttl": until}, ANY)])
        return self.version_of(pk, sk) or 0
