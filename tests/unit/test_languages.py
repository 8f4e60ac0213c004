"""Languages: direction by tag, the attributes of pages and cards, and `dir` and `lang` in the text of an article."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from nightdesk.domain.errors import Rejected
from nightdesk.domain.languages import direction, language_tag
from nightdesk.domain.passages import Passage
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.markdown import render_passages
from support.memory_newsroom import Newsroom


@pytest.fixture
def room() -> Newsroom:
    return Newsroom(Theme(Path(__file__).resolve().parents[2] / "layers" / "theme"))


def rendered(markdown: str) -> str:
    return render_passages((Passage("", "", markdown, 1),), lambda _: None, lambda url: url if "://" in url else None)[
        0
    ].html


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("he", "fa-IR", "UR", "ps", "yi", "ckb", "dv", "ar_EG", "sd-Arab-PK", "az-Arab", "pa-Arab", "iw"), "rtl"),
        (("en", "nl", "tr", "az", "ar-Latn", "ku", "uz-Cyrl", "sd-Deva", "id", "arn", "en-x-arab"), "ltr"),
    ],
)
def test_the_direction_follows_language_and_script(tags: tuple[str, ...], expected: str) -> None:
    assert {tag: direction(tag) for tag in tags} == dict.fromkeys(tags, expected)


@pytest.mark.parametrize("typed", ["", "e", 'en"><script>', "english please", "-en", "en--US"])
def test_invalid_language_codes(typed: str) -> None:
    assert language_tag(typed) == ""


def test_a_site_with_a_wrong_language_is_refused() -> None:
    with pytest.raises(Rejected, match="is not a language code"):
        parse_site(b"language: the Queen's\n")
    assert parse_site(b"languageCode: fa_IR\n")[0].language == "fa-IR"


def test_every_page_of_a_site_runs_from_right_to_left(room: Newsroom) -> None:
    room.file("site.yaml", "language: fa\n")
    room.publish("khabar", "خبر")
    for path in (
        "/",
        "/articles/khabar/",
        "/topics/",
        "/topics/energy/",
        "/archive/2026/11/",
        "/updates/",
        "/signin/",
        "/corrections/",
    ):
        assert '<html lang="fa" dir="rtl">' in room.page(path), path
    room.file("site.yaml", "language: nb\n")
    assert '<html lang="nb">' in room.page("/articles/khabar/")


def test_an_article_in_another_language_is_marked_and_the_page_around_it_is_not(room: Newsroom) -> None:
    room.publish("older", "Older")
    room.publish("davar", "דבר", date="2026-11-02", language="he")
    room.publish("newer", "Newer", date="2026-11-03")
    page = room.page("/articles/davar/")
    assert '<html lang="he" dir="rtl">' in page
    for start in (
        '<header class="site-head"',
        '<footer class="site-foot"',
        '<aside class="updates"',
        '<div class="related-all"',
    ):
        assert f'{start} lang="en" dir="ltr"' in page
    data = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0])
    assert data["inLanguage"] == "he"
    for path in ("/", "/topics/energy/", "/articles/newer/"):
        assert '<li class="card" lang="he" dir="rtl">' in room.page(path), path
        assert '<html lang="en">' in room.page(path)
    assert "language" in json.loads(room.page("/feed.json"))["items"][1]


def test_a_wrong_language_of_an_article_is_refused(room: Newsroom) -> None:
    room.publish("a-story", language="dutch?")
    [problem] = room.state("a-story")["problems"]
    assert problem["key"] == "language"
    assert "pt-BR" in problem["message"]


def test_dir_and_lang_are_kept_on_any_element() -> None:
    text = rendered(
        '<p dir="rtl" lang="ur">کہانی <bdi lang="en">Reuters</bdi> <bdo dir="ltr">1-2</bdo></p>\n\n<ul dir="auto"><li lang="ar">x</li></ul>'
    )
    for kept in ('dir="rtl"', 'lang="ur"', '<bdi lang="en">', '<bdo dir="ltr">', '<ul dir="auto">', '<li lang="ar">'):
        assert kept in text


def test_other_values_are_taken_out() -> None:
    text = rendered('<p dir="up" lang="x y" onclick="a()" style="direction: rtl">One</p>')
    assert text.strip() == "<p>One</p>"


def test_attributes_do_not_hide_headings_and_dead_links(room: Newsroom) -> None:
    body = '<h1 lang="ar" dir="rtl">أول</h1>\n\n<h2 dir="rtl">ثان</h2>\n\n## Third\n\n<a lang="ar" href="nowhere">dead</a> <a lang="fr" href="https://x.example/">live</a>'
    room.publish("a-story", body=body)
    page = room.page("/articles/a-story/")
    assert page.count("<h1") == 1
    assert re.search(r'<h2 id="s-[a-z-]+" dir="rtl" lang="ar">|<h2 id="s-[a-z-]+" lang="ar" dir="rtl">', page)
    assert page.count('<li><a href="#s-') == 3
    assert "dead" in page
    assert not re.search(r"<a[^>]*>dead", page)
    assert re.search(r'<a [^>]*href="https://x.example/"[^>]*>live</a>', page)
