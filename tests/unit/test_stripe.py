"""The adapter with Stripe's own library, over the stand-in's books; and what the stand-in refuses, as Stripe does."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import stripe
from nightdesk.adapters.stripe import API_VERSION, StripePayments
from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.usecases.payments import EVENTS
from nightdesk.usecases.ports import Order
from nightdesk_local import stripe_books
from nightdesk_local.stripe_books import DAY, PERIODS, Declined, nested
from nightdesk_local.stripe_server import signed
from stripe_in_process import BEGAN, MONTH, ONCE, SECRET, YEAR, InProcess, Stripe, sent

MEMBER = "a" * 32


@pytest.fixture
def account() -> Stripe:
    return Stripe()


def order(customer: str, price: str = MONTH, tier: str = "member") -> Order:
    return Order(price, tier, MEMBER, customer, "", "https://news.example/done", "https://news.example/membership/")


def subscribed(account: Stripe, price: str = MONTH, card: str = "works") -> str:
    """A customer who has subscribed."""
    customer = account.payments.customer(MEMBER, "ada@news.example", "1")
    account.books.pay(account.session_at(account.payments.checkout(order(customer, price))), card)
    return customer


def test_the_version_is_the_one_that_the_library_was_made_for() -> None:
    assert API_VERSION == stripe._api_version._ApiVersion.CURRENT == stripe_books.API_VERSION  # type: ignore[attr-defined]


def test_the_events_that_count_are_those_that_stripe_is_told_to_send() -> None:
    told = (Path(__file__).parents[2] / "docs/aws.md").read_text("utf-8")
    assert set(re.findall(r"`((?:checkout|customer|invoice|charge)\.[a-z_.]+)`", told)) == set(EVENTS)


def test_a_subscription_is_read_as_it_is(account: Stripe) -> None:
    [found] = account.payments.subscriptions(subscribed(account, YEAR))
    assert (found.status, found.price, found.tier) == ("active", YEAR, "member")
    assert (found.begins, found.ends, found.stops) == (BEGAN, BEGAN + PERIODS["year"], 0)
    assert not found.taken_back


@pytest.mark.parametrize("flexible", [True, False])
def test_its_end_is_read_in_either_billing_mode(account: Stripe, flexible: bool) -> None:
    account.books.flexible = flexible
    customer = subscribed(account)
    [found] = account.payments.subscriptions(customer)
    account.books.end(found.id)
    [ending] = account.payments.subscriptions(customer)
    assert ending.stops == ending.ends == found.ends
    account.books.go_on(found.id)
    assert account.payments.subscriptions(customer) == [found]
    account.books.end(found.id, at_once=True)
    assert account.payments.subscriptions(customer) == []


def test_money_that_went_back_is_seen(account: Stripe) -> None:
    customer = subscribed(account)
    [charge] = account.books.kept["charges"]

    def taken_back() -> bool:
        [found] = account.payments.subscriptions(customer)
        return found.taken_back

    account.books.refund(charge, 300)
    assert not taken_back(), "a part of it"
    inquiry = account.books.dispute(charge, "warning_needs_response")
    assert not taken_back(), "an inquiry takes nothing"
    account.books.close(inquiry["id"], "warning_closed")
    dispute = account.books.dispute(charge)
    assert taken_back()
    account.books.close(dispute["id"], "won")
    assert not taken_back()
    account.books.close(account.books.dispute(charge)["id"], "lost")
    assert taken_back()
    account.books.let_pass(PERIODS["month"])
    assert not taken_back(), "the next period was paid for"
    account.books.refund(list(account.books.kept["charges"])[-1])
    assert taken_back()


def test_a_payment_that_fails_is_tried_again_and_given_up(account: Stripe) -> None:
    customer = subscribed(account, card="fails later")
    account.books.let_pass(PERIODS["month"])
    [found] = account.payments.subscriptions(customer)
    assert (found.status, found.begins) == ("past_due", BEGAN + PERIODS["month"])
    account.books.let_pass(4 * DAY)
    account.books.use_card(customer, "works")
    [found] = account.payments.subscriptions(customer)
    assert found.status == "active"
    account.books.use_card(customer, "fails later")
    account.books.let_pass(PERIODS["month"] + 8 * DAY)
    assert account.payments.subscriptions(customer) == []


def test_it_may_be_left_unpaid(account: Stripe) -> None:
    account.books.gives_up = "unpaid"
    customer = subscribed(account, card="fails later")
    account.books.let_pass(PERIODS["month"] + 8 * DAY)
    assert [each.status for each in account.payments.subscriptions(customer)] == ["unpaid"]


def test_a_customer_is_made_once_for_a_key(account: Stripe) -> None:
    made = [account.payments.customer(MEMBER, "ada@news.example", key) for key in ("1", "1", "2")]
    assert made[0] == made[1] != made[2]
    assert account.books.find("customers", made[0])["metadata"] == {"member": MEMBER}


def test_who_is_deleted_is_missing_and_no_error(account: Stripe) -> None:
    customer = subscribed(account)
    account.payments.forget(customer)
    account.payments.forget(customer)
    assert account.payments.subscriptions(customer) == []
    assert list(account.payments.subscriptions("cus_unknown")) == []
    with pytest.raises(Conflict):
        account.payments.checkout(order(customer))
    assert "ada@" not in json.dumps(account.books.find("customers", customer))


def test_a_contribution_needs_no_customer(account: Stripe) -> None:
    url = account.payments.checkout(Order(ONCE, "", "", "", "ada@news.example", "https://news.example/", "https://x/"))
    session = account.books.find("sessions", account.session_at(url))
    assert (session["mode"], session["customer_email"], session["submit_type"]) == (
        "payment",
        "ada@news.example",
        "donate",
    )
    with pytest.raises(Declined):
        account.books.pay(session["id"], "declines")
    assert account.books.pay(session["id"]) == "https://news.example/"


def test_who_paid_a_charge_is_found(account: Stripe) -> None:
    customer = subscribed(account)
    [charge] = account.books.kept["charges"]
    assert account.payments.payer(charge) == customer
    assert account.payments.payer("ch_unknown") == ""
    account.books.pay(account.session_at(account.payments.checkout(order("", ONCE, ""))))
    assert account.payments.payer(list(account.books.kept["charges"])[-1]) == ""


def test_the_portal_leads_back(account: Stripe) -> None:
    customer = subscribed(account)
    url = account.payments.portal(customer, "https://news.example/back")
    [portal] = account.books.kept["portals"].values()
    assert (url, portal["return_url"]) == (portal["url"], "https://news.example/back")


def test_what_stripe_refuses_says_its_code_and_no_address(account: Stripe) -> None:
    with pytest.raises(Transient, match=r"resource_missing line_items\[0\]\[price\]"):
        account.payments.checkout(order(account.payments.customer(MEMBER, "ada@news.example", "1"), "price_other"))
    wrong = StripePayments(lambda: {**SECRET, "api_key": "sk_other"}, http=InProcess(account.books))
    with pytest.raises(Transient, match="AuthenticationError") as caught:
        wrong.customer(MEMBER, "ada@news.example", "2")
    assert "ada" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_out_of_reach_is_transient() -> None:
    away = StripePayments(lambda: SECRET, "http://127.0.0.1:9")
    with pytest.raises(Transient, match="APIConnectionError"):
        away.subscriptions("cus_1")


# --- Events ---


def test_an_event_says_whose_affairs_to_look_at(account: Stripe) -> None:
    customer = subscribed(account, card="fails later")
    [charge] = account.books.kept["charges"]
    account.books.close(account.books.dispute(charge)["id"], "won")
    account.books.refund(charge)
    account.books.let_pass(PERIODS["month"] + 8 * DAY)
    account.payments.forget(customer)
    found = [account.payments.notice(*sent(event)) for event in account.events]
    assert {notice.customer for notice in found if not notice.type.startswith("charge.dispute")} == {customer}
    assert {notice.charge for notice in found if notice.type.startswith("charge.dispute")} == {charge}
    assert {notice.id for notice in found} == {event["id"] for event in account.events}
    assert {notice.type for notice in found} - {"payment_intent.succeeded"} <= set(EVENTS)


def test_several_signatures_may_come_and_one_has_to_fit(account: Stripe) -> None:
    body, signature = sent({"id": "evt_1", "type": "t", "data": {"object": {"object": "charge", "id": "ch_1"}}})
    moment, _, value = signature.partition(",")
    assert account.payments.notice(body, f"{moment},v1={'0' * 64},{value},v0=junk").id == "evt_1"


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
def test_what_stripe_has_not_signed_just_now_is_nothing(account: Stripe, name: str) -> None:
    with pytest.raises(Permanent, match="signed"):
        account.payments.notice(*forgeries()[name])


def test_an_event_may_be_minutes_old(account: Stripe) -> None:
    body = json.dumps({"id": "evt_1", "type": "t", "data": {"object": {"object": "charge", "id": "c"}}}).encode()
    assert account.payments.notice(body, signed(body, time.time() - 290)).id == "evt_1"


def test_without_a_secret_for_events_none_is_believed(account: Stripe) -> None:
    payments = StripePayments(lambda: {**SECRET, "webhook_secret": ""}, http=InProcess(account.books))
    body = b"{}"
    for secret in ("", " "):
        with pytest.raises(Permanent):
            payments.notice(body, signed(body, time.time(), secret))


# --- The stand-in ---


def test_the_stand_in_refuses_what_stripe_does_not_know(account: Stripe) -> None:
    headers = {"authorization": f"Bearer {SECRET['api_key']}", "stripe-version": API_VERSION}

    def status(method: str, path: str, text: str = "", **other: str) -> int:
        return account.books.answer(method, path, text, {**headers, **other})[0]

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


def test_parameters_are_nested_as_stripe_nests_them() -> None:
    assert nested("a[b][0][c]=1&a[b][1][c]=2&d=%C3%A9") == {"a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}}, "d": "é"}
