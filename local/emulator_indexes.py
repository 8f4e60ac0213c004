"""Patches by which MiniStack finds what it lists and queries in an index, as S3 and DynamoDB do, without changing its answers.

It reads and sorts all keys of a bucket for each listing, all versions of all buckets for each listing of versions, and all
items of a partition for each query. So every publish would take longer the more articles there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from types import FunctionType
from typing import Any

from nightdesk_local.patching import require
from sortedcontainers import SortedDict

_LAST = "\U0010ffff"
_MORE = 2
"""Keys that are found besides those of a page: the one before it, and one that tells whether another page follows."""
_MANY = 20
"""Items of a partition from which on it is kept in order."""
_CONDITION = re.compile(r"pk = (:\w+)(?: AND sk BETWEEN (:\w+) AND (:\w+))?")
"""The key condition of `DynamoTable.query`. Any other is left to MiniStack."""


def patch_listings(s3: Any) -> None:
    """List objects and versions from keys that are kept in order.

    With 1,000 articles, listing versions takes an eighth of MiniStack's CPU time for a publish, and ten times as long with ten times as many.
    """
    require(
        s3, "_ensure_bucket", "_object_versions", "_collect_list_entries", "_list_object_versions", "_qp", "_buckets"
    )
    s3._object_versions._data = SortedDict(s3._object_versions._data)
    collect, list_versions = s3._collect_list_entries, s3._list_object_versions

    def ensure_bucket(name: str) -> Any:
        bucket = s3._buckets.get(name)
        if bucket is not None and not isinstance(bucket["objects"], SortedDict):
            bucket["objects"] = SortedDict(bucket["objects"])
        return bucket

    def collect_in_order(objects: Any, prefix: str, delimiter: str, max_keys: int, start_after: str) -> Any:
        limit = None if delimiter else max_keys + _MORE
        found = list(islice(_keys(objects, prefix, start_after), limit))
        return collect(found, prefix, delimiter, max_keys, start_after)

    def list_versions_in_order(name: str, params: Any) -> Any:
        bucket = ensure_bucket(name)
        if bucket is None:
            return list_versions(name, params)
        prefix, marker = s3._qp(params, "prefix", ""), s3._qp(params, "key-marker", "")
        limit = None if s3._qp(params, "delimiter", "") else int(s3._qp(params, "max-keys", "1000")) + _MORE
        objects = {key: bucket["objects"][key] for key in islice(_keys(bucket["objects"], prefix, marker), limit)}
        versions = dict(islice(_versions(s3._object_versions, name, prefix, marker), limit))
        narrowed = {"_ensure_bucket": lambda _: {**bucket, "objects": objects}, "_object_versions": versions}
        return _with_globals(list_versions, **narrowed)(name, params)

    s3._ensure_bucket = ensure_bucket
    s3._collect_list_entries, s3._list_object_versions = collect_in_order, list_versions_in_order


def _keys(objects: SortedDict, prefix: str, start: str) -> Iterator[str]:
    """Yield the keys that begin with a prefix, in order, from one on."""
    return objects.irange(max(prefix, start), prefix + _LAST)  # type: ignore[no-any-return]


def _versions(known: Any, bucket: str, prefix: str, start: str) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield the versions of a bucket's keys that begin with a prefix, in order, from one on."""
    low, high = known._scoped((bucket, max(prefix, start))), known._scoped((bucket, prefix + _LAST))
    return ((scoped[1], known._data[scoped]) for scoped in known._data.irange(low, high))


def patch_queries(dynamodb: Any) -> None:
    """Query partitions whose items are kept in order. With 1,000 articles, queries take half the CPU time."""
    require(dynamodb, "_query", "_tables")
    query = dynamodb._query

    def query_in_order(request: Any) -> Any:
        table = dynamodb._tables.get(request.get("TableName"))
        found = narrowed_table(table, request) if table else None
        if found is None:
            return query(request)
        return _with_globals(query, _tables={request["TableName"]: found})(request)

    dynamodb._query = query_in_order


def narrowed_table(table: dict[str, Any], request: dict[str, Any]) -> dict[str, Any] | None:
    """Return a table that holds only the items from which a page of a query is made; None where the query must see all.

    Args:
        table: MiniStack's, with `items` by partition key and sort key. Its partition is put in order.
        request: to DynamoDB's `Query`.
    """
    condition = _CONDITION.fullmatch(request.get("KeyConditionExpression", ""))
    if not condition or "IndexName" in request or (table["pk_name"], table["sk_name"]) != ("pk", "sk"):
        return None
    values = request["ExpressionAttributeValues"]
    partition, low, high = (values[name].get("S") if name else None for name in condition.groups())
    items = table["items"].get(partition)
    if items is None or len(items) < _MANY:
        return None
    if not isinstance(items, SortedDict):
        items = table["items"][partition] = SortedDict(items)
    forward, start = request.get("ScanIndexForward", True), request.get("ExclusiveStartKey", {}).get("sk", {}).get("S")
    low, high = (start or low, high) if forward else (low, start or high)
    limit = int(request["Limit"]) + _MORE if "Limit" in request else None
    found = islice(items.irange(low, high, reverse=not forward), limit)
    return {**table, "items": {partition: {key: items[key] for key in found}}}


def _with_globals(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    """Return a function of MiniStack that finds other values under some global names of its module."""
    assert isinstance(function, FunctionType)
    known = {**function.__globals__, **names}
    return FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)
