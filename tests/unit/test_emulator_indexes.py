"""The local cloud's indexes: listings and queries are answered exactly as MiniStack answers them without."""

from __future__ import annotations

import copy
import importlib.util
import random
import re
from types import ModuleType
from typing import Any

import pytest
from nightdesk_local.emulator_indexes import narrowed_table, patch_listings, patch_queries

BUCKET = "site"
PARTS = ("a", "articles", "b", "~public", "~member", "é", "z", "🗞")


def fresh(name: str) -> Any:
    """Return another copy of a module of MiniStack, with a state of its own."""
    spec = importlib.util.find_spec(f"ministack.services.{name}")
    assert spec
    assert spec.loader
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_key(chance: random.Random) -> str:
    return "/".join(chance.choice(PARTS) for _ in range(chance.randint(1, 4)))


def write(s3: Any, key: str, number: int) -> None:
    """Put a version of an object, or a delete marker where the number is divisible by five."""
    entry = {"version_id": f"v{number}", "last_modified": "2026-01-01T00:00:00Z", "etag": f'"{number}"', "size": number}
    versions = s3._object_versions.setdefault((BUCKET, key), [])
    for other in versions:
        other["is_latest"] = False
    versions.append({**entry, "is_latest": True, "is_delete_marker": number % 5 == 0})
    objects = s3._ensure_bucket(BUCKET)["objects"]
    if number % 5:
        objects[key] = entry
    else:
        objects.pop(key, None)
    if number % 11 == 10:  # without a history, as before the bucket had versions
        s3._object_versions.pop((BUCKET, key))


def stores(seed: int, count: int = 80) -> tuple[Any, Any]:
    """Return two copies of MiniStack's S3 that hold the same; the second has the index, put there while it was half full."""
    plain, indexed, chance = fresh("s3"), fresh("s3"), random.Random(seed)
    keys = [random_key(chance) for _ in range(count)]
    for s3 in (plain, indexed):
        for bucket in (BUCKET, "other"):
            s3._buckets[bucket] = {"created": "", "objects": {}, "region": "eu-west-1"}
        s3._object_versions["other", "articles/a"] = [{"version_id": "x"}]
        for number, key in enumerate(keys):
            if s3 is indexed and number == len(keys) // 2:
                patch_listings(s3)
            write(s3, key, number)
    return plain, indexed


@pytest.mark.parametrize("seed", range(5))
def test_listings_are_those_of_ministack(seed: int) -> None:
    plain, indexed = stores(seed)
    chance = random.Random(seed)
    for _ in range(60):
        params = {"max-keys": str(chance.choice((1, 2, 3, 7, 1000)))}
        if chance.random() < 0.6:
            params["prefix"] = random_key(chance)[: chance.randint(0, 12)]
        if chance.random() < 0.3:
            params["delimiter"] = "/"
        versions = plain._list_object_versions(BUCKET, params), indexed._list_object_versions(BUCKET, params)
        assert versions[0] == versions[1]
        from_key = {**params, "key-marker": random_key(chance)}
        assert plain._list_object_versions(BUCKET, from_key) == indexed._list_object_versions(BUCKET, from_key)
        start = {**params, "start-after": random_key(chance), "marker": random_key(chance)}
        assert plain._list_objects_v1(BUCKET, start) == indexed._list_objects_v1(BUCKET, start)
        assert plain._list_objects_v2(BUCKET, start) == indexed._list_objects_v2(BUCKET, start)
    assert indexed._list_object_versions("none", {})[0] == 404


@pytest.mark.parametrize("size", ["1", "2", "5"])
def test_pages_of_versions_follow_one_another(size: str) -> None:
    plain, indexed = stores(0, count=10)  # all have a history: MiniStack lists an object without one again and again
    found, params = [], {"max-keys": size}
    while True:
        answer = indexed._list_object_versions(BUCKET, params)
        assert answer == plain._list_object_versions(BUCKET, params)
        text = answer[2].decode()
        found += re.findall("<VersionId>([^<]+)</VersionId>", text)
        next_key = re.search("<NextKeyMarker>([^<]+)</NextKeyMarker>", text)
        if not next_key:
            break
        next_version = re.search("<NextVersionIdMarker>([^<]+)</NextVersionIdMarker>", text)
        assert next_version
        params |= {"key-marker": next_key[1], "version-id-marker": next_version[1]}
    whole = indexed._list_object_versions(BUCKET, {})[2].decode()
    assert found == re.findall("<VersionId>([^<]+)</VersionId>", whole)


def table(chance: random.Random, count: int) -> dict[str, Any]:
    """Return a table of MiniStack with a large partition and a small one."""
    keys = sorted(
        {"".join(chance.choice("abé#🗞") for _ in range(4)) for _ in range(count)}, key=lambda _: chance.random()
    )
    items = {key: {"pk": {"S": "list"}, "sk": {"S": key}, "n": {"N": "1"}} for key in keys}
    few = {"a": {"pk": {"S": "few"}, "sk": {"S": "a"}}}
    return {
        "TableName": "articles", "pk_name": "pk", "sk_name": "sk", "items": {"list": items, "few": few},
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_queries_are_answered_as_ministack_answers_them(seed: int) -> None:
    plain, indexed, chance = fresh("dynamodb"), fresh("dynamodb"), random.Random(seed)
    plain._tables["articles"] = table(chance, 100)
    indexed._tables["articles"] = copy.deepcopy(plain._tables["articles"])
    patch_queries(indexed)
    narrowed = 0
    for _ in range(25):
        request: dict[str, Any] = {
            "TableName": "articles", "ScanIndexForward": chance.random() < 0.5, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": chance.choice(("list", "list", "few", "none"))}},
        }  # fmt: skip
        if chance.random() < 0.6:
            low, high = sorted("".join(chance.choice("abé#🗞") for _ in range(chance.randint(1, 4))) for _ in "12")
            request["KeyConditionExpression"] += " AND sk BETWEEN :low AND :high"
            request["ExpressionAttributeValues"] |= {":low": {"S": low}, ":high": {"S": high}}
        if chance.random() < 0.7:
            request["Limit"] = chance.choice((1, 2, 5, 1000))
        for _ in range(8):
            narrowed += narrowed_table(indexed._tables["articles"], request) is not None
            answer = plain._query(copy.deepcopy(request))
            assert indexed._query(copy.deepcopy(request)) == answer
            last = plain.json.loads(answer[2]).get("LastEvaluatedKey")
            if not last:
                break
            request["ExclusiveStartKey"] = last
    assert narrowed
    for condition in ("pk = :pk AND begins_with(sk, :low)", "pk = :pk AND sk > :low"):
        request = {"TableName": "articles", "KeyConditionExpression": condition}
        request["ExpressionAttributeValues"] = {":pk": {"S": "list"}, ":low": {"S": "a"}}
        assert narrowed_table(indexed._tables["articles"], request) is None
        assert plain._query(request) == indexed._query(request)
    assert plain._query({"TableName": "none"}) == indexed._query({"TableName": "none"})
