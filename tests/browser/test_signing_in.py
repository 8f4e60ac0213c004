"""Signing in with a browser: from a gate to the open passage and back, with and without scripts, and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from support.accessibility import violations
from support.newsroom import Newsroom, draft
from support.visitor import code_in, link_in, mail_to, new_address

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
SLUG = "browser-gates"
ARTICLE = f"/articles/{SLUG}/"
PADDING = "\n\n".join(["Free words that fill the page, so that there is something to scroll past."] * 40)
BODY = f"""
{PADDING}

::: gate tier=subscriber teaser="For subscribers."
subscribers read this
:::

{PADDING}

::: gate tier=member teaser="For members."
members read this
:::

{PADDING}
"""


@pytest.fixture(scope="module", autouse=True)
def article(newsroom: Newsroom) -> None:
    sources = [{"title": "S", "publisher": "P", "url": "https://source.example/"}]
    newsroom.cloud.put({f"drafts/{SLUG}.md": draft("Gates", BODY, sources=sources)})
    newsroom.live(SLUG)


def mail_for(newsroom: Newsroom, address: str) -> dict[str, Any]:
    """Return the newest mail to an address. Waits for the first."""
    found: list[dict[str, Any]] = newsroom.cloud.wait_for(lambda: mail_to(newsroom.cloud, address))
    return found[-1]


def in_viewport(page: Page, selector: str) -> bool:
    """Return True if the whole element is in the viewport."""
    return bool(
        page.locator(selector).evaluate(
            "e => { const b = e.getBoundingClientRect(); return b.top >= -1 && b.bottom <= innerHeight; }"
        )
    )


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_reader_signs_in_at_a_gate_and_out_again(start: Opener, newsroom: Newsroom, scripts: bool) -> None:
    address = new_address()
    page = start(ARTICLE, java_script_enabled=scripts)
    expect(page.locator("#sources li a")).to_have_count(0)
    page.locator("section.gate[data-tier=subscriber] a.button").click()
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("h1")).to_have_text("Check your email")
    page.goto(link_in(mail_for(newsroom, address)))
    expect(page.locator("main")).to_contain_text(address)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{newsroom.cloud.site_url}{ARTICLE}#gate-1")
    expect(page.locator("section.gated[data-tier=subscriber]")).to_contain_text("subscribers read this")
    expect(page.locator("#sources li a")).to_have_count(1)
    if scripts:  # without scripts, the page cannot be queried
        page.wait_for_timeout(600)
        assert in_viewport(page, "#gate-1")
    expect(page.locator("section.gate[data-tier=member]")).to_have_count(1)
    newsroom.run_json("members", "add", address, "--tier", "member")
    page.get_by_role("link", name="Account").click()
    expect(page.locator("dl")).to_contain_text("Member (complimentary)")
    page.goto(ARTICLE)
    expect(page.locator("section.gated[data-tier=member]")).to_contain_text("members read this")
    page.get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{newsroom.cloud.site_url}/")
    page.goto(ARTICLE)
    expect(page.locator("section.gate")).to_have_count(2)
    assert "members read this" not in page.content()


def tab_to(page: Page, selector: str, limit: int = 60) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    pytest.fail(f"{selector} cannot be reached by keyboard")


def test_signing_in_by_keyboard(start: Opener, newsroom: Newsroom) -> None:
    address = new_address()
    page = start(ARTICLE)
    tab_to(page, "section.gate[data-tier=subscriber] a.button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/newsletter/**")
    tab_to(page, "#email")
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    page.wait_for_url("**/signin/code/")
    tab_to(page, "#code")
    page.keyboard.type(code_in(mail_for(newsroom, address)))
    tab_to(page, "main button")
    page.keyboard.press("Space")
    page.wait_for_url(f"**{ARTICLE}#gate-1")
    tab_to(page, "#sources li a", 120)
    page.goto("/account/")
    tab_to(page, "main input[name=newsletter]")
    page.keyboard.press("Space")
    tab_to(page, "main form[action$=newsletters] button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Your newsletter choices are saved.")
    expect(page.get_by_role("checkbox", name="Newsletter")).not_to_be_checked()
    tab_to(page, "form[action$='/signout'] button")
    page.keyboard.press("Enter")
    page.wait_for_url(newsroom.cloud.site_url + "/")


def test_a_link_opened_in_another_browser_asks_first(start: Opener, newsroom: Newsroom) -> None:
    address = new_address()
    page, other = start("/signin/"), start("/")
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button").click()
    other.goto(link_in(mail_for(newsroom, address)))
    expect(other.locator("main")).to_contain_text("another browser")
    expect(other.locator("main")).to_contain_text(address)
    other.get_by_role("button", name="Sign in on this device").click()
    other.goto("/account/")
    expect(other.locator("main")).to_contain_text(address)
    page.goto("/account/")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_browser_and_page_report_a_mistyped_address(start: Opener) -> None:
    page = start("/signin/")
    page.get_by_label("Email address").fill("nobody")
    page.get_by_role("button").click()
    assert urlsplit(page.url).path == "/signin/"
    page.locator("form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button").click()
    expect(page.locator("main")).to_contain_text("doesn’t look like an email address")
    page.get_by_label("Email address").fill(new_address())
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Check your email")


def pages(newsroom: Newsroom) -> dict[str, Callable[[Page], None]]:
    """Return how to open each page of signing in."""
    address = new_address()

    def confirm(page: Page) -> None:
        page.goto("/signin/")
        page.get_by_label("Email address").fill(address)
        page.get_by_role("button").click()
        page.goto(link_in(mail_for(newsroom, address)))

    def account(page: Page) -> None:
        newsroom.run_json("members", "add", address, "--tier", "member", "--until", "2030-01-01")
        page.goto(newsroom.run_json("members", "link", address)["url"])
        page.goto("/account/")

    return {
        "sign-in": lambda page: page.goto("/signin/") and None,
        "code": lambda page: page.goto("/signin/code/") and None,
        "newsletter": lambda page: page.goto("/newsletter/") and None,
        "membership": lambda page: page.goto("/membership/") and None,
        "confirm": confirm,
        "account": account,
        "ended link": lambda page: page.goto("/api/signin/confirm?token=x") and None,
        "unsubscribe": lambda page: page.goto("/api/unsubscribe?reader=x&key=y") and None,
    }


@pytest.mark.parametrize(
    "name", ["sign-in", "code", "newsletter", "membership", "confirm", "account", "ended link", "unsubscribe"]
)
def test_sign_in_pages_are_accessible_on_a_phone(start: Opener, newsroom: Newsroom, name: str) -> None:
    page = start("/", viewport={"width": 360, "height": 740})
    pages(newsroom)[name](page)
    expect(page.locator("h1")).to_have_count(1)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
