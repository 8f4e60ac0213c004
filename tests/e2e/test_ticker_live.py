"""The ticker on the deployed stack: what is posted is on the page through the cache, and what is over is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.errors import RateLimited
from nightdesk.domain.updates import LIVE, Update, parse_new_update
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.usecases.ticker.updates import PER_MINUTE, listing, post
from support.effort import amount
from support.feed_server import BOMB, RSS, FeedServer, reply, send_endless
from support.newsroom import EXAMPLES, Newsroom, draft, expect_idle

pytestmark = pytest.mark.cloud

POSTS = amount("POSTS", test=100, soak=1000)


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """The second newsroom, whose ticker is empty."""
    return second_newsroom


class Ticker:
    """The ticker as editors and readers meet it."""

    def __init__(self, newsroom: Newsroom) -> None:
        self.newsroom = newsroom
        self.cloud = newsroom.cloud
        self.ports = operator_ports(newsroom.cloud.cloud)
        self.table = DynamoTable(self.cloud.client("dynamodb"), self.cloud.outputs["UpdatesTable"])

    def post(self, headline: str, poster: str = "editor-1", key: str = "", **values: str) -> Update:
        """Post as the editors' API does."""
        new = parse_new_update({"headline": headline, **values}, datetime.now(UTC), UTC, self.cloud.site_url)
        return post(new, poster, key, self.ports).update

    def shown(self, name: str = "latest") -> list[str]:
        """The headlines in a file, as a reader gets it."""
        answer = self.cloud.get(f"/updates/{name}.json")
        return [update["headline"] for update in json.loads(answer.body)["updates"]] if answer.status == 200 else []

    def wait(self, condition: Callable[[], Any], patience: float = 60) -> Any:
        return self.cloud.wait_for(condition, patience)

    def appeared(self, headline: str, topic: str) -> None:
        """Wait until readers get an update everywhere; its objects are written and dropped from the cache one after another."""
        for name in ("latest", f"topics/{topic}"):
            self.wait(lambda name=name: headline in self.shown(name))
        self.wait(lambda: headline in self.cloud.get("/updates/").text)

    def gone(self, headline: str, topic: str) -> None:
        """Wait until no reader gets an update any more, wherever it stood."""
        self.wait(lambda: headline not in self.shown() + self.shown(f"topics/{topic}"))
        self.wait(lambda: headline not in self.cloud.get("/updates/").text)
        assert headline not in self.cloud.get("/updates/box.json").text


@pytest.fixture(scope="module")
def ticker(newsroom: Newsroom) -> Ticker:
    return Ticker(newsroom)


def test_the_command_posts_lists_and_removes(ticker: Ticker) -> None:
    ask = ticker.newsroom.run_json
    words = ["--summary", "Both lanes.", "--link", "https://e.org/strait", "--topic", "shipping", "--weight", "3"]
    made = ask("update", "Strait reopens to tankers", *words)
    assert (made["status"], made["topic"], made["weight"]) == ("live", "shipping", 3)
    ticker.appeared("Strait reopens to tankers", "shipping")
    found = json.loads(ticker.cloud.get("/updates/latest.json").body)["updates"]
    assert found[0] == {
        "id": made["id"],
        "headline": "Strait reopens to tankers",
        "summary": "Both lanes.",
        "url": "https://e.org/strait",
        "topic": "shipping",
        "published": made["published"],
    }
    assert [one["published"] for one in found] == sorted((one["published"] for one in found), reverse=True)
    page = ticker.cloud.get("/updates/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.index("Strait reopens to tankers") < page.text.index("Both lanes.")
    assert made["id"] in [one["id"] for one in ask("updates", "list")["live"]]
    assert ask("updates", "remove", made["id"])["status"] == "removed"
    ticker.gone("Strait reopens to tankers", "shipping")
    assert ticker.cloud.get("/updates/topics/shipping.json").status == 404
    assert made["id"] not in [one["id"] for one in ask("updates", "list")["live"]]
    assert ticker.newsroom.run("updates", "remove", "no-such-id").returncode == 2
    assert ticker.newsroom.run("updates", "approve", made["id"]).returncode == 2


def test_the_command_names_every_field_that_will_not_do(ticker: Ticker) -> None:
    words = ["--link", "javascript:alert(1)", "--topic", "Not An Id", "--weight", "11", "--expires", "2020-01-01"]
    done = ticker.newsroom.run("update", "h" * 500, "--summary", "s" * 5000, *words)
    assert done.returncode == 2
    said = {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert said == {"headline", "summary", "url", "topic", "weight", "expires"}


def test_a_post_rewrites_four_objects_and_no_article(ticker: Ticker) -> None:
    ticker.post("The first of its topic", topic="counted")
    ticker.cloud.settle()
    for path in ("/updates/", "/updates/latest.json", "/updates/box.json", "/updates/topics/counted.json"):
        ticker.cloud.get(path)
    before = ticker.newsroom.versions()
    ticker.post("The second of its topic", topic="counted")
    ticker.wait(lambda: ticker.shown("topics/counted")[:1] == ["The second of its topic"])
    ticker.wait(lambda: ticker.shown()[:1] == ["The second of its topic"])
    ticker.cloud.settle()
    after = ticker.newsroom.versions()
    moved = {key for key in before | after if before.get(key) != after.get(key)}
    assert moved == {f"updates/{name}" for name in ("index.html", "latest.json", "box.json", "topics/counted.json")}
    # Nothing that a reader may get from the cache is older than what is stored.
    for key in moved:
        path = f"/{key.removesuffix('index.html')}"
        assert ticker.cloud.get(path).body == ticker.newsroom.objects("SiteBucket", key)[key]


def test_readers_may_not_keep_it_and_the_cache_not_for_long(ticker: Ticker) -> None:
    s3, bucket = ticker.cloud.client("s3"), ticker.cloud.outputs["SiteBucket"]
    stored = s3.head_object(Bucket=bucket, Key="updates/latest.json")
    assert stored["CacheControl"] == "public, max-age=0, s-maxage=60"
    answer = ticker.cloud.get("/updates/latest.json")
    assert answer.headers["cache-control"] == "public, max-age=0"
    assert answer.headers["content-type"] == "application/json"
    assert "hit" in ticker.cloud.get("/updates/latest.json").headers["x-cache"].lower()


def test_an_update_disappears_when_it_expires(ticker: Ticker) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=8)
    ticker.post("Over in a moment", topic="brief", expires=ends.isoformat(timespec="seconds"))
    ticker.appeared("Over in a moment", "brief")
    ticker.gone("Over in a moment", "brief")
    assert datetime.now(UTC) >= ends.replace(microsecond=0)
    expect_idle(ticker.newsroom)


def test_a_takedown_takes_what_points_at_the_article(ticker: Ticker) -> None:
    ticker.cloud.put({"drafts/pier-fire.md": draft("Pier fire", "Words.", date="2026-02-01")})
    ticker.newsroom.live("pier-fire")
    ticker.post("Fire at the pier", url="/articles/pier-fire/", topic="fires")
    ticker.post("Fire at the mill", url="/articles/pier-fire-two/", topic="fires")
    ticker.wait(lambda: len(ticker.shown("topics/fires")) == 2)
    ticker.cloud.remove("drafts/pier-fire.md")
    ticker.wait(lambda: ticker.shown("topics/fires") == ["Fire at the mill"], 60)
    ticker.gone("Fire at the pier", "fires-of-none")


# --- Files ---


def test_a_file_posts_and_its_deletion_removes(ticker: Ticker, tmp_path: Path) -> None:
    folder = tmp_path / "updates"
    folder.mkdir()
    text = "---\nheadline: Filed by hand\nlink: https://e.org/x\ntopic: filed\nweight: 2\n---\nThe body says more.\n"
    (folder / "by-hand.md").write_text(text, "utf-8")
    [report] = ticker.newsroom.run_json("publish", "--wait", str(folder / "by-hand.md"))
    assert (report["state"], report["url"]) == ("live", f"{ticker.cloud.site_url}/updates/")
    ticker.wait(lambda: ticker.shown("topics/filed") == ["Filed by hand"])
    assert (
        json.loads(ticker.cloud.get("/updates/topics/filed.json").body)["updates"][0]["summary"]
        == "The body says more."
    )
    ticker.cloud.put({"updates/by-hand.md": text.replace("Filed by hand", "Filed again")})
    ticker.wait(lambda: ticker.shown("topics/filed") == ["Filed again"])
    ticker.cloud.remove("updates/by-hand.md")
    ticker.gone("Filed again", "filed")


def test_a_rejected_file_is_reported_with_line_and_key(ticker: Ticker, tmp_path: Path) -> None:
    folder = tmp_path / "updates"
    folder.mkdir()
    good = "---\nheadline: Stays as it was\ntopic: stays\n---\n"
    ticker.cloud.put({"updates/bad.md": good})
    ticker.wait(lambda: ticker.shown("topics/stays") == ["Stays as it was"])
    path = folder / "bad.md"
    path.write_text("---\nheadline: Bad\nlink: javascript:alert(1)\nexpires: yesterday\n---\n", "utf-8")
    with ticker.newsroom.bus_events() as heard:
        done = ticker.newsroom.run("publish", "--wait", str(path))
        ticker.cloud.settle()
        [told] = [event["detail"] for event in heard() if event["detail-type"] == "DraftRejected"]
    assert done.returncode == 1
    assert f"{path}:3: link: " in done.stdout
    assert f"{path}:4: expires: " in done.stdout
    assert (told["key"], [(p["line"], p["key"]) for p in told["problems"]]) == (
        "updates/bad.md",
        [(3, "link"), (4, "expires")],
    )
    assert "updates/bad.md" in [item["key"] for item in ticker.newsroom.run_json("status")["rejected"]]
    assert ticker.shown("topics/stays") == ["Stays as it was"]
    ticker.cloud.remove("updates/bad.md")
    ticker.gone("Stays as it was", "stays")
    assert "updates/bad.md" not in [item["key"] for item in ticker.newsroom.run_json("status")["rejected"]]


# --- Many ---


def test_posts_by_ten_editors_at_once_are_all_there(ticker: Ticker) -> None:
    before = {one.id for one in listing(LIVE, "", 5000, ticker.ports).updates}

    def some(editor: int) -> list[str]:
        made = [
            ticker.post(f"N {editor}-{n}", f"editor-{editor}", f"{n}", topic=f"many-{editor % 3}")
            for n in range(POSTS // 10)
        ]
        return [one.id for one in made]

    with ThreadPoolExecutor(5) as pool:
        posted = {identifier for many in pool.map(some, range(10)) for identifier in many}
    assert len(posted) == POSTS
    live = listing(LIVE, "", 5000, ticker.ports).updates
    assert {one.id for one in live} - before == posted
    newest = [one.headline for one in live[:50]]
    ticker.wait(lambda: ticker.shown() == newest, 60)
    expect_idle(ticker.newsroom)
    for identifier in posted:
        item = ticker.table.get(f"update#{identifier}", "update")
        assert item
    # Nothing is left that the pages do not show.
    assert ticker.table.query("unsettled") == []


def test_one_editor_has_a_rate_and_a_repeated_post_does_not_count(ticker: Ticker) -> None:
    made, waits = 0, []
    for number in range(PER_MINUTE + 10):
        try:
            ticker.post(f"Rate {number}", "hasty", f"{number}")
            made += 1
        except RateLimited as error:
            waits.append(error.retry_after)
    assert made >= PER_MINUTE
    assert made + len(waits) == PER_MINUTE + 10
    assert all(0 < seconds <= 60 for seconds in waits)
    first = ticker.post("Rate 0", "hasty", "0")
    assert ticker.post("Rate 0", "hasty", "0") == first


# --- Feeds ---

SITE = (EXAMPLES / "site.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def wires(ticker: Ticker) -> Iterator[FeedServer]:
    """Feeds on this machine that the site watches: good ones, and three bad ones that must not affect the others."""
    server = FeedServer()
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    good = RSS.replace("Tue, 24 Nov 2026 05:00:00 +0100", now)

    def conditional(request: Any) -> None:
        if request.headers["If-None-Match"] == '"one"':
            request.send_response(304)
            request.end_headers()
        else:
            reply(good, ETag='"one"')(request)

    items = [f"<item><title>{t}</title><link>https://e.org/{t[:4]}</link></item>" for t in (
        "Ferry lines agree on winter fares after long talks", "Ferry lines agree on the winter fares after long talks",
        "Old news", "Sent by a liar")]  # fmt: skip
    items[2] = items[2].replace("</item>", "<pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate></item>")
    items[3] = items[3].replace("https://e.org/Sent", "https://169.254.169.254/latest/meta-data/")
    future = "<item><title>Dated next year</title><link>https://e.org/next</link><pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate></item>"
    rss = '<rss version="2.0"><channel><title>W</title>{}</channel></rss>'
    server.handlers = {
        "/trusted": conditional,
        "/untrusted": reply(rss.format("".join([*items, future]))),
        "/bomb": reply(BOMB),
        "/huge": send_endless,
        "/hangs": lambda request: time.sleep(20),
    }
    trust = {"trusted": ", trusted: true, topic: wire, weight: 1"}
    feeds = [f"  - {{url: '{server.url(path)}'{trust.get(path[1:], '')}}}" for path in server.handlers]
    ticker.cloud.put({"site.yaml": "\n".join([SITE, "feeds:", *feeds, ""])})
    ticker.cloud.settle(120)
    yield server
    ticker.cloud.put({"site.yaml": SITE})
    ticker.cloud.settle(120)
    server.close()


def test_the_schedule_reads_feeds_by_itself(ticker: Ticker, wires: FeedServer) -> None:
    ticker.wait(lambda: len(ticker.shown("topics/wire")) == 2, 90)
    assert set(ticker.shown("topics/wire")) == {"Grain & ships move", "No date"}
    page = ticker.wait(lambda: "Grain &amp; ships move" in (text := ticker.cloud.get("/updates/").text) and text)
    assert "alert(1)" not in page


def test_items_of_an_untrusted_feed_wait_and_are_approved(ticker: Ticker, wires: FeedServer) -> None:
    ask = ticker.newsroom.run_json
    waiting = ticker.wait(lambda: ask("updates", "list")["waiting"], 90)
    headlines = {one["headline"] for one in waiting}
    assert headlines == {"Ferry lines agree on winter fares after long talks", "Dated next year"} or headlines == {
        "Ferry lines agree on the winter fares after long talks",
        "Dated next year",
    }
    assert not headlines & set(ticker.shown())
    assert all(one["published"] <= datetime.now(UTC).isoformat() for one in waiting)
    chosen = next(one for one in waiting if one["headline"] == "Dated next year")
    assert ask("updates", "approve", chosen["id"])["status"] == "live"
    ticker.wait(lambda: "Dated next year" in ticker.shown())


def test_an_unchanged_feed_is_asked_for_changes_only(ticker: Ticker, wires: FeedServer) -> None:
    ticker.wait(lambda: ticker.shown("topics/wire"), 90)
    ticker.cloud.settle()
    asked = len([path for path, _ in wires.requests if path == "/trusted"])
    before = ticker.newsroom.versions(prefix="updates/")
    ticker.cloud.send_event("TickerDue", {})
    ticker.wait(lambda: len([path for path, _ in wires.requests if path == "/trusted"]) > asked, 90)
    _, headers = [one for one in wires.requests if one[0] == "/trusted"][-1]
    assert headers["if-none-match"] == '"one"'
    ticker.cloud.settle(90)
    assert ticker.newsroom.versions(prefix="updates/") == before


def test_bad_feeds_are_reported_and_read_less_often(ticker: Ticker, wires: FeedServer) -> None:
    ticker.wait(lambda: len(ticker.newsroom.run_json("updates", "list")["feeds"]) == 3, 90)
    ticker.cloud.settle(90)
    failing = {one["url"].rpartition("/")[2]: one for one in ticker.newsroom.run_json("updates", "list")["feeds"]}
    assert set(failing) == {"bomb", "huge", "hangs"}
    assert "entities" in failing["bomb"]["problem"]
    assert "larger than 2 MiB" in failing["huge"]["problem"]
    assert "took too long" in failing["hangs"]["problem"]
    assert all(one["next"] > "2026" for one in failing.values())


def test_a_feed_that_hangs_delays_no_post(ticker: Ticker, wires: FeedServer) -> None:
    """While a feed is being waited for, posts are shown."""
    fresh = SITE + f"feeds:\n  - {{url: '{wires.url('/hangs')}?anew'}}\n"
    wires.handlers["/hangs?anew"] = lambda request: time.sleep(20)
    ticker.cloud.put({"site.yaml": fresh})
    ticker.cloud.settle(120)
    ticker.cloud.send_event("TickerDue", {})
    ticker.wait(lambda: any(path == "/hangs?anew" for path, _ in wires.requests), 90)
    ticker.post("Posted meanwhile")
    ticker.wait(lambda: "Posted meanwhile" in ticker.shown(), 5)
    ticker.cloud.settle(120)
    expect_idle(ticker.newsroom)
