"""The edge functions, run unchanged in two engines: Node, and njs, on which CloudFront's runtime is based.

All cases of a test run in one process. The engines' clock is fixed at NOW.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightdesk.domain import tokens as domain
from nightdesk.domain.old_addresses import is_plain, old_address
from nightdesk.domain.path_owners import owner_of
from nightdesk_local.edge_runtime import node_binary
from nightdesk_local.layers import edge_fragment
from support.effort import examples

EDGE = Path(__file__).resolve().parents[2] / "functions" / "edge"
NOW = 1_800_000_000
OLD_KEY, NEW_KEY = "o" * 48, "N" * 48
KEYS = {"1": OLD_KEY, "2": NEW_KEY}
MISSING = "/~missing"

Event = dict[str, Any]
Run = Callable[[list[Event]], list[Any]]

DRIVER = """
Date.now = () => %d;
const results = JSON.parse(fs.readFileSync(%s).toString()).map(event => {
    try {
        return handler(event);
    } catch (error) {
        return {thrown: String(error)};
    }
});
fs.writeFileSync(%s, JSON.stringify(results)); // njs truncates its output at 2 KB
"""


def engine_command(name: str) -> list[str]:
    """Return the command that runs a module in an engine. Skips the test if the engine is not installed."""
    if name == "node":
        return [str(node_binary())]
    binary = os.environ.get("NJS") or shutil.which("njs")
    if not binary:
        pytest.skip("njs is not installed (apt-get install njs, or set NJS to the binary)")
    return [binary]


def runner(engine: str, function: str, folder: Path, keys: dict[str, str] | None = None) -> Run:
    """Prepare a function for an engine. The result maps a list of events to the function's answers."""
    code = (EDGE / function).read_text("utf-8")
    if keys is not None:
        code, replaced = re.subn(r"^const KEYS = .*$", f"const KEYS = {json.dumps(keys)};", code, flags=re.M)
        assert replaced == 1
    script = folder / f"{engine}_{Path(function).stem}.mjs"
    asked, answered = script.with_suffix(".events.json"), script.with_suffix(".answers.json")
    driver = DRIVER % (NOW * 1000, json.dumps(str(asked)), json.dumps(str(answered)))
    script.write_text("import fs from 'fs';\n" + code + driver, "utf-8")
    command = [*engine_command(engine), str(script)]

    def run(events: list[Event]) -> list[Any]:
        asked.write_text(json.dumps(events), "utf-8")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        results = json.loads(answered.read_text("utf-8"))
        assert not [result for result in results if "thrown" in result]
        return results

    return run


@pytest.fixture(scope="module", params=["node", "njs"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def viewer_request(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runner(engine, "viewer_request.js", tmp_path_factory.mktemp("edge"), KEYS)


@pytest.fixture(scope="module")
def viewer_response(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runner(engine, "viewer_response.js", tmp_path_factory.mktemp("edge"))


# --- Tokens as specified, independent of the code under test ---


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign_bytes(payload: bytes, kid: str = "1", key: str = OLD_KEY) -> str:
    signed = f"{kid}.{base64url(payload)}"
    return f"{signed}.{base64url(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def sign(claims: object, kid: str = "1", key: str = OLD_KEY) -> str:
    return sign_bytes(json.dumps(claims).encode(), kid, key)


def claims(tier: object = "member", expires: object = NOW + 600, **more: object) -> dict[str, object]:
    return {"t": tier, "s": "reader-1", "e": expires, **more}


GOOD = sign(claims())


def event(
    uri: str,
    *cookies: str,
    method: str = "GET",
    query: dict[str, list[str]] | None = None,
    others: dict[str, list[str]] | None = None,
    **more: object,
) -> Event:
    def field(values: list[str]) -> Event:
        many = {"multiValue": [{"value": value} for value in values]} if len(values) > 1 else {}
        return {"value": values[0], **many}

    request: Event = {
        "method": method,
        "uri": uri,
        "querystring": {name: field(values) for name, values in (query or {}).items()},
        "headers": {"host": {"value": "example.org"}},
        "cookies": {
            **({"__Host-session": field(list(cookies))} if cookies else {}),
            **{name: field(values) for name, values in (others or {}).items()},
        },
    }
    return {"version": "1.0", "context": {}, "viewer": {"ip": "192.0.2.1"}, "request": request, **more}


# --- The source ---


@pytest.mark.parametrize("name", ["viewer_request.js", "viewer_response.js", "api_request.js"])
def test_source_fits_cloudfront_and_a_sub(name: str) -> None:
    code = (EDGE / name).read_text("utf-8")
    built = edge_fragment(code)["Fn::Sub"]
    assert len(built.encode()) < 9_700  # CloudFront's limit is 10 KB, and the deployment inserts the keys
    assert code.isascii()
    assert "${" not in code
    assert "`" not in code
    assert "{{" not in code


def test_source_has_a_placeholder_for_each_key() -> None:
    code = (EDGE / "viewer_request.js").read_text("utf-8")
    assert code.count("@@EDGE_KEY") == 2
    assert 'const KEYS = {"1": "@@EDGE_KEY@@", "2": "@@EDGE_KEY_2@@"};' in code


# --- Paths ---

CANONICAL = {
    "/": "/index.html",
    "/topics/": "/topics/index.html",
    "/topics/war/2026/11/": "/topics/war/2026/11/index.html",
    "/feed.xml": "/feed.xml",
    "/topics/war/feed.xml": "/topics/war/feed.xml",
    "/updates/latest.json": "/updates/latest.json",
    "/assets/site.0a1b2c.css": "/assets/site.0a1b2c.css",
    "/.well-known/security.txt": "/.well-known/security.txt",
    "/articles/": "/articles/index.html",
    "/articles/a-b/": "/articles/a-b/~public/index.html",
    "/articles/a-b/map.svg": "/articles/a-b/~public/map.svg",
    "/signin/": "/signin/index.html",
}

REFUSED = [
    "",
    "*",
    "articles/x/",
    "//",
    "//articles/x/",
    "/articles//x/",
    "/articles/x//",
    "/articles/x//~member/",
    "/articles/x/~member/",
    "/articles/x/~member",
    "/articles/x/~member/index.html",
    "/articles/x/~Member/",
    "/articles/~member/x/",
    "/~errors/404.html",
    "/~missing",
    "/~",
    "/articles/x/%7Emember/",
    "/articles/x/%7emember/index.html",
    "/articles/x/%257Emember/",
    "/articles/x/%25257emember/",
    "/articles/x%2F~member%2Findex.html",
    "/articles/x/%2e%2e/x/~member/",
    "/articles%2fx%2f",
    "/articles/x/./",
    "/articles/x/.",
    "/articles/x/..",
    "/articles/../articles/x/",
    "/articles/x/../x/map.svg",
    "/./feed.xml",
    "/../feed.xml",
    "/ARTICLES/x/",
    "/Articles/x/",
    "/articles/X/",
    "/FEED.xml",
    "\\articles\\x\\",
    "/articles\\x\\~member\\",
    "/articles/x\\~member/",
    "/articles/x/%5c~member/",
    "/articles/x/;/~member/",
    "/articles/x/\u02dcmember/",
    "/articles/x/\uff5emember/",
    "/articles/x/\u223cmember/",
    "/articles/x/%C0%FEmember/",
    "/articles/x/%ff%fe",
    "/articles/x/\x00",
    "/articles/x/%00",
    "/articles/x/map.svg\x00.html",
    "/articles/x/ ",
    "/articles/x/\n",
    "/articles/x/\r\nx: y",
    "/feed.xml\n",
    "/articles/x/\t",
    "/articles/x/?",
    "/articles/x/#",
    "/articles/x/*",
    "/articles/x/+",
    "/articles/\u0131/",
    "/articles/\u212aate/",
    "/index.html",
    "/articles/x/index.html",
    "/topics/index.html",
    "/index.html%00",
    "/http://example.org/",
    "/" + "a" * 1024 + "/",
    "/" + "a/" * 100_000,
    "/" + "%7e" * 100_000,
]


def test_canonical_paths_name_their_object(viewer_request: Run) -> None:
    results = viewer_request([event(path) for path in CANONICAL])
    assert {path: result["uri"] for path, result in zip(CANONICAL, results, strict=True)} == CANONICAL


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_any_other_spelling_is_missing(viewer_request: Run, method: str) -> None:
    results = viewer_request([event(path, GOOD, method=method) for path in REFUSED])
    wrong = {path[:60]: r.get("uri") for path, r in zip(REFUSED, results, strict=True) if not leads_nowhere(r, method)}
    assert wrong == {}


def leads_nowhere(result: Event, method: str = "GET") -> bool:
    """Return True for a key that no object has, or below /~old/, where there are only redirects."""
    key = result.get("uri", "")
    return key == MISSING or (method in ("GET", "HEAD") and OLD_KEY_FORM.fullmatch(key) is not None)


OLD_KEY_FORM = re.compile(r"/~old(/(?!\.{1,2}(/|$))([a-z0-9._-]|~[0-9a-f]{2})+)*")


def test_old_addresses_are_found_in_any_spelling(viewer_request: Run) -> None:
    cases: dict[tuple[str, str], str] = {
        ("/2019/Old_Name.html", ""): "/~old/2019/old_name.html",
        ("/2019/OLD%5FName.HTML", ""): "/~old/2019/old_name.html",
        ("/Old-Name", "utm_source=x"): "/~old/old-name/index.html",
        ("/caf%C3%A9/", ""): "/~old/caf~c3~a9/index.html",
        ("/CAF%C3%89", ""): "/~old/caf~c3~a9/index.html",
        ("/a%20b%2Bc/", ""): "/~old/a~20b~2bc/index.html",
        ("/old/index.html", ""): "/~old/old/index.html",
        ("/", "p=12"): "/~old/~3fp~3d12",
        ("/", "utm_source=x&P=12&cat=3"): "/~old/~3fp~3d12",
        ("/index.php", "page_id=7"): "/~old/index.php~3fpage_id~3d7",
        ("/show.asp", "b=2&a=1&utm_medium=y"): "/~old/show.asp~3fa~3d1~26b~3d2",
        ("/story", "id=7"): "/~old/story/~3fid~3d7",
        ("/articles/2011/storm/", ""): "/~old/articles/2011/storm/index.html",
        ("/articles/Old_Name/", ""): "/~old/articles/old_name/index.html",
        ("/articles/old_name/", ""): "/~old/articles/old_name/index.html",
        ("/articles/storm.html", ""): "/~old/articles/storm.html",
        ("/archive/Storm.html", ""): "/~old/archive/storm.html",
    }
    kept: dict[tuple[str, str], str] = {
        ("/", "utm_source=x&ref=12"): "/index.html",
        ("/", "p="): "/index.html",
        ("/search/", "q=p&id=3"): "/search/index.html",
        ("/feed.xml", "id=3"): "/feed.xml",
        ("/articles/a-b/", "id=3"): "/articles/a-b/~public/index.html",
        ("/membership/", "id=3"): "/membership/index.html",
        ("/old.html", "utm_source=x"): "/old.html",
        ("/a%zz/", ""): MISSING,
        ("/a%ff/", ""): MISSING,
        ("/Topics/", ""): MISSING,
        ("/Preview/x/", ""): MISSING,
        ("/" + "%C3%A9" * 200, ""): MISSING,
    }
    events = [
        event(path, query={n: [v] for n, _, v in (pair.partition("=") for pair in query.split("&") if pair)})
        for path, query in [*cases, *kept]
    ]
    results = viewer_request(events)
    assert {given: r["uri"] for given, r in zip([*cases, *kept], results, strict=True)} == {**cases, **kept}
    for (path, query), key in cases.items():
        assert "/~old" + old_address(f"{path}?{query}") in (key, key.removesuffix("index.html")), path


addresses = st.text(
    st.characters(max_codepoint=0x2FF, exclude_characters="\u0130", categories=("L", "N", "P", "Zs")), max_size=30
)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(
        st.tuples(addresses, st.sampled_from(["", "?p=1", "?ID=A%20b&x=1", "?x=1"])), min_size=30, max_size=60
    )
)
def test_edge_and_domain_spell_old_addresses_alike(viewer_request: Run, paths: list[tuple[str, str]]) -> None:
    spelled = [("/" + quote(unicodedata.normalize("NFC", text), safe="/%"), query) for text, query in paths]
    events = [
        event(path, query={n: [v] for n, _, v in (pair.partition("=") for pair in query[1:].split("&") if pair)})
        for path, query in spelled
    ]
    for (path, query), result in zip(spelled, viewer_request(events), strict=True):
        address = old_address(path + query)
        if result.get("uri", "").startswith("/~old"):
            assert result["uri"].removesuffix("index.html") == "/~old" + address, path
        elif result.get("uri") == MISSING:
            assert not address or not is_plain(address) or owner_of(address) or path != address, path


def test_a_page_without_its_slash_is_redirected(viewer_request: Run) -> None:
    cases = {
        ("/topics",): "/topics/",
        ("/articles/a-b",): "/articles/a-b/",
        ("/articles/a-b/more",): "/articles/a-b/more/",
        ("/search", "q", "a%20b"): "/search/?q=a%20b",
        ("/search", "q", "a+b", "x", "1"): "/search/?q=a+b&x=1",
        ("/search", "q", "a\r\nset-cookie: x=y"): "/search/",
        ("/search", "q", 'a"b'): "/search/",
        ("/signin", "session", GOOD): f"/signin/?session={GOOD}",
    }
    events = [event(p, query={n: [v] for n, v in zip(rest[::2], rest[1::2], strict=True)}) for p, *rest in cases]
    results = viewer_request(events)
    assert [r["headers"]["location"]["value"] for r in results] == list(cases.values())
    assert {r["statusCode"] for r in results} == {301}
    assert not any("cookies" in r for r in results)


def test_cookies_and_query_do_not_reach_the_cache(viewer_request: Run) -> None:
    paths = ["/", "/feed.xml", "/articles/x/", "/articles/x/~member/"]
    for result in viewer_request([event(path, GOOD, query={"utm": ["1"]}) for path in paths]):
        assert result["cookies"] == {}
        assert result["querystring"] == {}


def test_other_methods_are_left_alone(viewer_request: Run) -> None:
    given_event = event("/articles/x/", GOOD, method="POST", query={"a": ["1"]})
    assert viewer_request([given_event]) == [given_event["request"]]


def test_an_event_without_cookies_or_query_is_fine(viewer_request: Run) -> None:
    bare = {"request": {"method": "GET", "uri": "/articles/x/", "headers": {}}}
    assert viewer_request([bare])[0]["uri"] == "/articles/x/~public/index.html"


any_path = st.one_of(
    st.text(max_size=40).map(lambda text: "/" + text),
    st.lists(
        st.sampled_from(["articles", "x", "~member", "~", "..", ".", "", "%7e", "index.html", "A", "\\", "a.b"]),
        max_size=7,
    ).map(lambda parts: "/" + "/".join(parts)),
)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.lists(any_path, min_size=30, max_size=60))
def test_no_path_reaches_an_internal_key(viewer_request: Run, paths: list[str]) -> None:
    public = re.compile(r"(/(?!\.\.?/)[a-z0-9._-]+)+\Z")
    variant = re.compile(r"/articles/[a-z0-9._-]+/~public(/(?!\.\.?/)[a-z0-9._-]+)+\Z")
    for path, result in zip(paths, viewer_request([event(path) for path in paths]), strict=True):
        if "statusCode" in result:
            assert result["statusCode"] == 301
            assert re.fullmatch(r"(/[a-z0-9._-]+)+/", result["headers"]["location"]["value"]), path
        else:
            uri = result["uri"]
            assert leads_nowhere(result) or public.match(uri) or variant.match(uri), (path, uri)


# --- The session ---

TIER_OF_COOKIE: dict[str, tuple[list[str], str]] = {
    "none": ([], "public"),
    "valid": ([GOOD], "member"),
    "valid, other tier": ([sign(claims("subscriber"))], "subscriber"),
    "valid, second live key": ([sign(claims(), "2", NEW_KEY)], "member"),
    "valid, expires in a second": ([sign(claims(expires=NOW + 1))], "member"),
    "valid, more claims": ([sign(claims(x=1))], "member"),
    "valid, longest tier": ([sign(claims("a" * 32))], "a" * 32),
    "valid, bound to this path": ([sign(claims(p="/articles/x/"))], "member"),
    "bound to another path": ([sign(claims(p="/articles/y/"))], "public"),
    "bound to a prefix": ([sign(claims(p="/articles/"))], "public"),
    "bound to null": ([sign(claims(p=None))], "public"),
    "bound to an empty path": ([sign(claims(p=""))], "public"),
    "bound to a list": ([sign(claims(p=["/articles/x/"]))], "public"),
    "expires now": ([sign(claims(expires=NOW))], "public"),
    "expired": ([sign(claims(expires=NOW - 1))], "public"),
    "expiry in milliseconds in the past": ([sign(claims(expires=0))], "public"),
    "expires at the latest": ([sign(claims(expires=NOW + 3900))], "member"),
    "lifetime too long": ([sign(claims(expires=NOW + 3901))], "public"),
    "of the year 5138": ([sign(claims(expires=10**11))], "public"),
    "expiry negative": ([sign(claims(expires=-NOW))], "public"),
    "expiry fraction": ([sign(claims(expires=NOW + 0.5))], "public"),
    "expiry text": ([sign(claims(expires=str(NOW + 600)))], "public"),
    "expiry true": ([sign(claims(expires=True))], "public"),
    "expiry null": ([sign(claims(expires=None))], "public"),
    "expiry list": ([sign(claims(expires=[NOW + 600]))], "public"),
    "expiry infinite": ([sign_bytes(b'{"t":"member","s":"r","e":1e999}')], "public"),
    "no expiry": ([sign({"t": "member", "s": "r"})], "public"),
    "no subject": ([sign({"t": "member", "e": NOW + 600})], "public"),
    "subject a number": ([sign({"t": "member", "s": 7, "e": NOW + 600})], "public"),
    "no tier": ([sign({"s": "r", "e": NOW + 600})], "public"),
    "tier with capitals": ([sign(claims("Member"))], "public"),
    "tier with a slash": ([sign(claims("../member"))], "public"),
    "tier with a tilde": ([sign(claims("~member"))], "public"),
    "tier with a newline": ([sign(claims("member\n"))], "public"),
    "tier too long": ([sign(claims("a" * 33))], "public"),
    "tier empty": ([sign(claims(""))], "public"),
    "tier begins with a digit": ([sign(claims("1a"))], "public"),
    "tier a list": ([sign(claims(["member"]))], "public"),
    "tier null": ([sign(claims(None))], "public"),
    "payload null": ([sign(None)], "public"),
    "payload list": ([sign([claims()])], "public"),
    "payload text": ([sign("member")], "public"),
    "payload not JSON": ([sign_bytes(b"member")], "public"),
    "payload not UTF-8": ([sign_bytes(b'{"t":"member","s":"\xff\xfe","e":%d' % (NOW + 600))], "public"),
    "payload cut": ([sign_bytes(json.dumps(claims()).encode()[:-1])], "public"),
    "payload empty": ([sign_bytes(b"")], "public"),
    "forged: other key": ([sign(claims(), "1", "f" * 48)], "public"),
    "forged: empty key": ([sign(claims(), "1", "")], "public"),
    "forged: the other kid's key": ([sign(claims(), "2", OLD_KEY)], "public"),
    "forged: payload swapped": ([f"1.{base64url(json.dumps(claims('boss')).encode())}.{GOOD.split('.')[2]}"], "public"),
    "forged: kid swapped": (["2" + GOOD[1:]], "public"),
    "forged: last character": ([GOOD[:-1] + ("A" if GOOD[-1] != "A" else "B")], "public"),
    "forged: signature zeros": ([GOOD[:-43] + "A" * 43], "public"),
    "unknown kid": ([sign(claims(), "3", OLD_KEY)], "public"),
    "kid empty": ([sign(claims(), "", OLD_KEY)], "public"),
    "kid of the prototype": ([sign(claims(), "constructor", "")], "public"),
    "kid __proto__": ([sign(claims(), "__proto__", "")], "public"),
    "kid toString": ([sign(claims(), "toString", "function")], "public"),
    "truncated: no signature": ([GOOD.rsplit(".", 1)[0]], "public"),
    "truncated: empty signature": ([GOOD.rsplit(".", 1)[0] + "."], "public"),
    "truncated: half a signature": ([GOOD[:-20]], "public"),
    "truncated: one letter less": ([GOOD[:-1]], "public"),
    "too long: one letter more": ([GOOD + "A"], "public"),
    "padded": ([GOOD + "="], "public"),
    "in quotes": ([f'"{GOOD}"'], "public"),
    "with a space": ([GOOD + " "], "public"),
    "with a newline": ([GOOD + "\n"], "public"),
    "four parts": ([GOOD + ".x"], "public"),
    "percent-encoded": ([GOOD.replace(".", "%2E")], "public"),
    "standard base64": ([GOOD.replace("-", "+").replace("_", "/") + "+/"], "public"),
    "empty": ([""], "public"),
    "dots": ([".."], "public"),
    "more dots": (["." * 1000], "public"),
    "not ASCII": (["1.\u00e9.\ud83d\ude00"], "public"),
    "huge": (["A" * 1_000_000], "public"),
    "huge and signed": ([sign(claims(x="y" * 4000))], "public"),
    "JWT with alg none": (["eyJhbGciOiJub25lIn0.eyJ0IjoibWVtYmVyIn0."], "public"),
    "twice the same": ([GOOD, GOOD], "member"),
    "planted before": (["junk", GOOD], "member"),
    "planted after": ([GOOD, "junk"], "member"),
    "planted forgery before": ([sign(claims("boss"), "1", "f" * 48), GOOD], "member"),
    "planted expired before": ([sign(claims("boss", NOW - 1)), GOOD], "member"),
    "first of two valid": ([sign(claims("subscriber")), GOOD], "subscriber"),
    "bound elsewhere, then valid": ([sign(claims("boss", p="/articles/y/")), GOOD], "member"),
    "all bad": (["junk", GOOD[:-1], ""], "public"),
    "a thousand malformed, then valid": (["junk"] * 1000 + [GOOD], "member"),
    "more signatures than we compute": ([sign(claims(), "1", "f" * 48)] * 8 + [GOOD], "public"),
}


def test_the_cookie_decides_the_variant(viewer_request: Run) -> None:
    results = viewer_request([event("/articles/x/", *cookies) for cookies, _ in TIER_OF_COOKIE.values()])
    got = {name: result["uri"].split("/")[3] for name, result in zip(TIER_OF_COOKIE, results, strict=True)}
    assert got == {name: "~" + tier for name, (_, tier) in TIER_OF_COOKIE.items()}
    assert {result["uri"].split("/")[4] for result in results} == {"index.html"}


def test_only_the_session_cookie_counts(viewer_request: Run) -> None:
    other = event("/articles/x/")
    other["request"]["cookies"] = {"session": {"value": GOOD}, "__host-session": {"value": GOOD}}
    assert viewer_request([other])[0]["uri"] == "/articles/x/~public/index.html"


def test_a_bound_token_opens_its_article_and_its_files_only(viewer_request: Run) -> None:
    token = sign(claims(p="/articles/x/"))
    paths = ["/articles/x/", "/articles/x/map.svg", "/articles/xx/", "/articles/y/", "/articles/x-y/"]
    tiers = [result["uri"].split("/")[3] for result in viewer_request([event(path, token) for path in paths])]
    assert tiers == ["~member", "~member", "~public", "~public", "~public"]


@pytest.mark.parametrize(
    "secret", ["@@EDGE_KEY@@", "{{resolve:secretsmanager:EdgeKey:SecretString:::}}", "", "short", "x" * 31]
)
def test_a_placeholder_is_never_used_as_a_key(engine: str, tmp_path: Path, secret: str) -> None:
    run = runner(engine, "viewer_request.js", tmp_path, {"1": secret})
    assert run([event("/articles/x/", sign(claims(), "1", secret))])[0]["uri"] == "/articles/x/~public/index.html"


def valid_claims(token: str, path: str) -> dict[str, Any] | None:
    """Return the claims of a token if it is valid as specified."""
    match = re.fullmatch(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", token)
    if not match or len(token) > 1024 or match[1] not in KEYS:
        return None
    good = base64url(hmac.new(KEYS[match[1]].encode(), f"{match[1]}.{match[2]}".encode(), hashlib.sha256).digest())
    if not hmac.compare_digest(good, match[3]):
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4)))
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("t"), str) or not isinstance(found.get("s"), str):
        return None
    if (
        not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", found["t"])
        or type(found.get("e")) is not int
        or not NOW < found["e"] <= NOW + 3900
    ):
        return None
    return found if "p" not in found or found["p"] == path else None


some_claims = st.fixed_dictionaries(
    {
        "t": st.one_of(
            st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True),
            st.just("preview"),
            st.text(max_size=4),
            st.integers(),
        ),
        "s": st.one_of(st.text(max_size=40), st.none()),
        "e": st.one_of(
            st.integers(NOW - 2, NOW + 2),
            st.integers(NOW + 3898, NOW + 3902),
            st.integers(0, 2**40),
            st.text(max_size=3),
        ),
    },
    optional={"p": st.sampled_from(["/articles/x/", "/articles/y/", "/", ""])},
)


@st.composite
def some_token(draw: st.DrawFn) -> str:
    kid = draw(st.sampled_from(["1", "2", "3"]))
    key = draw(st.sampled_from([OLD_KEY, OLD_KEY, NEW_KEY]))
    token = sign(draw(some_claims), kid, key)
    if draw(st.integers(0, 3)) == 0:
        position = draw(st.integers(0, len(token) - 1))
        token = token[:position] + draw(st.sampled_from("AZaz09-_.=%")) + token[position + 1 :]
    return token


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tokens=st.lists(some_token(), min_size=30, max_size=60))
def test_engines_agree_with_the_definition_of_a_token(viewer_request: Run, tokens: list[str]) -> None:
    results = viewer_request([event("/articles/x/", token) for token in tokens])
    for token, result in zip(tokens, results, strict=True):
        found = valid_claims(token, "/articles/x/")
        # The domain checks less: the edge also checks the claims' types and the path.
        assert found is None or found == domain.verify(token, KEYS, NOW)
        assert result["uri"] == f"/articles/x/~{found['t'] if found else 'public'}/index.html", token


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_claims=st.lists(
        st.fixed_dictionaries(
            {
                "t": st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True),
                "s": st.text(st.characters(codec="utf-8"), max_size=40),
                "e": st.integers(NOW + 1, NOW + 3600),
            }
        ),
        min_size=20,
        max_size=40,
    )
)
def test_engines_accept_what_the_domain_signs(viewer_request: Run, given_claims: list[dict[str, Any]]) -> None:
    events = [event("/articles/x/", domain.sign(claims, "2", NEW_KEY)) for claims in given_claims]
    for expected, result in zip(given_claims, viewer_request(events), strict=True):
        assert result["uri"] == f"/articles/x/~{expected['t']}/index.html"


# --- Sign-in links ---


def landing(session: list[str], return_to: list[str] | None = None) -> Event:
    return event("/signin/", query={"session": session, **({"return_to": return_to} if return_to else {})})


LINK = sign(claims(p="/signin/", g=3))


def test_a_sign_in_link_becomes_a_session_and_leaves_the_url(viewer_request: Run) -> None:
    result = viewer_request([landing([LINK])])[0]
    assert result["statusCode"] == 302
    assert result["headers"]["location"]["value"] == "/"
    assert result["headers"]["cache-control"]["value"] == "no-store"
    assert result["headers"]["referrer-policy"]["value"] == "no-referrer"
    [(name, cookie)] = result["cookies"].items()
    assert (name, cookie["attributes"]) == ("__Host-session", "Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=600")
    # The link's token is bound to the page, so the session is a new token with the same claims.
    assert domain.verify(cookie["value"], KEYS, NOW) == {**claims(), "g": 3}


def test_a_link_of_the_second_key_becomes_a_session_of_that_key(viewer_request: Run) -> None:
    result = viewer_request([landing([sign(claims(p="/signin/"), "2", NEW_KEY)])])[0]
    assert domain.verify(result["cookies"]["__Host-session"]["value"], {"2": NEW_KEY}, NOW) == claims()


def test_an_invalid_sign_in_link_leads_home_without_a_cookie(viewer_request: Run) -> None:
    bad = [[""], ["junk"], [LINK[:-1]], [sign(claims(expires=NOW, p="/signin/"))], ["A" * 100_000]]
    # A session token is not accepted as a link, so an attacker cannot sign a reader in to another account.
    bad += [[GOOD], [sign(claims(p="/articles/x/"))], [sign(claims(p="/preview/x/"))]]
    for result in viewer_request([landing(session, ["/topics/"]) for session in bad]):
        assert result["statusCode"] == 302
        assert result["headers"]["location"]["value"] == "/"
        assert "cookies" not in result


def test_return_to_leads_to_canonical_local_paths_only(viewer_request: Run) -> None:
    kept = {
        "/": "/",
        "/topics/war/": "/topics/war/",
        "/articles/x": "/articles/x",
        "%2Farticles%2Fx%2F": "/articles/x/",
        "/%2farticles/": "/",
    }
    refused = [
        "",
        "articles/x/",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/%2fevil.example/",
        "/%2Fevil.example/",
        "%2F%2Fevil.example/",
        "/%252fevil.example/",
        "/%5cevil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "/\r\nset-cookie: a=b",
        "/%0d%0aset-cookie:%20a=b",
        "/.//evil.example/",
        "/..//evil.example/",
        "/../",
        "/articles/x/../",
        "/@evil.example/",
        "javascript:alert(1)",
        "/articles/X/",
        "/articles/x/~member/",
        "/articles/x/index.html",
        "/articles/x/?a=b",
        "/articles/x/#a",
        "/topics/\n",
        " /topics/",
        "/" + "a" * 2000,
    ]
    expected = [*kept.values(), *["/"] * len(refused)]
    results = viewer_request([landing([LINK], [target]) for target in [*kept, *refused]])
    assert [result["headers"]["location"]["value"] for result in results] == expected


def test_sign_in_without_a_session_is_the_page(viewer_request: Run) -> None:
    results = viewer_request([event("/signin/"), event("/signin/", query={"return_to": ["/topics/"]})])
    assert [result["uri"] for result in results] == ["/signin/index.html"] * 2


# --- Gift and preview links ---

GIFT = sign(claims(p="/articles/x/"))
SEEN = sign(claims(p="/preview/x/"))
SCOPES = {"gift": "/articles/x/", "preview": "/preview/x/"}
ID = "a" * 43
RENEWAL = "0123456789abcdef" * 2 + "." + "s" * 43


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("kind", "token"), [("gift", GIFT), ("preview", SEEN)])
def test_a_link_becomes_a_cookie_for_its_path_and_leaves_the_url(
    viewer_request: Run, method: str, kind: str, token: str
) -> None:
    scope = SCOPES[kind]
    for path in (scope, f"{scope}map.svg"):
        [result] = viewer_request([event(path, method=method, query={kind: [token], "utm": ["1"]})])
        assert result["statusCode"] == 302
        assert result["headers"]["location"]["value"] == f"{path}?utm=1"
        assert result["headers"]["referrer-policy"]["value"] == "no-referrer"
        assert result["headers"]["cache-control"]["value"] == "no-store"
        attributes = f"Path={scope}; HttpOnly; Secure; SameSite=Lax; Max-Age=600"
        assert result["cookies"] == {f"__Secure-{kind}": {"value": token, "attributes": attributes}}


@pytest.mark.parametrize("kind", ["gift", "preview"])
def test_an_invalid_token_leaves_the_url_and_sets_no_cookie(viewer_request: Run, kind: str) -> None:
    scope, good = SCOPES[kind], {"gift": GIFT, "preview": SEEN}[kind]
    bad = [
        "", "junk", good[:-1], good + "A", sign(claims(p=scope.replace("x", "y"))), sign(claims(expires=NOW, p=scope)),
        sign(claims(expires=NOW + 10**6, p=scope)), sign(claims(p=scope), "1", "f" * 48), GOOD, LINK,
        {"gift": SEEN, "preview": GIFT}[kind], sign(claims(p="/")), "A" * 100_000, "a" * 42, "a" * 44, "a" * 42 + "/",
        "../" * 14 + "a", "eyJhbGciOiJub25lIn0.eyJ0IjoibWVtYmVyIn0.",
    ]  # fmt: skip
    for result in viewer_request([event(scope, query={kind: [token]}) for token in bad]):
        assert result["statusCode"] == 302
        assert result["headers"]["location"]["value"] == scope
        assert "cookies" not in result


def test_an_id_is_exchanged_by_the_api(viewer_request: Run) -> None:
    results = viewer_request([event(scope, GOOD, query={kind: [ID]}) for kind, scope in SCOPES.items()])
    assert [result["headers"]["location"]["value"] for result in results] == [f"/api/gift/{ID}", f"/api/preview/{ID}"]
    assert not any("cookies" in result for result in results)


def test_a_campaign_is_not_lost_on_the_way(viewer_request: Run) -> None:
    """Redirects of links and renewals keep the query, less what belongs to the site."""
    extra = {"utm_source": ["mail"], "a": ["1", "b%20c"], "return_to": ["/x/"], "bad": ["<"]}
    rest = "utm_source=mail&a=1&a=b%20c"
    exchanged, landed, renewed, seen = viewer_request(
        [
            event("/articles/x/", query={"gift": [ID], **extra}),
            event("/articles/x/", query={**extra, "gift": [GIFT]}),
            event("/articles/x/", GOOD, query={"renewed": ["1"], **extra}),
            event(SCOPES["preview"], query={**extra, "preview": [SEEN]}),
        ]
    )
    assert exchanged["headers"]["location"]["value"] == f"/api/gift/{ID}?{rest}"
    assert landed["headers"]["location"]["value"] == f"/articles/x/?{rest}"
    assert renewed["headers"]["location"]["value"] == f"/articles/x/?{rest}"
    assert seen["headers"]["location"]["value"] == f"{SCOPES['preview']}?{rest}"


def test_a_link_has_no_effect_on_other_paths(viewer_request: Run) -> None:
    paths = {"/": "/index.html", "/topics/x/": "/topics/x/index.html", "/feed.xml": "/feed.xml"}
    events = [event(path, query={"gift": [GIFT], "preview": [SEEN]}) for path in paths]
    assert [result["uri"] for result in viewer_request(events)] == list(paths.values())
    [swapped] = viewer_request([event("/articles/x/", query={"preview": [ID]})])
    assert swapped["uri"] == "/articles/x/~public/index.html"


def test_a_gift_opens_its_article(viewer_request: Run) -> None:
    def variant(*session: str, path: str = "/articles/x/", gift: list[str]) -> Event:
        return event(path, *session, others={"__Secure-gift": gift})

    subscriber = sign(claims("subscriber"))
    cases = [
        (variant(gift=[GIFT]), "member"),
        (variant(subscriber, gift=[GIFT]), "member"),
        (variant(subscriber, gift=["junk"]), "subscriber"),
        (variant(gift=[GIFT[:-1]]), "public"),
        (variant(gift=[SEEN]), "public"),
        (variant(subscriber, gift=["junk"] * 9 + [GIFT]), "member"),
        (variant(subscriber, gift=[sign(claims(p="/articles/x/"), "1", "f" * 48)] * 9), "subscriber"),
        (variant(path="/articles/y/", gift=[GIFT]), "public"),
        (variant(path="/articles/x/map.svg", gift=[GIFT]), "member"),
    ]
    results = viewer_request([given_event for given_event, _ in cases])
    assert [result["uri"].split("/")[3] for result in results] == [f"~{tier}" for _, tier in cases]
    assert all(result["cookies"] == {} and result["querystring"] == {} for result in results)


def test_a_preview_requires_its_own_token(viewer_request: Run) -> None:
    def asked(path: str, *session: str, preview: list[str] | None = None) -> Event:
        return event(
            path, *session, others={"__Secure-preview": preview or [], "__Host-renew": [RENEWAL]} if preview else {}
        )

    cases = [
        (asked("/preview/x/", preview=[SEEN]), "/preview/x/index.html"),
        (asked("/preview/x/map.0a.svg", preview=[SEEN]), "/preview/x/map.0a.svg"),
        (asked("/preview/x/", preview=["junk", SEEN]), "/preview/x/index.html"),
        (asked("/preview/y/", preview=[SEEN]), MISSING),
        (asked("/preview/", preview=[SEEN]), MISSING),
        (asked("/preview/x.html", preview=[SEEN]), MISSING),
        (asked("/preview/x/", preview=[GIFT]), MISSING),
        (asked("/preview/x/", preview=[GOOD]), MISSING),
        (asked("/preview/x/", preview=[LINK]), MISSING),
        (asked("/preview/x/", preview=[SEEN[:-1]]), MISSING),
        (asked("/preview/x/", GOOD), MISSING),
        (asked("/preview/x/", SEEN), MISSING),
        (asked("/preview/x/~preview/", preview=[SEEN]), MISSING),
    ]
    results = viewer_request([given_event for given_event, _ in cases])
    assert [result["uri"] for result in results] == [uri for _, uri in cases]
    assert all(result["cookies"] == {} and result["querystring"] == {} for result in results)


# --- Renewal ---

RENEW = {"__Host-renew": [RENEWAL]}


@pytest.mark.parametrize("session", [[], [sign(claims(expires=NOW))], ["junk"], [sign(claims(), "1", "f" * 48)]])
def test_a_renewable_reader_is_redirected_to_the_api(viewer_request: Run, session: list[str]) -> None:
    for path in ("/articles/x/", "/articles/x/map.svg"):
        [result] = viewer_request([event(path, *session, others=RENEW, query={"utm": ["1"]})])
        assert result["statusCode"] == 302
        assert result["headers"]["location"]["value"] == f"/api/session/renew?return_to={path}&utm=1"
        assert result["headers"]["cache-control"]["value"] == "no-store"


def test_other_readers_are_not_redirected(viewer_request: Run) -> None:
    others = [
        (event("/articles/x/", GOOD, others=RENEW), "/articles/x/~member/index.html"),
        (event("/articles/x/", others={**RENEW, "__Secure-gift": [GIFT]}), "/articles/x/~member/index.html"),
        (event("/", others=RENEW), "/index.html"),
        (event("/topics/", others=RENEW), "/topics/index.html"),
        (event("/articles/", others=RENEW), "/articles/index.html"),
        *[
            (event("/articles/x/", others={"__Host-renew": [junk]}), "/articles/x/~public/index.html")
            for junk in ("", "x", ".", "a.b", "A" * 32 + "." + "s" * 43, "0" * 32 + "." + "s" * 42)
        ],
    ]
    results = viewer_request([given_event for given_event, _ in others])
    assert [result.get("uri") for result in results] == [uri for _, uri in others]


def test_a_reader_is_redirected_only_once(viewer_request: Run) -> None:
    """With a session, `renewed` leaves the URL; without one, the public page is shown. Neither redirects again."""
    renewed = {"renewed": ["1"]}
    with_session, without, forged, gift = viewer_request(
        [
            event("/articles/x/", GOOD, others=RENEW, query=renewed),
            event("/articles/x/", others=RENEW, query=renewed),
            event("/articles/x/", GOOD[:-1], others=RENEW, query=renewed),
            event("/articles/x/", others={**RENEW, "__Secure-gift": [GIFT]}, query=renewed),
        ]
    )
    assert with_session["headers"]["location"]["value"] == "/articles/x/"
    assert "cookies" not in with_session
    assert [without["uri"], forged["uri"]] == ["/articles/x/~public/index.html"] * 2
    assert gift["headers"]["location"]["value"] == "/articles/x/"


# --- Requests to the readers' API ---


def test_the_api_gets_the_viewers_address_and_host(engine: str, tmp_path: Path) -> None:
    given_event = event("/api/session", GOOD, method="POST")
    given_event["request"]["headers"] |= {
        "x-viewer-ip": {"value": "203.0.113.9"},
        "x-viewer-host": {"value": "evil.example"},
    }
    [result] = runner(engine, "api_request.js", tmp_path)([given_event])
    assert result["headers"]["x-viewer-ip"] == {"value": "192.0.2.1"}
    assert result["headers"]["x-viewer-host"] == {"value": "example.org"}
    assert {k: v for k, v in result.items() if k != "headers"} == {
        k: v for k, v in given_event["request"].items() if k != "headers"
    }


# --- Responses ---

PUBLIC = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
FOR_EVER = "private, max-age=31536000, immutable"


def answer(uri: str, status: int = 200, **headers: str) -> Event:
    fields = {name.replace("_", "-"): {"value": value} for name, value in headers.items()}
    response = {"statusCode": status, "statusDescription": "OK", "headers": fields, "cookies": {}}
    return event(uri, response=response)


def test_a_tombstone_answers_410_and_an_alias_redirects(viewer_response: Run) -> None:
    meta = {"x_amz_meta_digest": "d", "x_amz_version_id": "v", "x_amz_meta_cache_tag": "article-x"}
    gone, moved, partial = viewer_response(
        [
            answer("/articles/x/~public/index.html", cache_control=PUBLIC, x_amz_meta_status="410", **meta),
            answer("/old.html", cache_control=PUBLIC, x_amz_meta_status="301", x_amz_meta_location="/articles/x/"),
            answer("/articles/x/", 206, x_amz_meta_status="410", content_range="bytes 0-1/9"),
        ]
    )
    assert (gone["statusCode"], gone["statusDescription"]) == (410, "Gone")
    assert moved["statusCode"] == 301
    assert moved["headers"]["location"]["value"] == "/articles/x/"
    assert partial["statusCode"] == 410
    assert "content-range" not in partial["headers"]
    assert not [name for result in (gone, moved, partial) for name in result["headers"] if name.startswith("x-amz-")]


def test_invalid_status_metadata_answers_404(viewer_response: Run) -> None:
    locations = ["https://evil.example/", "//evil.example/", "/\\evil", "", "/a\r\nx: y", "/A/", "/a//b"]
    events = [answer("/old/", x_amz_meta_status="301", x_amz_meta_location=location) for location in locations]
    events += [answer("/old/", x_amz_meta_status="302", x_amz_meta_location=location) for location in locations]
    events += [
        answer("/old/", x_amz_meta_status=status)
        for status in ["200", "500", "410 ", "303", "3020", "x", "constructor"]
    ]
    results = viewer_response(events)
    assert {result["statusCode"] for result in results} == {404}
    assert not any("location" in result["headers"] for result in results)


def test_the_preview_of_a_published_article_redirects_to_it(viewer_response: Run) -> None:
    meta = {"x_amz_meta_status": "302", "x_amz_meta_location": "/articles/x/"}
    for uri in ("/preview/x/index.html", "/preview/x/"):
        [result] = viewer_response([answer(uri, cache_control="no-store", **meta)])
        assert (result["statusCode"], result["headers"]["location"]["value"]) == (302, "/articles/x/")
        assert result["headers"]["cache-control"]["value"] == "no-store"
        attributes = "Path=/preview/x/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"
        assert result["cookies"] == {"__Secure-preview": {"value": "", "attributes": attributes}}
        assert not [name for name in result["headers"] if name.startswith("x-amz-")]


def test_previews_are_not_stored_by_caches(viewer_response: Run) -> None:
    [page] = viewer_response([answer("/preview/x/index.html", cache_control=PUBLIC)])
    assert page["headers"]["cache-control"]["value"] == "no-store"
    assert page["cookies"] == {}


def test_status_metadata_does_not_apply_to_a_304(viewer_response: Run) -> None:
    result = viewer_response([answer("/articles/x/~public/index.html", 304, x_amz_meta_status="410")])[0]
    assert result["statusCode"] == 304
    assert result["headers"]["cache-control"]["value"] == "private, no-cache"


def test_browsers_do_not_get_the_lifetimes_for_the_shared_cache(viewer_response: Run) -> None:
    cases = [
        ("/articles/x/~member/index.html", PUBLIC, "private, no-cache"),
        ("/articles/x/", PUBLIC, "private, no-cache"),
        ("/articles/x/map.svg", PUBLIC, "private, no-cache"),
        ("/articles/x/~member/map.0a.svg", "public, max-age=31536000, immutable", FOR_EVER),
        ("/index.html", PUBLIC, "public, max-age=0"),
        ("/feed.xml", "max-age=60,S-MaxAge=300 , stale-if-error=600", "max-age=60"),
        ("/assets/site.0a.css", "public, max-age=31536000, immutable", "public, max-age=31536000, immutable"),
        ("/x.txt", "s-maxage=5", None),
        ("/y.txt", None, None),
    ]
    events = [answer(uri, **({"cache_control": value} if value else {})) for uri, value, _ in cases]
    results = viewer_response(events)
    got = [result["headers"].get("cache-control", {}).get("value") for result in results]
    assert got == [expected for _, _, expected in cases]
    assert [result["headers"].get("vary", {}).get("value") for result in results] == ["Cookie"] * 3 + [None] * 6


def test_an_image_that_is_gone_is_not_kept(viewer_response: Run) -> None:
    immutable = "public, max-age=31536000, immutable"
    events = [answer("/articles/x/a.0a.png", code, cache_control=immutable) for code in (200, 206, 304)]
    events.append(answer("/articles/x/a.0a.png", cache_control=immutable, x_amz_meta_status="410"))
    events.append(answer("/articles/x/a.0a.png", 304, cache_control=immutable, x_amz_meta_status="410"))
    results = viewer_response(events)
    assert [one["headers"]["cache-control"]["value"] for one in results] == [FOR_EVER] * 3 + ["private, no-cache"] * 2


def test_the_json_feed_has_its_own_type(viewer_response: Run) -> None:
    stored = {"content_type": "application/json; charset=utf-8"}
    feed, data = viewer_response([answer("/feed.json", **stored), answer("/updates/latest.json", **stored)])
    assert feed["headers"]["content-type"]["value"] == "application/feed+json; charset=utf-8"
    assert data["headers"]["content-type"]["value"] == "application/json; charset=utf-8"


def test_vary_is_added_to(viewer_response: Run) -> None:
    result = viewer_response([answer("/articles/x/", vary="Accept-Encoding")])[0]
    assert result["headers"]["vary"]["value"] == "Accept-Encoding, Cookie"


def test_other_headers_pass(viewer_response: Run) -> None:
    result = viewer_response([answer("/index.html", etag='"e"', content_type="text/html", x_amz_cf_pop="P")])[0]
    assert result["headers"] == {
        "etag": {"value": '"e"'},
        "content-type": {"value": "text/html"},
        "x-amz-cf-pop": {"value": "P"},
    }
