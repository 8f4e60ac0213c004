"""A separate local cloud for a benchmark, with generated articles."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nightdesk.entrypoints.operator_ports import operator_ports, stage_queues
from nightdesk.entrypoints.waiting import wait_for_drafts
from nightdesk_local.cloud import Cloud
from nightdesk_local.ports import free_port
from nightdesk_local.up import LocalCloud

_BODY = "\n\n".join(["A paragraph that says what there is to say, in a few words more than it takes."] * 60)


@contextlib.contextmanager
def local_cloud(home: Path | None = None) -> Iterator[Cloud]:
    """Start a fresh local cloud on free ports, and remove it afterwards.

    Args:
        home: where its state is kept (default: a temporary folder).
    """
    with tempfile.TemporaryDirectory() as folder:
        local = LocalCloud(home or Path(folder), free_port(), {"OutboundNotices": "no"}, persist=False)
        cloud = local.start()
        try:
            local.tell_site_changed(cloud)
            yield cloud
        finally:
            local.stop()


def draft(number: int, text: str = _BODY) -> bytes:
    """Return an article with two gates.

    Articles are four hours apart, so that each month has as many of them whatever the archive's size.

    Args:
        text: of each part.
    """
    date = datetime(2021, 1, 4, tzinfo=UTC) + timedelta(hours=4 * number)
    matter = [
        f"title: Story {number}",
        f"dek: What story {number} is about.",
        f"date: {date.isoformat()}",
        f"authors: [author-{number % 5}]",
        f"topics: [topic-{number % 6}]",
    ]
    gates = f"::: gate tier=subscriber\n{text}\n:::\n\n## Then\n\n{text}\n\n::: gate tier=member\n{text}\n:::\n"
    return "\n".join(["---", *matter, "---", f"{text}\n\n{gates}"]).encode()


def put(s3: Any, cloud: Cloud, number: int, body: bytes | None = None) -> dict[str, str]:
    """Put an article's draft into the drafts bucket; return its ETag by its key."""
    return put_file(s3, cloud, f"drafts/story-{number}.md", body or draft(number))


def put_file(s3: Any, cloud: Cloud, key: str, body: bytes) -> dict[str, str]:
    """Put a file into the drafts bucket; return its ETag by its key."""
    answer = s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=key, Body=body)
    return {key: answer["ETag"].strip('"')}


def wait_until_live(cloud: Cloud, etags: dict[str, str]) -> None:
    """Wait until drafts are live, with the lists that name them and the cache.

    Raises:
        RuntimeError: the pipeline stalled, or a draft was rejected.
    """
    reports = wait_for_drafts(etags, operator_ports(cloud), stage_queues(cloud))
    missing = [key for key, report in reports.items() if not report or report["state"] != "live"]
    if missing:
        raise RuntimeError(f"{len(missing)} drafts are not live, among them {missing[0]}")


def fill(cloud: Cloud, start: int, end: int) -> None:
    """Publish articles `start` to `end` and wait until they are live."""
    s3 = cloud.client("s3")
    etags: dict[str, str] = {}
    for number in range(start, end):
        etags |= put(s3, cloud, number)
    wait_until_live(cloud, etags)
