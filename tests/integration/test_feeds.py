"""Feeds over a real network, the loopback one: good feeds are read, and bad ones do no harm."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters import web as adapter
from nightdesk.adapters.feed_parser import UnreadableFeed, parse_feed
from nightdesk.adapters.feeds import WebFeeds
from nightdesk.domain.feeds import Entry, FeedRequest, FeedResult
from nightdesk.domain.updates import MAX_HEADLINE, MAX_SUMMARY
from support.feed_server import (
    ATOM,
    BOMB,
    RSS,
    FeedServer,
    Handler,
    drip_body,
    drip_headers,
    fail,
    redirect,
    reply,
    send_endless,
)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    made = FeedServer()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts, so that tests need not wait for them."""
    monkeypatch.setattr(adapter, "SECONDS", 1.5)
    monkeypatch.setattr(adapter, "STEP", 1.0)


def read(*urls: str, loopback: bool = True, **known: str) -> list[FeedResult]:
    return list(WebFeeds(loopback).read([FeedRequest(url, **known) for url in urls]))


def test_an_rss_feed_is_read_as_plain_text(server: FeedServer) -> None:
    server.handlers["/rss"] = reply(RSS, ETag='"one"', Last_Modified="Tue, 24 Nov 2026 04:00:00 GMT")
    [reading] = read(server.url("/rss"))
    assert reading.problem == ""
    assert (reading.etag, reading.modified) == ('"one"', "Tue, 24 Nov 2026 04:00:00 GMT")
    assert reading.entries == (
        Entry(
            "g-1",
            "Grain & ships move",
            "One. Two.",
            "https://wire.example/grain",
            dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC),
        ),
        Entry("https://wire.example/none", "No date", "", "https://wire.example/none", None),
    )


def test_relative_links_of_an_atom_feed_are_resolved(server: FeedServer) -> None:
    server.handlers["/atom"] = reply(ATOM)
    [reading] = read(server.url("/atom"))
    assert reading.entries
    [entry] = reading.entries
    assert entry[:4] == ("tag:wire.example,2026:2", "Copper levy", "Short.", server.url("/levy"))
    assert entry.published == dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC)


def test_an_unchanged_feed_is_answered_with_304(server: FeedServer) -> None:
    def conditional(request: BaseHTTPRequestHandler) -> None:
        same = request.headers["If-None-Match"] == '"one"' and request.headers["If-Modified-Since"] == "then"
        request.send_response(304 if same else 200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    server.handlers["/rss"] = conditional
    [reading] = read(server.url("/rss"), etag='"one"', modified="then", digest="d")
    assert reading == FeedResult(server.url("/rss"), None, '"one"', "then", "d")


def test_a_body_that_is_the_same_as_before_is_not_parsed_again(server: FeedServer) -> None:
    server.handlers["/rss"] = reply(RSS)
    [first] = read(server.url("/rss"))
    [again] = read(server.url("/rss"), digest=first.digest)
    assert (again.entries, again.problem, again.digest) == (None, "", first.digest)


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "GZIP"])
def test_a_gzipped_feed_is_decompressed(server: FeedServer, packing: str) -> None:
    server.handlers["/rss"] = reply(gzip.compress(RSS.encode()), Content_Encoding=packing)
    [reading] = read(server.url("/rss"))
    assert reading.entries
    assert len(reading.entries) == 2
    assert server.requests[0][1]["accept-encoding"] == "gzip"


# --- Bad feeds ---


def nested(depth: int) -> str:
    return f'<rss version="2.0"><channel><item><title>{"<a>" * depth}{"</a>" * depth}</title></item></channel></rss>'


BAD_FEEDS: dict[str, tuple[Handler, str]] = {
    "fifty-megabytes": (send_endless, "larger than 2 MiB"),
    "said-to-be-long": (reply(b" " * (3 << 20)), "larger than 2 MiB"),
    "gzip-bomb": (reply(gzip.compress(b" " * (50 << 20)), Content_Encoding="gzip"), "larger than 2 MiB"),
    "broken-gzip": (reply(b"not packed at all", Content_Encoding="gzip"), "not valid gzip"),
    "other-packing": (reply(b"x", Content_Encoding="br"), "only gzip is supported"),
    "xml-bomb": (reply(BOMB), "entities"),
    "external-entity": (reply('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>'), "entities"),
    "parameter-entity": (reply('<!DOCTYPE rss [<!ENTITY % x "y">]><rss></rss>'), "entities"),
    "utf-16-bomb": (
        reply(BOMB.replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode("utf-16")),
        "entities",
    ),
    "deep": (reply(nested(200_000)), "nested"),
    "wide": (reply("<rss " + " ".join(f'a{n}="x"' for n in range(50_000)) + "/>"), "too many"),
    "many": (reply('<rss version="2.0"><channel>' + "<b/>" * 100_000 + "</channel></rss>"), "too many"),
    "prologue": (reply('<?xml version="1.0"?>' + "<!-- -->" * 100_000 + RSS.split("?>", 1)[1]), "no RSS"),
    "html": (reply("<!doctype html><html><head><title>Hello</title></head><body>Hi<br></body></html>"), "well-formed"),
    "other-xml": (reply('<svg xmlns="http://www.w3.org/2000/svg"/>'), "no RSS or Atom"),
    "json": (reply('{"version": "https://jsonfeed.org/version/1.1"}'), "no RSS or Atom"),
    "nothing": (reply(""), "no RSS or Atom"),
    "cut-off": (reply(RSS[: len(RSS) // 2]), "well-formed"),
    "hangs": (lambda request: time.sleep(4), "took too long"),
    "drips": (drip_body, "took too long"),
    "drips-headers": (drip_headers, "took too long"),
    "no-http": (lambda request: request.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "does not speak HTTP"),
    "error": (fail(500), "answered 500"),
    "gone": (fail(410), "answered 410"),
    "to-metadata": (redirect("http://169.254.169.254/latest/meta-data/"), "not public"),
    "to-private": (redirect("https://10.0.0.1/"), "not public"),
    "to-a-file": (redirect("file:///etc/passwd"), "not an https address"),
    "to-nowhere": (redirect(""), "redirects more than"),
    "with-a-name": (redirect("https://user:word@wire.example/"), "not an https address"),
}


@pytest.mark.parametrize("name", BAD_FEEDS)
def test_a_bad_feed_is_reported(server: FeedServer, name: str) -> None:
    answer, words = BAD_FEEDS[name]
    server.handlers["/"] = server.handlers[f"/{name}"] = answer
    [reading] = read(server.url(f"/{name}"))
    assert reading.entries is None
    assert words in reading.problem


def test_a_bad_feed_delays_no_other_feed(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # All of these servers are threads of this process, so the good one is slow as well.
    monkeypatch.setattr(adapter, "SECONDS", 8.0)
    monkeypatch.setattr(adapter, "STEP", 4.0)
    server.handlers |= {f"/{name}": answer for name, (answer, _) in BAD_FEEDS.items()}
    server.handlers["/"] = redirect("")
    server.handlers["/good"] = reply(RSS)
    readings = read(*(server.url(f"/{name}") for name in ("hangs", "drips", "drips-headers", "good")))
    assert readings[0].url == server.url("/good")
    assert readings[0].entries
    assert len(readings) == 4
    everything = read(*(server.url(f"/{name}") for name in (*BAD_FEEDS, "good")))
    assert {reading.url for reading in everything if not reading.problem} == {server.url("/good")}
    assert len(everything) == len(BAD_FEEDS) + 1


def test_connections_that_hang_are_closed(server: FeedServer) -> None:
    """Threads that wait for remote servers must not accumulate in a warm function."""
    server.handlers |= {"/drips": drip_body, "/hangs": BAD_FEEDS["hangs"][0]}
    read(server.url("/drips"), server.url("/hangs"))
    until = time.monotonic() + 20
    while left := [thread for thread in threading.enumerate() if thread.name.endswith("(run)")]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("soon", 0), ("", 0), ("Wed, 25 Nov 2099 00:00:00 GMT", 10**8)]
)
def test_retry_after_is_read(server: FeedServer, value: str, seconds: int) -> None:
    server.handlers["/rss"] = fail(429, Retry_After=value)
    [reading] = read(server.url("/rss"))
    assert (reading.retry_after >= seconds) if seconds > 1000 else (reading.retry_after == seconds)


def test_redirects_are_followed(server: FeedServer) -> None:
    server.handlers["/old"] = redirect("/new", 301)
    server.handlers["/new"] = reply(RSS)
    [reading] = read(server.url("/old"))
    assert reading.url == server.url("/old")
    assert reading.entries


# --- Addresses ---


def test_loopback_is_refused_unless_allowed(server: FeedServer) -> None:
    server.handlers["/rss"] = reply(RSS)
    [reading] = read(server.url("/rss"), loopback=False)
    assert "not an https address" in reading.problem
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "0.0.0.0"])
def test_loopback_is_refused_over_tls_and_under_other_names(server: FeedServer, host: str) -> None:
    [reading] = read(f"https://{host}:{server.port}/", loopback=False)
    assert "not public" in reading.problem
    assert server.requests == []


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Resolve names to each of the answers in turn, and return the list of names that were looked up."""
    looked_up: list[str] = []
    waiting = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(adapter.socket, "getaddrinfo", getaddrinfo)
    return looked_up


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.1.1", "0.0.0.0"])
def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for answer in ([address], ["8.8.8.8", address]):
        resolve_to(monkeypatch, answer)
        [reading] = read("https://wire.example/rss", loopback=False)
        assert "not public" in reading.problem


@pytest.mark.parametrize("port", [22, 25, 80, 6379, 8443])
def test_no_other_port_is_connected_to(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    resolve_to(monkeypatch, ["8.8.8.8"])
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
    for loopback in (False, True):
        [reading] = read(f"https://wire.example:{port}/rss", loopback=loopback)
        assert f"port 443 only, not on {port}" in reading.problem


def test_a_name_is_resolved_once_and_connected_to_that_address(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a second lookup would return another address."""
    looked_up = resolve_to(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    connected_to: list[Any] = []
    original = socket.socket.connect

    def connect(self: socket.socket, place: Any) -> None:
        connected_to.append(place)
        original(self, place)

    monkeypatch.setattr(socket.socket, "connect", connect)
    server.handlers["/rss"] = reply(RSS)
    [reading] = read(f"http://rebinding.example:{server.port}/rss")
    assert reading.entries
    assert looked_up == ["rebinding.example"]
    assert connected_to == [("127.0.0.1", server.port)]
    assert server.requests[0][1]["host"] == f"rebinding.example:{server.port}"


def test_the_target_of_a_redirect_is_checked_too(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    server.handlers["/rss"] = redirect("https://wire.example/rss")
    [reading] = read(f"http://rebinding.example:{server.port}/rss")
    assert "wire.example is in a network that is not public" in reading.problem


def certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate and its key to a file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "well"), [("wire.example", True), ("other.example", False)])
def test_the_certificate_must_match_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, well: bool
) -> None:
    path = certificate(tmp_path, "wire.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = FeedServer(context)
    server.handlers["/rss"] = reply(RSS)
    trusting = ssl.create_default_context(cafile=str(path))
    monkeypatch.setattr(adapter, "tls", lambda: trusting)
    resolve_to(monkeypatch, ["127.0.0.1"])
    [reading] = read(f"https://{host}:{server.port}/rss")
    server.close()
    assert bool(reading.entries) is well
    assert ("no valid certificate" in reading.problem) is not well


# --- Text ---


def test_long_texts_are_shortened() -> None:
    text = RSS.replace("No date", "word " * 2000).replace("One.", "word " * 2000)
    first, second = parse_feed(text.encode(), "https://wire.example/").entries
    assert len(first.summary) <= MAX_SUMMARY
    assert len(second.headline) <= MAX_HEADLINE
    assert second.headline.endswith("word…")


@pytest.mark.parametrize("date", ["0000-00-00", "9999-99-99T99:99:99Z", "yesterday", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_an_invalid_date_is_ignored(date: str) -> None:
    [entry] = parse_feed(ATOM.replace("2026-11-24T04:00:00Z", date).encode(), "https://wire.example/").entries
    assert entry.published is None or entry.published.year in (1, 9999)


def test_markup_is_removed_from_text() -> None:
    text = RSS.replace("No date", "<![CDATA[<img src=x onerror=alert(1)>A &lt; B <a href='javascript:x'>link</a>]]>")
    assert parse_feed(text.encode(), "https://wire.example/").entries[1].headline == "A < B link"


def test_random_bytes_are_refused() -> None:
    for seed in range(20):
        with pytest.raises(UnreadableFeed):
            parse_feed(b"<" + os.urandom(200 + seed), "https://wire.example/")
