"""The payments port on Stripe, through its own library.

The library takes a while to load, so it is loaded when it is first needed: no page view, and no sign-in, needs it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.payments import CheckoutOrder, PaymentEvent, Subscription

if TYPE_CHECKING:
    from stripe import HTTPClient, StripeClient
    from stripe.checkout import Session as CheckoutSession

API_VERSION = "2026-10-28.endive"
"""What the code below was written for. Only ids are taken from events, so it does not matter which version those are of."""
TOLERANCE = 300
"""Seconds that a signed event may be old, as Stripe advises against replays (docs.stripe.com/webhooks, "Preventing replay attacks")."""
_SECONDS = (3.0, 6.0)
"""How long to wait for a connection, and for an answer."""
_LOST = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost")
"""States of a dispute in which its money is with the payer. An inquiry (`warning_…`) takes none."""


class StripePayments:
    """Stripe.

    Args:
        secret: gives `api_key` and `webhook_secret`, when first needed.
        api: where Stripe is; its own address when empty.
        http: replaces the library's HTTP client.
    """

    def __init__(self, secret: Callable[[], Mapping[str, str]], api: str = "", http: HTTPClient | None = None) -> None:
        self._read_secret = secret
        self._api = api
        self._http = http

    @cached_property
    def _secret(self) -> Mapping[str, str]:
        return self._read_secret()

    @cached_property
    def _stripe(self) -> StripeClient:
        import stripe

        stripe.enable_telemetry = False
        return stripe.StripeClient(
            self._secret["api_key"],
            stripe_version=API_VERSION,
            base_addresses={"api": self._api} if self._api else {},
            max_network_retries=1,
            http_client=self._http or stripe.RequestsClient(timeout=_SECONDS),
        )

    def create_customer(self, member: str, email: str, key: str) -> str:
        with _translate_stripe_errors():
            made = self._stripe.v1.customers.create(
                {"email": email, "metadata": {"member": member}}, {"idempotency_key": f"customer-{key}"}
            )
        return made.id

    def create_checkout(self, order: CheckoutOrder) -> str:
        asked: dict[str, Any] = {
            "mode": "subscription" if order.tier else "payment",
            "line_items": [{"price": order.price, "quantity": 1}],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }
        if order.tier:
            asked["subscription_data"] = {"metadata": {"member": order.member, "tier": order.tier}}
        else:
            asked["submit_type"] = "donate"
        if order.member:
            asked["client_reference_id"] = order.member
        if order.customer:
            asked["customer"] = order.customer
        elif order.email:
            asked["customer_email"] = order.email
        try:
            with _translate_stripe_errors():
                made = self._stripe.v1.checkout.sessions.create(asked)  # type: ignore[arg-type]  # put together above
                if order.customer:
                    self._close_before(made, order.customer)
        except _Missing as error:
            if error.what == "customer":
                raise Conflict("the customer is no more") from None
            raise
        return str(made.url)

    def _close_before(self, newest: CheckoutSession, customer: str) -> None:
        """Close a reader's older checkouts, so that only the newest can be paid. One that has just been paid cannot be closed
        and raises an error, so that no reader pays twice."""
        sessions = self._stripe.v1.checkout.sessions
        for each in sessions.list({"customer": customer, "status": "open", "limit": 100}).data:
            if (each.created, each.id) < (newest.created, newest.id):
                sessions.expire(each.id)

    def create_portal(self, customer: str, return_url: str) -> str:
        with _translate_stripe_errors():
            return self._stripe.v1.billing_portal.sessions.create({"customer": customer, "return_url": return_url}).url

    def subscriptions(self, customer: str) -> Sequence[Subscription]:
        try:
            with _translate_stripe_errors():
                found = self._stripe.v1.subscriptions.list(
                    {"customer": customer, "limit": 100, "expand": ["data.latest_invoice.payments"]}
                )
                return [self._subscription(each.to_dict()) for each in found.data]
        except _Missing:
            return ()

    def _subscription(self, found: Mapping[str, Any]) -> Subscription:
        # Since API version 2025-03-31 the period is the item's. We sell one item at a time.
        item = found["items"]["data"][0]
        return Subscription(
            id=found["id"],
            status=found["status"],
            price=item["price"]["id"],
            tier=found["metadata"].get("tier", ""),
            period_start=item["current_period_start"],
            period_end=item["current_period_end"],
            # Which of the two says that it ends with its period depends on the subscription's billing mode.
            cancel_at=found["cancel_at"] or (item["current_period_end"] if found["cancel_at_period_end"] else 0),
            refunded=any(map(self._is_refunded, _intents_of(found["latest_invoice"]))),
        )

    def _is_refunded(self, intent: str) -> bool:
        found = self._stripe.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
        charge = found.to_dict()["latest_charge"]
        if not charge or charge["refunded"] or not charge["disputed"]:
            return bool(charge and charge["refunded"])
        # A charge stays marked as disputed, also when the dispute is won.
        return any(each.status in _LOST for each in self._stripe.v1.disputes.list({"charge": charge["id"]}).data)

    def customer_of_charge(self, charge: str) -> str:
        try:
            with _translate_stripe_errors():
                return _id(self._stripe.v1.charges.retrieve(charge).to_dict()["customer"])
        except _Missing:
            return ""

    def verify_event(self, body: bytes, signature: str) -> PaymentEvent:
        from stripe import SignatureVerificationError, WebhookSignature

        secret = self._secret["webhook_secret"]
        try:
            text = body.decode()
            WebhookSignature.verify_header(text, signature, secret, TOLERANCE)
            event = json.loads(text)
            about = event["data"]["object"]
            own = about["id"] if about["object"] == "customer" else ""
            return PaymentEvent(event["id"], event["type"], own or _id(about.get("customer")), _id(about.get("charge")))
        except (SignatureVerificationError, ValueError, LookupError, TypeError):
            raise Permanent("that is no event that Stripe has signed in the last minutes") from None

    def delete_customer(self, customer: str) -> None:
        with suppress(_Missing), _translate_stripe_errors():
            self._stripe.v1.customers.delete(customer)


def _intents_of(invoice: Mapping[str, Any] | None) -> list[str]:
    """The payment intents by which an invoice was paid; none where nothing was to pay, or it was paid by other ways."""
    payments = invoice["payments"]["data"] if invoice else ()
    return [
        _id(each["payment"]["payment_intent"])
        for each in payments
        if each["status"] == "paid" and each["payment"]["type"] == "payment_intent"
    ]


def _id(field: Any) -> str:
    """The id in a field that holds one, or the whole object that has it, or nothing."""
    return str(field["id"] if isinstance(field, Mapping) else field or "")


class _Missing(Transient):
    """There is no such thing at Stripe. `what` is the parameter that names it."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text)
        self.what = what


@contextmanager
def _translate_stripe_errors() -> Iterator[None]:
    """Stripe's errors as ours. What they say may quote an address, so only their codes go on.

    A wrong price or key is Transient too: the newsroom can correct it, and Stripe sends its events again.
    """
    from stripe import StripeError

    try:
        yield
    except StripeError as error:
        what = str(getattr(error, "param", None) or "")
        text = f"{type(error).__name__} {error.code or ''} {what} (request {error.request_id})"
        if error.code == "resource_missing":
            raise _Missing(text, what) from None
        raise Transient(text) from None
