"""Bursts: many drafts uploaded at once, and many embargoes that end at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from nightdesk_local.cloud import Cloud

from .local_cloud import draft, fill, local_cloud, put
from .measure import median, percentile, table


def measure(drafts: int = 500, before: int = 20) -> str:
    """Measure a burst of drafts on a warm local cloud.

    Args:
        drafts: how many are uploaded at once.
        before: how many articles there are before.
    """
    with local_cloud() as cloud:
        fill(cloud, 0, before)
        numbers = range(before, before + drafts)
        started = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            uploaded = dict(zip(numbers, pool.map(lambda number: _upload(cloud, number), numbers), strict=True))
        fill(cloud, numbers.start, numbers.stop)  # Uploading the same bytes again changes nothing; this only waits.
        quiet = time.perf_counter() - started
        live = _live_since(cloud)
        times = [(live[number] - uploaded[number]).total_seconds() for number in numbers]
    row = (drafts, median(times), percentile(times, 0.95), max(times), quiet)
    columns = ("drafts at once", "live, p50 s", "live, p95 s", "last one live s", "quiet s")
    return table("Draft to live under a burst", columns, [row])


def measure_embargoes(many: tuple[int, ...] = (1, 10, 40, 100), lead: float = 50.0) -> str:
    """Measure articles whose embargoes end at the same moment.

    Args:
        many: how many articles, one row for each.
        lead: seconds from the upload to that moment, within which all must be scheduled.
    """
    rows = []
    with local_cloud() as cloud:
        fill(cloud, 0, 20)
        start = 20
        for count in many:
            numbers = range(start, start + count)
            start = numbers.stop
            moment = (datetime.now(UTC) + timedelta(seconds=lead)).replace(microsecond=0)
            for number in numbers:
                _upload(cloud, number, f"publish_at: {moment.isoformat()}\n")
            time.sleep(lead + 1)
            while not set(numbers) <= set(live := _live_since(cloud)):
                time.sleep(1)
            times = [(live[number] - moment).total_seconds() for number in numbers]
            rows.append((count, min(times), median(times), max(times)))
    columns = ("embargoes that end at once", "first live s after", "p50 s", "last live s after")
    return table("Embargo to live", columns, rows)


def _upload(cloud: Cloud, number: int, matter: str = "") -> datetime:
    """Upload a draft with some front matter; return when that began."""
    s3 = cloud.client("s3")
    now = datetime.now(UTC)
    put(s3, cloud, number, draft(number).replace(b"---\n", f"---\n{matter}".encode(), 1))
    return now


def _live_since(cloud: Cloud) -> dict[int, datetime]:
    """Return when each article's public page was first written, by the article's number."""
    found: dict[int, datetime] = {}
    pages = cloud.client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=cloud.outputs["SiteBucket"], Prefix="articles/story-"):
        for entry in page.get("Versions", ()):
            _, name, tier, *_ = entry["Key"].split("/")
            number = int(name.removeprefix("story-"))
            if tier == "~public":
                found[number] = min(found.get(number, entry["LastModified"]), entry["LastModified"])
    return found
