"""The editors' API on the deployed stack: each route as somebody uses it, and who may not."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from desk import ROLES, Desk, Said, post_form
from newsroom import EXAMPLES, Newsroom, draft
from nightdesk_local.cloud import ROOT
from nightdesk_local.openapi import document

pytestmark = pytest.mark.cloud

BODY = "Free.\n\n::: gate tier=member teaser=Mine\nWhat members read.\n:::\n\nAnd on.\n"


@pytest.fixture(scope="module")
def desk(newsroom: Newsroom) -> Desk:
    return Desk(newsroom)


def publish(newsroom: Newsroom, slug: str, title: str = "T", body: str = BODY, **matter: Any) -> None:
    """Put a draft into the bucket, and wait until the pipeline is done with it."""
    matter = {"date": "2026-11-02", "topics": ["desk"], "authors": ["bo-berg"], **matter}
    newsroom.cloud.put({f"drafts/{slug}.md": draft(title, body, **matter)})
    newsroom.cloud.settle(120)


def look(desk: Desk, slug: str) -> Said:
    said = desk.call("GET", f"/v1/articles/{slug}", "writer")
    assert said.status == 200, said.body
    return said


# --- Articles ---


def test_a_draft_goes_all_the_way(desk: Desk, newsroom: Newsroom) -> None:
    """Filed, checked, previewed, published, corrected, gated, rolled back, taken down, and each act in the log."""
    text = draft("All the way", BODY, date="2026-11-02", topics=["desk"], authors=["bo-berg"], draft=True)
    checked = desk.call("POST", "/v1/drafts/check", "writer", {"key": "drafts/all-the-way.md", "text": text})
    assert (checked.body["slug"], checked.body["problems"]) == ("all-the-way", [])
    assert desk.upload("drafts/all-the-way.md", text.encode()) in (200, 201, 204)
    newsroom.cloud.settle(120)
    article = look(desk, "all-the-way")
    assert (article.body["state"], article.body["revision"]) == ("draft", 1)
    assert article.body["gates"] == [{"number": 1, "tier": "member", "draft_tier": "member", "teaser": "Mine"}]
    rows = desk.call(
        "GET", "/v1/articles?state=draft&topic=desk&author=bo-berg&since=2026-11-01&until=2026-11-03", "writer"
    )
    assert [row["slug"] for row in rows.body["articles"]] == ["all-the-way"]
    link = desk.call("POST", "/v1/articles/all-the-way/preview-links", "writer", {})
    assert link.status == 201
    assert "/preview/all-the-way/?preview=" in link.body["url"]
    assert desk.call("POST", "/v1/articles/all-the-way/gift-links", "editor", {}).problem == "impossible"

    published = desk.call("POST", "/v1/articles/all-the-way/publish", "editor", If_Match=article.etag)
    assert (published.status, published.body["state"]) == (200, "live")
    newsroom.live("all-the-way", "All the way")
    gift = desk.call("POST", "/v1/articles/all-the-way/gift-links", "editor", {"until": "2026-12-01"})
    assert gift.status == 201 or gift.problem == "impossible"  # when this runs in December
    corrected = desk.call("POST", "/v1/articles/all-the-way/corrections", "editor", {"text": "It was zinc."})
    assert corrected.status == 201
    newsroom.live("all-the-way", "It was zinc.")
    opened = desk.call("PUT", "/v1/articles/all-the-way/access", "editor", {"gates": {"1": "public"}})
    assert opened.body["gates"][0]["tier"] == "public"
    newsroom.live("all-the-way", "What members read.")

    newsroom.cloud.put({"drafts/all-the-way.md": draft("All the way back", BODY, date="2026-11-02")})
    newsroom.cloud.settle(120)
    revisions = desk.call("GET", "/v1/articles/all-the-way/revisions", "writer").body["revisions"]
    assert [(one["number"], one["current"]) for one in revisions] == [(2, True), (1, False)]
    assert '-title: "All the way"\n+title: "All the way back"' in revisions[0]["diff"]
    assert desk.call("POST", "/v1/articles/all-the-way/rollback", "editor", {"revision": 1}).status == 200
    newsroom.cloud.settle(120)
    assert look(desk, "all-the-way").body["title"] == "All the way"
    assert look(desk, "all-the-way").body["revision"] == 3

    report = desk.call("POST", "/v1/articles/all-the-way/withdraw", "editor")
    assert (report.status, report.body["complete"]) == (200, True)
    assert {surface["gone"] for surface in report.body["surfaces"]} == {True}
    assert {"/articles/all-the-way/", "/", "/feed.xml"} <= {surface["path"] for surface in report.body["surfaces"]}
    assert newsroom.page("/articles/all-the-way/").status == 410
    gone = desk.call("GET", "/v1/articles?state=withdrawn&topic=desk", "writer").body["articles"]
    newsroom.cloud.settle(120)
    assert "all-the-way" in [row["slug"] for row in gone]

    log = desk.call("GET", f"/v1/audit?subject={quote('article:all-the-way')}", "admin").body["entries"]
    acts = [entry["act"] for entry in reversed(log)]
    assert acts == ["preview-link", "gift-link", "publish", "gift-link", "correct", "access", "rollback", "withdraw"]
    assert [entry["outcome"] for entry in reversed(log)][:3] == ["done", "failed", "done"]
    entry = log[-3]
    assert (entry["before"]["state"], entry["after"]["state"]) == ("draft", "live")
    assert entry["before"]["mark"] == article.etag.strip('"')
    assert (entry["who"]["name"], entry["given"]) == ("Editor Person", {})
    assert "@" not in json.dumps(log)


def test_a_moment_is_set(desk: Desk, newsroom: Newsroom) -> None:
    publish(newsroom, "a-moment")
    moment = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    said = desk.call("POST", "/v1/articles/a-moment/schedule", "editor", {"at": moment.isoformat()})
    assert (said.status, said.body["state"]) == (200, "scheduled")
    newsroom.cloud.settle(120)
    assert newsroom.page("/articles/a-moment/").status == 404
    past = desk.call("POST", "/v1/articles/a-moment/schedule", "editor", {"at": "2020-01-01"})
    assert (past.status, past.problem) == (422, "impossible")
    assert past.body["errors"] == [{"in": "body", "name": "at", "message": "is past; publish it instead"}]
    assert desk.call("POST", "/v1/articles/a-moment/publish", "editor").body["state"] == "live"
    newsroom.live("a-moment")


def test_a_rejected_draft_says_what_is_wrong(desk: Desk, newsroom: Newsroom) -> None:
    text = "---\ndek: D\naccess: friends\n---\n\n::: gate\n"
    newsroom.cloud.put({"drafts/all-wrong.md": text})
    newsroom.cloud.settle(120)
    said = look(desk, "all-wrong")
    assert (said.body["state"], said.body["mark"]) == ("rejected", "")
    assert "etag" not in said.headers
    assert [(p["line"], p["key"]) for p in said.body["problems"]] == [(1, "title"), (3, "access"), (6, "gate")]
    checked = desk.call("POST", "/v1/drafts/check", "writer", {"key": "drafts/all-wrong.md", "text": text})
    assert checked.body["problems"] == said.body["problems"]
    update = {"key": "updates/news.md", "text": "---\nheadline: H\nlink: javascript:alert(1)\n---\n"}
    assert [p["key"] for p in desk.call("POST", "/v1/drafts/check", "writer", update).body["problems"]] == ["link"]
    rejected = desk.call("GET", "/v1/articles?state=rejected", "writer").body["articles"]
    assert "all-wrong" in [row["slug"] for row in rejected]
    waiting = desk.call("GET", "/v1/pipeline", "writer").body["rejected"]
    assert "drafts/all-wrong.md" in [item["key"] for item in waiting]
    taken = {"key": "drafts/2026-all-wrong.md", "text": draft("T", "Text.", slug="lunde-cable-repair")}
    assert "held by" in desk.call("POST", "/v1/drafts/check", "writer", taken).body["problems"][0]["message"]
    newsroom.cloud.remove("drafts/all-wrong.md")
    newsroom.cloud.settle(120)


def test_a_list_is_read_page_by_page(desk: Desk, newsroom: Newsroom) -> None:
    files = {f"drafts/page-{n}.md": draft("T", "x", date=f"2026-10-0{n}", topics=["paged"]) for n in range(1, 8)}
    newsroom.cloud.put({**files, "drafts/page-8.md": draft("T", "x", date="2026-10-08", topics=["paged"], draft=True)})
    newsroom.cloud.settle(120)
    found, cursor = [], ""
    while True:
        query = urlencode({"topic": "paged", "limit": 3, "cursor": cursor})
        page = desk.call("GET", f"/v1/articles?{query}", "writer")
        found += [row["slug"] for row in page.body["articles"]]
        if not (cursor := page.body["cursor"]):
            break
    assert found == [f"page-{n}" for n in range(8, 0, -1)]
    first = desk.call("GET", "/v1/articles?topic=paged&limit=3", "writer").body["cursor"]
    for query in (f"topic=desk&cursor={first}", "topic=paged&cursor=AAAA", f"topic=paged&cursor={first[:-4]}"):
        refused = desk.call("GET", f"/v1/articles?{query}", "writer")
        assert (refused.status, refused.body["errors"][0]["name"]) == (422, "cursor")


# --- Approval ---


def test_what_an_ai_persona_writes_waits_for_an_editor(desk: Desk, newsroom: Newsroom) -> None:
    settings = (EXAMPLES / "site.yaml").read_text("utf-8")
    newsroom.cloud.put({"site.yaml": settings + "\nrequire_approval: [ai]\n"})
    newsroom.cloud.settle(120)
    try:
        publish(newsroom, "by-a-machine", "By a machine", authors=["maren-vask"])
        said = look(desk, "by-a-machine")
        assert (said.body["state"], said.body["approval_required"]) == ("draft", True)
        assert [p["message"] for p in said.body["problems"]] == ["an editor must approve it before it goes live"]
        refused = desk.call("POST", "/v1/articles/by-a-machine/publish", "editor")
        assert (refused.status, refused.problem) == (409, "approval-missing")
        assert desk.call("POST", "/v1/articles/by-a-machine/approve", "writer").status == 403
        approved = desk.call("POST", "/v1/articles/by-a-machine/approve", "editor", If_Match=said.etag)
        assert (approved.body["state"], approved.body["approval"]["holds"]) == ("live", True)
        assert approved.body["approval"]["name"] == "Editor Person"
        page = newsroom.live("by-a-machine", "By a machine").text
        assert "Editor Person is responsible and approved it" in page[: page.index('<div class="body')]
        assert '"accountablePerson":{"@type":"Person","name":"Editor Person"}' in page
        publish(newsroom, "by-a-machine", "By a machine", authors=["maren-vask"], body=BODY + "\nAnd more.\n")
        said = look(desk, "by-a-machine")
        assert (said.body["state"], said.body["approval"]["holds"]) == ("draft", False)
        assert "Editor Person" in said.body["problems"][0]["message"]
        assert newsroom.page("/articles/by-a-machine/").status == 404
    finally:
        newsroom.cloud.put({"site.yaml": settings})
        newsroom.cloud.settle(120)
    assert look(desk, "by-a-machine").body["state"] == "live"


# --- Two at once, and once for twice ---


def test_of_two_editors_at_once_one_wins_and_the_other_sees_how_it_is(desk: Desk, newsroom: Newsroom) -> None:
    publish(newsroom, "two-at-once")
    won = []
    for round_ in range(5):
        seen = look(desk, "two-at-once").etag

        def act(who: str, seen: str = seen, round_: int = round_) -> tuple[Said, str]:
            text = f"Round {round_}, {who}."
            return desk.call("POST", "/v1/articles/two-at-once/corrections", who, {"text": text}, If_Match=seen), text

        with ThreadPoolExecutor(2) as pool:
            (winner, text), (loser, _) = sorted(pool.map(act, ("editor", "admin")), key=lambda one: one[0].status)
        won.append(text)
        assert (winner.status, loser.status, loser.problem) == (201, 412, "stale"), loser.body
        assert loser.etag == f'"{loser.body["current"]["mark"]}"' == look(desk, "two-at-once").etag == winner.etag
    decided = json.loads(newsroom.objects("WorkBucket", "editorial/two-at-once.json")["editorial/two-at-once.json"])
    assert [correction["text"] for correction in decided["corrections"]] == won


def test_who_saw_an_older_version_is_told(desk: Desk, newsroom: Newsroom) -> None:
    publish(newsroom, "seen-before")
    before = look(desk, "seen-before").etag
    publish(newsroom, "seen-before", "Another title")
    said = desk.call("POST", "/v1/articles/seen-before/approve", "editor", If_Match=before)
    assert (said.status, said.body["current"]["title"]) == (412, "Another title")
    assert look(desk, "seen-before").body["approval"] is None


def test_a_request_that_comes_again_is_done_once(desk: Desk, newsroom: Newsroom) -> None:
    publish(newsroom, "only-once")
    path, wish = "/v1/articles/only-once/corrections", {"text": "It was tin."}
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda _: desk.call("POST", path, "editor", wish, Idempotency_Key="again"), range(3)))
    assert {one.status for one in said} <= {201, 409}
    assert {one.problem for one in said if one.status == 409} <= {"in-progress"}
    first = next(one for one in said if one.status == 201)
    again = desk.call("POST", path, "editor", wish, Idempotency_Key="again")
    assert (again.status, again.body, again.etag) == (201, first.body, first.etag)
    assert again.headers["idempotency-replayed"] == "true"
    newsroom.cloud.settle(120)
    assert newsroom.live("only-once", "It was tin.").text.count("It was tin.</p>") == 1
    other = desk.call("POST", path, "editor", {"text": "It was lead."}, Idempotency_Key="again")
    assert (other.status, other.problem) == (422, "key-reused")
    assert desk.call("POST", path, "admin", {"text": "It was lead."}, Idempotency_Key="again").status == 201


def test_what_was_refused_can_be_tried_again_with_the_same_key(desk: Desk, newsroom: Newsroom) -> None:
    path = "/v1/articles/not-there-yet/publish"
    assert desk.call("POST", path, "editor", Idempotency_Key="wait").status == 404
    publish(newsroom, "not-there-yet")
    assert desk.call("POST", path, "editor", Idempotency_Key="wait").status == 200


# --- Drafts ---


def test_an_upload_is_for_one_key_size_and_type(desk: Desk, newsroom: Newsroom) -> None:
    content = draft("Uploaded", "Text.").encode()
    said = desk.call("POST", "/v1/drafts", "writer", {"key": "drafts/uploaded.md", "size": len(content)})
    url, fields = said.body["url"], said.body["fields"]
    assert post_form(url, fields, content + b"x") >= 400
    assert post_form(url, {**fields, "key": "authors/maren-vask.md"}, content) >= 400
    assert post_form(url, {**fields, "Content-Type": "text/html"}, content) >= 400
    assert post_form(url, {**fields, "policy": fields["policy"][:-8] + "AAAAAAA="}, content) >= 400
    assert post_form(url, fields, content) < 300
    newsroom.cloud.settle(120)
    assert look(desk, "uploaded").body["state"] == "live"


@pytest.mark.parametrize(
    "key",
    ["authors/maren-vask.md", "site.yaml", "drafts/a/b/c.png", "drafts/a.exe", "drafts/../site.yaml", "drafts//a.md", "drafts/a.png"],
)  # fmt: skip
def test_writers_file_drafts_and_nothing_else(desk: Desk, key: str) -> None:
    said = desk.call("POST", "/v1/drafts", "writer", {"key": key, "size": 10})
    assert (said.status, said.problem) == (422, "impossible")


# --- The command line ---


def test_the_command_line_acts_as_the_api_does(desk: Desk, newsroom: Newsroom) -> None:
    publish(newsroom, "by-command", draft=True, topics=["commands"])
    link = newsroom.asks("link", "preview", "by-command")
    assert "/preview/by-command/?preview=" in link["url"]
    assert newsroom.asks("link", "preview", "by-command", "--revoke") == {"revoked": True}
    acted = newsroom.asks("approve", "by-command", "--name", "Command Person")
    assert acted["after"]["mark"] == look(desk, "by-command").body["mark"]
    assert newsroom.asks("publish", "by-command", "--wait")[0]["state"] == "live"
    newsroom.asks("correct", "by-command", "It was gold.")
    newsroom.asks("access", "by-command", "--gate", "1=subscriber")
    said = look(desk, "by-command").body
    assert (said["approval"]["name"], said["gates"][0]["tier"]) == ("Command Person", "subscriber")
    assert [row["slug"] for row in newsroom.asks("articles", "--topic", "commands")] == ["by-command"]
    assert [one["number"] for one in newsroom.asks("revisions", "by-command")] == [1]
    assert newsroom.asks("rebuild", "--topic", "commands", "--wait")["finished"]
    assert newsroom.command("access", "by-command", "--gate", "9=member").returncode == 2
    log = newsroom.asks("audit", "article:by-command")
    acts = ["preview-link", "preview-link-revoked", "approve", "publish", "correct", "access", "access"]
    assert [one["act"] for one in reversed(log)] == acts
    assert [one["outcome"] for one in log[:2]] == ["failed", "done"]
    assert log == desk.call("GET", f"/v1/audit?subject={quote('article:by-command')}", "admin").body["entries"]


# --- Members, updates, the pipeline ---


def test_a_reader_is_given_a_tier_and_it_is_taken_back(desk: Desk, newsroom: Newsroom) -> None:
    assert desk.call("GET", "/v1/members?email=nobody%40readers.example", "editor").body == {"members": []}
    made = newsroom.asks("members", "add", "given@readers.example", "--tier", "subscriber")
    path = f"/v1/members/{made['id']}"
    said = desk.call("PUT", path, "editor", {"tier": "member", "until": "2099-01-01"})
    assert (said.status, said.body["tier"], said.body["source"]) == (200, "member", "complimentary")
    [found] = desk.call("GET", "/v1/members?email=Given%40readers.example", "editor").body["members"]
    assert (found["id"], found["given_until"][:10]) == (made["id"], "2099-01-01")
    assert newsroom.asks("members", "show", "Given@readers.example") == found
    assert desk.call("PUT", path, "editor", {"tier": ""}).body["tier"] == "public"
    assert desk.call("PUT", path, "editor", {"tier": "friend"}).status == 422
    assert desk.call("PUT", f"/v1/members/{'0' * 32}", "editor", {"tier": "member"}).status == 404
    assert newsroom.asks("members", "revoke", "given@readers.example")["tier"] == "public"
    assert newsroom.command("members", "revoke", "nobody@readers.example").returncode == 2
    newsroom.asks("members", "link", "given@readers.example")
    last, *log = desk.call("GET", f"/v1/audit?subject=member:{made['id']}", "admin").body["entries"]
    assert (last["act"], last["outcome"]) == ("sign-in-link", "done")
    assert [entry["given"]["tier"] for entry in log] == ["", "friend", "", "member", "subscriber"]
    assert "readers.example" not in json.dumps(desk.call("GET", "/v1/audit?limit=100", "admin").body)


def test_an_update_is_posted_listed_and_removed(desk: Desk, newsroom: Newsroom) -> None:
    wish = {"headline": "Cable mended", "url": "/articles/lunde-cable-repair/", "weight": 3}
    said = desk.call("POST", "/v1/updates", "editor", wish, Idempotency_Key="mended")
    assert said.status == 201
    assert desk.call("POST", "/v1/updates", "editor", wish, Idempotency_Key="mended").body == said.body
    shown = lambda: "Cable mended" in newsroom.page("/updates/latest.json").text  # noqa: E731
    newsroom.cloud.wait_for(shown)
    listed = desk.call("GET", "/v1/updates", "writer").body["updates"]
    assert [one["headline"] for one in listed].count("Cable mended") == 1
    assert desk.call("DELETE", f"/v1/updates/{said.body['id']}", "editor").body["status"] == "removed"
    newsroom.cloud.wait_for(lambda: not shown())
    assert desk.call("DELETE", f"/v1/updates/{'0' * 16}", "editor").status == 404


@pytest.mark.parametrize(
    ("wish", "fields"),
    [
        ({}, {"headline"}),
        ({"headline": "x" * 201, "summary": "y" * 601}, {"headline", "summary"}),
        ({"headline": "H", "expires": "2020-01-01"}, {"expires"}),
        ({"headline": "H", "url": "javascript:alert(1)"}, {"url"}),
        ({"headline": "H", "url": "https://127.0.0.1/"}, {"url"}),
        ({"headline": "H", "colour": "red"}, {"colour"}),
    ],
)
def test_a_bad_update_is_refused_field_by_field(desk: Desk, wish: dict[str, Any], fields: set[str]) -> None:
    said = desk.call("POST", "/v1/updates", "editor", wish)
    assert (said.status, said.problem) == (400, "invalid-request")
    assert {error["name"] for error in said.body["errors"]} == fields


def test_who_posts_without_end_is_told_when_to_go_on_and_nothing_is_lost(desk: Desk, newsroom: Newsroom) -> None:
    ends = (datetime.now(UTC) + timedelta(minutes=3)).isoformat()

    def post(number: int) -> Said:
        return desk.call("POST", "/v1/updates", "admin", {"headline": f"Post {number}", "expires": ends})

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(post, range(150)))
    refused = [one for one in said if one.status == 429]
    assert {one.status for one in said} == {201, 429}
    assert {one.problem for one in refused} == {"too-many"}
    assert all(0 < int(one.headers["retry-after"]) <= 60 for one in refused)
    listed: set[str] = set()
    cursor = ""
    while True:
        page = desk.call("GET", f"/v1/updates?limit=100&cursor={cursor}", "writer").body
        listed |= {one["id"] for one in page["updates"]}
        if not (cursor := page["cursor"]):
            break
    accepted = {one.body["id"] for one in said if one.status == 201}
    assert len(accepted) >= 120
    assert accepted <= listed


def test_pages_are_made_again_and_progress_is_seen(desk: Desk, newsroom: Newsroom) -> None:
    said = desk.call("POST", "/v1/rebuilds", "admin", {"topic": "conflict"})
    assert said.status == 202
    assert said.body["total"] > 0
    where = said.headers["location"]
    newsroom.cloud.wait_for(lambda: desk.call("GET", where, "admin").body["finished"], 60)
    done = desk.call("GET", where, "admin").body
    assert (done["topic"], done["left"]) == ("conflict", 0)
    assert desk.call("POST", "/v1/rebuilds", "admin", {"topic": "a", "author": "b"}).status == 422


def test_what_was_given_up_is_told_and_driven_again(desk: Desk, newsroom: Newsroom) -> None:
    body = json.dumps(
        {"source": "nightdesk.test", "detail-type": "ArticleTouched", "detail": {"version": 1, "slug": "nobody"}}
    )
    sqs, url = newsroom.cloud.client("sqs"), newsroom.cloud.outputs["TouchDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=body)
    said = desk.call("GET", "/v1/pipeline", "writer").body
    assert said["dead_lettered"]["touch"] == 1
    assert [(one["event"], one["about"]) for one in said["failed"]] == [("ArticleTouched", "nobody")]
    assert desk.call("POST", "/v1/pipeline/redrive", "admin").body == {"redriven": 1}
    newsroom.cloud.settle(120)
    assert desk.call("GET", "/v1/pipeline", "writer").body["dead_lettered"]["touch"] == 0


# --- Who may, and how it is described ---

OPERATIONS = [
    (method.upper(), path, operation["x-nightdesk-role"])
    for path, methods in document(ROOT)["paths"].items()
    for method, operation in methods.items()
]
NOBODY = {"slug": "no-such-article", "member": "0" * 32, "update": "0" * 16, "rebuild": "0" * 16}


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: NOBODY[found[1]], path)


def decoded(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def foreign(desk: Desk) -> Iterator[str]:
    """A good token of another pool, of somebody who is admin there."""
    cognito = desk.newsroom.cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="foreign")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows)["UserPoolClient"]
    cognito.create_group(UserPoolId=pool, GroupName="admin")
    cognito.admin_create_user(UserPoolId=pool, Username="mallory", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="mallory", Password="Long-enough-1!", Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="mallory", GroupName="admin")
    named = {"USERNAME": "mallory", "PASSWORD": "Long-enough-1!"}
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool, ClientId=client["ClientId"], AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=named
    )
    yield answer["AuthenticationResult"]["IdToken"]
    cognito.delete_user_pool(UserPoolId=pool)


@pytest.fixture(scope="module")
def expired(desk: Desk) -> str:
    """An admin's token that the pool itself signed, and that ended a minute ago. The emulator keeps the pool's key in a file."""
    assert desk.newsroom.cloud.local
    head, claims, _ = desk.tokens["admin"].split(".")  # first, for the pool's key is made when it is needed
    state = desk.newsroom.cloud.local._home / "state" / "cognito-pool-keys"
    key = serialization.load_pem_private_key(
        (state / f"{desk.newsroom.cloud.outputs['EditorsPool']}-id.pem").read_bytes(), None
    )
    now = int(time.time())
    text = f"{head}.{encoded(decoded(claims) | {'iat': now - 3660, 'auth_time': now - 3660, 'exp': now - 60})}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr, call-arg, arg-type]
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.fixture(scope="module")
def forged(desk: Desk) -> str:
    """A writer's token, made an admin's by hand."""
    head, claims, signature = desk.tokens["writer"].split(".")
    return f"{head}.{encoded(decoded(claims) | {'cognito:groups': ['admin']})}.{signature}"


@pytest.mark.parametrize(("method", "path", "least"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS])
def test_who_may_call_a_route(
    desk: Desk, foreign: str, expired: str, forged: str, method: str, path: str, least: str
) -> None:  # fmt: skip
    def call(**who: str) -> Said:
        return desk.call(method, filled(path), body={} if method != "GET" else None, **who)

    assert call().status == 401
    for token in (foreign, expired, forged, "x", "e30.e30."):
        assert call(token=token).status == 401
    for role in ROLES:
        said = call(role=role)
        if ROLES.index(role) < ROLES.index(least):
            assert (said.status, said.problem) == (403, "forbidden")
        else:
            assert said.status not in (401, 403, 500), said.body


def test_somebody_without_a_role_may_nothing(desk: Desk) -> None:
    desk.newsroom.asks("editors", "add", "nobody@desk.example", "--role", "writer")
    cognito, pool = desk.newsroom.cloud.client("cognito-idp"), desk.newsroom.cloud.outputs["EditorsPool"]
    cognito.admin_remove_user_from_group(UserPoolId=pool, Username="nobody@desk.example", GroupName="writer")
    token = desk.newsroom.command("editors", "token", "nobody@desk.example").stdout.strip()
    for method, path, _ in OPERATIONS:
        assert desk.call(method, filled(path), token=token).status == 403
    desk.newsroom.asks("editors", "remove", "nobody@desk.example")
    assert desk.newsroom.command("editors", "token", "nobody@desk.example").returncode == 2


CONTRACT = """
GET /v1/articles
GET /v1/articles/{}
GET /v1/articles/{}/revisions
POST /v1/articles/{}/publish
POST /v1/articles/{}/withdraw
POST /v1/articles/{}/schedule
POST /v1/articles/{}/rollback
POST /v1/articles/{}/corrections
POST /v1/articles/{}/approve
POST /v1/articles/{}/preview-links
POST /v1/articles/{}/gift-links
PUT /v1/articles/{}/access
POST /v1/drafts
POST /v1/drafts/check
GET /v1/updates
POST /v1/updates
DELETE /v1/updates/{}
GET /v1/members
PUT /v1/members/{}
GET /v1/pipeline
POST /v1/pipeline/redrive
POST /v1/rebuilds
GET /v1/audit
"""


def test_the_document_that_is_served_is_the_one_of_these_routes(desk: Desk) -> None:
    assert desk.document == document(ROOT)
    assert json.loads(desk.newsroom.page("/openapi.json").text) == desk.document
    assert desk.document["openapi"].startswith("3.1.")
    described = {f"{method} {re.sub(r'{.*?}', '{}', path)}" for method, path, _ in OPERATIONS}
    assert set(CONTRACT.split("\n")) - {""} <= described


def test_every_answer_names_its_request(desk: Desk) -> None:
    good, bad = desk.call("GET", "/v1/articles", "writer"), desk.call("GET", "/v1/nothing", "writer")
    assert good.headers["x-request-id"]
    assert bad.body["instance"] == f"urn:nightdesk:request:{bad.headers['x-request-id']}"
    assert (bad.status, bad.problem, bad.headers["content-type"]) == (404, "not-found", "application/problem+json")
    assert good.headers["cache-control"] == "no-store"


def test_nothing_is_found_by_trying_whatever_the_document_allows(
    desk: Desk, newsroom: Newsroom, tmp_path: Path
) -> None:
    """Schemathesis plays the document against the API, as an admin, and looks at every answer."""
    publish(newsroom, "a-story")
    settings = tmp_path / "schemathesis.toml"
    # What has the right form and cannot be is 422, or 400 for an update whose end is past; the gateway's own are 401 and 403.
    settings.write_text(
        "[checks.positive_data_acceptance]\nexpected-statuses = ['2xx', 404, 409, 412, 422]\n"
        "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]\n"
        "[[operations]]\ninclude-name = 'POST /v1/updates'\n"
        "checks.positive_data_acceptance.expected-statuses = ['2xx', 400, 409, 422, 429]\n"
    )
    tool = Path(sys.executable).parent / "schemathesis"
    words = ["--config-file", settings, "run", f"{desk.url}/openapi.json", "--url", desk.url]
    words += ["--header", f"Authorization: Bearer {desk.tokens['admin']}", "--phases", "examples,coverage,fuzzing"]
    words += ["--max-examples", "3", "--continue-on-failure", "--generation-deterministic", "--warnings", "off"]
    done = subprocess.run([tool, *words], cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    newsroom.cloud.remove("drafts/a-story.md")
    newsroom.cloud.settle(120)
