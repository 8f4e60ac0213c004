"""The site in a browser, as readers of each tier see it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from support.accessibility import violations
from support.newsroom import TIERS, Newsroom, draft

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def gated(newsroom: Newsroom) -> str:
    """Return the path of an example with a gate for members and one for subscribers."""
    for key, body in sorted(newsroom.first_site.items()):
        if key.endswith("/~public/index.html") and all(
            f'class="gate" data-tier="{tier}"' in body.decode() for tier in TIERS[1:]
        ):
            return f"/{key.removesuffix('~public/index.html')}"
    pytest.fail("no example has gates for both tiers")


def paths(newsroom: Newsroom, gated: str) -> dict[str, str]:
    """Return the path of one page of each kind."""
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
        "search": "/search/",
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
    "search",
    "missing",
]


def test_chromium_stores_the_session_cookie(visit: Opener, newsroom: Newsroom) -> None:
    """The cookie is `Secure` with the `__Host-` prefix. Browsers treat localhost as secure."""
    page = visit("/", "member")
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == "__Host-session"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert page.url == newsroom.cloud.site_url + "/"
    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("tier", TIERS)
def test_an_article_shows_each_tier_its_passages(visit: Opener, gated: str, tier: str) -> None:
    page = visit(gated, tier)
    assert page.locator("h1").count() == 1
    closed = {section.get_attribute("data-tier") for section in page.locator("section.gate").all()}
    opened = {section.get_attribute("data-tier") for section in page.locator("section.gated").all()}
    entitled = set(TIERS[1 : TIERS.index(tier) + 1])
    assert (closed, opened) == (set(TIERS[1:]) - entitled, entitled)
    for section in page.locator("section.gate").all():
        assert section.locator(".gate-teaser").inner_text().strip()
        assert section.locator("a.button").is_visible()
    # Free text continues below the last gate.
    assert page.locator(".body > p").last.is_visible()
    for part in ("#sources", "#production", ".authors", ".support", ".related", ".updates"):
        assert page.locator(part).first.is_visible(), part
    assert (page.locator("#sources li a").count() > 0) is (tier != "public")


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_accessible_and_no_wider_than_a_phone(
    visit: Opener, newsroom: Newsroom, gated: str, name: str
) -> None:
    page = visit(paths(newsroom, gated)[name])
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
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
def test_the_first_tab_focuses_the_skip_link(visit: Opener, newsroom: Newsroom, gated: str, name: str) -> None:
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


def test_an_article_is_complete_without_javascript(visit: Opener, gated: str) -> None:
    def words(page: Page) -> str:
        """Return the page's text without the Update box, which only a script fills."""
        box = page.locator("[data-update-box]").inner_text()
        return page.locator("main").inner_text().replace(box, "")

    plain = visit(gated, java_script_enabled=False)
    assert words(plain) == words(visit(gated))
    assert plain.locator(".updates a[href='/updates/']").is_visible()


def luminance(page: Page, selector: str, what: str) -> float:
    """Return the luminance of a colour, from 0 to 255."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e)['{what}']")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_colour_scheme(visit: Opener, gated: str, scheme: str) -> None:
    page = visit(gated, color_scheme=scheme)
    paper, ink = luminance(page, "body", "backgroundColor"), luminance(page, "h1", "color")
    assert (paper < 60 and ink > 180) if scheme == "dark" else (paper > 200 and ink < 90)


def test_printing_leaves_navigation_out(visit: Opener, gated: str) -> None:
    page = visit(gated, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="light")
    assert page.locator("h1").is_visible()
    assert page.locator(".body").is_visible()
    for selector in (".site-nav", ".site-foot nav", ".updates"):
        assert not page.locator(selector).first.is_visible(), selector
    assert luminance(page, "body", "color") < 90
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("tier", TIERS[1:])
def test_axe_finds_nothing_in_open_gates(visit: Opener, gated: str, tier: str) -> None:
    assert violations(visit(gated, tier)) == []


def test_a_missing_page_links_to_the_front_page(visit: Opener) -> None:
    page = visit("/no-such-page/")
    assert "Page not found" in page.locator("h1").inner_text()
    page.locator("main a[href='/']").click()
    assert page.locator("h1").count() == 1


def test_the_front_page_links_to_an_article_and_back(visit: Opener) -> None:
    page = visit("/")
    title = page.locator("main h2 a").first.inner_text()
    page.locator("main h2 a").first.click()
    assert page.locator("h1").inner_text() == title
    page.locator(".brand a").click()
    assert page.locator("main h2 a").first.inner_text() == title


# --- Search ---

TIDES = """The gauge at Brannoch rose in the café.

::: gate tier=member teaser="What the pilots logged."
The canary-tourmaline ledger.
:::

渡轮服务周二恢复。 استأنفت العبّارة رحلاتها.
"""


def titles(page: Page) -> list[str]:
    return page.locator(".result h2 a").all_inner_texts()


def search(page: Page, words: str) -> list[str]:
    page.fill("#query", words)
    page.wait_for_function("q => new URLSearchParams(location.search).get('q') === q", arg=words)
    page.wait_for_load_state("networkidle")
    page.locator("[data-status]:not(:empty)").wait_for()
    return titles(page)


def index_archive(newsroom: Newsroom) -> None:
    message = {"source": "nightdesk.scheduler", "detail-type": "SearchDue", "detail": {"version": 1}}
    queue = newsroom.cloud.outputs["SearchQueueUrl"]
    newsroom.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))
    newsroom.cloud.settle(60)


def test_readers_find_an_article_until_it_is_withdrawn(visit: Opener, newsroom: Newsroom) -> None:
    matter: dict[str, Any] = {"date": "2026-03-04", "topics": ["tides"], "authors": ["nell-orr"]}
    newsroom.cloud.put({"drafts/brannoch-gauge.md": draft("The Brannoch gauge", TIDES, **matter)})
    newsroom.live("brannoch-gauge")
    newsroom.cloud.settle(200)
    queries = ("brannoch", "Cafe gauge", "渡轮", "周二", "العبارة", "nell")
    page = visit("/search/")
    assert {words: search(page, words) for words in queries} == {words: ["The Brannoch gauge"] for words in queries}
    assert search(page, "tourmaline") == []
    index_archive(newsroom)
    assert "brannoch-gauge" not in newsroom.page("/search/recent.json").text
    page = visit("/search/")
    assert {words: search(page, words) for words in queries} == {words: ["The Brannoch gauge"] for words in queries}
    # Where no word matches, Pagefind looks for shorter and shorter beginnings of it.
    assert "The Brannoch gauge" not in search(page, "tourmaline")
    page = visit("/search/?q=brannoch&topic=Tides&year=2026")
    page.locator(".result").wait_for()
    assert page.locator("mark").first.inner_text() == "Brannoch"
    assert "4 March 2026" in page.locator(".card-meta").inner_text()
    page.select_option("#filter-year", index=0)
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "The Brannoch gauge"
    newsroom.cloud.put({"drafts/brannoch-gauge.md": draft("The Brannoch gauge", "It sank.", **matter)})
    newsroom.live("brannoch-gauge", "It sank.")
    newsroom.cloud.settle(200)
    page = visit("/search/")
    assert "The Brannoch gauge" not in search(page, "pilots"), "corrected text is current"
    assert search(page, "sank") == ["The Brannoch gauge"]
    newsroom.cloud.remove("drafts/brannoch-gauge.md")
    newsroom.cloud.settle(200)
    assert search(visit("/search/"), "brannoch") == []
    assert [key for key in newsroom.keys_containing("Brannoch", "tourmaline") if key.startswith("search/")] == []


def test_the_search_loads_nothing_until_it_is_used_and_leads_to_the_archive_without_scripts(visit: Opener) -> None:
    page = visit("/search/")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)")
    assert [path for path in loaded if path.startswith("/search/")] == []
    plain = visit("/search/", java_script_enabled=False)
    plain.fill("#query", "ceasefire")
    plain.keyboard.press("Enter")
    plain.wait_for_url("**/?search=ceasefire*")
    assert plain.locator("#months-title").is_visible()
