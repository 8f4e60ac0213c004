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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as BotoConfig
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from nightdesk_local import cloudfront_rules as rules
from nightdesk_local.cloudfront_rules import Headers
from nightdesk_local.edge_runtime import FunctionError, FunctionRuntime

log = logging.getLogger(__name__)

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_CACHE_BYTES = 256 * 2**20
_CONFIG_SECONDS = 3.0
_ERROR_SECONDS = 10.0  # CloudFront's default error caching minimum TTL


@dataclass
class Request:
    """What the viewer sent. ``target`` is the raw path, ``headers`` have lower-case names and keep repetitions."""

    method: str
    target: str
    query: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    client: str = "127.0.0.1"

    def first(self) -> Headers:
        """One value per header."""
        return dict(reversed(self.headers))


@dataclass
class Response:
    """What goes back to the viewer."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    cookies: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Behaviour:
    """A cache behaviour. Without a bucket, or with a policy that never keeps anything, it is not ours."""

    pattern: str
    bucket: str | None
    prefix: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    policy: rules.CachePolicy = field(default_factory=rules.CachePolicy)
    headers_policy: dict[str, Any] = field(default_factory=dict)
    compress: bool = False

    @property
    def cached_here(self) -> bool:
        return self.bucket is not None and self.policy.max_ttl > 0


@dataclass(frozen=True)
class Distribution:
    """A distribution's configuration with everything it refers to; the last behaviour is the default one."""

    id: str
    domain: str
    behaviours: tuple[Behaviour, ...]
    errors: dict[int, tuple[str, int, float]] = field(default_factory=dict)  # status: page, new status, seconds
    code: dict[str, str] = field(default_factory=dict)
    root: str = ""
    tag_header: str = "x-amz-meta-cache-tag"

    def behaviour(self, path: str) -> Behaviour:
        return next((b for b in self.behaviours if rules.matches(b.pattern, path)), self.behaviours[-1])


class Cloud(Protocol):
    """What the edge needs of the cloud behind it."""

    def distribution(self) -> Distribution: ...
    def fetch(self, bucket: str, key: str, etag: str | None) -> Response: ...
    def invalidations(self) -> list[rules.Invalidation]: ...
    def forward(self, request: Request) -> Response: ...


class EmulatedCloud:
    """The emulator's gateway. Each call of ``invalidations`` returns those that came since the last."""

    def __init__(
        self, gateway: str, distribution_id: str, domain: str, access_key: str, secret_key: str, region: str
    ) -> None:
        session = boto3.Session(access_key, secret_key, region_name=region)
        config = BotoConfig(
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
        )
        self._cloudfront = session.client("cloudfront", endpoint_url=gateway, config=config)
        self._s3 = session.client("s3", endpoint_url=gateway, config=config)
        self._gateway, self._region = urlsplit(gateway), region
        self._credentials = Credentials(access_key, secret_key)
        self._id, self._domain = distribution_id, domain
        self._seen = set(self._invalidation_ids())  # the cache begins empty, so these have nothing to evict

    def distribution(self) -> Distribution:
        config = self._cloudfront.get_distribution_config(Id=self._id)["DistributionConfig"]
        origins = {origin["Id"]: origin for origin in config["Origins"]["Items"]}
        ordered = (config.get("CacheBehaviors") or {}).get("Items") or []
        behaviours = tuple(
            self._behaviour(part, origins)
            for part in [*ordered, {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
        )
        names = {name for behaviour in behaviours for name in behaviour.functions.values()}
        return Distribution(
            id=self._id,
            domain=self._domain,
            behaviours=behaviours,
            errors={
                part["ErrorCode"]: (
                    part.get("ResponsePagePath", ""),
                    int(part.get("ResponseCode") or 0),
                    part.get("ErrorCachingMinTTL", _ERROR_SECONDS),
                )
                for part in (config.get("CustomErrorResponses") or {}).get("Items") or []
            },
            code={name: self._code(name) for name in names},
            root=config.get("DefaultRootObject") or "",
            tag_header=((config.get("CacheTagConfig") or {}).get("HeaderName") or "x-amz-meta-cache-tag").lower(),
        )

    def _behaviour(self, part: dict[str, Any], origins: dict[str, Any]) -> Behaviour:
        origin = origins[part["TargetOriginId"]]
        bucket = re.match(r"([a-z0-9.-]+)\.s3[.-]", origin["DomainName"]) if "S3OriginConfig" in origin else None
        policy_id, headers_id = part.get("CachePolicyId"), part.get("ResponseHeadersPolicyId")
        if not policy_id:
            bucket = None  # the older way to say what is cached; we never use it
        policy = self._cloudfront.get_cache_policy(Id=policy_id)["CachePolicy"] if policy_id else None
        headers = (
            self._cloudfront.get_response_headers_policy(Id=headers_id)["ResponseHeadersPolicy"] if headers_id else None
        )
        functions = (part.get("FunctionAssociations") or {}).get("Items") or []
        return Behaviour(
            pattern=part["PathPattern"],
            bucket=bucket[1] if bucket else None,
            prefix=origin.get("OriginPath") or "",
            functions={item["EventType"]: item["FunctionARN"].rsplit("/", 1)[-1] for item in functions},
            policy=rules.CachePolicy.from_api(policy["CachePolicyConfig"]) if policy else rules.CachePolicy(),
            headers_policy=headers["ResponseHeadersPolicyConfig"] if headers else {},
            compress=part.get("Compress", False),
        )

    def _code(self, name: str) -> str:
        return self._cloudfront.get_function(Name=name, Stage="LIVE")["FunctionCode"].read().decode()

    def fetch(self, bucket: str, key: str, etag: str | None) -> Response:
        """Read an object. Failures come back as a status: CloudFront takes an origin out of reach for a 502."""
        try:
            found = self._s3.get_object(Bucket=bucket, Key=key, **({"IfNoneMatch": etag} if etag else {}))
            return Response(200, _kept(found["ResponseMetadata"]["HTTPHeaders"]), found["Body"].read())
        except ClientError as error:
            meta = error.response["ResponseMetadata"]
            return Response(meta["HTTPStatusCode"], _kept(meta["HTTPHeaders"]))
        except (BotoCoreError, OSError) as error:
            log.warning("origin out of reach: %s", error)
            return Response(502)

    def _invalidation_ids(self) -> list[str]:
        # Signed by hand, since botocore takes six times as long to parse a list of a thousand.
        url = f"{self._gateway.geturl()}/2020-05-31/distribution/{self._id}/invalidation"
        request = AWSRequest("GET", url)
        SigV4Auth(self._credentials, "cloudfront", self._region).add_auth(request)
        connection = http.client.HTTPConnection(self._gateway.hostname or "localhost", self._gateway.port, timeout=10)
        try:
            connection.request("GET", urlsplit(url).path, headers=dict(request.headers))
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"the list of invalidations came with status {answer.status}")
            return re.findall(r"<Id>(\w+)</Id>", answer.read().decode())
        finally:
            connection.close()

    def invalidations(self) -> list[rules.Invalidation]: ...
    def forward(self, request: Request) -> Response: ...


class EmulatedCloud:
    """The emulator's gateway. Each call of ``invalidations`` returns those that came since the last."""

    def __init__(
        self, gateway: str, distribution_id: str, domain: str, access_key: str, secret_key: str, region: str
    ) -> None:
        session = boto3.Session(access_key, secret_key, region_name=region)
        config = BotoConfig(
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
        )
        self._cloudfront = session.client("cloudfront", endpoint_url=gateway, config=config)
        self._s3 = session.client("s3", endpoint_url=gateway, config=config)
        self._gateway, self._region = urlsplit(gateway), region
        self._credentials = Credentials(access_key, secret_key)
        self._id, self._domain = distribution_id, domain
        self._seen = set(self._invalidation_ids())  # the cache begins empty, so these have nothing to evict

    def distribution(self) -> Distribution:
        config = self._cloudfront.get_distribution_config(Id=self._id)["DistributionConfig"]
        origins = {origin["Id"]: origin for origin in config["Origins"]["Items"]}
        ordered = (config.get("CacheBehaviors") or {}).get("Items") or []
        behaviours = tuple(
            self._behaviour(part, origins)
            for part in [*ordered, {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
        )
        names = {name for behaviour in behaviours for name in behaviour.functions.values()}
        return Distribution(
            id=self._id,
            domain=self._domain,
            behaviours=behaviours,
            errors={
                part["ErrorCode"]: (
                    part.get("ResponsePagePath", ""),
                    int(part.get("ResponseCode") or 0),
                    part.get("ErrorCachingMinTTL", _ERROR_SECONDS),
                )
                for part in (config.get("CustomErrorResponses") or {}).get("Items") or []
            },
            code={name: self._code(name) for name in names},
            root=config.get("DefaultRootObject") or "",
            tag_header=((config.get("CacheTagConfig") or {}).get("HeaderName") or "x-amz-meta-cache-tag").lower(),
        )

    def _behaviour(self, part: dict[str, Any], origins: dict[str, Any]) -> Behaviour:
        origin = origins[part["TargetOriginId"]]
        bucket = re.match(r"([a-z0-9.-]+)\.s3[.-]", origin["DomainName"]) if "S3OriginConfig" in origin else None
        policy_id, headers_id = part.get("CachePolicyId"), part.get("ResponseHeadersPolicyId")
        if not policy_id:
            bucket = None  # the older way to say what is cached; we never use it
        policy = self._cloudfront.get_cache_policy(Id=policy_id)["CachePolicy"] if policy_id else None
        headers = (
            self._cloudfront.get_response_headers_policy(Id=headers_id)["ResponseHeadersPolicy"] if headers_id else None
        )
        functions = (part.get("FunctionAssociations") or {}).get("Items") or []
        return Behaviour(
            pattern=part["PathPattern"],
            bucket=bucket[1] if bucket else None,
            prefix=origin.get("OriginPath") or "",
            functions={item["EventType"]: item["FunctionARN"].rsplit("/", 1)[-1] for item in functions},
            policy=rules.CachePolicy.from_api(policy["CachePolicyConfig"]) if policy else rules.CachePolicy(),
            headers_policy=headers["ResponseHeadersPolicyConfig"] if headers else {},
            compress=part.get("Compress", False),
        )

    def _code(self, name: str) -> str:
        return self._cloudfront.get_function(Name=name, Stage="LIVE")["FunctionCode"].read().decode()

    def fetch(self, bucket: str, key: str, etag: str | None) -> Response:
        """Read an object. Failures come back as a status: CloudFront takes an origin out of reach for a 502."""
        try:
            found = self._s3.get_object(Bucket=bucket, Key=key, **({"IfNoneMatch": etag} if etag else {}))
            return Response(200, _kept(found["ResponseMetadata"]["HTTPHeaders"]), found["Body"].read())
        except ClientError as error:
            meta = error.response["ResponseMetadata"]
            return Response(meta["HTTPStatusCode"], _kept(meta["HTTPHeaders"]))
        except (BotoCoreError, OSError) as error:
            log.warning("origin out of reach: %s", error)
            return Response(502)

    def _invalidation_ids(self) -> list[str]:
        listed = self._cloudfront.list_invalidations(DistributionId=self._id)["InvalidationList"]
        return [item["Id"] for item in listed.get("Items") or []]

    def invalidations(self) -> list[rules.Invalidation]:
        found = []
        for new in [id for id in self._invalidation_ids() if id not in self._seen]:
            batch = self._cloudfront.get_invalidation(DistributionId=self._id, Id=new)["Invalidation"]
            found.append(rules.Invalidation(tuple(batch["InvalidationBatch"]["Paths"].get("Items") or ())))
            self._seen.add(new)
        return found

    def forward(self, request: Request) -> Response:
        """Pass a request to the emulated distribution, found by its host name, and return its answer."""
        connection = http.client.HTTPConnection(self._gateway.hostname or "localhost", self._gateway.port, timeout=60)
        target = quote(request.target, safe="/%!$&'()*+,;=:@-._~\\|[]{}^\"<>`", encoding="latin-1")
        try:
            connection.putrequest(request.method, target + ("?" + request.query if request.query else ""), True, True)
            connection.putheader("host", self._domain)
            for name, value in request.headers:
                if name not in _HOP_BY_HOP and name not in ("host", "content-length"):
                    connection.putheader(name, value.encode("latin-1"))
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            cookies = [value for name, value in pairs if name == "set-cookie"]
            return Response(answer.status, {n: v for n, v in pairs if n != "set-cookie"}, answer.read(), cookies)
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("distribution out of reach: %s", error)
            return Response(502, {"content-type": "text/plain", "x-cache": "Error from cloudfront"}, b"Bad gateway\n")
        finally:
            connection.close()


@dataclass(frozen=True)
class Entry:
    """A cached answer of the origin, before headers policy and viewer-response."""

    uri: str
    status: int
    headers: Headers
    body: bytes
    tags: frozenset[str]
    life: rules.Lifetime
    stored: float
    fresh_until: float
    zipped: bytes = b""


class Edge:
    """CloudFront's treatment of one request, without the network: functions, cache, policies.

    Args:
        cloud: where configuration, objects and invalidations come from.
        runtime: runs the functions.
        clock: Unix time.
        poll: how old, in seconds, our knowledge of invalidations may be when a request is answered.
    """

    def __init__(
        self, cloud: Cloud, runtime: FunctionRuntime, clock: Callable[[], float] = time.time, poll: float = 0.03
    ) -> None:
        self._cloud, self._runtime, self._clock, self._poll = cloud, runtime, clock, poll
        self._entries: OrderedDict[tuple[object, ...], Entry] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()  # entries and the log of invalidations
        self._fetching: dict[tuple[object, ...], threading.Lock] = {}
        self._polling = threading.Lock()
        self._polled = self._poll_cost = 0.0
        self._evictions: list[rules.Invalidation] = []
        self._loaded: dict[str, str] = {}
        self.distribution = self.reload()

    def reload(self) -> Distribution:
        """Read the configuration anew; functions whose code changed are loaded again. The cache stays, as on AWS."""
        fresh = self._cloud.distribution()
        for name, code in fresh.code.items():
            if self._loaded.get(name) != code:
                self._runtime.load(name, code)
                self._loaded[name] = code
        self.distribution = fresh
        return fresh

    def answer(self, request: Request) -> Response:
        """Answer a viewer's request."""
        if request.target.startswith("/_local/"):
            return Response(404, {"content-type": "text/plain"}, b"Not found\n")
        distribution = self.distribution
        behaviour = distribution.behaviour(request.target)
        if not behaviour.cached_here or request.method not in ("GET", "HEAD"):
            return self._cloud.forward(request)
        self._learn_invalidations()
        try:
            return self._answer(distribution, behaviour, request)
        except FunctionError:
            log.exception("edge function failed")
            return Response(503, {"content-type": "text/plain", "x-cache": "Error from cloudfront"}, b"Unavailable\n")

    def _answer(self, distribution: Distribution, behaviour: Behaviour, request: Request) -> Response:
        sent = request.first()
        uri = "/" + distribution.root if request.target == "/" and distribution.root else request.target
        asked: dict[str, Any] = {
            "method": request.method,
            "uri": uri,
            "querystring": rules.event_fields(rules.query_pairs(request.query)),
            "headers": rules.event_fields([pair for pair in request.headers if pair[0] != "cookie"]),
            "cookies": rules.event_fields(rules.cookie_pairs([v for n, v in request.headers if n == "cookie"])),
        }
        event = {
            "version": "1.0",
            "context": {
                "distributionDomainName": distribution.domain,
                "distributionId": distribution.id,
                "eventType": "viewer-request",
                "requestId": "local",
            },
            "viewer": {"ip": request.client},
            "request": asked,
        }
        if name := behaviour.functions.get("viewer-request"):
            result = self._runtime.call(name, event)
            if "statusCode" in result:
                return _response_of(result, b"", {"x-cache": "FunctionGeneratedResponse from cloudfront"})
            asked = result

        entry, x_cache = self._lookup(distribution, behaviour, behaviour.policy.key(asked), asked["uri"])
        outcome = self._represent(entry, behaviour, request.method, sent)
        outcome.headers = rules.apply_headers_policy(outcome.headers, behaviour.headers_policy)
        # "Restrictions on edge functions": viewer-response does not run when the origin answered 400 or above.
        if entry.status < 400 and (name := behaviour.functions.get("viewer-response")):
            event["context"] = {**event["context"], "eventType": "viewer-response"}  # type: ignore[dict-item]
            event["request"] = {**asked, "headers": rules.event_fields(request.headers)}
            event["response"] = {
                "statusCode": outcome.status,
                "statusDescription": http.client.responses.get(outcome.status, ""),
                "headers": rules.event_fields(list(outcome.headers.items())),
                "cookies": {},
            }
            outcome = _response_of(self._runtime.call(name, event), outcome.body, {})
        outcome.headers["x-cache"] = f"{x_cache} from cloudfront"
        if "Hit" in x_cache:
            outcome.headers["age"] = str(int(max(0, self._clock() - entry.stored)))
        return outcome

    def _represent(self, entry: Entry, behaviour: Behaviour, method: str, sent: Headers) -> Response:
        """The form of an entry that this viewer wants: not modified, a range, compressed, or as it is."""
        headers = dict(entry.headers)
        if entry.status == 200 and rules.not_modified(sent, headers):
            kept = {"etag", "last-modified", "cache-control", "expires", "date", "vary", "server"}
            return Response(304, {name: value for name, value in headers.items() if name in kept})
        if entry.status == 200 and (part := rules.byte_range(sent, headers, len(entry.body))) is not None:
            if not part:
                return Response(416, {"content-range": f"bytes */{len(entry.body)}"})
            headers["content-range"] = f"bytes {part[0]}-{part[-1]}/{len(entry.body)}"
            return Response(206, headers, entry.body[part.start : part.stop])
        if entry.zipped:
            headers["vary"] = ", ".join(filter(None, [headers.get("vary"), "Accept-Encoding"]))
            if rules.accepts_gzip(sent.get("accept-encoding", "")):
                headers["content-encoding"] = "gzip"
                if headers.get("etag", "").startswith('"'):
                    headers["etag"] = "W/" + headers["etag"]
                return Response(entry.status, headers, entry.zipped)
        return Response(entry.status, headers, entry.body)

    # --- The cache ---

    def _lookup(
        self, distribution: Distribution, behaviour: Behaviour, key: tuple[object, ...], uri: str
    ) -> tuple[Entry, str]:
        def held() -> Entry | None:
            with self._guard:
                if entry := self._entries.get(key):
                    self._entries.move_to_end(key)
                return entry

        def said(entry: Entry) -> str:
            return "Hit" if entry.status < 400 else "Error"

        entry, now = held(), self._clock()
        if entry and now < entry.fresh_until:
            return entry, said(entry)
        with self._guard:
            lock = self._fetching.setdefault(key, threading.Lock())
        if entry and now < entry.fresh_until + entry.life.while_revalidate:
            if lock.acquire(blocking=False):
                threading.Thread(target=self._revalidate, args=(lock, distribution, behaviour, key, uri)).start()
            return entry, said(entry)
        with lock:  # simultaneous requests for one object are one fetch
            entry = held()
            if entry and self._clock() < entry.fresh_until:
                return entry, said(entry)
            return self._fetch(distribution, behaviour, key, uri, entry)

    def _revalidate(
        self, lock: threading.Lock, distribution: Distribution, behaviour: Behaviour, key: tuple[object, ...], uri: str
    ) -> None:
        try:
            self._fetch(distribution, behaviour, key, uri, self._entries.get(key))
        except Exception:
            log.exception("background revalidation of %s failed", uri)
        finally:
            lock.release()

    def _fetch(
        self,
        distribution: Distribution,
        behaviour: Behaviour,
        key: tuple[object, ...],
        uri: str,
        old: Entry | None,
    ) -> tuple[Entry, str]:
        assert behaviour.bucket
        known = len(self._evictions)  # invalidations from here on may be about what we are about to read
        etag = old.headers.get("etag") if old and old.status == 200 else None
        got = self._cloud.fetch(behaviour.bucket, unquote(behaviour.prefix + uri)[1:], etag)
        now, x_cache = self._clock(), "Miss"
        if old and got.status == 304:
            life = rules.lifetime({**old.headers, **got.headers}, behaviour.policy, now)
            entry, x_cache = replace(old, life=life, stored=now, fresh_until=now + life.ttl), "RefreshHit"
        elif old and got.status >= 500 and old.status < 400 and self._may_be_stale(old, now):
            page, code, seconds = distribution.errors.get(got.status, ("", 0, _ERROR_SECONDS))
            entry, x_cache = replace(old, fresh_until=now + seconds), "Hit"
        elif got.status >= 400:
            entry, x_cache = self._error(distribution, behaviour, uri, got, now), "Error"
        else:
            life = rules.lifetime(got.headers, behaviour.policy, now)
            tags = rules.tags_of(got.headers, distribution.tag_header)
            entry = Entry(uri, got.status, got.headers, got.body, tags, life, now, now + life.ttl)
            entry = _compressed(entry, behaviour)
        self._store(key, entry, known)
        return entry, x_cache

    @staticmethod
    def _may_be_stale(old: Entry, now: float) -> bool:
        expired = old.stored + old.life.ttl
        return old.life.if_error is None or now < expired + old.life.if_error

    def _error(self, distribution: Distribution, behaviour: Behaviour, uri: str, got: Response, now: float) -> Entry:
        """An error, or the page configured for it; kept for the error caching minimum TTL.

        It bears no tag: only time or a path takes it out of the cache.
        """
        path, code, seconds = distribution.errors.get(got.status, ("", 0, _ERROR_SECONDS))
        status, headers, body = got.status, {"content-type": "text/plain"}, b""
        if path and code:
            source = distribution.behaviour(path)
            page = self._cloud.fetch(source.bucket or "", unquote(source.prefix + path)[1:], None)
            status = code if page.status == 200 else page.status
            if page.status == 200:
                headers, body = page.headers, page.body
        life = rules.Lifetime(ttl=seconds)
        return _compressed(Entry(uri, status, headers, body, frozenset(), life, now, now + seconds), behaviour)

    def _store(self, key: tuple[object, ...], entry: Entry, known: int) -> None:
        with self._guard:
            old = self._entries.pop(key, None)
            self._bytes -= _size(old) if old else 0
            if not entry.life.store or any(i.evicts(entry.uri, entry.tags) for i in self._evictions[known:]):
                return
            self._entries[key] = entry
            self._bytes += _size(entry)
            while self._bytes > _CACHE_BYTES:
                self._bytes -= _size(self._entries.popitem(last=False)[1])

    def _learn_invalidations(self) -> None:
        """Ask for new invalidations, if we did not just do so.

        The emulator lists all there ever were (10 ms for a thousand), so the question takes at most a fifth of its time.
        """
        if time.monotonic() - self._polled < max(self._poll, 5 * self._poll_cost):
            return
        if not self._polling.acquire(blocking=False):
            return  # somebody else is asking
        began = time.monotonic()
        try:
            fresh = self._cloud.invalidations()
            if fresh:
                self.invalidate(fresh)
            else:
                self._poll_cost = time.monotonic() - began
        except (BotoCoreError, ClientError, OSError, http.client.HTTPException) as error:
            log.warning("invalidations cannot be read: %s", error)
        finally:
            self._polled = time.monotonic()
            self._polling.release()

    def invalidate(self, fresh: list[rules.Invalidation]) -> None:
        """Evict what these invalidations name, also from fetches that are under way."""
        with self._guard:
            self._evictions.extend(fresh)
            for key, entry in list(self._entries.items()):
                if any(invalidation.evicts(entry.uri, entry.tags) for invalidation in fresh):
                    self._bytes -= _size(self._entries.pop(key))


def _kept(headers: Headers) -> Headers:
    """The origin's headers less those of the connection, and the emulator's own."""
    own = {"content-length", "x-amzn-requestid"}
    return {name: value for name, value in headers.items() if name not in _HOP_BY_HOP | own}


def _size(entry: Entry) -> int:
    return len(entry.body) + len(entry.zipped) + 1_000


def _compressed(entry: Entry, behaviour: Behaviour) -> Entry:
    wanted = behaviour.compress and behaviour.policy.gzip
    if wanted and rules.compressible(entry.status, entry.headers, len(entry.body)):
        return replace(entry, zipped=gzip.compress(entry.body, 6, mtime=0))
    return entry


def _response_of(result: dict[str, Any], body: bytes, more: Headers) -> Response:
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
    return Response(result["statusCode"], {**headers, **more}, own.encode() if own is not None else body, cookies)


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
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            self.send_error(411)
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        self._send(self.edge.answer(Request(self.command, target, query, headers, body, self.client_address[0])))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _send(self, answer: Response) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name not in _HOP_BY_HOP and name != "content-length":
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
        threading.Thread(target=self._server.serve_forever, name="edge-cache", daemon=True).start()
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
