"""Readers on the deployed stack: sign-up, sessions that renew themselves, the account, and links that open one article."""

from __future__ import annotations

import http.client
import json
import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.memberships import member_id
from nightdesk.domain.tokens import sign, verify
from nightdesk.entrypoints.operator_ports import edge_key, memberships_table
from nightdesk.ports import ANY, Change, KeyRange
from nightdesk.repositories.memberships_table import LinkName, find_membership, suppression
from nightdesk.usecases.readers import access_links, members
from support.cloud_under_test import Answer, CloudUnderTest
from support.effort import amount
from support.newsroom import SVG, Newsroom, draft
from support.visitor import Visitor, code_in, forms_of, link_in, mail_to, new_address

pytestmark = pytest.mark.cloud

SLUG = "readers-gates"
ARTICLE = f"/articles/{SLUG}/"
SECRET_LINK = "https://source.example/only-for-subscribers"
GUESSES = amount("GUESSES", test=1_000, soak=10_000)
HIDDEN = {"subscriber": "subscribers read this", "member": "members read this"}
BODY = f"""
Free words.

::: gate tier=subscriber teaser="For subscribers."
{HIDDEN["subscriber"]}
:::

## Between

::: gate tier=member teaser="For members."
{HIDDEN["member"]}
:::
"""


@pytest.fixture(scope="module", autouse=True)
def article(newsroom: Newsroom) -> None:
    sources = [{"title": "S", "publisher": "P", "url": SECRET_LINK}]
    newsroom.cloud.put({f"drafts/{slug}.md": draft("Gates", BODY, sources=sources) for slug in (SLUG, f"{SLUG}-two")})
    newsroom.live(SLUG)
    newsroom.live(f"{SLUG}-two")


@pytest.fixture
def visitor(cloud: CloudUnderTest) -> Visitor:
    return Visitor(cloud)


@pytest.fixture
def table(cloud: CloudUnderTest) -> DynamoTable:
    return DynamoTable(cloud.client("dynamodb"), cloud.outputs["MembershipsTable"])


@pytest.fixture
def keys(cloud: CloudUnderTest) -> dict[str, str]:
    return {cloud.outputs["EdgeKeyId"]: edge_key(cloud.cloud)}


def tier_of(page: Answer) -> str:
    """Which variant of the article this is."""
    seen = {tier for tier, words in HIDDEN.items() if words in page.text}
    assert ("subscriber" in seen) == (SECRET_LINK in page.text)
    return {0: "public", 1: "subscriber", 2: "member"}[len(seen)]


def claims_of(visitor: Visitor, keys: dict[str, str]) -> dict[str, Any]:
    claims = verify(visitor.cookie("__Host-session"), keys, int(time.time()))
    assert claims
    return claims


# --- Sign-up ---


def test_the_way_from_a_gate_to_its_open_passage(visitor: Visitor, keys: dict[str, str]) -> None:
    page = visitor.visit(ARTICLE)
    assert tier_of(page) == "public"
    [way] = set(re.findall(r'href="(/newsletter/\?[^"]*%23gate[^"]*)"', page.text))
    address = new_address()
    waiting = visitor.request_sign_in(address, way)
    assert (visitor.path, waiting.status) == ("/signin/code/", 200)
    assert tier_of(visitor.visit(ARTICLE)) == "public", "an address that was only typed opens nothing"
    mail = visitor.mail(address)
    looked = visitor.visit(link_in(mail))
    assert looked.status == 200
    assert address in looked.text
    assert tier_of(visitor.visit(ARTICLE)) == "public", "nor does looking at the link"
    page = visitor.submit(looked, "/api/signin/confirm")
    assert visitor.path == f"{ARTICLE}#gate-1"
    assert tier_of(page) == "subscriber"
    assert '<p class="gated-mark" id="gate-1">' in page.text
    claims = claims_of(visitor, keys)
    assert (claims["t"], claims["s"]) == ("subscriber", member_id(address))
    assert 3500 < claims["e"] - time.time() <= 3600
    account = visitor.visit("/account/")
    assert address in account.text
    assert re.search(r'name="newsletter" value="yes" checked', account.text)


def test_the_code_does_as_well_as_the_link(visitor: Visitor) -> None:
    address = new_address()
    waiting = visitor.request_sign_in(address, f"/signin/?return_to={ARTICLE}")
    code = code_in(visitor.mail(address))
    wrong = visitor.submit(waiting, "/api/signin/code", code=f"{(int(code) + 1) % 10**6:06}")
    assert wrong.status == 422
    assert "role" not in wrong.text or "That code didn’t work" in wrong.text
    page = visitor.submit(visitor.visit("/signin/code/"), "/api/signin/code", code=f" {code[:3]} {code[3:]} ")
    assert (visitor.path, tier_of(page)) == (ARTICLE, "subscriber")
    assert not visitor.cookie("__Host-signin")
    assert not re.search(r'name="newsletter" value="yes" checked', visitor.visit("/account/").text)


def test_a_mail_is_as_mails_should_be(visitor: Visitor) -> None:
    address = new_address()
    visitor.request_sign_in(address.upper())
    mail = visitor.mail(address)
    assert mail["sender"].endswith("<newsroom@nightdesk.example>")
    assert code_in(mail) in mail["subject"]
    for form in (mail["text"], mail["html"]):
        assert code_in(mail) in form
        assert "15 minutes" in form
    assert link_in(mail) in mail["html"].replace("&amp;", "&")
    assert visitor.cloud.get("/_local/mail").status == 200
    assert link_in(mail) in visitor.cloud.get("/_local/mail").text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_programs_that_scan_mail_change_nothing(visitor: Visitor, cloud: CloudUnderTest, method: str) -> None:
    address = new_address()
    visitor.request_sign_in(address)
    link = link_in(visitor.mail(address))
    for scanner in (Visitor(cloud), visitor):
        for _ in range(4):
            answer = scanner.request(method, link)
            assert answer.status == 200
            assert not scanner.cookie("__Host-session")
            assert answer.headers["cache-control"] == "no-store"
            if method == "GET":
                assert "<script" not in re.sub(r"<script[^>]*(static|assets)", "", answer.text)
    assert visitor.submit(visitor.visit(link), "/api/signin/confirm").status == 200
    assert visitor.cookie("__Host-session")


def test_another_browser_sees_which_address_it_would_sign_in(visitor: Visitor, cloud: CloudUnderTest) -> None:
    address, other = new_address(), Visitor(cloud)
    visitor.request_sign_in(address)
    link = link_in(visitor.mail(address))
    token = link.partition("token=")[2]
    page = other.visit(link)
    assert "another browser" in page.text
    assert address in page.text
    # What the page for the asking browser would post is not enough here.
    assert "another browser" in other.post("/api/signin/confirm", {"token": token}).text
    assert not other.cookie("__Host-session")
    other.submit(page, "/api/signin/confirm")
    assert other.cookie("__Host-session")
    assert visitor.visit(link).status == 410
    code_elsewhere = Visitor(cloud)
    visitor.request_sign_in(address)
    code = code_in(visitor.mail(address, 1))
    assert code_elsewhere.post("/api/signin/code", {"code": code}).status == 422
    assert not code_elsewhere.cookie("__Host-session")


def test_two_tabs_that_confirm_at_once_make_one_session(visitor: Visitor, table: DynamoTable) -> None:
    address = new_address()
    visitor.request_sign_in(address)
    token = link_in(visitor.mail(address)).partition("token=")[2]
    browser = visitor.cookie("__Host-signin")
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        "Cookie": f"__Host-signin={browser}",
    }

    def press(_: int) -> int:
        return Visitor(visitor.cloud).request("POST", "/api/signin/confirm", f"token={token}".encode(), headers).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(press, range(4)))
    assert statuses == [303] * 4, "each press of the browser that asked is sent on"
    assert len(table.query(f"member#{member_id(address)}", KeyRange(prefix="session#"))) == 1


# --- Sessions ---


def age(visitor: Visitor) -> None:
    """Let the session's hour pass: the browser forgets the cookie."""
    del visitor.cookies["__Host-session", "/"]


def test_a_session_renews_itself_by_way_of_the_api_and_back(visitor: Visitor, keys: dict[str, str]) -> None:
    visitor.sign_in(new_address())
    age(visitor)
    page = visitor.visit(ARTICLE)
    assert tier_of(page) == "subscriber"
    assert visitor.trail == [ARTICLE, f"/api/session/renew?return_to={ARTICLE}", f"{ARTICLE}?renewed=1", ARTICLE]
    assert claims_of(visitor, keys)["t"] == "subscriber"
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber"
    assert visitor.trail == [ARTICLE], "and then no function is asked for an hour"


def test_an_expired_token_is_renewed_as_well(visitor: Visitor, keys: dict[str, str]) -> None:
    visitor.sign_in(new_address())
    claims = {**claims_of(visitor, keys), "e": int(time.time()) - 1}
    visitor.cookies["__Host-session", "/"] = sign(claims, "1", keys["1"])
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber"


def test_renewal_redirects_only_once(visitor: Visitor, cloud: CloudUnderTest) -> None:
    """A browser whose session is gone from the table, one that keeps no cookies, and one that always sends the same."""
    visitor.sign_in(new_address())
    renewal = visitor.cookie("__Host-renew")
    reader = Visitor(cloud)
    reader.cookies["__Host-renew", "/"] = renewal[:-1] + ("A" if renewal[-1] != "A" else "B")
    assert tier_of(reader.visit(ARTICLE)) == "public"
    assert len(reader.trail) == 3
    assert reader.cookies == {}
    for value in (renewal, "0" * 32 + "." + "x" * 43):
        stubborn = Visitor(cloud)
        stubborn._keep = lambda line: None  # type: ignore[method-assign]
        stubborn.cookies = {("__Host-renew", "/"): value, ("__Host-session", "/"): "expired"}
        assert tier_of(stubborn.visit(ARTICLE)) == "public"
        assert len(stubborn.trail) == 3


def test_changes_show_on_the_readers_next_action(newsroom: Newsroom, visitor: Visitor) -> None:
    address = new_address()
    visitor.sign_in(address)
    newsroom.run_json("members", "add", address, "--tier", "member")
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber"
    assert "Member (complimentary)" in " ".join(visitor.visit("/account/").text.split())
    assert tier_of(visitor.visit(ARTICLE)) == "member"


def test_complimentary_access_ends_when_it_says(newsroom: Newsroom, visitor: Visitor) -> None:
    address = new_address()
    until = datetime.now(UTC) + timedelta(seconds=4)
    newsroom.run_json("members", "add", address, "--tier", "member", "--until", until.isoformat())
    visitor.sign_in(address)
    if datetime.now(UTC) < until:
        assert tier_of(visitor.visit(ARTICLE)) == "member"
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds() + 1))
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber", "the token ended with it, and the next one says so"


def test_signing_out_here_and_everywhere(visitor: Visitor, cloud: CloudUnderTest) -> None:
    address, other = new_address(), Visitor(cloud)
    visitor.sign_in(address)
    other.sign_in(address)
    visitor.submit(visitor.visit("/account/"), "/api/signout")
    assert visitor.cookies == {}
    assert tier_of(visitor.visit(ARTICLE)) == "public"
    assert tier_of(other.visit(ARTICLE)) == "subscriber"
    visitor.sign_in(address)
    visitor.submit(visitor.visit("/account/"), "/api/signout/everywhere")
    stolen = Visitor(cloud)
    stolen.cookies = dict(other.cookies)
    age(other)
    assert tier_of(other.visit(ARTICLE)) == "public"
    # The edge believes a token to its end, at most an hour; the account does not.
    assert stolen.visit("/account/").status == 200
    assert stolen.path.startswith("/signin/")


def test_an_editors_link_opens_the_account_too(newsroom: Newsroom, visitor: Visitor) -> None:
    address = new_address()
    newsroom.run_json("members", "add", address, "--tier", "member")
    link = newsroom.run_json("members", "link", address)["url"]
    visitor.visit(link.removeprefix(visitor.cloud.site_url))
    assert (visitor.path, "session" in "".join(visitor.trail[1:])) == ("/", False)
    assert tier_of(visitor.visit(ARTICLE)) == "member"
    assert address in visitor.visit("/account/").text


# --- The account ---


def test_the_account_is_for_its_reader_alone(visitor: Visitor) -> None:
    assert visitor.visit("/account/").status == 200
    assert visitor.path == "/signin/?return_to=/account/"
    for path in ("/api/account", "/api/account/export"):
        answer = visitor.request("GET", path, headers={"Accept": "application/json"})
        assert answer.status == 401
        assert json.loads(answer.body) == {
            "type": "about:blank",
            "title": "Please sign in",
            "status": 401,
            "detail": "You need to be signed in to do that.",
        }
        assert answer.headers["content-type"] == "application/problem+json"
    address = new_address()
    assert address in visitor.sign_in(address, "/signin/?return_to=/account/").text
    assert visitor.path == "/account/"


def test_a_reader_chooses_newsletters_exports_the_data_and_deletes_the_account(
    visitor: Visitor, table: DynamoTable, newsroom: Newsroom
) -> None:
    address = new_address()
    visitor.sign_in(address, "/newsletter/")
    member = member_id(address)
    with newsroom.bus_events() as events:
        account = visitor.visit("/account/").text
        [form] = [form for form in forms_of(account) if form.action == "/api/account/newsletters"]
        page = visitor.post(form.action, {"form_token": form.fields["form_token"]})  # with the box unchecked
        assert "saved" in page.text
        assert visitor.path == "/account/?done=newsletters"
        assert json.loads(visitor.request("GET", "/api/account", headers={"Accept": "application/json"}).body) == {
            "email": address,
            "tier": "subscriber",
            "source": "confirmed",
            "until": "",
            "paid": None,
            "newsletters": {"newsletter": False},
        }
        visitor.submit(page, "/api/account/newsletters", newsletter="yes")
        answer = visitor.request("GET", "/api/account/export")
        assert "attachment" in answer.headers["content-disposition"]
        found = json.loads(answer.body)
        assert found["membership"]["email"] == address
        assert found["membership"]["newsletters"] == ["newsletter"]
        assert len(found["sessions"]) == 1
        unsure = visitor.submit(visitor.visit("/account/"), "/api/account/delete")
        assert unsure.status == 422
        page = visitor.submit(visitor.visit("/account/"), "/api/account/delete", sure="yes")
        assert "deleted" in page.text
        said = [event for event in events() if event["detail-type"] == "MembershipChanged"]
    assert [event["detail"] for event in said] == [{"version": 1, "id": member}] * 3
    assert visitor.cookies == {}
    rows = newsroom.cloud.client("dynamodb").scan(TableName=newsroom.cloud.outputs["MembershipsTable"])["Items"]
    assert address not in json.dumps(rows)
    assert table.query(f"member#{member}") == []
    assert suppression(memberships_table(newsroom.cloud.cloud), member) == "deleted"
    assert suppression(table, member) == "", "without the stack's secret nobody finds the address"


def test_one_click_of_a_mail_program_unsubscribes(visitor: Visitor, cloud: CloudUnderTest, table: DynamoTable) -> None:
    address = new_address()
    visitor.sign_in(address, "/newsletter/")
    found = find_membership(table, member_id(address))
    assert found
    header = members.unsubscribe_headers(member_id(address), found[0], cloud.site_url)["List-Unsubscribe"]
    link = header.strip("<>").removeprefix(cloud.site_url)
    stranger = Visitor(cloud)
    for method in ("GET", "HEAD"):
        assert stranger.request(method, link).status == 200
    assert find_membership(table, member_id(address)) == found
    body, form = b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}
    wrong = stranger.request("POST", link[:-1], body, form)
    right = stranger.request("POST", link, body, form)
    assert (right.status, right.body) == (wrong.status, wrong.body) == (200, right.body)
    after = find_membership(table, member_id(address))
    assert after
    assert after[0].newsletters == ()
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber", "what can be read stays as it is"
    assert stranger.submit(stranger.visit(link), "/api/unsubscribe").status == 200


# --- Newsletters ---


def test_a_reader_gets_an_article_by_mail_and_unsubscribes(
    newsroom: Newsroom, visitor: Visitor, cloud: CloudUnderTest, table: DynamoTable
) -> None:
    address = new_address()
    visitor.sign_in(address, "/newsletter/")
    text = draft("Letters cross the bay", BODY, newsletter=True)
    cloud.put({"drafts/readers-letter.md": text})

    def arrived() -> list[dict[str, Any]]:
        mails = json.loads(visitor.request("GET", "/_local/mail.json").body)
        return [mail for mail in mails if mail["to"] == address and "bay" in mail["subject"]]

    [mail] = cloud.wait_for(arrived)
    assert mail["subject"] == "Letters cross the bay"
    headers = {name.lower(): value for name, value in mail["headers"].items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert headers["list-id"] == "<newsletter.localhost>"
    for part in (mail["text"], mail["html"]):
        assert HIDDEN["subscriber"] in part
        assert "For members." in part
        assert HIDDEN["member"] not in part
    link = headers["list-unsubscribe"].strip("<>").removeprefix(cloud.site_url)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert Visitor(cloud).request("POST", link, b"List-Unsubscribe=One-Click", form).status == 200
    found = find_membership(table, member_id(address))
    assert found
    assert found.membership.newsletters == ()
    cloud.settle(60)
    pages = [key for key in cloud.site_keys() if key.startswith("newsletter/article-readers-letter/")]
    assert len(pages) == 1
    assert len(arrived()) == 1
    page = Visitor(cloud).visit("/" + pages[0].removesuffix("index.html"))
    assert (page.status, "Letters cross the bay" in page.text) == (200, True)
    assert "Letters cross the bay" in Visitor(cloud).visit("/newsletter/archive/").text


# --- Links ---


def given(cloud: CloudUnderTest, table: DynamoTable, kind: str, slug: str = SLUG, giver: str = "editor") -> str:
    draft = f"drafts/{slug}/index.md" if slug == "readers-preview" else f"drafts/{slug}.md"
    made = access_links.create(
        LinkName(kind, draft, giver), slug, datetime.now(UTC) + timedelta(days=3), cloud.site_url, table
    )
    return str(made["url"]).removeprefix(cloud.site_url)


def test_a_gift_opens_one_article(visitor: Visitor, cloud: CloudUnderTest, table: DynamoTable) -> None:
    link = given(cloud, table, "gift")
    assert tier_of(visitor.visit(link)) == "member"
    assert visitor.path == ARTICLE
    there, exchange, landing, *rest = visitor.trail
    assert [there.partition("?")[0], exchange[:10], landing.partition("?")[0], *rest] == [
        ARTICLE,
        "/api/gift/",
        ARTICLE,
        ARTICLE,
    ]
    assert tier_of(visitor.visit(ARTICLE)) == "member"
    assert tier_of(visitor.visit(f"/articles/{SLUG}-two/")) == "public"
    assert tier_of(Visitor(cloud).visit(ARTICLE)) == "public", "nothing of it got into the public page's cache"
    thief = Visitor(cloud)
    token = landing.partition("?gift=")[2]
    for stolen in (link.partition("?gift=")[2], token):
        assert tier_of(thief.visit(f"/articles/{SLUG}-two/?gift={stolen}")) in ("public", "member")
        assert thief.path in (ARTICLE, f"/articles/{SLUG}-two/")
        assert (thief.path == ARTICLE) == (stolen != token), "an id leads to its own article, a token opens no other"
        thief.cookies = {("__Secure-gift", "/"): token}
        assert tier_of(thief.visit(f"/articles/{SLUG}-two/")) == "public"


def test_a_gift_can_be_taken_back_and_the_next_one_voids_it(
    visitor: Visitor, cloud: CloudUnderTest, table: DynamoTable
) -> None:
    first = given(cloud, table, "gift", giver="rotating")
    second = given(cloud, table, "gift", giver="rotating")
    assert visitor.visit(first).status == 410
    assert tier_of(visitor.visit(second)) == "member"
    access_links.revoke(LinkName("gift", f"drafts/{SLUG}.md", "rotating"), table)
    late = Visitor(cloud)
    assert late.visit(second).status == 410
    assert tier_of(late.visit(ARTICLE)) == "public"


def test_a_preview_shows_a_draft_until_it_is_published(
    visitor: Visitor, cloud: CloudUnderTest, newsroom: Newsroom, table: DynamoTable
) -> None:
    slug = "readers-preview"
    image = {"src": "map.svg", "alt": "A map"}
    files = {f"drafts/{slug}/index.md": draft("A draft", BODY, draft=True, hero=image), f"drafts/{slug}/map.svg": SVG}
    cloud.put(dict(sorted(files.items(), reverse=True)))
    cloud.settle()
    link = given(cloud, table, "preview", slug)
    page = visitor.visit(link)
    assert (page.status, visitor.path) == (200, f"/preview/{slug}/")
    assert HIDDEN["member"] in page.text
    assert page.headers["cache-control"] == "no-store"
    [picture] = re.findall(rf'src="(/preview/{slug}/[^"]+)"', page.text)
    assert visitor.visit(picture).status == 200
    stranger = Visitor(cloud)
    for path in (f"/preview/{slug}/", picture, f"/articles/{slug}/", f"/articles/{slug}/?preview={link[-43:]}"):
        assert stranger.visit(path).status == 404, path
    other = given(cloud, table, "preview", SLUG)
    assert tier_of(stranger.visit(other)) == "public", "of what is published, there is no preview"
    assert (stranger.path, stranger.cookies) == (ARTICLE, {})
    files[f"drafts/{slug}/index.md"] = draft("A draft", BODY, hero=image)
    cloud.put(files)
    newsroom.live(slug)
    cloud.settle()
    assert tier_of(visitor.visit(f"/preview/{slug}/")) == "public"
    assert visitor.path == f"/articles/{slug}/"
    assert not visitor.cookie("__Secure-preview")


# --- What others try ---


HOSTILE_TOKENS = ["forged", "truncated", "expired", "future", "wrong key", "wrong algorithm", "other path"]


@pytest.mark.parametrize("kind", HOSTILE_TOKENS)
def test_a_bad_token_leaves_a_public_reader_with_a_public_page(
    cloud: CloudUnderTest, keys: dict[str, str], kind: str
) -> None:
    now = int(time.time())
    claims = {"t": "member", "s": "0" * 32, "e": now + 600}
    good = sign(claims, "1", keys["1"])
    token = {
        "forged": good[:-2] + "AA",
        "truncated": good[:-20],
        "expired": sign({**claims, "e": now - 1}, "1", keys["1"]),
        "future": sign({**claims, "e": now + 10**8}, "1", keys["1"]),
        "wrong key": sign(claims, "2", keys["1"]),
        "wrong algorithm": "eyJhbGciOiJub25lIn0.eyJ0IjoibWVtYmVyIn0.",
        "other path": sign({**claims, "p": f"/articles/{SLUG}-two/"}, "1", keys["1"]),
    }[kind]
    assert tier_of(cloud.get(ARTICLE, cookie=good)) == "member", "the test itself can sign"
    public = cloud.get(ARTICLE)
    for name in ("__Host-session", "__Secure-gift"):
        answer = cloud.get(ARTICLE, headers={"Cookie": f"{name}={token}"})
        assert (answer.status, answer.body) == (200, public.body), name
    visitor = Visitor(cloud)
    assert visitor.visit(f"{ARTICLE}?gift={quote(token)}").body == public.body
    assert (visitor.path, visitor.cookies) == (ARTICLE, {})
    assert visitor.visit(f"/preview/{SLUG}/?preview={quote(token)}").status == 404
    assert cloud.get(f"/preview/{SLUG}/", headers={"Cookie": f"__Secure-preview={token}"}).status == 404
    visitor = Visitor(cloud)
    visitor.visit(f"/signin/?session={quote(token)}")
    assert (visitor.path, visitor.cookies) == ("/", {})
    visitor.cookies = {("__Host-session", "/"): token, ("__Host-renew", "/"): token}
    assert visitor.visit("/account/").status == 200
    assert visitor.path.startswith("/signin/")


def test_a_session_cannot_be_handed_on_as_a_link(newsroom: Newsroom, cloud: CloudUnderTest) -> None:
    visitor = Visitor(cloud)
    visitor.visit(f"/signin/?session={newsroom.cookie('member')}")
    assert visitor.cookies == {}


def test_planted_cookies_do_not_displace_a_session(newsroom: Newsroom, cloud: CloudUnderTest) -> None:
    good = newsroom.cookie("member")
    for planted in (f"__Host-session=junk; __Host-session={good}", f"__Host-session={good}; __Host-session=junk"):
        assert tier_of(cloud.get(ARTICLE, headers={"Cookie": planted})) == "member"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "SITE"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_other_sites_cannot_post_for_a_reader(visitor: Visitor, headers: dict[str, str]) -> None:
    address = new_address()
    visitor.sign_in(address)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = {**form, **{name: value.replace("SITE", visitor.cloud.site_url) for name, value in headers.items()}}
    paths = {
        "/api/signin": b"email=x@news.example",
        "/api/signin/confirm": b"token=" + b"0" * 32 + b"." + b"x" * 43,
        "/api/signin/code": b"code=123456",
        "/api/signout": b"",
        "/api/signout/everywhere": b"",
        "/api/account/newsletters": b"newsletter=yes",
        "/api/account/delete": b"sure=yes",
    }
    for path, body in paths.items():
        answer = visitor.request("POST", path, body, sent)
        assert answer.status == 400, path
        assert "set-cookie" not in answer.headers
    assert address in visitor.visit("/account/").text
    assert mail_to(visitor.cloud, "x@news.example") == []


def test_forms_and_json_are_taken_and_nothing_else(visitor: Visitor) -> None:
    address = new_address()
    asked = json.dumps({"email": address}).encode()
    assert visitor.request("POST", "/api/signin", asked, {"Content-Type": "text/plain"}).status == 415
    assert visitor.request("POST", "/api/signin", b"{", {"Content-Type": "application/json"}).status == 400
    assert visitor.request("POST", "/api/signin", b"[" * 60_000, {"Content-Type": "application/json"}).status == 400
    assert visitor.request("POST", "/api/signin", b'"x"', {"Content-Type": "application/json"}).status == 415
    assert visitor.request("POST", "/api/signin", b"email=" + b"x" * 200_000, {"Content-Type": "application/x-www-form-urlencoded"}).status == 413  # fmt: skip
    answer = visitor.request("POST", "/api/signin", asked, {"Content-Type": "application/json; charset=utf-8"})
    assert (answer.status, json.loads(answer.body)) == (202, {"location": "/signin/code/"})
    code = code_in(visitor.mail(address))
    body = json.dumps({"code": code}).encode()
    answer = visitor.request("POST", "/api/signin/code", body, {"Content-Type": "application/json"})
    assert (answer.status, json.loads(answer.body)) == (200, {"location": "/"})
    assert json.loads(visitor.request("GET", "/api/session").body) == {
        "signed_in": True,
        "tier": "subscriber",
        "until": "",
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "GET"])
def test_a_route_takes_its_own_method(visitor: Visitor, method: str) -> None:
    answer = visitor.request(method, "/api/signin", headers={"Accept": "application/json"})
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_an_api_that_is_not_there_is_a_missing_page(visitor: Visitor) -> None:
    for path in ("/api/", "/api/none", "/api/gift/", "/api/gift/a/b", "/api//session", "/api/../account/"):
        answer = visitor.request("GET", path)
        assert answer.status == 404, path
        assert "Page not found" in answer.text


@pytest.mark.parametrize(
    "typed",
    [
        "x@news.example\r\nBcc: victim@news.example",
        "x@news.example%0d%0aBcc:victim@news.example",
        "x@news.example, victim@news.example",
        "X <victim@news.example>",
        "x@news.example\n\nbody",
        "x" * 300 + "@news.example",
        "",
        "not an address",
    ],
)
def test_no_header_or_second_reader_fits_into_an_address(visitor: Visitor, typed: str) -> None:
    before = len(json.loads(visitor.cloud.get("/_local/mail.json").body))
    answer = visitor.post("/api/signin", {"email": typed})
    assert answer.status == 422
    assert not visitor.cookies
    assert "victim" not in answer.text
    assert len(json.loads(visitor.cloud.get("/_local/mail.json").body)) == before


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/%2fevil.example/",
        "javascript:alert(1)",
        "/a\r\nx: y",
    ],
)
def test_redirects_stay_on_the_site(visitor: Visitor, newsroom: Newsroom, target: str) -> None:
    sent = visitor.request("GET", f"/api/session/renew?return_to={quote(target)}")
    assert (sent.status, sent.headers["location"]) == (303, "/?renewed=1")
    address = new_address()
    visitor.sign_in(address, f"/signin/?return_to={quote(target)}")
    assert visitor.path == "/"
    visitor.post("/api/signin", {"email": address, "return_to": target})
    link = link_in(visitor.mail(address, 1))
    visitor.submit(visitor.visit(link), "/api/signin/confirm")
    assert visitor.path == "/"
    newsroom.run_json("members", "add", address, "--tier", "member")
    editors = newsroom.run_json("members", "link", address)["url"].removeprefix(visitor.cloud.site_url)
    visitor.visit(f"{editors}&return_to={quote(target, safe='')}")
    assert visitor.path == "/"


def test_no_endpoint_reveals_which_addresses_are_known(
    visitor: Visitor, newsroom: Newsroom, cloud: CloudUnderTest
) -> None:
    known, unknown, blocked = new_address(), new_address(), new_address()
    visitor.sign_in(known)
    newsroom.run_json("members", "block", blocked)

    def shape(answer: Answer) -> tuple[Any, ...]:
        own = ("date", "age", "content-length")
        headers = {k: v for k, v in answer.headers.items() if not k.startswith("x-am") and k not in (*own, "via")}
        headers["set-cookie"] = re.sub(r"=[^;]+", "=…", headers.get("set-cookie", ""), count=1)
        return answer.status, headers, answer.body

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    shapes = []
    for address in (known, unknown, blocked):
        stranger, id_ = Visitor(cloud), member_id(address)
        asked = stranger.request("POST", "/api/signin", f"email={address}".encode(), form)
        guess = f"{id_}.{'x' * 43}"
        answers = [
            asked,
            stranger.request("POST", "/api/signin/code", b"code=000000", form),
            stranger.request("GET", f"/api/signin/confirm?token={guess}"),
            stranger.request("POST", "/api/signin/confirm", f"token={guess}&elsewhere=yes".encode(), form),
            stranger.request("POST", f"/api/unsubscribe?reader={id_}&key=x", b"", form),
            stranger.request(
                "GET", f"/api/session/renew?return_to={ARTICLE}", headers={"Cookie": f"__Host-renew={guess}"}
            ),
            stranger.request("GET", "/api/session", headers={"Cookie": f"__Host-renew={guess}"}),
        ]
        shapes.append([shape(answer) for answer in answers])
    assert shapes[0] == shapes[1] == shapes[2]
    visitor.mail(unknown)
    assert mail_to(cloud, blocked) == []


def test_the_functions_url_accepts_requests_of_the_distribution_only(cloud: CloudUnderTest) -> None:
    functions = cloud.client("lambda")
    url = functions.get_function_url_config(FunctionName=f"{cloud.cloud.stack}-reader-api")["FunctionUrl"]
    host = url.split("/")[2]
    gateway = urlsplit(cloud.cloud.endpoint)
    for headers in ({}, {"x-origin-key": "guess"}, {"x-origin-key": ""}, {"x-origin-key": "é"}):
        connection = http.client.HTTPConnection(gateway.hostname or "", gateway.port, timeout=30)
        named = {name: value.encode("latin-1") for name, value in headers.items()}
        connection.request("GET", "/api/session", headers={"Host": host, **named})
        assert connection.getresponse().status == 403
        connection.close()


def test_readers_cannot_forge_the_headers_of_the_distribution(visitor: Visitor) -> None:
    address = new_address()
    headers = {"x-viewer-host": "evil.example", "x-viewer-ip": "203.0.113.7", "x-forwarded-host": "evil.example"}
    page = visitor.visit("/signin/")
    visitor.submit(page, "/api/signin", headers, email=address)
    assert "evil" not in json.dumps(visitor.mail(address))


def test_thousands_of_guesses_leave_public_pages(cloud: CloudUnderTest) -> None:
    """Cookies that look right, at the edge; and some hundreds of links at the API, which is slower."""
    chance, alphabet = random.Random(11), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    public = cloud.get(ARTICLE).body

    def secret() -> str:
        return "".join(chance.choices(alphabet, k=43))

    tokens = [
        f"{chance.choice('12')}.{'eyJ0IjoibWVtYmVyIiwicyI6IngiLCJlIjo5OTk5OTk5OTk5fQ'}.{secret()}"
        for _ in range(GUESSES)
    ]
    opened = [token for token, answer in guess_at_edge(cloud, tokens) if answer != public]
    assert opened == []
    visitor = Visitor(cloud)
    for _ in range(300):
        assert (
            visitor.request("GET", f"/api/signin/confirm?token={chance.randbytes(16).hex()}.{secret()}").status == 410
        )
        assert visitor.request("GET", f"/api/gift/{secret()}").status == 410
    assert visitor.cookies == {}


def guess_at_edge(cloud: CloudUnderTest, tokens: list[str]) -> Iterator[tuple[str, bytes]]:
    """The article for each of many session cookies, over one connection."""
    address = urlsplit(cloud.site_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    for token in tokens:
        connection.request("GET", ARTICLE, headers={"Cookie": f"__Host-session={token}"})
        yield token, connection.getresponse().read()
    connection.close()


# --- What is kept of it ---


def test_logs_hold_no_address_and_no_token(visitor: Visitor, newsroom: Newsroom, table: DynamoTable) -> None:
    address = new_address()
    visitor.sign_in(address, "/newsletter/")
    renewal, session = visitor.cookie("__Host-renew"), visitor.cookie("__Host-session")
    mail = mail_to(visitor.cloud, address)[-1]
    gift = given(visitor.cloud, table, "gift", giver="logs").partition("=")[2]
    visitor.visit(f"{ARTICLE}?gift={gift}")
    age(visitor)
    visitor.visit(ARTICLE)
    visitor.post("/api/signin", {"email": "not an address"})
    visitor.post("/api/signin/code", {"code": "000000"})
    lines = "".join(newsroom.log_lines()) + (newsroom.home / "emulator.log").read_text("utf-8", "replace")
    assert "POST /api/signin" in lines
    secrets = [address, address.partition("@")[0], renewal, renewal.partition(".")[2], session, code_in(mail), gift]
    secrets += [link_in(mail), link_in(mail).partition("token=")[2].partition(".")[2], visitor.cookie("__Secure-gift")]
    assert [secret for secret in secrets if f"{secret}" in lines and not secret.isdigit()] == []
    assert f'"{code_in(mail)}"' not in lines


def test_no_page_view_calls_a_function(visitor: Visitor, newsroom: Newsroom) -> None:
    visitor.sign_in(new_address())

    def answered() -> int:
        return sum("answered" in line for line in newsroom.cloud.logs("reader-api"))

    before = answered()
    for _ in range(20):
        for path in (ARTICLE, "/", "/topics/", f"/articles/{SLUG}-two/"):
            assert visitor.visit(path).status == 200
    assert answered() == before
    visitor.request("GET", "/api/session")
    newsroom.cloud.wait_for(lambda: answered() == before + 1)


def test_rows_that_expire_have_a_time_to_live(table: DynamoTable, cloud: CloudUnderTest) -> None:
    rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["MembershipsTable"])["Items"]
    kinds = {(row["pk"]["S"].split("#")[0], row["sk"]["S"].split("#")[0], "ttl" in row) for row in rows}
    lasting = {(pk, sk) for pk, sk, ends in kinds if not ends}
    assert lasting <= {("member", "membership"), ("customer", "member"), ("suppressed", "reason")}


def test_the_table_counts_and_forgets(table: DynamoTable) -> None:
    name = f"limit#test#{time.monotonic_ns()}"
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: table.increment(name, "1", int(time.time()) + 60), range(20))) == list(
            range(1, 21)
        )
    table.write([Change(name, "1", None, ANY)])


def test_pages_with_forms_have_one_for_each_act(visitor: Visitor) -> None:
    expected = {"/signin/": ["/api/signin"], "/newsletter/": ["/api/signin"], "/membership/": ["/api/checkout", "/api/contribute", "/api/signin"], "/signin/code/": ["/api/signin/code"]}  # fmt: skip
    for path, actions in expected.items():
        answer = visitor.visit(path)
        assert [form.action for form in forms_of(answer.text)] == actions
        assert answer.headers["x-cache"].endswith("from cloudfront")


# --- What changes with the stack: last, since all readers' sessions are made anew ---


@contextmanager
def deployed_with(newsroom: Newsroom, **parameters: str) -> Iterator[None]:
    """The stack with other parameters, and then as it was."""
    local = newsroom.cloud.local
    assert local
    before = dict(local._parameters)

    def deploy() -> None:
        newsroom.cloud.cloud = local.deploy()
        if {"MailSender", "StripeSecretArn"} & set(parameters):  # which static pages show
            local.tell_site_changed(newsroom.cloud.cloud)
            newsroom.cloud.settle(120)
        time.sleep(3.5)  # how long the local edge may keep to the functions that it has

    local._parameters.update(parameters)
    try:
        deploy()
        yield
    finally:
        local._parameters = before
        deploy()
        newsroom._cookies = {"public": ""}


def test_the_signing_key_can_be_rotated_without_ending_sessions(
    newsroom: Newsroom, visitor: Visitor, cloud: CloudUnderTest
) -> None:
    visitor.sign_in(new_address())
    assert visitor.cookie("__Host-session").startswith("1.")
    with deployed_with(newsroom, EdgeKeyId="2"):
        assert tier_of(visitor.visit(ARTICLE)) == "subscriber"
        assert visitor.trail == [ARTICLE], "what the first key signed still holds"
        later = Visitor(cloud)
        later.sign_in(new_address())
        assert later.cookie("__Host-session").startswith("2.")
        assert tier_of(later.visit(ARTICLE)) == "subscriber"
        assert "session=2." in newsroom.sign_in_link("member")
    # The first key is idle now and is made anew. Who still had a token of it is sent for another.
    with deployed_with(newsroom, EdgeKeyId="2", EdgeKeyOneSerial="2"):
        assert tier_of(visitor.visit(ARTICLE)) == "subscriber"
        assert len(visitor.trail) == 4
        assert visitor.cookie("__Host-session").startswith("2.")
        assert tier_of(later.visit(ARTICLE)) == "subscriber"
        assert later.trail == [ARTICLE]


@pytest.mark.deep
def test_without_a_sender_or_stripe_keys_pages_explain_it_and_the_rest_works(
    newsroom: Newsroom, visitor: Visitor
) -> None:
    member = newsroom.cookie("member")
    with deployed_with(newsroom, MailSender="", MailDomain="", StripeSecretArn=""):
        for path in ("/signin/", "/newsletter/", "/membership/"):
            page = visitor.visit(path)
            assert "Sign-in isn’t available on this site yet." in page.text
            assert forms_of(page.text) == []
        answer = visitor.post("/api/signin", {"email": new_address()})
        assert (answer.status, "hasn’t set up" in answer.text) == (503, True)
        assert "Write to the newsroom" in page.text
        assert page.headers["content-security-policy"].endswith("form-action 'self'")
        assert visitor.visit("/membership/thanks/").status == 404
        for path in ("/api/checkout", "/api/contribute", "/api/portal", "/api/stripe/webhook"):
            answer = visitor.post(path, {"price": "price_member_month_800_eur"})
            assert (answer.status, "hasn’t set up" in answer.text) == (503, True)
        article = newsroom.cloud.get(ARTICLE, cookie=member)
        assert tier_of(article) == "member"
        assert "/api/contribute" not in article.text
        assert tier_of(visitor.visit(ARTICLE)) == "public"
        account = newsroom.cloud.get("/account/", cookie=member).text
        assert "readers.example" in account
        assert "/api/portal" not in account
    assert forms_of(visitor.visit("/signin/").text)
    assert "/api/checkout" in visitor.visit("/membership/").text
