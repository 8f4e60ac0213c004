"""The readers' API in process: who may call it, and what it answers when something fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.errors import Transient
from nightdesk.domain.memberships import member_id
from nightdesk.entrypoints.http import Request
from nightdesk.ports import KeyRange
from support.function_url import event
from support.reader_browser import KEY, THEME
from support.sign_in_harness import ADA, NOW, SignInHarness

from functions.reader_api import context
from functions.reader_api.context import ReaderContext, return_path
from functions.reader_api.serve import serve

BROWSER = {"accept": "text/html", "x-origin-key": KEY, "sec-fetch-site": "same-origin"}
PROGRAM = {"accept": "application/json", "x-origin-key": KEY}


class Api:
    """The API over ports in memory."""

    def __init__(self) -> None:
        self.harness = SignInHarness()

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "", **more: Any) -> dict[str, Any]:
        sent = {**headers, "content-type": "application/x-www-form-urlencoded"} if body else headers
        asked = event(method, path, body, headers=sent, **more)
        return serve(asked, None, ReaderContext(self.harness.ports, NOW, THEME), KEY)


@pytest.fixture
def api() -> Iterator[Api]:
    context._site.clear()
    yield Api()
    context._site.clear()


def fail(*_: Any, **__: Any) -> Any:
    raise Transient("the table was away")


def test_requests_need_the_distributions_key(api: Api) -> None:
    for said in ("", "guess", KEY + "x", KEY[:-1], "é"):
        answer = api.ask("GET", "/api/session", {**PROGRAM, "x-origin-key": said})
        assert answer["statusCode"] == 403
    asked = event("GET", "/api/session", headers={})
    assert serve(asked, None, ReaderContext(api.harness.ports, NOW, THEME), "")["statusCode"] == 403, (
        "an empty key matches nothing"
    )


def test_requests_of_another_sites_page_are_refused(api: Api) -> None:
    """Said with 400 and not 403, which the distribution would answer with its own page."""
    crossing = {**PROGRAM, "sec-fetch-site": "cross-site"}
    assert api.ask("POST", "/api/signout", crossing)["statusCode"] == 400
    assert api.ask("GET", "/api/session", crossing)["statusCode"] == 200
    assert api.ask("POST", "/api/unsubscribe", crossing)["statusCode"] != 400


@pytest.mark.parametrize(("failure", "status"), [(Transient("away"), 503), (ValueError("secret-words"), 500)])
def test_a_failure_is_reported_without_its_reason(api: Api, failure: Exception, status: int) -> None:
    def broken(*_: Any) -> Any:
        raise failure

    api.harness.table.get = broken  # type: ignore[method-assign]
    cookies = {"cookies": [f"__Host-renew={member_id(ADA)}.x"]}
    answer = api.ask("GET", "/api/account", PROGRAM, **cookies)
    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["status"] == status
    page = api.ask("GET", "/account/", BROWSER, **cookies)
    assert (page["statusCode"], "<h1>" in page["body"]) == (status, True)
    assert "secret-words" not in answer["body"] + page["body"]


def test_without_a_page_a_problem_is_returned(api: Api) -> None:
    api.harness.ports.private.get = fail  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/signin/confirm", BROWSER, rawQueryString="token=x")
    assert answer["statusCode"] == 410
    assert json.loads(answer["body"])["title"] == "This link no longer works"


def test_a_session_that_cannot_be_renewed_now_is_kept_and_shows_the_public_page(api: Api) -> None:
    renewal = api.harness.sign_in().reader.renewal
    asked = {"cookies": [f"__Host-renew={renewal}"], "rawQueryString": "return_to=/articles/x/"}
    get = api.harness.table.get
    api.harness.table.get = fail  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/session/renew", BROWSER, **asked)
    assert (answer["statusCode"], answer["headers"]["location"]) == (303, "/articles/x/?renewed=1")
    assert answer["cookies"] == [], "neither set nor deleted"
    api.harness.table.get = get  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/session/renew", BROWSER, **asked)
    assert [cookie.partition("=")[0] for cookie in answer["cookies"]] == ["__Host-session"]


def test_a_renewal_keeps_the_rest_of_the_query(api: Api) -> None:
    def location(query: str) -> str:
        return str(api.ask("GET", "/api/session/renew", BROWSER, rawQueryString=query)["headers"]["location"])

    typed = "return_to=/articles/x/&utm_source=a%20b&gift=x&c=%0d%0aSet-Cookie:x"
    assert location(typed) == "/articles/x/?renewed=1&utm_source=a+b&c=%0D%0ASet-Cookie%3Ax"
    assert location("return_to=/articles/x/&a=" + "b" * 3000) == "/articles/x/?renewed=1"


def test_using_a_session_extends_its_cookie(api: Api) -> None:
    renewal = api.harness.sign_in().reader.renewal
    item = next(iter(api.harness.table.query(f"member#{member_id(ADA)}", KeyRange(prefix="session#"))))
    api.harness.table._items[item["pk"]][item["sk"]]["ttl"] -= 5 * 86400
    planted = {"cookies": ["__Host-renew=junk", f"__Host-renew={renewal}"], "rawQueryString": "return_to=/"}
    answer = api.ask("GET", "/api/session/renew", BROWSER, **planted)
    assert answer["cookies"][0].startswith(f"__Host-renew={renewal}; "), (
        "the session's own, not the one planted beside it"
    )


def test_the_page_to_return_to_comes_from_the_forms_address() -> None:
    def came_from(referer: str, typed: str = "") -> str:
        return return_path(typed, Request("POST", "/api/signin", {}, {"referer": referer}, {}))

    assert came_from("https://news.example/newsletter/?return_to=/articles/x/%23gate-1") == "/articles/x/#gate-1"
    assert came_from("https://news.example/newsletter/?return_to=%2Farticles%2Fx%2F&a=b") == "/articles/x/"
    assert came_from("https://news.example/newsletter/?return_to=/a/", "/typed/") == "/typed/"
    for bad in ("", "junk", "https://[", "https://news.example/?return_to=//evil.example/", "https://x/?return_to="):
        assert came_from(bad) == ""


def test_without_a_base_url_the_distribution_names_the_site(api: Api) -> None:
    ports = api.harness.ports
    asked = Request("GET", "/", {}, {"x-viewer-host": "d1.cloudfront.net"}, {})
    assert ReaderContext(ports, NOW).origin(asked) == "https://news.example"
    assert ReaderContext(replace(ports, base_url=""), NOW).origin(asked) == "https://d1.cloudfront.net"


def test_settings_are_read_once_a_minute(api: Api) -> None:
    reads: list[str] = []
    objects = MemoryObjects()
    get = objects.get
    objects.get = lambda *key: (reads.append(key[0]), get(*key))[1]  # type: ignore[method-assign]
    reader_context = ReaderContext(replace(api.harness.ports, private=objects), NOW, THEME)
    assert [reader_context.site.name for _ in range(3)] == ["Nightdesk"] * 3
    assert reads == ["site.json"]
