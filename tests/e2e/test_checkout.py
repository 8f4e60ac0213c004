"""Readers who pay, on the deployed stack: Stripe's own library in the function, and its stand-in on a port beside the site."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.stripe import StripePayments
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.payments import paid_membership
from nightdesk.repositories.memberships_table import find_membership
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.readers.payments import HANDLED_EVENTS
from nightdesk_local.stripe_account import DAY, PERIODS, Object, StripeAccount
from nightdesk_local.stripe_server import API_KEY, WEBHOOK, WEBHOOK_SECRET, StripeStandIn, signed
from support.cloud_under_test import Answer, CloudUnderTest
from support.newsroom import Newsroom, draft
from support.stripe_in_process import MONTH, ONCE, SECRET, YEAR
from support.visitor import Visitor, forms_of, new_address
from test_readers import BODY, SECRET_LINK, age, tier_of

pytestmark = pytest.mark.cloud

SLUG = "paid-gates"
ARTICLE = f"/articles/{SLUG}/"
JOIN = f"/membership/?return_to={ARTICLE}%23gate-2"


class Payer(Visitor):
    """A reader who is also led to Stripe's pages, where the site's cookies are not sent.

    Attributes:
        away: the address of that page; empty on the site.
    """

    away = ""

    def _follow(self, answer: Answer, path: str) -> Answer:
        self.away = ""
        there = answer.headers.get("location", "")
        if answer.status == 303 and there.startswith(self.stripe.url):
            return self._at_stripe("GET", there)
        return super()._follow(answer, path)

    @property
    def stripe(self) -> StripeStandIn:
        assert self.cloud.local
        return self.cloud.local.stripe

    def _at_stripe(self, method: str, url: str, fields: Mapping[str, str] | None = None) -> Answer:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request(method, address.path, urlencode(fields) if fields else None)
            answer = connection.getresponse()
            found = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()
        if found.status != 303:
            self.away = url
            return found
        there = found.headers["location"]
        if there.startswith("/"):
            return self._at_stripe("GET", f"{self.stripe.url}{there}")
        assert there.startswith(self.cloud.site_url)
        self.away = ""
        return self.visit(there.removeprefix(self.cloud.site_url))

    def press(self, button: str) -> Answer:
        """Press a button of Stripe's page; the page that it leads to."""
        page = self._at_stripe("GET", self.away)
        [form] = [form for form in forms_of(page.text) if form.button == button]
        return self._at_stripe("POST", f"{self.stripe.url}{form.action}", form.fields)

    def back(self) -> Answer:
        """Follow the link of Stripe's page that leads back."""
        page = self._at_stripe("GET", self.away)
        [link] = re.findall(r'<p><a href="([^"]+)">Back', page.text)
        assert link.startswith(self.cloud.site_url)
        return self.visit(link.removeprefix(self.cloud.site_url).replace("&amp;", "&"))

    def begin(self, price: str = MONTH, page: str = JOIN) -> Answer:
        """Press a price's button on the page for members."""
        found = self.visit(page)
        assert f'name="price" value="{price}"' in found.text
        return self.post("/api/checkout", {"price": price})

    def subscribe(self, price: str = MONTH, button: str = "Pay") -> Answer:
        """All of it."""
        self.begin(price)
        return self.press(button)

    def now_reads_as(self) -> str:
        """The tier after an act of the reader's own: a look at the account."""
        self.visit("/account/")
        return tier_of(self.visit(ARTICLE))

    def billing(self) -> str:
        """What the account says of what is paid for."""
        text = " ".join(re.sub(r"<[^>]+>", " ", self.visit("/account/").text).split())
        return text.partition("Membership You")[2] or text.partition("Membership The")[2] or text


@pytest.fixture(scope="module", autouse=True)
def article(newsroom: Newsroom) -> None:
    sources = [{"title": "S", "publisher": "P", "url": SECRET_LINK}]
    newsroom.cloud.put({f"drafts/{SLUG}.md": draft("Gates", BODY, sources=sources)})
    newsroom.live(SLUG)


@pytest.fixture
def visitor(cloud: CloudUnderTest) -> Payer:
    return Payer(cloud)


@pytest.fixture
def stripe(cloud: CloudUnderTest) -> StripeStandIn:
    assert cloud.local
    return cloud.local.stripe


@pytest.fixture
def table(cloud: CloudUnderTest) -> DynamoTable:
    return DynamoTable(cloud.client("dynamodb"), cloud.outputs["MembershipsTable"])


def membership(table: DynamoTable, address: str) -> Membership:
    found = find_membership(table, member_id(address))
    assert found, "who should be known is not"
    return found[0]


@contextmanager
def account_of(stripe: StripeStandIn) -> Iterator[StripeAccount]:
    """Lock and yield the fake account, for what happens at Stripe."""
    with stripe.lock:
        yield stripe.account


def subscription_of(stripe: StripeStandIn, table: DynamoTable, address: str) -> str:
    with account_of(stripe) as account:
        return str(account.subscriptions_of(membership(table, address).customer)[0]["id"])


def all_heard(stripe: StripeStandIn, cloud: CloudUnderTest) -> None:
    cloud.wait_for(lambda: stripe.quiet)


@contextmanager
def held(stripe: StripeStandIn) -> Iterator[list[Object]]:
    """Events that happen meanwhile, none of which is delivered."""
    stripe.hold()
    events = stripe.held
    assert events is not None
    try:
        yield events
    finally:
        stripe.release()


# --- The way to pay, and back ---


def test_from_a_gate_to_the_open_passage_and_back(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    page = visitor.sign_in(address, f"/signin/?return_to={ARTICLE}")
    assert tier_of(page) == "subscriber"
    assert set(re.findall(r'href="(/membership/\?[^"]*gate[^"]*)"', page.text)) == {JOIN}
    with held(stripe) as events:  # a reader who has paid has access before any event arrives
        page = visitor.subscribe()
        assert (visitor.path, tier_of(page)) == (f"{ARTICLE}#gate-2", "member")
        assert '<p class="gated-mark" id="gate-2">' in page.text
    before = membership(table, address)
    for event in events:
        assert stripe.deliver(event) == 200
    assert membership(table, address) == before, "and when they come, they change nothing"
    assert "a member. Your membership renews on" in visitor.billing()
    visitor.submit(visitor.visit("/account/"), "/api/portal")
    visitor.press("Cancel at the period’s end")
    assert "cancelled your membership. You can keep reading until" in visitor.back().text.replace("\n", " ")
    assert visitor.path == "/account/"
    assert visitor.now_reads_as() == "member", "to the end of what is paid for"
    with account_of(stripe) as account:
        account.advance(PERIODS["month"])
    all_heard(stripe, cloud)
    age(visitor)
    page = visitor.visit(ARTICLE)
    assert tier_of(page) == "subscriber", "a session's next token says so"
    assert "have a paid membership" in visitor.billing()


def test_a_reader_who_is_not_signed_in_gives_an_address_first(visitor: Payer) -> None:
    address = new_address()
    visitor.begin(YEAR)
    assert visitor.path == "/signin/?return_to=/membership/"
    visitor.sign_in(address, visitor.path)
    assert visitor.away, "signing in leads straight to the payment page"
    page = visitor.press("Pay")
    assert (visitor.path, tier_of(page)) == (f"{ARTICLE}#gate-2", "member")
    assert not visitor.cookie("__Host-wanted")


def test_a_card_that_is_declined_and_a_reader_who_thinks_better_of_it(visitor: Payer) -> None:
    visitor.sign_in(new_address())
    visitor.begin()
    assert "declined" in visitor.press("Pay with a card that is declined").text
    page = visitor.back()
    assert visitor.path == JOIN
    assert f'value="{MONTH}"' in page.text
    assert tier_of(visitor.visit(ARTICLE)) == "subscriber"


def test_a_reader_cannot_pay_twice(visitor: Payer) -> None:
    visitor.sign_in(new_address())
    visitor.subscribe()
    page = visitor.begin(YEAR)
    assert visitor.path == "/account/?done=pays"
    assert "You’re already a member." in page.text


def test_a_contribution_asks_for_no_address_and_opens_nothing(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    page = visitor.visit(ARTICLE)
    assert f'value="{ONCE}"' in page.text
    visitor.post("/api/contribute", {"price": ONCE})
    visitor.back()
    assert visitor.path == ARTICLE
    visitor.post("/api/contribute", {"price": ONCE})
    page = visitor.press("Pay")
    assert (visitor.path, page.status) == ("/membership/thanks/", 200)
    assert "Thank you" in page.text
    assert visitor.cookies == {}
    all_heard(stripe, cloud)
    assert tier_of(visitor.visit(ARTICLE)) == "public"


@pytest.mark.parametrize("path", ["/api/checkout", "/api/contribute", "/api/portal"])
def test_other_sites_pages_begin_nothing(visitor: Payer, path: str) -> None:
    visitor.sign_in(new_address())
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}):
        answer = visitor.post(path, {"price": MONTH}, headers)
        assert answer.status == 400
        assert not visitor.away


@pytest.mark.parametrize(
    "fields", [{}, {"price": "price_other"}, {"price": ONCE}, {"price": "x" * 300}, {"price": f"{MONTH}\r\nX: y"}]
)
def test_only_what_is_offered_is_sold(visitor: Payer, fields: dict[str, str]) -> None:
    visitor.sign_in(new_address())
    answer = visitor.post("/api/checkout", fields)
    assert (answer.status, visitor.away) == (422, "")


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_reader_who_has_paid_is_not_sent_to_the_checkout(visitor: Payer, place: str) -> None:
    visitor.sign_in(new_address())
    visitor.visit("/membership/")
    visitor.post("/api/checkout", {"price": MONTH, "return_to": place})
    visitor.press("Pay")
    assert visitor.path == "/membership/thanks/"
    answer = visitor.request("GET", f"/api/checkout/done?{urlencode({'return_to': place})}")
    assert answer.headers["location"] == "/membership/thanks/"


# --- What Stripe tells of ---


def post_event(cloud: CloudUnderTest, body: bytes, signature: str | None) -> int:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if signature is not None:
        headers["Stripe-Signature"] = signature
    address = urlsplit(cloud.site_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request("POST", WEBHOOK, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_event_is_believed_by_its_signature_over_the_bytes_as_they_came(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    visitor.sign_in(address)
    visitor.subscribe()
    all_heard(stripe, cloud)
    with held(stripe) as events, account_of(stripe) as account:
        account.cancel(account.subscriptions_of(membership(table, address).customer)[0]["id"], at_once=True)
    [event] = events
    now = time.time()
    body = json.dumps(event, indent=3, ensure_ascii=False).encode() + b"\n"
    other = json.dumps({**event, "note": "ü"}, ensure_ascii=False).encode()
    wrong = {
        "none": None,
        "empty": "",
        "another secret": signed(body, now, "whsec_other"),
        "too old": signed(body, now - 301),
        "of another body": signed(other, now),
        "of an older scheme": signed(body, now).replace("v1=", "v0="),
        "without its moment": signed(body, now).partition(",")[2],
        "a later moment than was signed": re.sub(r"t=\d+", f"t={int(now) + 1}", signed(body, now)),
        "not of letters": "t=ü,v1=ü".encode().decode("latin-1"),
    }
    assert {why: post_event(cloud, body, signature) for why, signature in wrong.items()} == dict.fromkeys(wrong, 400)
    raw = b"\xff\xfe{}"
    mac = hmac.new(WEBHOOK_SECRET.encode(), f"{int(now)}.".encode() + raw, hashlib.sha256).hexdigest()
    assert post_event(cloud, raw, f"t={int(now)},v1={mac}") == 400, "no text, though it is signed"
    assert post_event(cloud, b"[]", signed(b"[]", now)) == 400
    assert membership(table, address).paid, "nothing of that was believed"
    both = f"{signed(body, now, 'whsec_before')},{signed(body, now).partition(',')[2]}"
    assert post_event(cloud, body, both) == 200, "and while a secret is changed, one of two signatures is enough"
    assert membership(table, address).paid is None


def test_an_event_is_sent_again_until_it_is_handled(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    visitor.sign_in(address)
    with held(stripe) as events:
        visitor.begin()
        page = visitor.away
        answer = stripe.api.answer
        stripe.api.answer = lambda *_: (503, {"error": {"type": "api_error"}})  # type: ignore[method-assign]
        try:
            visitor.press("Pay")
            assert visitor.path == "/membership/thanks/", "Stripe is away, and the reader gets a page"
            assert membership(table, address).paid is None
            assert page
            told = [event for event in events if event["type"] == "customer.subscription.created"]
            assert [stripe.deliver(event) for event in told] == [503]
        finally:
            stripe.api.answer = answer  # type: ignore[method-assign]
        assert [stripe.deliver(event) for event in told] == [200]
        assert membership(table, address).paid
        version = table.get(f"member#{member_id(address)}", "membership")
        assert [stripe.deliver(event) for event in told * 3] == [200] * 3
        assert table.get(f"member#{member_id(address)}", "membership") == version, "which is once"


def test_however_events_come_the_table_ends_with_what_is_paid_for(
    newsroom: Newsroom, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    """Three readers' histories; their events shuffled, doubled, late, and several at once."""
    chance = random.Random(5)
    site = load_site(newsroom.ports)
    addresses = [new_address() for _ in range(3)]
    until = "2031-01-01T00:00:00+00:00"
    newsroom.run_json("members", "add", addresses[0], "--tier", "member", "--until", until)
    with held(stripe) as events:
        for address in addresses:
            payer = Payer(cloud)
            payer.sign_in(address)
            payer.subscribe(chance.choice((MONTH, YEAR)))
        ids = [subscription_of(stripe, table, address) for address in addresses]
        with account_of(stripe) as account:
            for customer in [membership(table, address).customer for address in addresses]:
                account.set_card(customer, "fails later")
                account.set_card(customer, "works")
            account.change_price(ids[0], YEAR)
            account.cancel(ids[0])
            account.resume(ids[0])
            account.cancel(ids[0], at_once=True)
            account.refund(charge_of(account, ids[1]))
            dispute = account.open_dispute(charge_of(account, ids[2]))
            account.close_dispute(dispute["id"], "won")
            account.cancel(ids[2])
    heard = [event for event in events if event["type"] in HANDLED_EVENTS]
    assert len(heard) > 15
    deliveries = heard * 2 + events
    chance.shuffle(deliveries)
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(stripe.deliver, deliveries)) == {200}
    paid = {address: membership(table, address).paid for address in addresses}
    plain = StripePayments(lambda: SECRET, api=stripe.url)
    grace = timedelta(days=14)
    customers = {address: membership(table, address).customer for address in addresses}
    assert paid == {a: paid_membership(plain.subscriptions(customers[a]), site, grace) for a in addresses}
    assert [each and each["state"] for each in paid.values()] == [None, "stopped", "ending"]
    assert [membership(table, a).complimentary for a in addresses] == [{"tier": "member", "until": until}, None, None]


def charge_of(account: StripeAccount, subscription: str) -> str:
    invoice = account.find("invoices", account.find("subscriptions", subscription)["latest_invoice"])
    intent = account.find("payment_intents", invoice["_payments"][-1]["payment"]["payment_intent"])
    return str(intent["latest_charge"])


def test_a_refund_ends_access_and_a_won_dispute_restores_it(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    visitor.sign_in(address)
    visitor.subscribe()
    charge = charge_of(stripe.account, subscription_of(stripe, table, address))

    def after(act: Any) -> str:
        with account_of(stripe) as account:
            act(account)
        all_heard(stripe, cloud)
        return visitor.now_reads_as()

    disputes: list[str] = []
    assert after(lambda account: account.refund(charge, 100)) == "member", "a part of it"
    assert after(lambda account: disputes.append(account.open_dispute(charge)["id"])) == "subscriber"
    assert "has ended" in visitor.billing()
    assert after(lambda account: account.close_dispute(disputes[0], "won")) == "member"
    assert after(lambda account: account.refund(charge)) == "subscriber"


def test_a_payment_that_fails_leaves_time_to_mend_it(
    visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    visitor.sign_in(address)
    visitor.subscribe(button="Pay with a card that fails at the renewal")
    with account_of(stripe) as account:
        account.advance(PERIODS["month"] + DAY)
    all_heard(stripe, cloud)
    assert visitor.now_reads_as() == "member"
    assert "last payment didn’t go through" in visitor.billing()
    visitor.submit(visitor.visit("/account/"), "/api/portal")
    visitor.press("Use a card that works")
    visitor.back()
    assert "a member. Your membership renews on" in visitor.billing()
    with account_of(stripe) as account:
        account.set_card(membership(table, address).customer, "fails later")
        account.advance(PERIODS["month"] + 8 * DAY)
    all_heard(stripe, cloud)
    assert visitor.now_reads_as() == "subscriber", "given up"


# --- Beside it ---


def test_complimentary_access_neither_ends_nor_lasts_by_what_is_paid(
    newsroom: Newsroom, visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    newsroom.run_json("members", "add", address, "--tier", "member", "--until", "2031-01-01")
    visitor.sign_in(address)
    given = membership(table, address).complimentary
    visitor.subscribe()
    assert membership(table, address).complimentary == given
    with account_of(stripe) as account:
        account.cancel(account.subscriptions_of(membership(table, address).customer)[0]["id"], at_once=True)
    all_heard(stripe, cloud)
    assert membership(table, address).complimentary == given
    assert membership(table, address).paid is None
    assert visitor.now_reads_as() == "member"


def test_a_paying_reader_cancels_before_deletion_and_is_deleted_at_stripe_too(
    newsroom: Newsroom, visitor: Payer, stripe: StripeStandIn, table: DynamoTable, cloud: CloudUnderTest
) -> None:
    address = new_address()
    visitor.sign_in(address)
    visitor.subscribe()
    customer = membership(table, address).customer
    answer = visitor.submit(visitor.visit("/account/"), "/api/account/delete", sure="yes")
    assert (answer.status, "once you’ve cancelled your membership" in answer.text) == (422, True)
    done = newsroom.run("members", "remove", address)
    assert (done.returncode, "cancelled first" in done.stderr) == (2, True)
    visitor.submit(visitor.visit("/account/"), "/api/portal")
    visitor.press("Cancel at the period’s end")
    if visitor.away:
        visitor.back()
    visitor.submit(visitor.visit("/account/"), "/api/account/delete", sure="yes")
    assert visitor.cookies == {}
    all_heard(stripe, cloud)
    assert table.get(f"member#{member_id(address)}", "membership") is None
    assert table.get(f"customer#{customer}", "member") is None
    with account_of(stripe) as account:
        assert account.objects["customers"][customer]["deleted"]
        assert address not in json.dumps(account.objects["customers"])
    other = Payer(cloud)
    other.sign_in(address)
    other.begin()
    assert newsroom.run("members", "remove", address).returncode == 0
    with account_of(stripe) as account:
        assert address not in json.dumps(account.objects["customers"])


def test_logs_hold_no_key_of_stripes_and_no_address(newsroom: Newsroom, visitor: Payer, stripe: StripeStandIn) -> None:
    address = new_address()
    visitor.sign_in(address)
    visitor.subscribe()
    visitor.visit("/account/")
    lines = "".join(newsroom.log_lines()) + (newsroom.home / "emulator.log").read_text("utf-8", "replace")
    assert "POST /api/stripe/webhook" in lines
    secrets = [API_KEY, WEBHOOK_SECRET, address, address.partition("@")[0]]
    assert [secret for secret in secrets if secret in lines] == []
