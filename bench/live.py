"""Draft to live: the time from putting a draft into the bucket until a reader gets its page through the edge cache."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request

from nightdesk_local.cloud import Cloud

from .local_cloud import fill, local_cloud, put, wait_until_live
from .measure import median, percentile, table


def measure(sizes: tuple[int, ...] = (100, 1000), publishes: int = 50) -> str:
    """Measure single publishes on a warm local cloud, with archives of these sizes."""
    rows = []
    with local_cloud() as cloud:
        published = 0
        for size in sizes:
            fill(cloud, published, size)
            times = [_publish(cloud, size + number) for number in range(publishes)]
            published = size + publishes
            figures = [round(1000 * seconds) for seconds in (median(times), percentile(times, 0.95), max(times))]
            rows.append((f"{size:,}", *figures))
    return table(
        f"Draft to live, {publishes} publishes one after another",
        ("articles in the archive", "p50 ms", "p95 ms", "max ms"),
        rows,
    )


def _publish(cloud: Cloud, number: int) -> float:
    """Publish an article; return the seconds until its page is served."""
    url = f"{cloud.outputs['SiteUrl'].rstrip('/')}/articles/story-{number}/"
    s3 = cloud.client("s3")
    start = time.perf_counter()
    etag = put(s3, cloud, number)
    while not _is_served(url):
        if time.perf_counter() - start > 60:
            raise RuntimeError(f"{url} is not served after a minute")
        time.sleep(0.01)
    seconds = time.perf_counter() - start
    # The next publish waits for this one's lists, so that each is measured on an idle pipeline.
    wait_until_live(cloud, etag)
    return seconds


def _is_served(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}?{os.urandom(2).hex()}", timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False
