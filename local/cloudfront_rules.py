"""CloudFront's caching rules as pure functions: how long, under which key, evicted by what, with which headers.

Sources are pages of the Amazon CloudFront Developer Guide, named at each rule.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

Headers = dict[str, str]

# "Serve compressed files": the types worth listing for a site of pages, feeds and drawings, and the sizes.
_COMPRESSIBLE = re.compile(
    r"(text/(html|css|plain|xml|javascript|csv|richtext)|image/svg\+xml"
    r"|application/(json|javascript|xml|rss\+xml|xhtml\+xml|x-javascript))\s*(;|$)"
)
_COMPRESSIBLE_SIZES = range(1_000, 10_000_001)


@dataclass(frozen=True)
class CachePolicy:
    """The part of a cache policy that the local cache obeys."""

    min_ttl: float = 0
    default_ttl: float = 86_400
    max_ttl: float = 31_536_000
    gzip: bool = True
    headers: tuple[str, ...] = ()
    cookies: tuple[str, tuple[str, ...]] = ("none", ())
    query: tuple[str, tuple[str, ...]] = ("none", ())

    @classmethod
    def from_api(cls, config: Mapping[str, Any]) -> CachePolicy:
        """Read the ``CachePolicyConfig`` of GetCachePolicy."""
        inner = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}

        def chosen(kind: str, names: str) -> tuple[str, tuple[str, ...]]:
            part = inner.get(f"{names}Config") or {}
            return part.get(kind, "none"), tuple((part.get(names) or {}).get("Items") or ())

        return cls(
            min_ttl=config["MinTTL"],
            default_ttl=config.get("DefaultTTL", 86_400),
            max_ttl=config.get("MaxTTL", 31_536_000),
            gzip=inner.get("EnableAcceptEncodingGzip", False),
            headers=tuple(name.lower() for name in chosen("HeaderBehavior", "Headers")[1]),
            cookies=chosen("CookieBehavior", "Cookies"),
            query=chosen("QueryStringBehavior", "QueryStrings"),
        )

    def key(self, request: Mapping[str, Any]) -> tuple[object, ...]:
        """The cache key of a request as viewer-request left it. The encoding is no part: an entry holds both forms."""

        def picked(fields: Mapping[str, Any], behaviour: tuple[str, tuple[str, ...]]) -> tuple[object, ...]:
            how, names = behaviour
            wanted = {"all": lambda _: True, "allExcept": lambda n: n not in names, "whitelist": names.__contains__}
            return tuple(
                (n, repr(f)) for n, f in sorted(fields.items()) if wanted.get(how, lambda _: False)(n)
            )  # "none" wants nothing

        headers = tuple((name, repr(request["headers"].get(name))) for name in self.headers)
        query = request["querystring"]
        return (
            request["uri"],
            headers,
            picked(request["cookies"], self.cookies),
            picked(query, self.query) if isinstance(query, Mapping) else query,
        )


@dataclass(frozen=True)
class Lifetime:
    """How long an answer is fresh, and how long after that it may still be served."""

    store: bool = True
    ttl: float = 0
    while_revalidate: float = 0
    if_error: float | None = None  # None: as long as the origin fails

    def outlasts_error(self, age: float) -> bool:
        """Whether an answer of this age still serves when the origin fails."""
        return self.if_error is None or age < self.ttl + self.if_error


def directives(value: str) -> dict[str, str]:
    """The parts of a Cache-Control header, lower-case names to values."""
    parts = (part.strip().partition("=") for part in value.split(","))
    return {name.strip().lower(): text.strip().strip('"') for name, _, text in parts if name.strip()}


def lifetime(headers: Mapping[str, str], policy: CachePolicy, now: float) -> Lifetime:
    """How long to keep an origin's answer: "Manage how long content stays in the cache (expiration)".

    Args:
        headers: the origin's headers, lower-case names.
        policy: the behaviour's cache policy.
        now: Unix time, against which ``Expires`` is read.
    """
    given = directives(headers.get("cache-control", ""))

    def seconds(name: str) -> float | None:
        return float(given[name]) if given.get(name, "").isdigit() else None

    if {"no-store", "private", "no-cache"} & given.keys():
        return Lifetime(store=policy.min_ttl > 0, ttl=policy.min_ttl)
    asked = next((s for s in (seconds("s-maxage"), seconds("max-age")) if s is not None), None)
    if asked is None and "expires" in headers:
        try:
            asked = parsedate_to_datetime(headers["expires"]).timestamp() - now
        except ValueError:
            asked = 0
    ttl = policy.default_ttl if asked is None else min(asked, policy.max_ttl)
    return Lifetime(
        ttl=max(ttl, policy.min_ttl),
        while_revalidate=seconds("stale-while-revalidate") or 0,
        if_error=seconds("stale-if-error"),
    )


@dataclass(frozen=True)
class Invalidation:
    """The ``Paths`` of one invalidation: exact paths, prefixes with a final ``*``, and tags with a leading ``#``."""

    paths: tuple[str, ...]
    tags: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        # "Invalidate files by tag": without regard to case.
        object.__setattr__(self, "tags", frozenset(p[1:].lower() for p in self.paths if p.startswith("#")))

    def evicts(self, uri: str, tags: frozenset[str]) -> bool:
        """Whether an entry goes. Its path is the one *after* viewer-request, which is what the cache knows.

        AWS advises to invalidate both spellings when a function changes the URI ("What you need to know when
        invalidating paths"). Being strict here shows locally what would stay stale there; tags avoid the matter.
        """
        return bool(self.tags & tags) or any(self._covers(path, uri) for path in self.paths if path[:1] != "#")

    @staticmethod
    def _covers(path: str, uri: str) -> bool:
        path, uri = unquote(path if path.startswith("/") else "/" + path), unquote(uri)
        return uri.startswith(path[:-1]) if path.endswith("*") else path == uri


def tags_of(headers: Mapping[str, str], header_name: str) -> frozenset[str]:
    """The cache tags an answer carries, comma-separated in the header that the distribution names."""
    return frozenset(tag.strip().lower() for tag in headers.get(header_name, "").split(",") if tag.strip())


def matches(pattern: str, path: str) -> bool:
    """Whether a behaviour's path pattern (``*`` and ``?``) covers a path."""
    pattern = pattern if pattern.startswith("/") else "/" + pattern
    return fnmatch.fnmatchcase(path, pattern.replace("[", "[[]"))


def compressible(status: int, headers: Mapping[str, str], size: int) -> bool:
    """Whether CloudFront compresses an answer: "Serve compressed files"."""
    return (
        status in (200, 403, 404)
        and "content-encoding" not in headers
        and size in _COMPRESSIBLE_SIZES
        and bool(_COMPRESSIBLE.match(headers.get("content-type", "")))
    )


def accepts_gzip(value: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    return bool(re.search(r"(^|[\s,])gzip\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)", value.lower()))


def not_modified(request: Mapping[str, str], answer: Mapping[str, str]) -> bool:
    """Whether the viewer's copy is still good. Weak comparison; If-None-Match goes before If-Modified-Since."""
    if asked := request.get("if-none-match"):
        etags = {etag.strip().removeprefix("W/") for etag in asked.split(",")}
        return "*" in etags or answer.get("etag", "").removeprefix("W/") in etags
    try:
        since = parsedate_to_datetime(request["if-modified-since"])
        return parsedate_to_datetime(answer["last-modified"]) <= since
    except (KeyError, ValueError, TypeError):
        return False


def byte_range(request: Mapping[str, str], answer: Mapping[str, str], size: int) -> range | None:
    """The bytes a Range header asks for; None for the whole. An empty range cannot be satisfied.

    Several ranges at once, another unit, or an If-Range that no longer holds, mean the whole.
    """
    match = re.fullmatch(r"\s*bytes=(\d*)-(\d*)\s*", request.get("range", ""))
    condition = request.get("if-range")
    if (
        not match
        or match[1] == match[2] == ""
        or condition not in (None, answer.get("etag"), answer.get("last-modified"))
    ):
        return None
    if match[1] == "":
        return range(max(0, size - int(match[2])), size)
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return None if match[2] and int(match[2]) < int(match[1]) else range(int(match[1]), last + 1)


def apply_headers_policy(headers: Headers, policy: Mapping[str, Any]) -> Headers:
    """Headers after a ``ResponseHeadersPolicyConfig`` (security, custom and removed headers; no CORS, we use none)."""
    security = policy.get("SecurityHeadersConfig") or {}
    added: list[tuple[str, str, bool]] = []

    def add(part: str, name: str, text: Any) -> None:
        if part in security:
            added.append((name, text(security[part]), security[part]["Override"]))

    def hsts(s: Mapping[str, Any]) -> str:
        more = ("; includeSubDomains" if s.get("IncludeSubdomains") else "") + ("; preload" if s.get("Preload") else "")
        return f"max-age={s['AccessControlMaxAgeSec']}{more}"

    def xss(s: Mapping[str, Any]) -> str:
        return ("1; mode=block" if s.get("ModeBlock") else "1") if s["Protection"] else "0"

    add("ContentTypeOptions", "x-content-type-options", lambda s: "nosniff")
    add("FrameOptions", "x-frame-options", lambda s: s["FrameOption"])
    add("XSSProtection", "x-xss-protection", xss)
    add("ReferrerPolicy", "referrer-policy", lambda s: s["ReferrerPolicy"])
    add("ContentSecurityPolicy", "content-security-policy", lambda s: s["ContentSecurityPolicy"])
    add("StrictTransportSecurity", "strict-transport-security", hsts)
    for item in (policy.get("CustomHeadersConfig") or {}).get("Items") or ():
        added.append((item["Header"].lower(), item["Value"], item["Override"]))

    result = dict(headers)
    for name, value, override in added:
        if override or name not in result:
            result[name] = value
    for item in (policy.get("RemoveHeadersConfig") or {}).get("Items") or ():
        result.pop(item["Header"].lower(), None)
    return result


def event_fields(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Headers, cookies or query parameters as functions see them: "CloudFront Functions event structure".

    The first value stands in ``value``, and all of them in ``multiValue`` where a name comes more than once.
    """
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            fields[name].setdefault("multiValue", [{"value": fields[name]["value"]}]).append({"value": value})
        else:
            fields[name] = {"value": value}
    return fields


def cookie_pairs(headers: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of the cookies in all Cookie headers, repeated ones kept, in order."""
    parts = (part.strip().partition("=") for header in headers for part in header.split(";"))
    return [(name, value) for name, separator, value in parts if separator and name]


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query string, undecoded as CloudFront passes them."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in parts]
