"""Reads feeds over HTTPS. Their servers are untrusted: they may lie, never finish, or lead into a private network.

A name is resolved once. If any of its addresses is not public, the feed is refused; otherwise the connection goes to one
of the addresses that were checked, whatever the name resolves to by then. The same applies to each redirect. Bytes are
counted as they arrive, before and after decompression.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import quote, urljoin, urlsplit

from nightdesk.adapters.feed_parser import UnreadableFeed, parse_feed
from nightdesk.domain.addresses import FEED_PORT, host_of, is_loopback_address, is_public_address
from nightdesk.domain.feeds import FeedRequest, FeedResult

MAX_BYTES = 2 * 1024 * 1024
_SECONDS = 8.0
"""For one feed, from resolving its name to the last byte."""
_STEP = 4.0
"""For connecting, and between two reads."""
_REDIRECTS = 4
_AGENT = "Nightdesk (reads feeds)"
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9"
_SAFE = "!$%&'()*+,/:;=?@[]~"
_TOO_LONG = "took too long"
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "its server has no valid certificate"),
    (ssl.SSLError, "its server does not speak TLS correctly"),
    (socket.gaierror, "its server's name does not exist"),
    (ConnectionRefusedError, "its server refuses connections"),
    (ConnectionError, "its server closed the connection"),
    (OSError, "its server cannot be reached"),
    (http.client.IncompleteRead, "its server closed the connection"),
    (http.client.HTTPException, "its server does not speak HTTP correctly"),
    (zlib.error, "is not valid gzip"),
)


class WebFeeds:
    """Feeds over HTTPS.

    Args:
        loopback: also read feeds on this machine, and over plain HTTP. For the local cloud; never on AWS.
    """

    def __init__(self, loopback: bool = False) -> None:
        self._loopback = loopback

    def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
        """Read feeds concurrently, each in its own thread with its own deadline."""
        fetched: queue.SimpleQueue[_Fetch] = queue.SimpleQueue()
        for request in requests:
            fetch = _Fetch(request, self._loopback, fetched.put)
            threading.Thread(target=fetch.run, daemon=True).start()
        waiting = {request.url for request in requests}
        until = time.monotonic() + _SECONDS + 1
        while waiting:
            try:
                fetch = fetched.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:  # name resolution cannot be interrupted
                yield from (FeedResult(url, problem=_TOO_LONG) for url in sorted(waiting))
                return
            waiting.discard(fetch.request.url)
            yield fetch.result()


class _Fetch:
    """Fetches one feed.

    Args:
        done: called when the response is complete, or has failed.
    """

    def __init__(self, request: FeedRequest, loopback: bool, done: Callable[[_Fetch], None]) -> None:
        self.request = request
        self._loopback = loopback
        self._done = done
        self._timed_out = False
        self._socket: socket.socket | None = None
        self._url = request.url
        self._headers: Mapping[str, str] = {}
        self._body: bytes | None = None
        self._failure: Exception | None = None

    def run(self) -> None:
        """Fetch the feed. Any failure concerns this feed only."""
        # A socket's timeout starts again with every byte; this one covers the whole response.
        guard = threading.Timer(_SECONDS, self._abort)
        guard.daemon = True
        guard.start()
        try:
            self._body = self._follow()
        except Exception as error:  # reported as the feed's problem
            self._failure = error
        finally:
            guard.cancel()
            if self._socket:
                self._socket.close()
            self._done(self)

    def result(self) -> FeedResult:
        """Return the parsed response, or the reason why there is none."""
        try:
            if self._failure:
                raise self._failure
            return self._parse()
        except UnreadableFeed as error:
            return FeedResult(self.request.url, problem=str(error), retry_after=error.retry_after)
        except Exception as error:  # no fault of one feed, or of its parser, may stop the others
            late = isinstance(error, TimeoutError) or (self._failure and self._timed_out)
            return FeedResult(self.request.url, problem=_TOO_LONG if late else _describe(error))

    def _parse(self) -> FeedResult:
        request = self.request
        if self._body is None:
            return FeedResult(request.url, None, request.etag, request.modified, request.digest)
        etag, modified = (_validator(self._headers.get(name, "")) for name in ("etag", "last-modified"))
        digest = hashlib.sha256(self._body).hexdigest()
        if digest == request.digest:
            return FeedResult(request.url, None, etag, modified, digest)
        feed = parse_feed(self._body, self._url, self._headers.get("content-type", ""))
        return FeedResult(request.url, feed.entries, etag, modified, digest, omitted=feed.omitted)

    def _follow(self) -> bytes | None:
        """Follow redirects, and return the body; None if the feed has not changed."""
        for _ in range(_REDIRECTS + 1):
            answer = self._send(self._url)
            self._headers = {name.lower(): value for name, value in answer.getheaders()}
            if answer.status == 304:
                return None
            if answer.status == 200:
                return self._read(answer)
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in self._headers:
                raise UnreadableFeed(f"answered {answer.status}", _seconds(self._headers.get("retry-after", "")))
            self._url = urljoin(self._url, self._headers["location"])
        raise UnreadableFeed(f"redirects more than {_REDIRECTS} times")

    def _send(self, url: str) -> http.client.HTTPResponse:
        parts, host = urlsplit(url), host_of(url)
        secure = parts.scheme == "https"
        if not host or not (secure or (parts.scheme == "http" and self._loopback)):
            raise UnreadableFeed(f"“{url[:100]}” is not an https address")
        port = parts.port or (443 if secure else 80)
        self._socket = self._connect(host, port, secure)
        if secure:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, context=_tls())
        else:
            connection = http.client.HTTPConnection(host, port)
        connection.sock = self._socket
        headers = {"User-Agent": _AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip", "Connection": "close"}
        conditions = {"If-None-Match": self.request.etag, "If-Modified-Since": self.request.modified}
        headers |= {name: value for name, value in conditions.items() if value}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", quote(target, safe=_SAFE), headers=headers)
        return connection.getresponse()

    def _connect(self, host: str, port: int, secure: bool) -> socket.socket:
        """Connect to one of the addresses that were checked."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            address = str(place[0])
            own = self._loopback and is_loopback_address(address)
            if not (own or (secure and is_public_address(address))):
                raise UnreadableFeed(f"{host} is in a network that is not public")
            if not own and port != FEED_PORT:
                raise UnreadableFeed(f"feeds are read from port {FEED_PORT} only, not from {port}")
        for number, (family, kind, protocol, _, place) in enumerate(found, 1):
            self._socket = bare = socket.socket(family, kind, protocol)
            bare.settimeout(_STEP)
            try:
                bare.connect(place)
                break
            except OSError:
                bare.close()
                if number == len(found) or self._timed_out:
                    raise
        if not secure:
            return bare
        self._socket = wrapped = _tls().wrap_socket(bare, server_hostname=host, do_handshake_on_connect=False)
        wrapped.do_handshake()
        return wrapped

    def _abort(self) -> None:
        self._timed_out = True
        if self._socket:
            with contextlib.suppress(OSError):
                # Not of the TLS socket, whose closing handshake may wait for the server.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        encoding = self._headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise UnreadableFeed(f"is compressed as “{encoding[:40]}”; only gzip is supported")
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding.endswith("gzip") else None
        body, received = bytearray(), 0
        while chunk := answer.read1(65536):
            received += len(chunk)
            body += unpack.decompress(chunk, MAX_BYTES + 1 - len(body)) if unpack else chunk
            if max(received, len(body)) > MAX_BYTES:
                raise UnreadableFeed("is larger than 2 MiB")
        if self._timed_out:
            raise UnreadableFeed(_TOO_LONG)
        return bytes(body)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _describe(error: Exception) -> str:
    """Say why a feed could not be fetched, without the words of Python or its libraries."""
    for kind, text in _FAULTS:
        if isinstance(error, kind):
            return text
    return f"cannot be read ({type(error).__name__})"


def _validator(value: str) -> str:
    """Return a validator that can be sent back as it is, or an empty string."""
    return value if value.isascii() and value.isprintable() and len(value) <= 300 else ""


def _seconds(text: str) -> int:
    """Parse Retry-After, which is in seconds or a date (RFC 9110, section 10.2.3). Returns seconds, or 0."""
    if text.strip().isdecimal():
        return int(text.strip()[:6])
    try:
        return max(0, int((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return 0
