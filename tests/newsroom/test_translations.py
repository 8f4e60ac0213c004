"""Translations: links in both directions between an article and its versions in other languages, whatever comes first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from xml.etree import ElementTree

import pytest
from nightdesk.domain.documents import Document
from nightdesk.domain.language_names import native_name
from nightdesk.domain.site import Site
from nightdesk.entrypoints.folder_build import build
from nightdesk.rendering.translations import translation_links, versions_of
from nightdesk.usecases.editors.folder_pages import FolderPages
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

SITE = "base_url: https://news.example\n"
GROUP: dict[str, dict[str, Any]] = {
    "harbour": {},
    "hafen": {"language": "de", "translation_of": "harbour"},
    "mina": {"language": "ar", "translation_of": "harbour"},
}


@pytest.fixture
def room(room: Newsroom) -> Newsroom:
    room.file("site.yaml", SITE)
    return room


def versions(room: Newsroom, slug: str) -> dict[str, str]:
    """Return what the page of an article names as its versions, by language."""
    found = re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', room.page(f"/articles/{slug}/"))
    return {language: url.removeprefix("https://news.example/articles/").rstrip("/") for language, url in found}


def shown(room: Newsroom, slug: str) -> list[str]:
    """Return the languages that a reader of an article is shown."""
    line = re.findall(r'<p class="also-in".*?</p>', room.page(f"/articles/{slug}/"))
    return re.findall(r">([^<>]+)</a>", line[0]) if line else []


def data(room: Newsroom, slug: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', room.page(f"/articles/{slug}/"))
    return dict(json.loads(found[0]))


@pytest.mark.parametrize("order", list(permutations(GROUP)), ids="-".join)
def test_versions_name_one_another_in_whatever_order_they_come(room: Newsroom, order: tuple[str, ...]) -> None:
    for name in order:
        room.publish(name, **GROUP[name])
    expected = {"en": "harbour", "de": "hafen", "ar": "mina", "x-default": "harbour"}
    assert {slug: versions(room, slug) for slug in GROUP} == dict.fromkeys(GROUP, expected)
    assert shown(room, "harbour") == ["Deutsch", "العربية"]
    assert shown(room, "mina") == ["English", "Deutsch"]
    page = room.page("/articles/hafen/")
    assert '<p class="also-in">Auch auf: <a href="/articles/harbour/" hreflang="en"' in page
    assert '<a href="/articles/mina/" hreflang="ar" lang="ar" dir="rtl">العربية</a>' in page


def test_search_engines_learn_which_one_is_the_original(room: Newsroom) -> None:
    for name, matter in GROUP.items():
        room.publish(name, **matter)
    works = data(room, "harbour")["workTranslation"]
    assert [(work["url"], work["inLanguage"]) for work in works] == [
        ("https://news.example/articles/hafen/", "de"),
        ("https://news.example/articles/mina/", "ar"),
    ]
    assert data(room, "mina")["translationOfWork"]["url"] == "https://news.example/articles/harbour/"
    assert data(room, "mina")["inLanguage"] == "ar"
    assert "workTranslation" not in data(room, "mina")


@pytest.mark.parametrize("hidden", [{"draft": True}, {"publish_at": "2027-01-01"}, {"expires": "2026-11-10"}])
def test_only_versions_that_readers_can_get_are_named(room: Newsroom, hidden: dict[str, Any]) -> None:
    room.publish("harbour")
    room.publish("hafen", **GROUP["hafen"], **hidden)
    assert (versions(room, "harbour"), shown(room, "harbour")) == ({}, [])
    assert b"hafen" not in room.site.outputs["articles/harbour/~public/index.html"].body
    room.publish("hafen", **GROUP["hafen"])
    assert shown(room, "harbour") == ["Deutsch"]
    room.publish("hafen", **GROUP["hafen"], **hidden)
    assert (versions(room, "harbour"), shown(room, "harbour")) == ({}, [])


def test_a_version_that_leaves_or_moves_is_followed(room: Newsroom) -> None:
    for name, matter in GROUP.items():
        room.publish(name, **matter)
    room.file("drafts/mina.md", None)
    assert shown(room, "harbour") == ["Deutsch"]
    assert shown(room, "hafen") == ["English"]
    room.publish("hafen", slug="der-hafen", **GROUP["hafen"])
    assert versions(room, "harbour") == {"en": "harbour", "de": "der-hafen", "x-default": "harbour"}
    room.publish("hafen", slug="der-hafen", language="fr", translation_of="harbour")
    assert shown(room, "harbour") == ["Français"]
    room.publish("hafen", slug="der-hafen", language="fr")
    assert (shown(room, "harbour"), shown(room, "der-hafen")) == ([], [])
    room.file("drafts/harbour.md", None)
    assert versions(room, "der-hafen") == {}


def test_an_original_that_moves_keeps_its_translations(room: Newsroom) -> None:
    for name, matter in GROUP.items():
        room.publish(name, **matter)
    room.publish("harbour", slug="the-harbour")
    expected = {"en": "the-harbour", "de": "hafen", "ar": "mina", "x-default": "the-harbour"}
    assert {slug: versions(room, slug) for slug in ("the-harbour", "hafen", "mina")} == dict.fromkeys(
        ("the-harbour", "hafen", "mina"), expected
    )
    room.publish("puerto", language="es", translation_of="harbour")
    assert shown(room, "the-harbour") == ["Deutsch", "العربية", "Español"]
    assert shown(room, "puerto") == ["English", "Deutsch", "العربية"]


def test_translations_are_linked_while_the_original_is_away(room: Newsroom) -> None:
    room.publish("hafen", **GROUP["hafen"])
    room.publish("mina", **GROUP["mina"])
    assert versions(room, "hafen") == versions(room, "mina") == {"de": "hafen", "ar": "mina"}
    assert "translationOfWork" not in data(room, "hafen")


def test_of_two_in_one_language_one_is_named(room: Newsroom) -> None:
    for name, matter in GROUP.items():
        room.publish(name, **matter)
    room.publish("hafen-zwei", **GROUP["hafen"])
    assert versions(room, "harbour")["de"] == "hafen"
    assert (versions(room, "hafen-zwei"), shown(room, "hafen-zwei")) == ({}, [])
    assert len(versions(room, "mina")) == 4


def test_an_article_without_translations_costs_one_query_and_no_place(room: Newsroom) -> None:
    room.publish("harbour")
    facts = room.ports.private.get("facts/harbour.json")
    assert facts
    assert b"translation" not in facts.body


def test_a_translation_of_nothing_or_of_itself_is_warned_of(room: Newsroom) -> None:
    room.publish("hafen", language="de", translation_of="harbour")
    [warning] = room.state("hafen")["warnings"][-1:]
    assert (warning["key"], "/articles/harbour/ leads to no page" in warning["message"]) == ("translation_of", True)
    room.publish("harbour")
    assert [w for w in room.state("hafen")["warnings"] if w["key"] == "translation_of"] == []
    for typed, words in (("hafen", "names this article itself"), ("Der Hafen", "is not the slug of an article")):
        room.publish("hafen", language="de", translation_of=typed)
        [warning] = [w for w in room.state("hafen")["warnings"] if w["key"] == "translation_of"]
        assert words in warning["message"]
        assert versions(room, "harbour") == {}


def warned(room: Newsroom, name: str) -> list[dict[str, Any]]:
    return [each for each in room.state(name)["warnings"] if each["key"] == "translation_of"]


def test_a_translation_of_a_translation_is_told_its_original(room: Newsroom) -> None:
    room.publish("harbour", slug="the-harbour")
    room.publish("hafen", language="de", translation_of="the-harbour")
    room.publish("port", language="fr", translation_of="hafen")
    [warning] = warned(room, "port")
    assert warning["line"] > 0
    assert warning["message"] == (
        "“hafen” is itself a translation, so this article is not linked with it; did you mean `the-harbour`?"
    )
    assert warned(room, "hafen") == []
    room.publish("hafen", slug="der-hafen", language="de", translation_of="the-harbour")
    assert "did you mean `the-harbour`?" in warned(room, "port")[0]["message"]
    room.publish("harbour", slug="the-harbour", translation_of="der-hafen", language="nl")
    [warning] = warned(room, "harbour")
    assert warning["message"].endswith("not linked with it")
    files = {
        "drafts/hafen.md": lambda: b"---\ntitle: T\ntranslation_of: harbour\n---\nText.\n",
        "drafts/rejected.md": lambda: b"---\ntitle: [\n---\n",
    }
    pages = FolderPages(Site(), files, datetime(2026, 11, 23, tzinfo=UTC))
    assert [pages.original(slug) for slug in ("hafen", "rejected", "nothing")] == ["harbour", "", ""]


def sitemap(room: Newsroom) -> dict[str, dict[str, str]]:
    """Return the versions that the month's sitemap names of each article, after checking its form."""
    link, maps = "{http://www.w3.org/1999/xhtml}link", "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = {}
    for url in ElementTree.fromstring(room.page("/sitemap/2026-11.xml")):
        assert [part.tag for part in url[:2]] == [f"{maps}loc", f"{maps}lastmod"]
        assert all((part.tag, part.get("rel")) == (link, "alternate") for part in url[2:])
        named = {part.get("hreflang", ""): slug_in(part.get("href")) for part in url[2:]}
        found[slug_in(url[0].text)] = named
    return found


def slug_in(url: str | None) -> str:
    return (url or "").removeprefix("https://news.example/articles/").rstrip("/")


@pytest.mark.parametrize("order", list(permutations(GROUP))[::2], ids="-".join)
def test_sitemaps_name_the_versions_that_pages_name(room: Newsroom, order: tuple[str, ...]) -> None:
    room.publish("alone", date="2026-11-20")
    assert "xhtml" not in room.page("/sitemap/2026-11.xml")
    for name in order:
        room.publish(name, date="2026-11-21", **GROUP[name])
    expected = {"en": "harbour", "de": "hafen", "ar": "mina", "x-default": "harbour"}
    assert sitemap(room) == {**dict.fromkeys(GROUP, expected), "alone": {}}
    room.publish("hafen", date="2026-11-21", slug="der-hafen", **GROUP["hafen"])
    assert {slug: versions(room, slug) for slug in sitemap(room)} == sitemap(room)
    room.file("drafts/mina.md", None)
    room.file("drafts/hafen.md", None)
    assert sitemap(room) == {"harbour": {}, "alone": {}}


def test_a_build_links_translations_in_whatever_order_it_makes_them(room: Newsroom, tmp_path: Any) -> None:
    (tmp_path / "in" / "drafts").mkdir(parents=True)
    (tmp_path / "in" / "site.yaml").write_text(SITE)
    for number, (name, matter) in enumerate(reversed(GROUP.items()), 1):
        front = "".join(f"{key}: {value}\n" for key, value in matter.items())
        text = f"---\ntitle: T\ndate: 2026-11-0{number}\n{front}---\nText.\n"
        (tmp_path / "in" / "drafts" / f"{name}.md").write_text(text)
    build(tmp_path / "in", tmp_path / "out", room.theme, datetime(2026, 11, 23, tzinfo=UTC))
    for name in GROUP:
        page = (tmp_path / "out" / "articles" / name / "~public" / "index.html").read_text("utf-8")
        assert page.count(' hreflang="') == 4 + 2, name


def test_articles_that_contradict_each_other_choose_alike() -> None:
    site = Site(base_url="https://news.example")
    first, second, german = (
        Document("a", first_address="x"),
        Document("x"),
        Document("b", language="de", translation_of="x"),
    )
    cards = {
        "a": {"slug": "a", "language": "", "original": True},
        "x": {"slug": "x", "language": "", "original": True},
        "b": {"slug": "b", "language": "de", "original": False},
    }

    def seen_by(document: Document) -> list[str]:
        others = [card for slug, card in cards.items() if slug != document.slug]
        return [version.slug for version in versions_of(site, document, {"translation:x": others})]

    assert (seen_by(first), seen_by(second), seen_by(german)) == ([], ["x", "b"], ["x", "b"])
    swiss = replace(german, slug="c", language="de-CH")
    found = versions_of(site, swiss, {"translation:x": [cards["b"]]})
    assert [link.label for link in translation_links(found, "c")] == ["Deutsch (de)"]


def test_languages_are_named_in_themselves() -> None:
    tags = ("de-AT", "pt-BR", "ar", "zh-Hant-TW", "nb", "qaa")
    assert [native_name(tag) for tag in tags] == ["Deutsch", "Português", "العربية", "繁體中文", "Norsk bokmål", "qaa"]


def test_an_original_that_moved_before_it_was_translated_names_its_translation(room: Newsroom) -> None:
    room.publish("harbour", "Harbour")
    room.publish("harbour", "Harbour", slug="quay")
    room.publish("hafen", "Hafen", language="de", translation_of="harbour")
    assert "/articles/hafen/" in room.page("/articles/quay/")
    assert "/articles/quay/" in room.page("/articles/hafen/")
    assert not compare(room.ports, room.theme)
