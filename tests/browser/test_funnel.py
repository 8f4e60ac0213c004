"""From a gate to a membership and out again, as the least equipped reader does it: on a phone, without scripts, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.memberships import member_id
from nightdesk.repositories import memberships_table
from playwright.sync_api import Page, expect
from support.accessibility import violations
from support.newsroom import Newsroom, draft
from support.visitor import code_in, mail_to, new_address

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
SLUG = "browser-funnel"
ARTICLE = f"/articles/{SLUG}/"
PHONE = {"width": 360, "height": 740}
BODY = """
Free words.

::: gate tier=member teaser="For members."
members read this
:::
"""


@pytest.fixture(scope="module", autouse=True)
def article(newsroom: Newsroom) -> None:
    newsroom.cloud.put(
        {
            f"drafts/{SLUG}.md": draft("Funnel", BODY),
        }
    )
    newsroom.live(SLUG)


class Phone:
    """A reader on a phone without scripts, who only uses the keyboard."""

    def __init__(self, page: Page, newsroom: Newsroom) -> None:
        self.page, self.newsroom = page, newsroom
        self.address = new_address()
        self._mails = 0

    def focus(self, selector: str, limit: int = 60) -> None:
        """Press Tab until an element that matches has the focus."""
        for _ in range(limit):
            self.page.keyboard.press("Tab")
            if self.page.locator(f":is({selector}):focus").count():
                return
        pytest.fail(f"{selector} cannot be reached by keyboard")

    def press(self, selector: str) -> None:
        self.focus(selector)
        self.page.keyboard.press("Enter")

    def type(self, selector: str, text: str) -> None:
        """Fill in a field and send its form."""
        self.focus(selector)
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def code(self) -> str:
        """Return the code of the next mail."""
        self._mails += 1
        mails = self.newsroom.cloud.wait_for(
            lambda: (found := mail_to(self.newsroom.cloud, self.address))[self._mails - 1 :] and found
        )
        return code_in(mails[self._mails - 1])

    def at(self, path: str) -> None:
        expect(self.page).to_have_url(f"{self.newsroom.cloud.site_url}{path}")


def sign_in_long_ago(phone: Phone) -> None:
    """Make all sessions of the reader an hour older."""
    newsroom, member = phone.newsroom, member_id(phone.address)
    table = DynamoTable(newsroom.cloud.client("dynamodb"), newsroom.cloud.outputs["MembershipsTable"])
    for digest in memberships_table.session_digests(table, member):
        found = memberships_table.find_session(table, member, digest)
        assert found
        older = replace(found.session, began=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
        table.write([memberships_table.session_change(member, digest, older, found.version)])


def test_from_the_gate_to_a_membership_and_out_again(start: Opener, newsroom: Newsroom) -> None:
    page = start(ARTICLE, java_script_enabled=False, viewport=PHONE)
    phone = Phone(page, newsroom)
    # Join: the price is chosen before signing in, a code is mistyped, and the payment page comes at once.
    phone.press("section.gate a.button")
    phone.press("form[action='/api/checkout'] button")
    phone.at("/signin/?return_to=/membership/")
    phone.type("#email", phone.address)
    phone.at("/signin/code/")
    code = phone.code()
    phone.type("#code", "000000" if code != "000000" else "000001")
    expect(page.get_by_role("alert")).to_contain_text("That code didn’t work")
    phone.type("#code", code)
    expect(page.locator("h1")).to_contain_text("Pay price_member_month_800_eur")
    phone.press("form button")
    phone.at(f"{ARTICLE}#gate-1")
    expect(page.locator("section.gated")).to_contain_text("members read this")
    expect(page.get_by_role("link", name="Become a member")).to_have_count(0)
    # Sign out, and come back by the gate's own link.
    page.goto("/account/")
    phone.press("form[action='/api/signout'] button")
    phone.at("/")
    page.goto(ARTICLE)
    phone.press("section.gate a.sign-in")
    phone.type("#email", phone.address)
    phone.type("#code", phone.code())
    phone.at(f"{ARTICLE}#gate-1")
    expect(page.locator("section.gated")).to_contain_text("members read this")
    # End the membership, then delete the account, which needs a fresh sign-in.
    page.goto("/account/")
    phone.press("form[action='/api/portal'] button")
    phone.press("form:has(input[value='cancel now']) button")
    phone.press("p a")
    sign_in_long_ago(phone)
    page.goto("/account/")
    expect(page.locator("form[action='/api/account/delete']")).to_have_count(0)
    phone.press("form[action='/api/account/confirm'] button")
    phone.type("#code", phone.code())
    phone.at("/account/#data-title")
    phone.focus("input[name=sure]")
    page.keyboard.press("Space")
    phone.press("form[action='/api/account/delete'] button")
    expect(page.locator("h1")).to_have_text("Your account is deleted")
    page.goto("/account/")
    expect(page.locator("h1")).to_have_text("Sign in")


@pytest.mark.parametrize("typed", ["code", "address"])
def test_a_page_that_asks_again_is_accessible_on_a_phone(start: Opener, typed: str) -> None:
    page = start("/signin/", viewport=PHONE)
    page.locator("form").evaluate("form => { form.noValidate = true; }")
    page.get_by_label("Email address").fill(new_address() if typed == "code" else "nobody")
    page.get_by_role("button").click()
    if typed == "code":
        page.get_by_label("Code").fill("000 000")
        page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_gates_and_a_page_that_is_gone_fit_a_phone(start: Opener, newsroom: Newsroom) -> None:
    page = start(ARTICLE, viewport=PHONE)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sign_in = page.locator("section.gate a.sign-in").bounding_box()
    assert sign_in
    assert sign_in["height"] >= 24, "WCAG 2.2, target size"
