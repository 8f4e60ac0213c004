"""Routes registered with Powertools' resolvers: matching, 404 and 405, headers and cookies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from nightdesk.entrypoints.http import HttpError, Response, Route, as_json, cookie, problem_response, redirect
from nightdesk.entrypoints.routing import METHODS, route_by
from support.function_url import event

COOKIES = (cookie("__Host-a", "1", 60), cookie("__Host-b", "", 0))
ROUTES = [
    Route("GET", "/api/gift/{link}", lambda link: as_json({"gift": link})),
    Route("GET", "/api/x", lambda: as_json({"é": 1})),
    Route("POST", "/api/x", lambda: redirect("/articles/x/#gate-1", *COOKIES)),
]


def request(method: str = "GET", path: str = "/api/x") -> dict[str, Any]:
    def answer(route: Route | HttpError, names: Mapping[str, str]) -> Response:
        return problem_response(route) if isinstance(route, HttpError) else route.handler(**names)

    app = LambdaFunctionUrlResolver()
    route_by(app, ROUTES, answer)
    return app.resolve(event(method, path), None)  # type: ignore[arg-type]  # no route uses Lambda's context


def test_a_route_matches_method_and_path() -> None:
    assert request()["body"] == '{"é": 1}'
    assert request("POST")["statusCode"] == 303
    assert request(path="/api/gift/Ab-_9")["body"] == '{"gift": "Ab-_9"}'


def test_head_gets_the_headers_of_get_without_a_body() -> None:
    get, head = request(), request("HEAD")
    assert (head["body"], head["statusCode"], head["headers"]) == ("", 200, get["headers"])


UNKNOWN_PATHS = ["/", "/api", "/api/x/", "/api/xx", "/x/api/x", "/API/x"]
UNKNOWN_PATHS += [f"/api/gift/{link}" for link in ("", "a/b", "a.b", "a\n", "a" * 201, "{link}")]


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_other_paths_are_not_found(path: str, method: str) -> None:
    assert request(method, path)["statusCode"] == 404


def test_another_method_is_refused_with_the_allowed_ones() -> None:
    for method in set(METHODS) - {"GET", "HEAD", "POST"}:
        response = request(method)
        assert (response["statusCode"], response["headers"]["allow"]) == (405, "GET, POST")


def test_a_response_is_never_cached_and_has_separate_cookies() -> None:
    response = request("POST")
    assert response["headers"]["location"] == "/articles/x/#gate-1"
    assert response["headers"]["cache-control"] == "no-store"
    assert response["headers"]["x-content-type-options"] == "nosniff"
    assert "content-type" not in response["headers"]
    assert response["cookies"] == [
        "__Host-a=1; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60",
        "__Host-b=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
    ]
    assert request()["headers"]["content-type"] == "application/json"
