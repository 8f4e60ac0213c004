"""The audit log on DynamoDB, and in memory.

Items are only ever put where there is none. The API's role may put and query, and neither update nor delete.
"""

from __future__ import annotations

import bisect
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.adapters.dynamodb import from_attribute, to_attribute
from nightdesk.domain.errors import Conflict
from nightdesk.ports import AuditLog

_KEYS = ("pk", "sk")


class DynamoAuditLog:
    """A table with `pk` and `sk`."""

    def __init__(self, client: Any, table: str) -> None:
        self._dynamodb = client
        self._table = table

    def append(self, partitions: Sequence[str], sk: str, item: Mapping[str, Any]) -> None:
        attributes = {name: to_attribute(value) for name, value in item.items()}
        puts = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": {"pk": {"S": pk}, "sk": {"S": sk}, **attributes},
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for pk in partitions
        ]
        with translate_aws_errors("write the audit log"):
            self._dynamodb.transact_write_items(TransactItems=puts)

    def query(self, pk: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if before:
            condition, values = f"{condition} AND sk < :before", {**values, ":before": {"S": before}}
        with translate_aws_errors("read the audit log"):
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
            )
        return [
            (item["sk"]["S"], {name: from_attribute(value) for name, value in item.items() if name not in _KEYS})
            for item in answer["Items"]
        ]


class CopiedAuditLog:
    """An audit log of which each item is copied to a bucket first, where S3 Object Lock keeps it.

    A table can be deleted with the right permissions, and restored without its last hours; a locked object cannot be deleted
    by anyone. The copy comes first, so nothing is done that only the table tells of.
    """

    def __init__(self, inner: AuditLog, client: Any, bucket: str) -> None:
        self._inner = inner
        self._s3 = client
        self._bucket = bucket

    def append(self, partitions: Sequence[str], sk: str, item: Mapping[str, Any]) -> None:
        body = json.dumps({"id": sk, "logs": list(partitions), **item}, sort_keys=True, default=str).encode()
        with translate_aws_errors("copy the audit log"):
            self._s3.put_object(
                Bucket=self._bucket,
                Key=f"audit/{sk}.json",
                Body=body,
                ContentType="application/json",
                # S3 demands a checksum of each object that is locked.
                ChecksumSHA256=b64encode(sha256(body).digest()).decode(),
            )
        self._inner.append(partitions, sk, item)

    def query(self, pk: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return self._inner.query(pk, before, limit)


def copied(log: AuditLog, client: Any, bucket: str) -> AuditLog:
    """Return an audit log that is copied to a bucket; the log itself where there is none (empty, or `-` as an output)."""
    return CopiedAuditLog(log, client, bucket) if bucket.strip("-") else log


class MemoryAuditLog:
    """A dictionary of lists."""

    def __init__(self) -> None:
        self._partitions: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)

    def append(self, partitions: Sequence[str], sk: str, item: Mapping[str, Any]) -> None:
        for pk in partitions:
            if any(known == sk for known, _ in self._partitions[pk]):
                raise Conflict(sk)
            bisect.insort(self._partitions[pk], (sk, dict(item)), key=lambda entry: entry[0])

    def query(self, pk: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        found = [(sk, item) for sk, item in reversed(self._partitions[pk]) if not before or sk < before]
        return found[:limit]
