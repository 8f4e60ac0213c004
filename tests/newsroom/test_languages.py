"""Languages: direction by tag, the attributes of pages and cards, and `dir` and `lang` in the text of an article."""

from __future__ import annotations

import json
import re

import pytest
from nightdesk.domain.errors import Rejected
from nightdesk.domain.languages import direction, language_tag
from nightdesk.domain.passages import Passage
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.markdown import render_passages
from support.leftovers import english_leftovers
from support.memory_newsroom import Newsroom


def rendered(markdown: str) -> str:
    return render_passages((Passage("", "", markdown, 1),), lambda _: None, lambda url: url if "://" in url else None)[
        0
    ].html


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("he", "fa-IR", "UR", "ps", "yi", "ckb", "dv", "ar_EG", "sd-Arab-PK", "az-Arab", "pa-Arab", "iw"), "rtl"),
        (("az-IR", "pa_PK", "ku-IQ", "uz-AF", "rhg"), "rtl"),
        (
            (
                "en",
                "nl",
                "tr",
                "az",
                "ar-Latn",
                "ku",
                "uz-Cyrl",
                "sd-Deva",
                "id",
                "arn",
                "en-x-arab",
                "pa-IN",
                "uz-Latn-AF",
            ),
            "ltr",
        ),
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
        '<div class="update"',
        '<h2 id="updates-title"',
        '<p class="byline"',
        '<p class="dates"',
        '<div class="related-all"',
    ):
        assert f'{start} lang="en" dir="ltr"' in page
    data = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0])
    assert data["inLanguage"] == "he"
    for path in ("/", "/topics/energy/", "/articles/newer/"):
        assert '<li class="card" lang="he" dir="rtl">' in room.page(path), path
        assert '<html lang="en">' in room.page(path)
    assert "language" in json.loads(room.page("/feed.json"))["items"][1]


@pytest.mark.parametrize(
    ("site", "article", "inside", "around"),
    [
        ("en", "ar", ["بقلم", "نُشر في", "2 نوفمبر 2026", "هوامش", "محتوى الأعضاء", "تسجيل الدخول"], "Skip to content"),
        (
            "ar",
            "en",
            ["By <a", "Published", "2 November 2026", "Notes", "Member access", "Sign in"],
            "الانتقال إلى المحتوى",
        ),
        (
            "de",
            "fr-CA",
            ["Par <a", "Publié le", "2 novembre 2026", "Notes", "Réservé aux membres", "Se connecter"],
            "Zum Inhalt",
        ),
    ],
)
def test_the_words_within_an_article_are_in_its_language_and_the_frame_in_that_of_the_site(
    room: Newsroom, site: str, article: str, inside: list[str], around: str
) -> None:
    room.file("site.yaml", f"language: {site}\nname: Qx\nsupport:\n  - {{label: Qx, url: 'https://qx.example/'}}\n")
    body = "Qx[^1].\n\n::: gate tier=member\nQx.\n:::\n\n[^1]: Qx.\n"
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Lin\nbeat: Qx\n---\nQx.\n")
    matter = {"sources": [{"title": "Qx"}], "corrections": [{"date": "2026-11-03", "text": "Qx."}], "tags": ["qx"]}
    room.publish("older", "Older", date="2026-11-01")
    room.publish("story", "Qx", body, date="2026-11-02", language=article, authors=["ada"], **matter)
    page = room.page("/articles/story/")
    frame = f' lang="{site}" dir="{direction(site)}"'
    assert page.startswith(f'<!doctype html>\n<html lang="{article}"')
    head, main = page.split('<main id="main"')
    text, foot = main.split("</article>")
    assert {word: word in text for word in inside} == dict.fromkeys(inside, True)
    assert around in head
    for start in (
        '<a class="skip" href="#main"',
        '<header class="site-head"',
        '<div class="related-all"',
        '<footer class="site-foot"',
    ):
        assert f"{start}{frame}" in head + foot, start
    for start in ('<div class="bio"', '<p class="beat"', '<p class="actions"', '<a href="/topics/energy/"'):
        assert f"{start}{frame}>" in text, start
    assert f'<div class="update"{frame} aria-live' in text
    for start in ('<p class="byline"', '<p class="dates"', '<h2 id="footnotes-title"', '<section class="box support"'):
        assert f"{start}{frame}" not in text
    if article == "ar":
        assert english_leftovers(text, room.theme.text(Site()), room.theme.text(Site(language="ar"))) == []


def test_the_words_within_an_article_are_marked_if_the_theme_does_not_speak_its_language(room: Newsroom) -> None:
    room.file("site.yaml", "language: de\n")
    room.publish("verhaal", "Verhaal", "Tekst[^1].\n\n[^1]: Noot.\n", language="nl")
    page = room.page("/articles/verhaal/")
    for start in ('<p class="byline"', '<p class="dates"', '<h2 id="footnotes-title"', '<h2 id="updates-title"'):
        assert f'{start} lang="de" dir="ltr">' in page, start
    assert "Veröffentlicht am" in page
    room.publish("verhaal", "Geschichte", language="de-AT")
    assert '<p class="byline">Von' in room.page("/articles/verhaal/")


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
