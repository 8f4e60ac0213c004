"""An article that is taken down is gone from every surface, the report proves it, and nothing brings it back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from newsroom import ROOT, SVG, TIERS, Newsroom, addresses_in, draft, expect_calm, path_of_key

pytestmark = pytest.mark.cloud

SLUG = "takedown-gone"
TITLE = "Salvagecanary of the century"
PAGE = f"/articles/{SLUG}/"
MATTER: dict[str, Any] = {"authors": ["tom-reyes"], "topics": ["salvage", "wreckage"]}
ALIASES = ["/takedown/old/", "/articles/takedown-former/"]
LINKING = "takedown-linking"
WORDS = ("Salvagecanary", "Gatedcanary", "Dekcanary", "Correctioncanary")


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def story(date: str) -> str:
    body = "![Map](map.svg)\n\n::: gate tier=member teaser=T\nGatedcanary.\n\n![Hold](hold.svg)\n:::\n"
    corrections = [{"date": date, "text": "Correctioncanary."}]
    return draft(TITLE, body, dek="Dekcanary.", date=date, aliases=ALIASES, corrections=corrections, **MATTER)


def files(date: str) -> dict[str, str | bytes]:
    """The article, those that show it as an earlier one, and one whose author links to it; all of them news."""
    found: dict[str, str | bytes] = {
        f"drafts/{SLUG}/map.svg": SVG.format("map"),
        f"drafts/{SLUG}/hold.svg": SVG.format("hold"),
        f"drafts/{SLUG}/index.md": story(date),
        f"drafts/{LINKING}.md": draft("Linking", f"See [there]({PAGE}).", date=ago(4)),
    }
    for number in (1, 2, 3, 4):
        found[f"drafts/takedown-after-{number}.md"] = draft(f"After {number}", "Words.", date=ago(9 - number), **MATTER)
    return found


@dataclass(frozen=True)
class Taken:
    """A takedown by the command.

    Args:
        date: of the article.
        named: addresses and tiers whose pages told of the article before.
        report: what the command printed.
        earlier: all events from before.
        objects: the site's objects after.
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
    """Addresses and tiers of objects that name the article."""
    return {(path_of_key(key), tier_of(key)) for key, body in objects.items() if SLUG.encode() in body}


@pytest.fixture(scope="module")
def taken(newsroom: Newsroom) -> Taken:
    date = ago(10)
    with newsroom.listening() as heard:
        newsroom.cloud.put(files(date))
        newsroom.cloud.settle(300)
        earlier = list(heard())
    named = named_in(newsroom.site())
    for path, tier in named:
        assert newsroom.page(path, tier).status in (200, 301), path
    report = newsroom.asks("withdraw", SLUG)
    # What the report says holds at once, before all is quiet; so this is looked at first.
    seen = {place: newsroom.page(*place) for place in sorted(named)}
    left = {place for place, answer in seen.items() if any(word in answer.text for word in WORDS)}
    assert left == set()
    newsroom.cloud.settle(300)
    return Taken(date, named, report, earlier, newsroom.site())


def test_it_was_on_many_surfaces(taken: Taken) -> None:
    lists = ["/", "/feed.xml", "/feed.json", "/topics/salvage/", "/topics/wreckage/feed.xml", "/authors/tom-reyes/"]
    months = [f"{base}{taken.date[:4]}/{taken.date[5:7]}/" for base in ("/archive/", *lists[3:4], *lists[5:])]
    assert {(path, "public") for path in [*lists, *months, "/corrections/"]} <= taken.named
    assert {(f"/articles/takedown-after-{number}/", tier) for number in (1, 2, 3) for tier in TIERS} <= taken.named


def test_the_report_says_where_it_was_and_that_it_is_gone(newsroom: Newsroom, taken: Taken) -> None:
    report = taken.report
    assert (report["slug"], report["complete"]) == (SLUG, True)
    assert all(look["gone"] for look in report["surfaces"])
    looked = {(look["path"], look["tier"]): look for look in report["surfaces"]}
    # Nothing that named it was overlooked, but for a link that another author wrote and addresses that only lead to it.
    leading = {(path, tier) for path, tier in taken.named if path.startswith("/articles/takedown-former/")}
    missing = taken.named - set(looked) - leading - {(f"/articles/{LINKING}/", tier) for tier in TIERS}
    assert missing == set()
    assert {looked[PAGE, tier]["status"] for tier in TIERS} == {410}
    images = [look for (path, _), look in looked.items() if path.endswith(".svg")]
    assert len(images) == 4, "one for each tier, and one for members alone"
    assert {look["status"] for look in images} == {410}
    wrong = [look["path"] for look in report["surfaces"] if not look["was_there"] and "updates" not in look["path"]]
    assert [path for path in wrong if path not in ALIASES] == []


def test_the_report_is_kept(newsroom: Newsroom, taken: Taken) -> None:
    [kept] = newsroom.objects("WorkBucket", f"takedowns/{SLUG}/").values()
    assert json.loads(kept) == taken.report
    assert not [word for word in WORDS if word in kept.decode()]


def test_the_report_is_for_people_too(newsroom: Newsroom, taken: Taken) -> None:
    """A second time it finds everything gone already, and says so."""
    done = newsroom.command("withdraw", SLUG)
    assert done.returncode == 0
    assert re.search(rf"^gone +410  {PAGE}  \(member; was not there\)$", done.stdout, re.MULTILINE)
    assert re.search(rf"^{SLUG} is gone from \d+ surfaces", done.stdout, re.MULTILINE)
    assert newsroom.command("withdraw", "never-was").returncode == 2


def test_nothing_of_it_is_left_on_the_site(newsroom: Newsroom, taken: Taken) -> None:
    assert newsroom.traces(*WORDS) == []
    lasting = {(f"/articles/{LINKING}/", tier) for tier in TIERS}
    assert named_in(taken.objects) == lasting


@pytest.mark.parametrize("tier", TIERS)
def test_readers_get_410_for_all_that_was_its_own(newsroom: Newsroom, taken: Taken, tier: str) -> None:
    own = [key for key in taken.objects if key.startswith(f"articles/{SLUG}/")]
    assert len(own) == 7
    for path in {path_of_key(key) for key in own}:
        answer = newsroom.page(path, tier)
        # Of a picture that was for members, others never knew.
        assert answer.status == 410 or ("hold" in path and tier != "member" and answer.status == 404), path
        assert not [word for word in WORDS if word in answer.text]


@pytest.mark.parametrize("path", ALIASES)
def test_its_old_addresses_end_there(newsroom: Newsroom, taken: Taken, path: str) -> None:
    answer = newsroom.page(path)
    assert (answer.status, answer.headers.get("location")) == (301, PAGE)
    assert newsroom.page(PAGE).status == 410


def test_others_go_on(newsroom: Newsroom, taken: Taken) -> None:
    assert "After 4" in newsroom.page("/topics/salvage/").text
    assert PAGE in addresses_in(newsroom.page(f"/articles/{LINKING}/").text), "what its author wrote"
    page = newsroom.page("/articles/takedown-after-2/").text
    assert "/articles/takedown-after-1/" in addresses_in(page)


# --- Nothing brings it back ---


def expect_gone(newsroom: Newsroom) -> None:
    expect_calm(newsroom)
    assert newsroom.traces(*WORDS) == []
    assert newsroom.page(PAGE, "member").status == 410
    assert newsroom.state(SLUG)["state"] == "withdrawn"


def test_earlier_events_do_not_bring_it_back(newsroom: Newsroom, taken: Taken) -> None:
    """All that was said on the bus is said again, backwards, and S3 tells again of the draft."""
    told = [event for event in taken.earlier if SLUG in json.dumps(event["detail"])]
    assert {"ArticleRendered", "ArticleGated", "ArticleEntered", "ArticleIndexed"} <= {e["detail-type"] for e in told}
    for event in reversed(told):
        newsroom.cloud.tell(event["detail-type"], event["detail"], source=event["source"])
    newsroom.cloud.tell("ArticleTouched", {"slug": SLUG})
    moved = json.loads((ROOT / "events" / "ObjectCreated.json").read_text())
    moved["detail"]["bucket"]["name"] = newsroom.cloud.outputs["DraftsBucket"]
    moved["detail"]["object"]["key"] = f"drafts/{SLUG}/index.md"
    queue = newsroom.cloud.outputs["RenderQueueUrl"]
    for _ in range(2):
        newsroom.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(moved))
    expect_gone(newsroom)


def test_the_draft_put_again_does_not_bring_it_back(newsroom: Newsroom, taken: Taken) -> None:
    again = story(taken.date)
    newsroom.cloud.put({f"drafts/{SLUG}/index.md": again, f"drafts/{SLUG}/map.svg": SVG.format("map")})
    newsroom.cloud.settle(120)
    newsroom.cloud.put({f"drafts/{SLUG}/index.md": again.replace("Dekcanary.", "Another Dekcanary.")})
    expect_gone(newsroom)


def test_lost_records_do_not_bring_it_back(newsroom: Newsroom, taken: Taken) -> None:
    """As after a restart that lost the tables: what was decided lies in the bucket."""
    table = newsroom.cloud.outputs["ArticlesTable"]
    dynamodb = newsroom.cloud.client("dynamodb")
    for pk in (f"article#{SLUG}", f"draft#drafts/{SLUG}/index.md"):
        condition: dict[str, Any] = {"KeyConditionExpression": "pk = :pk"}
        found = dynamodb.query(TableName=table, ExpressionAttributeValues={":pk": {"S": pk}}, **condition)
        assert found["Items"]
        for item in found["Items"]:
            dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    newsroom.cloud.tell("DraftTouched", {"key": f"drafts/{SLUG}/index.md"})
    expect_gone(newsroom)


def test_an_editor_can_bring_it_back(newsroom: Newsroom, taken: Taken) -> None:
    [report] = newsroom.asks("publish", "--wait", SLUG)
    assert report["state"] == "live"
    for tier in TIERS:
        page = newsroom.page(PAGE, tier).text
        assert TITLE in page
        assert ("Gatedcanary" in page) is (tier == "member")
    newsroom.cloud.settle(120)
    assert named_in(newsroom.site()) >= taken.named
