"""The editors' API: the latency of each route when warm, on a local cloud with a hundred articles."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nightdesk.domain.memberships import member_id
from nightdesk.entrypoints.operator_ports import editor_accounts, stage_queues
from nightdesk.entrypoints.waiting import wait_until_quiet
from nightdesk_local.cloud import Cloud

from .local_cloud import draft, fill, local_cloud
from .measure import median, percentile, table

_ARTICLES = 100
_MEMBER = member_id("reader@news.example")


class Call(NamedTuple):
    """A request to a route, sent at most `times` times.

    In the path, `{n}` is the number of the round, and `{id}` an id that a POST to the collection has returned.
    """

    method: str
    path: str
    body: Any = None
    times: int = 1000


def _calls() -> Iterator[Call]:
    one, later = "/v1/articles/story-{n}", (datetime.now(UTC) + timedelta(days=1)).isoformat()
    yield Call("GET", "/v1/articles")
    yield Call("GET", one)
    yield Call("GET", f"{one}/revisions")
    yield Call("PUT", f"{one}/access", {"access": "subscriber"})
    yield Call("POST", f"{one}/corrections", {"text": "It was zinc."})
    yield Call("POST", f"{one}/approve")
    yield Call("POST", f"{one}/schedule", {"at": later})
    yield Call("POST", f"{one}/preview-links", {})
    yield Call("DELETE", f"{one}/preview-links")
    yield Call("POST", f"{one}/publish")
    yield Call("POST", f"{one}/gift-links", {})
    yield Call("DELETE", f"{one}/gift-links")
    yield Call("POST", f"{one}/rollback", {"revision": 1})
    yield Call("POST", f"{one}/withdraw", times=3)
    yield Call("POST", "/v1/drafts", {"key": "drafts/new-{n}.md", "size": 2048})
    yield Call("POST", "/v1/drafts/check", {"key": "drafts/new.md", "text": draft(1).decode()})
    yield Call("GET", "/v1/updates")
    yield Call("POST", "/v1/updates", {"headline": "Headline {n}"})
    yield Call("DELETE", "/v1/updates/{id}", times=25)
    yield Call("PUT", f"/v1/members/{_MEMBER}", {"tier": "member", "email": "reader@news.example"})
    yield Call("GET", "/v1/members?email=reader%40news.example")
    yield Call("GET", "/v1/pipeline")
    yield Call("POST", "/v1/pipeline/redrive")
    yield Call("POST", "/v1/rebuilds", {"topic": "topic-0"}, 3)
    yield Call("GET", "/v1/rebuilds/{id}", times=3)
    yield Call("GET", "/v1/audit")


def measure(rounds: int = 30) -> str:
    """Measure each route, starting while the pipeline is idle."""
    rows = []
    with local_cloud() as cloud:
        fill(cloud, 0, _ARTICLES)
        token = _token(cloud)
        made: dict[str, list[str]] = {}
        _send(cloud, token, Call("GET", "/v1/articles"), 0, made)
        for call in _calls():
            wait_until_quiet(stage_queues(cloud))
            times = [_send(cloud, token, call, number, made) for number in range(min(rounds, call.times))]
            figures = [round(1000 * seconds) for seconds in (median(times), percentile(times, 0.95))]
            path = call.path.partition("?")[0].replace("story-{n}", "{slug}").replace(_MEMBER, "{member}")
            rows.append((f"{call.method} {path}", len(times), *figures))
    return table(f"The editors' API with {_ARTICLES} articles", ("route", "requests", "p50 ms", "p95 ms"), rows)


def _token(cloud: Cloud) -> str:
    editors = editor_accounts(cloud)
    editors.save("bench@news.example", "Bench", "admin")
    return editors.token("bench@news.example")[0]


def _send(cloud: Cloud, token: str, call: Call, number: int, made: dict[str, list[str]]) -> float:
    """Send a request; return the seconds until its answer was read.

    Args:
        made: the ids that POST requests have returned, by path.

    Raises:
        RuntimeError: the request failed.
    """
    url = urlsplit(cloud.outputs["EditorApiUrl"])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    connection.connect()
    path = call.path.replace("{n}", str(number))
    if "{id}" in path:
        path = path.replace("{id}", made[path.removesuffix("/{id}")].pop())
    body = None if call.body is None else json.dumps(call.body).replace("{n}", str(number))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if path.endswith("/approve"):  # what is approved has been read before
        connection.request("GET", url.path + path.removesuffix("/approve"), None, headers)
        with connection.getresponse() as read:
            headers["If-Match"] = read.headers["etag"]
            read.read()
    started = time.perf_counter()
    connection.request(call.method, url.path + path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    taken = time.perf_counter() - started
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{call.method} {call.path} returned {answer.status}: {text[:300].decode()}")
    if call.method == "POST" and "id" in (said := json.loads(text)):
        made.setdefault(path, []).append(said["id"])
    return taken
