"""A fake Stripe account: customers, checkouts, subscriptions and payments, and what happens to them over time. Never deployed.

Objects have the shape of Stripe's API objects, reduced to the fields that Nightdesk reads. A price's id describes it:
`price_<name>_<month|year|once>_<cents>_<currency>`. Time only passes in `advance`. Each change produces an event, as on
Stripe.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

API_VERSION = "2026-10-28.endive"
DAY = 86400
PERIODS = {"month": 30 * DAY, "year": 365 * DAY}
RETRIES = (3 * DAY, 5 * DAY, 7 * DAY)
"""Seconds after a failed payment at which it is retried. The subscription lapses after the last retry."""
_NEVER = 1 << 62
_PRICE = re.compile(r"price_[a-z]+_(month|year|once)_(\d+)_([a-z]{3})")

Object = dict[str, Any]


class ApiError(Exception):
    """A request that Stripe refuses, with the body of its answer.

    Args:
        param: the parameter at fault.
        kind: Stripe's `type` of the error.
    """

    def __init__(
        self, status: int, code: str, message: str, param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message, **({"param": param} if param else {})}}


class CardDeclined(Exception):
    """The card was declined, and nothing was paid."""


class StripeAccount:
    """The objects of one Stripe account.

    Args:
        now: the time to start at, in Unix seconds.
        pages: the base URL of the checkout and portal pages.
        on_event: called with each event as it happens.

    Attributes:
        objects: by kind (`customers`, `charges`, …) and id. Fields that start with an underscore are not Stripe's.
        flexible: True to express the end of a subscription by `cancel_at` alone, as Stripe's flexible billing mode does.
        after_last_retry: the status of a subscription after its last failed retry: `canceled` or `unpaid`.
    """

    def __init__(self, now: int, pages: str, on_event: Callable[[Object], None] = lambda _: None) -> None:
        self.now = now
        self.objects: dict[str, dict[str, Object]] = {}
        self.count = 0
        self.flexible = True
        self.after_last_retry = "canceled"
        self._pages = pages
        self._on_event = on_event

    # --- Objects ---

    def create(self, kind: str, prefix: str, fields: Mapping[str, Any]) -> Object:
        """Store a new object under an id that starts with `prefix`."""
        self.count += 1
        created = {"id": f"{prefix}_{self.count:08}", "created": self.now, "livemode": False, **fields}
        self.objects.setdefault(kind, {})[created["id"]] = created
        return created

    def find(self, kind: str, identifier: str, param: str = "id") -> Object:
        """Return an object, such as `find("charges", "ch_1")`.

        Raises:
            ApiError: there is no such object.
        """
        found = self.objects.get(kind, {}).get(identifier)
        if not found:
            status = 404 if param == "id" else 400
            raise ApiError(status, "resource_missing", f"No such {kind[:-1]}: '{identifier}'", param)
        return found

    def all_of(self, kind: str) -> list[Object]:
        """Return all objects of a kind, oldest first."""
        return list(self.objects.get(kind, {}).values())

    def customer(self, identifier: str, param: str = "customer", deleted: bool = False) -> Object:
        """Return a customer.

        Args:
            deleted: True to include deleted customers.

        Raises:
            ApiError: there is no such customer.
        """
        found = self.find("customers", identifier, param)
        if found.get("deleted") and not deleted:
            status = 404 if param == "id" else 400
            raise ApiError(status, "resource_missing", f"No such customer: '{identifier}'", param)
        return found

    def subscriptions_of(self, customer: str) -> list[Object]:
        """Return a customer's subscriptions, newest first, including those that have ended."""
        return [each for each in reversed(self.all_of("subscriptions")) if each["customer"] == customer]

    def _emit(self, kind: str, about: Object) -> None:
        data = {"object": public_fields(about)}
        event = {"object": "event", "type": kind, "api_version": API_VERSION, "data": data}
        self._on_event(self.create("events", "evt", event))

    # --- Checkouts ---

    def create_checkout(self, fields: Object) -> Object:
        """Create a checkout session.

        Raises:
            ApiError: the price, mode and customer do not fit together.
        """
        if fields.get("customer"):
            self.customer(fields["customer"])
        recurring = price_object(indexed_list(fields.get("line_items"))[0]["price"])["recurring"]
        if (fields["mode"] == "subscription") != bool(recurring):
            raise ApiError(400, "", "The price does not go with the mode", "line_items[0][price]")
        if fields["mode"] == "payment" and "subscription_data" in fields:
            raise ApiError(400, "", "You can not pass `subscription_data` in `payment` mode.", "subscription_data")
        session = self.create("sessions", "cs_test", {"object": "checkout.session", "status": "open", **fields})
        session |= {"payment_status": "unpaid", "customer": fields.get("customer"), "subscription": None}
        session["url"] = f"{self._pages}/pay/{session['id']}"
        return session

    def expire_checkout(self, session: str) -> Object:
        """Close an open checkout session, so that it can no longer be paid.

        Raises:
            ApiError: the session is not open.
        """
        found = self.find("sessions", session)
        if found["status"] != "open":
            message = f"Only Checkout Sessions with a status in [open] can be expired, not {found['status']}"
            raise ApiError(400, "", message)
        found["status"] = "expired"
        self._emit("checkout.session.expired", found)
        return found

    def create_portal(self, fields: Object) -> Object:
        """Create a session of the billing portal."""
        self.customer(fields.get("customer", ""))
        portal = self.create("portals", "bps", {"object": "billing_portal.session", **fields})
        portal["url"] = f"{self._pages}/portal/{portal['id']}"
        return portal

    def pay(self, session: str, card: str = "works") -> str:
        """Pay a checkout session and return the URL that its payer is sent to.

        Args:
            card: `works`, `declines`, or `fails later` (at the first renewal).

        Raises:
            CardDeclined: the card was declined; the session stays open.
            ApiError: the session is not open.
        """
        found = self.find("sessions", session)
        if found["status"] != "open":
            raise ApiError(400, "", "This checkout is closed")
        if card == "declines":
            raise CardDeclined
        price = price_object(indexed_list(found["line_items"])[0]["price"])
        found |= {"status": "complete", "payment_status": "paid"}
        if found["mode"] == "subscription":
            self.customer(found["customer"])["_card"] = card
            found["subscription"] = self._subscribe(found, price)["id"]
        else:
            self.charge(found["customer"], price["unit_amount"])
        self._emit("checkout.session.completed", found)
        return str(found["success_url"]).replace("{CHECKOUT_SESSION_ID}", session)

    def _subscribe(self, session: Object, price: Object) -> Object:
        ends = self.now + PERIODS[price["recurring"]["interval"]]
        item = {"object": "subscription_item", "id": f"si_{self.count}", "price": price, "quantity": 1}
        item |= {"current_period_start": self.now, "current_period_end": ends}
        fields = {
            "object": "subscription",
            "customer": session["customer"],
            "status": "active",
            "metadata": session.get("subscription_data", {}).get("metadata", {}),
            "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
            "latest_invoice": None,
        }
        fields |= {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "ended_at": None}
        created = self.create("subscriptions", "sub", fields)
        self._emit("customer.subscription.created", created)
        self._bill(created)
        return created

    # --- Subscriptions, charges and disputes ---

    def cancel(self, subscription: str, at_once: bool = False) -> None:
        """Cancel a subscription, at the end of its period or at once."""
        found = self.find("subscriptions", subscription)
        if at_once:
            found |= {"status": "canceled", "canceled_at": self.now, "ended_at": self.now}
            self._emit("customer.subscription.deleted", found)
            return
        found["canceled_at"] = self.now
        if self.flexible:
            found["cancel_at"] = _item(found)["current_period_end"]
        else:
            found["cancel_at_period_end"] = True
        self._emit("customer.subscription.updated", found)

    def resume(self, subscription: str) -> None:
        """Undo a cancellation at the end of the period."""
        found = self.find("subscriptions", subscription)
        found |= {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None}
        self._emit("customer.subscription.updated", found)

    def change_price(self, subscription: str, price: str) -> None:
        """Switch a subscription to another price; its period stays the same."""
        found = self.find("subscriptions", subscription)
        _item(found)["price"] = price_object(price)
        self._emit("customer.subscription.updated", found)

    def set_card(self, customer: str, card: str) -> None:
        """Set a customer's card, `works` or `fails later`, and retry what is unpaid."""
        self.customer(customer)["_card"] = card
        for found in self.subscriptions_of(customer):
            if found["status"] in ("past_due", "unpaid"):
                self._collect(found)

    def refund(self, charge: str, amount: int = 0) -> None:
        """Refund a charge: `amount` of it in cents, or all of it (0)."""
        found = self.find("charges", charge)
        found["amount_refunded"] = min(found["amount"], found["amount_refunded"] + (amount or found["amount"]))
        found["refunded"] = found["amount_refunded"] == found["amount"]
        self._emit("charge.refunded", found)

    def open_dispute(self, charge: str, status: str = "needs_response") -> Object:
        """Open a dispute of a charge; with `warning_needs_response` it is only an inquiry."""
        found = self.find("charges", charge)
        found["disputed"] = True
        dispute = self.create("disputes", "dp", {"object": "dispute", "charge": charge, "status": status})
        self._emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: str, status: str) -> None:
        """Close a dispute as `won` or `lost`, or an inquiry as `warning_closed`."""
        found = self.find("disputes", dispute)
        found["status"] = status
        self._emit("charge.dispute.closed", found)
        if status == "won":
            self._emit("charge.dispute.funds_reinstated", found)

    def delete_customer(self, customer: str) -> None:
        """Delete a customer and cancel all of the customer's subscriptions."""
        found = self.customer(customer, "id")
        for each in self.subscriptions_of(customer):
            if each["status"] != "canceled":
                self.cancel(each["id"], at_once=True)
        found |= {"deleted": True, "email": None}
        self._emit("customer.deleted", found)

    def charge(self, customer: str | None, amount: int) -> Object:
        """Charge `amount` cents successfully and return the payment intent."""
        fields = {"object": "charge", "customer": customer, "amount": amount, "amount_refunded": 0}
        charge = self.create("charges", "ch", {**fields, "refunded": False, "disputed": False})
        intent_fields = {"object": "payment_intent", "customer": customer, "latest_charge": charge["id"]}
        intent = self.create("payment_intents", "pi", intent_fields)
        charge["payment_intent"] = intent["id"]
        self._emit("payment_intent.succeeded", intent)
        return intent

    # --- Time ---

    def advance(self, seconds: int) -> None:
        """Advance the clock, and process everything that falls due meanwhile, in order."""
        until = self.now + seconds
        while due := min(
            ((_due(each), each["id"]) for each in self.all_of("subscriptions") if _due(each) <= until), default=None
        ):
            self.now = max(self.now, due[0])
            self._process_due(self.find("subscriptions", due[1]))
        self.now = until

    def _process_due(self, found: Object) -> None:
        if found.get("_retries"):
            found["_retries"].pop(0)
            self._collect(found)
            if found["status"] == "past_due" and not found["_retries"]:
                self._lapse(found)
        elif found["cancel_at"] or found["cancel_at_period_end"]:
            self.cancel(found["id"], at_once=True)
        else:
            item = _item(found)
            begins, interval = item["current_period_end"], item["price"]["recurring"]["interval"]
            item |= {"current_period_start": begins, "current_period_end": begins + PERIODS[interval]}
            self._bill(found)

    def _lapse(self, found: Object) -> None:
        if self.after_last_retry == "canceled":
            self.cancel(found["id"], at_once=True)
        else:
            found["status"] = "unpaid"
            self._emit("customer.subscription.updated", found)

    def _bill(self, subscription: Object) -> None:
        """Create the invoice of the period that begins, and try to collect its payment."""
        fields = {"object": "invoice", "customer": subscription["customer"], "status": "open", "_payments": []}
        subscription["latest_invoice"] = self.create("invoices", "in", fields)["id"]
        self._emit("customer.subscription.updated", subscription)
        self._collect(subscription)

    def _collect(self, subscription: Object) -> None:
        """Try to collect the payment of a subscription's latest invoice. The first invoice always succeeds."""
        invoice = self.find("invoices", subscription["latest_invoice"])
        card = self.customer(subscription["customer"], deleted=True).get("_card")
        if card != "works" and subscription.get("_begun"):
            if subscription["status"] == "active":
                subscription |= {"status": "past_due", "_retries": [self.now + wait for wait in RETRIES]}
                self._emit("customer.subscription.updated", subscription)
            self._emit("invoice.payment_failed", invoice)
            return
        intent = self.charge(subscription["customer"], _item(subscription)["price"]["unit_amount"])
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        invoice["_payments"].append(
            {"object": "invoice_payment", "id": f"inpay_{self.count}", "status": "paid", "payment": payment}
        )
        invoice["status"] = "paid"
        was_active = subscription["status"] == "active"
        subscription |= {"status": "active", "_retries": [], "_begun": True}
        self._emit("invoice.paid", invoice)
        if not was_active:
            self._emit("customer.subscription.updated", subscription)


def public_fields(found: Object) -> Object:
    """Return a copy of an object without the fields that are not Stripe's."""
    return {name: copy.deepcopy(value) for name, value in found.items() if not name.startswith("_")}


def price_object(identifier: str) -> Object:
    """Return the price that an id describes.

    Raises:
        ApiError: the id does not describe a price.
    """
    found = _PRICE.fullmatch(identifier)
    if not found:
        raise ApiError(400, "resource_missing", f"No such price: '{identifier}'", "line_items[0][price]")
    return {
        "id": identifier,
        "object": "price",
        "unit_amount": int(found[2]),
        "currency": found[3],
        "recurring": None if found[1] == "once" else {"interval": found[1], "interval_count": 1},
    }


def indexed_list(given: Any) -> list[Any]:
    """Return a list parameter, which arrives as a dictionary with numbers for keys."""
    return [given[key] for key in sorted(given, key=int)] if isinstance(given, dict) else list(given or ())


def _due(subscription: Object) -> int:
    """Return the time, in Unix seconds, at which a subscription must be processed next."""
    if subscription["status"] not in ("active", "past_due"):
        return _NEVER
    if subscription.get("_retries"):
        return int(subscription["_retries"][0])
    return int(subscription["cancel_at"] or _item(subscription)["current_period_end"])


def _item(subscription: Object) -> Object:
    item: Object = subscription["items"]["data"][0]
    return item
