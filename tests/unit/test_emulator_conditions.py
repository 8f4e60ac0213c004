"""The condition keys that the local cloud gives to IAM policies, as AWS derives them from a request."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk_local.emulator import condition_keys, patch_copies

TEXT = {"S": "article#a"}


def keys_of(action: str, **request: Any) -> dict[str, list[str]]:
    return condition_keys(action, json.dumps(request).encode())


def test_events_have_their_sources_and_detail_types() -> None:
    entries = [{"Source": "nightdesk.gate", "DetailType": "B"}, {"Source": "nightdesk.index", "DetailType": "A"}, {}]
    assert keys_of("events:PutEvents", Entries=entries) == {
        "events:source": ["nightdesk.gate", "nightdesk.index"],
        "events:detail-type": ["A", "B"],
    }


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("PutItem", {"Item": {"pk": TEXT, "sk": {"S": "x"}, "Key": {"M": {}}}}),
        ("UpdateItem", {"Key": {"pk": TEXT}, "ExpressionAttributeValues": {":v": {"S": "failure"}}}),
        ("BatchGetItem", {"RequestItems": {"table": {"Keys": [{"pk": TEXT}, {"pk": TEXT}]}}}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": {"pk": TEXT}}}]}),
        (
            "Query",
            {
                "KeyConditionExpression": "(#n0 = :v0 AND begins_with(#n1, :v1))",
                "ExpressionAttributeNames": {"#n0": "pk", "#n1": "sk"},
                "ExpressionAttributeValues": {":v0": TEXT, ":v1": {"S": "y"}},
            },
        ),
    ],
)
def test_a_request_has_the_partition_keys_of_all_its_items(action: str, request_: dict[str, Any]) -> None:
    assert keys_of(f"dynamodb:{action}", **request_) == {"dynamodb:leadingkeys": ["article#a"]}


def test_other_services_have_none() -> None:
    assert condition_keys("s3:PutObject", b"\xff not JSON") == {}


def test_copies_heed_the_condition_on_what_they_replace() -> None:
    stored = {"taken": {"etag": "1"}}
    s3 = SimpleNamespace(
        _ensure_bucket=lambda bucket: {"objects": stored} if bucket == "site" else None,
        _check_put_preconditions=lambda headers, found: "refused" if "if-none-match" in headers and found else None,
        _copy_object=lambda bucket, key, headers: "copied",
    )
    patch_copies(s3)
    assert s3._copy_object("site", "taken", {"if-none-match": "*"}) == "refused"
    assert s3._copy_object("site", "free", {"if-none-match": "*"}) == "copied"
    assert s3._copy_object("site", "taken", {}) == "copied"
    assert s3._copy_object("gone", "free", {}) == "copied", "the emulator says itself that there is no such bucket"
