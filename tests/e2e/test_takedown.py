"""A takedown: the article is gone from every surface, the report proves it, and nothing but an editor brings it back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.newsroom import ROOT, SVG, TIERS, Newsroom, addresses_in, draft, expect_idle, path_of_key

pytestmark = pytest.mark.cloud

SLUG = "takedown-gone"
TITLE = "Salvagecanary of the century"
PAGE = f"/articles/{SLUG}/"
FRONT_MATTER: dict[str, Any] = {"authors": ["tom-reyes"], "topics": ["salvage", "wreckage"]}
ALIASES = ["/takedown/old/", "/articles/takedown-former/"]
LINKING = "takedown-linking"
WORDS = ("Salvagecanary", "Gatedcanary", "Dekcanary", "Correctioncanary")


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def story(date: str) -> str:
    body = "![Map](map.svg)\n\n::: gate tier=member teaser=T\nGatedcanary.\n\n![Hold](hold.svg)\n:::\n"
    corrections = [{"date": date, "text": "Correctioncanary."}]
    return draft(TITLE, body, dek="Dekcanary.", date=date, aliases=ALIASES, corrections=corrections, **FRONT_MATTER)


def files(date: str) -> dict[str, str | bytes]:
    """The article, articles that show it as a preceding one, and one that links to it; all recent enough for the news sitemap."""
    found: dict[str, str | bytes] = {
        f"drafts/{SLUG}/map.svg": SVG.format("map"),
        f"drafts/{SLUG}/hold.svg": SVG.format("hold"),
        f"drafts/{SLUG}/index.md": story(date),
        f"drafts/{LINKING}.md": draft("Linking", f"See [there]({PAGE}).", date=ago(4)),
    }
    for number in (1, 2, 3, 4):
        found[f"drafts/takedown-after-{number}.md"] = draft(
            f"After {number}", "Words.", date=ago(9 - number), **FRONT_MATTER
        )
    return found


@dataclass(frozen=True)
class Takedown:
    """A takedown at the command line.

    Attributes:
        date: of the article.
        named: paths and tiers whose pages named the article before.
        report: what the command printed.
        earlier: all events before the takedown.
        objects: the site's objects after it.
    """

    date: str
    named: set[tuple[str, str]]
    report: dict[str, Any]
    earlier: list[dict[str, Any]]
    objects: dict[str, bytes]


def tier_of(key: str) -> str:
    found = re.search(r"/~([a-z]+)/", f"/{key}")
    return found[1] if found else "public"


def named_in(objects: dict[str, bytes]) -> set[tuple[str, str]]:
    """Return the paths and tiers of objects that name the article."""
    return {(path_of_key(key), tier_of(key)) for key, body in objects.items() if SLUG.encode() in body}


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """A newsroom apart from the examples."""
    return second_newsroom


@pytest.fixture(scope="module")
def takedown(newsroom: Newsroom) -> Takedown:
    date = ago(10)
    with newsroom.bus_events() as heard:
        newsroom.cloud.put(files(date))
        newsroom.cloud.settle(300)
        earlier = list(heard())
    named = named_in(newsroom.site())
    for path, tier in named:
        assert newsroom.page(path, tier).status in (200, 301), path
    report = newsroom.run_json("withdraw", SLUG)
    # The report must be true at once, before the pipeline is idle.
    pages = {place: newsroom.page(*place) for place in sorted(named)}
    left = {place for place, answer in pages.items() if any(word in answer.text for word in WORDS)}
    assert left == set()
    newsroom.cloud.settle(300)
    return Takedown(date, named, report, earlier, newsroom.site())


def test_the_article_was_on_many_surfaces(takedown: Takedown) -> None:
    lists = ["/", "/feed.xml", "/feed.json", "/topics/salvage/", "/topics/wreckage/feed.xml", "/authors/tom-reyes/"]
    months = [f"{base}{takedown.date[:4]}/{takedown.date[5:7]}/" for base in ("/archive/", *lists[3:4], *lists[5:])]
    assert {(path, "public") for path in [*lists, *months, "/corrections/"]} <= takedown.named
    assert {(f"/articles/takedown-after-{number}/", tier) for number in (1, 2, 3) for tier in TIERS} <= takedown.named


def test_the_report_lists_every_surface_as_gone(newsroom: Newsroom, takedown: Takedown) -> None:
    report = takedown.report
    assert (report["slug"], report["complete"]) == (SLUG, True)
    assert all(surface["gone"] for surface in report["surfaces"])
    checked = {(surface["path"], surface["tier"]): surface for surface in report["surfaces"]}
    # Every page that named it was checked, but for one with another author's link and addresses that only redirect to it.
    leading = {(path, tier) for path, tier in takedown.named if path.startswith("/articles/takedown-former/")}
    missing = takedown.named - set(checked) - leading - {(f"/articles/{LINKING}/", tier) for tier in TIERS}
    assert missing == set()
    assert {checked[PAGE, tier]["status"] for tier in TIERS} == {410}
    images = [surface for (path, _), surface in checked.items() if path.endswith(".svg")]
    assert len(images) == 2, "one for everyone, and one for members only"
    assert {surface["status"] for surface in images} == {410}
    absent = [surface["path"] for surface in report["surfaces"] if not surface["was_there"]]
    # A directory names only the newest article of each topic and author, and newsletters of other tests never named it.
    elsewhere = ("/updates/", "/newsletter/")
    assert {path for path in set(absent) - set(ALIASES) if not path.startswith(elsewhere)} <= {"/topics/", "/authors/"}


def test_the_report_is_stored_without_text_of_the_article(newsroom: Newsroom, takedown: Takedown) -> None:
    [kept] = newsroom.objects("PrivateBucket", f"takedowns/{SLUG}/").values()
    assert json.loads(kept) == takedown.report
    assert not [word for word in WORDS if word in kept.decode()]


def test_a_repeated_takedown_reports_everything_gone_in_plain_text(newsroom: Newsroom, takedown: Takedown) -> None:
    done = newsroom.run("withdraw", SLUG)
    assert done.returncode == 0
    assert re.search(rf"^gone +410  {PAGE}  \(member; was not there\)$", done.stdout, re.MULTILINE)
    assert re.search(rf"^{SLUG} is gone from \d+ surfaces", done.stdout, re.MULTILINE)
    assert newsroom.run("withdraw", "never-was").returncode == 2


def test_nothing_of_the_article_is_left_on_the_site(newsroom: Newsroom, takedown: Takedown) -> None:
    assert newsroom.keys_containing(*WORDS) == []
    # A link in the text of another article stays, on its page and in the feeds that have its text.
    linking = {*((f"/articles/{LINKING}/", tier) for tier in TIERS), ("/feed.xml", "public"), ("/feed.json", "public")}
    assert named_in(takedown.objects) == linking


@pytest.mark.parametrize("tier", TIERS)
def test_readers_get_410_for_its_page_and_images(newsroom: Newsroom, takedown: Takedown, tier: str) -> None:
    own = [key for key in takedown.objects if key.startswith(f"articles/{SLUG}/")]
    assert len(own) == 5, "a page for each tier, one image for all, and one for members"
    for path in {path_of_key(key) for key in own}:
        answer = newsroom.page(path, tier)
        # An image for members was never there for other readers.
        assert answer.status == 410 or ("hold" in path and tier != "member" and answer.status == 404), path
        assert not [word for word in WORDS if word in answer.text]


@pytest.mark.parametrize("path", ALIASES)
def test_its_old_addresses_redirect_to_the_tombstone(newsroom: Newsroom, takedown: Takedown, path: str) -> None:
    answer = newsroom.page(path)
    assert (answer.status, answer.headers.get("location")) == (301, PAGE)
    assert newsroom.page(PAGE).status == 410


def test_other_articles_are_unaffected(newsroom: Newsroom, takedown: Takedown) -> None:
    assert "After 4" in newsroom.page("/topics/salvage/").text
    assert PAGE in addresses_in(newsroom.page(f"/articles/{LINKING}/").text), "a link in its author's text stays"
    page = newsroom.page("/articles/takedown-after-2/").text
    assert "/articles/takedown-after-1/" in addresses_in(page)


# --- Attempts to bring it back ---


def expect_gone(newsroom: Newsroom) -> None:
    expect_idle(newsroom)
    assert newsroom.keys_containing(*WORDS) == []
    assert newsroom.page(PAGE, "member").status == 410
    assert newsroom.state(SLUG)["state"] == "withdrawn"


def test_repeated_events_do_not_bring_it_back(newsroom: Newsroom, takedown: Takedown) -> None:
    """Every earlier event is sent again in reverse order, and S3 announces the draft again."""
    events = [event for event in takedown.earlier if SLUG in json.dumps(event["detail"])]
    assert {"ArticleRendered", "ArticleGated", "EntriesChanged", "ArticleIndexed"} <= {e["detail-type"] for e in events}
    for event in reversed(events):
        newsroom.cloud.send_event(event["detail-type"], event["detail"], source=event["source"])
    newsroom.cloud.send_event("RegateRequested", {"slug": SLUG})
    created = json.loads((ROOT / "events" / "ObjectCreated.json").read_text())
    created["detail"]["bucket"]["name"] = newsroom.cloud.outputs["DraftsBucket"]
    created["detail"]["object"]["key"] = f"drafts/{SLUG}/index.md"
    queue = newsroom.cloud.outputs["RenderQueueUrl"]
    for _ in range(2):
        newsroom.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(created))
    expect_gone(newsroom)


def test_uploading_the_draft_again_does_not_bring_it_back(newsroom: Newsroom, takedown: Takedown) -> None:
    again = story(takedown.date)
    newsroom.cloud.put({f"drafts/{SLUG}/index.md": again, f"drafts/{SLUG}/map.svg": SVG.format("map")})
    newsroom.cloud.settle(120)
    newsroom.cloud.put({f"drafts/{SLUG}/index.md": again.replace("Dekcanary.", "Another Dekcanary.")})
    expect_gone(newsroom)


def test_lost_records_do_not_bring_it_back(newsroom: Newsroom, takedown: Takedown) -> None:
    """Decisions are stored in the private bucket, so they survive the loss of the tables."""
    table = newsroom.cloud.outputs["ArticlesTable"]
    dynamodb = newsroom.cloud.client("dynamodb")
    for pk in (f"article#{SLUG}", f"draft#drafts/{SLUG}/index.md"):
        condition: dict[str, Any] = {"KeyConditionExpression": "pk = :pk"}
        found = dynamodb.query(TableName=table, ExpressionAttributeValues={":pk": {"S": pk}}, **condition)
        assert found["Items"]
        for item in found["Items"]:
            dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    newsroom.cloud.send_event("RenderRequested", {"key": f"drafts/{SLUG}/index.md"})
    expect_gone(newsroom)


def test_an_editor_publishes_it_again(newsroom: Newsroom, takedown: Takedown) -> None:
    [report] = newsroom.run_json("publish", "--wait", SLUG)
    assert report["state"] == "live"
    for tier in TIERS:
        page = newsroom.page(PAGE, tier).text
        assert TITLE in page
        assert ("Gatedcanary" in page) is (tier == "member")
    newsroom.cloud.settle(120)
    assert named_in(newsroom.site()) >= takedown.named
