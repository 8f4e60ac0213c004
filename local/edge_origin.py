"""What the local edge sees of the cloud: requests and answers, a distribution's configuration, objects, invalidations."""

from __future__ import annotations

import http.client
import logging
import re
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as BotoConfig
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from nightdesk_local import cloudfront_rules as rules
from nightdesk_local.cloudfront_rules import Headers
from nightdesk_local.identity import REGION
from nightdesk_local.mail import MailList

log = logging.getLogger(__name__)

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_LISTED = 100  # the emulator's launcher lists as many invalidations as CloudFront puts on a page
ERROR_SECONDS = 10.0  # CloudFront's default error caching minimum TTL


@dataclass
class Request:
    """What the viewer sent. ``target`` is the raw path, ``headers`` have lower-case names and keep repetitions."""

    method: str
    target: str
    query: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    client: str = "127.0.0.1"


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
    @property
    def mail(self) -> MailList: ...


class EmulatedCloud:
    """The emulated distribution. Each call of ``invalidations`` returns those that came since the last.

    Args:
        gateway: the emulator's URL, ``http://localhost:8081``.
        domain: the distribution's, ``<label>.cloudfront.net``.
        keys: access key and secret key of an identity that may read the site bucket and CloudFront's configuration.
    """

    def __init__(
        self, gateway: str, distribution_id: str, domain: str, keys: tuple[str, str] = ("test", "test")
    ) -> None:
        access_key, secret_key = keys
        session = boto3.Session(access_key, secret_key, region_name=REGION)
        config = BotoConfig(
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
        )
        self._cloudfront = session.client("cloudfront", endpoint_url=gateway, config=config)
        self._s3 = session.client("s3", endpoint_url=gateway, config=config)
        self._gateway, self._region = urlsplit(gateway), REGION
        self._credentials = Credentials(access_key, secret_key)
        self._id, self._domain = distribution_id, domain
        self._listed = ("", "")
        self._distribution: Distribution | None = None
        self.mail = MailList(gateway)
        self._seen = set(self._invalidation_ids())  # the cache begins empty, so these have nothing to evict

    def distribution(self) -> Distribution:
        """Return the distribution, which is read again only if CloudFront has listed something new in the last two rounds.

        Lists show changes by the second, so a second change within that of the first one would not be seen in one.
        """
        kinds = ("distribution", "function", "cache-policy", "response-headers-policy")
        before, self._listed = self._listed, (self._listed[1], "".join(map(self._list, kinds)))
        if not self._distribution or len({*before, *self._listed}) > 1:
            self._distribution = self._read_distribution()
        return self._distribution

    def _read_distribution(self) -> Distribution:
        config = self._cloudfront.get_distribution_config(Id=self._id)["DistributionConfig"]
        origins = {origin["Id"]: origin for origin in config["Origins"]["Items"]}
        policies = _Policies(self._cloudfront)
        ordered = (config.get("CacheBehaviors") or {}).get("Items") or []
        behaviours = tuple(
            _behaviour(part, origins, policies)
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
                    part.get("ErrorCachingMinTTL", ERROR_SECONDS),
                )
                for part in (config.get("CustomErrorResponses") or {}).get("Items") or []
            },
            code={name: self._code(name) for name in names},
            root=config.get("DefaultRootObject") or "",
            tag_header=((config.get("CacheTagConfig") or {}).get("HeaderName") or "x-amz-meta-cache-tag").lower(),
        )

    def _code(self, name: str) -> str:
        return str(self._cloudfront.get_function(Name=name, Stage="LIVE")["FunctionCode"].read(), "utf-8")

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
        return re.findall(r"<Id>(\w+)</Id>", self._list(f"distribution/{self._id}/invalidation"))

    def _list(self, what: str) -> str:
        """Return a list of CloudFront as XML. Signed by hand, since botocore takes six times as long to parse one.

        Raises:
            OSError: the emulator is down or refuses.
        """
        url = f"{self._gateway.geturl()}/2020-05-31/{what}"
        request = AWSRequest("GET", url)
        SigV4Auth(self._credentials, "cloudfront", self._region).add_auth(request)
        connection = http.client.HTTPConnection(self._gateway.hostname or "localhost", self._gateway.port, timeout=10)
        try:
            connection.request("GET", urlsplit(url).path, headers=dict(request.headers))
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"the list {what} came with status {answer.status}")
            return answer.read().decode()
        finally:
            connection.close()

    def invalidations(self) -> list[rules.Invalidation]:
        new = [id for id in self._invalidation_ids() if id not in self._seen]
        if (
            len(new) >= _LISTED
        ):  # more than a page of them came at once: those that it no longer names may be about anything
            self._seen.update(new)
            return [rules.Invalidation(("/*",))]
        found = []
        for id in new:
            batch = self._cloudfront.get_invalidation(DistributionId=self._id, Id=id)["Invalidation"]
            found.append(rules.Invalidation(tuple(batch["InvalidationBatch"]["Paths"].get("Items") or ())))
        self._seen.update(new)  # all or none: what was read and then forgotten in a fault would never be evicted
        return found

    def forward(self, request: Request) -> Response:
        """Pass a request to the emulated distribution, found by its host name, and return its answer."""
        connection = http.client.HTTPConnection(self._gateway.hostname or "localhost", self._gateway.port, timeout=60)
        target = quote(request.target, safe="/%!$&'()*+,;=:@-._~\\|[]{}^\"<>`", encoding="latin-1")
        try:
            connection.putrequest(request.method, target + ("?" + request.query if request.query else ""), True, True)
            connection.putheader("host", self._domain)
            for name, value in request.headers:
                if name not in HOP_BY_HOP and name not in ("host", "content-length"):
                    connection.putheader(name, value.encode("latin-1"))
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
            cookies = [value for name, value in pairs if name == "set-cookie"]
            return Response(answer.status, {n: v for n, v in pairs if n != "set-cookie"}, answer.read(), cookies)
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("distribution out of reach: %s", error)
            return Response(502, {"content-type": "text/plain", "x-cache": "Error from cloudfront"}, b"Bad gateway\n")
        finally:
            connection.close()


class _Policies:
    """The policies that a distribution's behaviours share, each read once: the configuration is read every few seconds."""

    def __init__(self, cloudfront: Any) -> None:
        self._cloudfront = cloudfront
        self._cache: dict[str, rules.CachePolicy] = {}
        self._headers: dict[str, dict[str, Any]] = {}

    def cache(self, policy: str) -> rules.CachePolicy:
        if policy not in self._cache:
            found = self._cloudfront.get_cache_policy(Id=policy)["CachePolicy"]["CachePolicyConfig"]
            self._cache[policy] = rules.CachePolicy.from_api(found)
        return self._cache[policy]

    def headers(self, policy: str) -> dict[str, Any]:
        if policy not in self._headers:
            found = self._cloudfront.get_response_headers_policy(Id=policy)["ResponseHeadersPolicy"]
            self._headers[policy] = found["ResponseHeadersPolicyConfig"]
        return self._headers[policy]


def _behaviour(part: dict[str, Any], origins: dict[str, Any], policies: _Policies) -> Behaviour:
    origin = origins[part["TargetOriginId"]]
    bucket = re.match(r"([a-z0-9.-]+)\.s3[.-]", origin["DomainName"]) if "S3OriginConfig" in origin else None
    policy_id, headers_id = part.get("CachePolicyId"), part.get("ResponseHeadersPolicyId")
    if not policy_id:
        bucket = None  # the older way to say what is cached; we never use it
    functions = (part.get("FunctionAssociations") or {}).get("Items") or []
    return Behaviour(
        pattern=part["PathPattern"],
        bucket=bucket[1] if bucket else None,
        prefix=origin.get("OriginPath") or "",
        functions={item["EventType"]: item["FunctionARN"].rsplit("/", 1)[-1] for item in functions},
        policy=policies.cache(policy_id) if policy_id else rules.CachePolicy(),
        headers_policy=policies.headers(headers_id) if headers_id else {},
        compress=part.get("Compress", False),
    )


def _kept(headers: Headers) -> Headers:
    """The origin's headers less those of the connection, and the emulator's own."""
    own = {"content-length", "x-amzn-requestid"}
    return {name: value for name, value in headers.items() if name not in HOP_BY_HOP | own}
