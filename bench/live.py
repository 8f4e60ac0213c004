"""Draft to live: from putting a draft into the bucket until a reader gets its page through the edge cache."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nightdesk_cli.connect import cli_ports
from nightdesk_cli.pipeline import in_flight
from nightdesk_cli.publish import wait_for
from nightdesk_local.cloud import Cloud
from nightdesk_local.up import LocalCloud

from .measure import median, percentile, table

_BODY = "\n\n".join(["A paragraph that says what there is to say, in a few words more than it takes."] * 60)


def measure(sizes: tuple[int, ...] = (100, 1000), publishes: int = 50) -> str:
    """The table: a warm local cloud of its own, with so many articles in the archive."""
    rows = []
    with local_cloud() as cloud:
        made = 0
        for size in sizes:
            fill(cloud, made, size)
            made = size
            times = [_publish(cloud, size + number) for number in range(publishes)]
            made += publishes
            rows.append(
                (
                    f"{size:,}",
                    round(1000 * median(times)),
                    round(1000 * percentile(times, 0.95)),
                    round(1000 * max(times)),
                )
            )
    return table(
        f"Draft to live, {publishes} publishes one after another",
        ("articles in the archive", "p50 ms", "p95 ms", "max ms"),
        rows,
    )


@contextlib.contextmanager
def local_cloud() -> Iterator[Cloud]:
    """A fresh local cloud on ports of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        local = LocalCloud(Path(home), _free_port())
        cloud = local.start()
        try:
            local.tell_site_changed(cloud)
            yield cloud
        finally:
            local.stop()


def _free_port() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError):
                second.bind(("127.0.0.1", port + 1))
                return port


def draft(number: int) -> bytes:
    """An article with two gates; articles are four hours apart, so that a month has as many in any archive."""
    date = datetime(2021, 1, 4, tzinfo=UTC) + timedelta(hours=4 * number)
    front = f"title: Story {number}\ndek: What story {number} is about.\ndate: {date.isoformat()}\nauthors: [author-{number % 5}]\ntopics: [topic-{number % 6}]\n"
    gates = f"::: gate tier=subscriber\n{_BODY}\n:::\n\n## Then\n\n{_BODY}\n\n::: gate tier=member\n{_BODY}\n:::\n"
    return f"---\n{front}---\n{_BODY}\n\n{gates}".encode()


def fill(cloud: Cloud, start: int, end: int) -> None:
    """Publish articles `start` to `end` and wait until all is quiet."""
    s3 = cloud.session().client("s3")
    subjects = {}
    for number in range(start, end):
        key = f"drafts/story-{number}.md"
        subjects[key] = s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=key, Body=draft(number))["ETag"].strip(
            '"'
        )
    missing = [
        key
        for key, report in wait_for(
            subjects, cli_ports(cloud), lambda done, total: None, lambda: in_flight(cloud)
        ).items()
        if not report
    ]
    if missing:
        raise RuntimeError(f"{len(missing)} drafts were not live in time")


def _publish(cloud: Cloud, number: int) -> float:
    url = f"{cloud.outputs['SiteUrl'].rstrip('/')}/articles/story-{number}/"
    s3 = cloud.session().client("s3")
    start = time.perf_counter()
    s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=f"drafts/story-{number}.md", Body=draft(number))
    while not _is_there(url):
        if time.perf_counter() - start > 60:
            raise RuntimeError(f"{url} is not there after a minute")
        time.sleep(0.01)
    taken = time.perf_counter() - start
    # The next one starts when this one's lists are made too: a newsroom, not a flood.
    record = {
        f"drafts/story-{number}.md": s3.head_object(
            Bucket=cloud.outputs["DraftsBucket"], Key=f"drafts/story-{number}.md"
        )["ETag"].strip('"')
    }
    wait_for(record, cli_ports(cloud), lambda done, total: None, lambda: in_flight(cloud))
    return taken


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}?{os.urandom(2).hex()}", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False
