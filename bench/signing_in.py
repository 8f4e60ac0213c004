"""Sign-in: its latency for known, unknown and blocked addresses, which should not differ."""

from __future__ import annotations

import http.client
import time
from collections import defaultdict
from datetime import UTC, datetime
from urllib.parse import urlsplit

from nightdesk.domain.memberships import member_id
from nightdesk.domain.site import Site
from nightdesk.entrypoints.operator_ports import operator_reader_ports
from nightdesk.usecases.readers.members import BLOCKED, Grant, grant_to_address, suppress
from nightdesk_local.cloud import Cloud

from .local_cloud import local_cloud
from .measure import median, percentile, table

_EACH = 8
"""Requests for each address: fewer than the hourly limit."""


def measure(rounds: int = 10) -> str:
    """Measure the three kinds of addresses in turn, so that other load affects all of them."""
    times: dict[str, list[float]] = defaultdict(list)
    with local_cloud() as cloud:
        for number in range(rounds):
            addresses = {kind: f"{kind}{number}@news.example" for kind in ("unknown", "known", "blocked")}
            _prepare(cloud, addresses["known"], addresses["blocked"])
            for _ in range(_EACH):
                for kind, address in addresses.items():
                    times[kind].append(_ask(cloud, address))
                    time.sleep(0.15)  # Let the mail go out first.
    rows = [(kind, len(t), 1000 * median(t), 1000 * percentile(t, 0.9), 1000 * min(t)) for kind, t in times.items()]
    return table("Requesting a sign-in email, milliseconds", ("address", "requests", "p50", "p90", "minimum"), rows)


def _prepare(cloud: Cloud, known: str, blocked: str) -> None:
    ports = operator_reader_ports(cloud)
    grant_to_address(known, Grant("member", ""), Site(), ports)
    suppress(member_id(blocked), BLOCKED, ports.memberships, datetime.now(UTC))


def _ask(cloud: Cloud, address: str) -> float:
    url = urlsplit(cloud.outputs["SiteUrl"])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    connection.connect()
    started = time.perf_counter()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/api/signin", f"email={address}", headers)
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - started
    connection.close()
    if answer.status != 303:
        raise RuntimeError(f"sign-in returned {answer.status}")
    return taken
