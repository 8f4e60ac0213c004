"""Other people's feeds over the web, none of whom is trusted to tell the truth, to end, or to be who they say.

A name is resolved once; if any of its addresses lies in somebody's own network, it is refused, else the connection goes
to an address that was looked at, whatever the name resolves to by then. The same is done for each redirect. What comes
is counted while it comes, packed and unpacked, and XML is looked through before any parser builds something of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from calendar import timegm
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.parsers import expat

from nightdesk.domain.addresses import host_of, is_loopback_address, is_public_address
from nightdesk.domain.updates import HEADLINE, SUMMARY, Entry, shorten
from nightdesk.usecases.ports import Ask, Reading

MOST_BYTES = 2 * 1024 * 1024
_SECONDS = 8.0
"""From the first look at a name to the last byte."""
_STEP = 4.0
"""For a connection, or for some bytes to come."""
_REDIRECTS = 4
_PROLOGUE, _DEPTH, _ATTRIBUTES, _ELEMENTS, _ENTRIES = 4096, 64, 64, 60_000, 200
_AGENT = "Nightdesk (reads feeds)"
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9"
_TOO_LONG = "took too long"


class Unreadable(Exception):
    """A feed could not be read; the text says why. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class WebFeeds:
    """Feeds over HTTPS.

    Args:
        loopback: also take those on this machine, and over plain HTTP. For the local cloud; never on AWS.
    """

    def __init__(self, loopback: bool = False) -> None:
        self._loopback = loopback

    def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
        """Read feeds side by side, each in a thread of its own with its own deadline."""
        fetched: queue.SimpleQueue[_Fetch] = queue.SimpleQueue()
        for ask in asks:
            fetch = _Fetch(ask, self._loopback, fetched.put)
            threading.Thread(target=fetch.run, daemon=True).start()
        waiting = {ask.url for ask in asks}
        until = time.monotonic() + _SECONDS + 1
        while waiting:
            try:
                fetch = fetched.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:  # a resolver cannot be interrupted
                yield from (Reading(url, problem=_TOO_LONG) for url in sorted(waiting))
                return
            waiting.discard(fetch.ask.url)
            yield fetch.reading()


class _Fetch:
    """One feed's answer, on its way.

    Args:
        done: told when it is there, or will never be.
    """

    def __init__(self, ask: Ask, loopback: bool, done: Callable[[_Fetch], None]) -> None:
        self.ask = ask
        self._loopback = loopback
        self._done = done
        self._hung_up = False
        self._socket: socket.socket | None = None
        self._url = ask.url
        self._headers: Mapping[str, str] = {}
        self._body: bytes | None = None
        self._failure: Exception | None = None

    def run(self) -> None:
        """Fetch; whatever goes wrong is this feed's alone."""
        # A timeout of a socket starts anew with every byte. This one does not.
        guard = threading.Timer(_SECONDS, self._hang_up)
        guard.daemon = True
        guard.start()
        try:
            self._body = self._follow()
        except Exception as error:  # it is told as the feed's problem
            self._failure = error
        finally:
            guard.cancel()
            if self._socket:
                self._socket.close()
            self._done(self)

    def reading(self) -> Reading:
        """What the answer says."""
        try:
            if self._failure:
                raise self._failure
            return self._understand()
        except Unreadable as error:
            return Reading(self.ask.url, problem=str(error), retry_after=error.retry_after)
        except Exception as error:  # a parser that trips over somebody's feed must not stop the others
            late = isinstance(error, TimeoutError) or (self._failure and self._hung_up)
            return Reading(self.ask.url, problem=_TOO_LONG if late else f"{type(error).__name__}: {error}")

    def _understand(self) -> Reading:
        ask = self.ask
        if self._body is None:
            return Reading(ask.url, None, ask.etag, ask.modified, ask.digest)
        etag, modified = (_token(self._headers.get(name, "")) for name in ("etag", "last-modified"))
        digest = hashlib.sha256(self._body).hexdigest()
        entries = None if digest == ask.digest else parse_feed(self._body, self._url)
        return Reading(ask.url, entries, etag, modified, digest)

    def _follow(self) -> bytes | None:
        """The body at the end of a few redirects; None where it has not changed."""
        for _ in range(_REDIRECTS + 1):
            answer = self._ask(self._url)
            self._headers = {name.lower(): value for name, value in answer.getheaders()}
            if answer.status == 304:
                return None
            if answer.status == 200:
                return self._read(answer)
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in self._headers:
                raise Unreadable(f"answered {answer.status}", _seconds(self._headers.get("retry-after", "")))
            self._url = urljoin(self._url, self._headers["location"])
        raise Unreadable("leads from one address to the next")

    def _ask(self, url: str) -> http.client.HTTPResponse:
        parts, host = urlsplit(url), host_of(url)
        secure = parts.scheme == "https"
        if not host or not (secure or (parts.scheme == "http" and self._loopback)):
            raise Unreadable(f"“{url[:100]}” is no https address")
        port = parts.port or (443 if secure else 80)
        self._socket = self._connect(host, port, secure)
        if secure:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, context=_tls())
        else:
            connection = http.client.HTTPConnection(host, port)
        connection.sock = self._socket
        headers = {"User-Agent": _AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip", "Connection": "close"}
        conditions = {"If-None-Match": self.ask.etag, "If-Modified-Since": self.ask.modified}
        headers |= {name: value for name, value in conditions.items() if value}
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
        return connection.getresponse()

    def _connect(self, host: str, port: int, secure: bool) -> socket.socket:
        """A connection to one of the addresses that were looked at, and to no other."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            address = str(place[0])
            own = self._loopback and is_loopback_address(address)
            if not (own or (secure and is_public_address(address))):
                raise Unreadable(f"{host} is in a network that is not public")
        for number, (family, kind, protocol, _, place) in enumerate(found, 1):
            self._socket = bare = socket.socket(family, kind, protocol)
            bare.settimeout(_STEP)
            try:
                bare.connect(place)
                break
            except OSError:
                bare.close()
                if number == len(found) or self._hung_up:
                    raise
        if not secure:
            return bare
        self._socket = wrapped = _tls().wrap_socket(bare, server_hostname=host, do_handshake_on_connect=False)
        wrapped.do_handshake()
        return wrapped

    def _hang_up(self) -> None:
        self._hung_up = True
        if self._socket:
            with contextlib.suppress(OSError):
                # Of the bare socket: what TLS would do first may wait for the other side.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        packing = self._headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip", "x-gzip"):
            raise Unreadable(f"came packed as “{packing[:40]}”, which was not asked for")
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing.endswith("gzip") else None
        body, packed = bytearray(), 0
        while chunk := answer.read1(65536):
            packed += len(chunk)
            body += unpack.decompress(chunk, MOST_BYTES + 1 - len(body)) if unpack else chunk
            if max(packed, len(body)) > MOST_BYTES:
                raise Unreadable("is larger than 2 MiB")
        if self._hung_up:
            raise Unreadable(_TOO_LONG)
        return bytes(body)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _token(value: str) -> str:
    """A header's value, to be sent back as it is; one that cannot be is forgotten."""
    return value if value.isascii() and value.isprintable() and len(value) <= 300 else ""


def _seconds(text: str) -> int:
    """What Retry-After says, in seconds or as a date (RFC 9110, 10.2.3); 0 where it says nothing."""
    if text.strip().isdecimal():
        return int(text.strip()[:6])
    try:
        return max(0, int((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return 0


def parse_feed(raw: bytes, url: str) -> tuple[Entry, ...]:
    """The items of an RSS or Atom feed, as plain text.

    Args:
        url: where it was fetched from; relative links in it are meant from there.

    Raises:
        Unreadable: it is no well-formed feed, or is made to hurt its readers.
    """
    _look_through(raw)
    import feedparser  # takes a tenth of a second, which no other message should wait for

    headers = {"content-location": url, "content-type": "application/xml"}
    found = feedparser.parse(
        io.BytesIO(raw), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not found.version and not found.entries:
        raise Unreadable("is no RSS or Atom feed")
    return tuple(_entry(entry) for entry in found.entries[:_ENTRIES])


def _look_through(raw: bytes) -> None:
    """Refuse what would keep a parser busy: entities (billion laughs), great depth, thousands of attributes, long prologues.

    feedparser's time grows with the square of the last two, and a feed that is not well-formed would go to its slower half.
    """
    start = re.search(rb"<[A-Za-z_]", raw[:_PROLOGUE])
    if not start or b"\0" in raw:
        raise Unreadable("is no RSS or Atom feed")
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = count = 0

    def begin(_name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > _DEPTH or count > _ELEMENTS or len(attributes) > _ATTRIBUTES:
            raise Unreadable("is nested too deeply, or has too many parts")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declare(*_: Any) -> None:
        raise Unreadable("declares entities, which no feed needs")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = begin, end, declare
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise Unreadable(f"is not well-formed XML: {error}") from None


def _entry(entry: Any) -> Entry:
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    published = None
    if moment:
        with contextlib.suppress(ValueError, OverflowError):  # a year that there is not
            published = datetime.fromtimestamp(timegm(moment), UTC)
    link = str(entry.get("link", ""))
    return Entry(
        id=str(entry.get("id") or link or entry.get("title", "")),
        headline=_plain(str(entry.get("title", "")), HEADLINE),
        summary=_plain(str(entry.get("summary", "")), SUMMARY),
        url=link,
        published=published,
    )


def _plain(text: str, limit: int) -> str:
    """HTML as the text that it shows, on one line."""
    import nh3

    spaced = re.sub(r"<(?=/?(?:p|br|div|li|h[1-6]|td|tr)\b)", " <", text[: 50 * limit], flags=re.IGNORECASE)
    return shorten(unescape(nh3.clean(spaced, tags=set())), limit)
