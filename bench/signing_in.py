"""Sign-in's answer, for addresses that are known, unknown and blocked: it should not tell which."""

from __future__ import annotations

import http.client
import time
from collections import defaultdict
from datetime import UTC, datetime
from urllib.parse import urlsplit

from nightdesk.adapters.aws import EventBridgeBus
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.memberships import member_id
from nightdesk.domain.site import Site
from nightdesk.usecases.members import BLOCKED, grant, suppress
from nightdesk_local.cloud import Cloud

from .live import local_cloud
from .measure import median, percentile, table

_EACH = 8
"""How often one address is used: fewer than an address may ask for within an hour."""


def measure(rounds: int = 10) -> str:
    """The table; kinds of addresses take turns, so that what disturbs one disturbs all."""
    times: dict[str, list[float]] = defaultdict(list)
    with local_cloud() as cloud:
        for number in range(rounds):
            addresses = {kind: f"{kind}{number}@news.example" for kind in ("unknown", "known", "blocked")}
            _prepare(cloud, addresses["known"], addresses["blocked"])
            for _ in range(_EACH):
                for kind, address in addresses.items():
                    times[kind].append(_ask(cloud, address))
                    time.sleep(0.15)  # for the mail that is sent meanwhile
    rows = [(kind, len(t), 1000 * median(t), 1000 * percentile(t, 0.9), 1000 * min(t)) for kind, t in times.items()]
    return table("Asking for a sign-in mail, milliseconds", ("address", "requests", "p50", "p90", "least"), rows)


def _prepare(cloud: Cloud, known: str, blocked: str) -> None:
    memberships = DynamoTable(cloud.session().client("dynamodb"), cloud.outputs["MembershipsTable"])
    bus = EventBridgeBus(cloud.session().client("events"), cloud.outputs["EventBusName"], "nightdesk.bench")
    grant(known, "member", "", Site(), memberships, bus)
    suppress(member_id(blocked), BLOCKED, memberships, datetime.now(UTC))


def _ask(cloud: Cloud, address: str) -> float:
    there = urlsplit(cloud.outputs["SiteUrl"])
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=30)
    connection.connect()
    started = time.perf_counter()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/api/signin", f"email={address}", headers)
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - started
    connection.close()
    if answer.status != 303:
        raise RuntimeError(f"sign-in is answered with {answer.status}")
    return taken
