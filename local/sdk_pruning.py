"""Prunes the AWS SDK in the dependencies layer to the operations that our functions call.

Parsing the SDK's service descriptions is most of what a first client costs in a cold start (docs/benchmarks.md).
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = {
    "cloudfront": ("CreateInvalidation", "GetInvalidation"),
    "dynamodb": (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    ),
    "events": ("PutEvents",),
    "lambda": ("Invoke",),
    "s3": (
        "CopyObject",
        "CreateBucket",  # never called: botocore takes the address of an upload form from it
        "DeleteObject",
        "DeleteObjects",
        "GetObject",
        "HeadObject",
        "ListObjectVersions",
        "ListObjectsV2",
        "PutObject",
    ),
    "scheduler": ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"),
    "secretsmanager": ("GetSecretValue",),
    "sesv2": ("GetAccount", "SendEmail"),
    "sqs": (
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    ),
}
"""The operations that stay in the layer's AWS SDK. Any other call raises AttributeError, on a laptop as on AWS."""
_SHARED_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")


def prune(packages: Path) -> None:
    """Delete what no function uses from a directory of installed packages."""
    data = packages / "botocore" / "data"
    for entry in data.iterdir():
        if entry.is_dir() and entry.name in OPERATIONS:
            _prune_service(entry, OPERATIONS[entry.name])
        elif entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in _SHARED_DATA:
            entry.unlink()
    _prune_endpoints(data / "endpoints.json")
    for pattern in ("boto3/examples", "boto3/data", "bin", "**/tests", "**/__pycache__"):
        for unused in list(packages.glob(pattern)):
            shutil.rmtree(unused)
    for unused in [
        *packages.glob("**/*.pyi"),
        *packages.glob("**/*.c"),
        *packages.glob("**/*.pyx"),
        packages / ".lock",
    ]:
        unused.unlink(missing_ok=True)


def _prune_service(service: Path, operations: tuple[str, ...]) -> None:
    """Keep a service's newest description, with only `operations` and their shapes, uncompressed."""
    *older, newest = sorted(service.iterdir())
    for version in older:
        shutil.rmtree(version)
    for path in list(newest.iterdir()):
        name = path.name.removesuffix(".gz").removesuffix(".json")
        if name not in ("service-2", "endpoint-rule-set-1", "paginators-1"):
            path.unlink()
            continue
        content = json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        if name == "service-2":
            _prune_model(content, operations)
        elif name == "paginators-1":
            content["pagination"] = {k: v for k, v in content["pagination"].items() if k in operations}
        path.unlink()
        (newest / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")))


def _prune_model(model: dict[str, Any], operations: tuple[str, ...]) -> None:
    missing = set(operations) - set(model["operations"])
    if missing:
        raise ValueError(f"{model['metadata']['serviceId']} has no operation {', '.join(sorted(missing))}")
    model["operations"] = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_in(model["operations"]))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    model["shapes"] = {name: shape for name, shape in model["shapes"].items() if name in shapes}
    _empty_documentation(model)


def _shapes_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        for value in node.values():
            yield from _shapes_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _shapes_in(value)


def _empty_documentation(node: Any) -> None:
    """Empty the documentation; botocore needs the key itself."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "documentation" and isinstance(value, str):
                node[key] = ""
            else:
                _empty_documentation(value)
    elif isinstance(node, list):
        for value in node:
            _empty_documentation(value)


def _prune_endpoints(path: Path) -> None:
    """Keep the endpoints of our services and of STS, in every partition."""
    content = json.loads(path.read_bytes())
    prefixes = {*OPERATIONS, "sts"}
    for partition in content["partitions"]:
        partition["services"] = {k: v for k, v in partition["services"].items() if k in prefixes}
    path.write_text(json.dumps(content, separators=(",", ":")))
