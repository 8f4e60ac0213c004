"""Posting to servers that nobody here knows: none leads into a private network, keeps a stage busy, or sends it elsewhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from nightdesk.adapters import web
from nightdesk.adapters.web import GuardedWeb
from nightdesk.domain.errors import Permanent, Transient
from support.feed_server import FeedServer, drip_headers, fail, redirect, reply, send_endless

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
def server() -> Iterator[FeedServer]:
    made = FeedServer()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SECONDS", 0.3)
    monkeypatch.setattr(web, "STEP", 0.2)


def post(url: str, loopback: bool = True) -> int:
    return GuardedWeb(loopback).post(url, HEADERS, b'{"a": 1}')


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Resolve names to each of the answers in turn, and return the list of names that were looked up."""
    looked_up: list[str] = []
    waiting = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up


def test_a_body_arrives_with_its_headers(server: FeedServer) -> None:
    server.handlers["/hook?a=1"] = reply("thanks")
    assert post(server.url("/hook?a=1")) == 200
    assert server.bodies == [b'{"a": 1}']
    [(path, headers)] = server.requests
    assert (path, headers["content-type"], headers["content-length"]) == ("/hook?a=1", "application/json", "8")


@pytest.mark.parametrize("status", [202, 400, 410, 429, 500, 503])
def test_a_status_is_returned_whatever_it_is(server: FeedServer, status: int) -> None:
    server.handlers["/"] = fail(status)
    assert post(server.url("/")) == status


def test_a_redirect_is_not_followed(server: FeedServer) -> None:
    server.handlers["/"] = redirect("http://169.254.169.254/latest/meta-data/", 307)
    assert post(server.url("/")) == 307
    assert len(server.requests) == 1


def test_a_huge_response_is_not_read(server: FeedServer) -> None:
    server.handlers["/"] = send_endless
    assert post(server.url("/")) == 200


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: time.sleep(0.5), "took too long"),
        (drip_headers, "took too long"),
        (no_http, "does not speak HTTP"),
        (lambda _: None, "closed the connection"),
    ],
    ids=["hangs", "drips", "no-http", "says-nothing"],
)
def test_a_server_that_does_not_answer_is_tried_again_later(server: FeedServer, answer: Any, words: str) -> None:
    server.handlers["/"] = answer
    with pytest.raises(Transient, match=f"127.0.0.1: .*{words}"):
        post(server.url("/"))


def test_a_dead_host_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Transient, match="refuses connections"):
        post("http://127.0.0.1:1/")

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Transient, match=r"hook\.example: its server's name does not exist"):
        post("https://hook.example/token-of-mine")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.1.1", "0.0.0.0", "::1", "fd00::1"]
)
def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
    for answer in ([address], ["8.8.8.8", address]):
        resolve_to(monkeypatch, answer)
        with pytest.raises(Permanent, match=r"hook\.example is not reached") as error:
            post("https://hook.example/token-of-mine", loopback=False)
        assert "token" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://hook.example/", "https://hook.example:8443/", "ftp://hook.example/", "https:///"]
)
def test_only_https_on_its_port_is_posted_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    resolve_to(monkeypatch, ["8.8.8.8"])
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
    with pytest.raises(Permanent):
        post(url, loopback=False)


def test_this_machine_is_reached_on_the_local_cloud_only(server: FeedServer) -> None:
    server.handlers["/"] = reply("")
    for url in (server.url("/"), f"https://localhost:{server.port}/", f"https://127.1:{server.port}/"):
        with pytest.raises(Permanent):
            post(url, loopback=False)
    assert server.requests == []


def test_a_name_is_resolved_once_and_connected_to_that_address(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a second lookup would return another address."""
    looked_up = resolve_to(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    server.handlers["/"] = reply("")
    assert post(f"http://rebinding.example:{server.port}/") == 200
    assert looked_up == ["rebinding.example"]
    assert server.requests[0][1]["host"] == f"rebinding.example:{server.port}"
