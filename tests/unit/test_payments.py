"""Payments: the use cases with the deployed adapter and Stripe's own library over a fake account."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightdesk.domain.errors import Conflict, Permanent, RateLimited, Transient
from nightdesk.domain.events import MembershipChanged
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.payments import (
    CheckoutOrder,
    Subscription,
    paid_membership,
    renewal_unconfirmed,
    will_charge_again,
)
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.ports import ANY, Change, ReaderPorts, SignInLimits
from nightdesk.repositories import memberships_table
from nightdesk.usecases.readers import members, payments
from nightdesk.usecases.readers.payments import CheckoutRequest, ContributionRequest
from nightdesk.usecases.readers.sessions import Reader
from nightdesk_local.stripe_account import DAY, PERIODS, ApiError, Object
from support.sign_in_harness import ADA, NOW, SignInHarness
from support.stripe_in_process import MONTH, ONCE, PATRON, STARTED, YEAR, FakeStripe, webhook_request

GRACE = timedelta(days=14)
SITE = Site(
    base_url="https://news.example",
    tiers=("public", "subscriber", "member", "patron"),
    offers=(
        Offer("member", "Member", (Price("month", MONTH, "€8"), Price("year", YEAR, "€80"))),
        Offer("patron", "Patron", (Price("month", PATRON, "€25"),)),
    ),
    contributions=(Price("once", ONCE, "€5"),),
)
ORIGIN = "https://news.example"
ARTICLE = "/articles/x/#gate-2"


def iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


# --- What a subscription entitles to ---


def subscription(**changes: Any) -> Subscription:
    return Subscription("sub_1", "active", MONTH, "", 1000 * DAY, 1030 * DAY, 0, False)._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "state", "day"),
    [
        ({}, "renewing", 1044),
        ({"status": "trialing"}, "renewing", 1044),
        ({"cancel_at": 1030 * DAY}, "ending", 1030),
        ({"cancel_at": 1010 * DAY}, "ending", 1010),
        ({"status": "past_due"}, "overdue", 1014),
        ({"status": "past_due", "period_end": 1007 * DAY}, "overdue", 1007),
        ({"status": "past_due", "cancel_at": 1005 * DAY}, "overdue", 1005),
        ({"status": "unpaid"}, "stopped", 0),
        ({"refunded": True}, "stopped", 0),
        ({"refunded": True, "cancel_at": 1030 * DAY}, "stopped", 0),
    ],
)
def test_how_long_a_subscription_entitles(changes: dict[str, Any], state: str, day: int) -> None:
    found = paid_membership([subscription(**changes)], SITE, GRACE)
    assert found
    assert (found["tier"], found["state"], found["until"]) == ("member", state, iso(day * DAY))
    assert found["period_end"] == iso(changes.get("period_end", 1030 * DAY))


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "paused", "canceled", "something new"])
def test_an_unpaid_or_ended_subscription_entitles_to_nothing(status: str) -> None:
    assert paid_membership([subscription(status=status)], SITE, GRACE) is None


def test_the_tier_comes_from_the_price_or_else_from_the_checkout() -> None:
    def tier(price: str, asked: str) -> str | None:
        found = paid_membership([subscription(price=price, tier=asked)], SITE, GRACE)
        return found and found["tier"]

    assert tier(PATRON, "member") == "patron", "changed in the portal"
    assert tier("price_of_last_year", "member") == "member"
    assert tier("price_other", "") is tier("price_other", "founder") is tier("price_other", "public") is None


def test_of_several_subscriptions_the_best_one_counts() -> None:
    month, patron = subscription(), subscription(id="sub_2", price=PATRON)
    year = subscription(id="sub_3", price=YEAR, period_end=1365 * DAY)
    stopped = patron._replace(status="unpaid")

    def best(*found: Subscription) -> str:
        paid = paid_membership(found, SITE, GRACE)
        assert paid == paid_membership(found[::-1], SITE, GRACE)
        assert paid
        return str(paid["subscription"])

    assert (best(month, patron, year), best(month, year), best(month, stopped)) == ("sub_2", "sub_3", "sub_1")


def test_a_renewal_is_unconfirmed_after_the_end_of_its_period() -> None:
    ends = datetime.fromtimestamp(1030 * DAY, UTC)
    renewing, ending = (paid_membership([subscription(cancel_at=s)], SITE, GRACE) for s in (0, 1030 * DAY))
    assert [renewal_unconfirmed(renewing, ends + timedelta(seconds=s)) for s in (-1, 0)] == [False, True]
    assert not renewal_unconfirmed(ending, ends)
    assert not renewal_unconfirmed(None, ends)
    assert (will_charge_again(renewing), will_charge_again(ending), will_charge_again(None)) == (True, False, False)


# --- Readers who pay ---


class PaymentHarness:
    """The readers' ports in memory with a fake Stripe account, whose clock is the readers' clock."""

    def __init__(self, **limits: int) -> None:
        self.calls: list[str] = []
        self.stripe = FakeStripe(self.calls.append)
        self.sign_in = SignInHarness(SignInLimits(**limits))
        self.table, self.account = self.sign_in.table, self.stripe.account
        self.ports: ReaderPorts = replace(self.sign_in.ports, payments=self.stripe.payments, grace=GRACE)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.account.now, UTC)

    def reader(self, address: str = ADA) -> Reader:
        """Return a signed-in reader with the stored membership."""
        found = memberships_table.find_membership(self.table, member_id(address))
        if not found:
            return self.sign_in.sign_in(address).reader
        return Reader(member_id(address), *found, "")

    def membership(self, address: str = ADA) -> Membership:
        return self.reader(address).membership

    def subscribe(self, price: str = MONTH, address: str = ADA, return_to: str = "") -> str:
        """Start a checkout and return its session."""
        request = CheckoutRequest(price, return_to, ORIGIN)
        url = payments.subscribe(self.reader(address), request, SITE, self.ports, NOW)
        return self.stripe.session_at(url)

    def contribute(
        self, price: str = ONCE, caller: str = "192.0.2.1", back: str = "/", reader: Reader | None = None
    ) -> str:  # fmt: skip
        """Start a contribution and return its session."""
        request = ContributionRequest(price, reader, caller, back, ORIGIN)
        return self.stripe.session_at(payments.contribute(request, SITE, self.ports, NOW))

    def handle(self, event: Object) -> payments.WebhookResult:
        return payments.handle_webhook(*webhook_request(event), SITE, self.ports, NOW)

    def handle_all(self) -> list[str]:
        """Handle the events that were not handled yet, and return the outcomes."""
        events, self.stripe.events[:] = list(self.stripe.events), []
        return [self.handle(event).outcome for event in events]

    def refresh(self, reader: Reader) -> Reader:
        return payments.refresh_reader(reader, SITE, self.ports, NOW)

    def delete_account(self) -> None:
        payments.delete_account(member_id(ADA), SITE, self.ports, NOW)

    def tier(self, address: str = ADA) -> str:
        return self.membership(address).entitlement(SITE, self.now).tier


@pytest.fixture
def harness() -> PaymentHarness:
    return PaymentHarness()


def test_paying_entitles_at_once_and_later_events_change_nothing(harness: PaymentHarness) -> None:
    session = harness.subscribe(return_to=ARTICLE)
    assert harness.tier() == "subscriber", "an open checkout grants no tier"
    assert harness.account.pay(session) == f"{ORIGIN}/api/checkout/done?return_to=/articles/x/%23gate-2"
    assert harness.refresh(harness.reader()).membership.paid
    assert harness.tier() == "member"
    before = harness.membership()
    assert set(harness.handle_all()) == {"refreshed", "ignored"}
    assert harness.membership() == before
    paid = before.paid
    assert paid
    assert (paid["state"], paid["until"]) == ("renewing", iso(STARTED + PERIODS["month"] + 14 * DAY))


def test_each_handled_event_alone_refreshes_the_membership(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    for event in harness.stripe.events:
        if event["type"] in payments.HANDLED_EVENTS:
            members.update_membership(member_id(ADA), harness.table, lambda found: replace(found, paid=None))
            assert harness.handle(event).outcome == "refreshed"
            assert harness.tier() == "member", event["type"]


def test_an_event_is_handled_once(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    event = harness.stripe.events[-1]
    assert harness.handle(event) == ("refreshed", member_id(ADA))
    harness.calls.clear()
    assert harness.handle(event).outcome == "duplicate"
    assert harness.calls == []
    row = harness.table.get(f"stripe#{event['id']}", "event")
    assert row
    assert row["ttl"] - NOW.timestamp() == 30 * DAY


def test_an_interrupted_event_is_handled_when_it_is_sent_again(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    event = harness.stripe.events[-1]
    answer, harness.stripe.api.answer = harness.stripe.api.answer, lambda *_: (503, {"error": {"type": "api_error"}})  # type: ignore[method-assign]
    with pytest.raises(Transient):
        harness.handle(event)
    harness.stripe.api.answer = answer  # type: ignore[method-assign]
    write, harness.table.write = harness.table.write, fail  # type: ignore[method-assign]
    with pytest.raises(Transient):
        harness.handle(event)
    harness.table.write = write  # type: ignore[method-assign]
    assert harness.tier() == "subscriber"
    assert harness.handle(event).outcome == "refreshed"
    assert harness.tier() == "member"


def fail(*_: Any) -> Any:
    raise Transient("away")


def test_an_older_answer_of_stripe_never_overwrites_a_newer_one(harness: PaymentHarness) -> None:
    """Between the answer and the write, the subscription is cancelled and another event is handled."""
    harness.account.pay(harness.subscribe())
    first, *_, last = [event for event in harness.stripe.events if event["type"] in payments.HANDLED_EVENTS]
    assert isinstance(harness.ports.payments, type(harness.stripe.payments))
    ask = harness.ports.payments.subscriptions

    def slow(customer: str) -> Any:
        answer = ask(customer)
        harness.stripe.payments.subscriptions = ask  # type: ignore[method-assign]
        harness.account.cancel(answer[0].id, at_once=True)
        assert harness.handle(last).outcome == "refreshed"
        assert harness.membership().paid is None
        return answer

    harness.stripe.payments.subscriptions = slow  # type: ignore[method-assign]
    assert harness.handle(first).outcome == "refreshed"
    assert harness.membership().paid is None


def test_events_of_unknown_customers_are_accepted_without_effect(harness: PaymentHarness) -> None:
    stranger = harness.stripe.payments.create_customer("b" * 32, "stranger@news.example", "1")
    harness.account.delete_customer(stranger)
    assert harness.handle_all() == ["unknown customer"]
    harness.account.open_dispute(harness.account.charge(None, 500)["latest_charge"])
    assert harness.handle_all() == ["ignored", "unknown customer"]
    assert memberships_table.find_membership(harness.table, "b" * 32) is None


def test_the_lifecycle_of_a_subscription(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe(), card="fails later")
    harness.handle_all()
    course = []

    def now_is(*words: object) -> None:
        harness.handle_all()
        paid = harness.membership().paid
        course.append((*words, harness.tier(), paid and paid["state"]))

    month = PERIODS["month"]
    harness.account.advance(month - 1)
    now_is("paid for")
    harness.account.advance(2)
    now_is("the second payment fails")
    harness.account.set_card(harness.membership().customer, "works")
    now_is("and succeeds")
    [found] = harness.account.objects["subscriptions"]
    harness.account.cancel(found)
    now_is("cancelled")
    harness.account.resume(found)
    now_is("kept")
    harness.account.change_price(found, PATRON)
    now_is("changed")
    harness.account.refund(list(harness.account.objects["charges"])[-1])
    now_is("refunded")
    harness.account.advance(month)
    now_is("paid for again")
    dispute = harness.account.open_dispute(list(harness.account.objects["charges"])[-1])
    now_is("disputed")
    harness.account.close_dispute(dispute["id"], "won")
    now_is("won")
    harness.account.cancel(found)
    harness.account.advance(month)
    now_is("ended")
    assert course == [
        ("paid for", "member", "renewing"),
        ("the second payment fails", "member", "overdue"),
        ("and succeeds", "member", "renewing"),
        ("cancelled", "member", "ending"),
        ("kept", "member", "renewing"),
        ("changed", "patron", "renewing"),
        ("refunded", "subscriber", "stopped"),
        ("paid for again", "patron", "renewing"),
        ("disputed", "subscriber", "stopped"),
        ("won", "patron", "renewing"),
        ("ended", "subscriber", None),
    ]


def test_the_grace_period_can_end_while_payments_are_retried(harness: PaymentHarness) -> None:
    harness.ports = replace(harness.ports, grace=timedelta(days=2))
    harness.account.pay(harness.subscribe(), card="fails later")
    harness.account.advance(PERIODS["month"] + 1)
    harness.handle_all()
    assert harness.tier() == "member"
    harness.account.advance(2 * DAY)
    assert harness.handle_all() == [], "no event announces it"
    assert harness.tier() == "subscriber"


def test_a_missing_renewal_event_is_replaced_by_a_refresh(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    harness.handle_all()
    assert not payments.needs_refresh(harness.reader(), harness.ports, harness.now)
    harness.account.advance(PERIODS["month"])
    harness.stripe.events.clear()
    assert harness.tier() == "member", "during the grace period in any case"
    assert payments.needs_refresh(harness.reader(), harness.ports, harness.now)
    assert not payments.needs_refresh(harness.reader(), replace(harness.ports, payments=None), harness.now)
    assert harness.refresh(harness.reader()).membership.paid
    assert not payments.needs_refresh(harness.reader(), harness.ports, harness.now)


# --- With complimentary access ---


def test_payments_do_not_change_a_complimentary_tier(harness: PaymentHarness) -> None:
    """It ends when it was to end, whatever is paid, changed or cancelled meanwhile."""
    until = datetime.fromtimestamp(STARTED + 20 * DAY, UTC).isoformat()
    harness.reader()

    def grant(tier: str, until: str) -> None:
        members.grant_to_address(ADA, members.Grant(tier, until), SITE, harness.ports)

    grant("member", until)
    harness.account.pay(harness.subscribe(PATRON))
    harness.handle_all()
    assert (harness.tier(), harness.membership().complimentary) == ("patron", {"tier": "member", "until": until})
    [found] = harness.account.objects["subscriptions"]
    harness.account.cancel(found, at_once=True)
    harness.handle_all()
    assert (harness.tier(), harness.membership().complimentary) == ("member", {"tier": "member", "until": until})
    harness.account.advance(20 * DAY)
    assert harness.tier() == "subscriber"
    grant("member", "")
    harness.account.pay(harness.subscribe(MONTH))
    harness.handle_all()
    standing = harness.membership().entitlement(SITE, harness.now)
    assert (standing.source, standing.until) == ("complimentary", ""), "it lasts longer"
    harness.account.advance(400 * DAY)
    harness.handle_all()
    harness.account.cancel(list(harness.account.objects["subscriptions"])[-1], at_once=True)
    harness.handle_all()
    assert harness.tier() == "member"


def test_a_paid_tier_always_has_an_end(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe(YEAR))
    harness.handle_all()
    harness.account.advance(PERIODS["year"] + 15 * DAY)
    harness.stripe.events.clear()
    assert harness.tier() == "subscriber", "even if no event ever arrives"


# --- Checkouts ---


def test_a_reader_gets_one_customer_with_the_members_id(harness: PaymentHarness) -> None:
    harness.subscribe()
    harness.subscribe()
    [customer] = harness.account.objects["customers"]
    assert harness.membership().customer == customer
    assert memberships_table.member_of_customer(harness.table, customer) == member_id(ADA)
    assert harness.account.find("customers", customer)["metadata"] == {"member": member_id(ADA)}


def interrupt(harness: PaymentHarness, act: Callable[[], object]) -> None:
    """Run `act` just before the next write."""
    write = harness.table.write

    def late(changes: Any) -> None:
        harness.table.write = write  # type: ignore[method-assign]
        act()
        write(changes)

    harness.table.write = late  # type: ignore[method-assign]


def test_two_concurrent_checkouts_share_one_customer(harness: PaymentHarness) -> None:
    reader = harness.reader()
    other: list[str] = []

    def in_another_tab() -> None:
        other.append(harness.subscribe(YEAR))

    interrupt(harness, in_another_tab)
    session = harness.subscribe()
    sessions = [harness.account.find("sessions", name) for name in (session, *other)]
    assert [each["customer"] for each in sessions] == [harness.membership().customer] * 2
    assert [each["status"] for each in sessions].count("open") == 1, "only one of them can be paid"
    assert reader.membership.customer == ""


def test_a_deleted_customer_is_created_again(harness: PaymentHarness) -> None:
    harness.subscribe()
    gone = harness.membership().customer
    harness.account.delete_customer(gone)
    harness.handle_all()
    harness.account.pay(harness.subscribe())
    harness.handle_all()
    assert harness.tier() == "member"
    assert harness.membership().customer != gone
    assert not memberships_table.member_of_customer(harness.table, gone)


def test_a_membership_cannot_be_paid_twice(harness: PaymentHarness) -> None:
    first, second = harness.subscribe(), harness.subscribe()
    with pytest.raises(ApiError):
        harness.account.pay(first)  # in the tab that was opened first
    harness.account.pay(second)
    # No event has arrived yet, and the reader's tab is out of date.
    with pytest.raises(payments.AlreadyPays):
        harness.subscribe()
    harness.account.objects["sessions"][first]["status"] = "open"
    harness.account.pay(first)  # as the newsroom can on the provider's own pages
    harness.handle_all()
    assert harness.tier() == "member"
    one, two = harness.account.objects["subscriptions"]
    harness.account.cancel(two, at_once=True)
    harness.handle_all()
    assert harness.tier() == "member", "the other subscription still counts"
    harness.account.cancel(one)
    harness.handle_all()
    with pytest.raises(payments.AlreadyPays):
        harness.subscribe()
    harness.account.cancel(one, at_once=True)
    assert harness.subscribe(), "after a cancellation a new checkout needs no event"


def test_paying_while_another_tab_starts_a_checkout_does_not_pay_twice(harness: PaymentHarness) -> None:
    first = harness.subscribe()
    begin = harness.stripe.payments.create_checkout

    def late(order: CheckoutOrder) -> str:
        harness.account.pay(first)
        return begin(order)

    harness.stripe.payments.create_checkout = late  # type: ignore[method-assign]
    with pytest.raises(payments.AlreadyPays):
        harness.subscribe()


@pytest.mark.parametrize("price", ["price_other", ONCE, ""])
def test_only_prices_on_offer_are_sold(harness: PaymentHarness, price: str) -> None:
    with pytest.raises(Permanent, match="no longer offers"):
        harness.subscribe(price)
    with pytest.raises(Permanent, match="no longer offers"):
        harness.contribute(price or MONTH if price != ONCE else MONTH)
    assert not harness.calls


def test_a_contribution_needs_no_sign_in_and_grants_no_tier(harness: PaymentHarness) -> None:
    session = harness.account.find("sessions", harness.contribute(back="/articles/x/"))
    assert session["cancel_url"] == f"{ORIGIN}/articles/x/"
    assert harness.account.pay(session["id"]) == f"{ORIGIN}/membership/thanks/"
    reader = harness.reader()
    session = harness.account.find("sessions", harness.contribute(reader=reader))
    assert session["customer_email"] == ADA
    harness.account.pay(session["id"])
    assert set(harness.handle_all()) == {"ignored", "unknown customer"}
    assert harness.membership() == reader.membership


def test_checkouts_and_contributions_are_rate_limited() -> None:
    harness = PaymentHarness(per_network=2, overall=3)

    for _ in range(2):
        harness.contribute(caller="192.0.2.1")
    with pytest.raises(RateLimited):
        harness.contribute(caller="192.0.2.1")
    harness.contribute(caller="192.0.2.2")
    with pytest.raises(RateLimited):
        harness.contribute(caller="192.0.2.3")
    for _ in range(20):
        harness.subscribe()
    with pytest.raises(RateLimited):
        harness.subscribe()


def test_refreshes_and_portal_pages_are_rate_limited(harness: PaymentHarness) -> None:
    stranger = harness.reader()
    assert harness.refresh(stranger) is stranger
    assert harness.calls == []
    harness.account.pay(harness.subscribe())
    reader = harness.reader()
    harness.calls.clear()
    found = [harness.refresh(reader) for _ in range(70)]
    assert [each.membership.paid is not None for each in found] == [True] * 60 + [False] * 10
    assert harness.calls.count("get /v1/subscriptions") == 60
    for _ in range(20):
        payments.open_portal(harness.reader(), ORIGIN, harness.ports, NOW)
    with pytest.raises(RateLimited):
        payments.open_portal(harness.reader(), ORIGIN, harness.ports, NOW)


def test_without_stripe_keys_nothing_is_sold(harness: PaymentHarness) -> None:
    harness.reader()
    harness.ports = replace(harness.ports, payments=None)
    for sell in (
        lambda: harness.subscribe(),
        lambda: harness.contribute(),
        lambda: payments.handle_webhook(b"", "", SITE, harness.ports, NOW),
        lambda: payments.refresh_membership(member_id(ADA), SITE, harness.ports),
    ):
        with pytest.raises(Permanent, match="not set up"):
            sell()


def test_the_portal_needs_a_customer(harness: PaymentHarness) -> None:
    with pytest.raises(Permanent, match="no paid membership"):
        payments.open_portal(harness.reader(), ORIGIN, harness.ports, NOW)
    harness.subscribe()
    payments.open_portal(harness.reader(), ORIGIN, harness.ports, NOW)
    [portal] = harness.account.objects["portals"].values()
    assert (portal["customer"], portal["return_url"]) == (harness.membership().customer, f"{ORIGIN}/api/portal/done")


# --- Deletion ---


def test_deleting_an_account_deletes_the_customer_too(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    with pytest.raises(Permanent, match="cancelled first"):
        harness.delete_account()
    assert harness.tier() == "member", "the recent payment was found, and nothing was deleted"
    [found] = harness.account.objects["subscriptions"]
    harness.account.cancel(found)
    customer = harness.membership().customer
    harness.delete_account()
    assert harness.account.find("customers", customer)["deleted"]
    assert ADA not in json.dumps(harness.account.objects["customers"])
    assert set(harness.handle_all()) == {"ignored", "unknown customer"}
    left = {pk.partition("#")[0] for pk, rows in harness.table._items.items() if rows}
    assert left <= {"limit", "stripe", "suppressed"}
    back = harness.sign_in.sign_in(ADA).reader
    assert back.membership.customer == ""
    harness.subscribe()
    assert harness.membership().customer != customer


def test_an_account_is_kept_if_stripe_is_unreachable(harness: PaymentHarness) -> None:
    harness.subscribe()
    harness.stripe.api.answer = lambda *_: (503, {"error": {"type": "api_error"}})  # type: ignore[method-assign]
    with pytest.raises(Transient):
        harness.delete_account()
    assert harness.membership().customer


def test_an_event_does_not_restore_an_account_that_is_being_deleted(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    event = harness.stripe.events[-1]
    [found] = harness.account.objects["subscriptions"]
    interrupt(harness, lambda: (harness.account.cancel(found), harness.delete_account()))
    assert harness.handle(event).outcome == "unknown customer"
    assert memberships_table.find_membership(harness.table, member_id(ADA)) is None


def test_a_refresh_emits_an_event(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    harness.sign_in.bus.events.clear()
    harness.handle(harness.stripe.events[-1])
    assert list(harness.sign_in.bus.events) == [MembershipChanged(member_id(ADA))]


def test_a_concurrent_change_is_kept(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    interrupt(harness, lambda: members.choose_newsletters(member_id(ADA), {"newsletter": True}, harness.ports))
    harness.handle(harness.stripe.events[-1])
    assert (harness.membership().newsletters, harness.tier()) == (("newsletter",), "member")


def test_endless_conflicts_are_transient(harness: PaymentHarness) -> None:
    harness.account.pay(harness.subscribe())
    harness.table.write = conflict  # type: ignore[method-assign]
    with pytest.raises(Transient):
        harness.handle(harness.stripe.events[-1])


def conflict(_: Any) -> Any:
    raise Conflict("another was first")


def test_a_stored_membership_without_newer_attributes_is_read(harness: PaymentHarness) -> None:
    harness.table.write([Change(f"member#{member_id(ADA)}", "membership", {"email": ADA, "confirmed": "x"}, ANY)])
    assert harness.membership().customer == ""
    assert harness.tier() == "subscriber"
