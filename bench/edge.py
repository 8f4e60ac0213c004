"""The edge: the cost of its functions for each request, and the rate at which it serves gated pages."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from nightdesk.domain.site import Site
from nightdesk.domain.tokens import sign
from nightdesk.entrypoints.operator_ports import edge_key, operator_reader_ports, stage_queues
from nightdesk.entrypoints.waiting import wait_until_quiet
from nightdesk.usecases.readers.members import Grant, LinkSigner, grant_to_address, sign_in_link
from nightdesk_local.cloud import Cloud
from nightdesk_local.edge_runtime import node_binary

from .local_cloud import fill, local_cloud
from .measure import ROOT, median, table

_KEY = "k" * 48
_NOTHING = "function handler(event) { return event.request; }"
_LOOP = """
import fs from 'fs';
const event = JSON.parse(fs.readFileSync(%s).toString());
const text = JSON.stringify(event);
const started = Date.now();
for (let i = 0; i < %d; i++) {
    const result = handler(JSON.parse(text)); // the function may change its event
    if (!result) {
        throw new Error('handler returned nothing');
    }
}
fs.writeFileSync(%s, String(Date.now() - started));
"""


def measure(calls: int = 20_000, runs: int = 5, seconds: float = 5.0) -> str:
    """Measure both.

    Args:
        calls: of the edge function in each run.
        runs: of which the median is taken.
        seconds: for which pages are requested.
    """
    return f"{_functions(calls, runs)}\n{_pages(seconds)}"


def _functions(calls: int, runs: int) -> str:
    """Measure `viewer_request` in Node and njs; the last column is a function that does nothing, for comparison."""
    engines = {"Node": str(node_binary())}
    if njs := shutil.which("njs"):
        engines["njs"] = njs
    token = sign({"t": "member", "s": "0" * 32, "e": int(time.time()) + 3000}, "1", _KEY)
    gift = sign({"t": "member", "s": "gift", "e": int(time.time()) + 3000, "p": "/articles/x/"}, "1", _KEY)
    kinds = {
        "no cookie": {},
        "a session": {"__Host-session": token},
        "a session, and a gift of this article": {"__Host-session": token, "__Secure-gift": gift},
        "an expired session": {"__Host-session": "x", "__Host-renew": "0" * 32 + "." + "x" * 43},
    }
    code = (ROOT / "functions/edge/viewer_request.js").read_text("utf-8").replace("@@EDGE_KEY@@", _KEY)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for engine, binary in engines.items():
            count = calls if engine == "Node" else calls // 10
            for kind, cookies in kinds.items():
                with_code = _microseconds(binary, code, cookies, count, runs, Path(folder))
                nothing = _microseconds(binary, _NOTHING, cookies, count, runs, Path(folder))
                rows.append((engine, kind, with_code, nothing))
    return table(
        f"viewer_request, microseconds for each call, median of {runs} runs",
        ("engine", "request", "viewer_request", "empty function"),
        rows,
    )


def _microseconds(binary: str, code: str, cookies: dict[str, str], calls: int, runs: int, folder: Path) -> float:
    request = {
        "method": "GET",
        "uri": "/articles/x/",
        "querystring": {},
        "headers": {"host": {"value": "news.example"}},
        "cookies": {name: {"value": value} for name, value in cookies.items()},
    }
    event, result, script = folder / "event.json", folder / "result", folder / "loop.mjs"
    event.write_text(json.dumps({"version": "1.0", "viewer": {"ip": "192.0.2.1"}, "request": request}))
    script.write_text(code + _LOOP % (json.dumps(str(event)), calls, json.dumps(str(result))))
    found = []
    for _ in range(runs):
        subprocess.run([binary, str(script)], check=True)
        found.append(1000 * float(result.read_text()) / calls)
    return median(found)


def _pages(seconds: float) -> str:
    """Request pages through the local edge on one connection, and count the Lambda invocations meanwhile."""
    rows = []
    with local_cloud() as cloud:
        fill(cloud, 0, 1)
        wait_until_quiet(stage_queues(cloud))
        for tier, cookie in {"public": "", "member": _member(cloud)}.items():
            before = _invocations(cloud)
            count, size = _get(cloud, "/articles/story-0/", cookie, seconds)
            rows.append((tier, round(count / seconds), size, _invocations(cloud) - before))
    return table(
        "Gated pages through the local edge, one connection",
        ("variant", "pages a second", "bytes", "functions invoked"),
        rows,
    )


def _member(cloud: Cloud) -> str:
    """Return a member's session cookie."""
    outputs, site = cloud.outputs, Site()
    ports = operator_reader_ports(cloud)
    signer = LinkSigner(outputs["SiteUrl"], edge_key(cloud), outputs["EdgeKeyId"])
    grant_to_address("member@news.example", Grant("member", ""), site, ports)
    link = sign_in_link("member@news.example", signer, site, ports.memberships, datetime.now(UTC))
    address = urlsplit(link["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("GET", f"{address.path}?{address.query}")
    return str(connection.getresponse().getheader("set-cookie")).split(";")[0]


def _get(cloud: Cloud, path: str, cookie: str, seconds: float) -> tuple[int, int]:
    """Request a path for some seconds; return the number of answers and the size of one."""
    address = urlsplit(cloud.outputs["SiteUrl"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers = {"Cookie": cookie} if cookie else {}
    count, size, until = 0, 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path} returned {answer.status}")
        count += 1
    return count, size


def _invocations(cloud: Cloud) -> int:
    """Count the invocations of the stack's functions, except the ticker's, which run on a schedule."""
    logs, prefix = cloud.client("logs"), f"/aws/lambda/{cloud.stack}-"
    groups = [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]]
    groups = [group for group in groups if not group.endswith("-updates")]
    pages = [page for g in groups for page in logs.get_paginator("filter_log_events").paginate(logGroupName=g)]
    return sum(event["message"].startswith("START RequestId") for page in pages for event in page["events"])
