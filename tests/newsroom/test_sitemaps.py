"""Sitemaps: their form, what is in them and when it leaves, and what keeping them costs."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from nightdesk.domain.events import RelistRequested
from nightdesk.domain.languages import primary_language
from nightdesk.domain.site_paths import is_uncached
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

MAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
SETTINGS = "name: 'Fjord & Sound'\nbase_url: https://fjord.example\nlanguage: nb-NO\ntimezone: Europe/Oslo\n"


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    room = Newsroom(theme)
    room.file("site.yaml", SETTINGS)
    return room


def entries(room: Newsroom, path: str) -> dict[str, str]:
    """Return the addresses in a sitemap with their dates, after checking its form."""
    root = ElementTree.fromstring(room.page(path))
    kind = {"urlset": "url", "sitemapindex": "sitemap"}[root.tag.removeprefix(MAPS)]
    found = {}
    for child in root:
        assert child.tag == MAPS + kind
        assert [part.tag for part in child][:2] == [f"{MAPS}loc", f"{MAPS}lastmod"]
        address, dated = child[0].text or "", child[1].text or ""
        assert address.startswith("https://fjord.example/")
        assert address not in found
        found[address.removeprefix("https://fjord.example")] = dated
    return found


def news(room: Newsroom) -> dict[str, dict[str, str]]:
    """Return what the news sitemap says of each article, after checking its form."""
    found = {}
    for path in entries(room, "/news-sitemap.xml"):
        found[path] = {}
    for url in ElementTree.fromstring(room.page("/news-sitemap.xml")):
        parts = list(url.iter())
        tags = [part.tag.removeprefix(NEWS) for part in parts if part.tag.startswith(NEWS)]
        assert tags == ["news", "publication", "name", "language", "publication_date", "title"]
        path = (parts[1].text or "").removeprefix("https://fjord.example")
        found[path] = {part.tag.removeprefix(NEWS): part.text or "" for part in parts if part.tag.startswith(NEWS)}
    return found


def test_each_month_has_a_part_with_true_dates(room: Newsroom) -> None:
    assert entries(room, "/sitemap.xml") == {}
    room.publish("ice", date="2026-02-03T12:00:00Z")
    room.publish("thaw", date="2026-02-28T23:30:00Z", lastmod="2026-05-01T08:00:00Z")
    room.publish("flood", date="2026-03-02", corrections=[{"date": "2026-03-09", "text": "It was the other river."}])
    assert entries(room, "/sitemap/2026-02.xml") == {"/articles/ice/": "2026-02-03T13:00:00+01:00"}
    assert entries(room, "/sitemap/2026-03.xml") == {
        "/articles/flood/": "2026-03-09T00:00:00+01:00",
        "/articles/thaw/": "2026-05-01T10:00:00+02:00",
    }
    assert list(entries(room, "/sitemap.xml").items()) == [
        ("/sitemap/2026-03.xml", "2026-05-01T10:00:00+02:00"),
        ("/sitemap/2026-02.xml", "2026-02-03T13:00:00+01:00"),
    ]
    assert "Sitemap: https://fjord.example/sitemap.xml\n" in room.page("/robots.txt")


def test_an_article_that_goes_leaves_all_sitemaps(room: Newsroom) -> None:
    today = NOW.isoformat()
    room.publish("stays", date=today)
    room.publish("goes", date=today)
    room.publish("alone", date="2025-12-01")
    assert {"/articles/goes/", "/articles/stays/"} == set(entries(room, "/sitemap/2026-11.xml")) == set(news(room))
    room.file("drafts/goes.md", None)
    room.file("drafts/alone.md", None)
    assert ["/articles/stays/"] == list(entries(room, "/sitemap/2026-11.xml")) == list(news(room))
    assert list(entries(room, "/sitemap.xml")) == ["/sitemap/2026-11.xml"]
    assert room.page("/sitemap/2025-12.xml") == ""


def test_articles_that_are_not_public_are_in_no_sitemap(room: Newsroom) -> None:
    room.publish("later", date=(NOW + timedelta(days=1)).isoformat())
    room.publish("draft", draft=True, date=NOW.isoformat())
    assert entries(room, "/sitemap.xml") == {} == news(room)


def test_the_news_sitemap_shrinks_after_two_days(room: Newsroom) -> None:
    room.publish("old", "Before", date=(NOW - timedelta(hours=30)).isoformat(), language="zh-Hant")
    room.publish("new", 'Nets < & > "ropes"', date=(NOW - timedelta(hours=2)).isoformat())
    found = news(room)
    assert list(found) == ["/articles/new/", "/articles/old/"]
    assert found["/articles/new/"] == {
        "news": "", "publication": "", "name": "Fjord & Sound", "language": "nb",
        "publication_date": "2026-11-22T23:00:00+01:00", "title": "Nets < & > «ropes»",
    }  # fmt: skip
    assert found["/articles/old/"]["language"] == "zh-tw"
    room.now = NOW + timedelta(hours=19)
    before = dict(room.site.outputs)
    room.deliver([RelistRequested("news")])
    room.process_all()
    assert list(news(room)) == ["/articles/new/"]
    assert [key for key, output in room.site.outputs.items() if before[key] != output] == ["news-sitemap.xml"]
    assert len(entries(room, "/sitemap/2026-11.xml")) == 2


def test_gated_text_is_in_no_sitemap(room: Newsroom) -> None:
    gate = '::: gate tier=member teaser="More below."\nThe canary-quartz ledger.\n:::\n'
    room.publish("open", body=f"Free text.\n\n{gate}", date=NOW.isoformat())
    room.publish("closed", body="Another canary-quartz.", access="member", date=NOW.isoformat())
    maps = [key for key in room.site.outputs if is_uncached(f"/{key}") and "sitemap" in key]
    assert len(maps) == 3
    assert not any(b"canary-quartz" in room.site.outputs[key].body for key in maps)
    assert set(entries(room, "/sitemap/2026-11.xml")) == {"/articles/open/", "/articles/closed/"}


def test_no_cache_holds_a_sitemap_and_none_is_invalidated(room: Newsroom) -> None:
    room.publish("one", date=NOW.isoformat())
    room.publish("two", date=NOW.isoformat())
    for key in ("sitemap.xml", "sitemap/2026-11.xml", "news-sitemap.xml"):
        assert room.site.outputs[key].cache_control == "no-cache"
        assert room.site.outputs[key].content_type == "application/xml"
    assert not any("sitemap" in path for path in room.bare.cdn.invalidated)  # type: ignore[attr-defined]  # memory_ports makes it
    assert not compare(room.ports, room.theme)


@pytest.mark.parametrize("lost", ["sitemap.xml", "sitemap/2026-10.xml", "news-sitemap.xml"])
def test_the_nightly_comparison_restores_what_is_lost(room: Newsroom, lost: str) -> None:
    room.publish("one", date=NOW.isoformat())
    room.publish("two", date="2026-10-05")
    wanted = room.site.outputs[lost].body
    room.bare.site.delete(lost)
    found = compare(room.ports, room.theme)
    assert found.lists == (("news",) if lost.startswith("news") else ("all",))
    room.deliver([RelistRequested(name) for name in found.lists])
    room.process_all()
    assert room.site.outputs[lost].body == wanted


def test_a_new_address_changes_every_part(room: Newsroom) -> None:
    room.publish("one", date=NOW.isoformat())
    room.publish("two", date="2026-10-05")
    room.file("site.yaml", SETTINGS.replace("fjord.example", "sound.example"))
    for key in ("sitemap.xml", "sitemap/2026-10.xml", "sitemap/2026-11.xml", "news-sitemap.xml"):
        body = room.site.outputs[key].body.decode()
        assert "https://sound.example/" in body
        assert "fjord.example" not in body


@pytest.mark.parametrize(
    ("tag", "code"), [("de-AT", "de"), ("pt_BR", "pt"), ("zh", "zh-cn"), ("zh-Hant-HK", "zh-tw"), ("en", "en")]
)
def test_languages_of_publications(tag: str, code: str) -> None:
    assert primary_language(tag) == code
