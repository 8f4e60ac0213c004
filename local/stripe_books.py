"""What a stand-in for Stripe knows and does: customers, checkouts, subscriptions, what becomes of them. Never deployed.

Objects have the shape of Stripe's API, as far as we read it, and so have requests and their refusals: what the API does not
know it refuses, rather than passing over it. A price says itself what it is: `price_<name>_<month|year|once>_<cents>_<currency>`.

Time passes only by `let_pass`. Everything that happens leaves an event, to be delivered by whoever has the books.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

API_VERSION = "2026-10-28.endive"
DAY = 86400
PERIODS = {"month": 30 * DAY, "year": 365 * DAY}
RETRIES = (3 * DAY, 5 * DAY, 7 * DAY)
"""How long after a failed payment it is tried again; after the last of them the subscription is given up."""
_NEVER = 1 << 62
_PRICE = re.compile(r"price_[a-z]+_(month|year|once)_(\d+)_([a-z]{3})")
_EXPANDED = {"latest_invoice": "invoices", "latest_charge": "charges", "payment_intent": "payment_intents"}
_KNOWN = {
    "POST customers": {"email", "metadata"},
    "POST checkout/sessions": {
        *("mode", "line_items", "success_url", "cancel_url", "client_reference_id", "customer", "customer_email"),
        *("subscription_data", "submit_type"),
    },
    "GET checkout/sessions": {"customer", "status", "limit"},
    "POST checkout/sessions/expire": set(),
    "POST billing_portal/sessions": {"customer", "return_url"},
    "GET subscriptions": {"customer", "limit", "expand"},
    "GET payment_intents/": {"expand"},
    "GET charges/": {"expand"},
    "GET disputes": {"charge"},
    "DELETE customers/": set(),
}
"""What is answered, and the parameters that it takes; an id stands behind the slash."""

Object = dict[str, Any]


class Refused(Exception):
    """A request that Stripe does not do, with its answer."""

    def __init__(
        self, status: int, code: str, message: str, param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message, **({"param": param} if param else {})}}


class Declined(Exception):
    """The card is declined, and nothing was paid."""


class Books:
    """All that one account of Stripe holds.

    Args:
        now: Unix seconds, to begin with.
        pages: the address below which checkouts and portals are shown.
        key: the account's key.
        tell: told of each event as it happens.
    """

    def __init__(self, now: int, pages: str, key: str, tell: Callable[[Object], None] = lambda _: None) -> None:
        self.now = now
        self.kept: dict[str, dict[str, Object]] = {}
        self.count = 0
        self.flexible = True
        """Whether a subscription's end is said by `cancel_at` alone, as in the billing mode that new ones have."""
        self.gives_up = "canceled"
        """What becomes of a subscription whose payment has failed for the last time; or `unpaid`."""
        self._pages = pages
        self._key = key
        self._tell = tell
        self._answers: dict[str, tuple[str, Object]] = {}

    # --- The API ---

    def answer(self, method: str, path: str, text: str, headers: Mapping[str, str]) -> tuple[int, Object]:
        """Status and body for a request.

        Args:
            path: such as `/v1/customers`.
            text: the parameters, form-encoded, of whichever method.
            headers: with names in lower case.
        """
        try:
            if headers.get("authorization") != f"Bearer {self._key}":
                raise Refused(401, "", "Invalid API Key provided")
            if headers.get("stripe-version") != API_VERSION:
                raise Refused(400, "", f"Invalid Stripe API version: {headers.get('stripe-version')}")
            asked = f"{method} {path} {text}"
            once = headers.get("idempotency-key", "") if method == "POST" else ""
            if once in self._answers:
                before, found = self._answers[once]
                if before != asked:
                    raise Refused(
                        400,
                        "",
                        "Keys for idempotent requests can only be used with the same parameters",
                        "",
                        "idempotency_error",
                    )
                return 200, found
            found = self._do(method, path.removeprefix("/v1/"), nested(text))
            if once:
                self._answers[once] = asked, found
            return 200, found
        except Refused as refused:
            return refused.status, refused.body

    def _do(self, method: str, path: str, given: Object) -> Object:
        name = f"{method} {path}"
        if act := re.fullmatch(r"(.+)/(\w+)/(expire)", path):
            path, name = f"{act[1]}/{act[2]}", f"{method} {act[1]}/{act[3]}"
        name = name if name in _KNOWN else name.rpartition("/")[0] + "/"
        if name not in _KNOWN:
            raise Refused(404, "", f"Unrecognized request URL ({method}: /v1/{path})")
        for strange in given.keys() - _KNOWN[name]:
            raise Refused(400, "parameter_unknown", f"Received unknown parameter: {strange}", strange)
        kind, _, identifier = path.rpartition("/")
        if name == "POST customers":
            return self._shown(self._keep("customers", "cus", {"object": "customer", "metadata": {}, **given}))
        if name == "POST checkout/sessions":
            return self._shown(self._checkout(given))
        if name == "GET checkout/sessions":
            wanted = {name: given[name] for name in ("customer", "status") if name in given}
            newest = reversed(self._all("sessions"))
            return self._list([s for s in newest if all(s.get(n) == value for n, value in wanted.items())], given)
        if name == "POST checkout/sessions/expire":
            return self._shown(self._expire(identifier))
        if name == "POST billing_portal/sessions":
            self._customer(given.get("customer", ""))
            made = self._keep("portals", "bps", {"object": "billing_portal.session", **given})
            made["url"] = f"{self._pages}/portal/{made['id']}"
            return self._shown(made)
        if name == "GET subscriptions":
            self._customer(given.get("customer", ""), deleted=True)
            return self._list([s for s in self.subscriptions_of(given["customer"]) if s["status"] != "canceled"], given)
        if name == "GET disputes":
            return self._list([d for d in self._all("disputes") if d["charge"] == given.get("charge")], given)
        if name == "DELETE customers/":
            self.delete_customer(self._customer(identifier, "id")["id"])
            return {"id": identifier, "object": "customer", "deleted": True}
        return self._shown(self.find(kind, identifier), _list_of(given.get("expand")))

    def find(self, kind: str, identifier: str, param: str = "id") -> Object:
        """One object, such as `find("charges", "ch_1")`.

        Raises:
            Refused: there is none.
        """
        found = self.kept.get(kind, {}).get(identifier)
        if not found:
            status = 404 if param == "id" else 400
            raise Refused(status, "resource_missing", f"No such {kind[:-1]}: '{identifier}'", param)
        return found

    def _all(self, kind: str) -> list[Object]:
        return list(self.kept.get(kind, {}).values())

    def _customer(self, identifier: str, param: str = "customer", deleted: bool = False) -> Object:
        found = self.find("customers", identifier, param)
        if found.get("deleted") and not deleted:
            raise Refused(404 if param == "id" else 400, "resource_missing", f"No such customer: '{identifier}'", param)
        return found

    def subscriptions_of(self, customer: str) -> list[Object]:
        """A customer's subscriptions, the newest first, ended ones among them."""
        return [s for s in reversed(self._all("subscriptions")) if s["customer"] == customer]

    def _list(self, found: Iterable[Object], given: Object) -> Object:
        expand = [path.removeprefix("data.") for path in _list_of(given.get("expand"))]
        data = [self._shown(each, expand) for each in found]
        return {"object": "list", "data": data[: int(given.get("limit", 10))], "has_more": False, "url": "/v1/"}

    def _shown(self, found: Object, expand: Iterable[str] = ()) -> Object:
        """An object as the API shows it: other objects by their ids, unless they are asked for."""
        shown = {name: copy.deepcopy(value) for name, value in found.items() if not name.startswith("_")}
        for path in expand:
            field, _, rest = path.partition(".")
            if field == "payments":
                shown[field] = {
                    "object": "list",
                    "data": found["_payments"],
                    "has_more": False,
                    "url": "/v1/invoice_payments",
                }
            elif shown.get(field):
                shown[field] = self._shown(self.find(_EXPANDED[field], shown[field]), [rest] if rest else [])
        return shown

    def _keep(self, kind: str, prefix: str, facts: Object) -> Object:
        self.count += 1
        made = {"id": f"{prefix}_{self.count:08}", "created": self.now, "livemode": False, **facts}
        self.kept.setdefault(kind, {})[made["id"]] = made
        return made

    def _happened(self, kind: str, about: Object) -> None:
        event = {"object": "event", "type": kind, "api_version": API_VERSION, "data": {"object": self._shown(about)}}
        self._tell(self._keep("events", "evt", event))

    def _checkout(self, given: Object) -> Object:
        if given.get("customer"):
            self._customer(given["customer"])
        interval = price_of(_list_of(given.get("line_items"))[0]["price"])["recurring"]
        if (given["mode"] == "subscription") != bool(interval):
            raise Refused(400, "", "The price does not go with the mode", "line_items[0][price]")
        if given["mode"] == "payment" and "subscription_data" in given:
            raise Refused(400, "", "You can not pass `subscription_data` in `payment` mode.", "subscription_data")
        made = self._keep("sessions", "cs_test", {"object": "checkout.session", "status": "open", **given})
        made |= {"payment_status": "unpaid", "customer": given.get("customer"), "subscription": None}
        made["url"] = f"{self._pages}/pay/{made['id']}"
        return made

    def _expire(self, session: str) -> Object:
        found = self.find("sessions", session)
        if found["status"] != "open":
            raise Refused(
                400, "", f"Only Checkout Sessions with a status in [open] can be expired, not {found['status']}"
            )
        found["status"] = "expired"
        self._happened("checkout.session.expired", found)
        return found

    # --- What people do ---

    def pay(self, session: str, card: str = "works") -> str:
        """Pay a checkout; the address that its payer is sent on to.

        Args:
            card: `works`, `declines`, or `fails later`.

        Raises:
            Declined: and the checkout stays open.
            Refused: it is not open.
        """
        found = self.find("sessions", session)
        if found["status"] != "open":
            raise Refused(400, "", "This checkout is over")
        if card == "declines":
            raise Declined
        price = price_of(_list_of(found["line_items"])[0]["price"])
        found |= {"status": "complete", "payment_status": "paid"}
        if found["mode"] == "subscription":
            self._customer(found["customer"])["_card"] = card
            found["subscription"] = self._subscribe(found, price)["id"]
        else:
            self._charge(found["customer"], price["unit_amount"])
        self._happened("checkout.session.completed", found)
        return str(found["success_url"]).replace("{CHECKOUT_SESSION_ID}", session)

    def _subscribe(self, session: Object, price: Object) -> Object:
        ends = self.now + PERIODS[price["recurring"]["interval"]]
        item = {"object": "subscription_item", "id": f"si_{self.count}", "price": price, "quantity": 1}
        item |= {"current_period_start": self.now, "current_period_end": ends}
        facts = {
            "object": "subscription",
            "customer": session["customer"],
            "status": "active",
            "metadata": session.get("subscription_data", {}).get("metadata", {}),
            "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
            "latest_invoice": None,
        }
        facts |= {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "ended_at": None}
        made = self._keep("subscriptions", "sub", facts)
        self._happened("customer.subscription.created", made)
        self._bill(made)
        return made

    def end(self, subscription: str, at_once: bool = False) -> None:
        """End a subscription, with its period or at once."""
        found = self.find("subscriptions", subscription)
        if at_once:
            found |= {"status": "canceled", "canceled_at": self.now, "ended_at": self.now}
            self._happened("customer.subscription.deleted", found)
            return
        found["canceled_at"] = self.now
        if self.flexible:
            found["cancel_at"] = _item(found)["current_period_end"]
        else:
            found["cancel_at_period_end"] = True
        self._happened("customer.subscription.updated", found)

    def go_on(self, subscription: str) -> None:
        """Take back the end of a subscription."""
        found = self.find("subscriptions", subscription)
        found |= {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None}
        self._happened("customer.subscription.updated", found)

    def switch(self, subscription: str, price: str) -> None:
        """Pay by another price from now on; the period stays."""
        found = self.find("subscriptions", subscription)
        _item(found)["price"] = price_of(price)
        self._happened("customer.subscription.updated", found)

    def use_card(self, customer: str, card: str) -> None:
        """Change how a customer pays: `works` or `fails later`. What is open is paid at once."""
        self._customer(customer)["_card"] = card
        for found in self.subscriptions_of(customer):
            if found["status"] in ("past_due", "unpaid"):
                self._attempt(found)

    def refund(self, charge: str, amount: int = 0) -> None:
        """Give back a charge, or an amount of it."""
        found = self.find("charges", charge)
        found["amount_refunded"] = min(found["amount"], found["amount_refunded"] + (amount or found["amount"]))
        found["refunded"] = found["amount_refunded"] == found["amount"]
        self._happened("charge.refunded", found)

    def dispute(self, charge: str, status: str = "needs_response") -> Object:
        """A payer disputes a charge; `warning_needs_response` only asks about it."""
        found = self.find("charges", charge)
        found["disputed"] = True
        made = self._keep("disputes", "dp", {"object": "dispute", "charge": charge, "status": status})
        self._happened("charge.dispute.created", made)
        return made

    def close(self, dispute: str, status: str) -> None:
        """A dispute is `won` or `lost`."""
        found = self.find("disputes", dispute)
        found["status"] = status
        self._happened("charge.dispute.closed", found)
        if status == "won":
            self._happened("charge.dispute.funds_reinstated", found)

    def delete_customer(self, customer: str) -> None:
        """Delete a customer, with all subscriptions."""
        found = self._customer(customer, "id")
        for each in self.subscriptions_of(customer):
            if each["status"] != "canceled":
                self.end(each["id"], at_once=True)
        found |= {"deleted": True, "email": None}
        self._happened("customer.deleted", found)

    # --- What time does ---

    def let_pass(self, seconds: int) -> None:
        """Let time pass, and with it all that falls due, in order."""
        until = self.now + seconds
        while due := min(((_due(s), s["id"]) for s in self._all("subscriptions") if _due(s) <= until), default=None):
            self.now = max(self.now, due[0])
            self._fall_due(self.find("subscriptions", due[1]))
        self.now = until

    def _fall_due(self, found: Object) -> None:
        if found.get("_retries"):
            found["_retries"].pop(0)
            self._attempt(found)
            if found["status"] == "past_due" and not found["_retries"]:
                if self.gives_up == "canceled":
                    self.end(found["id"], at_once=True)
                else:
                    found["status"] = "unpaid"
                    self._happened("customer.subscription.updated", found)
        elif found["cancel_at"] or found["cancel_at_period_end"]:
            self.end(found["id"], at_once=True)
        else:
            item = _item(found)
            begins, price = item["current_period_end"], item["price"]
            item |= {
                "current_period_start": begins,
                "current_period_end": begins + PERIODS[price["recurring"]["interval"]],
            }
            self._bill(found)

    def _bill(self, subscription: Object) -> None:
        """An invoice for the period that begins, and a first attempt at having it paid."""
        facts = {"object": "invoice", "customer": subscription["customer"], "status": "open", "_payments": []}
        subscription["latest_invoice"] = self._keep("invoices", "in", facts)["id"]
        self._happened("customer.subscription.updated", subscription)
        self._attempt(subscription)

    def _attempt(self, subscription: Object) -> None:
        invoice = self.find("invoices", subscription["latest_invoice"])
        if self._customer(subscription["customer"], deleted=True).get("_card") != "works" and subscription.get(
            "_begun"
        ):
            if subscription["status"] == "active":
                subscription |= {"status": "past_due", "_retries": [self.now + wait for wait in RETRIES]}
                self._happened("customer.subscription.updated", subscription)
            self._happened("invoice.payment_failed", invoice)
            return
        intent = self._charge(subscription["customer"], _item(subscription)["price"]["unit_amount"])
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        invoice["_payments"].append(
            {"object": "invoice_payment", "id": f"inpay_{self.count}", "status": "paid", "payment": payment}
        )
        invoice["status"] = "paid"
        changed = subscription["status"] != "active"
        subscription |= {"status": "active", "_retries": [], "_begun": True}
        self._happened("invoice.paid", invoice)
        if changed:
            self._happened("customer.subscription.updated", subscription)

    def _charge(self, customer: str | None, amount: int) -> Object:
        facts = {"object": "charge", "customer": customer, "amount": amount, "amount_refunded": 0}
        charge = self._keep("charges", "ch", {**facts, "refunded": False, "disputed": False})
        intent = self._keep(
            "payment_intents", "pi", {"object": "payment_intent", "customer": customer, "latest_charge": charge["id"]}
        )
        charge["payment_intent"] = intent["id"]
        self._happened("payment_intent.succeeded", intent)
        return intent


def _due(subscription: Object) -> int:
    """When a subscription is next to be seen to."""
    if subscription["status"] not in ("active", "past_due"):
        return _NEVER
    if subscription.get("_retries"):
        return int(subscription["_retries"][0])
    return int(subscription["cancel_at"] or _item(subscription)["current_period_end"])


def _item(subscription: Object) -> Object:
    found: Object = subscription["items"]["data"][0]
    return found


def price_of(identifier: str) -> Object:
    """A price, as its id has it.

    Raises:
        Refused: that is none.
    """
    found = _PRICE.fullmatch(identifier)
    if not found:
        raise Refused(400, "resource_missing", f"No such price: '{identifier}'", "line_items[0][price]")
    recurring = None if found[1] == "once" else {"interval": found[1], "interval_count": 1}
    return {
        "id": identifier,
        "object": "price",
        "unit_amount": int(found[2]),
        "currency": found[3],
        "recurring": recurring,
    }


def nested(text: str) -> Object:
    """Form-encoded parameters as Stripe nests them: `a[b][0][c]=d`."""
    found: Object = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place = found
        for key in rest:
            place = place.setdefault(first, {})
            first = key
        place[first] = value
    return found


def _list_of(given: Any) -> list[Any]:
    """A list, which comes with numbers for keys."""
    return [given[key] for key in sorted(given, key=int)] if isinstance(given, dict) else list(given or ())
