"""The local edge cache before a distribution of the emulator: equal answers, and caching where there was none.

It starts its own emulator and creates its own distribution, so it does not test our template.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from nightdesk_local.edge_origin import EmulatedCloud
from nightdesk_local.edge_runtime import node_binary
from nightdesk_local.edge_server import EdgeCache
from support.cloud_under_test import worker_port

EDGE = Path(__file__).resolve().parents[2] / "functions" / "edge"
KEY = "k" * 48
BUCKET = "edge-cache-test-site"
PAGE = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
LONG = b"<p>" + b"The same words again and again. " * 100 + b"</p>"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(tier: str) -> str:
    signed = "1." + base64url(json.dumps({"t": tier, "s": "r", "e": int(time.time()) + 600}).encode())
    return signed + "." + base64url(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())


class Site:
    """An emulator with a bucket, a distribution, and our functions."""

    def __init__(self, gateway: str) -> None:
        config = Config(s3={"addressing_style": "path"})
        self.gateway = gateway
        self.s3 = boto3.client("s3", "us-east-1", endpoint_url=gateway, config=config, **self.keys())
        self.cloudfront = boto3.client("cloudfront", "us-east-1", endpoint_url=gateway, **self.keys())
        self.s3.create_bucket(Bucket=BUCKET)
        functions = [self.publish(name) for name in ("viewer-request", "viewer-response")]
        created = self.cloudfront.create_distribution(DistributionConfig=self.config(functions))["Distribution"]
        self.id, self.domain, arn = created["Id"], created["DomainName"], created["ARN"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
        }
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    @staticmethod
    def keys() -> dict[str, str]:
        return {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

    def publish(self, name: str) -> dict[str, str]:
        code = (EDGE / f"{name.replace('-', '_')}.js").read_text("utf-8").replace("@@EDGE_KEY@@", KEY)
        made = self.cloudfront.create_function(
            Name=name, FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=code.encode()
        )
        self.cloudfront.publish_function(Name=name, IfMatch=made["ETag"])
        return {"EventType": name, "FunctionARN": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]}

    def config(self, functions: list[dict[str, str]]) -> dict[str, Any]:
        nothing = {"HeaderBehavior": "none"}, {"CookieBehavior": "none"}, {"QueryStringBehavior": "none"}
        policy = self.cloudfront.create_cache_policy(
            CachePolicyConfig={
                "Name": "pages",
                "MinTTL": 0,
                "DefaultTTL": 60,
                "MaxTTL": 31_536_000,
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    "EnableAcceptEncodingGzip": True,
                    "HeadersConfig": nothing[0],
                    "CookiesConfig": nothing[1],
                    "QueryStringsConfig": nothing[2],
                },
            }
        )["CachePolicy"]["Id"]
        security = self.cloudfront.create_response_headers_policy(
            ResponseHeadersPolicyConfig={
                "Name": "security",
                "SecurityHeadersConfig": {
                    "ContentTypeOptions": {"Override": True},
                    "FrameOptions": {"Override": True, "FrameOption": "DENY"},
                    "ReferrerPolicy": {"Override": True, "ReferrerPolicy": "strict-origin-when-cross-origin"},
                    "ContentSecurityPolicy": {"Override": True, "ContentSecurityPolicy": "default-src 'self'"},
                    "StrictTransportSecurity": {
                        "Override": True,
                        "AccessControlMaxAgeSec": 31_536_000,
                        "IncludeSubdomains": True,
                    },
                },
                "CustomHeadersConfig": {
                    "Quantity": 1,
                    "Items": [{"Header": "Permissions-Policy", "Value": "camera=()", "Override": True}],
                },
                "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "x-amz-meta-digest"}]},
            }
        )["ResponseHeadersPolicy"]["Id"]
        control = self.cloudfront.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": "site",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )["OriginAccessControl"]["Id"]
        error = {"ResponsePagePath": "/~errors/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 1}
        return {
            "CallerReference": "edge-cache-test",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "site",
                        "DomainName": f"{BUCKET}.s3.us-east-1.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                        "OriginAccessControlId": control,
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "allow-all",
                "AllowedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
                "CachePolicyId": policy,
                "ResponseHeadersPolicyId": security,
                "Compress": True,
                "FunctionAssociations": {"Quantity": 2, "Items": functions},
            },
            "CustomErrorResponses": {"Quantity": 2, "Items": [{"ErrorCode": code, **error} for code in (403, 404)]},
        }

    def put(self, key: str, body: bytes, control: str = PAGE, **metadata: str) -> None:
        kind = {"html": "text/html; charset=utf-8", "svg": "image/svg+xml", "css": "text/css"}[key.rsplit(".", 1)[1]]
        names = {name.replace("_", "-"): value for name, value in {"digest": "d", **metadata}.items()}
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType=kind, CacheControl=control, Metadata=names)

    def invalidate(self, *paths: str) -> None:
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": str(time.time_ns())}
        self.cloudfront.create_invalidation(DistributionId=self.id, InvalidationBatch=batch)
        time.sleep(0.06)  # how late the edge may learn of it


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    pytest.importorskip("ministack")
    port, home = worker_port(), tmp_path_factory.mktemp("emulator")
    environment = {
        "PATH": f"{node_binary().parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "LOCAL_LAMBDA_PYTHON": sys.executable,
    }
    with (home / "log").open("wb") as output:
        emulator = subprocess.Popen(
            [sys.executable, "-m", "nightdesk_local.emulator"], env=environment, stdout=output, stderr=output
        )
    try:
        for _ in range(200):
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/")
                break
            except OSError:
                time.sleep(0.05)
        yield Site(f"http://127.0.0.1:{port}")
    finally:
        emulator.terminate()
        emulator.wait(timeout=20)


@pytest.fixture(scope="module")
def edge(site: Site) -> Iterator[EdgeCache]:
    server = EdgeCache(0, lambda: EmulatedCloud(site.gateway, site.id, site.domain)).start()
    yield server
    server.stop()


@pytest.fixture
def cloud_edge(site: Site) -> EmulatedCloud:
    """What the edge sees of the cloud, from now on."""
    return EmulatedCloud(site.gateway, site.id, site.domain)


Answer = tuple[int, dict[str, str], bytes]


def ask(port: int, path: str, *, method: str = "GET", host: str = "localhost", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"host": host, **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_the_edge_answers_as_the_distribution_does(site: Site, edge: EdgeCache) -> None:
    site.put("index.html", b"front")
    site.put("~errors/404.html", b"not here", "no-cache")
    site.put("assets/site.0a.css", LONG, "public, max-age=31536000, immutable")
    for tier in ("public", "member"):
        site.put(f"articles/x/~{tier}/index.html", f"page for {tier}".encode() + LONG, cache_tag="article-x")
        site.put(f"articles/gone/~{tier}/index.html", b"withdrawn", status="410")
        site.put(f"articles/old/~{tier}/index.html", b"", status="301", location="/articles/x/")
    site.put("articles/x/~member/map.svg", b"<svg/>")
    etag = site.s3.head_object(Bucket=BUCKET, Key="articles/x/~public/index.html")["ETag"]
    cookie = {"cookie": f"a=b; __Host-session={token('member')}"}
    requests: list[dict[str, Any]] = [
        {"path": "/"},
        {"path": "/?utm=1"},
        {"path": "/", "method": "HEAD"},
        {"path": "/assets/site.0a.css"},
        {"path": "/assets/site.0a.css", "range": "bytes=3-9"},
        {"path": "/assets/site.0a.css", "range": "bytes=-5"},
        {"path": "/articles/x/"},
        {"path": "/articles/x/", **cookie},
        {"path": "/articles/x/", "method": "HEAD", **cookie},
        {"path": "/articles/x/", "cookie": "__Host-session=junk"},
        {"path": "/articles/x/", "if_none_match": etag},
        {"path": "/articles/x/", "if_none_match": etag, **cookie},
        {"path": "/articles/x/map.svg"},
        {"path": "/articles/x/map.svg", **cookie},
        {"path": "/articles/x"},
        {"path": "/articles/gone/"},
        {"path": "/articles/old/"},
        {"path": "/articles/old/", "method": "HEAD"},
        {"path": "/nothing/"},
        {"path": "/nothing.txt", "method": "HEAD"},
        {"path": "/signin/?session=junk"},
        {"path": f"/signin/?session={token('member')}&return_to=/articles/x/"},
        *[
            {"path": path, **cookie}
            for path in [
                "/articles/x/~member/",
                "/articles/x/~member/index.html",
                "/articles/x/%7Emember/",
                "/articles/x/%7emember/index.html",
                "/articles/x/%257Emember/index.html",
                "/articles//x/~member/index.html",
                "//articles/x/~member/index.html",
                "/articles/x/./~member/index.html",
                "/articles/y/../x/~member/index.html",
                "/ARTICLES/x/~member/index.html",
                "/articles/x\\~member/index.html",
                "/~errors/404.html",
                "/index.html",
                "/articles/x/index.html",
            ]
        ],
    ]
    gateway = int(site.gateway.rsplit(":", 1)[1])
    # Who served it and when is different; and the emulator answers 304 and 206 with a few headers more or less.
    passing = {
        "date",
        "server",
        "via",
        "x-cache",
        "x-amz-cf-pop",
        "x-amz-cf-id",
        "age",
        "x-amz-request-id",
        "x-amz-id-2",
    }

    def plain(answer: Answer) -> Answer:
        status, headers, body = answer
        ignored = passing | ({"content-length", "content-type", "accept-ranges"} if status == 304 else set())
        # The emulator does not compress, so it does not say that it might.
        vary = headers.get("vary", "").replace("Accept-Encoding, ", "").replace("Accept-Encoding", "")
        kept = {name: value for name, value in headers.items() if name not in ignored | {"vary"}}
        if "set-cookie" in kept:
            kept["set-cookie"] = kept["set-cookie"].split("Max-Age")[0]
        return status, kept | {"vary": vary}, body

    for round_number in range(2):  # the second time most come from the cache
        for wanted in requests:
            at_the_edge = plain(ask(edge.port, **wanted))
            assert at_the_edge == plain(ask(gateway, host=site.domain, **wanted)), (round_number, wanted)
    assert ask(edge.port, "/articles/x/", **cookie)[2].startswith(b"page for member")
    assert ask(edge.port, "/articles/x/")[2].startswith(b"page for public")


def test_invalidations_by_path_prefix_and_tag(site: Site, edge: EdgeCache) -> None:
    cookie = {"cookie": f"__Host-session={token('member')}"}

    def put(text: str) -> None:
        site.put("topics/t/index.html", text.encode())
        for tier in ("public", "member"):
            site.put(f"articles/t/~{tier}/index.html", text.encode(), cache_tag="article-t")

    def seen() -> list[tuple[bytes, str]]:
        answers = [
            ask(edge.port, "/topics/t/"),
            ask(edge.port, "/articles/t/"),
            ask(edge.port, "/articles/t/", **cookie),
        ]
        return [(body, headers["x-cache"].split()[0]) for _, headers, body in answers]

    put("one")
    assert seen() == [(b"one", "Miss")] * 3
    assert seen() == [(b"one", "Hit")] * 3
    put("two")
    assert seen() == [(b"one", "Hit")] * 3
    site.invalidate("/topics/t/index.html")
    assert seen() == [(b"two", "Miss"), (b"one", "Hit"), (b"one", "Hit")]
    site.invalidate("#Article-T")
    assert seen() == [(b"two", "Hit"), (b"two", "Miss"), (b"two", "Miss")]
    put("three")
    site.invalidate("/articles/t/*")
    assert seen() == [(b"two", "Hit"), (b"three", "Miss"), (b"three", "Miss")]
    site.invalidate("/*")
    assert seen() == [(b"three", "Miss")] * 3


def test_no_invalidation_is_forgotten_in_a_fault(
    site: Site, cloud_edge: EmulatedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.invalidate("/topics/one/")
    site.invalidate("/topics/two/")
    known, client = cloud_edge.invalidations, cloud_edge._cloudfront
    asked: list[str] = []

    def fail_at_the_second(**names: str) -> object:
        asked.append(names["Id"])
        if len(asked) == 2:
            raise EndpointConnectionError(endpoint_url="http://localhost")
        return inner(**names)

    inner = client.get_invalidation
    with monkeypatch.context() as patch:
        patch.setattr(client, "get_invalidation", fail_at_the_second)
        with pytest.raises(EndpointConnectionError):
            known()
    assert sorted(path for batch in known() for path in batch.paths) == ["/topics/one/", "/topics/two/"]
    assert known() == []


def test_more_invalidations_than_a_page_lists_empty_the_cache(site: Site, cloud_edge: EmulatedCloud) -> None:
    for number in range(101):
        site.invalidate(f"/topics/{number}/")
    assert [batch.paths for batch in cloud_edge.invalidations()] == [("/*",)]
    assert cloud_edge.invalidations() == []


def test_compression_and_its_etag(site: Site, edge: EdgeCache) -> None:
    site.put("long/index.html", LONG)
    status, headers, body = ask(edge.port, "/long/", accept_encoding="br, gzip;q=0.5")
    assert (status, headers["content-encoding"], gzip.decompress(body)) == (200, "gzip", LONG)
    assert headers["etag"].startswith('W/"')
    assert headers["vary"] == "Accept-Encoding"
    assert ask(edge.port, "/long/", accept_encoding="gzip", if_none_match=headers["etag"])[0] == 304
    assert ask(edge.port, "/long/", accept_encoding="gzip;q=0")[2] == LONG


def test_a_changed_function_is_taken_up(site: Site, edge: EdgeCache) -> None:
    def described() -> dict[str, Any]:
        return dict(site.cloudfront.describe_function(Name="viewer-response", Stage="DEVELOPMENT"))

    code = (EDGE / "viewer_response.js").read_text("utf-8")
    code = code.replace("return response;", "headers.new = {value: 'y'}; return response;")
    site.cloudfront.update_function(
        Name="viewer-response",
        IfMatch=described()["ETag"],
        FunctionConfig=described()["FunctionSummary"]["FunctionConfig"],
        FunctionCode=code.encode(),
    )
    site.cloudfront.publish_function(Name="viewer-response", IfMatch=described()["ETag"])
    deadline = time.time() + 10
    while time.time() < deadline and "new" not in ask(edge.port, "/")[1]:
        time.sleep(0.1)
    assert ask(edge.port, "/")[1]["new"] == "y"


def test_other_methods_are_the_distributions_affair(edge: EdgeCache) -> None:
    assert ask(edge.port, "/", method="POST")[0] == 403


def test_reserved_paths(edge: EdgeCache) -> None:
    assert ask(edge.port, "/_local/other")[0] == 404
    assert b"None has been sent yet" in ask(edge.port, "/_local/mail")[2]
    assert ask(edge.port, "/_local/mail.json")[2] == b"[]"
