"""What readers see of lists, tables and times in a browser, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from support.newsroom import Newsroom, draft

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}
COLUMNS = [f"Port number {number}" for number in range(1, 9)]
TABLE = f"| Year | {' | '.join(COLUMNS)} |\n|---|{'--:|' * 8}\n| 2026 | {' | '.join('1,000,000' for _ in COLUMNS)} |\n"


@pytest.fixture(scope="module", autouse=True)
def drafts(newsroom: Newsroom) -> None:
    matter: dict[str, Any] = {"topics": ["layout"], "authors": ["layla"], "tags": ["tides", "locks"]}
    newsroom.cloud.put(
        {
            "drafts/layout-wide.md": draft("Wide table", f"Words.\n\n{TABLE}", date="2026-02-03", **matter),
            "drafts/layout-hebrew.md": draft("שלום", "מילים.\n\n> ציטוט", date="2026-02-04", language="he", **matter),
        }
    )
    newsroom.live("layout-wide")
    newsroom.live("layout-hebrew")


def test_the_last_column_of_a_wide_table_can_be_reached_on_a_phone(visit: Opener) -> None:
    page = visit("/articles/layout-wide/", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    cell = page.locator(".prose th").last
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box
    assert 0 <= box["x"] < box["x"] + box["width"] <= 360


def test_a_right_to_left_article_is_laid_out_from_the_right(visit: Opener) -> None:
    page = visit("/articles/layout-hebrew/", viewport={"width": 1440, "height": 900})
    quote = page.locator(".prose blockquote")
    assert page.evaluate("getComputedStyle(document.querySelector('.prose blockquote')).borderRightWidth") != "0px"
    assert page.evaluate("getComputedStyle(document.querySelector('.prose blockquote')).borderLeftWidth") == "0px"
    text, updates = quote.bounding_box(), page.locator(".updates").bounding_box()
    assert text
    assert updates is None or updates["x"] < text["x"]
    brand = page.locator(".brand").bounding_box()
    assert brand
    assert brand["x"] < 400, "the frame keeps the site's direction"


def test_tags_do_not_look_like_links(visit: Opener) -> None:
    page = visit("/articles/layout-wide/", **PHONE)
    tag = page.locator(".tags li").first
    style = tag.evaluate(
        "(node) => { const s = getComputedStyle(node); return [s.borderTopWidth, s.textDecorationLine, s.cursor] }"
    )
    assert style == ["0px", "none", "auto"]


@pytest.mark.parametrize("path", ["/topics/", "/authors/"])
def test_directories_fit_a_phone_and_name_the_newest_article(visit: Opener, path: str) -> None:
    page = visit(path, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator(".directory li", has_text="2 articles").locator("a", has_text="שלום").count() >= 1


def test_times_are_the_same_with_and_without_scripts(visit: Opener) -> None:
    elsewhere = {"timezone_id": "America/Los_Angeles", "locale": "en-US"}
    texts = [
        visit("/updates/", java_script_enabled=js, **elsewhere).locator("time").all_inner_texts()
        for js in (False, True)
    ]
    assert texts[0] == texts[1]
