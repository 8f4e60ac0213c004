"""Reads feeds over HTTPS, as guarded as any request (`web`); each redirect is guarded too.

Bytes are counted as they arrive, before and after decompression.
"""

from __future__ import annotations

import hashlib
import http.client
import queue
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from nightdesk.adapters import web
from nightdesk.adapters.feed_parser import UnreadableFeed, parse_feed
from nightdesk.adapters.web import TOO_LONG, Exchange, RefusedAddress, Send, describe
from nightdesk.domain.feeds import FeedRequest, FeedResult

MAX_BYTES = 2 * 1024 * 1024
_REDIRECTS = 4
_AGENT = "Nightdesk (reads feeds)"
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9"


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
        until = time.monotonic() + web.SECONDS + 1
        while waiting:
            try:
                fetch = fetched.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:  # name resolution cannot be interrupted
                yield from (FeedResult(url, problem=TOO_LONG) for url in sorted(waiting))
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
        self._exchange = Exchange(loopback)
        self._done = done
        self._url = request.url
        self._headers: Mapping[str, str] = {}
        self._body: bytes | None = None
        self._failure: Exception | None = None

    def run(self) -> None:
        """Fetch the feed. Any failure concerns this feed only."""
        try:
            with self._exchange:
                self._body = self._follow()
        except Exception as error:  # reported as the feed's problem
            self._failure = error
        finally:
            self._done(self)

    def result(self) -> FeedResult:
        """Return the parsed response, or the reason why there is none."""
        try:
            if self._failure:
                raise self._failure
            return self._parse()
        except UnreadableFeed as error:
            return FeedResult(self.request.url, problem=str(error), retry_after=error.retry_after)
        except RefusedAddress as error:
            return FeedResult(self.request.url, problem=str(error))
        except Exception as error:  # no fault of one feed, or of its parser, may stop the others
            late = isinstance(error, TimeoutError) or (self._failure and self._exchange.timed_out)
            return FeedResult(self.request.url, problem=TOO_LONG if late else describe(error))

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
            answer = self._exchange.send(self._get())
            self._headers = {name.lower(): value for name, value in answer.getheaders()}
            if answer.status == 304:
                return None
            if answer.status == 200:
                return self._read(answer)
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in self._headers:
                raise UnreadableFeed(f"answered {answer.status}", _seconds(self._headers.get("retry-after", "")))
            self._url = urljoin(self._url, self._headers["location"])
        raise UnreadableFeed(f"redirects more than {_REDIRECTS} times")

    def _get(self) -> Send:
        headers = {"User-Agent": _AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        conditions = {"If-None-Match": self.request.etag, "If-Modified-Since": self.request.modified}
        headers |= {name: value for name, value in conditions.items() if value}
        return Send("feeds", "GET", self._url, headers)

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
        if self._exchange.timed_out:
            raise UnreadableFeed(TOO_LONG)
        return bytes(body)


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
