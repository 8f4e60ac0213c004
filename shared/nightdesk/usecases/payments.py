"""Paying: the way to the provider's pages, and what a reader has paid for, as the provider has it now.

The provider's events come in any order, twice, or late, and readers come back from its pages before any event does. So
none of them is believed. Each only makes us ask what the reader pays for at this moment, and write down the whole of it
(`rewrite`): the membership is read first, and written only if nobody has written it since. So of two that ask at once the one
whose answer is older cannot be the last to write, and its version is the count of answers. What is written is a function of
the answer alone, whatever was there.

    customer#<id>  member   whose customer it is, written with the membership that names it
    stripe#<id>    event    an event that has been dealt with, kept as long as it may come again
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.memberships import Membership
from nightdesk.domain.payments import goes_on, is_due, paid_by
from nightdesk.domain.site import Site

from .limits import TooMany, network, within
from .members import NoSuchReader, changed, delete, membership_of
from .paths import MEMBERSHIP_PATH, THANKS_PATH
from .ports import ANY, Change, Order, Payments, ReaderPorts
from .sessions import Reader

EVENTS = (
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
"""Those after which somebody may have paid for something else than before. `docs/aws.md` tells to send these."""
CHECKED_OUT = "/api/checkout/done"
MANAGED = "/api/portal/done"
_ATTEMPTS = 8
_PER_READER = 20
"""Pages to pay on that one reader can ask for within an hour."""
_LOOKS = 60
"""How often within an hour the provider is asked about one reader, but for its own events."""
_REMEMBERED = 30 * 86400
"""Seconds. Stripe tries for three days; by hand an event can be sent again for a month."""


class AlreadyPays(Permanent):
    """The reader has a subscription, which is to be changed rather than joined by another."""


class Heard(NamedTuple):
    """What became of an event: a few words for the log, and whose membership it was about."""

    what: str
    member: str = ""


def _provider(ports: ReaderPorts) -> Payments:
    if ports.payments is None:
        raise Permanent("payment is not set up here")
    return ports.payments


def rewrite(member: str, site: Site, ports: ReaderPorts) -> Membership:
    """Write down what a reader pays for at this moment; the membership as it then is.

    Raises:
        NoSuchReader: there is no such reader any more.
        Transient: the provider is out of reach.
    """
    provider = _provider(ports)
    for _ in range(_ATTEMPTS):
        found = membership_of(member, ports.memberships)
        if not found:
            raise NoSuchReader("there is no such reader")
        membership, version = found
        subscriptions = provider.subscriptions(membership.customer) if membership.customer else ()
        after = replace(membership, paid=paid_by(subscriptions, site, ports.grace))
        try:
            # Also where nothing is new: it makes whoever asked before us, and has not written yet, ask again.
            ports.memberships.write([Change(f"member#{member}", "membership", after.to_item(), version)])
        except Conflict:
            continue
        changed(member, ports.bus)
        return after
    raise Transient("a membership changed faster than it could be written")


def refreshed(reader: Reader, site: Site, ports: ReaderPorts, now: datetime) -> Reader:
    """A reader with what is paid for at this moment. It stays as it is for who has never been on the way to pay, and for who has
    it asked for again and again.

    Raises:
        Transient: the provider is out of reach.
    """
    if not reader.membership.customer or not within("news", reader.id, _LOOKS, ports.memberships, now):
        return reader
    return replace(reader, membership=rewrite(reader.id, site, ports))


def lacks_news(reader: Reader, ports: ReaderPorts, now: datetime) -> bool:
    """Whether a period that was to go on has ended, and no event has said that it does. Then it is asked for, so that who pays
    can read even if no event ever comes."""
    return ports.can_pay and is_due(reader.membership.paid, now)


def subscribe(
    reader: Reader, price: str, return_to: str, origin: str, site: Site, ports: ReaderPorts, now: datetime
) -> str:
    """The address of the provider's page on which a reader pays for a tier.

    Args:
        price: one of the site's offers.
        return_to: where the reader wants to be when it is paid, or nothing.
        origin: the site's address.

    Raises:
        AlreadyPays: for something, or the last payment is still open.
        TooMany: the reader has asked for too many such pages.
        Permanent: there is no such offer.
    """
    provider, tier = _provider(ports), site.tier_of(price)
    if not tier:
        raise Permanent("that membership is not to be had any more")
    if not within("checkout", reader.id, _PER_READER, ports.memberships, now):
        raise TooMany("you have begun to pay too often within the hour; please try again later")
    place = f"?return_to={quote(return_to, safe='/')}" if return_to else ""
    gone = ""
    for _ in range(2):
        customer = _customer(reader.id, gone, provider, ports)
        done, back = f"{origin}{CHECKED_OUT}{place}", f"{origin}{MEMBERSHIP_PATH}{place}"
        try:
            page = provider.checkout(Order(price, tier, reader.id, customer, "", done, back))
        except Conflict:  # somebody has deleted the customer on the provider's own pages
            gone = customer
            continue
        # Asked for now that no earlier page can be paid: another tab may have paid a second ago.
        if rewrite(reader.id, site, ports).paid:
            raise AlreadyPays("there is a membership that is paid for already")
        return page
    raise Transient("a customer is deleted as soon as it is made")


def _customer(member: str, gone: str, provider: Payments, ports: ReaderPorts) -> str:
    """The id of the reader's customer at the provider, made and kept where there is none but one that is gone."""
    made = ""
    for _ in range(_ATTEMPTS):
        found = membership_of(member, ports.memberships)
        if not found:
            raise NoSuchReader("there is no such reader")
        membership, version = found
        if membership.customer not in ("", gone):
            return membership.customer
        made = made or provider.customer(member, membership.email, f"{member}-{version}")
        changes = [
            Change(f"member#{member}", "membership", replace(membership, customer=made).to_item(), version),
            Change(f"customer#{made}", "member", {"member": member}, ANY),
        ]
        if membership.customer:
            changes.append(Change(f"customer#{membership.customer}", "member", None, ANY))
        try:
            ports.memberships.write(changes)
        except Conflict:  # another tab may have been first, with a customer of its own
            continue
        return made
    raise Transient("a membership changed faster than it could be written")


def contribute(
    price: str, reader: Reader | None, caller: str, back: str, origin: str, site: Site, ports: ReaderPorts, now: datetime
) -> str:  # fmt: skip
    """The address of the provider's page on which somebody pays once, signed in or not. Nothing of it is kept here.

    Args:
        caller: the IP address that asks.
        back: the page of this site that the reader comes from.

    Raises:
        TooMany: the network, or all together, have asked for too many such pages.
        Permanent: there is no such contribution.
    """
    provider = _provider(ports)
    if price not in {known.id for known in site.contributions}:
        raise Permanent("that contribution is not to be had any more")
    for kind, who, most in (
        ("contribute-network", network(caller), ports.limits.per_network),
        ("contribute-all", "", ports.limits.overall),
    ):
        if not within(kind, who, most, ports.memberships, now):
            raise TooMany("too many contributions were begun from here within the hour; please try again later")
    member, email = (reader.id, reader.membership.email) if reader else ("", "")
    done = f"{origin}{THANKS_PATH}"
    return provider.checkout(Order(price, "", member, "", email, done, f"{origin}{back}"))


def manage(reader: Reader, origin: str, ports: ReaderPorts, now: datetime) -> str:
    """The address of the provider's page on which a reader changes or ends what is paid for.

    Raises:
        TooMany: the reader has asked for too many such pages.
        Permanent: the reader has never been on the way to pay.
    """
    if not reader.membership.customer:
        raise Permanent("there is nothing that you pay for")
    provider = _provider(ports)
    if not within("portal", reader.id, _PER_READER, ports.memberships, now):
        raise TooMany("you have asked for that page too often within the hour; please try again later")
    return provider.portal(reader.membership.customer, f"{origin}{MANAGED}")


def hear(body: bytes, signature: str, site: Site, ports: ReaderPorts, now: datetime) -> Heard:
    """Deal with an event that the provider has sent.

    It is remembered only when all is done, so that one that was cut off is dealt with when it comes again.

    Raises:
        Permanent: it is not the provider's.
        Transient: it should be sent again.
    """
    provider = _provider(ports)
    notice = provider.notice(body, signature)
    if notice.type not in EVENTS:
        return Heard("of no interest")
    if ports.memberships.get(f"stripe#{notice.id}", "event"):
        return Heard("known")
    customer = notice.customer or (provider.payer(notice.charge) if notice.charge else "")
    row = ports.memberships.get(f"customer#{customer}", "member") if customer else None
    heard = Heard("of nobody here")
    if row:
        try:
            rewrite(row["member"], site, ports)
            heard = Heard("rewritten", row["member"])
        except NoSuchReader:  # forgotten a moment ago
            pass
    ends = int(now.timestamp()) + _REMEMBERED
    ports.memberships.write([Change(f"stripe#{notice.id}", "event", {"type": notice.type, "ttl": ends}, ANY)])
    return heard


def leave(member: str, site: Site, ports: ReaderPorts, now: datetime) -> None:
    """Forget a reader here and at the payment provider.

    Raises:
        Permanent: the reader pays; that has to be ended first.
        Transient: the provider is out of reach, and nothing was done.
    """
    for _ in range(_ATTEMPTS):
        found = membership_of(member, ports.memberships)
        customer = found[0].customer if found else ""
        if customer and ports.payments:
            if goes_on(rewrite(member, site, ports).paid):
                raise Permanent("a paid membership has to be ended first")
            ports.payments.forget(customer)
        with suppress(Conflict):  # somebody else has changed the membership, perhaps by beginning to pay in another tab
            delete(member, ports.memberships, ports.bus, now, customer)
            return
    raise Transient("a membership changed faster than it could be deleted")
