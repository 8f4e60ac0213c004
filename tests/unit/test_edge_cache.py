"""The local edge cache: CloudFront's rules, and the cache that follows them, with an origin and a clock of our own."""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from nightdesk.usecases.pipeline.list_outputs import _JSON_FEED, _RSS, site_page
from nightdesk_local import cloudfront_rules as rules
from nightdesk_local import edge_cache
from nightdesk_local.edge_origin import Behaviour, Distribution, Request, Response
from nightdesk_local.edge_runtime import FunctionError, FunctionRuntime
from nightdesk_local.edge_server import EdgeCache

NOW = 1_800_000_000.0

# --- Rules ---


def test_the_json_feed_is_compressed_as_it_is_stored() -> None:
    stored = [
        site_page("/feed.json", "x" * 2000, _JSON_FEED),
        site_page("/feed.xml", "x" * 2000, _RSS),
        site_page("/", "x" * 2000),
    ]
    assert all(rules.compressible(200, {"content-type": one.content_type}, len(one.body)) for one in stored)
    assert not rules.compressible(200, {"content-type": "application/feed+json"}, 2000)


WIDE = rules.CachePolicy(min_ttl=0, default_ttl=60, max_ttl=1_000)
HELD = rules.CachePolicy(min_ttl=30, default_ttl=60, max_ttl=1_000)


@pytest.mark.parametrize(
    ("cache_control", "policy", "store", "ttl"),
    [
        ("", WIDE, True, 60),
        ("", rules.CachePolicy(min_ttl=90, default_ttl=60), True, 90),
        ("max-age=100", WIDE, True, 100),
        ("max-age=100, s-maxage=200", WIDE, True, 200),
        ("public, max-age=0, s-maxage=86400", WIDE, True, 1_000),
        ("S-MaxAge=5", WIDE, True, 5),
        ("max-age=0", WIDE, True, 0),
        ("max-age=0", HELD, True, 30),
        ("max-age=junk", WIDE, True, 60),
        ("no-store", WIDE, False, 0),
        ("private, max-age=100", WIDE, False, 0),
        ("no-cache", WIDE, False, 0),
        ("no-store", HELD, True, 30),
    ],
)
def test_how_long_an_answer_is_kept(cache_control: str, policy: rules.CachePolicy, store: bool, ttl: float) -> None:
    life = rules.lifetime({"cache-control": cache_control}, policy, NOW)
    assert (life.store, life.ttl) == (store, ttl)


def test_expires_counts_where_no_age_is_given() -> None:
    expires = formatdate(NOW + 50, usegmt=True)
    assert rules.lifetime({"expires": expires}, WIDE, NOW).ttl == 50
    assert rules.lifetime({"expires": expires, "cache-control": "max-age=7"}, WIDE, NOW).ttl == 7
    assert rules.lifetime({"expires": "0"}, WIDE, NOW).ttl == 0


@pytest.mark.parametrize(
    ("path", "uri", "evicts"),
    [
        ("/index.html", "/index.html", True),
        ("index.html", "/index.html", True),
        ("/", "/index.html", False),
        ("/articles/x/", "/articles/x/~member/index.html", False),
        ("/articles/x/*", "/articles/x/~member/index.html", True),
        ("/articles/x*", "/articles/xy/~member/index.html", True),
        ("/*", "/feed.xml", True),
        ("/Index.html", "/index.html", False),
        ("/articles/x/%7Emember/index.html", "/articles/x/~member/index.html", True),
        ("#article-x", "/feed.xml", True),
        ("#ARTICLE-X", "/feed.xml", True),
        ("#article-*", "/feed.xml", False),
        ("#article", "/feed.xml", False),
        ("/article-x", "/feed.xml", False),
    ],
)
def test_an_invalidation_evicts_matching_paths(path: str, uri: str, evicts: bool) -> None:
    tags = rules.tags_of({"x-amz-meta-cache-tag": "list, Article-x"}, "x-amz-meta-cache-tag")
    assert rules.Invalidation(("/other", path)).evicts(uri, tags) is evicts


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("gzip", True),
        ("br, GZIP", True),
        ("gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("br", False),
        ("", False),
        ("x-gzip", False),
        ("gzippo", False),
    ],
)
def test_accept_encoding(value: str, accepted: bool) -> None:
    assert rules.accepts_gzip(value) is accepted


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", range(4)),
        ("bytes=8-", range(8, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-30", range(10)),
        ("bytes=5-99", range(5, 10)),
        ("bytes=10-", range(10, 10)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("words=0-1", None),
    ],
)
def test_byte_ranges(header: str, expected: range | None) -> None:
    got = rules.byte_range({"range": header}, {}, 10)
    assert got == expected
    assert (got is None) == (expected is None)


def test_a_range_of_another_version_is_the_whole() -> None:
    assert rules.byte_range({"range": "bytes=0-1", "if-range": '"old"'}, {"etag": '"new"'}, 10) is None
    assert rules.byte_range({"range": "bytes=0-1", "if-range": '"new"'}, {"etag": '"new"'}, 10) == range(2)


def test_not_modified() -> None:
    answer = {"etag": '"a"', "last-modified": formatdate(NOW, usegmt=True)}
    later, earlier = formatdate(NOW + 1, usegmt=True), formatdate(NOW - 1, usegmt=True)
    assert rules.not_modified({"if-none-match": '"b", W/"a"'}, answer)
    assert rules.not_modified({"if-none-match": "*"}, answer)
    assert not rules.not_modified({"if-none-match": '"b"', "if-modified-since": later}, answer)
    assert rules.not_modified({"if-modified-since": later}, answer)
    assert not rules.not_modified({"if-modified-since": earlier}, answer)
    assert not rules.not_modified({"if-modified-since": "yesterday"}, answer)
    assert not rules.not_modified({}, answer)


def test_repeated_names_stand_in_multi_value() -> None:
    pairs = rules.cookie_pairs(["a=1; b=2", "a=3=4; broken; =x"])
    assert rules.event_fields(pairs) == {
        "a": {"value": "1", "multiValue": [{"value": "1"}, {"value": "3=4"}]},
        "b": {"value": "2"},
    }
    assert rules.query_pairs("a=%2F&b&a=") == [("a", "%2F"), ("b", ""), ("a", "")]


def test_the_key_holds_what_the_policy_names() -> None:
    policy = rules.CachePolicy(headers=("accept-language",), cookies=("whitelist", ("c",)), query=("allExcept", ("u",)))

    def key(language: str, cookie: str, query: str) -> object:
        headers = rules.event_fields([("accept-language", language), ("user-agent", query)])
        cookies = rules.event_fields(rules.cookie_pairs([cookie]))
        asked = {"uri": "/", "headers": headers, "cookies": cookies}
        return policy.key({**asked, "querystring": rules.event_fields(rules.query_pairs(query))})

    same = key("en", "c=1; d=1", "a=1&u=1")
    assert key("en", "d=2; c=1", "u=2&a=1") == same
    assert len({same, key("de", "c=1", "a=1"), key("en", "c=2", "a=1"), key("en", "c=1", "a=2")}) == 4


def test_the_headers_policy_overrides_if_configured() -> None:
    policy = {
        "SecurityHeadersConfig": {
            "FrameOptions": {"Override": False, "FrameOption": "DENY"},
            "StrictTransportSecurity": {"Override": True, "AccessControlMaxAgeSec": 5, "Preload": True},
        },
        "CustomHeadersConfig": {"Items": [{"Header": "X-New", "Value": "1", "Override": True}]},
        "RemoveHeadersConfig": {"Items": [{"Header": "Server"}]},
    }
    assert rules.apply_headers_policy({"x-frame-options": "SAMEORIGIN", "server": "S3", "x-new": "0"}, policy) == {
        "x-frame-options": "SAMEORIGIN",
        "strict-transport-security": "max-age=5; preload",
        "x-new": "1",
    }


# --- The cache ---

PAGE = "s-maxage=100, stale-while-revalidate=10, stale-if-error=50"


class FakeCloud:
    """An origin of objects in memory. ``while_reading`` runs when an object has been read but not yet returned."""

    def __init__(self, behaviour: Behaviour, errors: dict[int, tuple[str, int, float]]) -> None:
        answer = "{statusCode: 200, body: event.request.uri + event.request.method}"
        code = f"function handler(event) {{ return {answer}; }}"  # only real runtimes look at this
        self.config = Distribution("E1", "d.cloudfront.net", (behaviour,), errors, {"req": code, "res": code})
        self.objects: dict[str, Response] = {}
        self.fetched: list[tuple[str, str | None]] = []
        self.down = False
        self.pending: list[rules.Invalidation] = []
        self.while_reading: Callable[[], None] = lambda: None

    def distribution(self) -> Distribution:
        return self.config

    def put(self, key: str, body: str, cache_control: str = PAGE, **headers: str) -> None:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        etag = f'"{body[:20]}"'
        common = {"cache-control": cache_control, "etag": etag, "content-type": "text/html"}
        self.objects[key] = Response(200, {**common, **names}, body.encode())

    def fetch(self, bucket: str, key: str, etag: str | None) -> Response:
        self.fetched.append((key, etag))
        found = Response(502) if self.down else self.objects.get(key, Response(403))
        self.while_reading()
        if etag and found.headers.get("etag") == etag:
            return Response(304, {"etag": etag})
        return Response(found.status, dict(found.headers), found.body)

    def invalidations(self) -> list[rules.Invalidation]:
        fresh, self.pending = self.pending, []
        return fresh

    def forward(self, request: Request) -> Response:
        return Response(299, {}, request.body)


class FakeFunctions:
    """viewer-request adds index.html and answers /generated; viewer-response counts itself."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def load(self, name: str, code: str) -> None:
        pass

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((name, event))
        if name == "res":
            answer: dict[str, Any] = event["response"]
            return {**answer, "headers": {**answer["headers"], "x-seen": {"value": str(len(self.calls))}}}
        request: dict[str, Any] = event["request"]
        if request["uri"] == "/generated":
            cookie = {"value": "v", "attributes": "Path=/"}
            return {"statusCode": 302, "headers": {"location": {"value": "/"}}, "cookies": {"c": cookie}}
        uri = request["uri"] + ("index.html" if request["uri"].endswith("/") else "")
        return {**request, "uri": uri, "cookies": {}, "querystring": {}}


class Setup:
    """An edge with its fakes and a clock that stands still.

    Attributes:
        poll_cost: seconds that reading invalidations is held to have taken last; measured, a busy machine would decide tests.
    """

    def __init__(self) -> None:
        self.poll_cost = 0.0
        functions = {"viewer-request": "req", "viewer-response": "res"}
        policy = rules.CachePolicy(default_ttl=60)
        behaviour = Behaviour("*", "site", functions=functions, policy=policy, compress=True)
        self.cloud = FakeCloud(behaviour, {403: ("/~errors/404.html", 404, 5)})
        self.functions = FakeFunctions()
        self.now = NOW
        self.edge = edge_cache.Edge(self.cloud, self.functions, lambda: self.now, poll=0)

    def get(self, target: str, method: str = "GET", **headers: str) -> Response:
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.edge._poll_cost = self.poll_cost
        return self.edge.respond(Request(method, target, "", pairs))

    def seen(self, target: str) -> tuple[str, str]:
        answer = self.get(target)
        return answer.body.decode(), answer.headers["x-cache"].split()[0]


@pytest.fixture
def at() -> Setup:
    return Setup()


def test_a_hit_a_miss_and_their_age(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    assert at.seen("/") == ("one", "Miss")
    at.now += 99
    answer = at.get("/")
    assert (answer.headers["x-cache"], answer.headers["age"]) == ("Hit from cloudfront", "99")
    assert len(at.cloud.fetched) == 1


def test_viewer_response_runs_on_hits_too(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    assert [at.get("/").headers["x-seen"] for _ in range(2)] == ["2", "4"]
    assert at.functions.calls[1][1]["request"]["uri"] == "/index.html"
    assert at.functions.calls[1][1]["context"]["eventType"] == "viewer-response"


def test_the_cache_knows_paths_as_rewritten(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    assert at.seen("/") == ("one", "Miss")
    assert at.seen("/index.html") == ("one", "Hit")


def test_an_expired_entry_is_revalidated(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.get("/")
    at.now += 111
    assert at.seen("/") == ("one", "RefreshHit")
    assert at.cloud.fetched[-1] == ("index.html", '"one"')
    assert at.seen("/") == ("one", "Hit")
    at.cloud.put("index.html", "two")
    at.now += 111
    assert at.seen("/") == ("two", "Miss")


def test_slow_asking_leaves_it_unaware_for_a_moment_only(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.get("/")
    at.poll_cost = 60.0
    at.edge._polled -= 1.0
    at.cloud.put("index.html", "two")
    at.cloud.pending.append(rules.Invalidation(("/*",)))
    assert at.seen("/") == ("two", "Miss")


def test_stale_while_revalidate_answers_at_once(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.get("/")
    at.cloud.put("index.html", "two")
    at.now += 105
    reading, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        reading.set()
        go_on.wait(5)

    at.cloud.while_reading = wait
    assert at.seen("/") == ("one", "Hit")
    assert reading.wait(5)
    assert at.seen("/") == ("one", "Hit")  # and no second fetch
    go_on.set()
    deadline = time.monotonic() + 5
    while at.seen("/") == ("one", "Hit") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert at.seen("/") == ("two", "Hit")
    assert len(at.cloud.fetched) == 2


def test_stale_if_error_serves_so_long_and_no_longer(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.get("/")
    at.cloud.down = True
    at.now += 120
    assert at.seen("/") == ("one", "Hit")
    fetched = len(at.cloud.fetched)
    at.now += 5
    assert at.seen("/") == ("one", "Hit")  # the origin is left alone for ten seconds
    assert len(at.cloud.fetched) == fetched
    at.now += 30
    assert at.get("/").status == 502
    at.cloud.down = False
    at.now += 11
    assert at.seen("/") == ("one", "Miss")


def test_without_the_directive_stale_serves_while_the_origin_fails(at: Setup) -> None:
    at.cloud.put("index.html", "one", "s-maxage=1")
    at.get("/")
    at.cloud.down = True
    at.now += 100_000
    assert at.seen("/") == ("one", "Hit")


def test_an_error_of_the_reader_is_not_hidden_by_a_stale_page(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.cloud.put("~errors/404.html", "no page")
    at.get("/")
    del at.cloud.objects["index.html"]
    at.now += 200
    assert at.get("/").status == 404


def test_no_store_and_private_are_not_kept(at: Setup) -> None:
    for control in ("no-store", "private"):
        at.cloud.put("index.html", "one", control)
        assert [at.seen("/")[1] for _ in range(2)] == ["Miss", "Miss"]


def test_an_error_page_is_kept_for_its_own_time_and_bears_no_tag(at: Setup) -> None:
    at.cloud.put("~errors/404.html", "no page", x_amz_meta_cache_tag="article-x")
    answer = at.get("/x/")
    assert (answer.status, answer.body, answer.headers["x-cache"]) == (404, b"no page", "Error from cloudfront")
    assert "x-seen" not in answer.headers  # viewer-response does not run
    at.cloud.put("x/index.html", "published", x_amz_meta_cache_tag="article-x")
    at.cloud.pending = [rules.Invalidation(("#article-x",))]
    assert at.get("/x/").status == 404
    at.now += 5
    assert at.seen("/x/") == ("published", "Miss")


def test_an_error_is_evicted_by_path(at: Setup) -> None:
    assert at.get("/x/").status == 403  # not even the error page is there
    at.cloud.put("x/index.html", "published")
    at.cloud.pending = [rules.Invalidation(("/x/index.html",))]
    assert at.seen("/x/") == ("published", "Miss")


def test_invalidations_take_effect_at_the_next_request(at: Setup) -> None:
    at.cloud.put("a.html", "one", x_amz_meta_cache_tag="t")
    at.cloud.put("b.html", "one")
    at.get("/a.html")
    at.get("/b.html")
    at.cloud.put("a.html", "two", x_amz_meta_cache_tag="t")
    at.cloud.put("b.html", "two")
    at.cloud.pending = [rules.Invalidation(("#t",))]
    assert at.seen("/a.html") == ("two", "Miss")
    assert at.seen("/b.html") == ("one", "Hit")


@pytest.mark.parametrize("path", ["/index.html", "/*", "#t"])
def test_an_invalidation_during_a_fetch_leaves_nothing_old(at: Setup, path: str) -> None:
    at.cloud.put("index.html", "old", x_amz_meta_cache_tag="t")

    def publish() -> None:
        at.cloud.while_reading = lambda: None
        at.cloud.put("index.html", "new", x_amz_meta_cache_tag="t")
        at.edge.invalidate([rules.Invalidation((path,))])

    at.cloud.while_reading = publish
    assert at.seen("/") == ("old", "Miss")  # read before it was replaced
    assert at.seen("/") == ("new", "Miss")
    assert at.seen("/") == ("new", "Hit")


def test_an_invalidation_of_something_else_during_a_fetch_does_not_matter(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.cloud.while_reading = lambda: at.edge.invalidate([rules.Invalidation(("/other", "#t"))])
    at.get("/")
    assert at.seen("/") == ("one", "Hit")


def test_simultaneous_requests_are_one_fetch(at: Setup) -> None:
    at.cloud.put("index.html", "one")
    at.cloud.while_reading = lambda: time.sleep(0.05)
    results: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: results.append(at.seen("/"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [("one", "Hit")] * 7 + [("one", "Miss")]
    assert len(at.cloud.fetched) == 1


def test_unreadable_invalidations_do_not_stop_the_site(at: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[rules.Invalidation]:
        raise ConnectionRefusedError

    monkeypatch.setattr(at.cloud, "invalidations", fail)
    at.cloud.put("index.html", "one")
    assert at.seen("/") == ("one", "Miss")


def test_generated_answers_skip_cache_and_viewer_response(at: Setup) -> None:
    answer = at.get("/generated")
    assert (answer.status, answer.headers["location"], answer.cookies) == (302, "/", ["c=v; Path=/"])
    assert answer.headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"
    assert at.cloud.fetched == []


def test_the_forms_of_one_entry(at: Setup) -> None:
    text = "words " * 1000
    at.cloud.put("long.html", text)
    zipped = at.get("/long.html", accept_encoding="gzip")
    assert gzip.decompress(zipped.body).decode() == text
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.headers["etag"].startswith('W/"')
    assert at.get("/long.html", if_none_match=zipped.headers["etag"]).status == 304
    plain = at.get("/long.html")
    assert (plain.body.decode(), plain.headers["vary"]) == (text, "Accept-Encoding")
    part = at.get("/long.html", range="bytes=6-10", accept_encoding="gzip")
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"words", f"bytes 6-10/{len(text)}")
    assert at.get("/long.html", range="bytes=9999999-").status == 416
    assert len(at.cloud.fetched) == 1


def test_other_methods_and_other_behaviours_are_forwarded(at: Setup) -> None:
    assert at.get("/", "POST").status == 299
    assert at.get("/_local/other").status == 404
    at.cloud.config = Distribution("E1", "d", (Behaviour("/api/*", None), at.cloud.config.behaviours[0]))
    at.edge.reload()
    assert at.get("/api/session").status == 299
    assert at.get("/apix").status == 403


def test_the_cache_has_a_bound(at: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_cache, "_CACHE_BYTES", 5_000)
    for number in range(5):
        at.cloud.put(f"{number}.html", "x" * 600)
        at.get(f"/{number}.html")
    assert at.seen("/4.html")[1] == "Hit"
    assert at.seen("/0.html")[1] == "Miss"


def test_a_function_that_fails_is_a_503(at: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, event: dict[str, Any]) -> dict[str, Any]:
        raise FunctionError("no")

    monkeypatch.setattr(at.functions, "call", fail)
    assert at.get("/").status == 503


# --- The functions' process and the server ---


def test_the_runtime_runs_modules_and_reports_what_they_throw() -> None:
    runtime = FunctionRuntime()
    try:
        code = "import crypto from 'crypto';\nasync function handler(event) { console.log('x'); return %s; }"
        runtime.load("f", code % "{a: event.b + crypto.createHash('md5').update('').digest('hex').length}")
        assert runtime.call("f", {"b": 1}) == {"a": 33}
        runtime.load("f", code % "event.no.thing")
        with pytest.raises(FunctionError, match="thing"):
            runtime.call("f", {})
        with pytest.raises(FunctionError):
            runtime.load("g", "syntax error")
        runtime.load("f", code % "{ok: true}")
        assert runtime.call("f", {}) == {"ok": True}
    finally:
        runtime.close()


@pytest.fixture
def server(at: Setup) -> Iterator[EdgeCache]:
    server = EdgeCache(0, lambda: at.cloud).start()
    yield server
    server.stop()


def test_the_server_keeps_connections_and_paths_as_they_are(server: EdgeCache) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        for path in ["/", "//a//b/../%7e", "/\\x", "/a?b//c"]:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.read().decode() == path.split("?")[0] + "GET"
        connection.request("HEAD", "/")
        answer = connection.getresponse()
        assert (answer.headers["content-length"], answer.read()) == ("5", b"")
        connection.request("POST", "/", body=b"given")
        assert connection.getresponse().read() == b"given"
        connection.request("POST", "/", headers={"transfer-encoding": "chunked"})
        assert connection.getresponse().status == 411
    finally:
        connection.close()


def test_the_server_frees_its_port(at: Setup) -> None:
    first = EdgeCache(0, lambda: at.cloud).start()
    with pytest.raises(OSError, match="in use"):
        EdgeCache(first.port, lambda: at.cloud).start()
    first.stop()
    EdgeCache(first.port, lambda: at.cloud).start().stop()
