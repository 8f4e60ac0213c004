"""Paying, over the real use cases, the deployed adapter and Stripe's own library: what a reader has, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.payments import Subscription, goes_on, is_due, paid_by
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.usecases import members, payments
from nightdesk.usecases.limits import TooMany
from nightdesk.usecases.ports import ANY, Change, Event, Limits, Order, ReaderPorts
from nightdesk.usecases.sessions import Reader
from nightdesk_local.stripe_books import DAY, PERIODS, Object, Refused
from stripe_in_process import BEGAN, MONTH, ONCE, PATRON, YEAR, Stripe, sent
from test_sign_in import ADA, NOW
from test_sign_in import Desk as SignInDesk

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


# --- What subscriptions come to ---


def subscription(**changes: Any) -> Subscription:
    return Subscription("sub_1", "active", MONTH, "", 1000 * DAY, 1030 * DAY, 0, False)._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "state", "day"),
    [
        ({}, "renewing", 1044),
        ({"status": "trialing"}, "renewing", 1044),
        ({"stops": 1030 * DAY}, "ending", 1030),
        ({"stops": 1010 * DAY}, "ending", 1010),
        ({"status": "past_due"}, "overdue", 1014),
        ({"status": "past_due", "ends": 1007 * DAY}, "overdue", 1007),
        ({"status": "past_due", "stops": 1005 * DAY}, "overdue", 1005),
        ({"status": "unpaid"}, "stopped", 0),
        ({"taken_back": True}, "stopped", 0),
        ({"taken_back": True, "stops": 1030 * DAY}, "stopped", 0),
    ],
)
def test_until_when_a_subscription_opens_something(changes: dict[str, Any], state: str, day: int) -> None:
    found = paid_by([subscription(**changes)], SITE, GRACE)
    assert found
    assert (found["tier"], found["state"], found["until"]) == ("member", state, iso(day * DAY))
    assert found["period_end"] == iso(changes.get("ends", 1030 * DAY))


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "paused", "canceled", "something new"])
def test_what_was_never_paid_or_has_ended_opens_nothing(status: str) -> None:
    assert paid_by([subscription(status=status)], SITE, GRACE) is None


def test_a_price_says_the_tier_and_what_was_asked_for_says_it_of_earlier_prices() -> None:
    def tier(price: str, asked: str) -> str | None:
        found = paid_by([subscription(price=price, tier=asked)], SITE, GRACE)
        return found and found["tier"]

    assert tier(PATRON, "member") == "patron", "changed on the provider's pages"
    assert tier("price_of_last_year", "member") == "member"
    assert tier("price_other", "") is tier("price_other", "founder") is tier("price_other", "public") is None


def test_of_several_the_one_that_opens_most_counts() -> None:
    month, patron = subscription(), subscription(id="sub_2", price=PATRON)
    year = subscription(id="sub_3", price=YEAR, ends=1365 * DAY)
    stopped = patron._replace(status="unpaid")

    def best(*found: Subscription) -> str:
        paid = paid_by(found, SITE, GRACE)
        assert paid == paid_by(found[::-1], SITE, GRACE)
        assert paid
        return str(paid["subscription"])

    assert (best(month, patron, year), best(month, year), best(month, stopped)) == ("sub_2", "sub_3", "sub_1")


def test_news_is_due_when_a_period_that_goes_on_has_ended() -> None:
    ends = datetime.fromtimestamp(1030 * DAY, UTC)
    renewing, ending = (paid_by([subscription(stops=s)], SITE, GRACE) for s in (0, 1030 * DAY))
    assert [is_due(renewing, ends + timedelta(seconds=s)) for s in (-1, 0)] == [False, True]
    assert not is_due(ending, ends)
    assert not is_due(None, ends)
    assert (goes_on(renewing), goes_on(ending), goes_on(None)) == (True, False, False)


# --- Readers who pay ---


class Desk:
    """Readers' ports, with an account of Stripe's."""

    def __init__(self, **limits: int) -> None:
        self.calls: list[str] = []
        self.stripe = Stripe(self.calls.append)
        self.world = SignInDesk(Limits(**limits))
        self.table, self.books = self.world.table, self.stripe.books
        self.ports: ReaderPorts = replace(self.world.ports, payments=self.stripe.payments, grace=GRACE)

    @property
    def now(self) -> datetime:
        """Stripe's time is the readers' time."""
        return datetime.fromtimestamp(self.books.now, UTC)

    def reader(self, address: str = ADA) -> Reader:
        """A reader who has signed in, as the table has it now."""
        found = members.membership_of(member_id(address), self.table)
        if not found:
            return self.world.signed_in(address).reader
        return Reader(member_id(address), *found, "")

    def membership(self, address: str = ADA) -> Membership:
        return self.reader(address).membership

    def subscribe(self, price: str = MONTH, address: str = ADA, return_to: str = "") -> str:
        """A checkout that a reader has begun."""
        reader = self.reader(address)
        url = payments.subscribe(reader, price, return_to, ORIGIN, SITE, self.ports, NOW)
        return self.stripe.session_at(url)

    def hear(self, event: Object) -> payments.Heard:
        return payments.hear(*sent(event), SITE, self.ports, NOW)

    def hear_all(self) -> list[str]:
        """Hear of all that has happened and was not heard yet."""
        events, self.stripe.events[:] = list(self.stripe.events), []
        return [self.hear(event).what for event in events]

    def tier(self, address: str = ADA) -> str:
        return self.membership(address).standing(SITE, self.now).tier


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_who_has_paid_reads_at_once_and_events_change_nothing_more(desk: Desk) -> None:
    session = desk.subscribe(return_to=ARTICLE)
    assert desk.tier() == "subscriber", "who has only begun to pay reads no more than before"
    assert desk.books.pay(session) == f"{ORIGIN}/api/checkout/done?return_to=/articles/x/%23gate-2"
    assert payments.refreshed(desk.reader(), SITE, desk.ports, desk.now).membership.paid
    assert desk.tier() == "member"
    before = desk.membership()
    assert set(desk.hear_all()) == {"rewritten", "of no interest"}
    assert desk.membership() == before
    paid = before.paid
    assert paid
    assert (paid["state"], paid["until"]) == ("renewing", iso(BEGAN + PERIODS["month"] + 14 * DAY))


def test_each_event_alone_says_all(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    for event in desk.stripe.events:
        if event["type"] in payments.EVENTS:
            members.change(member_id(ADA), desk.table, lambda found: replace(found, paid=None))
            assert desk.hear(event).what == "rewritten"
            assert desk.tier() == "member", event["type"]


def test_an_event_is_dealt_with_once(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    event = desk.stripe.events[-1]
    assert desk.hear(event) == ("rewritten", member_id(ADA))
    desk.calls.clear()
    assert desk.hear(event).what == "known"
    assert desk.calls == []
    row = desk.table.get(f"stripe#{event['id']}", "event")
    assert row
    assert row["ttl"] - NOW.timestamp() == 30 * DAY


def test_an_event_that_was_cut_off_is_dealt_with_when_it_comes_again(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    event = desk.stripe.events[-1]
    answer, desk.books.answer = desk.books.answer, lambda *_: (503, {"error": {"type": "api_error"}})  # type: ignore[method-assign]
    with pytest.raises(Transient):
        desk.hear(event)
    desk.books.answer = answer  # type: ignore[method-assign]
    write, desk.table.write = desk.table.write, fail  # type: ignore[method-assign]
    with pytest.raises(Transient):
        desk.hear(event)
    desk.table.write = write  # type: ignore[method-assign]
    assert desk.tier() == "subscriber"
    assert desk.hear(event).what == "rewritten"
    assert desk.tier() == "member"


def fail(*_: Any) -> Any:
    raise Transient("away")


def test_an_older_answer_never_overwrites_a_newer(desk: Desk) -> None:
    """One asks, and before it writes, the subscription is ended, which another hears of and writes down."""
    desk.books.pay(desk.subscribe())
    first, *_, last = [event for event in desk.stripe.events if event["type"] in payments.EVENTS]
    assert isinstance(desk.ports.payments, type(desk.stripe.payments))
    ask = desk.ports.payments.subscriptions

    def slow(customer: str) -> Any:
        answer = ask(customer)
        desk.stripe.payments.subscriptions = ask  # type: ignore[method-assign]
        desk.books.end(answer[0].id, at_once=True)
        assert desk.hear(last).what == "rewritten"
        assert desk.membership().paid is None
        return answer

    desk.stripe.payments.subscriptions = slow  # type: ignore[method-assign]
    assert desk.hear(first).what == "rewritten"
    assert desk.membership().paid is None


def test_events_of_others_are_taken_and_left(desk: Desk) -> None:
    stranger = desk.stripe.payments.customer("b" * 32, "stranger@news.example", "1")
    desk.books.delete_customer(stranger)
    assert desk.hear_all() == ["of nobody here"]
    desk.books.dispute(desk.books._charge(None, 500)["latest_charge"])
    assert desk.hear_all() == ["of no interest", "of nobody here"]
    assert members.membership_of("b" * 32, desk.table) is None


def test_the_course_of_a_subscription(desk: Desk) -> None:
    desk.books.pay(desk.subscribe(), card="fails later")
    desk.hear_all()
    course = []

    def now_is(*words: object) -> None:
        desk.hear_all()
        paid = desk.membership().paid
        course.append((*words, desk.tier(), paid and paid["state"]))

    month = PERIODS["month"]
    desk.books.let_pass(month - 1)
    now_is("paid for")
    desk.books.let_pass(2)
    now_is("the second payment fails")
    desk.books.use_card(desk.membership().customer, "works")
    now_is("and succeeds")
    [found] = desk.books.kept["subscriptions"]
    desk.books.end(found)
    now_is("cancelled")
    desk.books.go_on(found)
    now_is("kept")
    desk.books.switch(found, PATRON)
    now_is("changed")
    desk.books.refund(list(desk.books.kept["charges"])[-1])
    now_is("refunded")
    desk.books.let_pass(month)
    now_is("paid for again")
    dispute = desk.books.dispute(list(desk.books.kept["charges"])[-1])
    now_is("disputed")
    desk.books.close(dispute["id"], "won")
    now_is("won")
    desk.books.end(found)
    desk.books.let_pass(month)
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


def test_grace_ends_while_payments_are_still_tried(desk: Desk) -> None:
    desk.ports = replace(desk.ports, grace=timedelta(days=2))
    desk.books.pay(desk.subscribe(), card="fails later")
    desk.books.let_pass(PERIODS["month"] + 1)
    desk.hear_all()
    assert desk.tier() == "member"
    desk.books.let_pass(2 * DAY)
    assert desk.hear_all() == [], "no event says so"
    assert desk.tier() == "subscriber"


def test_news_that_never_came_is_asked_for(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    desk.hear_all()
    assert not payments.lacks_news(desk.reader(), desk.ports, desk.now)
    desk.books.let_pass(PERIODS["month"])
    desk.stripe.events.clear()
    assert desk.tier() == "member", "for some days, in any case"
    assert payments.lacks_news(desk.reader(), desk.ports, desk.now)
    assert not payments.lacks_news(desk.reader(), replace(desk.ports, payments=None), desk.now)
    assert payments.refreshed(desk.reader(), SITE, desk.ports, desk.now).membership.paid
    assert not payments.lacks_news(desk.reader(), desk.ports, desk.now)


# --- Beside complimentary access ---


def test_complimentary_access_stays_as_it_was_given(desk: Desk) -> None:
    """Whatever is paid, changed or ended beside it, it ends when it was to end: never sooner, and never not at all."""
    until = datetime.fromtimestamp(BEGAN + 20 * DAY, UTC).isoformat()
    desk.reader()

    def grant(tier: str, until: str) -> None:
        members.grant(ADA, tier, until, SITE, desk.table, desk.world.bus)

    grant("member", until)
    desk.books.pay(desk.subscribe(PATRON))
    desk.hear_all()
    assert (desk.tier(), desk.membership().complimentary) == ("patron", {"tier": "member", "until": until})
    [found] = desk.books.kept["subscriptions"]
    desk.books.end(found, at_once=True)
    desk.hear_all()
    assert (desk.tier(), desk.membership().complimentary) == ("member", {"tier": "member", "until": until})
    desk.books.let_pass(20 * DAY)
    assert desk.tier() == "subscriber"
    grant("member", "")
    desk.books.pay(desk.subscribe(MONTH))
    desk.hear_all()
    standing = desk.membership().standing(SITE, desk.now)
    assert (standing.source, standing.until) == ("complimentary", ""), "which lasts longer"
    desk.books.let_pass(400 * DAY)
    desk.hear_all()
    desk.books.end(list(desk.books.kept["subscriptions"])[-1], at_once=True)
    desk.hear_all()
    assert desk.tier() == "member"


def test_what_is_paid_for_always_has_an_end(desk: Desk) -> None:
    desk.books.pay(desk.subscribe(YEAR))
    desk.hear_all()
    desk.books.let_pass(PERIODS["year"] + 15 * DAY)
    desk.stripe.events.clear()
    assert desk.tier() == "subscriber", "also where no event ever comes again"


# --- On the way to pay ---


def test_a_customer_is_made_once_and_names_its_reader(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe()
    [customer] = desk.books.kept["customers"]
    assert desk.membership().customer == customer
    row = desk.table.get(f"customer#{customer}", "member")
    assert row
    assert row["member"] == member_id(ADA)
    assert desk.books.find("customers", customer)["metadata"] == {"member": member_id(ADA)}


def interrupt(desk: Desk, act: Callable[[], object]) -> None:
    """Let something happen just before the next write."""
    write = desk.table.write

    def late(changes: Any) -> None:
        desk.table.write = write  # type: ignore[method-assign]
        act()
        write(changes)

    desk.table.write = late  # type: ignore[method-assign]


def test_two_tabs_that_begin_at_once_have_one_customer(desk: Desk) -> None:
    reader = desk.reader()
    other: list[str] = []

    def in_another_tab() -> None:
        other.append(desk.subscribe(YEAR))

    interrupt(desk, in_another_tab)
    session = desk.subscribe()
    sessions = [desk.books.find("sessions", name) for name in (session, *other)]
    assert [each["customer"] for each in sessions] == [desk.membership().customer] * 2
    assert [each["status"] for each in sessions].count("open") == 1, "nobody pays in both"
    assert reader.membership.customer == ""


def test_a_customer_who_was_deleted_is_made_anew(desk: Desk) -> None:
    desk.subscribe()
    gone = desk.membership().customer
    desk.books.delete_customer(gone)
    desk.hear_all()
    desk.books.pay(desk.subscribe())
    desk.hear_all()
    assert desk.tier() == "member"
    assert desk.membership().customer != gone
    assert desk.table.get(f"customer#{gone}", "member") is None


def test_nobody_pays_twice_for_a_membership(desk: Desk) -> None:
    first, second = desk.subscribe(), desk.subscribe()
    with pytest.raises(Refused):
        desk.books.pay(first)  # in a tab that was open before
    desk.books.pay(second)
    # No event has come yet, and the reader's tab shows what was an hour ago.
    with pytest.raises(payments.AlreadyPays):
        desk.subscribe()
    desk.books.kept["sessions"][first]["status"] = "open"
    desk.books.pay(first)  # as by somebody at the publisher's, on the provider's own pages
    desk.hear_all()
    assert desk.tier() == "member"
    one, two = desk.books.kept["subscriptions"]
    desk.books.end(two, at_once=True)
    desk.hear_all()
    assert desk.tier() == "member", "of two, the end of one leaves the other"
    desk.books.end(one)
    desk.hear_all()
    with pytest.raises(payments.AlreadyPays):
        desk.subscribe()
    desk.books.end(one, at_once=True)
    assert desk.subscribe(), "and who has stopped can begin again, before any event says so"


def test_nobody_pays_twice_by_paying_while_another_tab_begins(desk: Desk) -> None:
    first = desk.subscribe()
    begin = desk.stripe.payments.checkout

    def late(order: Order) -> str:
        desk.books.pay(first)
        return begin(order)

    desk.stripe.payments.checkout = late  # type: ignore[method-assign]
    with pytest.raises(payments.AlreadyPays):
        desk.subscribe()


@pytest.mark.parametrize("price", ["price_other", ONCE, ""])
def test_only_what_is_offered_can_be_paid(desk: Desk, price: str) -> None:
    with pytest.raises(Permanent, match="not to be had"):
        desk.subscribe(price)
    with pytest.raises(Permanent, match="not to be had"):
        payments.contribute(price or MONTH if price != ONCE else MONTH, None, "", "/", ORIGIN, SITE, desk.ports, NOW)
    assert not desk.calls


def test_a_contribution_needs_no_sign_in_and_opens_nothing(desk: Desk) -> None:
    url = payments.contribute(ONCE, None, "192.0.2.1", "/articles/x/", ORIGIN, SITE, desk.ports, NOW)
    session = desk.books.find("sessions", desk.stripe.session_at(url))
    assert session["cancel_url"] == f"{ORIGIN}/articles/x/"
    assert desk.books.pay(session["id"]) == f"{ORIGIN}/membership/thanks/"
    reader = desk.reader()
    url = payments.contribute(ONCE, reader, "192.0.2.1", "/", ORIGIN, SITE, desk.ports, NOW)
    assert desk.books.find("sessions", desk.stripe.session_at(url))["customer_email"] == ADA
    desk.books.pay(desk.stripe.session_at(url))
    assert set(desk.hear_all()) == {"of no interest", "of nobody here"}
    assert desk.membership() == reader.membership


def test_pages_to_pay_on_are_limited(desk: Desk) -> None:
    desk = Desk(per_network=2, overall=3)

    def contribute(caller: str) -> None:
        payments.contribute(ONCE, None, caller, "/", ORIGIN, SITE, desk.ports, NOW)

    contribute("192.0.2.1")
    contribute("192.0.2.1")
    with pytest.raises(TooMany):
        contribute("192.0.2.1")
    contribute("192.0.2.2")
    with pytest.raises(TooMany):
        contribute("192.0.2.3")
    for _ in range(20):
        desk.subscribe()
    with pytest.raises(TooMany):
        desk.subscribe()


def test_nobody_has_stripe_asked_again_and_again(desk: Desk) -> None:
    stranger = desk.reader()
    assert payments.refreshed(stranger, SITE, desk.ports, NOW) is stranger
    assert desk.calls == []
    desk.books.pay(desk.subscribe())
    reader = desk.reader()
    desk.calls.clear()
    found = [payments.refreshed(reader, SITE, desk.ports, NOW) for _ in range(70)]
    assert [each.membership.paid is not None for each in found] == [True] * 60 + [False] * 10
    assert desk.calls.count("get /v1/subscriptions") == 60
    for _ in range(20):
        payments.manage(desk.reader(), ORIGIN, desk.ports, NOW)
    with pytest.raises(TooMany):
        payments.manage(desk.reader(), ORIGIN, desk.ports, NOW)


def test_without_keys_nothing_is_sold(desk: Desk) -> None:
    desk.reader()
    desk.ports = replace(desk.ports, payments=None)
    for sell in (
        lambda: desk.subscribe(),
        lambda: payments.contribute(ONCE, None, "", "/", ORIGIN, SITE, desk.ports, NOW),
        lambda: payments.hear(b"", "", SITE, desk.ports, NOW),
        lambda: payments.rewrite(member_id(ADA), SITE, desk.ports),
    ):
        with pytest.raises(Permanent, match="not set up"):
            sell()


def test_the_portal_is_for_who_has_been_there(desk: Desk) -> None:
    with pytest.raises(Permanent, match="nothing"):
        payments.manage(desk.reader(), ORIGIN, desk.ports, NOW)
    desk.subscribe()
    payments.manage(desk.reader(), ORIGIN, desk.ports, NOW)
    [portal] = desk.books.kept["portals"].values()
    assert (portal["customer"], portal["return_url"]) == (desk.membership().customer, f"{ORIGIN}/api/portal/done")


# --- Leaving ---


def test_who_leaves_is_forgotten_at_stripe_too(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    with pytest.raises(Permanent, match="ended first"):
        payments.leave(member_id(ADA), SITE, desk.ports, NOW)
    assert desk.tier() == "member", "what was paid a moment ago was looked up, and nothing was deleted"
    [found] = desk.books.kept["subscriptions"]
    desk.books.end(found)
    customer = desk.membership().customer
    payments.leave(member_id(ADA), SITE, desk.ports, NOW)
    assert desk.books.find("customers", customer)["deleted"]
    assert ADA not in json.dumps(desk.books.kept["customers"])
    assert set(desk.hear_all()) == {"of no interest", "of nobody here"}
    left = {pk.partition("#")[0] for pk, rows in desk.table._items.items() if rows}
    assert left <= {"limit", "stripe", "suppressed"}
    back = desk.world.signed_in(ADA).reader
    assert back.membership.customer == ""
    desk.subscribe()
    assert desk.membership().customer != customer


def test_who_leaves_while_stripe_is_away_stays_for_now(desk: Desk) -> None:
    desk.subscribe()
    desk.books.answer = lambda *_: (503, {"error": {"type": "api_error"}})  # type: ignore[method-assign]
    with pytest.raises(Transient):
        payments.leave(member_id(ADA), SITE, desk.ports, NOW)
    assert desk.membership().customer


def test_who_leaves_between_an_event_and_its_writing_does_not_come_back(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    event = desk.stripe.events[-1]
    [found] = desk.books.kept["subscriptions"]
    interrupt(desk, lambda: (desk.books.end(found), payments.leave(member_id(ADA), SITE, desk.ports, NOW)))
    assert desk.hear(event).what == "of nobody here"
    assert members.membership_of(member_id(ADA), desk.table) is None


def test_a_change_of_membership_is_said(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    desk.world.bus.events.clear()
    desk.hear(desk.stripe.events[-1])
    assert list(desk.world.bus.events) == [Event("MembershipChanged", {"id": member_id(ADA)})]


def test_what_others_change_meanwhile_stays(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    interrupt(desk, lambda: members.choose(member_id(ADA), {"newsletter": True}, desk.table, desk.world.bus))
    desk.hear(desk.stripe.events[-1])
    assert (desk.membership().newsletters, desk.tier()) == (("newsletter",), "member")


def test_a_membership_that_changes_all_the_time_is_tried_again_later(desk: Desk) -> None:
    desk.books.pay(desk.subscribe())
    desk.table.write = conflict  # type: ignore[method-assign]
    with pytest.raises(Transient):
        desk.hear(desk.stripe.events[-1])


def conflict(_: Any) -> Any:
    raise Conflict("another was first")


def test_a_row_without_the_newer_fields_is_read(desk: Desk) -> None:
    desk.table.write([Change(f"member#{member_id(ADA)}", "membership", {"email": ADA, "confirmed": "x"}, ANY)])
    assert desk.membership().customer == ""
    assert desk.tier() == "subscriber"
