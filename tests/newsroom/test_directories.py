"""The directories of topics and authors: what they tell of each, and what keeping them costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import pytest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site_paths import fronts_of
from nightdesk.domain.text import sorting_key
from nightdesk.ports import ANY, Output, Table
from nightdesk.repositories import list_records
from nightdesk.repositories.list_records import ListSummary
from support.memory_newsroom import Newsroom


def entries(room: Newsroom, path: str) -> dict[str, str]:
    """Return the text of each entry of a directory, by its name."""
    found = re.search(r'<ul class="directory">(.*?)</ul>', room.page(path), re.DOTALL)
    items = found[1].split("<li>")[1:] if found else []
    texts = [" ".join(unescape(re.sub(r"<[^>]*>", " ", item)).split()) for item in items]
    names = [re.findall(r"<h2><a[^>]*>(.*?)</a>", item)[0] for item in items]
    return dict(zip(names, texts, strict=True))


def test_a_topic_shows_its_newest_article_and_the_number_of_articles(room: Newsroom) -> None:
    room.file("topics/rivers.md", "---\nname: Rivers\nsummary: Floods & droughts.\n---\n")
    room.file("topics/empty.md", "---\nname: Empty\n---\n")
    room.publish("dam", "Dam opens", date="2026-09-30T10:00:00Z", topics=["rivers"])
    room.publish("weir", "Weir fails", date="2026-10-02T10:00:00Z", topics=["rivers", "locks"])
    room.publish("levee", "Levee holds", date="2026-10-01T10:00:00Z", topics=["rivers"])
    found = entries(room, "/topics/")
    assert list(found) == ["Empty", "Locks", "Rivers"]
    assert found["Rivers"] == "Rivers Floods & droughts. 3 articles newest 2 October 2026, 10:00 UTC Weir fails"
    assert found["Locks"] == "Locks 1 article newest 2 October 2026, 10:00 UTC Weir fails"
    assert found["Empty"] == "Empty 0 articles"
    assert '<a href="/articles/weir/">Weir fails</a>' in room.page("/topics/")


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("fr", ["Culture", "eau", "Économie", "Énergie", "Trafic"]),
        ("de-AT", ["Abend", "Äcker", "Ähre", "Zoll"]),
        ("sv", ["Abend", "Zoll", "Åkrar", "Ähtäri", "Öar"]),
        ("da", ["Havn", "Zoo", "Ærø", "Øl", "Ålborg"]),
    ],
)
def test_names_are_in_the_order_of_the_sites_language(language: str, names: list[str]) -> None:
    shuffled = names[::-1]
    assert sorted(shuffled, key=lambda name: sorting_key(name, language)) == names


def test_an_article_removed_from_a_list_is_removed_from_the_directory(room: Newsroom) -> None:
    room.publish("one", "First news", date="2026-08-31", topics=["rivers"])
    room.publish("two", "Second news", date="2026-10-02", topics=["rivers"])
    room.publish("two", "Second try", date="2026-10-02", topics=["rivers"])
    assert "Second try" in entries(room, "/topics/")["Rivers"]
    room.publish("two", "Second try", date="2026-08-02", topics=["rivers"])
    assert entries(room, "/topics/")["Rivers"].startswith("Rivers 2 articles newest 31 August 2026 First news")
    room.file("drafts/two.md", None)
    assert entries(room, "/topics/")["Rivers"].startswith("Rivers 1 article newest")
    room.publish("one", "First news", date="2026-08-31", topics=["rivers"], publish_at="2027-01-01")
    assert entries(room, "/topics/") == {}


def test_an_author_has_a_portrait_a_beat_and_a_label(room: Newsroom) -> None:
    room.upload("authors/robo.png", b"\x89PNG not really")
    room.file("authors/robo.md", "---\nname: Robo\nkind: ai\nbeat: Tides\nportrait: robo.png\n---\n")
    room.file("authors/lea.md", "---\nname: Lea <b>\nbeat: Ports\n---\n")
    room.publish("dam", authors=["robo", "lea"])
    found = entries(room, "/authors/")
    assert found["Robo"].startswith("Robo AI persona Tides 1 article")
    assert found["Lea &lt;b&gt;"].startswith("Lea <b> Ports 1 article")
    assert re.search(r'<img src="/authors/robo/robo\.[0-9a-f]{64}-720\.public\.png" alt=""', room.page("/authors/"))
    for path in ("/", "/topics/energy/", "/archive/2026/11/"):
        assert '<a href="/authors/robo/">Robo</a> <span class="persona">(AI persona)</span>' in room.page(path)
        assert "</a> <span" not in room.page(path).partition('href="/authors/lea/"')[2][:80]
    assert "<dc:creator>Robo (AI persona)</dc:creator>" in room.page("/feed.xml")
    assert '"name": "Robo (AI persona)"' in room.page("/feed.json")


def test_counts_are_of_the_months_of_the_zone(room: Newsroom) -> None:
    room.file("site.yaml", "timezone: Asia/Tokyo\n")
    room.publish("one", date="2026-03-31T20:00:00Z", topics=["rivers"])
    room.publish("two", date="2026-04-02T20:00:00Z", topics=["rivers"])
    assert list_records.months(room.bare.articles, "topic:rivers") == {"2026-04": 2}
    room.file("site.yaml", None)
    assert list_records.months(room.bare.articles, "topic:rivers") == {"2026-03": 1, "2026-04": 1}
    assert "2 articles" in entries(room, "/topics/")["Rivers"]


def test_records_of_an_earlier_version_are_read(room: Newsroom) -> None:
    table = room.bare.articles
    table.write([list_records.Change("lists", "topic:x", {"label": "X"}, None)])
    assert list_records.summaries(table) == [("topic:x", ListSummary("X"))]
    assert record(table, {"2026-01": 2}, ListSummary("X", articles=2))
    assert list_records.months(table, "topic:x") == {"2026-01": 2}
    assert not record(table, {"2026-01": 2}, ListSummary("X", articles=2))


def record(table: Table, counts: Mapping[str, int], summary: ListSummary | None) -> bool:
    before = list_records.read_records(table, ["topic:x"])["topic:x"]
    return list_records.record_list(table, "topic:x", before, counts, summary)


def test_a_record_that_changed_since_it_was_read_is_not_overwritten(room: Newsroom) -> None:
    table = room.bare.articles
    before = list_records.read_records(table, ["topic:x"])["topic:x"]
    assert record(table, {"2026-01": 1}, ListSummary("X", articles=1))
    for summary in (None, ListSummary("X", articles=1)):
        with pytest.raises(Conflict):
            list_records.record_list(table, "topic:x", before, {"2026-02": 1}, summary)
    assert list_records.months(table, "topic:x") == {"2026-01": 1}


def test_a_month_without_articles_stays_on_record(room: Newsroom) -> None:
    table = room.bare.articles
    assert record(table, {"2026-01": 1, "2026-02": 0}, ListSummary("X", articles=1))
    assert record(table, {"2026-01": 0}, None)
    assert list_records.months(table, "topic:x") == {}
    assert list_records.all_months(table, "topic:x") == ["2026-01"]
    assert list_records.lists(table) == []


def test_the_front_page_and_the_directories_are_invalidated_together(room: Newsroom) -> None:
    room.publish("one", topics=["rivers"])
    room.publish("two", topics=["rivers"], date="2026-11-02")
    cdn = room.bare.cdn
    cdn.invalidated.clear()  # type: ignore[attr-defined]  # memory_ports makes it
    room.publish("three", topics=["rivers"], date="2026-11-03")
    assert "#front-lists" in cdn.invalidated  # type: ignore[attr-defined]
    assert not {"/topics/index.html", "/index.html", "#front-all"} & set(cdn.invalidated)  # type: ignore[attr-defined]


def test_every_page_of_a_front_has_its_tag(room: Newsroom) -> None:
    room.publish("one", topics=["rivers"])
    for key, output in room.site.outputs.items():
        path = "/" + key.removesuffix("index.html")
        tags = set(output.metadata.get("cache-tag", "").split(","))
        assert {front.tag for front in fronts_of(path)} <= tags, path
        assert all(path in front.paths for front in fronts_of(path))


def test_a_month_leads_to_the_list_of_all_months(room: Newsroom) -> None:
    room.publish("tide", "Tide")
    for month, front in (("/archive/2026/11/", "/"), ("/topics/energy/2026/11/", "/topics/energy/")):
        assert f'<a href="{front}#months-title">All months</a>' in room.page(month)
        assert 'id="months-title"' in room.page(front)


def test_nobody_asks_for_pages_that_are_made_for_the_first_time(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of a list, which is read in any case, tells that there are none. Asking would be a call for each of them."""
    room.publish("one", topics=["rivers"])
    asked: list[str] = []
    stat, get = room.site.stat, room.site.get
    monkeypatch.setattr(room.site, "stat", lambda key: (asked.append(key), stat(key))[1])
    monkeypatch.setattr(room.site, "get", lambda key: (asked.append(key), get(key))[1])
    room.publish("two", topics=["canals"])
    room.publish("three", topics=["rivers"], date="2025-05-05")
    new = {"topics/canals/index.html", "topics/canals/feed.xml", "topics/rivers/2025/05/index.html"}
    assert new <= room.site.outputs.keys()
    assert not new & set(asked)
    assert not {"archive/2025/05/index.html", "sitemap/2025-05.xml"} & set(asked)


def test_a_page_that_is_there_before_its_list_is_on_record_is_made_again(room: Newsroom) -> None:
    strays = ("topics/rivers/index.html", "topics/rivers/feed.xml", "archive/2025/05/index.html")
    for key in strays:
        room.ports.site.put(Output(key, b"A page of nobody.", "text/html"), ANY)
    room.publish("one", topics=["rivers"], date="2025-05-05")
    assert all(b"/articles/one/" in room.site.outputs[key].body for key in strays)
