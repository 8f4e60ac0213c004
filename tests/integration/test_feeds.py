"""Other people's feeds over a real network, the loopback one: what is well is read, and what lies hurts nobody."""

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
from feed_server import ATOM, BOMB, RSS, Answer, Server, drip, drip_headers, endless, redirect, refuse, reply
from nightdesk.adapters import feeds as adapter
from nightdesk.adapters.feeds import Unreadable, WebFeeds, parse_feed
from nightdesk.domain.updates import HEADLINE, SUMMARY, Entry
from nightdesk.usecases.ports import Ask, Reading


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test need not wait for."""
    monkeypatch.setattr(adapter, "_SECONDS", 1.5)
    monkeypatch.setattr(adapter, "_STEP", 1.0)


def read(*urls: str, loopback: bool = True, **known: str) -> list[Reading]:
    return list(WebFeeds(loopback).read([Ask(url, **known) for url in urls]))


def test_an_rss_feed_as_plain_text(server: Server) -> None:
    server.answers["/rss"] = reply(RSS, ETag='"one"', Last_Modified="Tue, 24 Nov 2026 04:00:00 GMT")
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


def test_an_atom_feed_with_relative_links(server: Server) -> None:
    server.answers["/atom"] = reply(ATOM)
    [reading] = read(server.url("/atom"))
    assert reading.entries
    [entry] = reading.entries
    assert entry[:4] == ("tag:wire.example,2026:2", "Copper levy", "Short.", server.url("/levy"))
    assert entry.published == dt.datetime(2026, 11, 24, 4, tzinfo=dt.UTC)


def test_a_feed_that_has_not_changed_is_not_sent_again(server: Server) -> None:
    def conditional(request: BaseHTTPRequestHandler) -> None:
        same = request.headers["If-None-Match"] == '"one"' and request.headers["If-Modified-Since"] == "then"
        request.send_response(304 if same else 200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    server.answers["/rss"] = conditional
    [reading] = read(server.url("/rss"), etag='"one"', modified="then", digest="d")
    assert reading == Reading(server.url("/rss"), None, '"one"', "then", "d")


def test_a_server_that_sends_the_same_all_the_same(server: Server) -> None:
    server.answers["/rss"] = reply(RSS)
    [first] = read(server.url("/rss"))
    [again] = read(server.url("/rss"), digest=first.digest)
    assert (again.entries, again.problem, again.digest) == (None, "", first.digest)


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "GZIP"])
def test_a_packed_feed_is_unpacked(server: Server, packing: str) -> None:
    server.answers["/rss"] = reply(gzip.compress(RSS.encode()), Content_Encoding=packing)
    [reading] = read(server.url("/rss"))
    assert reading.entries
    assert len(reading.entries) == 2
    assert server.asked[0][1]["accept-encoding"] == "gzip"


# --- Feeds that lie ---


def nested(depth: int) -> str:
    return f'<rss version="2.0"><channel><item><title>{"<a>" * depth}{"</a>" * depth}</title></item></channel></rss>'


LIES: dict[str, tuple[Answer, str]] = {
    "fifty-megabytes": (endless, "larger than 2 MiB"),
    "said-to-be-long": (reply(b" " * (3 << 20)), "larger than 2 MiB"),
    "gzip-bomb": (reply(gzip.compress(b" " * (50 << 20)), Content_Encoding="gzip"), "larger than 2 MiB"),
    "broken-gzip": (reply(b"not packed at all", Content_Encoding="gzip"), "header"),
    "other-packing": (reply(b"x", Content_Encoding="br"), "not asked for"),
    "xml-bomb": (reply(BOMB), "entities"),
    "external-entity": (reply('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>'), "entities"),
    "parameter-entity": (reply('<!DOCTYPE rss [<!ENTITY % x "y">]><rss></rss>'), "entities"),
    "utf-16-bomb": (reply(BOMB.replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode("utf-16")), "no RSS"),
    "deep": (reply(nested(200_000)), "nested"),
    "wide": (reply("<rss " + " ".join(f'a{n}="x"' for n in range(50_000)) + "/>"), "too many"),
    "many": (reply('<rss version="2.0"><channel>' + "<item/>" * 100_000 + "</channel></rss>"), "too many"),
    "prologue": (reply('<?xml version="1.0"?>' + "\n" * 1_000_000 + RSS.split("?>", 1)[1]), "no RSS"),
    "html": (reply("<!doctype html><html><head><title>Hello</title></head><body>Hi<br></body></html>"), "well-formed"),
    "other-xml": (reply('<svg xmlns="http://www.w3.org/2000/svg"/>'), "no RSS or Atom"),
    "json": (reply('{"version": "https://jsonfeed.org/version/1.1"}'), "no RSS or Atom"),
    "nothing": (reply(""), "no RSS or Atom"),
    "cut-off": (reply(RSS[: len(RSS) // 2]), "well-formed"),
    "hangs": (lambda request: time.sleep(4), "took too long"),
    "drips": (drip, "took too long"),
    "drips-headers": (drip_headers, "took too long"),
    "no-http": (lambda request: request.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "BadStatusLine"),
    "error": (refuse(500), "answered 500"),
    "gone": (refuse(410), "answered 410"),
    "to-metadata": (redirect("http://169.254.169.254/latest/meta-data/"), "not public"),
    "to-private": (redirect("https://10.0.0.1/"), "not public"),
    "to-a-file": (redirect("file:///etc/passwd"), "no https address"),
    "to-nowhere": (redirect(""), "leads from one address"),
    "with-a-name": (redirect("https://user:word@wire.example/"), "no https address"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_feed_that_lies_is_told_as_such(server: Server, name: str) -> None:
    answer, words = LIES[name]
    server.answers["/"] = server.answers[f"/{name}"] = answer
    [reading] = read(server.url(f"/{name}"))
    assert reading.entries is None
    assert words in reading.problem


def test_none_of_them_delays_another(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # All of those servers are threads of this very process, so the good one is slow too.
    monkeypatch.setattr(adapter, "_SECONDS", 8.0)
    monkeypatch.setattr(adapter, "_STEP", 4.0)
    server.answers |= {f"/{name}": answer for name, (answer, _) in LIES.items()}
    server.answers["/"] = redirect("")
    server.answers["/good"] = reply(RSS)
    readings = read(*(server.url(f"/{name}") for name in ("hangs", "drips", "drips-headers", "good")))
    assert readings[0].url == server.url("/good")
    assert readings[0].entries
    assert len(readings) == 4
    everything = read(*(server.url(f"/{name}") for name in (*LIES, "good")))
    assert {reading.url for reading in everything if not reading.problem} == {server.url("/good")}
    assert len(everything) == len(LIES) + 1


def test_what_hangs_is_hung_up_on(server: Server) -> None:
    """Threads that wait for other people's servers must not pile up in a warm function."""
    server.answers |= {"/drips": drip, "/hangs": LIES["hangs"][0]}
    read(server.url("/drips"), server.url("/hangs"))
    until = time.monotonic() + 20
    while left := [thread for thread in threading.enumerate() if thread.name.endswith("(run)")]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("soon", 0), ("", 0), ("Wed, 25 Nov 2099 00:00:00 GMT", 10**8)]
)
def test_a_server_may_ask_for_peace(server: Server, value: str, seconds: int) -> None:
    server.answers["/rss"] = refuse(429, Retry_After=value)
    [reading] = read(server.url("/rss"))
    assert (reading.retry_after >= seconds) if seconds > 1000 else (reading.retry_after == seconds)


def test_redirects_are_followed(server: Server) -> None:
    server.answers["/old"] = redirect("/new", 301)
    server.answers["/new"] = reply(RSS)
    [reading] = read(server.url("/old"))
    assert reading.url == server.url("/old")
    assert reading.entries


# --- Addresses ---


def test_ones_own_machine_is_refused_where_it_is_not_allowed(server: Server) -> None:
    server.answers["/rss"] = reply(RSS)
    [reading] = read(server.url("/rss"), loopback=False)
    assert "no https address" in reading.problem
    assert server.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "0.0.0.0"])
def test_also_over_tls_and_by_another_name(server: Server, host: str) -> None:
    [reading] = read(f"https://{host}:{server.port}/", loopback=False)
    assert "not public" in reading.problem
    assert server.asked == []


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to each of the answers in turn; what was asked for."""
    asked: list[str] = []
    waiting = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(adapter.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.1.1", "0.0.0.0"])
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for answer in ([address], ["8.8.8.8", address]):
        resolves(monkeypatch, answer)
        [reading] = read("https://wire.example/rss", loopback=False)
        assert "not public" in reading.problem


def test_a_name_is_resolved_once_and_the_connection_goes_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what the name says the second time is nobody's concern."""
    asked = resolves(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    gone_to: list[Any] = []
    honest = socket.socket.connect

    def connect(self: socket.socket, place: Any) -> None:
        gone_to.append(place)
        honest(self, place)

    monkeypatch.setattr(socket.socket, "connect", connect)
    server.answers["/rss"] = reply(RSS)
    [reading] = read(f"http://rebinding.example:{server.port}/rss")
    assert reading.entries
    assert asked == ["rebinding.example"]
    assert gone_to == [("127.0.0.1", server.port)]
    assert server.asked[0][1]["host"] == f"rebinding.example:{server.port}"


def test_a_redirect_is_resolved_and_looked_at_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    server.answers["/rss"] = redirect("https://wire.example/rss")
    [reading] = read(f"http://rebinding.example:{server.port}/rss")
    assert "wire.example is in a network that is not public" in reading.problem


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate and its key."""
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
def test_tls_is_checked_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, well: bool
) -> None:
    path = certificate(tmp_path, "wire.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = Server(context)
    server.answers["/rss"] = reply(RSS)
    trusting = ssl.create_default_context(cafile=str(path))
    monkeypatch.setattr(adapter, "_tls", lambda: trusting)
    resolves(monkeypatch, ["127.0.0.1"])
    [reading] = read(f"https://{host}:{server.port}/rss")
    server.close()
    assert bool(reading.entries) is well
    assert ("CERTIFICATE_VERIFY_FAILED" in reading.problem) is not well


# --- Text ---


def test_long_texts_are_cut() -> None:
    text = RSS.replace("No date", "word " * 2000).replace("One.", "word " * 2000)
    first, second = parse_feed(text.encode(), "https://wire.example/")
    assert len(first.summary) <= SUMMARY
    assert len(second.headline) <= HEADLINE
    assert second.headline.endswith("word…")


@pytest.mark.parametrize("date", ["0000-00-00", "9999-99-99T99:99:99Z", "yesterday", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_a_date_that_is_none_is_no_date(date: str) -> None:
    [entry] = parse_feed(ATOM.replace("2026-11-24T04:00:00Z", date).encode(), "https://wire.example/")
    assert entry.published is None or entry.published.year in (1, 9999)


def test_markup_in_text_is_not_markup() -> None:
    text = RSS.replace("No date", "<![CDATA[<img src=x onerror=alert(1)>A &lt; B <a href='javascript:x'>link</a>]]>")
    assert parse_feed(text.encode(), "https://wire.example/")[1].headline == "A < B link"


def test_noise_is_no_feed() -> None:
    for seed in range(20):
        with pytest.raises(Unreadable):
            parse_feed(b"<" + os.urandom(200 + seed), "https://wire.example/")
