"""Feeds for one reader each: what they show, who gets them, and when they end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from markupsafe import escape
from nightdesk.domain.memberships import member_id
from nightdesk.domain.site import Site
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.member_feed import page_text, with_texts
from nightdesk.usecases.readers import member_feeds, members
from nightdesk.usecases.readers.members import Grant
from support.memory_newsroom import Newsroom
from support.reader_browser import Browser
from support.sign_in_harness import ADA, SITE_URL, SignInHarness

from functions.reader_api import context

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
SELF = "{http://www.w3.org/2005/Atom}link"
SITE = Site(base_url=SITE_URL)
SECRETS = ("subcanary", "memcanary")
BODY = """Free words and [a link](#after).

::: gate tier=subscriber teaser="For subscribers."
The subcanary log.[^1]

[^1]: A subcanary note.
:::

::: gate tier=member teaser="For members."
The memcanary log.

| a | b |
| --- | ---: |
| memcanary | [below](#after) |
:::

## After

Free again.
"""


class Readers:
    """A newsroom in memory, and browsers of its readers."""

    def __init__(self, theme: Theme) -> None:
        self.room = Newsroom(theme)
        self.room.file("site.yaml", f"name: The Quay\nbase_url: {SITE_URL}\nwebsub: https://hub.example/\n")
        self.harness = SignInHarness()
        ports = replace(self.harness.ports, site=self.room.site, private=self.room.ports.private)
        self.harness.ports = ports

    def browser(self, tier: str, address: str = ADA) -> Browser:
        """Return the browser of a signed-in subscriber or member."""
        browser = Browser(self.harness)
        browser.cookies["__Host-renew"] = self.harness.sign_in(address).reader.renewal
        if tier == "member":
            members.grant(member_id(address), Grant("member", ""), SITE, self.harness.ports)
        return browser

    def make_feed(self, browser: Browser) -> str:
        """Return the path of the feed whose address the account page shows after the button was pressed."""
        page = press(browser, "/api/account/feed")
        assert page["statusCode"] == 200
        found = re.search(r'<input id="feed-url"[^>]* value="([^"]+)"', page["body"])
        assert found
        return urlsplit(found[1]).path

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        """Get an address as a feed reader does."""
        return Browser(self.harness).send("GET", path, **headers)

    def items(self, path: str) -> dict[str, str]:
        """Return the texts in a feed by title."""
        answer = self.get(path)
        assert answer["statusCode"] == 200
        return texts_of(answer["body"])

    def items_of_everyone(self) -> dict[str, str]:
        """Return the texts in the public feed by title."""
        return texts_of(self.room.page("/feed.xml"))


def texts_of(feed: str) -> dict[str, str]:
    """Return the texts in a feed by title."""
    channel = ElementTree.fromstring(feed)[0]
    return {i.findtext("title") or "": i.findtext(CONTENT) or "" for i in channel.findall("item")}


def press(browser: Browser, action: str) -> dict[str, Any]:
    """Press a button of the account page."""
    account = browser.send("GET", "/account/")["body"]
    form = re.search(rf'action="{action}"><input type="hidden" name="form_token" value="([^"]+)"', account)
    assert form, action
    return browser.send("POST", action, {"form_token": form[1]})


@pytest.fixture
def readers(theme: Theme) -> Iterator[Readers]:
    context._site.clear()
    yield Readers(theme)
    context._site.clear()


@pytest.mark.parametrize(("tier", "shown"), [("subscriber", ["subcanary"]), ("member", ["subcanary", "memcanary"])])
def test_a_feed_shows_what_the_pages_of_the_readers_tier_show(readers: Readers, tier: str, shown: list[str]) -> None:
    readers.room.publish("tide", "Tide", BODY)
    readers.room.publish("whole", "Whole", "All memcanary.", access="member", slug="whole")
    readers.room.publish("free", "Free", "Nothing hidden.")
    path = readers.make_feed(readers.browser(tier))
    texts, public = readers.items(path), readers.items_of_everyone()
    assert list(texts) == list(public)
    assert [word for word in SECRETS if any(word in text for text in texts.values())] == shown
    assert texts["Free"] == public["Free"]
    assert "Free again." in texts["Tide"]
    assert f'href="{SITE_URL}/articles/tide/#' in texts["Tide"]
    assert not re.search(r'(href|src)="[/#]|class=|<section|<button|<!--', texts["Tide"])
    assert ("memcanary" in texts["Whole"]) == (tier == "member")
    assert ("For members." in texts["Tide"]) == (tier == "subscriber")
    assert not any(word in json.dumps(public) for word in SECRETS)


def test_a_feed_is_for_nobody_else_and_signs_nobody_in(readers: Readers) -> None:
    readers.room.publish("tide", "Tide", BODY)
    path = readers.make_feed(readers.browser("member"))
    answer = readers.get(path)
    assert answer["headers"]["cache-control"] == "private, no-store"
    assert answer["headers"]["content-type"].startswith("application/rss+xml")
    assert answer["cookies"] == []
    [own] = ElementTree.fromstring(answer["body"])[0].findall(SELF)
    assert own.attrib["href"] == SITE_URL + path, "no hub, which would fetch the feed and pass it on"
    assert readers.get(path, if_none_match=answer["headers"]["etag"])["statusCode"] == 304
    secret = path.rpartition("/")[2]
    for name in ("__Host-renew", "__Host-session"):
        stranger = Browser(readers.harness)
        stranger.cookies[name] = f"{member_id(ADA)}.{secret}"
        assert stranger.send("GET", "/api/account", accept="application/json")["statusCode"] == 401
    for gate in ("gift", "preview"):
        assert readers.get(f"/api/{gate}/{secret}")["statusCode"] == 410


def test_wrong_addresses_open_nothing(readers: Readers) -> None:
    path = readers.make_feed(readers.browser("member"))
    readers.browser("member", "bob@news.example")
    folder, _, secret = path.rpartition("/")
    wrong = [f"{folder}/{secret[:-1]}", f"{folder}/{secret}x", f"{folder}/-", f"{folder}/{secret.swapcase()}"]
    wrong += [f"/api/feed/{member_id('bob@news.example')}/{secret}", f"/api/feed/nobody/{secret}"]
    assert {readers.get(each)["statusCode"] for each in wrong} == {410}
    browser = Browser(readers.harness)
    assert browser.send("POST", "/api/account/feed")["statusCode"] == 401
    assert browser.send("POST", "/api/account/feed/revoke")["statusCode"] == 401


def test_a_feed_ends_at_once_when_it_is_revoked_replaced_or_deleted_with_the_account(readers: Readers) -> None:
    browser = readers.browser("member")
    first = readers.make_feed(browser)
    second = readers.make_feed(browser)
    assert [readers.get(path)["statusCode"] for path in (first, second)] == [410, 200]
    account = browser.send("GET", "/account/")["body"]
    assert second not in account, "an address is shown once"
    export = browser.send("GET", "/api/account/export")["body"]
    assert second.rpartition("/")[2] not in export
    assert members.update_membership(member_id(ADA), readers.harness.table, lambda found: found).feed not in export
    assert press(browser, "/api/account/feed/revoke")["headers"]["location"] == "/account/?done=feed_stopped"
    assert readers.get(second)["statusCode"] == 410
    third = readers.make_feed(browser)
    members.delete(member_id(ADA), readers.harness.ports, readers.harness.now)
    assert readers.get(third)["statusCode"] == 410


def test_a_membership_that_ends_leaves_the_feed_with_what_everyone_sees(readers: Readers) -> None:
    readers.room.publish("tide", "Tide", BODY)
    path = readers.make_feed(readers.browser("member"))
    assert "memcanary" in readers.items(path)["Tide"]
    members.grant(member_id(ADA), Grant("", ""), SITE, readers.harness.ports)
    assert "memcanary" not in readers.items(path)["Tide"]
    member = member_id(ADA)
    members.update_membership(member, readers.harness.table, lambda found: replace(found, confirmed=""))
    assert readers.items(path) == readers.items_of_everyone()


def test_what_is_taken_down_is_in_no_feed_even_before_the_public_one_is_made_again(readers: Readers) -> None:
    readers.room.publish("tide", "Tide", BODY)
    path = readers.make_feed(readers.browser("member"))
    before = readers.room.site.outputs["feed.xml"]
    readers.room.file("drafts/tide.md", None)
    readers.room.site.put(before, "*")
    assert readers.items(path) == {}


def test_a_feed_is_asked_for_a_limited_number_of_times(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    readers.room.publish("tide", "Tide", BODY)
    path = readers.make_feed(readers.browser("member"))
    monkeypatch.setattr(member_feeds, "REQUESTS_PER_HOUR", 2)
    answers = [readers.get(path) for _ in range(3)]
    assert [answer["statusCode"] for answer in answers] == [200, 200, 429]
    assert int(answers[2]["headers"]["retry-after"]) > 0


def test_readers_of_the_public_view_need_no_feed(readers: Readers) -> None:
    browser = readers.browser("subscriber")
    members.update_membership(member_id(ADA), readers.harness.table, lambda found: replace(found, confirmed=""))
    assert "/api/account/feed" not in browser.send("GET", "/account/")["body"]
    token = browser.send("GET", "/api/account", accept="application/json")["headers"]["x-form-token"]
    assert browser.send("POST", "/api/account/feed", x_form_token=token)["statusCode"] == 422


def test_images_and_players_that_need_a_session_become_links() -> None:
    page = (
        "<p>Outside</p><!--text-->"
        '<figure><picture><source srcset="x.avif"><img src="/articles/t/a.public.webp" alt="Quay" width="3" height="2"></picture></figure>'
        '<figure><img src="/articles/t/b.webp" alt="A &lt;chart&gt;"><figcaption>Chart</figcaption></figure><img src="/articles/t/c.webp" alt="">'
        '<figure class="embed"><div class="embed-box embed-video"><button>Play</button><p>Note</p></div><figcaption>Video</figcaption></figure>'
        "<script>bad()</script><p onclick='x'>Text</p><!--/text--><p>Outside</p><!--text-->\n<ol><li>Note</li></ol><!--/text-->"
    )
    found = page_text(page, "t", SITE)
    assert f'<img src="{SITE_URL}/articles/t/a.public.webp" alt="Quay" width="3" height="2">' in found
    assert f'<a href="{SITE_URL}/articles/t/">A &lt;chart&gt;</a>' in found
    assert "<p>Text</p>" in found
    assert found.endswith("<ol><li>Note</li></ol>")
    for word in ("/b.webp", "/c.webp", "Outside", "Play", "Note</p>", "bad", "srcset", "onclick"):
        assert word not in found


def test_a_download_that_needs_a_session_leads_to_the_article() -> None:
    name = f"/articles/t/report.{'a' * 64}"
    found = page_text(f'<!--text--><a href="{name}.pdf">A</a> <a href="{name}.public.pdf">B</a><!--/text-->', "t", SITE)
    assert found == f'<a href="{SITE_URL}/articles/t/">A</a> <a href="{SITE_URL}{name}.public.pdf">B</a>'


def test_a_readers_feed_keeps_what_the_public_one_says_of_ai() -> None:
    note = '<p class="ai-note"><em>AI took part.</em></p>'
    public = escape(f'{note}\n<p><em>T.</em> <a class="gate-link" href="https://x.example/#gate-1">J</a></p>')
    item = "<item><link>https://x.example/articles/t/</link><content:encoded>{}</content:encoded></item>"
    found = with_texts(item.format(public), "https://x.example/", {"t": "<p>Whole.</p>"})
    assert found == item.format(escape(f"{note}\n<p>Whole.</p>"))


def test_a_feed_of_a_theme_that_marks_nothing_stays_as_it_is() -> None:
    assert page_text("<html><p>Text</p></html>", "t", SITE) == ""
    assert with_texts("<feed><entry/></feed>", "https://x.example/", {"t": "Text"}) == "<feed><entry/></feed>"
