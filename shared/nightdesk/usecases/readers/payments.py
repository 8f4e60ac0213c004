"""Payments: checkouts, the billing portal, and what a reader pays for according to the payment provider.

Webhook events arrive in any order, twice or late, and readers return from a checkout before any event. So no event's content
is trusted: it only makes `refresh_membership` ask the provider what the reader pays for now, and store the whole answer. The
membership is read before the provider is asked, and written only if it has not changed since. So of two concurrent runs the
one with the older answer cannot write last. What is stored depends on the answer alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from nightdesk.domain.errors import Conflict, Permanent, RateLimited, Refused, Transient
from nightdesk.domain.memberships import Membership
from nightdesk.domain.payments import CheckoutOrder, paid_membership, renewal_unconfirmed, will_charge_again
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import MEMBERSHIP_PATH, THANKS_PATH
from nightdesk.ports import Payments, ReaderPorts
from nightdesk.repositories import memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.usecases.readers.members import NoSuchReader, announce_change, delete
from nightdesk.usecases.readers.rate_limits import allow, network_of, seconds_to_next_hour
from nightdesk.usecases.readers.sessions import Reader

HANDLED_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
)
"""Events after which a reader may pay for something else. `docs/aws.md` tells operators to subscribe to these."""
CHECKOUT_DONE_PATH = "/api/checkout/done"
PORTAL_DONE_PATH = "/api/portal/done"
_MAX_PAGES_PER_READER = 20
"""How many checkout pages, and how many portal pages, a reader may open within an hour."""
_MAX_REFRESHES = 60
"""How often within an hour a reader's own requests may ask the provider."""
_REMEMBER_EVENT_SECONDS = 30 * 86400
"""Stripe retries for three days. By hand, an event can be sent again for a month."""


class AlreadyPays(Permanent):
    """The reader already has a subscription, which should be changed instead of joined by another."""


class CheckoutRequest(NamedTuple):
    """A membership that a reader wants to pay for.

    Attributes:
        price: the id of one of the site's offers.
        return_to: the page to open after paying, or an empty string.
        origin: the site's URL.
    """

    price: str
    return_to: str
    origin: str


class ContributionRequest(NamedTuple):
    """A one-off contribution, by a reader or by an anonymous visitor (None).

    Attributes:
        price: the id of one of the site's contributions.
        caller: the IP address of the caller.
        back: the page to return to without paying.
        origin: the site's URL.
    """

    price: str
    reader: Reader | None
    caller: str
    back: str
    origin: str


class WebhookResult(NamedTuple):
    """How a webhook event was handled, for the log: `ignored`, `duplicate`, `unknown customer` or `refreshed`, and whose
    membership was refreshed."""

    outcome: str
    member: str = ""


def _provider(ports: ReaderPorts) -> Payments:
    if ports.payments is None:
        raise Refused("no_payments", "payments are not set up on this site")
    return ports.payments


def refresh_membership(member: str, site: Site, ports: ReaderPorts) -> Membership:
    """Ask the provider what a reader pays for, store it, and return the membership.

    Raises:
        NoSuchReader: there is no such reader.
        Transient: the provider cannot be reached.
    """
    provider = _provider(ports)

    def attempt() -> Membership:
        stored = memberships_table.find_membership(ports.memberships, member)
        if not stored:
            raise NoSuchReader
        customer = stored.membership.customer
        subscriptions = provider.subscriptions(customer) if customer else ()
        after = replace(stored.membership, paid=paid_membership(subscriptions, site, ports.grace))
        # Written even if nothing changed: a run that asked the provider earlier and has not written yet must ask again.
        ports.memberships.write([memberships_table.membership_change(member, after, stored)])
        return after

    after = compare_and_swap(attempt, "the membership")
    announce_change(member, ports.bus)
    return after


def refresh_reader(reader: Reader, site: Site, ports: ReaderPorts, now: datetime) -> Reader:
    """Return a reader with a refreshed membership, or unchanged if the reader never began to pay or asks too often.

    Raises:
        Transient: the provider cannot be reached.
    """
    if not reader.membership.customer or not allow("news", reader.id, _MAX_REFRESHES, ports.memberships, now):
        return reader
    return replace(reader, membership=refresh_membership(reader.id, site, ports))


def needs_refresh(reader: Reader, ports: ReaderPorts, now: datetime) -> bool:
    """Return True if a renewal is due and no event has confirmed it. Paying readers keep access even if events never arrive."""
    return ports.can_pay and renewal_unconfirmed(reader.membership.paid, now)


def subscribe(reader: Reader, request: CheckoutRequest, site: Site, ports: ReaderPorts, now: datetime) -> str:
    """Return the URL of the provider's page on which a reader pays for a membership.

    Raises:
        AlreadyPays: the reader has a paid membership, or its last payment is overdue.
        RateLimited: the reader opened too many checkouts.
        Refused: the price is not on offer.
    """
    provider, tier = _provider(ports), site.tier_of(request.price)
    if not tier:
        raise Refused("offer_ended", "the site no longer offers that membership")
    if not allow("checkout", reader.id, _MAX_PAGES_PER_READER, ports.memberships, now):
        raise _too_many("checkouts", now)
    query = f"?return_to={quote(request.return_to, safe='/')}" if request.return_to else ""
    done, back = f"{request.origin}{CHECKOUT_DONE_PATH}{query}", f"{request.origin}{MEMBERSHIP_PATH}{query}"
    deleted = ""
    for _ in range(2):
        customer = _ensure_customer(reader.id, deleted, provider, ports)
        try:
            page = provider.create_checkout(CheckoutOrder(request.price, tier, reader.id, customer, "", done, back))
        except Conflict:  # the customer was deleted on the provider's own pages
            deleted = customer
            continue
        # Refreshed after earlier checkouts were closed: another tab may have paid a second ago.
        if refresh_membership(reader.id, site, ports).paid:
            raise AlreadyPays("the reader already has a paid membership")
        return page
    raise Transient("the customer is deleted as soon as it is created")


def _too_many(what: str, now: datetime) -> RateLimited:
    return RateLimited(f"too many {what} within the hour", seconds_to_next_hour(now))


def _ensure_customer(member: str, deleted: str, provider: Payments, ports: ReaderPorts) -> str:
    """Return the id of a reader's customer at the provider; creates and stores one if there is none, or only the `deleted` one."""
    created = ""

    def attempt() -> str:
        nonlocal created
        stored = memberships_table.find_membership(ports.memberships, member)
        if not stored:
            raise NoSuchReader
        before, version = stored
        if before.customer not in ("", deleted):
            return before.customer
        created = created or provider.create_customer(member, before.email, f"{member}-{version}")
        changes = [
            memberships_table.membership_change(member, replace(before, customer=created), stored),
            memberships_table.customer_change(created, member),
        ]
        if before.customer:
            changes.append(memberships_table.customer_change(before.customer, ""))
        ports.memberships.write(changes)
        return created

    return compare_and_swap(attempt, "the membership")


def contribute(request: ContributionRequest, site: Site, ports: ReaderPorts, now: datetime) -> str:
    """Return the URL of the provider's page for a one-off contribution. Nothing about it is stored here.

    Raises:
        RateLimited: the network, or everyone together, opened too many such pages.
        Refused: the price is not one of the site's contributions.
    """
    provider = _provider(ports)
    if request.price not in {known.id for known in site.contributions}:
        raise Refused("contribution_ended", "the site no longer offers that contribution")
    for kind, subject, limit in (
        ("contribute-network", network_of(request.caller), ports.limits.per_network),
        ("contribute-all", "", ports.limits.overall),
    ):
        if not allow(kind, subject, limit, ports.memberships, now):
            raise _too_many("contributions", now)
    reader, origin = request.reader, request.origin
    member, email = (reader.id, reader.membership.email) if reader else ("", "")
    done, back = f"{origin}{THANKS_PATH}", f"{origin}{request.back}"
    return provider.create_checkout(CheckoutOrder(request.price, "", member, "", email, done, back))


def open_portal(reader: Reader, origin: str, ports: ReaderPorts, now: datetime) -> str:
    """Return the URL of the provider's page on which a reader changes or cancels subscriptions.

    Raises:
        RateLimited: the reader opened too many such pages.
        Refused: the reader never began to pay.
    """
    if not reader.membership.customer:
        raise Refused("nothing_paid", "the reader has no paid membership")
    provider = _provider(ports)
    if not allow("portal", reader.id, _MAX_PAGES_PER_READER, ports.memberships, now):
        raise _too_many("billing pages", now)
    return provider.create_portal(reader.membership.customer, f"{origin}{PORTAL_DONE_PATH}")


def handle_webhook(body: bytes, signature: str, site: Site, ports: ReaderPorts, now: datetime) -> WebhookResult:
    """Handle a webhook event of the provider.

    The event is recorded only after it was handled, so that one that was interrupted is handled when it is sent again.

    Raises:
        Permanent: the event is not the provider's.
        Transient: the provider should send it again.
    """
    provider = _provider(ports)
    event = provider.verify_event(body, signature)
    if event.type not in HANDLED_EVENTS:
        return WebhookResult("ignored")
    if memberships_table.is_event_handled(ports.memberships, event.id):
        return WebhookResult("duplicate")
    customer = event.customer or (provider.customer_of_charge(event.charge) if event.charge else "")
    member = memberships_table.member_of_customer(ports.memberships, customer) if customer else ""
    result = WebhookResult("unknown customer")
    if member:
        try:
            refresh_membership(member, site, ports)
            result = WebhookResult("refreshed", member)
        except NoSuchReader:  # deleted a moment ago
            pass
    ttl = int(now.timestamp()) + _REMEMBER_EVENT_SECONDS
    ports.memberships.write([memberships_table.event_change(event.id, event.type, ttl)])
    return result


def delete_account(member: str, site: Site, ports: ReaderPorts, now: datetime) -> None:
    """Delete a reader here and at the payment provider.

    Raises:
        Refused: the reader has a paid membership, which has to be cancelled first.
        Transient: the provider cannot be reached, and nothing was deleted.
    """

    def attempt() -> None:
        stored = memberships_table.find_membership(ports.memberships, member)
        customer = stored.membership.customer if stored else ""
        if customer and ports.payments:
            if will_charge_again(refresh_membership(member, site, ports).paid):
                raise Refused("still_paying", "the paid membership has to be cancelled first")
            ports.payments.delete_customer(customer)
        # Conflicts if the membership changed meanwhile, for example because a checkout began in another tab.
        delete(member, ports, now, customer)

    compare_and_swap(attempt, "the membership")
