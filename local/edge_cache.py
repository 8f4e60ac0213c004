"""The local edge: a caching proxy that replaces CloudFront's cache on a laptop. A development tool, never deployed.

The emulator serves distributions but never caches, so a missing invalidation would first show in production.
CloudFront's cache lies between two functions: viewer-request runs before it (and decides the variant),
viewer-response after it, on hits too. A proxy in front of the emulated distribution could not keep that order. So
this one runs the *deployed* functions itself, in a resident Node process, around a cache keyed by the request that
viewer-request returned. It fetches misses from the bucket, because the distribution would run the functions again and
refuse internal keys. Configuration, policies and function code are read from the emulator every few seconds. Requests
that CloudFront would not cache (other methods, and behaviours without caching or without a bucket) go through the
emulated distribution. Misses therefore do not test the bucket policy; a test compares this edge's responses with the
distribution's own.

Intended differences from CloudFront: one edge location; gzip only; no CORS from the headers policy; a fetch that is in
progress during an invalidation never leaves old bytes behind (in CloudFront it can, until ``s-maxage``).
"""

from __future__ import annotations

import gzip
import http.client
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import unquote

from nightdesk_local import cloudfront_rules as rules
from nightdesk_local.cloudfront_rules import Headers
from nightdesk_local.edge_origin import (
    ERROR_SECONDS,
    Behaviour,
    Cloud,
    Distribution,
    Request,
    Response,
)
from nightdesk_local.edge_runtime import FunctionError

log = logging.getLogger(__name__)

_CACHE_BYTES = 256 * 2**20
_LONGEST_UNAWARE = 0.2
"""Seconds after which invalidations are read even if reading them is slow."""


@dataclass(frozen=True)
class Entry:
    """A cached response of the origin, before headers policy and viewer-response. Errors have no tags."""

    uri: str
    status: int
    headers: Headers
    body: bytes
    life: rules.Lifetime
    stored: float
    fresh_until: float
    tags: frozenset[str] = frozenset()
    zipped: bytes = b""

    @property
    def size(self) -> int:
        return len(self.body) + len(self.zipped) + 1_000


@dataclass(frozen=True)
class CacheRequest:
    """What a request needs from the cache, after viewer-request."""

    key: tuple[object, ...]
    uri: str
    behaviour: Behaviour
    distribution: Distribution


class Functions(Protocol):
    """Runs the edge functions; see ``FunctionRuntime``."""

    def load(self, name: str, code: str) -> None: ...
    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]: ...


class Edge:
    """Handles requests as CloudFront does, without the network: functions, cache, policies. Thread-safe.

    Args:
        cloud: gives configuration, objects and invalidations.
        functions: runs the edge functions.
        clock: Unix time.
        poll: for how many seconds known invalidations count as current.
    """

    def __init__(
        self, cloud: Cloud, functions: Functions, clock: Callable[[], float] = time.time, poll: float = 0.03
    ) -> None:
        self._cloud, self._functions, self._clock, self._poll = cloud, functions, clock, poll
        self._guard = threading.Lock()  # for the entries and the invalidations
        self._entries: OrderedDict[tuple[object, ...], Entry] = OrderedDict()
        self._bytes = 0
        self._invalidations: list[rules.Invalidation] = []
        self._fetching: dict[tuple[object, ...], threading.Lock] = {}
        self._polling = threading.Lock()
        self._polled = self._poll_cost = 0.0
        self._loaded: dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read the configuration again, and load functions whose code changed. The cache stays, as on AWS."""
        fresh = self._cloud.distribution()
        for name, code in fresh.code.items():
            if self._loaded.get(name) != code:
                self._functions.load(name, code)
                self._loaded[name] = code
        self._distribution = fresh

    def respond(self, request: Request) -> Response:
        """Return the response to a viewer's request."""
        if request.target.startswith("/_local/"):
            return self._local(request.target.removeprefix("/_local/"))
        distribution = self._distribution
        behaviour = distribution.behaviour(request.target)
        if not behaviour.cached_here or request.method not in ("GET", "HEAD"):
            return self._cloud.forward(request)
        self._read_invalidations()
        try:
            return self._run(distribution, behaviour, request)
        except FunctionError:
            log.exception("edge function failed")
            return Response(503, {"content-type": "text/plain", "x-cache": "Error from cloudfront"}, b"Unavailable\n")

    def _local(self, name: str) -> Response:
        """Return a page that only laptops have."""
        if name == "mail":
            return Response(200, {"content-type": "text/html; charset=utf-8"}, self._cloud.mail.as_page())
        if name == "mail.json":
            return Response(200, {"content-type": "application/json"}, self._cloud.mail.as_json())
        return Response(404, {"content-type": "text/plain"}, b"Not found\n")

    def _run(self, distribution: Distribution, behaviour: Behaviour, request: Request) -> Response:
        sent: dict[str, Any] = {
            "method": request.method,
            "uri": "/" + distribution.root if request.target == "/" and distribution.root else request.target,
            "querystring": rules.event_fields(rules.query_pairs(request.query)),
            "headers": rules.event_fields([pair for pair in request.headers if pair[0] != "cookie"]),
            "cookies": rules.event_fields(rules.cookie_pairs([v for n, v in request.headers if n == "cookie"])),
        }
        asked = sent
        if name := behaviour.functions.get("viewer-request"):
            asked = self._call(name, "viewer-request", distribution, {"request": sent}, request.client)
            if "statusCode" in asked:
                generated = response_from(asked, b"")
                generated.headers["x-cache"] = "FunctionGeneratedResponse from cloudfront"
                return generated

        entry, x_cache = self._lookup(CacheRequest(behaviour.policy.key(asked), asked["uri"], behaviour, distribution))
        outcome = represent(entry, {name: part["value"] for name, part in asked["headers"].items()})
        outcome.headers = rules.apply_headers_policy(outcome.headers, behaviour.headers_policy)
        # "Restrictions on edge functions": viewer-response does not run when the origin answered 400 or above.
        if entry.status < 400 and (name := behaviour.functions.get("viewer-response")):
            answer = {
                "statusCode": outcome.status,
                "statusDescription": http.client.responses.get(outcome.status, ""),
                "headers": rules.event_fields(list(outcome.headers.items())),
                "cookies": {},
            }
            event = {"request": {**sent, "uri": asked["uri"]}, "response": answer}
            result = self._call(name, "viewer-response", distribution, event, request.client)
            outcome = response_from(result, outcome.body)
        outcome.headers["x-cache"] = f"{x_cache} from cloudfront"
        if x_cache.endswith("Hit"):
            outcome.headers["age"] = str(int(max(0, self._clock() - entry.stored)))
        return outcome

    def _call(
        self, name: str, kind: str, distribution: Distribution, event: dict[str, Any], client: str
    ) -> dict[str, Any]:
        context = {
            "distributionDomainName": distribution.domain,
            "distributionId": distribution.id,
            "eventType": kind,
            "requestId": "local",
        }
        return self._functions.call(name, {"version": "1.0", "context": context, "viewer": {"ip": client}, **event})

    # --- The cache ---

    def _lookup(self, wanted: CacheRequest) -> tuple[Entry, str]:
        with self._guard:
            entry = self._entries.get(wanted.key)
            if entry:
                self._entries.move_to_end(wanted.key)
            lock = self._fetching.setdefault(wanted.key, threading.Lock())
        now = self._clock()
        if entry and now < entry.fresh_until:
            return entry, _hit(entry)
        if entry and now < entry.fresh_until + entry.life.while_revalidate:
            if lock.acquire(blocking=False):
                threading.Thread(target=self._revalidate, args=(wanted, entry, lock), daemon=True).start()
            return entry, _hit(entry)
        with lock:  # simultaneous requests for one object are one fetch
            entry = self._entries.get(wanted.key)
            if entry and self._clock() < entry.fresh_until:
                return entry, _hit(entry)
            return self._fetch(wanted, entry)

    def _revalidate(self, wanted: CacheRequest, old: Entry, lock: threading.Lock) -> None:
        try:
            self._fetch(wanted, old)
        except Exception:
            log.exception("%s could not be revalidated", wanted.uri)
        finally:
            lock.release()

    def _fetch(self, wanted: CacheRequest, old: Entry | None) -> tuple[Entry, str]:
        known = len(self._invalidations)  # later ones may concern what is read now
        etag = old.headers.get("etag") if old and old.status == 200 else None
        got = self._read(wanted.behaviour, wanted.uri, etag)
        policy, now, x_cache = wanted.behaviour.policy, self._clock(), "Miss"
        if old and got.status == 304:
            life = rules.lifetime({**old.headers, **got.headers}, policy, now)
            entry, x_cache = replace(old, life=life, stored=now, fresh_until=now + life.ttl), "RefreshHit"
        elif got.status < 400:
            life = rules.lifetime(got.headers, policy, now)
            tags = rules.tags_of(got.headers, wanted.distribution.tag_header)
            entry = Entry(wanted.uri, got.status, got.headers, got.body, life, now, now + life.ttl, tags)
            entry = _compressed(entry, wanted.behaviour)
        else:
            page, code, seconds = wanted.distribution.errors.get(got.status, ("", 0, ERROR_SECONDS))
            if got.status >= 500 and old and old.life.outlasts_error(now - old.stored):
                entry, x_cache = replace(old, fresh_until=now + seconds), "Hit"
            else:
                if page:
                    shown = self._read(wanted.distribution.behaviour(page), page, None)
                    got = replace(shown, status=code if shown.status == 200 else shown.status)
                life = rules.Lifetime(ttl=seconds, if_error=0)
                entry = Entry(wanted.uri, got.status, got.headers, got.body, life, now, now + seconds)
                entry, x_cache = _compressed(entry, wanted.behaviour), "Error"
        self._store(wanted.key, entry, known)
        return entry, x_cache

    def _read(self, behaviour: Behaviour, uri: str, etag: str | None) -> Response:
        return self._cloud.fetch(behaviour.bucket or "", unquote(behaviour.prefix + uri)[1:], etag)

    def _store(self, key: tuple[object, ...], entry: Entry, known: int) -> None:
        with self._guard:
            if old := self._entries.pop(key, None):
                self._bytes -= old.size
            if not entry.life.store or any(i.evicts(entry.uri, entry.tags) for i in self._invalidations[known:]):
                return
            self._entries[key] = entry
            self._bytes += entry.size
            while self._bytes > _CACHE_BYTES:
                self._bytes -= self._entries.popitem(last=False)[1].size

    def invalidate(self, fresh: list[rules.Invalidation]) -> None:
        """Evict what these invalidations name, also from fetches in progress."""
        with self._guard:
            self._invalidations += fresh
            for key, entry in list(self._entries.items()):
                if any(invalidation.evicts(entry.uri, entry.tags) for invalidation in fresh):
                    self._bytes -= self._entries.pop(key).size

    def _read_invalidations(self) -> None:
        """Read new invalidations, unless another thread has just done so; reading takes at most a fifth of the time."""
        began = time.monotonic()
        if began - self._polled < max(
            self._poll, min(5 * self._poll_cost, _LONGEST_UNAWARE)
        ) or not self._polling.acquire(blocking=False):
            return
        try:
            if fresh := self._cloud.invalidations():
                self.invalidate(fresh)
            else:
                self._poll_cost = time.monotonic() - began
        except Exception as error:  # the emulator is down; the next request tries again
            log.warning("invalidations cannot be read: %s", error)
        finally:
            self._polled = time.monotonic()
            self._polling.release()


def _hit(entry: Entry) -> str:
    return "Hit" if entry.status < 400 else "Error"


def _compressed(entry: Entry, behaviour: Behaviour) -> Entry:
    wanted = behaviour.compress and behaviour.policy.gzip
    if wanted and rules.compressible(entry.status, entry.headers, len(entry.body)):
        return replace(entry, zipped=gzip.compress(entry.body, 6, mtime=0))
    return entry


def represent(entry: Entry, asked: Mapping[str, str]) -> Response:
    """Return an entry in the form that the request's headers ask for: not modified, a range, compressed, or whole."""
    headers = dict(entry.headers)
    if entry.status == 200 and rules.not_modified(asked, headers):
        kept = {"etag", "last-modified", "cache-control", "expires", "date", "vary", "server"}
        return Response(304, {name: value for name, value in headers.items() if name in kept})
    if entry.status == 200 and (part := rules.byte_range(asked, headers, len(entry.body))) is not None:
        if not part:
            return Response(416, {"content-range": f"bytes */{len(entry.body)}"})
        headers["content-range"] = f"bytes {part[0]}-{part[-1]}/{len(entry.body)}"
        return Response(206, headers, entry.body[part.start : part.stop])
    if entry.zipped:
        headers["vary"] = ", ".join(filter(None, [headers.get("vary"), "Accept-Encoding"]))
        if rules.accepts_gzip(asked.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
            if headers.get("etag", "").startswith('"'):
                headers["etag"] = "W/" + headers["etag"]
            return Response(entry.status, headers, entry.zipped)
    return Response(entry.status, headers, entry.body)


def response_from(result: Mapping[str, Any], body: bytes) -> Response:
    """Return a function's response object as a response; without a body, it keeps the given one."""
    own = result.get("body")
    if isinstance(own, dict):
        own = own.get("data", "")
    cookies = [
        f"{name}={item['value']}" + (f"; {item['attributes']}" if item.get("attributes") else "")
        for name, cookie in (result.get("cookies") or {}).items()
        for item in cookie.get("multiValue") or [cookie]
    ]
    headers = {
        name.lower(): ", ".join(item["value"] for item in header.get("multiValue") or [header])
        for name, header in (result.get("headers") or {}).items()
    }
    return Response(result["statusCode"], headers, body if own is None else own.encode(), cookies)
