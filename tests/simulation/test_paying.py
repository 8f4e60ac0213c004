"""However readers, Stripe and its events interleave, the table ends with what is paid for. Planted bugs are found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.payments import Subscription, paid_membership, will_charge_again
from nightdesk.ports import ANY, Change
from nightdesk.repositories.memberships_table import find_membership
from nightdesk.usecases.readers import members, payments
from support.effort import amount

from simulation.paying import PaymentHistory, log_of

HISTORIES = amount("PAYMENT_HISTORIES", test=250, soak=10_000)
Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def _errors(seed: int) -> list[str]:
    return PaymentHistory(seed).play()


@pytest.mark.soak
def test_every_history_ends_with_what_is_paid_for() -> None:
    with get_context("fork").Pool(2) as pool:
        found = [(seed, errors) for seed, errors in enumerate(pool.imap(_errors, range(HISTORIES), 10)) if errors]
    assert not found, f"{len(found)} of {HISTORIES}\n{log_of(found[0][0])}"


def test_a_seed_reproduces_its_history() -> None:
    for seed in range(5):
        assert log_of(seed) == log_of(seed)


def histories_until_found(plant: Plant, first: int = 0) -> int:
    """Plant a bug, play the histories from `first` on, and return how many it took until one failed."""
    for seed in range(first, first + 3000):
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            if errors := PaymentHistory(seed).play():
                print(errors)
                return seed - first + 1
    pytest.fail("not found in 3,000 histories")


def test_skipping_an_unchanged_write_is_found() -> None:
    """Without the write, a run with an older answer from Stripe does not notice that another has stored a newer one.

    Only one history in thousands shows it: what is paid for has to change and change back between a request and its answer.
    """

    def refresh(member: str, site: Any, ports: Any) -> Any:
        def make(found: Any) -> Any:
            now_paid = ports.payments.subscriptions(found.customer) if found.customer else ()
            return replace(found, paid=paid_membership(now_paid, site, ports.grace))

        return members.update_membership(member, ports.memberships, make)

    print(histories_until_found(lambda patch: patch.setattr(payments, "refresh_membership", refresh), first=3200))


def test_writing_over_a_newer_membership_is_found() -> None:
    """Stripe's answer overwrites a membership that changed meanwhile."""

    def refresh(member: str, site: Any, ports: Any) -> Any:
        found = find_membership(ports.memberships, member)
        if not found:
            raise members.NoSuchReader
        now_paid = ports.payments.subscriptions(found[0].customer) if found[0].customer else ()
        paid = paid_membership(now_paid, site, ports.grace)
        return members.update_membership(member, ports.memberships, lambda stored: replace(stored, paid=paid))

    print(histories_until_found(lambda patch: patch.setattr(payments, "refresh_membership", refresh)))


def test_recording_an_event_before_handling_it_is_found() -> None:
    """An event whose handling was interrupted is then never handled."""

    def handle_webhook(body: bytes, signature: str, site: Any, ports: Any, now: Any) -> Any:
        notice, table = ports.payments.verify_event(body, signature), ports.memberships
        if notice.type not in payments.HANDLED_EVENTS or table.get(f"stripe#{notice.id}", "event"):
            return payments.WebhookResult("known")
        table.write([Change(f"stripe#{notice.id}", "event", {"ttl": 0}, ANY)])
        customer = notice.customer or ports.payments.customer_of_charge(notice.charge)
        row = table.get(f"customer#{customer}", "member")
        if row:
            with suppress(members.NoSuchReader):
                payments.refresh_membership(row["member"], site, ports)
        return payments.WebhookResult("rewritten")

    print(histories_until_found(lambda patch: patch.setattr(payments, "handle_webhook", handle_webhook)))


def test_trusting_an_events_content_is_found() -> None:
    """The subscription is taken from the event instead of being requested from Stripe."""

    def handle_webhook(body: bytes, signature: str, site: Any, ports: Any, now: Any) -> Any:
        subscription = json.loads(body)["data"]["object"]
        row = ports.memberships.get(f"customer#{subscription.get('customer')}", "member")
        if subscription["object"] != "subscription" or not row:
            return real(body, signature, site, ports, now)
        item = subscription["items"]["data"][0]
        begins, ends = item["current_period_start"], item["current_period_end"]
        stops = subscription["cancel_at"] or (ends if subscription["cancel_at_period_end"] else 0)
        found = Subscription(
            subscription["id"], subscription["status"], item["price"]["id"], "", begins, ends, stops, False
        )
        paid = paid_membership([found], site, ports.grace)
        with suppress(members.NoSuchReader):
            members.update_membership(row["member"], ports.memberships, lambda stored: replace(stored, paid=paid))
        return payments.WebhookResult("rewritten", row["member"])

    real = payments.handle_webhook
    print(histories_until_found(lambda patch: patch.setattr(payments, "handle_webhook", handle_webhook)))


def test_deleting_a_newer_membership_is_found() -> None:
    """The membership is deleted even if it changed after Stripe deleted the customer."""

    def delete(member: str, ports: Any, now: Any, deleted_customer: str = "") -> None:
        memberships = ports.memberships
        found = find_membership(memberships, member)
        if found and will_charge_again(found[0].paid):
            raise Permanent("the paid membership has to be cancelled first")
        for item in memberships.query(f"member#{member}"):
            memberships.write([Change(item["pk"], item["sk"], None, ANY)])
        memberships.write([Change(f"customer#{deleted_customer}", "member", None, ANY)])

    print(histories_until_found(lambda patch: patch.setattr(payments, "delete", delete)))
