"""The audit log on DynamoDB, and in memory.

    pk                    sk        entry
    log                   <place>   every entry
    log#<subject>         <place>   the same, by what it is about

An item is only ever put where there is none. The function's role may put and query, and neither update nor delete.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from nightdesk.domain.errors import Conflict

from .aws import faults
from .dynamodb import from_attribute, to_attribute

_OWN = ("pk", "sk")


def _partition(subject: str) -> str:
    return f"log#{subject}" if subject else "log"


class DynamoJournal:
    """The log in a table with `pk` and `sk`."""

    def __init__(self, client: Any, table: str) -> None:
        self._dynamodb = client
        self._table = table

    def append(self, subject: str, place: str, entry: Mapping[str, Any]) -> None:
        content = {name: to_attribute(value) for name, value in entry.items()}
        puts = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": {"pk": {"S": pk}, "sk": {"S": place}, **content},
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
            for pk in (_partition(""), _partition(subject))
        ]
        with faults("write the audit log"):
            self._dynamodb.transact_write_items(TransactItems=puts)

    def read(self, subject: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        condition, values = "pk = :pk", {":pk": {"S": _partition(subject)}}
        if before:
            condition, values = f"{condition} AND sk < :before", {**values, ":before": {"S": before}}
        with faults("read the audit log"):
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
            )
        return [
            (item["sk"]["S"], {name: from_attribute(value) for name, value in item.items() if name not in _OWN})
            for item in answer["Items"]
        ]


class MemoryJournal:
    """The log in lists."""

    def __init__(self) -> None:
        self._entries: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)

    def append(self, subject: str, place: str, entry: Mapping[str, Any]) -> None:
        for name in ("", subject):
            if any(known == place for known, _ in self._entries[name]):
                raise Conflict(place)
            bisect.insort(self._entries[name], (place, dict(entry)), key=lambda item: item[0])

    def read(self, subject: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        found = [(place, entry) for place, entry in reversed(self._entries[subject]) if not before or place < before]
        return found[:limit]
