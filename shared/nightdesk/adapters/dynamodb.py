"""The table port on DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.ports import ALL_KEYS, ANY, Change, Item, KeyRange

_LAST = "\U0010ffff"
_PER_BATCH = 100
"""Keys that BatchGetItem takes (DynamoDB API reference)."""
TTL = "ttl"
"""The attribute that holds the Unix second after which DynamoDB may remove an item (it may take days over it)."""


def to_attribute(value: Any) -> dict[str, Any]:
    """A JSON value as a DynamoDB attribute value. (boto3 has one for more types, and takes a tenth of a second to load.)"""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": {name: to_attribute(item) for name, item in value.items()}}
    return {"L": [to_attribute(item) for item in value]}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The JSON value that `to_attribute` was given."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return int(value)
    if kind == "NULL":
        return None
    if kind == "M":
        return {name: from_attribute(item) for name, item in value.items()}
    return [from_attribute(item) for item in value] if kind == "L" else value


def _item(attributes: dict[str, Any]) -> Item:
    return {name: from_attribute(value) for name, value in attributes.items()}


class DynamoTable:
    """A table with `pk` and `sk`, whose items count their writes in `version`."""

    def __init__(self, client: Any, name: str) -> None:
        self._dynamodb = client
        self._name = name

    def get(self, pk: str, sk: str) -> Item | None:
        with translate_aws_errors(f"get {pk} {sk}"):
            answer = self._dynamodb.get_item(
                TableName=self._name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return _item(answer["Item"]) if "Item" in answer else None

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        prefix, after, before = keys
        condition = "pk = :pk"
        values = {":pk": {"S": pk}}
        # BETWEEN includes its ends, so an end that must be left out is dropped below and asked for in addition.
        if prefix or after or before:
            low, high = after or prefix or " ", before or (prefix + _LAST if prefix else _LAST)
            if low > high:  # BETWEEN refuses that; text is in the order of its UTF-8 bytes, as sort keys are
                return []
            condition += " AND sk BETWEEN :low AND :high"
            values |= {":low": {"S": low}, ":high": {"S": high}}
        found: list[Item] = []
        start: dict[str, Any] = {}
        extra = bool(after) + bool(before)
        while True:
            size = {"Limit": limit - len(found) + extra} if limit is not None else {}
            with translate_aws_errors(f"query {pk}"):
                answer = self._dynamodb.query(
                    TableName=self._name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ScanIndexForward=not descending,
                    ConsistentRead=True,
                    **size,
                    **start,
                )
            items = [_item(attributes) for attributes in answer["Items"]]
            found += [item for item in items if item["sk"] not in (after or None, before or None)]
            if "LastEvaluatedKey" not in answer or (limit is not None and len(found) >= limit):
                return found[:limit]
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        start: dict[str, Any] = {"ExclusiveStartKey": {"pk": {"S": after}, "sk": {"S": sort_key}}} if after else {}
        found: list[Item] = []
        while True:
            with translate_aws_errors(f"scan for {sort_key}"):
                answer = self._dynamodb.scan(
                    TableName=self._name,
                    FilterExpression="sk = :sk",
                    ExpressionAttributeValues={":sk": {"S": sort_key}},
                    ConsistentRead=True,
                    # Without it, most of a megabyte is read, and read again for the next page.
                    Limit=limit,
                    **start,
                )
            found += [_item(attributes) for attributes in answer["Items"]]
            if "LastEvaluatedKey" not in answer or len(found) >= limit:
                return found[:limit]
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), _PER_BATCH):
            some = dict.fromkeys(keys[start : start + _PER_BATCH])
            wanted = {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in some], "ConsistentRead": True}
            with translate_aws_errors("get several items"):
                answer = self._dynamodb.batch_get_item(RequestItems={self._name: wanted})
            if answer.get("UnprocessedKeys"):
                raise Transient("DynamoDB left out some of the items asked for")
            items = [_item(attributes) for attributes in answer["Responses"].get(self._name, ())]
            found |= {(item["pk"], item["sk"]): item for item in items}
        return [found.get(key) for key in keys]

    def write(self, changes: Sequence[Change]) -> None:
        actions = [self._action(change) for change in changes]
        with translate_aws_errors(f"write {changes[0].pk} {changes[0].sk}"):
            try:
                self._dynamodb.transact_write_items(TransactItems=actions)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
                if code == "TransactionInProgressException" or reasons & {
                    "ConditionalCheckFailed",
                    "TransactionConflict",
                }:
                    raise Conflict(str(changes[0])) from error
                if reasons & {"ThrottlingError", "ProvisionedThroughputExceeded"}:
                    raise Transient(f"{changes[0]}: {code}") from error
                raise

    def increment(self, pk: str, sk: str, until: int) -> int:
        with translate_aws_errors(f"count {pk} {sk}"):
            answer = self._dynamodb.update_item(
                TableName=self._name,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression="SET #ttl = :until ADD #version :one",
                ExpressionAttributeNames={"#ttl": TTL, "#version": "version"},
                ExpressionAttributeValues={":until": {"N": str(until)}, ":one": {"N": "1"}},
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["version"]["N"])

    def _action(self, change: Change) -> dict[str, Any]:
        """One write of a transaction.

        An item that is put over whatever is there must still get a version that it never had, so it is an update that
        counts up and sets all attributes; our items of one kind always have the same ones.
        """
        key = {"pk": {"S": change.pk}, "sk": {"S": change.sk}}
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        condition: dict[str, Any] = {}
        if change.expected is None:
            condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        elif change.expected != ANY:
            condition = {"ConditionExpression": "#version = :expected"}
            values[":expected"] = {"N": str(change.expected)}
            names["#version"] = "version"
        if change.item is None:
            action: dict[str, Any] = {"TableName": self._name, "Key": key, **condition}
            kind = "Delete"
        else:
            sets = []
            for number, (name, value) in enumerate(sorted(change.item.items())):
                if name not in ("pk", "sk", "version"):
                    sets.append(f"#a{number} = :a{number}")
                    names[f"#a{number}"] = name
                    values[f":a{number}"] = to_attribute(value)
            names["#version"] = "version"
            values[":one"] = {"N": "1"}
            expression = ("SET " + ", ".join(sets) + " " if sets else "") + "ADD #version :one"
            action = {"TableName": self._name, "Key": key, "UpdateExpression": expression, **condition}
            kind = "Update"
        if names:
            action["ExpressionAttributeNames"] = names
        if values:
            action["ExpressionAttributeValues"] = values
        return {kind: action}
