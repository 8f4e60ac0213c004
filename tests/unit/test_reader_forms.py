"""Forms of the readers' API in a browser without scripts: their tokens, deletion, codes typed again, and chosen prices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.memberships import member_id
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.domain.tokens import sign, verify
from nightdesk.ports import Output, SignInLimits
from nightdesk.repositories import memberships_table
from nightdesk.usecases.readers import members
from support.function_url import event
from support.reader_browser import KEY, THEME, Browser
from support.sign_in_harness import ADA, KEYS, SITE_URL, SignInHarness
from support.stripe_in_process import MONTH, FakeStripe
from support.visitor import forms_of

from functions.reader_api import context
from functions.reader_api.context import ReaderContext
from functions.reader_api.routes import ROUTES
from functions.reader_api.serve import serve

WITHOUT_TOKEN = {
    "/api/signin": "its pages are static; it only sends a mail",
    "/api/signin/code": "its page is static; a code works in the browser that asked for it",
    "/api/signin/confirm": "the token of its form is bound to the browser, since no reader is signed in yet",
    "/api/checkout": "its page is static; it only leads to the payment provider",
    "/api/contribute": "its pages are static; it only leads to the payment provider",
    "/api/unsubscribe": "mail programs post it; its link has a secret",
    "/api/stripe/webhook": "signed by Stripe",
}
"""The POST routes without a token of the session, and why."""


@pytest.fixture
def browser() -> Iterator[Browser]:
    context._site.clear()
    yield Browser(SignInHarness(SignInLimits(per_address=100)))
    context._site.clear()


def exists(browser: Browser) -> bool:
    return memberships_table.find_membership(browser.harness.table, member_id(ADA)) is not None


# --- Tokens ---


def test_every_post_needs_a_token_or_has_a_reason() -> None:
    posts = {route.path: route.needs_token for route in ROUTES if route.method == "POST"}
    assert {path for path, needs in posts.items() if not needs} == set(WITHOUT_TOKEN)


@pytest.mark.parametrize("path", [route.path for route in ROUTES if route.method == "POST"])
def test_half_a_character_is_the_fault_of_the_request(browser: Browser, path: str) -> None:
    browser.ports = replace(browser.ports, payments=FakeStripe().payments)
    browser.sign_in()
    headers = {"accept": "application/json", "x-origin-key": KEY, "content-type": "application/json"}
    asked = event("POST", path, '{"form_token": "1.\\ud800", "email": "\\udfff@news.example"}', headers=headers)
    asked["cookies"] = [f"{name}={value}" for name, value in browser.cookies.items()]
    answer = serve(asked, None, ReaderContext(browser.ports, browser.harness.now, THEME), KEY)
    assert answer["statusCode"] < 500


@pytest.mark.parametrize("path", [route.path for route in ROUTES if route.needs_token])
@pytest.mark.parametrize("kind", ["form", "JSON", "text", "another session", "another reader"])
def test_a_document_of_the_site_cannot_act_for_its_reader(browser: Browser, path: str, kind: str) -> None:
    """What an uploaded file would post from the site's own origin: it has the cookies, and no token of this session."""
    browser.ports = replace(browser.ports, payments=FakeStripe().payments)
    browser.sign_in()
    other = Browser(browser.harness)
    if kind == "another reader":
        other.send("POST", "/api/signin", {"email": "bo@news.example"})
        other.harness.run_jobs()
        other.send("POST", "/api/signin/code", {"code": other.harness.newest_mail()[1]})
    else:
        other.sign_in()
    token = forms_of(other.get("/account/")["body"])[0].fields["form_token"]
    fields = {"sure": "yes", "newsletter": "yes"}
    before = repr(browser.harness.table._items[f"member#{member_id(ADA)}"])
    mails = len(browser.harness.mails)
    if kind in ("form", "text"):
        answer = browser.send("POST", path, fields, content_type={"text": "text/plain"}.get(kind, "application/x-www-form-urlencoded"))  # fmt: skip
    elif kind == "JSON":
        answer = browser.send("POST", path, {}, content_type="application/json", accept="application/json")
    else:
        answer = browser.send("POST", path, {**fields, "form_token": token})
    assert answer["statusCode"] in (400, 415)
    browser.harness.run_jobs()
    assert repr(browser.harness.table._items[f"member#{member_id(ADA)}"]) == before
    assert len(browser.harness.mails) == mails
    assert browser.get("/account/")["statusCode"] == 200


def test_the_accounts_own_forms_work(browser: Browser) -> None:
    browser.sign_in()
    saved = browser.submit(browser.get("/account/"), "/api/account/newsletters", newsletter="yes")
    assert saved["headers"]["location"] == "/account/?done=newsletters"
    found = memberships_table.find_membership(browser.harness.table, member_id(ADA))
    assert found
    assert found.membership.newsletters == ("newsletter",)
    browser.submit(browser.get("/account/"), "/api/signout")
    assert browser.get("/account/")["statusCode"] == 303


def test_a_form_from_before_signing_in_again_leads_back_to_the_account(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/account/")
    browser.sign_in()
    answer = browser.submit(page, "/api/signout")
    assert answer["statusCode"] == 400
    assert 'href="/account/' in answer["body"]
    assert exists(browser)


def test_programs_find_the_token_in_a_header(browser: Browser) -> None:
    browser.sign_in()
    for path in ("/api/session", "/api/account"):
        token = browser.send("GET", path, accept="application/json")["headers"]["x-form-token"]
        answer = browser.send("POST", "/api/account/newsletters", {"newsletter": "yes"}, x_form_token=token)
        assert answer["statusCode"] == 303
    assert "x-form-token" not in Browser(browser.harness).get("/api/session")["headers"]


def test_forms_of_signed_out_readers_need_no_token(browser: Browser) -> None:
    assert browser.send("POST", "/api/signout")["statusCode"] == 303
    assert browser.send("POST", "/api/account/delete", {"sure": "yes"})["statusCode"] == 401


# --- Signing in ---


def test_a_document_of_the_site_cannot_sign_a_reader_in_as_someone_else(browser: Browser) -> None:
    """Login CSRF: the attacker's own link, posted by the victim's browser."""
    attacker = Browser(browser.harness)
    attacker.request_mail()
    token = browser.harness.newest_mail()[0]
    seen = forms_of(attacker.get(f"/api/signin/confirm?token={token}")["body"])[0].fields
    stranger = Browser(browser.harness)
    theirs = forms_of(stranger.get(f"/api/signin/confirm?token={token}")["body"])[0].fields
    assert set(theirs) == {"token", "elsewhere", "form_token"}
    for fields in (seen, {"token": token, "elsewhere": "yes"}, theirs):
        answer = browser.send("POST", "/api/signin/confirm", fields)
        assert "set-cookie" not in answer["headers"]
        assert "__Host-renew" not in browser.cookies
        assert "another browser" in answer["body"], "the reader is asked instead"
    page = browser.get(f"/api/signin/confirm?token={token}")
    assert ADA in page["body"]
    assert browser.submit(page, "/api/signin/confirm")["statusCode"] == 303
    assert "__Host-renew" in browser.cookies


def test_the_second_press_of_a_double_click_is_sent_on(browser: Browser) -> None:
    browser.request_mail(return_to="/articles/x/")
    page = browser.get(f"/api/signin/confirm?token={browser.harness.newest_mail()[0]}")
    before = dict(browser.cookies)
    first = browser.submit(page, "/api/signin/confirm")
    kept, browser.cookies = dict(browser.cookies), before  # the browser drops the first response
    second = browser.submit(page, "/api/signin/confirm")
    assert [a["headers"]["location"] for a in (first, second)] == ["/articles/x/"] * 2
    assert browser.cookies["__Host-renew"] == kept["__Host-renew"]
    third = browser.submit(page, "/api/signin/confirm")  # now only the session tells who asked
    assert third["headers"]["location"] == "/articles/x/"
    assert Browser(browser.harness).submit(page, "/api/signin/confirm")["statusCode"] == 410
    browser.harness.now += timedelta(minutes=1)
    assert browser.submit(page, "/api/signin/confirm")["statusCode"] == 410


def test_a_link_that_was_just_used_leads_on_when_it_is_opened_again(browser: Browser) -> None:
    browser.request_mail(return_to="/articles/x/")
    address = f"/api/signin/confirm?token={browser.harness.newest_mail()[0]}"
    page, before = browser.get(address), dict(browser.cookies)
    browser.submit(page, "/api/signin/confirm")
    kept, browser.cookies = dict(browser.cookies), before  # the browser dropped the response
    assert browser.submit(browser.get(address), "/api/signin/confirm")["statusCode"] == 303
    browser.cookies = kept
    again = browser.get(address)
    assert (again["statusCode"], again["headers"]["location"]) == (303, "/articles/x/")
    assert Browser(browser.harness).get(address)["statusCode"] == 410
    browser.harness.now += timedelta(minutes=1)
    assert browser.get(address)["statusCode"] == 410


def test_the_second_press_with_a_code_is_sent_on(browser: Browser) -> None:
    browser.request_mail(return_to="/articles/x/")
    code = {"code": browser.harness.newest_mail()[1]}
    before = dict(browser.cookies)
    assert browser.send("POST", "/api/signin/code", code)["statusCode"] == 303
    second = browser.send("POST", "/api/signin/code", code)  # the first response has ended the cookie of the request
    assert (second["statusCode"], second["headers"]["location"]) == (303, "/articles/x/")
    assert Browser(browser.harness).send("POST", "/api/signin/code", code)["statusCode"] == 422
    browser.harness.now += timedelta(minutes=1)
    assert browser.send("POST", "/api/signin/code", code)["statusCode"] == 422
    browser.cookies |= before
    assert browser.send("POST", "/api/signin/code", {"code": "000000"})["statusCode"] == 422


def test_signing_in_again_ends_the_browsers_earlier_session(browser: Browser) -> None:
    browser.sign_in()
    earlier = browser.cookies["__Host-renew"]
    browser.sign_in()
    assert browser.harness.authenticate(renewal=earlier) is None
    assert browser.harness.authenticate(renewal=browser.cookies["__Host-renew"])


@pytest.mark.parametrize("typed", ["000000", "12345", "12 34 567", "", "١٢٣٤٥٦"])
def test_a_wrong_code_can_be_typed_again_in_place(browser: Browser, typed: str) -> None:
    browser.request_mail(return_to="/articles/x/")
    code = browser.harness.newest_mail()[1]
    answer = browser.send("POST", "/api/signin/code", {"code": typed if typed != code else "000001"})
    assert answer["statusCode"] == 422
    assert "That code didn’t work" in answer["body"]
    assert 'aria-describedby="code-problem"' in answer["body"]
    assert 'href="/signin/"' in answer["body"], "and another mail can be requested"
    again = browser.submit(answer, "/api/signin/code", code=f" {code[:3]} {code[3:]}")
    assert again["headers"]["location"] == "/articles/x/"


def test_a_wrong_address_can_be_corrected_in_place(browser: Browser) -> None:
    answer = browser.send("POST", "/api/signin", {"email": "ada@", "return_to": "/articles/x/", "newsletter": "yes"})
    assert answer["statusCode"] == 422
    assert "doesn’t look like an email address" in answer["body"]
    browser.submit(answer, "/api/signin", email=ADA)
    browser.harness.run_jobs()
    signed_in = browser.send("POST", "/api/signin/code", {"code": browser.harness.newest_mail()[1]})
    assert signed_in["headers"]["location"] == "/articles/x/"
    found = memberships_table.find_membership(browser.harness.table, member_id(ADA))
    assert found
    assert found.membership.newsletters == ("newsletter",)


# --- Deletion ---


def test_an_account_is_deleted_only_with_the_ticked_box(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/account/")
    assert browser.submit(page, "/api/account/delete")["statusCode"] == 422
    assert browser.submit(page, "/api/account/delete", sure="")["statusCode"] == 422
    assert exists(browser)
    assert browser.submit(page, "/api/account/delete", sure="yes")["statusCode"] == 200
    assert not exists(browser)
    assert browser.cookies.keys() <= {"__Host-signin"}


def test_deletion_needs_a_recent_sign_in_or_a_mailed_code(browser: Browser) -> None:
    browser.sign_in()
    fresh = browser.get("/account/")
    browser.harness.now += timedelta(minutes=10)
    stale = browser.submit(fresh, "/api/account/delete", sure="yes")
    assert stale["statusCode"] == 401
    assert "/account/" in stale["body"]
    assert exists(browser)
    page = browser.get("/account/")
    assert not browser.has(page, "/api/account/delete")
    asked = browser.submit(page, "/api/account/confirm")
    assert asked["headers"]["location"] == "/signin/code/"
    browser.harness.run_jobs()
    assert browser.harness.mails[-1].to == ADA
    back = browser.send("POST", "/api/signin/code", {"code": browser.harness.newest_mail()[1]})
    assert back["headers"]["location"] == "/account/#data-title"
    assert browser.submit(browser.get("/account/"), "/api/account/delete", sure="yes")["statusCode"] == 200
    assert not exists(browser)


def test_a_reader_known_by_a_token_alone_confirms_first(browser: Browser) -> None:
    """A token of a session whose cookie was lost does not tell when the reader signed in."""
    browser.sign_in()
    del browser.cookies["__Host-renew"]
    page = browser.get("/account/")
    assert not browser.has(page, "/api/account/delete")
    assert browser.submit(page, "/api/account/confirm")["statusCode"] == 303


def test_an_editors_link_counts_as_signing_in_when_it_was_made(browser: Browser) -> None:
    members.grant_to_address(ADA, members.Grant("member", ""), Site(), browser.ports)
    signer = members.LinkSigner(SITE_URL, KEYS["1"], "1")
    made = members.sign_in_link(ADA, signer, Site(), browser.harness.table, browser.harness.now)["url"]
    claims = verify(made.partition("session=")[2], KEYS, int(browser.harness.now.timestamp()))
    assert claims
    del claims["p"]  # as the edge does on landing
    browser.cookies["__Host-session"] = sign(claims, "1", KEYS["1"])
    assert browser.has(browser.get("/account/"), "/api/account/delete")
    browser.harness.now += timedelta(minutes=10)
    page = browser.get("/account/")
    assert browser.has(page, "/api/account/confirm"), "a token that was renewed meanwhile is no fresh sign-in"
    assert not browser.has(page, "/api/account/delete")


def test_without_mail_the_newsroom_deletes_accounts(browser: Browser) -> None:
    browser.sign_in()
    browser.harness.now += timedelta(hours=1)
    browser.ports = replace(browser.ports, can_sign_in=False)
    page = browser.get("/account/")
    assert not browser.has(page, "/api/account/delete")
    assert not browser.has(page, "/api/account/confirm")
    assert "write to the newsroom" in page["body"]


# --- A price that was chosen before signing in ---


@pytest.fixture
def shop(browser: Browser) -> Browser:
    """A browser on a site that sells a membership."""
    objects = MemoryObjects()
    site = Site(base_url=SITE_URL, offers=(Offer("member", "Member", (Price("month", MONTH, "€8"),)),))
    objects.put(Output("site.json", json.dumps(site.to_json()).encode(), "application/json"), None)
    browser.ports = replace(browser.ports, private=objects, payments=FakeStripe().payments)
    return browser


def choose_price(shop: Browser) -> None:
    """Press a price's button on the membership page, having come from a gate, and enter an address."""
    page = f"{SITE_URL}/membership/?return_to=/articles/x/%23gate-2"
    answer = shop.send("POST", "/api/checkout", {"price": MONTH}, referer=page)
    assert answer["headers"]["location"] == "/signin/?return_to=/membership/"
    shop.send("POST", "/api/signin", {"email": ADA}, referer=f"{SITE_URL}{answer['headers']['location']}")
    shop.harness.run_jobs()


@pytest.mark.parametrize("how", ["code", "link", "link on a phone"])
def test_the_chosen_price_leads_straight_to_the_checkout(shop: Browser, how: str) -> None:
    choose_price(shop)
    token, code = shop.harness.newest_mail()
    device = shop
    if how == "link on a phone":
        device = Browser(shop.harness)
        device.ports = shop.ports
    if how == "code":
        answer = device.send("POST", "/api/signin/code", {"code": code})
    else:
        answer = device.submit(device.get(f"/api/signin/confirm?token={token}"), "/api/signin/confirm")
    assert answer["statusCode"] == 303
    assert answer["headers"]["location"].startswith("https://pay.example/")
    assert "__Host-wanted" not in device.cookies
    assert device.harness.authenticate(renewal=device.cookies["__Host-renew"])


def test_a_price_that_ended_meanwhile_leads_to_the_others(shop: Browser) -> None:
    choose_price(shop)
    context._site.clear()
    shop.ports = replace(shop.ports, private=MemoryObjects())
    answer = shop.send("POST", "/api/signin/code", {"code": shop.harness.newest_mail()[1]})
    assert answer["headers"]["location"] == "/membership/?return_to=/articles/x/%23gate-2"


def test_other_sign_ins_do_not_lead_to_the_checkout(shop: Browser) -> None:
    choose_price(shop)
    shop.send("POST", "/api/signin", {"email": ADA}, referer=f"{SITE_URL}/signin/?return_to=/articles/y/")
    shop.harness.run_jobs()
    answer = shop.send("POST", "/api/signin/code", {"code": shop.harness.newest_mail()[1]})
    assert answer["headers"]["location"] == "/articles/y/"


def test_a_planted_choice_is_ignored(shop: Browser) -> None:
    for value in ("price_x", "x:/a/", "price_x:https://evil.example/", "", "price_" + "x" * 300 + ":/"):
        shop.cookies = {"__Host-wanted": value}
        shop.send("POST", "/api/signin", {"email": ADA}, referer=f"{SITE_URL}/signin/?return_to=/membership/")
        shop.harness.run_jobs()
        answer = shop.send("POST", "/api/signin/code", {"code": shop.harness.newest_mail()[1]})
        assert answer["headers"]["location"] == "/membership/"


def test_suppressing_a_reader_leaves_forms_alike(browser: Browser) -> None:
    """A blocked address is asked for a code like any other."""
    members.suppress(member_id(ADA), members.BLOCKED, browser.harness.table, browser.harness.now)
    assert browser.request_mail()["headers"]["location"] == "/signin/code/"
    assert browser.send("POST", "/api/signin/code", {"code": "123456"})["statusCode"] == 422
