"""Feeds: the full public text, what stands for gates, and what keeping them costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from nightdesk.domain.events import ArticleGated, EntriesChanged, Event, ObjectChanged, RegateRequested, RelistRequested
from nightdesk.ports import Output
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.feeds import MAX_TEXT, text_digest, texts_in
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
UPDATED = "{http://www.w3.org/2005/Atom}updated"
FEEDS = ("/feed.xml", "/topics/energy/feed.xml", "/authors/ada/feed.xml")
BODY = """Low < high & "even", see [below](#after) and [the port](/topics/ports/).[^1]

::: gate tier=subscriber teaser="What the pilots <i>said</i>."
The canary-feldspar log.[^2]

[^2]: canary-feldspar note
:::

## After

Free again.

[^1]: A free note.
"""


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Quay\nbase_url: https://quay.example\ntimezone: Asia/Kathmandu\n")
    return room


def items(room: Newsroom) -> dict[str, dict[str, Any]]:
    feed = json.loads(room.page("/feed.json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    for item in feed["items"]:
        assert ("content_html" in item) != ("content_text" in item)
        for moment in (item["date_published"], item.get("date_modified", item["date_published"])):
            assert datetime.fromisoformat(moment).utcoffset() is not None
    return {item["title"]: item for item in feed["items"]}


def rss_items(room: Newsroom, path: str = "/feed.xml") -> dict[str, ElementTree.Element]:
    """Return the items of a feed by title, after checking what RSS 2.0 demands."""
    root = ElementTree.fromstring(room.page(path))
    [channel] = root
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    found = channel.findall("item")
    for item in found:
        assert parsedate_to_datetime(item.findtext("pubDate") or "").utcoffset() is not None
        assert item.findtext("title") or item.findtext("description")
    assert len({item.findtext("guid") for item in found}) == len(found)
    return {item.findtext("title") or "": item for item in found}


class _Addresses(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def contents(room: Newsroom) -> Iterator[tuple[str, str]]:
    """Yield the content of each item in each feed."""
    for path in FEEDS:
        for item in rss_items(room, path).values():
            yield path, item.findtext(CONTENT) or ""
    for item in items(room).values():
        yield "/feed.json", item.get("content_html", "")


def test_feeds_have_the_public_text_with_teasers_for_gates(room: Newsroom) -> None:
    room.publish("tide", "Tide <log>", BODY)
    found = dict(contents(room))
    assert len(found) == 4
    assert len(set(found.values())) == 1
    html = found["/feed.json"]
    assert "Low &lt; high &amp; " in html
    assert "Free again." in html
    assert "A free note." in html
    assert "<em>What the pilots &lt;i&gt;said&lt;/i&gt;.</em>" in html
    addresses = _Addresses(html).found
    assert all(address.startswith("https://quay.example/") for address in addresses)
    assert {"https://quay.example/articles/tide/#gate-1", "https://quay.example/topics/ports/"} <= set(addresses)
    assert not any("canary-feldspar" in room.page(path) for path in (*FEEDS, "/feed.json"))


def test_a_closed_article_has_its_teaser_only(room: Newsroom) -> None:
    room.publish("all", "All", "The canary-feldspar log.", access="member", dek="What it is.")
    for _, html in contents(room):
        assert "canary-feldspar" not in html
        assert 'href="https://quay.example/articles/all/"' in html
    assert items(room)["All"]["summary"] == "What it is."


def test_items_have_categories_and_say_when_they_changed(room: Newsroom) -> None:
    room.publish(
        "tide", "Tide", topics=["energy", "port-news"], tags=["pilots", "Energy"], lastmod="2026-11-03T10:00:00Z"
    )
    item, entry = items(room)["Tide"], rss_items(room)["Tide"]
    assert item["tags"] == ["Energy", "Port News", "pilots"] == [c.text for c in entry.findall("category")]
    assert item["date_modified"] == entry.findtext(UPDATED) == "2026-11-03T15:45:00+05:45"
    room.publish("ebb", "Ebb")
    assert "date_modified" not in items(room)["Ebb"]
    assert rss_items(room)["Ebb"].find(UPDATED) is None


def test_a_corrected_text_is_current_everywhere(room: Newsroom) -> None:
    for number in range(3):
        room.publish(f"a{number}", f"A{number}", f"Words {number}.", date=f"2026-11-0{number + 1}")
    room.emitted(ArticleGated)
    room.publish("a1", "A1", "Better words.", date="2026-11-02")
    events = list(room.events)
    assert all("Better words." in room.page(path) for path in (*FEEDS, "/feed.json"))
    assert not any("Words 1." in room.page(path) for path in (*FEEDS, "/feed.json"))
    [changed] = [event for event in events if isinstance(event, EntriesChanged)]
    assert changed.reach == "feeds"
    assert not [event for event in events if isinstance(event, RegateRequested)], "no other page shows the text"
    room.events.clear()
    room.publish("a1", "A new title", "Better words.", date="2026-11-02")
    [changed] = room.emitted(EntriesChanged)
    assert changed.reach == "pages"


def test_a_changed_summary_is_current_in_lists_and_other_articles_are_not_made_again(room: Newsroom) -> None:
    for number in range(3):
        room.publish(f"a{number}", f"A{number}", dek="Before.", date=f"2026-11-0{number + 1}")
    room.events.clear()
    room.publish("a0", "A0", dek="Afterwards.", date="2026-11-01")
    assert [event.reach for event in room.events if isinstance(event, EntriesChanged)] == ["lists"]
    assert not [event for event in room.events if isinstance(event, RegateRequested)], (
        "no other article's page shows it"
    )
    assert "Afterwards." in room.page("/topics/energy/")
    assert "Afterwards." not in room.page("/articles/a1/")
    room.publish("a0", "Renamed", dek="Afterwards.", date="2026-11-01")
    assert "Renamed" in room.page("/articles/a1/")


def test_lists_do_not_wait_for_the_event_of_an_article_whose_text_changed(room: Newsroom) -> None:
    room.publish("late", "Late", "Old words.", date="2026-11-02")
    room.bare.site.delete("feed.json")
    held, deliver = [], room.deliver

    def hold(events: Iterable[Event | ObjectChanged]) -> None:
        emitted = list(events)
        held.extend(event for event in emitted if isinstance(event, ArticleGated) and event.slug == "late")
        deliver(event for event in emitted if event not in held)

    room.deliver = hold  # type: ignore[method-assign]
    room.publish("late", "Late", "New words.", date="2026-11-02")
    room.publish("next", "Next", "Other words.", date="2026-11-03")
    assert held
    assert "New words." in room.page("/feed.xml")
    assert "Other words." in room.page("/feed.xml")
    feeds = {path: room.page(path) for path in FEEDS}
    deliver(held)
    room.process_all()
    assert {path: room.page(path) for path in FEEDS} == feeds


def test_only_new_texts_are_read(room: Newsroom) -> None:
    for number in range(9):
        room.publish(f"a{number}", f"A{number}", f"Words {number}.", date=f"2026-11-0{number + 1}")
    read: list[str] = []
    inner = room.bare.private.get

    def get(key: str, version: str = "") -> Any:
        read.append(key)
        return inner(key, version)

    room.bare.private.get = get  # type: ignore[method-assign]
    room.publish("new", "New", "More words.", date="2026-11-10")
    assert sorted({key for key in read if key.startswith("facts/")}) == ["facts/new.json"]
    assert read.count("facts/new.json") == 5, (
        "once for all its feeds; the others are for its entries, its pages and the search"
    )


@pytest.mark.parametrize("lost", ["feed.json", "topics/energy/feed.xml"])
def test_a_lost_feed_is_made_again(room: Newsroom, lost: str) -> None:
    room.publish("tide", "Tide", BODY)
    room.publish("ebb", "Ebb", "Ebbing & “flowing”.")
    wanted = room.site.outputs[lost].body
    room.bare.site.delete(lost)
    found = compare(room.ports, room.theme)
    room.deliver([RelistRequested(name) for name in found.lists])
    room.process_all()
    assert room.site.outputs[lost].body == wanted


def test_what_goes_leaves_the_feeds_and_what_it_hid_comes_back(room: Newsroom) -> None:
    for number in range(51):
        room.publish(f"a{number}", f"A{number}", f"Words {number}.", date=f"2026-10-01T00:{number:02}:00Z")
    assert not any("Words 0." in room.page(path) for path in (*FEEDS, "/feed.json"))
    room.file("drafts/a50.md", None)
    for path in (*FEEDS, "/feed.json"):
        assert "Words 0." in room.page(path)
        assert "Words 50." not in room.page(path)


def test_a_very_long_text_gives_way_to_its_summary(room: Newsroom) -> None:
    room.publish("long", "Long", "Many words. " * (MAX_TEXT // 10), dek="In short.")
    assert items(room)["Long"]["content_text"] == "In short."
    assert rss_items(room)["Long"].find(CONTENT) is None


def test_texts_are_read_back_as_they_were_written(room: Newsroom) -> None:
    bodies = [
        "A &amp; b &lt;c&gt; “d” 'e' \"f\"",
        "`x < y && z`",
        "汉字 العربية\u0007 émile",
        "<b>bold</b> &nbsp; ]]&gt; ]]>",
    ]
    for number, body in enumerate(bodies):
        room.publish(f"a{number}", f"A{number}", body)
    cards = {text_digest(item["content_html"]) for item in items(room).values()}
    assert len(cards) == len(bodies)
    for path in (*FEEDS, "/feed.json"):
        assert set(texts_in(room.page(path).encode())) == cards | {card[:16] for card in cards}


def test_a_text_is_found_by_the_shorter_name_that_an_earlier_release_stored(room: Newsroom) -> None:
    room.publish("a", "A", "One.")
    key = "facts/a.json"
    stored = room.ports.private.get(key)
    assert stored
    short = re.sub(rb'("text":"[0-9a-f]{16})[0-9a-f]{16}"', rb'\1"', stored.body)
    assert short != stored.body
    room.ports.private.put(Output(key, short, "application/json"), stored.etag)
    room.deliver([ArticleGated("a", "live", [])])
    room.process_all()
    room.publish("b", "B", "Two.")
    assert {title: item["content_html"] for title, item in items(room).items()} == {
        "A": "<p>One.</p>",
        "B": "<p>Two.</p>",
    }


def test_a_feed_says_when_something_in_it_last_changed_and_has_no_empty_description(room: Newsroom) -> None:
    room.publish("old", "Old", date="2026-11-01", lastmod="2026-11-20T10:00:00Z")
    room.publish("new", "New", date="2026-11-10", dek="What it is.")
    channel = ElementTree.fromstring(room.page("/feed.xml"))[0]
    assert channel.findtext("lastBuildDate") == "Fri, 20 Nov 2026 15:45:00 +0545"
    found = rss_items(room)
    assert (found["New"].findtext("description"), found["Old"].find("description")) == ("What it is.", None)


def test_feed_readers_get_the_alignment_of_cells(room: Newsroom) -> None:
    room.publish("table", "Table", "| a | b |\n|---|--:|\n| 1 | 2 |\n")
    for _, html in contents(room):
        assert '<td align="right">2' in html
    assert '<td class="align-right">2' in room.page("/articles/table/")
