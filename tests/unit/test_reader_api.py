"""The readers' API in process: what is said when something fails, and to whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.errors import Transient
from nightdesk.domain.memberships import member_id
from nightdesk.http import Request
from test_http import event
from test_sign_in import ADA, NOW
from test_sign_in import Desk as World

from functions.reader_api import desk as desks
from functions.reader_api.desk import Desk, return_path
from functions.reader_api.serve import serve

THEME = str(Path(__file__).resolve().parents[2] / "layers" / "theme")
KEY = "origin-key"
BROWSER = {"accept": "text/html", "x-origin-key": KEY, "sec-fetch-site": "same-origin"}
PROGRAM = {"accept": "application/json", "x-origin-key": KEY}


class Api:
    """The API over ports in memory."""

    def __init__(self) -> None:
        self.world = World()

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "", **more: Any) -> dict[str, Any]:
        sent = {**headers, "content-type": "application/x-www-form-urlencoded"} if body else headers
        asked = event(method, path, body, headers=sent, **more)
        return serve(asked, None, Desk(self.world.ports, NOW, THEME), KEY)


@pytest.fixture
def api() -> Iterator[Api]:
    desks._site.clear()
    yield Api()
    desks._site.clear()


def fail(*_: Any, **__: Any) -> Any:
    raise Transient("the table was away")


def test_nobody_is_heard_without_the_distributions_key(api: Api) -> None:
    for said in ("", "guess", KEY + "x", KEY[:-1], "é"):
        answer = api.ask("GET", "/api/session", {**PROGRAM, "x-origin-key": said})
        assert answer["statusCode"] == 403
    asked = event("GET", "/api/session", headers={})
    assert serve(asked, None, Desk(api.world.ports, NOW, THEME), "")["statusCode"] == 403, "no key is none to match"


def test_another_sites_page_gets_nothing_done(api: Api) -> None:
    """Said with 400 and not 403, which the distribution would answer with its own page."""
    crossing = {**PROGRAM, "sec-fetch-site": "cross-site"}
    assert api.ask("POST", "/api/signout", crossing)["statusCode"] == 400
    assert api.ask("GET", "/api/session", crossing)["statusCode"] == 200
    assert api.ask("POST", "/api/unsubscribe", crossing)["statusCode"] != 400


@pytest.mark.parametrize(("failure", "status"), [(Transient("away"), 503), (ValueError("secret-words"), 500)])
def test_a_failure_is_told_without_its_reason(api: Api, failure: Exception, status: int) -> None:
    def broken(*_: Any) -> Any:
        raise failure

    api.world.table.get = broken  # type: ignore[method-assign]
    cookies = {"cookies": [f"__Host-renew={member_id(ADA)}.x"]}
    answer = api.ask("GET", "/api/account", PROGRAM, **cookies)
    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["status"] == status
    page = api.ask("GET", "/account/", BROWSER, **cookies)
    assert (page["statusCode"], "<h1>" in page["body"]) == (status, True)
    assert "secret-words" not in answer["body"] + page["body"]


def test_where_no_page_can_be_made_a_problem_is_still_told(api: Api) -> None:
    api.world.ports.work.get = fail  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/signin/confirm", BROWSER, rawQueryString="token=x")
    assert answer["statusCode"] == 410
    assert json.loads(answer["body"])["title"] == "No longer valid"


def test_a_session_that_cannot_be_renewed_now_shows_the_public_page_and_is_kept(api: Api) -> None:
    renewal = api.world.signed_in().reader.renewal
    asked = {"cookies": [f"__Host-renew={renewal}"], "rawQueryString": "return_to=/articles/x/"}
    get = api.world.table.get
    api.world.table.get = fail  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/session/renew", BROWSER, **asked)
    assert (answer["statusCode"], answer["headers"]["location"]) == (303, "/articles/x/?renewed=1")
    assert answer["cookies"] == [], "neither given nor taken"
    api.world.table.get = get  # type: ignore[method-assign]
    answer = api.ask("GET", "/api/session/renew", BROWSER, **asked)
    assert [cookie.partition("=")[0] for cookie in answer["cookies"]] == ["__Host-session"]


def test_a_used_session_gets_its_cookie_for_longer(api: Api) -> None:
    renewal = api.world.signed_in().reader.renewal
    item = next(iter(api.world.table.query(f"member#{member_id(ADA)}", prefix="session#")))
    api.world.table._items[item["pk"]][item["sk"]]["ttl"] -= 5 * 86400
    planted = {"cookies": ["__Host-renew=junk", f"__Host-renew={renewal}"], "rawQueryString": "return_to=/"}
    answer = api.ask("GET", "/api/session/renew", BROWSER, **planted)
    assert answer["cookies"][0].startswith(f"__Host-renew={renewal}; "), (
        "the session's own, not the one planted beside it"
    )


def test_the_address_of_the_form_says_where_its_reader_came_from() -> None:
    def came_from(referer: str, typed: str = "") -> str:
        return return_path(typed, Request("POST", "/api/signin", {}, {"referer": referer}, {}))

    assert came_from("https://news.example/newsletter/?return_to=/articles/x/%23gate-1") == "/articles/x/#gate-1"
    assert came_from("https://news.example/newsletter/?return_to=%2Farticles%2Fx%2F&a=b") == "/articles/x/"
    assert came_from("https://news.example/newsletter/?return_to=/a/", "/typed/") == "/typed/"
    for bad in ("", "junk", "https://[", "https://news.example/?return_to=//evil.example/", "https://x/?return_to="):
        assert came_from(bad) == ""


def test_the_distribution_says_what_the_site_is_called(api: Api) -> None:
    ports = api.world.ports
    asked = Request("GET", "/", {}, {"x-viewer-host": "d1.cloudfront.net"}, {})
    assert Desk(ports, NOW).origin(asked) == "https://news.example"
    assert Desk(replace(ports, base_url=""), NOW).origin(asked) == "https://d1.cloudfront.net"


def test_a_form_without_its_box_ticked_deletes_nothing(api: Api) -> None:
    renewal = api.world.signed_in().reader.renewal
    cookies = {"cookies": [f"__Host-renew={renewal}"]}
    assert api.ask("POST", "/api/account/delete", BROWSER, "sure=", **cookies)["statusCode"] == 422
    assert api.ask("POST", "/api/account/delete", BROWSER, **cookies)["statusCode"] == 422
    assert api.world.who(renewal=renewal)
    assert api.ask("POST", "/api/account/delete", BROWSER, "sure=yes", **cookies)["statusCode"] == 200
    assert api.world.who(renewal=renewal) is None


def test_settings_are_looked_up_once_a_minute(api: Api) -> None:
    looked: list[str] = []
    objects = MemoryObjects()
    get = objects.get
    objects.get = lambda *key: (looked.append(key[0]), get(*key))[1]  # type: ignore[method-assign]
    desk = Desk(replace(api.world.ports, work=objects), NOW, THEME)
    assert [desk.site.name for _ in range(3)] == ["Nightdesk"] * 3
    assert looked == ["site.json"]
