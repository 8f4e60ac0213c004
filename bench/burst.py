"""A burst: many drafts at once, until each is live, and until all is quiet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from nightdesk_local.cloud import Cloud

from .live import draft, fill, local_cloud
from .measure import median, percentile, table


def measure(drafts: int = 500, before: int = 20) -> str:
    """The table: so many drafts put at once into a warm local cloud of its own.

    Args:
        before: articles that are there already.
    """
    with local_cloud() as cloud:
        fill(cloud, 0, before)
        numbers = range(before, before + drafts)
        started = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            put = dict(zip(numbers, pool.map(lambda number: _put(cloud, number), numbers), strict=True))
        fill(cloud, numbers.start, numbers.stop)  # the same once more, which changes nothing: it waits
        quiet = time.perf_counter() - started
        live = _live_since(cloud)
        times = [(live[number] - put[number]).total_seconds() for number in numbers]
    row = (drafts, median(times), percentile(times, 0.95), max(times), quiet)
    columns = ("drafts at once", "live, p50 s", "live, p95 s", "last one live s", "quiet s")
    return table("Draft to live under a burst", columns, [row])


def _put(cloud: Cloud, number: int) -> datetime:
    s3 = cloud.session().client("s3")
    now = datetime.now(UTC)
    s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=f"drafts/story-{number}.md", Body=draft(number))
    return now


def _live_since(cloud: Cloud) -> dict[int, datetime]:
    """When each article's public page was first written, by its number."""
    found: dict[int, datetime] = {}
    pages = cloud.session().client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=cloud.outputs["SiteBucket"], Prefix="articles/story-"):
        for entry in page.get("Versions", ()):
            _, name, tier, *_ = entry["Key"].split("/")
            number = int(name.removeprefix("story-"))
            if tier == "~public":
                found[number] = min(found.get(number, entry["LastModified"]), entry["LastModified"])
    return found
