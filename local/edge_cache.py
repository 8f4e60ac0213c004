"""The local edge: a caching proxy that stands in for CloudFront's cache. A development tool, never deployed.

The emulator serves distributions but never caches, so a forgotten invalidation would first be met in production.
In CloudFront the cache lies between two functions: viewer-request runs before it (and decides the variant),
viewer-response after it, on hits too. A proxy in front of the emulated distribution could not keep that order. So
this one runs the *deployed* functions itself, in a resident Node process, around a cache keyed by what viewer-request
made of the request; and it fetches misses from the bucket, since the distribution would run the functions again and
refuse internal keys. Config, policies and function code are read from the emulator every few seconds. What this
cache has no say in goes through the emulated distribution as it is: other methods, and behaviours that do not
cache or have no bucket. The bucket policy is therefore not tried on misses; a test compares this edge's answers
with the distribution's own.

Differences from CloudFront that are meant: one edge location; gzip only; no CORS from the headers policy; a fetch
that is under way during an invalidation never leaves old bytes behind (there it can, until ``s-maxage``).

Run alone: ``python -m nightdesk_local.edge_cache --port 8080 --gateway http://localhost:8081 --distribution-id E...``
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote

import boto3
from nightdesk_local import cloudfront_rules as rules
from nightdesk_local import mail
from nightdesk_local.cloudfront_rules import Headers
from nightdesk_local.edge_origin import (
    ERROR_SECONDS,
    HOP_BY_HOP,
    Behaviour,
    Cloud,
    Distribution,
    EmulatedCloud,
    Request,
    Response,
)
from nightdesk_local.edge_runtime import FunctionError, FunctionRuntime

log = logging.getLogger(__name__)

_CACHE_BYTES = 256 * 2**20
_CONFIG_SECONDS = 3.0
_LONGEST_UNAWARE = 0.2
"""Seconds after which invalidations are asked for even if that takes long: who waits until all is quiet waits longer."""


@dataclass(frozen=True)
class Entry:
    """A cached answer of the origin, before headers policy and viewer-response. Errors bear no tags."""

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
class Wanted:
    """What a request asks of the cache, after viewer-request."""

    key: tuple[object, ...]
    uri: str
    behaviour: Behaviour
    distribution: Distribution


class Functions(Protocol):
    """What runs the edge functions; see ``FunctionRuntime``."""

    def load(self, name: str, code: str) -> None: ...
    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]: ...


class Edge:
    """CloudFront's treatment of one request, without the network: functions, cache, policies. For many threads.

    Args:
        cloud: where configuration, objects and invalidations come from.
        functions: runs the edge functions.
        clock: Unix time.
        poll: how old, in seconds, our knowledge of invalidations may be when a request is answered.
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
        """Read the configuration anew, and load functions whose code changed. The cache stays, as on AWS."""
        fresh = self._cloud.distribution()
        for name, code in fresh.code.items():
            if self._loaded.get(name) != code:
                self._functions.load(name, code)
                self._loaded[name] = code
        self._distribution = fresh

    def answer(self, request: Request) -> Response:
        """Answer a viewer's request."""
        if request.target.startswith("/_local/"):
            return self._local(request.target.removeprefix("/_local/"))
        distribution = self._distribution
        behaviour = distribution.behaviour(request.target)
        if not behaviour.cached_here or request.method not in ("GET", "HEAD"):
            return self._cloud.forward(request)
        self._learn_invalidations()
        try:
            return self._run(distribution, behaviour, request)
        except FunctionError:
            log.exception("edge function failed")
            return Response(503, {"content-type": "text/plain", "x-cache": "Error from cloudfront"}, b"Unavailable\n")

    def _local(self, name: str) -> Response:
        """What a laptop has beside its site."""
        if name == "mail":
            return Response(200, {"content-type": "text/html; charset=utf-8"}, mail.as_page(self._cloud.mail()))
        if name == "mail.json":
            return Response(200, {"content-type": "application/json"}, mail.as_json(self._cloud.mail()))
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

        entry, x_cache = self._lookup(Wanted(behaviour.policy.key(asked), asked["uri"], behaviour, distribution))
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

    def _lookup(self, wanted: Wanted) -> tuple[Entry, str]:
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

    def _revalidate(self, wanted: Wanted, old: Entry, lock: threading.Lock) -> None:
        try:
            self._fetch(wanted, old)
        except Exception:
            log.exception("%s could not be revalidated", wanted.uri)
        finally:
            lock.release()

    def _fetch(self, wanted: Wanted, old: Entry | None) -> tuple[Entry, str]:
        known = len(self._invalidations)  # those that follow may be about what we are going to read
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
            entry = _zipped(entry, wanted.behaviour)
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
                entry, x_cache = _zipped(entry, wanted.behaviour), "Error"
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
        """Evict what these invalidations name, and what fetches under way bring of it."""
        with self._guard:
            self._invalidations += fresh
            for key, entry in list(self._entries.items()):
                if any(invalidation.evicts(entry.uri, entry.tags) for invalidation in fresh):
                    self._bytes -= self._entries.pop(key).size

    def _learn_invalidations(self) -> None:
        """Ask for new invalidations, if nobody just did or is doing so; asking takes a fifth of the time, unless it is slow."""
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
        except Exception as error:  # the emulator is away; the next request asks again
            log.warning("invalidations cannot be read: %s", error)
        finally:
            self._polled = time.monotonic()
            self._polling.release()


def _hit(entry: Entry) -> str:
    return "Hit" if entry.status < 400 else "Error"


def _zipped(entry: Entry, behaviour: Behaviour) -> Entry:
    wanted = behaviour.compress and behaviour.policy.gzip
    if wanted and rules.compressible(entry.status, entry.headers, len(entry.body)):
        return replace(entry, zipped=gzip.compress(entry.body, 6, mtime=0))
    return entry


def represent(entry: Entry, asked: Mapping[str, str]) -> Response:
    """The form of an entry that the request's headers ask for: not modified, a range, compressed, or as it is."""
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
    """A function's response object as an answer; without a body of its own it keeps the given one."""
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write per answer
    timeout = 60
    edge: Edge

    def _serve(self) -> None:
        # Not self.path: http.server makes "//x" into "/x" there, and such spellings must reach the function as sent.
        target, _, query = self.requestline.split(" ")[1].partition("?")
        if not target.startswith("/"):
            target = "/" + target.split("/", 3)[3] if re.match(r"https?://[^/]+/", target) else target
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdecimal():
            self.send_error(411)
            return
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        body = self.rfile.read(int(length))
        try:
            answer = self.edge.answer(Request(self.command, target, query, headers, body, self.client_address[0]))
        except Exception:
            log.exception("%s failed", self.requestline)
            answer = Response(500, {"content-type": "text/plain"}, b"The local edge failed; see its log\n")
        self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _send(self, answer: Response) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name not in HOP_BY_HOP and name != "content-length":
                self.send_header(name.title(), value)
        for cookie in answer.cookies:
            self.send_header("Set-Cookie", cookie)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class EdgeCache:
    """The local edge on a port, in threads of this process. See ``serve``."""

    def __init__(self, port: int, cloud: Callable[[], Cloud]) -> None:
        self._port, self._make_cloud = port, cloud
        self._stopped = threading.Event()
        self._runtime: FunctionRuntime | None = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port listened on; it differs from the one asked for when that was 0."""
        return self._server.server_address[1] if self._server else self._port

    def start(self) -> EdgeCache:
        """Load configuration and functions, then serve.

        Raises:
            OSError: the port is taken.
            botocore.exceptions.ClientError: the distribution or something it refers to is not there.
            FileNotFoundError: there is no Node.
        """
        self._runtime = FunctionRuntime()
        try:
            edge = Edge(self._make_cloud(), self._runtime)
            self._server = _Server(("127.0.0.1", self._port), type("Handler", (_Handler,), {"edge": edge}))
        except BaseException:
            self._runtime.close()
            raise
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="edge-cache", daemon=True).start()
        threading.Thread(target=self._keep_current, args=(edge,), name="edge-config", daemon=True).start()
        return self

    def _keep_current(self, edge: Edge) -> None:
        while not self._stopped.wait(_CONFIG_SECONDS):
            try:
                edge.reload()
            except Exception as error:  # the emulator is away or the stack is changing: the next round will do
                log.warning("configuration not reloaded: %s", error)

    def stop(self) -> None:
        """Stop serving and end the Node process."""
        self._stopped.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        if self._runtime:
            self._runtime.close()


def serve(
    *,
    port: int,
    gateway: str,
    distribution_domain: str,
    distribution_id: str,
    access_key: str = "test",
    secret_key: str = "test",
    region: str = "us-east-1",
) -> EdgeCache:
    """The local edge for a distribution of the emulator; call ``start`` on what is returned.

    Args:
        port: where to listen, on localhost only; 0 takes a free one.
        gateway: the emulator's address, ``http://localhost:8081``.
        distribution_domain: ``<label>.cloudfront.net``.
        distribution_id: its id.
        access_key, secret_key, region: an identity that may read the site bucket and CloudFront's configuration.
    """
    return EdgeCache(
        port, lambda: EmulatedCloud(gateway, distribution_id, distribution_domain, access_key, secret_key, region)
    )


def main() -> None:
    """Serve until interrupted; the domain is looked up."""
    parser = argparse.ArgumentParser(description="The local edge cache before an emulated distribution.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--gateway", default="http://localhost:8081")
    parser.add_argument("--distribution-id", required=True)
    parser.add_argument("--access-key", default="test")
    parser.add_argument("--secret-key", default="test")
    parser.add_argument("--region", default="us-east-1")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    session = boto3.Session(args.access_key, args.secret_key, region_name=args.region)
    found = session.client("cloudfront", endpoint_url=args.gateway).get_distribution(Id=args.distribution_id)
    edge = serve(
        port=args.port,
        gateway=args.gateway,
        distribution_domain=found["Distribution"]["DomainName"],
        distribution_id=args.distribution_id,
        access_key=args.access_key,
        secret_key=args.secret_key,
        region=args.region,
    ).start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        edge.stop()


if __name__ == "__main__":
    main()
