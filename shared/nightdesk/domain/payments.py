"""What a reader pays for, out of what the payment provider says of the reader's subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .site import Site

RENEWING = "renewing"
ENDING = "ending"
OVERDUE = "overdue"
STOPPED = "stopped"


class Subscription(NamedTuple):
    """A subscription that has not ended, as the provider has it at this moment. Moments are in Unix seconds.

    Attributes:
        status: in Stripe's words (docs.stripe.com/billing/subscriptions/overview, "Subscription statuses").
        price: id of what is paid.
        tier: what the reader asked for when it began; the price goes before it, where it is one of ours.
        begins: of the period that is running.
        ends: of that period.
        stops: when it has been told to end; 0 where it goes on.
        taken_back: what was paid for this period has been refunded in full, or is disputed.
    """

    id: str
    status: str
    price: str
    tier: str
    begins: int
    ends: int
    stops: int
    taken_back: bool


def paid_by(subscriptions: Iterable[Subscription], site: Site, grace: timedelta) -> dict[str, Any] | None:
    """A membership's `paid`: of all subscriptions the one that opens most; None without any.

    `tier` and `until` are what counts. `until` always is a moment, so nothing that is paid for can last for ever by mistake.
    `state` says why:

        renewing  until the period's end and the grace, for news of the next payment may be late
        ending    until it has been told to end, with no grace
        overdue   a payment failed: until the grace since the period's begin is over, while the provider tries again
        stopped   no more, so that it is long past: what was paid for this period was taken back, or the provider has given up

    Args:
        grace: how long a reader keeps access while a payment is tried again.
    """
    found = [paid for each in subscriptions if (paid := _paid(each, site, grace))]
    return max(
        found, key=lambda p: (p["state"] != STOPPED, site.rank(p["tier"]), p["until"], p["subscription"]), default=None
    )


def _paid(found: Subscription, site: Site, grace: timedelta) -> dict[str, Any] | None:
    tier = site.tier_of(found.price) or found.tier
    state, until = _state(found, int(grace.total_seconds()))
    if tier not in site.tiers[1:] or not state:
        return None
    return {
        "tier": tier,
        "until": _iso(until),
        "state": state,
        "period_end": _iso(found.ends),
        "subscription": found.id,
    }


def _state(found: Subscription, grace: int) -> tuple[str, int]:
    if found.status not in ("active", "trialing", "past_due", "unpaid"):
        return "", 0
    if found.taken_back or found.status == "unpaid":
        return STOPPED, 0
    if found.status == "past_due":
        return OVERDUE, min(found.begins + grace, found.stops or found.ends)
    return (ENDING, found.stops) if found.stops else (RENEWING, found.ends + grace)


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def is_due(paid: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a period has ended that was to be followed by another, of which nothing has been heard."""
    return paid is not None and paid["state"] == RENEWING and datetime.fromisoformat(paid["period_end"]) <= now


def goes_on(paid: Mapping[str, Any] | None) -> bool:
    """Whether the reader will be asked for more money unless the subscription is ended first."""
    return paid is not None and paid["state"] in (RENEWING, OVERDUE)
