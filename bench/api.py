"""The editors' API, warm: how long each route takes, on a local cloud with a hundred articles."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nightdesk.adapters.cognito import CognitoEditors
from nightdesk.domain.memberships import member_id
from nightdesk_cli.pipeline import wait_until_quiet
from nightdesk_local.cloud import Cloud

from .live import draft, fill, local_cloud
from .measure import median, percentile, table

_ARTICLES = 100
_MEMBER = member_id("reader@news.example")


class Ask(NamedTuple):
    """A request, for a route; `{n}` in its path is the number of the round, `{id}` what a request of that collection made.
    `times` is how often it is made at most."""

    method: str
    path: str
    body: Any = None
    times: int = 1000


def _asks() -> Iterator[Ask]:
    one, later = "/v1/articles/story-{n}", (datetime.now(UTC) + timedelta(days=1)).isoformat()
    yield Ask("GET", "/v1/articles")
    yield Ask("GET", one)
    yield Ask("GET", f"{one}/revisions")
    yield Ask("PUT", f"{one}/access", {"access": "subscriber"})
    yield Ask("POST", f"{one}/corrections", {"text": "It was zinc."})
    yield Ask("POST", f"{one}/approve")
    yield Ask("POST", f"{one}/schedule", {"at": later})
    yield Ask("POST", f"{one}/preview-links", {})
    yield Ask("DELETE", f"{one}/preview-links")
    yield Ask("POST", f"{one}/publish")
    yield Ask("POST", f"{one}/gift-links", {})
    yield Ask("DELETE", f"{one}/gift-links")
    yield Ask("POST", f"{one}/rollback", {"revision": 1})
    yield Ask("POST", f"{one}/withdraw", times=3)
    yield Ask("POST", "/v1/drafts", {"key": "drafts/new-{n}.md", "size": 2048})
    yield Ask("POST", "/v1/drafts/check", {"key": "drafts/new.md", "text": draft(1).decode()})
    yield Ask("GET", "/v1/updates")
    yield Ask("POST", "/v1/updates", {"headline": "Headline {n}"})
    yield Ask("DELETE", "/v1/updates/{id}", times=25)
    yield Ask("PUT", f"/v1/members/{_MEMBER}", {"tier": "member", "email": "reader@news.example"})
    yield Ask("GET", "/v1/members?email=reader%40news.example")
    yield Ask("GET", "/v1/pipeline")
    yield Ask("POST", "/v1/pipeline/redrive")
    yield Ask("POST", "/v1/rebuilds", {"topic": "topic-0"}, 3)
    yield Ask("GET", "/v1/rebuilds/{id}", times=3)
    yield Ask("GET", "/v1/audit")


def measure(rounds: int = 30) -> str:
    """The table. The pipeline is quiet when each route's turn begins."""
    rows = []
    with local_cloud() as cloud:
        fill(cloud, 0, _ARTICLES)
        token = _token(cloud)
        made: dict[str, list[str]] = {}
        _ask(cloud, token, Ask("GET", "/v1/articles"), 0, made)
        for ask in _asks():
            wait_until_quiet(cloud)
            times = [_ask(cloud, token, ask, number, made) for number in range(min(rounds, ask.times))]
            figures = [round(1000 * seconds) for seconds in (median(times), percentile(times, 0.95))]
            path = ask.path.partition("?")[0].replace("story-{n}", "{slug}").replace(_MEMBER, "{member}")
            rows.append((f"{ask.method} {path}", len(times), *figures))
    return table(f"The editors' API with {_ARTICLES} articles", ("route", "requests", "p50 ms", "p95 ms"), rows)


def _token(cloud: Cloud) -> str:
    names = cloud.outputs
    editors = CognitoEditors(cloud.session().client("cognito-idp"), names["EditorsPool"], names["EditorsClient"])
    editors.save("bench@news.example", "Bench", "admin")
    return editors.token("bench@news.example")[0]


def _ask(cloud: Cloud, token: str, ask: Ask, number: int, made: dict[str, list[str]]) -> float:
    """Make a request; the seconds until its answer was there.

    Args:
        made: ids of what requests have made, by their path.

    Raises:
        RuntimeError: it was refused.
    """
    there = urlsplit(cloud.outputs["EditorApiUrl"])
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
    connection.connect()
    path = ask.path.replace("{n}", str(number))
    if "{id}" in path:
        path = path.replace("{id}", made[path.removesuffix("/{id}")].pop())
    body = None if ask.body is None else json.dumps(ask.body).replace("{n}", str(number))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    started = time.perf_counter()
    connection.request(ask.method, there.path + path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    taken = time.perf_counter() - started
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{ask.method} {ask.path} is answered with {answer.status}: {text[:300].decode()}")
    if ask.method == "POST" and "id" in (said := json.loads(text)):
        made.setdefault(path, []).append(said["id"])
    return taken
