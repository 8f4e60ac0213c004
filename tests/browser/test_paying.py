"""Joining and cancelling in a browser, with and without scripts. Stripe's pages are on another origin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nightdesk_local.stripe_account import PERIODS
from nightdesk_local.stripe_server import StripeStandIn
from playwright.sync_api import Page, expect
from support.accessibility import violations
from support.newsroom import Newsroom, draft
from support.visitor import code_in, link_in, new_address
from test_signing_in import BODY, in_viewport, mail_for, tab_to

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
SLUG = "browser-paid"
ARTICLE = f"/articles/{SLUG}/"


@pytest.fixture(scope="module", autouse=True)
def article(newsroom: Newsroom) -> None:
    sources = [{"title": "S", "publisher": "P", "url": "https://source.example/"}]
    newsroom.cloud.put({f"drafts/{SLUG}.md": draft("Gates", BODY, sources=sources)})
    newsroom.live(SLUG)


@pytest.fixture
def stripe(newsroom: Newsroom) -> StripeStandIn:
    assert newsroom.cloud.local
    return newsroom.cloud.local.stripe


def advance_a_month(stripe: StripeStandIn, newsroom: Newsroom) -> None:
    with stripe.lock:
        stripe.account.advance(PERIODS["month"])
    newsroom.cloud.wait_for(lambda: stripe.quiet)


def expect_view(page: Page, tier: str) -> None:
    """Assert that the article shows what the tier may see, and nothing else."""
    expect(page.locator("#sources li a")).to_have_count(0 if tier == "public" else 1)
    expect(page.locator("section.gated")).to_have_count(("public", "subscriber", "member").index(tier))
    assert ("members read this" in page.content()) == (tier == "member")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_new_reader_joins_and_cancels(
    start: Opener, newsroom: Newsroom, stripe: StripeStandIn, scripts: bool
) -> None:
    address, site = new_address(), newsroom.cloud.site_url
    page = start(ARTICLE, java_script_enabled=scripts)
    expect_view(page, "public")
    page.locator("section.gate[data-tier=subscriber] a.button").click()
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("h1")).to_have_text("Check your email")
    page.goto(link_in(mail_for(newsroom, address)))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}{ARTICLE}#gate-1")
    expect_view(page, "subscriber")
    page.locator("section.gate[data-tier=member]").get_by_role("link", name="Become a member").click()
    page.get_by_role("button", name="€8 a month").click()
    expect(page.locator("h1")).to_contain_text("Pay price_member_month_800_eur")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page).to_have_url(f"{site}{ARTICLE}#gate-2")
    expect_view(page, "member")
    if scripts:  # smooth scrolling takes a while
        newsroom.cloud.wait_for(lambda: in_viewport(page, "#gate-2"))
    page.get_by_role("link", name="Account").click()
    expect(page.locator("main")).to_contain_text("Your membership renews on")
    page.get_by_role("button", name="Manage billing").click()
    page.get_by_role("button", name="Cancel at the period’s end").click()
    page.get_by_role("link", name="Back to the site").click()
    expect(page.locator("main")).to_contain_text("You’ve cancelled your membership. You can keep reading until")
    page.goto(ARTICLE)
    expect_view(page, "member")
    advance_a_month(stripe, newsroom)
    page.get_by_role("link", name="Account").click()
    expect(page.locator("main")).to_contain_text("You don’t have a paid membership.")
    page.goto(ARTICLE)
    expect_view(page, "subscriber")


def test_joining_by_keyboard(start: Opener, newsroom: Newsroom) -> None:
    address = new_address()
    page = start(ARTICLE)

    def press(selector: str, key: str = "Enter", limit: int = 80) -> None:
        tab_to(page, selector, limit)
        page.keyboard.press(key)

    press("section.gate[data-tier=subscriber] a.button")
    page.wait_for_url("**/newsletter/**")
    tab_to(page, "#email")
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    page.wait_for_url("**/signin/code/")
    tab_to(page, "#code")
    page.keyboard.type(code_in(mail_for(newsroom, address)))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ARTICLE}#gate-1")
    expect_view(page, "subscriber")
    press("section.gate[data-tier=member] a.button")
    page.wait_for_url("**/membership/**")
    press("main form[action='/api/checkout'] button:last-of-type", "Space")
    page.wait_for_url("**/pay/*")
    press("form button")
    page.wait_for_url(f"**{ARTICLE}#gate-2")
    expect_view(page, "member")
    page.goto("/account/")
    press("form[action='/api/portal'] button", "Space")
    page.wait_for_url("**/portal/*")
    press("form:has(input[value='cancel now']) button")
    expect(page.locator("main")).to_contain_text("canceled")
    press("main p a")
    page.wait_for_url("**/account/")
    expect(page.locator("main")).to_contain_text("You don’t have a paid membership.")
    page.goto(ARTICLE)
    expect_view(page, "subscriber")


def test_a_contribution_returns_to_the_article_or_to_thanks(start: Opener, newsroom: Newsroom) -> None:
    page = start(ARTICLE)
    page.get_by_role("group", name="Make a one-time contribution:").get_by_role("button", name="€5").click()
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(f"{newsroom.cloud.site_url}{ARTICLE}")
    page.get_by_role("button", name="€25").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.locator("h1")).to_have_text("Thank you")


@pytest.mark.parametrize("name", ["renewing", "ending", "overdue", "stopped", "thanks", "article"])
def test_account_and_thanks_are_accessible_on_a_phone(
    start: Opener, newsroom: Newsroom, stripe: StripeStandIn, name: str
) -> None:
    page = start("/signin/", viewport={"width": 360, "height": 740})
    if name in ("thanks", "article"):
        page.goto("/membership/thanks/" if name == "thanks" else ARTICLE)
    else:
        open_account_of_member(page, newsroom, stripe, name)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def open_account_of_member(page: Page, newsroom: Newsroom, stripe: StripeStandIn, state: str) -> None:
    address = new_address()
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button").click()
    page.goto(link_in(mail_for(newsroom, address)))
    page.get_by_role("button", name="Sign in").click()
    page.goto("/membership/")
    page.get_by_role("button", name="€8 a month").click()
    page.get_by_role("button", name="fails at the renewal").click()
    expect(page.locator("h1")).to_have_text("Thank you")
    with stripe.lock:
        subscription = list(stripe.account.objects["subscriptions"])[-1]
        charge = list(stripe.account.objects["charges"])[-1]
        if state == "ending":
            stripe.account.cancel(subscription)
        elif state == "overdue":
            stripe.account.advance(PERIODS["month"])
        elif state == "stopped":
            stripe.account.refund(charge)
    newsroom.cloud.wait_for(lambda: stripe.quiet)
    page.goto("/account/")
    words = {"renewing": "renews on", "ending": "cancelled", "overdue": "didn’t go through", "stopped": "has ended"}
    expect(page.locator("main")).to_contain_text(words[state])
