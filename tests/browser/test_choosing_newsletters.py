"""The newsletter in a browser: choosing it, receiving an edition, reading it in the browser, unsubscribing, choosing it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.newsroom import Newsroom, draft
from support.visitor import link_in, mail_to, new_address

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
TITLE = "A letter for those who chose it"
BODY = """
Words for everyone.

::: gate tier=subscriber
Words for subscribers.
:::

::: gate tier=member teaser="What members read."
Words for members.
:::
"""


def next_mail(newsroom: Newsroom, address: str, number: int) -> dict[str, Any]:
    """Return the mail of a number to an address. Waits for it."""
    mails = newsroom.cloud.wait_for(lambda: (found := mail_to(newsroom.cloud, address))[number:] and found)
    mail: dict[str, Any] = mails[number]
    return mail


def account_choice(page: Page) -> Any:
    page.goto("/account/")
    return page.get_by_role("checkbox", name="Newsletter")


def test_a_reader_chooses_reads_leaves_and_chooses_again(start: Opener, newsroom: Newsroom) -> None:
    address = new_address()
    page = start("/newsletter/")
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("h1")).to_have_text("Check your email")
    page.goto(link_in(next_mail(newsroom, address, 0)))
    page.get_by_role("button", name="Sign in").click()
    expect(account_choice(page)).to_be_checked()

    newsroom.cloud.put({f"drafts/{address.partition('@')[0]}.md": draft(TITLE, BODY, newsletter=True)})
    mail = next_mail(newsroom, address, 1)
    assert mail["subject"] == TITLE
    letter = start("about:blank", viewport={"width": 360, "height": 740})
    letter.set_content(mail["html"])
    expect(letter.locator("body")).to_contain_text("Words for subscribers.")
    expect(letter.locator("body")).to_contain_text("What members read.")
    assert "Words for members." not in letter.content()
    assert letter.evaluate("document.documentElement.scrollWidth") <= 360

    letter.get_by_role("link", name="Read in your browser").click()
    expect(letter.locator("h1")).to_have_text(TITLE)
    assert "Words for subscribers." not in letter.content(), "the link signs nobody in"
    letter.goto("about:blank")
    letter.set_content(mail["html"])
    letter.get_by_role("link", name="Unsubscribe").click()
    expect(letter.locator("h1")).to_have_text("Unsubscribe")
    expect(account_choice(page)).to_be_checked()
    letter.get_by_role("button", name="Unsubscribe").click()
    expect(letter.locator("h1")).to_have_text("You’re unsubscribed")

    expect(account_choice(page)).not_to_be_checked()
    page.get_by_role("checkbox", name="Newsletter").check()
    page.locator("main form[action$=newsletters] button").click()
    expect(page.get_by_role("status")).to_have_text("Your newsletter choices are saved.")
    expect(account_choice(page)).to_be_checked()
