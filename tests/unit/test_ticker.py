"""The ticker's acts and pages, over ports in memory: nothing is lost, whoever dies wherever, and every post costs the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable, MemoryTimer, memory_ports
from nightdesk.domain.errors import Conflict, Rejected, TooMany
from nightdesk.domain.site import Feed, Site
from nightdesk.domain.updates import LIVE, REMOVED, WAITING, Entry, Update, Wish, moment_text, parse_wish
from nightdesk.events import DETAILS, TickerDue, UpdatePosted
from nightdesk.rendering.environment import Theme
from nightdesk.stages.updates import UpdatesBatch
from nightdesk.usecases import board, catalogue, converge
from nightdesk.usecases.feeds import failing, read_feeds
from nightdesk.usecases.ports import ANY, Ask, Change, Event, Output, Ports, Reading
from nightdesk.usecases.status import status_of_draft
from nightdesk.usecases.ticker import LONGEST, look_at_next_end, refresh
from nightdesk.usecases.update_files import take_file
from nightdesk.usecases.updates import PER_MINUTE, Posted, approve, listing, post, remove, remove_of_article

NOW = datetime(2026, 11, 24, 5, 38, tzinfo=UTC)
SITE_FILES = {"updates/index.html", "updates/latest.json", "updates/box.json"}


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme(Path(__file__).resolve().parents[2] / "layers" / "theme")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converge.time, "sleep", lambda _: None)


class Desk:
    """A newsroom with a ticker and a clock of its own."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.now = NOW
        self.ports: Ports = memory_ports("https://news.example", lambda: self.now)
        self.timer = MemoryTimer()
        self.site: MemoryObjects = self.ports.site  # type: ignore[assignment]  # memory_ports makes it
        self.bus: MemoryBus = self.ports.bus  # type: ignore[assignment]

    @property
    def table(self) -> Any:
        return self.ports.updates

    def wish(self, headline: str = "Strait reopens", **values: str) -> Wish:
        return parse_wish({"headline": headline, **values}, self.now, UTC, "https://news.example")

    def post(self, headline: str = "Strait reopens", key: str = "", poster: str = "e", **values: str) -> Posted:
        self.now += timedelta(seconds=1)
        return post(self.wish(headline, **values), poster, key, self.ports)

    def look(self, everything: bool = False) -> tuple[str, ...]:
        return refresh(self.ports, self.theme, everything)

    def file(self, name: str, text: str | None) -> str | None:
        key = f"updates/{name}.md"
        if text is None:
            self.ports.drafts.delete(key)
        else:
            self.ports.drafts.put(Output(key, text.encode(), "text/markdown"), ANY)
        return take_file(key, self.ports)

    def data(self, name: str) -> Any:
        """A file of the ticker's, or None."""
        output = self.site.outputs.get(f"updates/{name}.json")
        return json.loads(output.body) if output else None

    def headlines(self, name: str = "latest") -> list[str]:
        return [update["headline"] for update in (self.data(name) or {"updates": []})["updates"]]

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.detail) for event in self.bus.events if event.type == kind]


@pytest.fixture
def desk(theme: Theme) -> Desk:
    return Desk(theme)


# --- Posting ---


def test_what_is_posted_is_shown(desk: Desk) -> None:
    made = desk.post("First", summary="S", url="/articles/a/", topic="trade").update
    desk.post("Second")
    desk.look()
    assert desk.headlines() == ["Second", "First"]
    assert desk.data("latest")["updates"][1] == {
        "id": made.id,
        "headline": "First",
        "summary": "S",
        "url": "/articles/a/",
        "topic": "trade",
        "published": "2026-11-24T05:38:01.000Z",
    }
    assert desk.headlines("topics/trade") == ["First"]
    assert desk.data("box") == {"updates": desk.data("latest")["updates"][:1], "topics": ["trade"]}
    page = desk.site.outputs["updates/index.html"].body.decode()
    assert page.index("Second") < page.index("First")
    assert "24 November 2026, 05:38 UTC" in page


def test_its_files_may_be_kept_for_a_minute_at_most(desk: Desk) -> None:
    desk.post(topic="trade")
    desk.look()
    assert {o.cache_control for o in desk.site.outputs.values()} == {"public, max-age=0, s-maxage=60"}


def test_the_same_key_gets_the_same_answer(desk: Desk) -> None:
    first = desk.post("Once", key="k")
    again = desk.post("Once", key="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.update == first.update
    assert desk.post("Once", key="other").update.id != first.update.id
    assert desk.post("Once", key="k", poster="somebody-else").update.id != first.update.id
    remove(first.update.id, desk.ports)
    assert desk.post("Once", key="k").update == first.update
    desk.look()
    assert len(desk.headlines()) == 2


def test_a_key_is_for_one_post(desk: Desk) -> None:
    desk.post("Once", key="k")
    with pytest.raises(Rejected, match="another update"):
        desk.post("Twice", key="k")


def test_without_a_key_each_post_is_its_own(desk: Desk) -> None:
    assert desk.post("Once").update.id != desk.post("Once").update.id


def test_each_editor_has_a_rate_and_nothing_is_lost_below_it(desk: Desk) -> None:
    refused = []
    for number in range(PER_MINUTE + 5):
        desk.now += timedelta(milliseconds=10)
        try:
            post(desk.wish(f"N {number}"), "e", f"k{number}", desk.ports)
        except TooMany as error:
            refused.append(error.seconds)
    assert len(refused) == 5
    assert all(50 < seconds <= 60 for seconds in refused)
    # Another editor is not concerned, nor is who repeats a post, and the minute passes.
    assert not desk.post("Other", poster="f").repeated
    assert post(desk.wish("N 0"), "e", "k0", desk.ports).repeated
    desk.now += timedelta(seconds=61)
    assert not desk.post("Later").repeated
    live = listing(LIVE, "", 1000, desk.ports).updates
    assert len(live) == PER_MINUTE + 2


def test_posts_at_once_are_both_there(desk: Desk) -> None:
    """A conflict is tried again; the same key at once is one post."""

    class Busy(MemoryTable):
        clashes = 3

        def write(self, changes: Sequence[Change]) -> None:
            if self.clashes:
                self.clashes -= 1
                if self.clashes == 1:
                    super().write(changes)  # somebody else's same post was quicker
                raise Conflict("clash")
            super().write(changes)

    desk.ports = replace(desk.ports, updates=Busy())
    assert desk.post("Once", key="k").repeated
    assert len(listing(LIVE, "", 9, desk.ports).updates) == 1


def test_a_list_goes_on_at_its_cursor(desk: Desk) -> None:
    made = [desk.post(f"N {number}").update for number in range(7)]
    seen: list[Update] = []
    cursor = ""
    while True:
        page = listing(LIVE, cursor, 3, desk.ports)
        seen += page.updates
        cursor = page.cursor
        if not cursor:
            break
    assert seen == made[::-1]


# --- Removing and approving ---


def test_what_is_removed_is_gone_from_everywhere(desk: Desk) -> None:
    made = desk.post("Wrong", topic="trade").update
    desk.look()
    gone = remove(made.id, desk.ports)
    assert gone
    assert gone.status == REMOVED
    desk.look()
    assert desk.data("latest") == {"updates": []}
    assert desk.data("box") == {"updates": [], "topics": []}
    assert desk.data("topics/trade") is None
    assert "Wrong" not in desk.site.outputs["updates/index.html"].body.decode()
    assert remove(made.id, desk.ports) == gone
    assert remove("no-such-id", desk.ports) is None
    assert {event["state"] for event in desk.said("UpdatePosted")} == {LIVE, REMOVED}


def test_an_update_of_nobodys_is_not_approved(desk: Desk) -> None:
    assert approve("no-such-id", desk.ports) is None
    made = desk.post().update
    assert approve(made.id, desk.ports) == made
    remove(made.id, desk.ports)
    with pytest.raises(Rejected, match="removed"):
        approve(made.id, desk.ports)


def test_a_takedown_takes_what_points_at_the_article(desk: Desk) -> None:
    for number in range(board.BATCH + 3):
        desk.post(f"N {number}", url="/articles/a-story/#s-x", poster=f"e{number}")
    desk.post("Kept", url="/articles/a-story-two/")
    waiting = feed_of(desk, [item("Waits", url="https://e.org/")])
    assert remove_of_article("a-story", desk.ports) == board.BATCH + 3
    assert remove_of_article("a-story", desk.ports) == 0
    desk.look()
    assert desk.headlines() == ["Kept"]
    assert listing(WAITING, "", 9, desk.ports).updates == tuple(waiting)


# --- The end of an update ---


def test_it_goes_at_its_end_and_stays_gone(desk: Desk) -> None:
    end = desk.now + timedelta(seconds=30)
    desk.post("Short", topic="trade", expires=end.isoformat())
    desk.post("Long", topic="trade")
    desk.look()
    assert desk.headlines() == ["Long", "Short"]
    desk.now = end - timedelta(milliseconds=1)
    assert desk.look() == ()
    desk.now = end
    assert "/updates/topics/trade.json" in desk.look()
    assert desk.headlines() == desk.headlines("topics/trade") == ["Long"]
    assert desk.look() == ()
    assert listing(LIVE, "", 9, desk.ports).updates == (board.newest(desk.table, "live", 9)[0],)


def test_a_look_is_asked_for_at_the_next_end(desk: Desk) -> None:
    def look() -> list[int]:
        desk.timer.asked.clear()
        look_at_next_end(desk.ports, desk.timer)
        return list(desk.timer.asked)

    assert look() == []
    desk.post("Far", expires=(desk.now + timedelta(seconds=LONGEST + 60)).isoformat())
    assert look() == []
    desk.post("Near", expires=(desk.now + timedelta(seconds=100)).isoformat())
    assert look() == [99]
    assert look() == []
    desk.post("Nearer", expires=(desk.now + timedelta(seconds=50)).isoformat())
    assert look() == [49]
    desk.now += timedelta(seconds=70)
    desk.look()
    assert look() == [28]


def test_an_update_that_lives_on_after_all_keeps_its_place(desk: Desk) -> None:
    old = desk.post(expires=(desk.now + timedelta(seconds=30)).isoformat()).update
    known = board.find(desk.table, old.id)
    assert known
    longer = replace(old, expires=moment_text(desk.now + timedelta(days=1)))
    desk.table.write(board.changes(known, longer))
    board.leave(desk.table, old)
    desk.now += timedelta(minutes=1)
    desk.look()
    assert desk.headlines() == [old.headline]


def test_items_carry_a_time_after_which_they_may_go(desk: Desk) -> None:
    update = desk.post(topic="trade", url="/articles/a/").update
    end = datetime.fromisoformat(update.expires).timestamp()
    for place in board.places(update):
        assert desk.table.get(*place)["ttl"] > end
    record = desk.table.get(f"update#{update.id}", "update")
    assert record["ttl"] > end + 300 * 86400
    assert all("ttl" in item for item in desk.table.query("rate#e"))


# --- Looking ---


def test_with_nothing_to_do_a_look_does_nothing(desk: Desk) -> None:
    assert desk.look() == ()
    assert not desk.bus.events
    assert desk.site.outputs == {}


def test_an_empty_ticker_has_its_pages(desk: Desk) -> None:
    assert set(desk.look(everything=True)) == {"/updates/", "/updates/latest.json", "/updates/box.json"}
    assert set(desk.site.outputs) == SITE_FILES
    assert "There are no updates" in desk.site.outputs["updates/index.html"].body.decode()


def test_settings_reach_every_file(desk: Desk) -> None:
    desk.post(topic="trade")
    desk.post(topic="energy")
    desk.look()
    desk.bus.events.clear()
    assert set(desk.look(everything=True)) == {
        "/updates/",
        "/updates/latest.json",
        "/updates/box.json",
        "/updates/topics/energy.json",
        "/updates/topics/trade.json",
    }
    assert [kind for kind, _ in desk.bus.events] == ["PagesWritten", "TickerRefreshed"]


def test_events_fit_their_models(desk: Desk) -> None:
    desk.post(topic="trade")
    desk.look()
    desk.file("bad", "---\nlink: x\n---\n")
    assert {event.type for event in desk.bus.events} == {
        "UpdatePosted",
        "PagesWritten",
        "TickerRefreshed",
        "DraftRejected",
    }
    for event in desk.bus.events:
        assert set(event.detail) <= set(DETAILS[event.type].model_validate(event.detail).model_dump())


def test_a_thousand_posts_are_all_there(desk: Desk) -> None:
    for number in range(1000):
        desk.now += timedelta(milliseconds=20)
        post(desk.wish(f"N {number}", topic=f"t{number % 7}"), f"e{number % 20}", "", desk.ports)
    desk.look()
    assert desk.headlines() == [f"N {number}" for number in range(999, 949, -1)]
    assert desk.headlines("topics/t3") == [f"N {number}" for number in range(999, 0, -1) if number % 7 == 3][:5]
    assert len(listing(LIVE, "", 2000, desk.ports).updates) == 1000
    assert desk.look() == ()


# --- What a post costs ---


def counting(inner: Any, counts: Counter[str], label: str) -> None:
    for name in ("get", "query", "write", "put", "delete", "stat", "list"):
        if method := getattr(inner, name, None):
            setattr(inner, name, counted(method, counts, f"{label}.{name}"))


def counted(method: Callable[..., Any], counts: Counter[str], name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        counts[name] += 1
        return method(*args, **kwargs)

    return call


@pytest.mark.parametrize("topics", [1, 40])
def test_a_post_costs_the_same_whatever_there_is(theme: Theme, topics: int) -> None:
    costs = []
    for size in (300, 1500):
        desk = Desk(theme)
        for number in range(size):
            desk.post(f"N {number}", topic=f"t{number % topics}", poster=f"e{number % 50}")
        desk.look()
        counts: Counter[str] = Counter()
        counting(desk.table, counts, "table")
        counting(desk.site, counts, "site")
        desk.post("One more", topic="t0", poster="new")
        assert len(desk.look()) == 4
        assert counts["site.put"] == 4
        costs.append(counts)
    assert costs[0] == costs[1]


# --- Files ---

FILE = "---\nheadline: {}\ntopic: trade\ndate: 2026-11-20\nexpires: 2036-01-01\n---\nBody.\n"


def test_a_file_posts_and_its_deletion_removes(desk: Desk) -> None:
    assert desk.file("a", FILE.format("From a file")) == "accepted"
    desk.look()
    assert desk.headlines() == ["From a file"]
    assert desk.file("a", FILE.format("Changed")) == "accepted"
    desk.look()
    assert desk.headlines() == desk.headlines("topics/trade") == ["Changed"]
    assert desk.file("a", None) == "withdrawn"
    desk.look()
    assert desk.headlines() == []
    assert desk.file("a", FILE.format("Back")) == "accepted"
    desk.look()
    assert desk.headlines() == ["Back"]


def test_a_file_that_moves_to_another_topic_leaves_the_old_one(desk: Desk) -> None:
    desk.file("a", FILE.format("A"))
    desk.look()
    desk.file("a", FILE.format("A").replace("trade", "energy"))
    desk.look()
    assert desk.data("topics/trade") is None
    assert desk.headlines("topics/energy") == ["A"]
    assert desk.data("box")["topics"] == ["energy"]


def test_a_bad_file_is_rejected_and_leaves_what_is_live(desk: Desk) -> None:
    desk.file("a", FILE.format("Good"))
    assert desk.file("a", "---\nheadline: Bad\nlink: javascript:x\n---\n") == "rejected"
    desk.look()
    assert desk.headlines() == ["Good"]
    [told] = desk.said("DraftRejected")
    assert (told["key"], told["slug"]) == ("updates/a.md", "a")
    assert [(p["line"], p["key"]) for p in told["problems"]] == [(3, "link")]
    assert [item["sk"] for item in catalogue.rejected(desk.ports.articles)] == ["updates/a.md"]
    record = catalogue.draft_record(desk.ports.articles, "updates/a.md")
    assert record
    report = status_of_draft("updates/a.md", record, desk.ports, desk.now)
    assert (report["state"], report["url"]) == ("rejected", "https://news.example/updates/")
    desk.file("a", FILE.format("Mended"))
    assert catalogue.rejected(desk.ports.articles) == []


def test_an_event_that_comes_again_does_not_bring_back_what_an_editor_removed(desk: Desk) -> None:
    desk.file("a", FILE.format("A"))
    desk.look()
    [live] = listing(LIVE, "", 9, desk.ports).updates
    remove(live.id, desk.ports)
    assert take_file("updates/a.md", desk.ports) == "accepted"
    desk.look()
    assert desk.headlines() == []
    desk.file("a", FILE.format("A"))  # put again, though the same
    desk.look()
    assert desk.headlines() == ["A"]


@pytest.mark.parametrize("key", ["drafts/a.md", "updates/a.txt", "updates/a/b.md", "site.yaml", "updates/.md"])
def test_other_files_are_none_of_its_business(desk: Desk, key: str) -> None:
    desk.ports.drafts.put(Output(key, FILE.format("A").encode(), "text/markdown"), ANY)
    assert take_file(key, desk.ports) is None
    assert desk.look() == ()


def test_a_file_that_was_never_there_leaves_no_trace(desk: Desk) -> None:
    assert desk.file("a", None) == "withdrawn"
    assert catalogue.draft_record(desk.ports.articles, "updates/a.md") is None
    assert not desk.bus.events


# --- Feeds ---


class Web:
    """Feeds as they are said to be."""

    def __init__(self, *readings: Reading) -> None:
        self.readings = {reading.url: reading for reading in readings}
        self.asked: list[Ask] = []

    def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
        self.asked += asks
        return (self.readings[ask.url] for ask in asks)


def item(headline: str, **values: Any) -> Entry:
    return Entry(headline, headline, "S", "https://e.org/a", NOW - timedelta(hours=1))._replace(**values)


URL = "https://e.org/rss"


def feed_of(desk: Desk, entries: Sequence[Entry], **values: Any) -> list[Update]:
    """What becomes of a feed's items."""
    desk.now += timedelta(minutes=1)
    before = {update.id for status in (LIVE, WAITING) for update in board.newest(desk.table, status, 999)}
    read_all(desk, Web(Reading(URL, tuple(entries), digest=str(random.random()))), **values)
    after = [update for status in (LIVE, WAITING) for update in board.newest(desk.table, status, 999)]
    return [update for update in after if update.id not in before]


def read_all(desk: Desk, web: Web, *more: Feed, **values: Any) -> list[Any]:
    feeds = [Feed(URL, **values), *more]
    return list(read_feeds(feeds, web, desk.ports))


def test_what_comes_from_outside_waits_for_an_editor(desk: Desk) -> None:
    [update] = feed_of(desk, [item("From outside")], topic="trade", weight=4)
    assert (update.status, update.topic, update.weight) == (WAITING, "trade", 4)
    assert desk.said("UpdatePosted") == [{"id": update.id, "state": WAITING}]
    desk.look()
    assert desk.headlines() == []
    desk.now += timedelta(hours=5)
    approved = approve(update.id, desk.ports)
    assert approved
    assert (approved.status, approved.published) == (LIVE, moment_text(desk.now))
    desk.look()
    assert desk.headlines() == ["From outside"]
    assert listing(WAITING, "", 9, desk.ports).updates == ()


def test_what_waits_too_long_goes(desk: Desk) -> None:
    [update] = feed_of(desk, [item("From outside")])
    desk.now += timedelta(days=31)
    with pytest.raises(Rejected, match="over"):
        approve(update.id, desk.ports)
    desk.look()
    assert board.newest(desk.table, "waiting", 9) == []


def test_a_trusted_feed_is_live_at_once(desk: Desk) -> None:
    [update] = feed_of(desk, [item("From a friend")], trusted=True)
    assert (update.status, update.published) == (LIVE, moment_text(NOW - timedelta(hours=1)))
    desk.look()
    assert desk.headlines() == ["From a friend"]


def test_an_item_is_taken_once(desk: Desk) -> None:
    assert len(feed_of(desk, [item("One")])) == 1
    assert feed_of(desk, [item("One"), item("One", summary="Other words")]) == []
    assert len(feed_of(desk, [item("Two, which is new here")])) == 1


def test_what_an_editor_refused_does_not_come_back(desk: Desk) -> None:
    [update] = feed_of(desk, [item("One")])
    remove(update.id, desk.ports)
    assert feed_of(desk, [item("One")]) == []


def test_what_says_the_same_as_another_is_left_out_for_good(desk: Desk) -> None:
    mine = desk.post("Ceasefire in Denna holds for a third month").update
    again = item("Ceasefire in Denna still holds for a third month")
    assert feed_of(desk, [again, item("Copper levy falls"), item("Copper levy falls", id="x")])[0].headline.startswith(
        "Copper"
    )
    remove(mine.id, desk.ports)
    assert feed_of(desk, [again]) == []


def test_a_feed_is_asked_with_what_it_said_last(desk: Desk) -> None:
    web = Web(Reading(URL, (item("One"),), etag='"1"', modified="Mon", digest="d"))
    read_all(desk, web)
    read_all(desk, Web(Reading(URL, None, etag='"1"', modified="Mon", digest="d")))
    third = Web(Reading(URL, None))
    read_all(desk, third)
    assert web.asked == [Ask(URL)]
    assert third.asked == [Ask(URL, '"1"', "Mon", "d")]


def test_a_feed_that_fails_is_left_alone_for_longer_each_time(desk: Desk) -> None:
    waits = []
    web = Web(Reading(URL, problem="answered 500"))
    for _ in range(12):
        assert [looked.problem for looked in read_all(desk, web)] == ["answered 500"]
        start = desk.now
        while not (asked := len(web.asked)) or not read_all(desk, Web(Reading(URL, problem="answered 500"))):
            desk.now += timedelta(seconds=15)
            assert asked
        waits.append(desk.now - start)
        desk.now += timedelta(hours=7)
    assert waits == sorted(waits)
    assert timedelta(minutes=1) <= waits[0] < timedelta(minutes=3)
    assert waits[-1] <= timedelta(hours=6, minutes=1)
    [known] = failing([Feed(URL), Feed("https://f.org/")], desk.ports)
    assert (known["url"], known["problem"]) == (URL, "answered 500")
    desk.now += timedelta(hours=7)
    read_all(desk, Web(Reading(URL, ())))
    assert failing([Feed(URL)], desk.ports) == []


def test_a_feed_that_asks_for_peace_gets_it(desk: Desk) -> None:
    web = Web(Reading(URL, problem="answered 429", retry_after=3600))
    read_all(desk, web)
    desk.now += timedelta(minutes=59)
    assert read_all(desk, web) == []
    desk.now += timedelta(minutes=2)
    assert len(read_all(desk, web)) == 1


def test_one_that_takes_the_run_down_is_left_alone_and_the_others_are_read(desk: Desk) -> None:
    other = Feed("https://f.org/rss")

    class Deadly(Web):
        def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
            self.asked += asks
            if URL in {ask.url for ask in asks}:
                raise MemoryError
            return super().read(asks)

    with pytest.raises(MemoryError):
        read_all(desk, Deadly(), other)
    rounds = []
    for _ in range(4):
        desk.now += timedelta(minutes=2)
        web = Deadly(Reading(other.url, ()))
        try:
            read_all(desk, web, other)
        except MemoryError:
            continue
        rounds.append({ask.url for ask in web.asked})
    assert {other.url} in rounds


def test_two_runs_do_not_read_a_feed_at_once(desk: Desk) -> None:
    inner: list[Any] = []

    class Slow(Web):
        def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
            inner.extend(read_all(desk, Web()))
            return super().read(asks)

    assert len(read_all(desk, Slow(Reading(URL, ())))) == 1
    assert inner == []


def test_a_tick_shows_posts_before_it_reads_and_each_feed_as_it_comes(desk: Desk) -> None:
    site = Site(feeds=(Feed(URL, trusted=True), Feed("https://f.org/rss", trusted=True)))
    desk.ports.work.put(Output("site.json", json.dumps(site.to_json()).encode(), "application/json"), ANY)
    desk.post("Posted")
    seen: list[list[str]] = []

    class Watched(Web):
        def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
            for ask in asks:
                seen.append(desk.headlines())
                yield self.readings[ask.url]

    web = Watched(Reading(URL, (item("One"),)), Reading("https://f.org/rss", (item("Another thing"),)))
    batch = UpdatesBatch(desk.ports, desk.theme, desk.timer, lambda: web)
    batch.work(UpdatePosted(id="a", state=LIVE))
    batch.work(TickerDue())
    batch.finish()
    assert seen == [["Posted"], ["Posted", "One"]]
    assert len(desk.headlines()) == 3


# --- Whoever dies, wherever ---


class Died(Exception):
    """The function was killed."""


def acts(desk: Desk) -> list[Callable[[], object]]:
    """Everything that changes what readers see."""

    def end() -> None:
        desk.now = NOW + timedelta(hours=2)

    return [
        lambda: post(desk.wish("One", topic="trade", url="/articles/a/"), "e", "1", desk.ports),
        lambda: post(
            desk.wish("Two", topic="energy", expires="2026-11-24T06:38:00Z"),
            "e",
            "2",
            desk.ports,
        ),
        lambda: take_file("updates/a.md", desk.ports),
        lambda: list(
            read_feeds(
                [Feed(URL, "trade", True)],
                Web(Reading(URL, (item("Three"), item("Four, of a feed")), digest="x")),
                desk.ports,
            )
        ),
        lambda: remove_of_article("a", desk.ports),
        end,
    ]


class Fuse:
    """Lets the run die at one of its writes, before or after it took effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False
        self.count = 0

    def wrap(self, inner: Any) -> Any:
        fuse = self

        class Wired:
            def __getattr__(self, name: str) -> Any:
                method = getattr(inner, name)
                if name not in ("put", "delete", "write", "emit", "wake"):
                    return method

                def act(*args: Any, **kwargs: Any) -> Any:
                    fuse.count += 1
                    if fuse.left is not None:
                        fuse.left -= 1
                        if fuse.left == 0:
                            fuse.left = None
                            if fuse.after:
                                method(*args, **kwargs)
                            raise Died
                    return method(*args, **kwargs)

                return act

        return Wired()


def play(theme: Theme, die_at: int | None, after: bool) -> tuple[dict[str, bytes], int]:
    """All acts, each followed by a look, each done again where it died: the site then, and how many writes it took."""
    desk, fuse = Desk(theme), Fuse()
    desk.ports.drafts.put(Output("updates/a.md", FILE.format("From a file").encode(), "text/markdown"), ANY)
    bare = desk.ports
    names = {name: fuse.wrap(getattr(bare, name)) for name in ("site", "articles", "updates", "bus")}
    desk.ports = replace(bare, **names)
    fuse.left, fuse.after = die_at, after
    for act in acts(desk):
        desk.now += timedelta(seconds=90)
        for attempt in (act, desk.look):
            try:
                attempt()
            except Died:
                # A feed that died is left alone for a minute or two; whatever it left behind must do no harm.
                desk.now += timedelta(minutes=5)
                attempt()
    desk.look()
    site = {key: output.body for key, output in desk.site.outputs.items()}
    return without_moments(site), fuse.count


def without_moments(site: dict[str, bytes]) -> dict[str, bytes]:
    """What is the same whenever it was done: what is shown, by topic."""
    found = {}
    for key, body in site.items():
        if key.endswith(".json"):
            data = json.loads(body)
            headlines = sorted(update["headline"] for update in data["updates"])
            found[key] = json.dumps([headlines if "box" not in key else [], data.get("topics")]).encode()
    return found


def test_whoever_dies_wherever_the_ticker_ends_the_same(theme: Theme) -> None:
    calm, writes = play(theme, None, False)
    assert json.loads(calm["updates/latest.json"])[0] == ["Four, of a feed", "From a file", "Three"]
    assert json.loads(calm["updates/topics/trade.json"])[0] == ["Four, of a feed", "From a file", "Three"]
    assert "updates/topics/energy.json" not in calm
    assert writes > 30
    for place in range(1, writes + 1):
        for after in (False, True):
            assert play(theme, place, after)[0] == calm, (place, after)


def test_a_change_during_a_look_is_shown_by_it_or_by_the_next(desk: Desk) -> None:
    """A post that comes between two steps of a look is never taken for shown."""
    for step in range(1, 40):
        fresh = Desk(desk.theme)
        fresh.post("First", topic="trade")
        bare, left = fresh.ports, [step]

        class Wired:
            def __init__(self, fresh: Desk, bare: Ports, left: list[int]) -> None:
                self.fresh, self.bare, self.left = fresh, bare, left

            def __getattr__(self, name: str) -> Any:
                method = getattr(self.bare.updates, name)

                def act(*args: Any, **kwargs: Any) -> Any:
                    self.left[0] -= 1
                    if self.left[0] == 0:
                        self.fresh.ports = self.bare
                        self.fresh.post("Second", topic="trade")
                    return method(*args, **kwargs)

                return act

        refresh(replace(bare, updates=Wired(fresh, bare, left)), fresh.theme)  # type: ignore[arg-type]  # a table all the same
        fresh.ports = bare
        if left[0] > 0:
            break
        fresh.look()
        assert fresh.headlines() == fresh.headlines("topics/trade") == ["Second", "First"], step
    else:
        pytest.fail("a look never ends")


def test_two_looks_at_once_end_in_the_newest(desk: Desk) -> None:
    """A look that was overtaken between reading and writing does not leave the older page."""
    desk.post("First")
    honest = desk.site.put
    overtaken: list[Event] = []

    def put(output: Output, expected: str | None) -> None:
        if not overtaken:
            overtaken.append(Event("", {}))
            desk.post("Second")
            desk.look()
        honest(output, expected)

    desk.site.put = put  # type: ignore[method-assign]
    desk.look()
    assert desk.headlines() == ["Second", "First"]
    assert b"Second" in desk.site.outputs["updates/index.html"].body


def test_an_end_that_comes_during_a_look_is_shown_by_it(desk: Desk) -> None:
    """Another look may have seen to the end by then, so that nothing calls for one more."""
    end = desk.now + timedelta(seconds=30)
    desk.post("Short", expires=end.isoformat())
    honest = desk.site.put

    def put(output: Output, expected: str | None) -> None:
        desk.now = end
        honest(output, expected)

    desk.site.put = put  # type: ignore[method-assign]
    desk.look()
    assert desk.headlines() == []


def test_a_message_that_comes_back_has_all_files_looked_at(desk: Desk) -> None:
    """Who died may have written over newer files, whose marks are gone."""
    desk.post("First", topic="trade")
    desk.look()
    older = desk.site.outputs["updates/topics/trade.json"]
    desk.post("Second", topic="trade")
    desk.look()
    desk.site.put(older, ANY)
    for again, shown in ((False, ["First"]), (True, ["Second", "First"])):
        batch = UpdatesBatch(desk.ports, desk.theme, desk.timer, Web, again=again)
        batch.work(UpdatePosted(id="a", state=LIVE))
        batch.finish()
        assert desk.headlines("topics/trade") == shown
