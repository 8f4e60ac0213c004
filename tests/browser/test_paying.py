"""From a stranger to a member and back, in a browser: over Stripe's pages, which are another origin's; with scripts and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from newsroom import Newsroom, draft
from nightdesk_local.stripe_books import PERIODS
from nightdesk_local.stripe_server import StripeStandIn
from playwright.sync_api import Page, expect
from test_reading import violations
from test_signing_in import BODY, in_sight, mail_for, press_until
from visitor import code_in, link_in, new_address

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


def a_month_passes(stripe: StripeStandIn, newsroom: Newsroom) -> None:
    with stripe.lock:
        stripe.books.let_pass(PERIODS["month"])
    newsroom.cloud.wait_for(lambda: stripe.quiet)


def shows(page: Page, tier: str) -> None:
    """What the article shows to a tier, and nothing more."""
    expect(page.locator("#sources li a")).to_have_count(0 if tier == "public" else 1)
    expect(page.locator("section.gated")).to_have_count(("public", "subscriber", "member").index(tier))
    assert ("members read this" in page.content()) == (tier == "member")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_stranger_becomes_a_member_and_stops(
    start: Opener, newsroom: Newsroom, stripe: StripeStandIn, scripts: bool
) -> None:
    address, site = new_address(), newsroom.cloud.site_url
    page = start(ARTICLE, java_script_enabled=scripts)
    shows(page, "public")
    page.locator("section.gate[data-tier=subscriber] a.button").click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("h1")).to_have_text("Look into your mail")
    page.goto(link_in(mail_for(newsroom, address)))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}{ARTICLE}#gate-1")
    shows(page, "subscriber")
    page.locator("section.gate[data-tier=member]").get_by_role("link", name="Become a member").click()
    page.get_by_role("button", name="€8 a month").click()
    expect(page.locator("h1")).to_contain_text("Pay price_member_month_800_eur")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page).to_have_url(f"{site}{ARTICLE}#gate-2")
    shows(page, "member")
    if scripts:  # it is a long way to scroll
        newsroom.cloud.wait_for(lambda: in_sight(page, "#gate-2"))
    page.get_by_role("link", name="Account").click()
    expect(page.locator("main")).to_contain_text("It renews on")
    page.get_by_role("button", name="Manage billing").click()
    page.get_by_role("button", name="Cancel at the period’s end").click()
    page.get_by_role("link", name="Back to the site").click()
    expect(page.locator("main")).to_contain_text("You have cancelled Member. It ends on")
    page.goto(ARTICLE)
    shows(page, "member")
    a_month_passes(stripe, newsroom)
    page.get_by_role("link", name="Account").click()
    expect(page.locator("main")).to_contain_text("You pay for nothing.")
    page.goto(ARTICLE)
    shows(page, "subscriber")


def test_by_keyboard_alone(start: Opener, newsroom: Newsroom) -> None:
    address = new_address()
    page = start(ARTICLE)

    def press(selector: str, key: str = "Enter", limit: int = 80) -> None:
        press_until(page, selector, limit)
        page.keyboard.press(key)

    press("section.gate[data-tier=subscriber] a.button")
    page.wait_for_url("**/newsletter/**")
    press_until(page, "#email")
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    page.wait_for_url("**/signin/code/")
    press_until(page, "#code")
    page.keyboard.type(code_in(mail_for(newsroom, address)))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ARTICLE}#gate-1")
    shows(page, "subscriber")
    press("section.gate[data-tier=member] a.button")
    page.wait_for_url("**/membership/**")
    press("main form[action='/api/checkout'] button:last-of-type", "Space")
    page.wait_for_url("**/pay/*")
    press("form button")
    page.wait_for_url(f"**{ARTICLE}#gate-2")
    shows(page, "member")
    page.goto("/account/")
    press("form[action='/api/portal'] button", "Space")
    page.wait_for_url("**/portal/*")
    press("form:has(input[value='end now']) button")
    expect(page.locator("main")).to_contain_text("canceled")
    press("main p a")
    page.wait_for_url("**/account/")
    expect(page.locator("main")).to_contain_text("You pay for nothing.")
    page.goto(ARTICLE)
    shows(page, "subscriber")


def test_a_contribution_is_a_button_away_and_comes_back_to_a_page(start: Opener, newsroom: Newsroom) -> None:
    page = start(ARTICLE)
    page.get_by_role("group", name="Contribute once:").get_by_role("button", name="€5").click()
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(f"{newsroom.cloud.site_url}{ARTICLE}")
    page.get_by_role("button", name="€25").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.locator("h1")).to_have_text("Thank you")


@pytest.mark.parametrize("name", ["renewing", "ending", "overdue", "stopped", "thanks", "article"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    start: Opener, newsroom: Newsroom, stripe: StripeStandIn, name: str
) -> None:
    page = start("/signin/", viewport={"width": 360, "height": 740})
    if name in ("thanks", "article"):
        page.goto("/membership/thanks/" if name == "thanks" else ARTICLE)
    else:
        account_of_who_pays(page, newsroom, stripe, name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def account_of_who_pays(page: Page, newsroom: Newsroom, stripe: StripeStandIn, state: str) -> None:
    address = new_address()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button").click()
    page.goto(link_in(mail_for(newsroom, address)))
    page.get_by_role("button", name="Sign in").click()
    page.goto("/membership/")
    page.get_by_role("button", name="€8 a month").click()
    page.get_by_role("button", name="fails at the renewal").click()
    expect(page.locator("h1")).to_have_text("Thank you")
    with stripe.lock:
        subscription = list(stripe.books.kept["subscriptions"])[-1]
        charge = list(stripe.books.kept["charges"])[-1]
        if state == "ending":
            stripe.books.end(subscription)
        elif state == "overdue":
            stripe.books.let_pass(PERIODS["month"])
        elif state == "stopped":
            stripe.books.refund(charge)
    newsroom.cloud.wait_for(lambda: stripe.quiet)
    page.goto("/account/")
    words = {"renewing": "renews on", "ending": "ends on", "overdue": "did not go through", "stopped": "has ended"}
    expect(page.locator("main")).to_contain_text(words[state])
