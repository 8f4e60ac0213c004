"""The Stripe adapter with Stripe's own library over a fake account, and what the fake API refuses."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import stripe
from nightdesk.adapters.stripe import API_VERSION, StripePayments
from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.payments import CheckoutOrder
from nightdesk.usecases.readers.payments import HANDLED_EVENTS
from nightdesk_local import stripe_account
from nightdesk_local.stripe_account import DAY, PERIODS, CardDeclined
from nightdesk_local.stripe_api import nested
from nightdesk_local.stripe_server import signed
from support.stripe_in_process import MONTH, ONCE, SECRET, STARTED, YEAR, FakeStripe, InProcessClient, webhook_request

MEMBER = "a" * 32


@pytest.fixture
def fake() -> FakeStripe:
    return FakeStripe()


def order(customer: str, price: str = MONTH, tier: str = "member") -> CheckoutOrder:
    return CheckoutOrder(
        price, tier, MEMBER, customer, "", "https://news.example/done", "https://news.example/membership/"
    )


def subscribed(fake: FakeStripe, price: str = MONTH, card: str = "works") -> str:
    """Create a customer, subscribe it, and return its id."""
    customer = fake.payments.create_customer(MEMBER, "ada@news.example", "1")
    fake.account.pay(fake.session_at(fake.payments.create_checkout(order(customer, price))), card)
    return customer


def test_the_api_version_is_that_of_the_library_and_of_the_fake() -> None:
    assert API_VERSION == stripe._api_version._ApiVersion.CURRENT == stripe_account.API_VERSION  # type: ignore[attr-defined]


def test_the_docs_list_the_webhook_events_that_are_handled() -> None:
    docs = (Path(__file__).parents[2] / "docs/aws.md").read_text("utf-8")
    assert set(re.findall(r"`((?:checkout|customer|invoice|charge)\.[a-z_.]+)`", docs)) == set(HANDLED_EVENTS)


def test_a_subscription_is_read(fake: FakeStripe) -> None:
    [found] = fake.payments.subscriptions(subscribed(fake, YEAR))
    assert (found.status, found.price, found.tier) == ("active", YEAR, "member")
    assert (found.period_start, found.period_end, found.cancel_at) == (STARTED, STARTED + PERIODS["year"], 0)
    assert not found.refunded


@pytest.mark.parametrize("flexible", [True, False])
def test_a_cancellation_is_read_in_either_billing_mode(fake: FakeStripe, flexible: bool) -> None:
    fake.account.flexible = flexible
    customer = subscribed(fake)
    [found] = fake.payments.subscriptions(customer)
    fake.account.cancel(found.id)
    [ending] = fake.payments.subscriptions(customer)
    assert ending.cancel_at == ending.period_end == found.period_end
    fake.account.resume(found.id)
    assert fake.payments.subscriptions(customer) == [found]
    fake.account.cancel(found.id, at_once=True)
    assert fake.payments.subscriptions(customer) == []


def test_refunds_and_disputes_are_read(fake: FakeStripe) -> None:
    customer = subscribed(fake)
    [charge] = fake.account.objects["charges"]

    def refunded() -> bool:
        [found] = fake.payments.subscriptions(customer)
        return found.refunded

    fake.account.refund(charge, 300)
    assert not refunded(), "a partial refund"
    inquiry = fake.account.open_dispute(charge, "warning_needs_response")
    assert not refunded(), "an inquiry does not move money"
    fake.account.close_dispute(inquiry["id"], "warning_closed")
    dispute = fake.account.open_dispute(charge)
    assert refunded()
    fake.account.close_dispute(dispute["id"], "won")
    assert not refunded()
    fake.account.close_dispute(fake.account.open_dispute(charge)["id"], "lost")
    assert refunded()
    fake.account.advance(PERIODS["month"])
    assert not refunded(), "the next period is paid"
    fake.account.refund(list(fake.account.objects["charges"])[-1])
    assert refunded()


def test_a_failed_payment_is_retried_until_the_subscription_is_canceled(fake: FakeStripe) -> None:
    customer = subscribed(fake, card="fails later")
    fake.account.advance(PERIODS["month"])
    [found] = fake.payments.subscriptions(customer)
    assert (found.status, found.period_start) == ("past_due", STARTED + PERIODS["month"])
    fake.account.advance(4 * DAY)
    fake.account.set_card(customer, "works")
    [found] = fake.payments.subscriptions(customer)
    assert found.status == "active"
    fake.account.set_card(customer, "fails later")
    fake.account.advance(PERIODS["month"] + 8 * DAY)
    assert fake.payments.subscriptions(customer) == []


def test_a_subscription_can_end_as_unpaid(fake: FakeStripe) -> None:
    fake.account.after_last_retry = "unpaid"
    customer = subscribed(fake, card="fails later")
    fake.account.advance(PERIODS["month"] + 8 * DAY)
    assert [each.status for each in fake.payments.subscriptions(customer)] == ["unpaid"]


def test_an_idempotency_key_creates_one_customer(fake: FakeStripe) -> None:
    made = [fake.payments.create_customer(MEMBER, "ada@news.example", key) for key in ("1", "1", "2")]
    assert made[0] == made[1] != made[2]
    assert fake.account.find("customers", made[0])["metadata"] == {"member": MEMBER}


def test_a_deleted_customer_is_missing_without_an_error(fake: FakeStripe) -> None:
    customer = subscribed(fake)
    fake.payments.delete_customer(customer)
    fake.payments.delete_customer(customer)
    assert fake.payments.subscriptions(customer) == []
    assert list(fake.payments.subscriptions("cus_unknown")) == []
    with pytest.raises(Conflict):
        fake.payments.create_checkout(order(customer))
    assert "ada@" not in json.dumps(fake.account.find("customers", customer))


def test_a_contribution_needs_no_customer(fake: FakeStripe) -> None:
    url = fake.payments.create_checkout(
        CheckoutOrder(ONCE, "", "", "", "ada@news.example", "https://news.example/", "https://x/")
    )
    session = fake.account.find("sessions", fake.session_at(url))
    assert (session["mode"], session["customer_email"], session["submit_type"]) == (
        "payment",
        "ada@news.example",
        "donate",
    )
    with pytest.raises(CardDeclined):
        fake.account.pay(session["id"], "declines")
    assert fake.account.pay(session["id"]) == "https://news.example/"


def test_the_customer_of_a_charge_is_found(fake: FakeStripe) -> None:
    customer = subscribed(fake)
    [charge] = fake.account.objects["charges"]
    assert fake.payments.customer_of_charge(charge) == customer
    assert fake.payments.customer_of_charge("ch_unknown") == ""
    fake.account.pay(fake.session_at(fake.payments.create_checkout(order("", ONCE, ""))))
    assert fake.payments.customer_of_charge(list(fake.account.objects["charges"])[-1]) == ""


def test_the_portal_links_back_to_the_site(fake: FakeStripe) -> None:
    customer = subscribed(fake)
    url = fake.payments.create_portal(customer, "https://news.example/back")
    [portal] = fake.account.objects["portals"].values()
    assert (url, portal["return_url"]) == (portal["url"], "https://news.example/back")


def test_an_error_has_stripes_code_and_no_address(fake: FakeStripe) -> None:
    with pytest.raises(Transient, match=r"resource_missing line_items\[0\]\[price\]"):
        fake.payments.create_checkout(
            order(fake.payments.create_customer(MEMBER, "ada@news.example", "1"), "price_other")
        )
    wrong = StripePayments(lambda: {**SECRET, "api_key": "sk_other"}, http=InProcessClient(fake.api))
    with pytest.raises(Transient, match="AuthenticationError") as caught:
        wrong.create_customer(MEMBER, "ada@news.example", "2")
    assert "ada" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_unreachable_api_is_transient() -> None:
    away = StripePayments(lambda: SECRET, "http://127.0.0.1:9")
    with pytest.raises(Transient, match="APIConnectionError"):
        away.subscriptions("cus_1")


# --- Events ---


def test_an_event_names_its_customer_or_its_charge(fake: FakeStripe) -> None:
    customer = subscribed(fake, card="fails later")
    [charge] = fake.account.objects["charges"]
    fake.account.close_dispute(fake.account.open_dispute(charge)["id"], "won")
    fake.account.refund(charge)
    fake.account.advance(PERIODS["month"] + 8 * DAY)
    fake.payments.delete_customer(customer)
    found = [fake.payments.verify_event(*webhook_request(event)) for event in fake.events]
    assert {notice.customer for notice in found if not notice.type.startswith("charge.dispute")} == {customer}
    assert {notice.charge for notice in found if notice.type.startswith("charge.dispute")} == {charge}
    assert {notice.id for notice in found} == {event["id"] for event in fake.events}
    assert {notice.type for notice in found} - {"payment_intent.succeeded"} <= set(HANDLED_EVENTS)


def test_one_valid_signature_of_several_is_enough(fake: FakeStripe) -> None:
    body, signature = webhook_request(
        {"id": "evt_1", "type": "t", "data": {"object": {"object": "charge", "id": "ch_1"}}}
    )
    moment, _, value = signature.partition(",")
    assert fake.payments.verify_event(body, f"{moment},v1={'0' * 64},{value},v0=junk").id == "evt_1"


def forgeries() -> dict[str, tuple[bytes, str]]:
    body = b'{"id": "evt_1", "type": "t", "data": {"object": {"object": "customer", "id": "cus_1"}}}'
    now = time.time()
    good = signed(body, now)
    return {
        "none": (body, ""),
        "junk": (body, "junk"),
        "no signature": (body, good.partition(",")[0]),
        "no moment": (body, good.partition(",")[2]),
        "another secret": (body, signed(body, now, "whsec_other")),
        "an empty secret": (body, signed(body, now, "")),
        "another body": (body.replace(b"cus_1", b"cus_2"), good),
        "another scheme": (body, good.replace("v1=", "v0=")),
        "another moment": (body, good.replace(f"t={int(now)}", f"t={int(now) + 1}")),
        "too old": (body, signed(body, now - 301)),
        "not UTF-8": (b"\xff" + body, signed(b"\xff" + body, now)),
        "letters of elsewhere": (body, good[:-1] + "é"),
        "no JSON": (b"x", signed(b"x", now)),
        "no event": (b"[]", signed(b"[]", now)),
        "a thin event": (thin := b'{"id": "evt_1", "object": "v2.core.event", "type": "t"}', signed(thin, now)),
    }


@pytest.mark.parametrize("name", list(forgeries()))
def test_an_event_without_a_recent_signature_is_refused(fake: FakeStripe, name: str) -> None:
    with pytest.raises(Permanent, match="signed"):
        fake.payments.verify_event(*forgeries()[name])


def test_an_event_signed_minutes_ago_is_accepted(fake: FakeStripe) -> None:
    body = json.dumps({"id": "evt_1", "type": "t", "data": {"object": {"object": "charge", "id": "c"}}}).encode()
    assert fake.payments.verify_event(body, signed(body, time.time() - 290)).id == "evt_1"


def test_without_a_webhook_secret_every_event_is_refused(fake: FakeStripe) -> None:
    payments = StripePayments(lambda: {**SECRET, "webhook_secret": ""}, http=InProcessClient(fake.api))
    body = b"{}"
    for secret in ("", " "):
        with pytest.raises(Permanent):
            payments.verify_event(body, signed(body, time.time(), secret))


# --- The fake API ---


def test_the_fake_refuses_unknown_requests_and_parameters(fake: FakeStripe) -> None:
    headers = {"authorization": f"Bearer {SECRET['api_key']}", "stripe-version": API_VERSION}

    def status(method: str, path: str, text: str = "", **other: str) -> int:
        return fake.api.answer(method, path, text, {**headers, **other})[0]

    assert status("POST", "/v1/customers", "email=a%40b.example") == 200
    assert status("POST", "/v1/customers", "emial=a%40b.example") == 400
    assert status("POST", "/v1/customers", authorization="Bearer sk_other") == 401
    assert status("POST", "/v1/customers", **{"stripe-version": "2020-08-27"}) == 400
    assert status("GET", "/v1/refunds") == 404
    assert status("GET", "/v1/charges/ch_none") == 404
    once = {"idempotency-key": "k"}
    assert (
        status("POST", "/v1/customers", "email=a", **once) == status("POST", "/v1/customers", "email=a", **once) == 200
    )
    assert status("POST", "/v1/customers", "email=b", **once) == 400


def test_form_parameters_are_nested() -> None:
    assert nested("a[b][0][c]=1&a[b][1][c]=2&d=%C3%A9") == {"a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}}, "d": "é"}
