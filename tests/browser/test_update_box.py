"""The Update box and the ticker's page in a browser: updates arrive without moving the page, and are announced once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.updates import Update, parse_new_update
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.usecases.ticker.updates import post, remove
from playwright.sync_api import Page, Route
from support.newsroom import Newsroom, draft

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.shifts.push(
  [entry.value, ...entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80) ?? "")])))
  .observe({type: "layout-shift", buffered: true});
"""
PHONE = {"viewport": {"width": 360, "height": 740}}
LAPTOP = {"viewport": {"width": 1400, "height": 900}}
NONE = json.dumps({"updates": [], "topics": []})


class Ticker:
    """Posts and removes updates. Waits until readers see the change."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._cloud = newsroom.cloud
        self._ports = operator_ports(newsroom.cloud.cloud)
        self._table = DynamoTable(newsroom.cloud.client("dynamodb"), newsroom.cloud.outputs["UpdatesTable"])

    def post(self, headline: str, **values: str) -> Update:
        new = parse_new_update({"headline": headline, **values}, datetime.now(UTC), UTC, "")
        posted = post(new, "browser", "", self._ports, per_minute=0).update
        for name in ("latest", "box", *([f"topics/{posted.topic}"] if posted.topic else [])):
            self._cloud.wait_for(lambda name=name: posted.id in self._cloud.get(f"/updates/{name}.json").text)
        return posted

    def remove(self, update: Update) -> None:
        remove(update.id, self._ports)
        for name in ("latest", "box"):
            self._cloud.wait_for(lambda name=name: update.id not in self._cloud.get(f"/updates/{name}.json").text)


@pytest.fixture(scope="module")
def ticker(newsroom: Newsroom) -> Ticker:
    newsroom.cloud.put(
        {
            "drafts/box-topical.md": draft("Topical", "Words.\n\n" * 40, topics=["box-topic"], date="2026-01-05"),
            "drafts/box-lonely.md": draft("Lonely", "Words.\n\n" * 40, topics=["box-lonely"], date="2026-01-06"),
        }
    )
    newsroom.live("box-topical")
    newsroom.live("box-lonely")
    newsroom.cloud.settle()
    made = Ticker(newsroom)
    made.post("Of the topic", summary="A sentence of it.", url="/articles/box-topical/", topic="box-topic")
    made.post("Of the site", summary="Another sentence.", url="https://e.org/x")
    return made


def box(page: Page) -> dict[str, Any]:
    """Return what the Update box shows."""
    place = page.locator("[data-update-box]")
    return {
        "headline": place.locator(".update-headline").inner_text(),
        "url": place.locator(".update-headline a").get_attribute("href"),
        "summary": place.locator(".update-summary").text_content(),
    }


@pytest.mark.parametrize(
    ("path", "headline", "url"),
    [
        ("/articles/box-topical/", "Of the topic", "/articles/box-topical/"),
        ("/articles/box-lonely/", "Of the site", "https://e.org/x"),
        ("/topics/box-topic/", "Of the topic", "/articles/box-topical/"),
        ("/topics/box-lonely/", "Of the site", "https://e.org/x"),
        ("/", "Of the site", "https://e.org/x"),
    ],
)
def test_the_box_shows_the_newest_update_of_the_topic_or_else_of_the_site(
    visit: Opener, ticker: Ticker, newsroom: Newsroom, path: str, headline: str, url: str
) -> None:
    found = box(visit(path))
    assert found["headline"] == headline
    assert found["url"] in (url, newsroom.cloud.site_url + url)
    assert found["summary"]


def slow(route: Route) -> None:
    """Deliver the data long after the first paint."""
    time.sleep(0.7)
    route.continue_()


def empty(route: Route) -> None:
    time.sleep(0.7)
    route.fulfill(body=NONE, content_type="application/json")


def shifts(page: Page, path: str, act: Callable[[Route], None], scroll: bool) -> list[Any]:
    """Return what moved on a page while its box was filled.

    Args:
        scroll: scroll the box into view first.
    """
    page.route("**/updates/*.json", act)
    page.add_init_script(SHIFTS)
    page.goto(path, wait_until="domcontentloaded")
    if scroll:
        page.evaluate(
            "document.querySelector('[data-update-box]').scrollIntoView({block: 'center', behavior: 'instant'})"
        )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    return page.evaluate("window.shifts")


@pytest.mark.parametrize(
    ("options", "act"),
    [(PHONE, slow), (PHONE, empty), (LAPTOP, slow)],
    ids=["phone, filled", "phone, hidden", "laptop, filled"],
)
@pytest.mark.parametrize(
    ("path", "scroll"), [("/", False), ("/articles/box-topical/", False), ("/articles/box-topical/", True)]
)
def test_nothing_moves_when_the_box_is_filled_or_hidden(
    visit: Opener, ticker: Ticker, options: Any, act: Callable[[Route], None], path: str, scroll: bool
) -> None:
    page = visit("/no-such-page/", **options)
    assert shifts(page, path, act, scroll) == []
    if act is slow:
        assert box(page)["headline"]


def test_long_texts_fit_the_reserved_space(visit: Opener, ticker: Ticker) -> None:
    update = {
        "id": "x",
        "headline": "A long headline " * 12,
        "summary": "A long summary. " * 37,
        "url": "/",
        "topic": "",
    }
    body = json.dumps({"updates": [{**update, "published": "2026-11-24T05:00:00Z"}], "topics": []})
    for path, scroll in (("/", False), ("/articles/box-lonely/", True)):
        page = visit("/no-such-page/", **PHONE)

        def late(route: Route) -> None:
            time.sleep(0.5)
            route.fulfill(body=body, content_type="application/json")

        assert shifts(page, path, late, scroll) == []


@pytest.mark.parametrize("path", ["/", "/articles/box-lonely/"])
def test_without_updates_the_box_is_hidden(visit: Opener, ticker: Ticker, path: str) -> None:
    page = visit("/no-such-page/", **PHONE)
    page.route("**/updates/*.json", empty)
    page.goto(path, wait_until="networkidle")
    page.wait_for_timeout(200)
    assert not page.locator("[data-update-box]").is_visible()
    assert not page.get_by_role("complementary", name="Latest update").count()


@pytest.mark.parametrize("path", ["/", "/articles/box-topical/"])
def test_without_javascript_the_box_is_a_link(visit: Opener, ticker: Ticker, path: str) -> None:
    page = visit(path, java_script_enabled=False)
    link = page.locator("[data-update-box] a")
    assert (link.count(), link.get_attribute("href")) == (1, "/updates/")
    assert link.is_visible()
    place = page.locator("[data-update-box] .update").bounding_box()
    assert place is None or place["height"] < 5
    link.click()
    assert page.locator("li p.update-headline", has_text="Of the topic").is_visible()


@pytest.mark.parametrize("answer", [{"status": 404}, {"status": 200, "body": "{"}, {"status": 200, "body": "null"}])
def test_missing_or_broken_data_leaves_the_link(browser: Any, ticker: Ticker, newsroom: Newsroom, answer: Any) -> None:
    page = browser.new_context(base_url=newsroom.cloud.site_url).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/updates/*.json", lambda route: route.fulfill(**answer))
    page.goto("/articles/box-lonely/", wait_until="networkidle")
    assert errors == []
    if answer["status"] == 200 and answer["body"] == "{":
        assert page.locator("[data-update-box] a").first.is_visible()
    page.context.close()


def refresh(page: Page) -> None:
    """Refresh the box, as when the reader returns to the tab."""
    with page.expect_response("**/updates/*.json"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(100)


def test_an_update_is_announced_politely_and_once(visit: Opener, ticker: Ticker) -> None:
    page = visit("/articles/box-lonely/")
    region = page.locator("[data-update-box] .update")
    assert region.get_attribute("aria-live") == "polite"
    page.evaluate(
        """() => { window.changes = 0; new MutationObserver((all) => window.changes += all.length)
        .observe(document.querySelector('.update'), {childList: true, subtree: true, characterData: true}); }"""
    )
    refresh(page)
    assert page.evaluate("window.changes") == 0
    newer = ticker.post("Newer still")
    refresh(page)
    assert box_headline(page) == "Newer still"
    assert page.evaluate("window.changes") == 1
    ticker.remove(newer)
    refresh(page)
    assert box_headline(page) == "Of the site"


def box_headline(page: Page) -> str:
    return page.locator("[data-update-box] .update-headline").inner_text()


def test_the_tickers_page_adds_new_updates_and_keeps_the_other_rows(visit: Opener, ticker: Ticker) -> None:
    page = visit("/updates/")
    rows = page.locator("[data-updates] > li")
    before = rows.count()
    assert before >= 2
    page.evaluate("document.querySelectorAll('[data-updates] > li').forEach((row, n) => row.mark = n)")
    newer = ticker.post("On top of the page", summary="S")
    refresh(page)
    assert rows.first.locator(".update-headline").inner_text() == "On top of the page"
    assert page.evaluate(
        "[...document.querySelectorAll('[data-updates] > li')].slice(1, 3).map((row) => row.mark)"
    ) == [0, 1]
    ticker.remove(newer)
    refresh(page)
    assert page.locator("text=On top of the page").count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('[data-updates] > li')].slice(0, 2).map((row) => row.mark)"
    ) == [0, 1]


def test_markup_in_an_update_is_shown_as_text(visit: Opener, ticker: Ticker) -> None:
    text = '<img src=x onerror=alert(1)> & "quotes"'
    made = ticker.post(text, summary=text)
    for path in ("/updates/", "/articles/box-lonely/"):
        page = visit(path)
        headline = page.locator(".update-headline").first
        assert headline.inner_text() == text
        assert headline.locator("img").count() == 0
    ticker.remove(made)
