"""Update to visible: the time from posting an update until a reader gets it through the edge cache."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

from nightdesk.domain.updates import parse_new_update
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.usecases.ticker.updates import post
from nightdesk_local.cloud import Cloud

from .local_cloud import fill, local_cloud
from .measure import median, percentile, table


def measure(sizes: tuple[int, ...] = (100, 2000), posts: int = 50) -> str:
    """Measure posts on a warm local cloud, with archives of these sizes."""
    rows = []
    with local_cloud() as cloud:
        made = 0
        for size in sizes:
            fill(cloud, made, size)
            made = size
            _post(cloud, f"Warming up with {size}")
            before = _writes(cloud)
            times = [_post(cloud, f"Update {number} with {size} articles") for number in range(posts)]
            time.sleep(2)
            written = (_writes(cloud) - before) / posts
            figures = [round(1000 * seconds) for seconds in (median(times), percentile(times, 0.95), max(times))]
            rows.append((f"{size:,}", *figures, written))
    return table(
        f"Update to visible, {posts} posts one after another",
        ("articles in the archive", "p50 ms", "p95 ms", "max ms", "objects written per post"),
        rows,
    )


def _post(cloud: Cloud, headline: str) -> float:
    """Post an update; return the seconds until it is served."""
    ports = operator_ports(cloud)
    url = f"{cloud.outputs['SiteUrl'].rstrip('/')}/updates/topics/energy.json"
    new = parse_new_update({"headline": headline, "topic": "energy"}, datetime.now(UTC), UTC, "")
    start = time.perf_counter()
    post(new, "bench", "", ports, per_minute=0)
    while headline not in _get(url):
        if time.perf_counter() - start > 60:
            raise RuntimeError(f"{headline} is not served after a minute")
        time.sleep(0.005)
    return time.perf_counter() - start


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError:
        return ""


def _writes(cloud: Cloud) -> int:
    """Return the number of object versions in the site bucket; every write adds one."""
    pages = cloud.client("s3").get_paginator("list_object_versions")
    found = pages.paginate(Bucket=cloud.outputs["SiteBucket"])
    return sum(len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) for page in found)
