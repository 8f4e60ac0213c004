"""The data of a stack, which drills copy, lose and restore with the rights of an operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from support.newsroom import Newsroom

BUCKETS = ("DraftsBucket", "PrivateBucket", "SiteBucket")
TABLES = ("ArticlesTable", "MembershipsTable", "UpdatesTable", "EditionsTable", "RequestsTable", "AuditTable")

BACKED_UP = (
    "ArticlesTable",
    "MembershipsTable",
    "UpdatesTable",
    "EditionsTable",
    "AuditTable",
    "PrivateBucket",
    "DraftsBucket",
)
"""What the template backs up, which a contract test compares; drafts come last, because stages begin with them."""


class Copy(NamedTuple):
    """A copy of buckets (bodies and headers by key) and of tables (items)."""

    buckets: dict[str, dict[str, dict[str, Any]]]
    tables: dict[str, list[dict[str, Any]]]


class Stores:
    """The buckets and tables of a newsroom's stack, by their logical ids."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._room = newsroom
        self._names = newsroom.cloud.outputs
        self._s3, self._dynamodb = newsroom.cloud.client("s3"), newsroom.cloud.client("dynamodb")

    def copy(self, *names: str) -> Copy:
        """Copy some buckets, in their current versions as AWS Backup restores them, and some tables."""
        buckets = {
            name: {key: self._read(name, key) for key in self._room.versions(name)} for name in self._of(BUCKETS, names)
        }
        return Copy(buckets, {name: self._items(name) for name in self._of(TABLES, names)})

    def lose(self, *kept: str) -> None:
        """Lose everything but some buckets and tables: objects with all versions, and items.

        Here each lost draft is an event. What the stages make of it is lost too, as if nothing ran meanwhile.
        """
        for _ in range(2):
            self._empty(kept)
            self._room.cloud.settle(240)

    def restore(self, copy: Copy, *names: str) -> None:
        """Restore some buckets and tables, in this order. What a table holds is replaced."""
        for name in names:
            for key, found in copy.buckets.get(name, {}).items():
                self._s3.put_object(Bucket=self._names[name], Key=key, **found)
            if name in copy.tables:
                self._empty_table(name)
            for item in copy.tables.get(name, ()):
                self._dynamodb.put_item(TableName=self._names[name], Item=item)

    def _empty(self, kept: Sequence[str]) -> None:
        for name in set(BUCKETS) - set(kept):
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._names[name]):
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    self._s3.delete_object(Bucket=self._names[name], Key=each["Key"], VersionId=each["VersionId"])
        for name in set(TABLES) - set(kept):
            self._empty_table(name)

    def _empty_table(self, name: str) -> None:
        for item in self._items(name):
            self._dynamodb.delete_item(TableName=self._names[name], Key={"pk": item["pk"], "sk": item["sk"]})

    def _read(self, bucket: str, key: str) -> dict[str, Any]:
        found = self._s3.get_object(Bucket=self._names[bucket], Key=key)
        headers = {name: found[name] for name in ("ContentType", "CacheControl", "Metadata") if name in found}
        return {"Body": found["Body"].read(), **headers}

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._names[table])
        return [item for page in pages for item in page["Items"]]

    @staticmethod
    def _of(stores: Sequence[str], names: Sequence[str]) -> list[str]:
        return [name for name in stores if name in names]
