"""The site in a browser, as readers of each tier see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from newsroom import TIERS, Newsroom
from playwright.sync_api import Page

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
"""Deque's accessibility checks, as that package carries them."""


Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def gated(newsroom: Newsroom) -> str:
    """An example that has a gate for members and one for subscribers."""
    for key, body in sorted(newsroom.first_site.items()):
        if key.endswith("/~public/index.html") and all(
            f'class="gate" data-tier="{tier}"' in body.decode() for tier in TIERS[1:]
        ):
            return f"/{key.removesuffix('~public/index.html')}"
    pytest.fail("no example has gates for both tiers")


def paths(newsroom: Newsroom, gated: str) -> dict[str, str]:
    """One page of each kind."""
    keys = sorted(newsroom.first_site)

    def first(pattern: str) -> str:
        return "/" + next(key for key in keys if re.fullmatch(pattern, key)).removesuffix("index.html")

    return {
        "home": "/",
        "article": gated,
        "topic": first(r"topics/[^/]+/index\.html"),
        "author": first(r"authors/[^/]+/index\.html"),
        "topics": "/topics/",
        "authors": "/authors/",
        "month": first(r"archive/\d+/\d+/index\.html"),
        "topic month": first(r"topics/[^/]+/\d+/\d+/index\.html"),
        "corrections": "/corrections/",
        "standing": "/about/",
        "updates": "/updates/",
        "missing": "/no-such-page/",
    }


NAMES = [
    "home",
    "article",
    "topic",
    "author",
    "topics",
    "authors",
    "month",
    "topic month",
    "corrections",
    "standing",
    "updates",
    "missing",
]


def test_chromium_keeps_the_session_cookie(visit: Opener, newsroom: Newsroom) -> None:
    """The cookie is Secure and has the `__Host-` prefix; browsers count localhost as secure."""
    page = visit("/", "member")
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == "__Host-session"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert page.url == newsroom.cloud.site_url + "/"
    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("tier", TIERS)
def test_the_article_opens_as_far_as_the_tier_goes(visit: Opener, gated: str, tier: str) -> None:
    page = visit(gated, tier)
    assert page.locator("h1").count() == 1
    closed = {section.get_attribute("data-tier") for section in page.locator("section.gate").all()}
    opened = {section.get_attribute("data-tier") for section in page.locator("section.gated").all()}
    may = set(TIERS[1 : TIERS.index(tier) + 1])
    assert (closed, opened) == (set(TIERS[1:]) - may, may)
    for section in page.locator("section.gate").all():
        assert section.locator(".gate-teaser").inner_text().strip()
        assert section.locator("a.button").is_visible()
    # Free text goes on below the last gate, and what belongs to an article is all there.
    assert page.locator(".body > p").last.is_visible()
    for part in ("#sources", "#production", ".authors", ".support", ".related", ".updates"):
        assert page.locator(part).first.is_visible(), part
    assert (page.locator("#sources li a").count() > 0) is (tier != "public")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_sticks_out_on_a_phone(visit: Opener, newsroom: Newsroom, gated: str, name: str) -> None:
    page = visit(paths(newsroom, gated)[name], viewport={"width": 360, "height": 740}, device_scale_factor=2)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).position !== 'absolute')
            .filter(e => { for (let p = e.parentElement; p; p = p.parentElement)
                if (getComputedStyle(p).overflowX !== 'visible' && p !== document.body && p !== document.documentElement) return false;
                return true; })
            .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", ["home", "article"])
def test_the_first_tab_reaches_the_skip_link(visit: Opener, newsroom: Newsroom, gated: str, name: str) -> None:
    page = visit(paths(newsroom, gated)[name])
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.get_attribute("href") == "#main"
    box = focused.bounding_box()
    assert box
    assert box["y"] >= 0
    assert box["height"] > 10
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_everything_is_there_without_javascript(visit: Opener, gated: str) -> None:
    def words(page: Page) -> str:
        """All but what the Update box holds, which only a script fills."""
        box = page.locator("[data-update-box]").inner_text()
        return page.locator("main").inner_text().replace(box, "")

    plain = visit(gated, java_script_enabled=False)
    assert words(plain) == words(visit(gated))
    assert plain.locator(".updates a[href='/updates/']").is_visible()


def luminance(page: Page, selector: str, what: str) -> float:
    """How light a colour is, from 0 to 255."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e)['{what}']")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_readers_choice(visit: Opener, gated: str, scheme: str) -> None:
    page = visit(gated, color_scheme=scheme)
    paper, ink = luminance(page, "body", "backgroundColor"), luminance(page, "h1", "color")
    assert (paper < 60 and ink > 180) if scheme == "dark" else (paper > 200 and ink < 90)


def test_paper_gets_the_words_and_not_the_furniture(visit: Opener, gated: str) -> None:
    page = visit(gated, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="light")
    assert page.locator("h1").is_visible()
    assert page.locator(".body").is_visible()
    for furniture in (".site-nav", ".site-foot nav", ".updates"):
        assert not page.locator(furniture).first.is_visible(), furniture
    assert luminance(page, "body", "color") < 90
    assert page.pdf(format="A4").startswith(b"%PDF")


def violations(page: Page) -> list[str]:
    """What axe finds wrong with a page. It is run in a world of its own, for the site's policy lets no script in."""
    page.evaluate(f"(() => {{ {AXE} }})()")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(visit: Opener, newsroom: Newsroom, gated: str, name: str) -> None:
    page = visit(paths(newsroom, gated)[name])
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme


@pytest.mark.parametrize("tier", TIERS[1:])
def test_axe_finds_nothing_behind_gates(visit: Opener, gated: str, tier: str) -> None:
    page = visit(gated, tier)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme


def test_a_missing_page_says_so(visit: Opener) -> None:
    page = visit("/no-such-page/")
    assert "Not found" in page.locator("h1").inner_text()
    page.locator("main a[href='/']").click()
    assert page.locator("h1").count() == 1


def test_links_lead_from_the_front_page_to_an_article_and_back(visit: Opener) -> None:
    page = visit("/")
    title = page.locator("main h2 a").first.inner_text()
    page.locator("main h2 a").first.click()
    assert page.locator("h1").inner_text() == title
    page.locator(".brand a").click()
    assert page.locator("main h2 a").first.inner_text() == title
