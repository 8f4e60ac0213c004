"""The editors' API in process: who may call it, which requests it refuses, and its problem details."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import pytest
from nightdesk.domain.errors import Transient
from nightdesk.domain.feeds import NOT_HTTPS, Entry, FeedRequest, FeedResult
from nightdesk.domain.memberships import member_id
from nightdesk.domain.site import Feed, Site
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.editors.audit import Actor, entries
from nightdesk.usecases.editors.operations import EditorService
from nightdesk.usecases.ticker.feeds import read_feeds
from nightdesk_cli import members
from nightdesk_cli.main import main
from support.editor_api_in_memory import Api
from support.memory_newsroom import Newsroom

from functions.editor_api.problems import TYPES


@pytest.fixture
def api(theme: Theme) -> Api:
    api = Api(Newsroom(theme))
    api.room.publish("a-story", "Copper")
    return api


def test_a_status_with_one_type_of_problem_has_its_reason_phrase_as_title() -> None:
    phrases = {status.value: status.phrase for status in HTTPStatus} | {413: "Content Too Large"}
    statuses = [kind.status for kind in TYPES.values()]
    for name, (status, title) in TYPES.items():
        if statuses.count(status) == 1:
            assert (title, name) == (phrases[status], phrases[status].lower().replace(" ", "-"))


@pytest.mark.parametrize(
    ("request_line", "role", "body", "name"),
    [
        ("GET /v1/articles", "", None, "forbidden"),
        ("POST /v1/articles/a-story/publish", "writer", None, "forbidden"),
        ("GET /v1/nothing", "admin", None, "not-found"),
        ("GET /v1/articles/never-was", "writer", None, "not-found"),
        ("GET /v1/articles/A-Story", "writer", None, "not-found"),
        ("DELETE /v1/articles/a-story", "admin", None, "method-not-allowed"),
        ("GET /v1/articles?colour=red", "writer", None, "bad-request"),
        ("GET /v1/articles/a-story?colour=red", "writer", None, "bad-request"),
        ("GET /v1/articles?cursor=AAAA", "writer", None, "unprocessable-content"),
        ("POST /v1/articles/a-story/schedule", "editor", {"when": "now"}, "bad-request"),
        ("POST /v1/articles/a-story/schedule", "editor", {"at": "2020-01-01"}, "unprocessable-content"),
        ("PUT /v1/articles/a-story/access", "editor", {}, "unprocessable-content"),
        ("PUT /v1/articles/a-story/access", "editor", {"access": "gold"}, "unprocessable-content"),
        ("POST /v1/articles/a-story/rollback", "editor", {"revision": 99}, "not-found"),
        ("POST /v1/articles/a-story/gift-links", "editor", {"until": "2999-01-01"}, "unprocessable-content"),
    ],
)
def test_a_refused_request_gets_a_problem(api: Api, request_line: str, role: str, body: Any, name: str) -> None:
    method, _, path = request_line.partition(" ")
    assert api.problem(method, path, role, body) == name


def test_a_body_must_be_json(api: Api) -> None:
    headers = {"content-type": "text/plain"}
    path = "/v1/articles/a-story/rollback"
    assert api.problem("POST", path, "editor", {"revision": 1}, headers=headers) == "unsupported-media-type"


def test_a_link_can_be_revoked_after_its_draft_moved_into_a_folder(api: Api) -> None:
    address = "/v1/articles/a-story/gift-links"
    api.call("POST", address, "editor")
    text = api.room.ports.drafts.get("drafts/a-story.md")
    assert text
    api.room.file("drafts/a-story.md", None)
    api.room.file("drafts/a-story/index.md", text.body.decode())
    assert [api.call("DELETE", address, "editor")["body"]["revoked"] for _ in range(2)] == [True, False]


def test_a_body_may_be_missing_where_every_field_has_a_default(api: Api) -> None:
    for headers in ({}, {"content-type": ""}):
        assert api.call("POST", "/v1/articles/a-story/gift-links", "editor", headers=headers)["statusCode"] == 201
    assert api.problem("POST", "/v1/articles/a-story/rollback", "editor", headers={"content-type": ""}) != "bad-request"


@pytest.mark.parametrize(
    ("request_line", "body", "error"),
    [
        (
            "POST /v1/articles/a-story/schedule",
            {"at": "soon"},
            {"in": "body", "name": "at", "message": "is not a date such as 2026-11-23 or 2026-11-23T03:10:00+01:00"},
        ),
        (
            "POST /v1/articles/a-story/corrections",
            {"text": " "},
            {"in": "body", "name": "text", "message": "is not of the form that /openapi.json describes"},
        ),
    ],
)
def test_an_invalid_field_is_explained_without_a_pattern(api: Api, request_line: str, body: Any, error: Any) -> None:
    method, _, path = request_line.partition(" ")
    assert api.call(method, path, "editor", body)["body"]["errors"] == [error]


def test_an_invalid_choice_is_named_by_its_field(api: Api) -> None:
    found = api.call("GET", "/v1/articles?state=gone", "writer")["body"]["errors"]
    assert {error["name"] for error in found} == {"state"}


def test_a_decision_returns_the_article_with_its_etag_and_is_logged(api: Api) -> None:
    before = api.call("GET", "/v1/articles/a-story", "writer")
    etag = before["headers"]["etag"]
    assert etag == f'"{before["body"]["etag"]}"'
    changed = api.call("PUT", "/v1/articles/a-story/access", "editor", {"access": "member"}, headers={"if-match": etag})
    assert (changed["statusCode"], changed["body"]["access"]) == (200, "member")
    [entry] = entries("article:a-story", "", 10, api.ports.audit_log).entries
    assert (entry.actor.name, entry.action, entry.outcome) == ("Ada", "access", "done")
    assert entry.before
    assert entry.before["etag"] == before["body"]["etag"]


def test_a_stale_etag_gets_the_current_article(api: Api) -> None:
    path = "/v1/articles/a-story/corrections"
    old = api.call("GET", "/v1/articles/a-story", "writer")["headers"]["etag"]
    assert api.call("POST", path, "editor", {"text": "It was zinc."})["statusCode"] == 201
    for weak in (f"W/{old}", f"W/{api.call('GET', '/v1/articles/a-story', 'writer')['headers']['etag']}"):
        assert (
            api.problem("POST", path, "editor", {"text": "Tin."}, headers={"if-match": weak}) == "precondition-failed"
        )
    headers = {"if-match": old}
    assert api.problem("POST", path, "editor", {"text": "It was tin."}, headers=headers) == "precondition-failed"
    response = api.call("POST", path, "editor", {"text": "It was tin."}, headers=headers)
    assert response["headers"]["etag"] == f'"{response["body"]["current"]["etag"]}"' != old


def test_unexpected_errors_do_not_reveal_their_cause(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, name in ((Transient("secret"), "service-unavailable"), (KeyError("secret"), "internal-server-error")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(api.room.ports.private, "get", fail)
        assert api.problem("GET", "/v1/articles/a-story", "writer") == name
        assert "secret" not in json.dumps(api.call("GET", "/v1/articles/a-story", "writer")["body"])


@pytest.mark.parametrize("headers", [{}, {"if-match": "*"}])
def test_an_approval_must_name_the_version_that_was_read(api: Api, headers: dict[str, str]) -> None:
    path = "/v1/articles/a-story"
    assert api.problem("POST", f"{path}/approve", "editor", headers=headers) == "precondition-required"
    read = api.call("GET", path, "editor")["headers"]["etag"]
    api.room.publish("a-story", "Swapped a moment before the approval")
    assert api.problem("POST", f"{path}/approve", "editor", headers={"if-match": read}) == "precondition-failed"
    current = api.call("GET", path, "editor")["headers"]["etag"]
    approved = api.call("POST", f"{path}/approve", "editor", headers={"if-match": current})
    assert approved["body"]["approval"]["valid"] is True


@pytest.mark.parametrize("action", ["remove", "approve"])
def test_an_operation_on_a_missing_update_is_logged_as_failed(api: Api, action: str) -> None:
    method, path = ("DELETE", "") if action == "remove" else ("POST", "/approve")
    assert api.problem(method, f"/v1/updates/{'0' * 16}{path}", "editor") == "not-found"
    (entry,) = entries("", "", 10, api.ports.audit_log).entries
    assert (entry.action, entry.outcome) == (action, "failed")


@pytest.mark.parametrize(
    ("path", "role"), [("/v1/articles", "writer"), ("/v1/articles", ""), ("/v1/nothing", "editor")]
)
def test_no_response_can_act_as_a_page(api: Api, path: str, role: str) -> None:
    headers = api.call("GET", path, role)["headers"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert {"default-src 'none'", "sandbox"} <= set(headers["content-security-policy"].split("; "))
    assert headers["cache-control"] == "no-store"


def test_feeds_show_what_was_left_out_of_them(api: Api) -> None:
    feed = Feed("https://wire.example/rss")
    settings = json.dumps(Site(feeds=(feed,)).to_json()).encode()
    api.ports.pipeline.private.put(Output("site.json", settings, "application/json"), ANY)
    assert api.call("GET", "/v1/feeds", "writer")["body"] == {"feeds": []}
    entries = tuple(Entry(str(n), f"N {n}", "", f"http://wire.example/{n}", None) for n in range(3))

    class OneFeed:
        def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
            yield FeedResult(feed.url, entries)

    list(read_feeds([feed], OneFeed(), api.ports.pipeline))
    [found] = api.call("GET", "/v1/feeds", "writer")["body"]["feeds"]
    assert found["left_out"] == {NOT_HTTPS: 3}
    assert found["problem"] == "3 items, none usable: links are not https"
    assert (found["url"], found["items"], found["failures"], found["next"]) == (feed.url, 3, 0, "")


# --- Complimentary tiers ---


def test_a_tier_lasts_to_the_end_of_its_last_day_and_cannot_have_ended(api: Api) -> None:
    member = member_id("reader@news.example")
    path, body = f"/v1/members/{member}", {"tier": "member", "email": "reader@news.example"}
    today = api.ports.pipeline.clock().date().isoformat()
    for until in (today, f"{today}T23:59:59Z"):
        found = api.call("PUT", path, "editor", {**body, "until": until})["body"]
        assert (found["tier"], found["until"][:19]) == ("member", f"{today}T23:59:59")
    for until in ("2020-01-01", f"{today}T00:00:00Z"):
        assert api.problem("PUT", path, "editor", {**body, "until": until}) == "unprocessable-content"


def test_the_command_line_names_the_last_day_and_refuses_one_that_is_over(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = EditorService(Actor("operator:ada", "Ada"), api.ports)
    monkeypatch.setattr(members, "connect", lambda _: None)
    monkeypatch.setattr(members, "editor_service", lambda _: service)
    today = api.ports.pipeline.clock().date().isoformat()

    def add(*until: str) -> tuple[int, str, str]:
        code = main(["members", "add", "reader@news.example", "--tier", "member", *until])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    assert add("--until", today)[:2] == (0, f"reader@news.example reads as member to the end of {today} (UTC)")
    assert add()[:2] == (0, "reader@news.example reads as member")
    code, out, error = add("--until", "2020-01-01")
    assert (code, out) == (2, "")
    assert "2020-01-01" in error
    assert "in the past" in error
    assert add("--until", "9000-05-01T10:00Z")[1].endswith("until 9000-05-01T10:00:00+00:00")
