"""Routes on Powertools' resolvers: which is found, what is said where none is, and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from nightdesk.http import HttpError, Response, Route, as_json, cookie, problem, redirect
from nightdesk.routing import METHODS, route_by
from test_http import event

LEAVE = (cookie("__Host-a", "1", 60), cookie("__Host-b", "", 0))
ROUTES = [
    Route("GET", "/api/gift/{link}", lambda link: as_json({"gift": link})),
    Route("GET", "/api/x", lambda: as_json({"é": 1})),
    Route("POST", "/api/x", lambda: redirect("/articles/x/#gate-1", *LEAVE)),
]


def ask(method: str = "GET", path: str = "/api/x") -> dict[str, Any]:
    def answer(route: Route | HttpError, names: Mapping[str, str]) -> Response:
        return problem(route) if isinstance(route, HttpError) else route.act(**names)

    app = LambdaFunctionUrlResolver()
    route_by(app, ROUTES, answer)
    return app.resolve(event(method, path), None)  # type: ignore[arg-type]  # no route asks for Lambda's context


def test_a_route_is_found_by_method_and_path() -> None:
    assert ask()["body"] == '{"é": 1}'
    assert ask("POST")["statusCode"] == 303
    assert ask(path="/api/gift/Ab-_9")["body"] == '{"gift": "Ab-_9"}'


def test_what_may_be_got_may_be_asked_for_without_its_body() -> None:
    whole, head = ask(), ask("HEAD")
    assert (head["body"], head["statusCode"], head["headers"]) == ("", 200, whole["headers"])


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/x/", "/api/xx", "/x/api/x", "/api/gift/", "/api/gift/a/b", "/api/gift/a.b", "/api/gift/a\n",
             "/api/gift/" + "a" * 201, "/api/gift/{link}", "/API/x"],
)  # fmt: skip
@pytest.mark.parametrize("method", METHODS)
def test_other_paths_are_missing(path: str, method: str) -> None:
    assert ask(method, path)["statusCode"] == 404


def test_another_method_is_told_which_would_do() -> None:
    for method in set(METHODS) - {"GET", "HEAD", "POST"}:
        answer = ask(method)
        assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "GET, POST")


def test_an_answer_is_kept_by_nobody_and_carries_its_cookies_apart() -> None:
    answer = ask("POST")
    assert answer["headers"] == {"cache-control": "no-store", "location": "/articles/x/#gate-1"}
    assert answer["cookies"] == [
        "__Host-a=1; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60",
        "__Host-b=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
    ]
    assert ask()["headers"]["content-type"] == "application/json"
