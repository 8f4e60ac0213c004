"""Reconcile a large archive on the local cloud: the deployed function finds what was broken, and the pipeline mends it.

The archive is built into a file by the use cases of the stages, and copied from there into the buckets and the table while the rules that tell the stages are off.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nightdesk.adapters.memory import MemoryBus, MemoryCdn, MemorySchedules
from nightdesk.adapters.sqlite import SqliteObjects, SqliteStore, SqliteTable
from nightdesk.entrypoints.operator_ports import operator_ports, stage_queues
from nightdesk.entrypoints.waiting import wait_until_quiet
from nightdesk.ports import ANY, Change, Output, Ports, one_by_one
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import facts_key
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk.usecases.pipeline.reconciled import Differences
from nightdesk_local.cloud import Cloud

from .local_cloud import draft, local_cloud
from .measure import ROOT, table
from .memory import peaks

_BROKEN = 30
_TEXT = "A paragraph that says what there is to say."
_ITEMS = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""
_LONGEST = 3600.0
"""Seconds after which the comparison is given up."""


def measure(articles: int = 10_000) -> str:
    """Compare an archive of which the pages of some articles and the facts of others are lost."""
    with tempfile.TemporaryDirectory() as folder, local_cloud() as cloud:
        path, ports = Path(folder) / "site", operator_ports(cloud)
        objects, items = _build(path, articles, ports)
        with _deaf(cloud):
            _copy(path, ports)
        broken = _break(ports)
        started = time.monotonic()
        _ask(cloud)
        report, runs, peak = _wait(cloud)
        seconds = time.monotonic() - started
        wait_until_quiet(stage_queues(cloud))
        mended = sum(_is_there(key, ports) for key in broken)
    found = {name: count for name, count in report.items() if count and name != "slices"}
    row = (f"{articles:,}", f"{objects:,}", f"{items:,}", report["slices"], runs, round(seconds), round(peak))
    columns = ("articles", "objects", "items", "slices", "runs", "seconds", "peak MB")
    return table("Reconcile on the local cloud", columns, [row]) + (
        f"\nBroken: {len(broken)}. Found: {found}. Mended: {mended}.\n"
    )


def _build(path: Path, articles: int, like: Ports) -> tuple[int, int]:
    """Build the archive as the stack would, into a new file. Returns how many objects and items it has."""
    store = SqliteStore(path)
    buckets = {name: SqliteObjects(store, name) for name in ("drafts", "private", "site")}
    tables = {name: SqliteTable(store, name) for name in ("articles", "updates")}
    nobody = {"bus": MemoryBus(), "cdn": MemoryCdn(), "schedules": MemorySchedules()}
    ports = replace(like, **buckets, **tables, **nobody, in_parallel=one_by_one)
    for number in range(articles):
        ports.drafts.put(Output(f"drafts/story-{number}.md", draft(number, _TEXT), "text/markdown"), ANY)
    build_site([key for key, _ in ports.drafts.list("")], ports, Theme(ROOT / "layers/theme"))
    store.commit()
    counts = [store.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("objects", "items")]
    store.close()
    return counts[0], counts[1]


def _copy(path: Path, ports: Ports) -> None:
    """Copy what a file holds into the buckets and the table of a stack."""
    connection = sqlite3.connect(path)
    buckets = {name: getattr(ports, name) for name in ("drafts", "private", "site")}
    rows = connection.execute("SELECT bucket, key, metadata, body FROM objects")

    def put(row: tuple[str, str, bytes, bytes]) -> None:
        bucket, key, metadata, body = row
        buckets[bucket].put(Output(key, body or b"", "application/octet-stream", metadata=json.loads(metadata)), ANY)

    def write(part: list[tuple[str, str, bytes]]) -> None:
        own = ("pk", "sk", "version")
        plain = [(pk, sk, {k: v for k, v in json.loads(item).items() if k not in own}) for pk, sk, item in part]
        ports.articles.write([Change(pk, sk, item, ANY) for pk, sk, item in plain])

    with ThreadPoolExecutor(8) as pool:
        while some := rows.fetchmany(2_000):
            list(pool.map(put, some))
        items = connection.execute("SELECT pk, sk, item FROM items WHERE name = 'articles'")
        while part := items.fetchmany(_ITEMS):
            write(part)


@contextmanager
def _deaf(cloud: Cloud) -> Iterator[None]:
    """Disable the rules by which stages hear of files in the drafts bucket."""
    events = cloud.client("events")
    names = [rule["Name"] for rule in events.list_rules()["Rules"]]
    for name in names:
        events.disable_rule(Name=name)
    try:
        yield
    finally:
        time.sleep(2)
        for name in names:
            events.enable_rule(Name=name)


def _break(ports: Ports) -> list[tuple[str, str]]:
    """Lose the public pages of some articles and the facts of others. Returns the buckets and keys."""
    pages = [("site", f"articles/story-{number}/~public/index.html") for number in range(0, 10 * _BROKEN, 10)]
    facts = [("private", facts_key(f"story-{number}")) for number in range(5, 10 * _BROKEN, 10)]
    for bucket, key in [*pages, *facts]:
        getattr(ports, bucket).delete(key)
    return [*pages, *facts]


def _is_there(found: tuple[str, str], ports: Ports) -> bool:
    bucket, key = found
    return getattr(ports, bucket).stat(key) is not None


def _ask(cloud: Cloud) -> None:
    """Send what the nightly schedule sends."""
    message = {"source": "nightdesk.scheduler", "detail-type": "ReconcileDue", "detail": {"version": 1}}
    queue = cloud.outputs["ReconcileQueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))


def _wait(cloud: Cloud) -> tuple[dict[str, int], int, float]:
    """Wait until the function has compared everything. Returns what it logged, how many runs that took, and its peak memory in MB."""
    peak, until = 0.0, time.monotonic() + _LONGEST
    while time.monotonic() < until:
        time.sleep(2)
        peak = max(peak, peaks().get("reconcile", 0.0))
        lines = list(_log(cloud))
        if done := [line for line in lines if line.get("message") == "reconciled"]:
            runs = sum(line.get("message") == "reconcile goes on" for line in lines) + 1
            names = ("slices", *Differences().counts())
            return {name: int(done[0].get(name, 0)) for name in names}, runs, peak
    raise TimeoutError("the comparison did not end")


def _log(cloud: Cloud) -> Iterator[dict[str, Any]]:
    pages = cloud.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=f"/aws/lambda/{cloud.stack}-reconcile"):
        for event in page["events"]:
            with suppress(ValueError):
                yield json.loads(event["message"])
