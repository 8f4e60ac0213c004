"""However readers, Stripe and its events come between each other, the table ends with what is paid for; and shortcuts show."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.payments import Subscription, paid_by
from nightdesk.usecases import members, payments
from nightdesk.usecases.ports import ANY, Change

from simulation.paying import Paying, story_of

HISTORIES = 400
Plant = Callable[[pytest.MonkeyPatch], None]


def _wrong(seed: int) -> list[str]:
    return Paying(seed).play()


def test_histories_end_with_what_is_paid_for() -> None:
    with get_context("fork").Pool(2) as pool:
        found = [(seed, wrong) for seed, wrong in enumerate(pool.imap(_wrong, range(HISTORIES), 10)) if wrong]
    assert not found, f"{len(found)} of {HISTORIES}\n{story_of(found[0][0])}"


def test_a_history_is_played_again_exactly() -> None:
    for seed in range(5):
        assert story_of(seed) == story_of(seed)


def needed(plant: Plant, first: int = 0) -> int:
    """How many histories it takes until one ends wrong, with a bug planted; those from `first` on are played."""
    for seed in range(first, first + 3000):
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            if wrong := Paying(seed).play():
                print(wrong)
                return seed - first + 1
    pytest.fail("not found in 3,000 histories")


def test_what_is_the_same_is_not_written() -> None:
    """Nothing changed, so nothing need be written: but then whoever asked before does not notice that others have.

    One history in some thousands shows it: what is paid for has to change and change back between a question and its answer.
    """

    def rewrite(member: str, site: Any, ports: Any) -> Any:
        def make(found: Any) -> Any:
            now_paid = ports.payments.subscriptions(found.customer) if found.customer else ()
            return replace(found, paid=paid_by(now_paid, site, ports.grace))

        return members.change(member, ports.memberships, make)

    print(needed(lambda patch: patch.setattr(payments, "rewrite", rewrite), first=3200))


def test_the_last_to_write_is_believed() -> None:
    """Asking, and then changing whatever membership there is by then."""

    def rewrite(member: str, site: Any, ports: Any) -> Any:
        found = members.membership_of(member, ports.memberships)
        if not found:
            raise members.NoSuchReader("gone")
        now_paid = ports.payments.subscriptions(found[0].customer) if found[0].customer else ()
        paid = paid_by(now_paid, site, ports.grace)
        return members.change(member, ports.memberships, lambda there: replace(there, paid=paid))

    print(needed(lambda patch: patch.setattr(payments, "rewrite", rewrite)))


def test_an_event_is_remembered_before_it_is_dealt_with() -> None:
    """Once is once: but then an event that was cut off is never dealt with."""

    def hear(body: bytes, signature: str, site: Any, ports: Any, now: Any) -> Any:
        notice, table = ports.payments.notice(body, signature), ports.memberships
        if notice.type not in payments.EVENTS or table.get(f"stripe#{notice.id}", "event"):
            return payments.Heard("known")
        table.write([Change(f"stripe#{notice.id}", "event", {"ttl": 0}, ANY)])
        customer = notice.customer or ports.payments.payer(notice.charge)
        row = table.get(f"customer#{customer}", "member")
        if row:
            with suppress(members.NoSuchReader):
                payments.rewrite(row["member"], site, ports)
        return payments.Heard("rewritten")

    print(needed(lambda patch: patch.setattr(payments, "hear", hear)))


def test_what_an_event_says_is_believed() -> None:
    """Taking the subscription from the event, rather than asking for it."""

    def hear(body: bytes, signature: str, site: Any, ports: Any, now: Any) -> Any:
        told = json.loads(body)["data"]["object"]
        row = ports.memberships.get(f"customer#{told.get('customer')}", "member")
        if told["object"] != "subscription" or not row:
            return real(body, signature, site, ports, now)
        item = told["items"]["data"][0]
        begins, ends = item["current_period_start"], item["current_period_end"]
        stops = told["cancel_at"] or (ends if told["cancel_at_period_end"] else 0)
        found = Subscription(told["id"], told["status"], item["price"]["id"], "", begins, ends, stops, False)
        paid = paid_by([found], site, ports.grace)
        with suppress(members.NoSuchReader):
            members.change(row["member"], ports.memberships, lambda there: replace(there, paid=paid))
        return payments.Heard("rewritten", row["member"])

    real = payments.hear
    print(needed(lambda patch: patch.setattr(payments, "hear", hear)))


def test_who_leaves_takes_along_whatever_is_there() -> None:
    """Deleting a membership as it is by then, and not as it was when Stripe was told."""

    def delete(member: str, memberships: Any, bus: Any, now: Any, forgotten: str = "") -> None:
        found = members.membership_of(member, memberships)
        if found and members.goes_on(found[0].paid):
            raise Permanent("a paid membership has to be ended first")
        for item in memberships.query(f"member#{member}"):
            memberships.write([Change(item["pk"], item["sk"], None, ANY)])
        memberships.write([Change(f"customer#{forgotten}", "member", None, ANY)])

    print(needed(lambda patch: patch.setattr(payments, "delete", delete)))
