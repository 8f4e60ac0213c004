"""The ticker over ports in memory: nothing is lost wherever a run is interrupted, and every post costs the same."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable, MemoryTickerTimer, memory_ports
from nightdesk.domain.errors import Conflict, RateLimited, Rejected
from nightdesk.domain.events import DraftRejected, Event, TickerDue, UpdatePosted, parse_event
from nightdesk.domain.feeds import NOT_HTTPS, REPEATED, TOO_OLD, Entry, FeedRequest, FeedResult
from nightdesk.domain.site import Feed, Site
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import (
    LIVE,
    REMOVED,
    WAITING,
    NewUpdate,
    Update,
    parse_new_update,
)
from nightdesk.ports import ANY, Change, Output, Ports, Stat
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, updates_table
from nightdesk.stages.updates import TickerPorts, UpdatesBatch
from nightdesk.usecases.editors.status import draft_status
from nightdesk.usecases.ticker.feeds import MAX_POSTED, FeedState, feed_states, read_feeds
from nightdesk.usecases.ticker.pages import MAX_DELAY, refresh, schedule_next_end
from nightdesk.usecases.ticker.update_files import process_file
from nightdesk.usecases.ticker.updates import PER_MINUTE, Posted, approve, listing, post, remove, remove_of_article

Kind = TypeVar("Kind", bound=Event)
NOW = datetime(2026, 11, 24, 5, 38, tzinfo=UTC)
SITE_FILES = {"updates/index.html", "updates/latest.json", "updates/box.json"}


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


class TickerNewsroom:
    """A ticker over ports in memory, with a clock that tests set."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.now = NOW
        self.ports: Ports = memory_ports("https://news.example", lambda: self.now)
        self.timer = MemoryTickerTimer()
        self.site: MemoryObjects = self.ports.site  # type: ignore[assignment]  # memory_ports makes it
        self.bus: MemoryBus = self.ports.bus  # type: ignore[assignment]

    @property
    def table(self) -> Any:
        return self.ports.updates

    def new(self, headline: str = "Strait reopens", **values: str) -> NewUpdate:
        return parse_new_update({"headline": headline, **values}, self.now, UTC, "https://news.example")

    def post(self, headline: str = "Strait reopens", key: str = "", poster: str = "e", **values: str) -> Posted:
        self.now += timedelta(seconds=1)
        return post(self.new(headline, **values), poster, key, self.ports)

    def refresh(self, everything: bool = False) -> tuple[str, ...]:
        return refresh(self.ports, self.theme, everything)

    def file(self, name: str, text: str | None) -> str | None:
        key = f"updates/{name}.md"
        if text is None:
            self.ports.drafts.delete(key)
        else:
            self.ports.drafts.put(Output(key, text.encode(), "text/markdown"), ANY)
        return process_file(key, self.ports)

    def data(self, name: str) -> Any:
        """Return a data file of the ticker, or None."""
        output = self.site.outputs.get(f"updates/{name}.json")
        return json.loads(output.body) if output else None

    def headlines(self, name: str = "latest") -> list[str]:
        return [update["headline"] for update in (self.data(name) or {"updates": []})["updates"]]

    def emitted(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.bus.events if isinstance(event, kind)]


@pytest.fixture
def room(theme: Theme) -> TickerNewsroom:
    return TickerNewsroom(theme)


# --- Posting ---


def test_posted_updates_are_shown(room: TickerNewsroom) -> None:
    made = room.post("First", summary="S", url="/articles/a/", topic="trade").update
    room.post("Second")
    room.refresh()
    assert room.headlines() == ["Second", "First"]
    assert room.data("latest")["updates"][1] == {
        "id": made.id,
        "headline": "First",
        "summary": "S",
        "url": "/articles/a/",
        "topic": "trade",
        "published": "2026-11-24T05:38:01.000Z",
    }
    assert room.headlines("topics/trade") == ["First"]
    assert room.data("box") == {"updates": room.data("latest")["updates"][:1], "topics": ["trade"]}
    page = room.site.outputs["updates/index.html"].body.decode()
    assert page.index("Second") < page.index("First")
    assert "24 November 2026, 05:38 UTC" in page


def test_the_edge_keeps_files_for_a_minute_at_most(room: TickerNewsroom) -> None:
    room.post(topic="trade")
    room.refresh()
    assert {o.cache_control for o in room.site.outputs.values()} == {"public, max-age=0, s-maxage=60"}


def test_a_repeated_key_returns_the_first_update(room: TickerNewsroom) -> None:
    first = room.post("Once", key="k")
    again = room.post("Once", key="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.update == first.update
    assert room.post("Once", key="other").update.id != first.update.id
    assert room.post("Once", key="k", poster="another-editor").update.id != first.update.id
    remove(first.update.id, room.ports)
    assert room.post("Once", key="k").update == first.update
    room.refresh()
    assert len(room.headlines()) == 2


def test_a_key_cannot_be_used_for_another_update(room: TickerNewsroom) -> None:
    room.post("Once", key="k")
    with pytest.raises(Rejected, match="another update"):
        room.post("Twice", key="k")


def test_posts_without_a_key_are_separate_updates(room: TickerNewsroom) -> None:
    assert room.post("Once").update.id != room.post("Once").update.id


def test_the_rate_limit_is_per_editor_and_refuses_no_post_below_it(room: TickerNewsroom) -> None:
    refused = []
    for number in range(PER_MINUTE + 5):
        room.now += timedelta(milliseconds=10)
        try:
            post(room.new(f"N {number}"), "e", f"k{number}", room.ports)
        except RateLimited as error:
            refused.append(error.retry_after)
    assert len(refused) == 5
    assert all(50 < seconds <= 60 for seconds in refused)
    # Other editors and repeated posts are not limited, and the limit ends after a minute.
    assert not room.post("Other", poster="f").repeated
    assert post(room.new("N 0"), "e", "k0", room.ports).repeated
    room.now += timedelta(seconds=61)
    assert not room.post("Later").repeated
    live = listing(LIVE, "", 1000, room.ports).updates
    assert len(live) == PER_MINUTE + 2


def test_concurrent_posts_with_one_key_are_one_update(room: TickerNewsroom) -> None:
    """After a conflict the post is attempted again, and finds the update that the other request made."""

    class Busy(MemoryTable):
        clashes = 3

        def write(self, changes: Sequence[Change]) -> None:
            if self.clashes:
                self.clashes -= 1
                if self.clashes == 1:
                    super().write(changes)  # the same post by another request
                raise Conflict("clash")
            super().write(changes)

    room.ports = replace(room.ports, updates=Busy())
    assert room.post("Once", key="k").repeated
    assert len(listing(LIVE, "", 9, room.ports).updates) == 1


def test_a_list_continues_at_its_cursor(room: TickerNewsroom) -> None:
    made = [room.post(f"N {number}").update for number in range(7)]
    seen: list[Update] = []
    cursor = ""
    while True:
        page = listing(LIVE, cursor, 3, room.ports)
        seen += page.updates
        cursor = page.cursor
        if not cursor:
            break
    assert seen == made[::-1]


# --- Removing and approving ---


def test_a_removed_update_disappears_everywhere(room: TickerNewsroom) -> None:
    made = room.post("Wrong", topic="trade").update
    room.refresh()
    gone = remove(made.id, room.ports)
    assert gone
    assert gone.status == REMOVED
    room.refresh()
    assert room.data("latest") == {"updates": []}
    assert room.data("box") == {"updates": [], "topics": []}
    assert room.data("topics/trade") is None
    assert "Wrong" not in room.site.outputs["updates/index.html"].body.decode()
    assert remove(made.id, room.ports) == gone
    assert remove("no-such-id", room.ports) is None
    assert {event.state for event in room.emitted(UpdatePosted)} == {LIVE, REMOVED}


def test_only_existing_updates_can_be_approved(room: TickerNewsroom) -> None:
    assert approve("no-such-id", room.ports) is None
    made = room.post().update
    assert approve(made.id, room.ports) == made
    remove(made.id, room.ports)
    with pytest.raises(Rejected, match="removed"):
        approve(made.id, room.ports)


def test_a_takedown_removes_updates_that_link_to_the_article(room: TickerNewsroom) -> None:
    for number in range(updates_table.BATCH + 3):
        room.post(f"N {number}", url="/articles/a-story/#s-x", poster=f"e{number}")
    room.post("Kept", url="/articles/a-story-two/")
    waiting = new_updates(room, [item("Waits", url="https://e.org/")])
    assert remove_of_article("a-story", room.ports) == updates_table.BATCH + 3
    assert remove_of_article("a-story", room.ports) == 0
    room.refresh()
    assert room.headlines() == ["Kept"]
    assert listing(WAITING, "", 9, room.ports).updates == tuple(waiting)


# --- The end of an update ---


def test_an_update_disappears_when_it_expires(room: TickerNewsroom) -> None:
    end = room.now + timedelta(seconds=30)
    room.post("Short", topic="trade", expires=end.isoformat())
    room.post("Long", topic="trade")
    room.refresh()
    assert room.headlines() == ["Long", "Short"]
    room.now = end - timedelta(milliseconds=1)
    assert room.refresh() == ()
    room.now = end
    assert "/updates/topics/trade.json" in room.refresh()
    assert room.headlines() == room.headlines("topics/trade") == ["Long"]
    assert room.refresh() == ()
    assert listing(LIVE, "", 9, room.ports).updates == (updates_table.newest(room.table, "live", 9)[0],)


def test_a_refresh_is_requested_for_the_next_expiry(room: TickerNewsroom) -> None:
    def requested() -> list[int]:
        room.timer.requested.clear()
        schedule_next_end(room.ports, room.timer)
        return list(room.timer.requested)

    assert requested() == []
    room.post("Far", expires=(room.now + timedelta(seconds=MAX_DELAY + 60)).isoformat())
    assert requested() == []
    room.post("Near", expires=(room.now + timedelta(seconds=100)).isoformat())
    assert requested() == [99]
    assert requested() == []
    room.post("Nearer", expires=(room.now + timedelta(seconds=50)).isoformat())
    assert requested() == [49]
    room.now += timedelta(seconds=70)
    room.refresh()
    assert requested() == [28]


def test_an_update_whose_expiry_was_moved_stays(room: TickerNewsroom) -> None:
    old = room.post(expires=(room.now + timedelta(seconds=30)).isoformat()).update
    known = updates_table.find(room.table, old.id)
    assert known
    longer = replace(old, expires=iso_utc_milliseconds(room.now + timedelta(days=1)))
    room.table.write(updates_table.changes(known, longer))
    updates_table.remove_from_lists(room.table, old)
    room.now += timedelta(minutes=1)
    room.refresh()
    assert room.headlines() == [old.headline]


def test_an_ended_update_is_removed_though_a_write_that_failed_itself_came_between(
    room: TickerNewsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = room.post(topic="trade", expires=(room.now + timedelta(seconds=30)).isoformat()).update
    room.refresh()
    write, refused = room.table.write, []

    def write_unless_contended(changes: Sequence[Change]) -> None:
        if not refused and any(change.pk == "ends" for change in changes):
            refused.append(changes)
            raise Conflict("another transaction")
        write(changes)

    monkeypatch.setattr(room.table, "write", write_unless_contended)
    room.now += timedelta(minutes=1)
    room.refresh()
    assert refused
    assert [room.table.get(*place) for place in updates_table.list_keys(update)] == [None] * 3


def test_table_items_have_a_time_to_live(room: TickerNewsroom) -> None:
    update = room.post(topic="trade", url="/articles/a/").update
    end = datetime.fromisoformat(update.expires).timestamp()
    for place in updates_table.list_keys(update):
        assert room.table.get(*place)["ttl"] > end
    record = room.table.get(f"update#{update.id}", "update")
    assert record["ttl"] > end + 300 * 86400
    assert all("ttl" in item for item in room.table.query("rate#e"))


# --- Refreshing ---


def test_a_refresh_without_changes_does_nothing(room: TickerNewsroom) -> None:
    assert room.refresh() == ()
    assert not room.bus.events
    assert room.site.outputs == {}


def test_an_empty_ticker_has_pages(room: TickerNewsroom) -> None:
    assert set(room.refresh(everything=True)) == {"/updates/", "/updates/latest.json", "/updates/box.json"}
    assert set(room.site.outputs) == SITE_FILES
    assert "No updates right now" in room.site.outputs["updates/index.html"].body.decode()


def test_changed_settings_rewrite_every_file(room: TickerNewsroom) -> None:
    room.post(topic="trade")
    room.post(topic="energy")
    room.refresh()
    room.bus.events.clear()
    assert set(room.refresh(everything=True)) == {
        "/updates/",
        "/updates/latest.json",
        "/updates/box.json",
        "/updates/topics/energy.json",
        "/updates/topics/trade.json",
    }
    assert [event.name for event in room.bus.events] == ["PagesWritten", "TickerRefreshed"]


def test_events_match_their_models(room: TickerNewsroom) -> None:
    room.post(topic="trade")
    room.refresh()
    room.file("bad", "---\nlink: x\n---\n")
    assert {event.name for event in room.bus.events} == {
        "UpdatePosted",
        "PagesWritten",
        "TickerRefreshed",
        "DraftRejected",
    }
    for event in room.bus.events:
        assert parse_event(event.name, event.to_detail()) == event


def test_a_thousand_posts_are_kept(room: TickerNewsroom) -> None:
    for number in range(1000):
        room.now += timedelta(milliseconds=20)
        post(room.new(f"N {number}", topic=f"t{number % 7}"), f"e{number % 20}", "", room.ports)
    room.refresh()
    assert room.headlines() == [f"N {number}" for number in range(999, 949, -1)]
    assert room.headlines("topics/t3") == [f"N {number}" for number in range(999, 0, -1) if number % 7 == 3][:5]
    assert len(listing(LIVE, "", 2000, room.ports).updates) == 1000
    assert room.refresh() == ()


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


@pytest.mark.slow
@pytest.mark.parametrize("topics", [1, 40])
def test_the_cost_of_a_post_does_not_grow(theme: Theme, topics: int) -> None:
    costs = []
    for size in (300, 1500):
        room = TickerNewsroom(theme)
        for number in range(size):
            room.post(f"N {number}", topic=f"t{number % topics}", poster=f"e{number % 50}")
        room.refresh()
        counts: Counter[str] = Counter()
        counting(room.table, counts, "table")
        counting(room.site, counts, "site")
        room.post("One more", topic="t0", poster="new")
        assert len(room.refresh()) == 4
        assert counts["site.put"] == 4
        costs.append(counts)
    assert costs[0] == costs[1]


# --- Files ---

FILE = "---\nheadline: {}\ntopic: trade\ndate: 2026-11-20\nexpires: 2036-01-01\n---\nBody.\n"


def test_a_file_posts_an_update_and_its_deletion_removes_it(room: TickerNewsroom) -> None:
    assert room.file("a", FILE.format("From a file")) == "accepted"
    room.refresh()
    assert room.headlines() == ["From a file"]
    assert room.file("a", FILE.format("Changed")) == "accepted"
    room.refresh()
    assert room.headlines() == room.headlines("topics/trade") == ["Changed"]
    assert room.file("a", None) == "withdrawn"
    room.refresh()
    assert room.headlines() == []
    assert room.file("a", FILE.format("Back")) == "accepted"
    room.refresh()
    assert room.headlines() == ["Back"]


def test_a_file_that_moves_to_another_topic_leaves_the_old_one(room: TickerNewsroom) -> None:
    room.file("a", FILE.format("A"))
    room.refresh()
    room.file("a", FILE.format("A").replace("trade", "energy"))
    room.refresh()
    assert room.data("topics/trade") is None
    assert room.headlines("topics/energy") == ["A"]
    assert room.data("box")["topics"] == ["energy"]


def test_a_rejected_file_leaves_its_live_update(room: TickerNewsroom) -> None:
    room.file("a", FILE.format("Good"))
    assert room.file("a", "---\nheadline: Bad\nlink: javascript:x\n---\n") == "rejected"
    room.refresh()
    assert room.headlines() == ["Good"]
    [rejected] = room.emitted(DraftRejected)
    assert (rejected.key, rejected.slug) == ("updates/a.md", "a")
    assert [(p["line"], p["key"]) for p in rejected.problems] == [(3, "link")]
    assert [file.key for file in articles_table.rejected(room.ports.articles)] == ["updates/a.md"]
    record = articles_table.draft_record(room.ports.articles, "updates/a.md")
    assert record
    report = draft_status("updates/a.md", record, room.ports, room.now)
    assert (report["state"], report["url"]) == ("rejected", "https://news.example/updates/")
    room.file("a", FILE.format("Corrected"))
    assert articles_table.rejected(room.ports.articles) == []


def test_a_repeated_event_does_not_restore_a_removed_update(room: TickerNewsroom) -> None:
    room.file("a", FILE.format("A"))
    room.refresh()
    [live] = listing(LIVE, "", 9, room.ports).updates
    remove(live.id, room.ports)
    assert process_file("updates/a.md", room.ports) == "accepted"
    room.refresh()
    assert room.headlines() == []
    room.file("a", FILE.format("A"))  # the same file, put again
    room.refresh()
    assert room.headlines() == ["A"]


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("drafts/a.md", None),
        ("updates/a.txt", None),
        ("site.yaml", None),
        ("updates/a/b.md", "rejected"),
        ("updates/.md", "rejected"),
    ],
)
def test_only_files_directly_below_updates_post_updates(room: TickerNewsroom, key: str, state: str | None) -> None:
    room.ports.drafts.put(Output(key, FILE.format("A").encode(), "text/markdown"), ANY)
    assert process_file(key, room.ports) == state
    assert room.refresh() == ()


def test_a_file_that_never_existed_leaves_no_record(room: TickerNewsroom) -> None:
    assert room.file("a", None) == "withdrawn"
    assert articles_table.draft_record(room.ports.articles, "updates/a.md") is None
    assert not room.bus.events


# --- Feeds ---


class FakeFeeds:
    """A client that returns prepared results."""

    def __init__(self, *results: FeedResult) -> None:
        self.results = {result.url: result for result in results}
        self.requests: list[FeedRequest] = []

    def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
        self.requests += requests
        return (self.results[request.url] for request in requests)


def item(headline: str, **values: Any) -> Entry:
    return Entry(headline, headline, "S", "https://e.org/a", NOW - timedelta(hours=1))._replace(**values)


URL = "https://e.org/rss"


def new_updates(room: TickerNewsroom, entries: Sequence[Entry], **values: Any) -> list[Update]:
    """Read a feed with these items, and return the updates that were made of them."""
    room.now += timedelta(minutes=1)
    before = {update.id for status in (LIVE, WAITING) for update in updates_table.newest(room.table, status, 999)}
    read_all(room, FakeFeeds(FeedResult(URL, tuple(entries), digest=str(random.random()))), **values)
    after = [update for status in (LIVE, WAITING) for update in updates_table.newest(room.table, status, 999)]
    return [update for update in after if update.id not in before]


def read_all(room: TickerNewsroom, client: FakeFeeds, *more: Feed, **values: Any) -> list[Any]:
    feeds = [Feed(URL, **values), *more]
    return list(read_feeds(feeds, client, room.ports))


def test_items_of_an_untrusted_feed_wait_for_an_editor(room: TickerNewsroom) -> None:
    [update] = new_updates(room, [item("From outside")], topic="trade", weight=4)
    assert (update.status, update.topic, update.weight) == (WAITING, "trade", 4)
    assert room.emitted(UpdatePosted) == [UpdatePosted(update.id, WAITING)]
    room.refresh()
    assert room.headlines() == []
    room.now += timedelta(hours=5)
    approved = approve(update.id, room.ports)
    assert approved
    assert (approved.status, approved.published) == (LIVE, iso_utc_milliseconds(room.now))
    room.refresh()
    assert room.headlines() == ["From outside"]
    assert listing(WAITING, "", 9, room.ports).updates == ()


def test_waiting_updates_expire(room: TickerNewsroom) -> None:
    [update] = new_updates(room, [item("From outside")])
    room.now += timedelta(days=31)
    with pytest.raises(Rejected, match="no longer shown"):
        approve(update.id, room.ports)
    room.refresh()
    assert updates_table.newest(room.table, "waiting", 9) == []


def test_items_of_a_trusted_feed_are_live_at_once(room: TickerNewsroom) -> None:
    [update] = new_updates(room, [item("From a trusted feed")], trusted=True)
    assert (update.status, update.published) == (LIVE, iso_utc_milliseconds(NOW - timedelta(hours=1)))
    room.refresh()
    assert room.headlines() == ["From a trusted feed"]


def test_an_item_is_posted_once(room: TickerNewsroom) -> None:
    assert len(new_updates(room, [item("One")])) == 1
    assert new_updates(room, [item("One"), item("One", summary="Another summary")]) == []
    assert len(new_updates(room, [item("Two, which is new here")])) == 1


def test_a_rejected_item_is_not_posted_again(room: TickerNewsroom) -> None:
    [update] = new_updates(room, [item("One")])
    remove(update.id, room.ports)
    assert new_updates(room, [item("One")]) == []


def test_an_item_that_repeats_an_update_stays_left_out(room: TickerNewsroom) -> None:
    mine = room.post("Ceasefire in Denna holds for a third month").update
    again = item("Ceasefire in Denna still holds for a third month")
    assert new_updates(room, [again, item("Copper levy falls"), item("Copper levy falls", id="x")])[
        0
    ].headline.startswith("Copper")
    remove(mine.id, room.ports)
    assert new_updates(room, [again]) == []


def state(room: TickerNewsroom) -> FeedState:
    [found] = feed_states([Feed(URL)], room.ports)
    return found


def test_a_burst_is_posted_to_the_last_item_and_in_order(room: TickerNewsroom) -> None:
    """Newest first, as feeds are, and many more than one reading posts."""
    many = [item(f"Station {n} reports", id=str(n), url=f"https://e.org/{n}") for n in range(3 * MAX_POSTED + 30)]
    many = [one._replace(published=NOW - timedelta(minutes=n)) for n, one in enumerate(many)]
    client = FakeFeeds(FeedResult(URL, tuple(many), etag='"1"', modified="Mon", digest="d"))
    counts = []
    for _ in range(6):
        room.now += timedelta(minutes=1)
        counts += [reading.posted for reading in read_all(room, client, trusted=True)]
    assert counts == [MAX_POSTED] * 3 + [30, 0, 0]
    assert [one.etag for one in client.requests] == [""] * 4 + ['"1"'] * 2
    live = updates_table.newest(room.table, "live", 999)
    assert [one.headline for one in live] == [one.headline for one in many]
    assert state(room).left_out == {}


def test_undated_items_keep_the_order_of_their_feed(room: TickerNewsroom) -> None:
    found = new_updates(room, [item(f"N {n}", published=None, url=f"https://e.org/{n}") for n in range(3)])
    assert len(found) == 3
    assert new_updates(room, [item(f"N {n}", published=None, url=f"https://e.org/{n}") for n in range(3)]) == []


def test_items_that_share_a_guid_are_all_taken_once(room: TickerNewsroom) -> None:
    first = [item(f"Flood level {n}", id="https://e.org/", url=f"https://e.org/{n}") for n in range(4)]
    assert len(new_updates(room, first)) == 4
    assert new_updates(room, first) == []
    assert new_updates(room, first[2:]) == []
    # From now on the guid alone identifies nothing, even if only one item has it.
    assert len(new_updates(room, [item("Flood level 9", id="https://e.org/", url="https://e.org/9")])) == 1
    assert len(new_updates(room, [item("Flood level 8", id="https://e.org/", url="https://e.org/8")])) == 1
    one_link = [item(f"Bulletin {n}", id="https://e.org/", url="https://e.org/") for n in range(3)]
    assert len(new_updates(room, one_link)) == 3
    assert new_updates(room, [*one_link, *first]) == []


def test_an_item_that_was_posted_before_its_guid_was_shared_is_not_posted_again(room: TickerNewsroom) -> None:
    one, other = (item(f"Flood level {n}", id="same", url=f"https://e.org/{n}") for n in range(2))
    assert len(new_updates(room, [one])) == 1
    assert [made.headline for made in new_updates(room, [other, one])] == ["Flood level 1"]


def test_a_recurring_alert_is_posted_each_time(room: TickerNewsroom) -> None:
    for number in range(3):
        alert = item("Air raid alert", id=f"a-{number}", url=f"https://e.org/{number}", published=room.now)
        assert len(new_updates(room, [alert])) == 1
        room.now += timedelta(hours=2)


def test_items_that_are_left_out_are_counted_with_the_reason(room: TickerNewsroom) -> None:
    old = item("Old", published=NOW - timedelta(days=3), url="https://e.org/old")
    plain = item("Plain", url="http://e.org/plain")
    good = item("Copper levy falls again", url="https://e.org/levy")
    again = good._replace(id="again", headline="Copper levy: falls again")
    new_updates(room, [old, plain, good, again])
    found = state(room)
    assert (found.items, found.problem) == (4, "")
    assert found.left_out == {TOO_OLD: 1, NOT_HTTPS: 1, REPEATED: 1}
    # The same items in the next reading are left out for the same reasons; what was taken and grew old is not.
    room.now += timedelta(days=2)
    new_updates(room, [old, plain, good, again])
    assert state(room).left_out == {TOO_OLD: 1, NOT_HTTPS: 1, REPEATED: 1}
    # An unchanged feed keeps its numbers.
    room.now += timedelta(minutes=1)
    read_all(room, FakeFeeds(FeedResult(URL, None)))
    assert state(room).left_out == {TOO_OLD: 1, NOT_HTTPS: 1, REPEATED: 1}


def test_a_feed_of_which_nothing_can_be_used_has_a_problem(room: TickerNewsroom) -> None:
    new_updates(room, [item(f"N {n}", url="http://e.org/") for n in range(20)])
    assert state(room).problem == "20 items, none usable: links are not https"
    assert state(room).failures == 0
    new_updates(room, [item("Old", published=NOW - timedelta(days=3))])
    assert state(room).problem == ""


def test_requests_send_the_last_validators(room: TickerNewsroom) -> None:
    client = FakeFeeds(FeedResult(URL, (item("One"),), etag='"1"', modified="Mon", digest="d"))
    read_all(room, client)
    read_all(room, FakeFeeds(FeedResult(URL, None, etag='"1"', modified="Mon", digest="d")))
    third = FakeFeeds(FeedResult(URL, None))
    read_all(room, third)
    assert client.requests == [FeedRequest(URL)]
    assert third.requests == [FeedRequest(URL, '"1"', "Mon", "d")]


def test_a_failing_feed_is_read_less_and_less_often(room: TickerNewsroom) -> None:
    waits = []
    client = FakeFeeds(FeedResult(URL, problem="answered 500"))
    for _ in range(12):
        assert [looked.problem for looked in read_all(room, client)] == ["answered 500"]
        start = room.now
        while not (asked := len(client.requests)) or not read_all(
            room, FakeFeeds(FeedResult(URL, problem="answered 500"))
        ):
            room.now += timedelta(seconds=15)
            assert asked
        waits.append(room.now - start)
        room.now += timedelta(hours=7)
    assert waits == sorted(waits)
    assert timedelta(minutes=1) <= waits[0] < timedelta(minutes=3)
    assert waits[-1] <= timedelta(hours=6, minutes=1)
    [known] = feed_states([Feed(URL), Feed("https://f.org/")], room.ports)
    assert (known.url, known.problem, known.failures > 9, bool(known.next)) == (URL, "answered 500", True, True)
    room.now += timedelta(hours=7)
    read_all(room, FakeFeeds(FeedResult(URL, ())))
    [known] = feed_states([Feed(URL)], room.ports)
    assert (known.problem, known.failures, known.next) == ("", 0, "")


def test_retry_after_is_respected(room: TickerNewsroom) -> None:
    client = FakeFeeds(FeedResult(URL, problem="answered 429", retry_after=3600))
    read_all(room, client)
    room.now += timedelta(minutes=59)
    assert read_all(room, client) == []
    room.now += timedelta(minutes=2)
    assert len(read_all(room, client)) == 1


def test_a_feed_that_kills_its_run_does_not_stop_the_others(room: TickerNewsroom) -> None:
    other = Feed("https://f.org/rss")

    class Fatal(FakeFeeds):
        def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
            self.requests += requests
            if URL in {request.url for request in requests}:
                raise MemoryError
            return super().read(requests)

    with pytest.raises(MemoryError):
        read_all(room, Fatal(), other)
    rounds = []
    for _ in range(4):
        room.now += timedelta(minutes=2)
        client = Fatal(FeedResult(other.url, ()))
        try:
            read_all(room, client, other)
        except MemoryError:
            continue
        rounds.append({request.url for request in client.requests})
    assert {other.url} in rounds


def test_concurrent_runs_do_not_read_the_same_feed(room: TickerNewsroom) -> None:
    inner: list[Any] = []

    class Slow(FakeFeeds):
        def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
            inner.extend(read_all(room, FakeFeeds()))
            return super().read(requests)

    assert len(read_all(room, Slow(FeedResult(URL, ())))) == 1
    assert inner == []


def test_posts_are_shown_before_feeds_are_read_and_each_feed_as_it_arrives(room: TickerNewsroom) -> None:
    site = Site(feeds=(Feed(URL, trusted=True), Feed("https://f.org/rss", trusted=True)))
    room.ports.private.put(Output("site.json", json.dumps(site.to_json()).encode(), "application/json"), ANY)
    room.post("Posted")
    seen: list[list[str]] = []

    class Watched(FakeFeeds):
        def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
            for request in requests:
                seen.append(room.headlines())
                yield self.results[request.url]

    client = Watched(FeedResult(URL, (item("One"),)), FeedResult("https://f.org/rss", (item("Another thing"),)))
    batch = UpdatesBatch(room.ports, room.theme, TickerPorts(room.timer, lambda: client))
    batch.handle(UpdatePosted(id="a", state=LIVE))
    batch.handle(TickerDue())
    batch.finish()
    assert seen == [["Posted"], ["Posted", "One"]]
    assert len(room.headlines()) == 3


# --- Interruptions and concurrency ---


class Interrupted(Exception):
    """The function was killed."""


def operations(room: TickerNewsroom) -> list[Callable[[], object]]:
    """Return every operation that changes what readers see."""

    def end() -> None:
        room.now = NOW + timedelta(hours=2)

    return [
        lambda: post(room.new("One", topic="trade", url="/articles/a/"), "e", "1", room.ports),
        lambda: post(
            room.new("Two", topic="energy", expires="2026-11-24T06:38:00Z"),
            "e",
            "2",
            room.ports,
        ),
        lambda: process_file("updates/a.md", room.ports),
        lambda: list(
            read_feeds(
                [Feed(URL, "trade", True)],
                FakeFeeds(FeedResult(URL, (item("Three"), item("Four, of a feed")), digest="x")),
                room.ports,
            )
        ),
        lambda: remove_of_article("a", room.ports),
        end,
    ]


class Interruption:
    """Interrupts a run at one of its writes, before or after the write takes effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False
        self.count = 0

    def wrap(self, inner: Any) -> Any:
        interruption = self

        class Proxy:
            def __getattr__(self, name: str) -> Any:
                method = getattr(inner, name)
                if name not in ("put", "delete", "write", "emit", "wake"):
                    return method

                def act(*args: Any, **kwargs: Any) -> Any:
                    interruption.count += 1
                    if interruption.left is not None:
                        interruption.left -= 1
                        if interruption.left == 0:
                            interruption.left = None
                            if interruption.after:
                                method(*args, **kwargs)
                            raise Interrupted
                    return method(*args, **kwargs)

                return act

        return Proxy()


def play(theme: Theme, die_at: int | None, after: bool) -> tuple[dict[str, bytes], int]:
    """Run all operations, each followed by a refresh, and repeat what was interrupted.

    Returns:
        What readers see then, and how many writes it took.
    """
    room, interruption = TickerNewsroom(theme), Interruption()
    room.ports.drafts.put(Output("updates/a.md", FILE.format("From a file").encode(), "text/markdown"), ANY)
    bare = room.ports
    names = {name: interruption.wrap(getattr(bare, name)) for name in ("site", "articles", "updates", "bus")}
    room.ports = replace(bare, **names)
    interruption.left, interruption.after = die_at, after
    for operation in operations(room):
        room.now += timedelta(seconds=90)
        for attempt in (operation, room.refresh):
            try:
                attempt()
            except Interrupted:
                # A feed whose reading was interrupted is read again after a minute or two.
                room.now += timedelta(minutes=5)
                attempt()
    room.refresh()
    site = {key: output.body for key, output in room.site.outputs.items()}
    return without_timestamps(site), interruption.count


def without_timestamps(site: dict[str, bytes]) -> dict[str, bytes]:
    """Return the headlines of each file, without timestamps."""
    found = {}
    for key, body in site.items():
        if key.endswith(".json"):
            data = json.loads(body)
            headlines = sorted(update["headline"] for update in data["updates"])
            found[key] = json.dumps([headlines if "box" not in key else [], data.get("topics")]).encode()
    return found


@pytest.mark.slow
def test_an_interruption_at_any_write_does_not_change_the_result(theme: Theme) -> None:
    expected, writes = play(theme, None, False)
    assert json.loads(expected["updates/latest.json"])[0] == ["Four, of a feed", "From a file", "Three"]
    assert json.loads(expected["updates/topics/trade.json"])[0] == ["Four, of a feed", "From a file", "Three"]
    assert "updates/topics/energy.json" not in expected
    assert writes > 30
    for place in range(1, writes + 1):
        for after in (False, True):
            assert play(theme, place, after)[0] == expected, (place, after)


def test_a_post_during_a_refresh_is_shown_by_it_or_by_the_next(room: TickerNewsroom) -> None:
    """The refresh never removes the marker of a post that it did not show."""
    for step in range(1, 40):
        fresh = TickerNewsroom(room.theme)
        fresh.post("First", topic="trade")
        bare, left = fresh.ports, [step]

        class Proxy:
            def __init__(self, fresh: TickerNewsroom, bare: Ports, left: list[int]) -> None:
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

        refresh(replace(bare, updates=Proxy(fresh, bare, left)), fresh.theme)  # type: ignore[arg-type]  # behaves as a table
        fresh.ports = bare
        if left[0] > 0:
            break
        fresh.refresh()
        assert fresh.headlines() == fresh.headlines("topics/trade") == ["Second", "First"], step
    else:
        pytest.fail("the refresh does not end")


def test_concurrent_refreshes_end_with_the_newest(room: TickerNewsroom) -> None:
    """A refresh that was overtaken between reading and writing does not leave the older page."""
    room.post("First")
    original = room.site.put
    overtaken = False

    def put(output: Output, expected: str | None) -> Stat:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            room.post("Second")
            room.refresh()
        return original(output, expected)

    room.site.put = put  # type: ignore[method-assign]
    room.refresh()
    assert room.headlines() == ["Second", "First"]
    assert b"Second" in room.site.outputs["updates/index.html"].body


def test_an_update_that_ends_during_a_refresh_is_not_shown(room: TickerNewsroom) -> None:
    """Another refresh may have removed it from the table by then, so that no later one is triggered."""
    end = room.now + timedelta(seconds=30)
    room.post("Short", expires=end.isoformat())
    original = room.site.put

    def put(output: Output, expected: str | None) -> Stat:
        room.now = end
        return original(output, expected)

    room.site.put = put  # type: ignore[method-assign]
    room.refresh()
    assert room.headlines() == []


def test_a_redelivered_message_rewrites_all_files(room: TickerNewsroom) -> None:
    """The interrupted run may have overwritten newer files, whose markers are gone."""
    room.post("First", topic="trade")
    room.refresh()
    older = room.site.outputs["updates/topics/trade.json"]
    room.post("Second", topic="trade")
    room.refresh()
    room.site.put(older, ANY)
    for again, shown in ((False, ["First"]), (True, ["Second", "First"])):
        batch = UpdatesBatch(room.ports, room.theme, TickerPorts(room.timer, FakeFeeds), redelivered=again)
        batch.handle(UpdatePosted(id="a", state=LIVE))
        batch.finish()
        assert room.headlines("topics/trade") == shown
