"""HTTP requests and responses: cookies, bodies, cross-site requests, and problem details."""

from __future__ import annotations

import base64
import json

import hypothesis
import pytest
from hypothesis import strategies as st
from nightdesk.entrypoints.http import LARGEST_BODY, HttpError, Request, go_to, problem_response, with_return
from pydantic import BaseModel
from support.function_url import event

SITE = "https://news.example"


def request(method: str = "GET", path: str = "/api/x", body: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request.from_event(event(method, path, body, headers=named))


FORM = "application/x-www-form-urlencoded"


# --- Requests ---


def test_cookies_are_read_from_the_list_or_from_the_header() -> None:
    """AWS sends a list, the emulator a header. Repeated values stay in order, since another site may have planted one."""
    expected = {"a": ["1", "3"], "b": ["x=y"], "c": [""]}
    assert Request.from_event(event(cookies=["a=1", "b=x=y", "a=3", "c="])).cookies == expected
    header = {"Cookie": "a=1; b=x=y;a=3;  c=; junk"}
    assert Request.from_event(event(headers=header)).cookies == expected


@pytest.mark.parametrize("encoded", [True, False])
def test_a_body_may_be_base64_encoded(encoded: bool) -> None:
    body = base64.b64encode(b"email=a%40b").decode() if encoded else "email=a%40b"
    got = Request.from_event(event("POST", body=body, isBase64Encoded=encoded, headers={"Content-Type": FORM}))
    assert got.fields() == {"email": "a@b"}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (FORM, "a=1&b=", None),
        ("application/json", '{"a": 1}', None),
        ("application/json; charset=utf-8", '{"a": 1}', None),
        ("", "", None),
        ("text/plain", '{"a": 1}', 415),
        ("multipart/form-data", "a=1", 415),
        ("", "a=1", 415),
        ("application/json", "[1]", 415),
        ("application/json", "null", 415),
        ("application/json", "{", 400),
        ("application/json", "[" * 50_000, 400),
        (FORM, "&".join("a=1" for _ in range(51)), 400),
    ],
)
def test_forms_and_json_objects_are_accepted(kind: str, body: str, status: int | None) -> None:
    got = request("POST", body=body, content_type=kind)
    if status is None:
        assert isinstance(got.fields(), dict)
        return
    with pytest.raises(HttpError) as refused:
        got.fields()
    assert refused.value.status == status


def test_a_body_over_the_limit_is_refused() -> None:
    with pytest.raises(HttpError) as refused:
        request("POST", body="x" * (2 * LARGEST_BODY + 1))
    assert refused.value.status == 413


@hypothesis.given(st.binary(max_size=200), st.sampled_from([FORM, "application/json"]))
@hypothesis.settings(deadline=None)
def test_any_body_is_parsed_or_refused(body: bytes, kind: str) -> None:
    text = base64.b64encode(body).decode()
    got = Request.from_event(event("POST", body=text, isBase64Encoded=True, headers={"content-type": kind}))
    try:
        status = 200 if isinstance(got.fields(), dict) else 0
    except HttpError as error:
        status = error.status
    assert status in (200, 400, 415)


class Form(BaseModel):
    email: str
    code: int = 0


def test_a_validation_error_names_fields_and_repeats_no_values() -> None:
    with pytest.raises(HttpError) as refused:
        request("POST", body="code=secret-words", content_type=FORM).validated(Form)
    assert refused.value.status == 422
    assert refused.value.detail == "Missing or invalid: code, email."
    assert "secret-words" not in repr(refused.value) + str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("accept", "kind", "json_wanted"),
    [
        ("", "", False),
        ("*/*", "", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", FORM, False),
        ("text/html, application/json", "", False),
        ("application/json", "", True),
        ("application/json, text/plain, */*", "", True),
        ("*/*", "application/json", True),
    ],
)
def test_programs_get_json_and_browsers_get_pages(accept: str, kind: str, json_wanted: bool) -> None:
    assert request(accept=accept, content_type=kind).wants_json is json_wanted


# --- Cross-site requests ---


@pytest.mark.parametrize(
    ("headers", "is_cross_site"),
    [
        ({}, False),
        ({"sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, False),
        ({"sec_fetch_site": "same-site"}, True),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "cross-site", "origin": SITE}, True),
        ({"origin": SITE}, False),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://news.example"}, True),
        ({"origin": SITE + "."}, True),
        ({"origin": SITE + ":444"}, True),
        ({"origin": "https://news.example.evil.example"}, True),
    ],
)
def test_a_request_is_cross_site_if_the_browser_says_so(headers: dict[str, str], is_cross_site: bool) -> None:
    assert request("POST", **headers).is_cross_site(SITE) is is_cross_site


# --- Responses ---


def test_a_browser_is_redirected_and_a_program_gets_the_location() -> None:
    by_program = request("POST", accept="application/json")
    assert json.loads(go_to(by_program, "/account/").body) == {"location": "/account/"}
    assert go_to(request("POST"), "/account/", "a=b").status == 303


def test_problem_details_follow_rfc_9457() -> None:
    error = HttpError(429, "Too Many Requests", "Try later.", {"retry-after": "60"}, extensions={"limit": 3})
    response = problem_response(error)
    assert (response.type, response.headers) == ("application/problem+json", {"retry-after": "60"})
    expected = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "Try later.", "limit": 3}
    assert json.loads(response.body) == expected


def test_a_path_carries_the_page_to_return_to() -> None:
    assert with_return("/signin/", "/articles/x/#gate-1") == "/signin/?return_to=/articles/x/%23gate-1"
    assert with_return("/signin/", "/") == with_return("/signin/", "") == "/signin/"
