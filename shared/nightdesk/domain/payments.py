"""What a reader pays for, computed from the reader's subscriptions at the payment provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain.site import Site

STATES = RENEWING, ENDING, OVERDUE, STOPPED = "renewing", "ending", "overdue", "stopped"
"""States of what is paid for; see `paid_membership`."""
_CURRENT = frozenset(("active", "trialing", "past_due", "unpaid"))


class Subscription(NamedTuple):
    """A subscription that has not ended, as the provider has it now. Times are Unix seconds.

    Attributes:
        status: in Stripe's words (docs.stripe.com/billing/subscriptions/overview, "Subscription statuses").
        price: the provider's id of the price.
        tier: the tier that the reader chose; used if the price is not in the settings.
        period_start: when the current period began.
        period_end: when it ends.
        cancel_at: when the subscription ends; 0 if it renews.
        refunded: the payment for the current period was refunded in full, or is disputed.
    """

    id: str
    status: str
    price: str
    tier: str
    period_start: int
    period_end: int
    cancel_at: int
    refunded: bool


def paid_membership(subscriptions: Iterable[Subscription], site: Site, grace: timedelta) -> dict[str, Any] | None:
    """Return a membership's `paid` for the subscription that opens the most; None without any.

    `tier` and `until` decide about access. `until` is never empty, so that nothing paid for can last for ever by mistake. It
    depends on `state`:

        renewing  the end of the period and the grace period, because news of the next payment may be late
        ending    the end of the subscription
        overdue   a payment failed: the start of the period and the grace period, while the provider tries again
        stopped   1970: the payment was refunded or is disputed, or the provider has given up

    Args:
        grace: how long a reader keeps access while a payment is outstanding.
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
        "period_end": _iso(found.period_end),
        "subscription": found.id,
    }


def _state(found: Subscription, grace: int) -> tuple[str, int]:
    """Return the state, empty for a subscription that never began, and until when it opens its tier."""
    if found.status not in _CURRENT:
        return "", 0
    if found.refunded or found.status == "unpaid":
        return STOPPED, 0
    if found.status == "past_due":
        return OVERDUE, min(found.period_start + grace, found.cancel_at or found.period_end)
    return (ENDING, found.cancel_at) if found.cancel_at else (RENEWING, found.period_end + grace)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def renewal_unconfirmed(paid: Mapping[str, Any] | None, now: datetime) -> bool:
    """Return True if a period that should have been renewed has ended, and no renewal is known."""
    return paid is not None and paid["state"] == RENEWING and datetime.fromisoformat(paid["period_end"]) <= now


def will_charge_again(paid: Mapping[str, Any] | None) -> bool:
    """Return True if the reader will be charged again unless the subscription is cancelled first."""
    return paid is not None and paid["state"] in (RENEWING, OVERDUE)


class CheckoutOrder(NamedTuple):
    """What a reader is about to pay for.

    Attributes:
        price: the provider's id. The price of a membership recurs; a contribution, which has no `tier`, is paid once.
        tier: what a membership opens.
        customer: the provider's id of the reader, if it has one.
        email: prefills the form for a contribution by someone without a customer id.
        success_url: where the reader goes after paying.
        cancel_url: where the reader goes instead of paying.
    """

    price: str
    tier: str
    member: str
    customer: str
    email: str
    success_url: str
    cancel_url: str


class PaymentEvent(NamedTuple):
    """A webhook event of the payment provider. It names a customer, or else a charge by which to find the customer."""

    id: str
    type: str
    customer: str
    charge: str
