"""A draft put into the bucket becomes pages, one per tier, and lists; and goes again."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from support.cloud_under_test import QUEUES
from support.editor_api import ApiResponse, EditorApi
from support.newsroom import EXAMPLES, SVG, TIERS, Newsroom, addresses_in, draft, expect_idle, path_of

pytestmark = pytest.mark.cloud

SOURCES = [
    {"title": "Minutes of the harbour board", "publisher": "Harbour board", "url": "https://board.example/minutes"},
    {"title": "Tide tables", "publisher": "Hydrographic office", "url": "https://tides.example/tables"},
]
BODY = """The free opening of the harbour story.

## What everybody sees

::: gate tier=subscriber teaser="What the dredgers charge for."
Subscribers learn of the dredging bill.
:::

Free words between the gates.

::: gate tier=member teaser="Who knew it in March."
### Inside the board room

Members learn who knew it in March.
:::

The free ending of the harbour story.
"""
SECRETS = {"subscriber": ["the dredging bill"], "member": ["who knew it in March.", "Inside the board room"]}


def entitled(tier: str) -> list[str]:
    return [gate for gate in SECRETS if TIERS.index(gate) <= TIERS.index(tier)]


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """The second newsroom; these tests come first in it, because the front page shows the newest thirty articles."""
    return second_newsroom


def test_an_article_by_an_ai_persona_needs_approval(newsroom: Newsroom) -> None:
    """First in this file, because a change of the settings makes every page again, and there are few as yet."""
    api, path = EditorApi(newsroom), "/v1/articles/by-a-machine"
    settings = (EXAMPLES / "site.yaml").read_text("utf-8")
    persona = (EXAMPLES / "authors" / "maren-vask.md").read_text("utf-8")

    def publish(body: str) -> ApiResponse:
        text = draft("By a machine", body, date="2026-11-02", topics=["machines"], authors=["maren-vask"])
        newsroom.cloud.put({"drafts/by-a-machine.md": text})
        newsroom.cloud.settle(120)
        return api.call("GET", path, "writer")

    newsroom.cloud.put({"site.yaml": settings + "\nrequire_approval: [ai]\n", "authors/maren-vask.md": persona})
    newsroom.cloud.settle(120)
    try:
        response = publish(BODY)
        assert (response.body["state"], response.body["approval_required"]) == ("draft", True)
        assert [p["message"] for p in response.body["problems"]] == ["an editor must approve it before it goes live"]
        refused = api.call("POST", f"{path}/publish", "editor")
        assert (refused.status, refused.problem) == (409, "approval-required")
        assert api.call("POST", f"{path}/approve", "writer").status == 403
        approved = api.call("POST", f"{path}/approve", "editor", If_Match=response.etag)
        assert (approved.body["state"], approved.body["approval"]["valid"]) == ("live", True)
        assert approved.body["approval"]["name"] == "Editor Person"
        page = newsroom.live("by-a-machine", "By a machine").text
        assert "Editor Person approved it on" in page[: page.index('<div class="body')]
        assert '"accountablePerson":{"@type":"Person","name":"Editor Person"}' in page
        response = publish(BODY + "\nAnd more.\n")
        assert (response.body["state"], response.body["pending"]) == ("live", True)
        page = newsroom.page("/articles/by-a-machine/").text
        assert "And more." not in page, "the approved version stays live until the next one is approved"
    finally:
        newsroom.cloud.put({"site.yaml": settings})
        newsroom.cloud.settle(120)
    assert api.call("GET", path, "writer").body["state"] == "live"
    newsroom.cloud.remove("drafts/by-a-machine.md")


@pytest.fixture(scope="module")
def harbour(newsroom: Newsroom) -> str:
    """An article with two gates and two sources, put as any AWS tool would put it."""
    matter: dict[str, Any] = {"dek": "Silt, and who pays.", "authors": ["ines-okafor"], "topics": ["harbours"]}
    text = draft("The harbour fills up", BODY, date="2026-03-05T06:00:00Z", sources=SOURCES, **matter)
    newsroom.cloud.put({"drafts/harbour-silt.md": text})
    newsroom.live("harbour-silt")
    newsroom.cloud.settle()
    return "harbour-silt"


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_gets_its_own_page(newsroom: Newsroom, harbour: str, tier: str) -> None:
    answer = newsroom.page(f"/articles/{harbour}/", tier)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    for free in ("The free opening", "Free words between", "The free ending", "The harbour fills up", "Silt, and who"):
        assert free in page
    for gate, secrets in SECRETS.items():
        teaser = {"subscriber": "What the dredgers charge for.", "member": "Who knew it in March."}[gate]
        opened = gate in entitled(tier)
        assert all((secret in page) is opened for secret in secrets), (gate, tier)
        assert (teaser in page) is not opened
    # Free text goes on after each gate, in its place.
    middle = page.index("dredging bill" if "subscriber" in entitled(tier) else "What the dredgers charge for")
    assert page.index("The free opening") < middle < page.index("Free words between") < page.index("The free ending")


@pytest.mark.parametrize("tier", TIERS)
def test_links_of_sources_are_for_subscribers(newsroom: Newsroom, harbour: str, tier: str) -> None:
    page = newsroom.page(f"/articles/{harbour}/", tier).text
    assert all(source["title"] in page and source["publisher"] in page for source in SOURCES)
    assert [source["url"] in page for source in SOURCES] == [tier != "public"] * len(SOURCES)


def test_a_sign_in_link_sets_a_cookie_that_only_the_edge_reads(newsroom: Newsroom) -> None:
    link = newsroom.sign_in_link("member")
    assert link.startswith(newsroom.cloud.site_url + "/signin/?session=")
    answer = newsroom.cloud.get(path_of(link))
    assert (answer.status, answer.headers["location"]) == (302, "/")
    value, *attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert value.startswith("__Host-session=1.")
    assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(attributes)
    lifetime = next(int(a.removeprefix("Max-Age=")) for a in attributes if a.startswith("Max-Age="))
    assert 0 < lifetime <= 3600
    assert "no-store" in answer.headers["cache-control"]


def test_a_link_for_an_unknown_reader_is_refused(newsroom: Newsroom) -> None:
    done = newsroom.run("members", "link", "nobody@readers.example")
    assert done.returncode == 2
    assert "no reader has this address" in done.stderr


@pytest.mark.parametrize("damage", ["signature", "payload", "nonsense", "empty"])
def test_a_bad_cookie_is_a_public_reader(newsroom: Newsroom, harbour: str, damage: str) -> None:
    kid, payload, signature = newsroom.cookie("member").split(".")
    other = newsroom.cookie("subscriber").split(".")
    cookie = {
        "signature": f"{kid}.{payload}.{signature[::-1]}",
        "payload": f"{kid}.{payload}.{other[2]}",
        "nonsense": "%00;..",
        "empty": "..",
    }[damage]
    answer = newsroom.cloud.get(f"/articles/{harbour}/", cookie=cookie)
    assert answer.status == 200
    assert answer.body == newsroom.page(f"/articles/{harbour}/").body


def test_pages_are_answered_from_the_cache(newsroom: Newsroom, harbour: str) -> None:
    newsroom.page(f"/articles/{harbour}/")
    assert "hit" in newsroom.page(f"/articles/{harbour}/").headers["x-cache"].lower()
    assert newsroom.page(f"/articles/{harbour}/").headers["cache-control"] == "private, no-cache"


def test_an_update_replaces_what_the_cache_holds(newsroom: Newsroom) -> None:
    slug = "quay-cranes"
    text = "Before.\n\n::: gate tier=member teaser=T\n{}\n:::\n"
    newsroom.cloud.put({f"drafts/{slug}.md": draft("Cranes", text.format("The first finding."))})
    for tier in TIERS:
        newsroom.live(slug, tier=tier)
    newsroom.cloud.settle()
    old = {tier: newsroom.page(f"/articles/{slug}/", tier) for tier in TIERS}
    assert "The first finding." in old["member"].text
    newsroom.cloud.put({f"drafts/{slug}.md": draft("Cranes again", text.format("The second finding."))})
    for tier in TIERS:
        page = newsroom.live(slug, "Cranes again", tier).text
        assert "The first finding." not in page
        assert ("The second finding." in page) is (tier == "member")
    newsroom.cloud.settle()
    assert "Cranes again" in newsroom.page("/").text
    assert newsroom.run_json("status", slug)["revision"] == 2


def test_publish_reports_when_it_is_live(newsroom: Newsroom, tmp_path: Path) -> None:
    path = tmp_path / "2026-04-01-lock-gates.md"
    path.write_text(draft("Lock gates", "They leak."), "utf-8")
    done = newsroom.run("publish", "--wait", str(path))
    assert done.returncode == 0, done.stderr
    assert f"{path}: live {newsroom.cloud.site_url}/articles/lock-gates/" in done.stdout.splitlines()
    # What it says holds at once.
    assert "They leak." in newsroom.page("/articles/lock-gates/").text
    [report] = newsroom.run_json("publish", "--wait", str(path))
    assert report["path"] == str(path)
    assert (report["slug"], report["state"], report["problems"]) == ("lock-gates", "live", [])
    assert report["uploaded_by"] == "aws:000000000000", "S3's event named the account and the version"
    assert newsroom.run_json("publish", str(path)) == ["drafts/2026-04-01-lock-gates.md"]
    log = newsroom.run_json("audit", "pipeline")[0]
    assert (log["action"], log["input"]["files"], log["outcome"]) == (
        "publish",
        ["drafts/2026-04-01-lock-gates.md"],
        "done",
    )
    expect_idle(newsroom)


def test_publish_of_nothing_is_an_error(newsroom: Newsroom, tmp_path: Path) -> None:
    assert newsroom.run("publish", str(tmp_path / "missing.md")).returncode == 2
    assert newsroom.run("publish", str(tmp_path)).returncode == 2


def test_images_beside_a_draft_are_served_with_it(newsroom: Newsroom, tmp_path: Path) -> None:
    folder = tmp_path / "ferry-fares"
    folder.mkdir()
    (folder / "chart.svg").write_text(SVG.format("fares"), "utf-8")
    (folder / "inner.svg").write_text(SVG.format("costs"), "utf-8")
    text = "![Fares by year](chart.svg)\n\n::: gate tier=member teaser=T\n![Costs](inner.svg)\n:::\n"
    (folder / "index.md").write_text(draft("Ferry fares", text, hero={"src": "chart.svg", "alt": "Fares"}), "utf-8")
    assert newsroom.run("publish", "--wait", str(folder)).returncode == 0
    # Its text does not wait for them.
    newsroom.live("ferry-fares", "/articles/ferry-fares/chart")
    newsroom.cloud.settle(120)  # each image comes by itself
    for tier in TIERS:
        images = {a for a in addresses_in(newsroom.page("/articles/ferry-fares/", tier).text) if a.endswith(".svg")}
        images = {address for address in images if address.startswith("/articles/ferry-fares/")}
        titles = {}
        for address in images:
            answer = newsroom.page(address, tier)
            assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
            titles[answer.text] = address
        wanted = {"fares", "costs"} if tier == "member" else {"fares"}
        assert set(titles) == {SVG.format(name) for name in wanted}
    inner = titles[SVG.format("costs")]
    assert newsroom.page(inner, "subscriber").status == 404


def test_an_image_that_arrives_later_is_shown(newsroom: Newsroom) -> None:
    text = draft("Late picture", "![A lighthouse](light.svg)")
    newsroom.cloud.put({"drafts/late-picture/index.md": text})
    assert "light" not in "".join(addresses_in(newsroom.live("late-picture").text))
    newsroom.cloud.put({"drafts/late-picture/light.svg": SVG.format("light")})
    page = newsroom.live("late-picture", "/articles/late-picture/light").text
    [address] = [a for a in addresses_in(page) if "late-picture/light" in a]
    assert newsroom.page(address).body == SVG.format("light").encode()


def profile(name: str, bio: str, **matter: str) -> str:
    return draft("", bio, name=name, **matter).replace('title: ""\n', "")


def test_a_changed_author_touches_that_authors_articles_and_no_others(newsroom: Newsroom) -> None:
    newsroom.cloud.put({"authors/rune-abel.md": profile("Rune Abel", "Covers the coast.")})
    for number, author in enumerate(["rune-abel", "rune-abel", "ada-voss", "ada-voss"]):
        text = draft(f"Coast {number}", "Words.", authors=[author], topics=["coast"], date=f"2026-05-0{number + 1}")
        newsroom.cloud.put({f"drafts/coast-{number}.md": text})
    for number in range(4):
        newsroom.live(f"coast-{number}")
    newsroom.cloud.settle()
    before = newsroom.versions(prefix="articles/")
    text = profile("Rune Abel", "Covers the coast, and sails.", beat="Sea", kind="ai", responsible_editor="Ada Voss")
    newsroom.cloud.put({"authors/rune-abel.md": text})
    newsroom.live("coast-0", "and sails")
    newsroom.live("coast-1", "and sails")
    newsroom.cloud.settle()
    after = newsroom.versions(prefix="articles/")
    moved = {key for key in before | after if before.get(key) != after.get(key)}
    assert moved == {f"articles/coast-{number}/~{tier}/index.html" for number in (0, 1) for tier in TIERS}
    page = newsroom.page("/articles/coast-1/").text
    assert "AI persona" in page
    assert "Ada Voss" in page
    assert "and sails" in newsroom.page("/authors/rune-abel/").text


def test_topics_and_standing_pages_follow_their_files(newsroom: Newsroom) -> None:
    newsroom.cloud.put(
        {
            "topics/lakes.md": profile("The lakes", "", summary="Everything on fresh water."),
            "pages/funding.md": draft("Who pays us", "Readers do."),
            "drafts/lake-level.md": draft("Lake level", "Words.", topics=["lakes"], date="2026-02-03"),
        }
    )
    newsroom.live("lake-level", "The lakes")
    newsroom.cloud.settle()
    assert "Everything on fresh water." in newsroom.page("/topics/lakes/").text
    assert "Readers do." in newsroom.page("/funding/").text
    newsroom.cloud.put(
        {
            "topics/lakes.md": profile("Lakes and dams", "", summary="Fresh water, held back."),
            "pages/funding.md": draft("Who pays us", "Readers do, and nobody else."),
        }
    )
    newsroom.live("lake-level", "Lakes and dams")
    newsroom.cloud.settle()
    assert "Fresh water, held back." in newsroom.page("/topics/lakes/").text
    assert "Lakes and dams" in newsroom.page("/topics/").text
    assert "and nobody else" in newsroom.page("/funding/").text
    newsroom.cloud.remove("pages/funding.md")
    newsroom.cloud.wait_for(lambda: newsroom.page("/funding/").status == 404)


LISTS = [
    "/",
    "/topics/harbours/",
    "/topics/harbours/2026/03/",
    "/authors/ines-okafor/",
    "/authors/ines-okafor/2026/03/",
    "/archive/2026/03/",
]


@pytest.mark.parametrize("path", LISTS)
def test_lists_name_the_article(newsroom: Newsroom, harbour: str, path: str) -> None:
    answer = newsroom.page(path)
    assert answer.status == 200
    assert f"/articles/{harbour}/" in addresses_in(answer.text)
    assert "The harbour fills up" in answer.text


def test_directories_name_topic_and_author(newsroom: Newsroom, harbour: str) -> None:
    assert "/topics/harbours/" in addresses_in(newsroom.page("/topics/").text)
    assert "/authors/ines-okafor/" in addresses_in(newsroom.page("/authors/").text)


@pytest.mark.parametrize("path", ["/feed.xml", "/topics/harbours/feed.xml", "/authors/ines-okafor/feed.xml"])
def test_rss_feeds_carry_the_article(newsroom: Newsroom, harbour: str, path: str) -> None:
    answer = newsroom.page(path)
    assert answer.headers["content-type"].startswith("application/rss+xml")
    root = ElementTree.fromstring(answer.body)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    items = {item.findtext("title"): item for item in root.iter("item")}
    item = items["The harbour fills up"]
    assert (item.findtext("link") or "").endswith(f"/articles/{harbour}/")
    assert parsedate_to_datetime(item.findtext("pubDate") or "") == datetime(2026, 3, 5, 6, tzinfo=UTC)


def test_the_json_feed_carries_the_article(newsroom: Newsroom, harbour: str) -> None:
    feed = json.loads(newsroom.page("/feed.json").body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    [item] = [item for item in feed["items"] if item["url"].endswith(f"/articles/{harbour}/")]
    assert item["title"] == "The harbour fills up"
    assert datetime.fromisoformat(item["date_published"]) == datetime(2026, 3, 5, 6, tzinfo=UTC)


def test_a_deleted_draft_is_gone_from_everywhere(newsroom: Newsroom) -> None:
    slug = "sunken-barge"
    matter: dict[str, Any] = {"authors": ["one-story-only"], "topics": ["wrecks"], "date": "2025-12-24"}
    matter["corrections"] = [{"date": "2025-12-25", "text": "It was a lighter."}]
    text = draft("The sunken barge", "Words.", hero={"src": "b.svg", "alt": "A barge"}, **matter)
    newsroom.cloud.put({f"drafts/{slug}/b.svg": SVG.format("barge"), f"drafts/{slug}/index.md": text})
    newsroom.live(slug)
    newsroom.cloud.settle()
    named = [key for key, body in newsroom.site().items() if slug.encode() in body]
    assert {"index.html", "feed.xml", "topics/wrecks/index.html", "archive/2025/12/index.html"} <= set(named)
    assert "It was a lighter." in newsroom.page("/corrections/").text
    paths = ["/", "/feed.xml", "/feed.json", "/topics/", "/topics/wrecks/", "/archive/2025/12/", "/corrections/"]
    for path in paths:
        newsroom.page(path)
    newsroom.cloud.remove(f"drafts/{slug}/index.md")
    newsroom.cloud.wait_for(lambda: newsroom.page(f"/articles/{slug}/").status == 410)
    newsroom.cloud.settle()
    for tier in TIERS:
        answer = newsroom.page(f"/articles/{slug}/", tier)
        assert answer.status == 410
        assert "barge" not in answer.text
    left = [key for key, body in newsroom.site().items() if re.search(rb"sunken.barge|one-story-only", body)]
    assert left == []
    for path in paths:
        answer = newsroom.page(path)
        assert answer.status in (200, 404)
        assert not re.search(r"sunken.barge|one-story-only", answer.text)
    assert newsroom.run_json("status", slug)["state"] == "withdrawn"
    newsroom.cloud.put({f"drafts/{slug}/index.md": text})
    assert "sunken barge" in newsroom.live(slug).text


@pytest.mark.parametrize(
    ("state", "matter"),
    [
        ("draft", {"draft": True}),
        ("draft", {"status": "draft"}),
        ("scheduled", {"publish_at": (datetime.now(UTC) + timedelta(days=400)).isoformat()}),
        ("scheduled", {"date": (datetime.now(UTC) + timedelta(days=400)).date().isoformat()}),
        ("expired", {"date": "2024-01-01", "expires": "2024-06-01"}),
    ],
)
def test_articles_that_are_not_live_are_not_shown(
    newsroom: Newsroom, state: str, matter: dict[str, Any], tmp_path: Path
) -> None:
    slug = f"unseen-{state}-{'-'.join(sorted(matter)).replace('_', '-')}"
    path = tmp_path / f"{slug}.md"
    path.write_text(draft("Unseen words", "Unseen words.", **matter), "utf-8")
    [report] = newsroom.run_json("publish", "--wait", str(path))
    assert (report["slug"], report["state"]) == (slug, state)
    assert newsroom.run_json("status", slug)["state"] == state
    newsroom.cloud.settle()
    assert newsroom.page(f"/articles/{slug}/", "member").status == (410 if state == "expired" else 404)
    assert [key for key, body in newsroom.site().items() if b"Unseen words" in body] == []


def test_a_renamed_slug_leads_to_the_new_one(newsroom: Newsroom) -> None:
    newsroom.cloud.put({"drafts/mole.md": draft("The mole", "Words.", slug="mole-east")})
    newsroom.live("mole-east")
    newsroom.cloud.put({"drafts/mole.md": draft("The mole", "Words.", slug="mole-west")})
    newsroom.live("mole-west")
    newsroom.cloud.settle()
    for tier in TIERS:
        answer = newsroom.page("/articles/mole-east/", tier)
        assert (answer.status, answer.headers["location"]) == (301, "/articles/mole-west/")
    named = [key for key, body in newsroom.site().items() if b"mole-east" in body]
    assert [key for key in named if "feed" not in key] == [], "feeds keep an article's id when its slug changes"


def test_unknown_addresses_answer_404(newsroom: Newsroom) -> None:
    answer = newsroom.page("/articles/never-was/")
    assert answer.status == 404
    assert "Page not found" in answer.text
    assert newsroom.run("status", "never-was").returncode == 2


def test_status_without_a_slug_is_the_pipeline(newsroom: Newsroom) -> None:
    newsroom.cloud.settle()
    report = newsroom.run_json("status")
    stages = dict.fromkeys(map(str.lower, (*QUEUES, "Reconcile")), 0)
    assert report["in_flight"] == stages
    assert set(report["dead_lettered"]) == set(stages)
    lines = newsroom.run("status").stdout.splitlines()
    assert {line.split()[0] for line in lines if line.endswith("dead-lettered")} == set(stages)


def test_outputs_and_env_lead_to_the_stack(newsroom: Newsroom) -> None:
    outputs = newsroom.run_json("outputs")
    assert outputs == dict(newsroom.cloud.outputs)
    promised = "SiteUrl DraftsBucket SiteBucket ArticlesTable MembershipsTable UpdatesTable EventBusName DistributionId"
    assert set(promised.split()) <= set(outputs)
    exports = newsroom.run("env").stdout
    assert f"export AWS_ENDPOINT_URL={newsroom.cloud.cloud.endpoint}" in exports
    assert newsroom.run_json("env")["AWS_ENDPOINT_URL"] == newsroom.cloud.cloud.endpoint


def test_security_headers_are_on_every_answer(newsroom: Newsroom, harbour: str) -> None:
    for path in ("/", f"/articles/{harbour}/", "/articles/never-was/", "/feed.xml"):
        headers = newsroom.page(path).headers
        policy = headers["content-security-policy"]
        assert "default-src" in policy
        assert "unsafe-inline" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" in headers
        assert not [name for name in headers if name.startswith("x-amz-meta") or name == "x-amz-version-id"]


def test_the_smoke_test_passes_and_leaves_no_draft(newsroom: Newsroom) -> None:
    report = newsroom.run_json("smoke")
    assert [(step["name"], step["problem"]) for step in report["steps"]] == [
        ("publish", ""),
        ("read at every tier", ""),
        ("correct", ""),
        ("withdraw", ""),
        ("clean up", ""),
    ]
    assert report["passed"]
    assert newsroom.page(f"/articles/{report['slug']}/").status == 410
    s3, bucket = newsroom.cloud.client("s3"), newsroom.cloud.outputs["DraftsBucket"]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="drafts/smoke-test")["KeyCount"] == 0


def test_the_canary_does_the_same_with_the_rights_of_its_role(newsroom: Newsroom) -> None:
    answer = newsroom.cloud.client("lambda").invoke(FunctionName=f"{newsroom.cloud.cloud.stack}-canary", Payload=b"{}")
    report = json.load(answer["Payload"])
    assert "FunctionError" not in answer, report
    assert [(step["name"], step["problem"]) for step in report["steps"]][1:] == [
        ("read at every tier", ""),
        ("correct", ""),
        ("withdraw", ""),
        ("clean up", ""),
    ]
    assert newsroom.page(f"/articles/{report['slug']}/").status == 410


def test_the_nightly_comparison_has_the_rights_that_it_needs(newsroom: Newsroom) -> None:
    """As its schedule starts it: every other test reconciles with the rights of an operator."""
    cloud = newsroom.cloud
    due = {"source": "nightdesk.scheduler", "detail-type": "ReconcileDue", "detail": {"version": 1}}
    cloud.settle()
    cloud.client("sqs").send_message(QueueUrl=cloud.outputs["ReconcileQueueUrl"], MessageBody=json.dumps(due))
    cloud.wait_for(lambda: any('"reconciled"' in line for line in cloud.logs("reconcile")))
    cloud.settle(240)
    assert cloud.messages("Reconcile", dead=True) == 0


def test_the_doctor_finds_the_local_cloud_in_order(newsroom: Newsroom) -> None:
    found = {finding["check"]: finding["outcome"] for finding in newsroom.run_json("doctor")}
    assert {found[name] for name in ("pipeline", "site", "edge functions", "readers' API", "clock")} == {"ok"}
    assert {found[name] for name in ("stack", "mail", "certificate")} == {"skipped"}


def test_a_shared_link_shows_a_card(newsroom: Newsroom, harbour: str) -> None:
    settings = (EXAMPLES / "site.yaml").read_text("utf-8")
    newsroom.cloud.put({"site.yaml": settings.replace("social_cards: false", "social_cards: true")})
    newsroom.cloud.settle(240)
    page = newsroom.page(f"/articles/{harbour}/").text
    found = re.search(r'<meta property="og:image" content="([^"]+)">', page)
    assert found
    assert '<meta property="og:image:width" content="1200">' in page
    card = newsroom.page(path_of(found[1]))
    assert (card.status, card.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(card.body)) as picture:
        assert picture.size == (1200, 630)
