"""The REST API of a fake Stripe account: the requests that Nightdesk makes, with Stripe's own refusals. Never deployed.

A request or parameter that is not in the tables below is refused rather than ignored, so that a misspelt one fails here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from .stripe_account import API_VERSION, ApiError, Object, StripeAccount, indexed_list, public_fields

_EXPANDABLE = {"latest_invoice": "invoices", "latest_charge": "charges", "payment_intent": "payment_intents"}
"""Fields that hold an object's id and can be expanded, and the object's kind."""


class _Operation(NamedTuple):
    """An operation of the API: the parameters that it takes, and what answers it from the id in the path and these."""

    parameters: set[str]
    act: Callable[[StripeApi, str, Object], Object]


class StripeApi:
    """The API of one account.

    Args:
        key: the account's secret API key.
    """

    def __init__(self, account: StripeAccount, key: str) -> None:
        self.account = account
        self._key = key
        self._idempotent: dict[str, tuple[str, Object]] = {}

    def answer(self, method: str, path: str, text: str, headers: Mapping[str, str]) -> tuple[int, Object]:
        """Return the status and body of the answer to a request.

        Args:
            path: such as `/v1/customers`.
            text: the form-encoded parameters, of the query or of the body.
            headers: with names in lower case.
        """
        try:
            return 200, self._answer(method, path, text, headers)
        except ApiError as error:
            return error.status, error.body

    def _answer(self, method: str, path: str, text: str, headers: Mapping[str, str]) -> Object:
        if headers.get("authorization") != f"Bearer {self._key}":
            raise ApiError(401, "", "Invalid API Key provided")
        if headers.get("stripe-version") != API_VERSION:
            raise ApiError(400, "", f"Invalid Stripe API version: {headers.get('stripe-version')}")
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        request = f"{method} {path} {text}"
        if key in self._idempotent:
            first, answer = self._idempotent[key]
            if first != request:
                message = "Keys for idempotent requests can only be used with the same parameters"
                raise ApiError(400, "", message, kind="idempotency_error")
            return answer
        answer = self._act(method, path.removeprefix("/v1/"), nested(text))
        if key:
            self._idempotent[key] = request, answer
        return answer

    def _act(self, method: str, path: str, parameters: Object) -> Object:
        name, identifier = f"{method} {path}", ""
        if found := re.fullmatch(r"(.+)/(\w+)/(expire)", path):
            name, identifier = f"{method} {found[1]}/{found[3]}", found[2]
        elif name not in _OPERATIONS:
            collection, _, identifier = path.rpartition("/")
            name = f"{method} {collection}/"
        operation = _OPERATIONS.get(name)
        if not operation:
            raise ApiError(404, "", f"Unrecognized request URL ({method}: /v1/{path})")
        for unknown in parameters.keys() - operation.parameters:
            raise ApiError(400, "parameter_unknown", f"Received unknown parameter: {unknown}", unknown)
        return operation.act(self, identifier, parameters)

    def _create_customer(self, _: str, parameters: Object) -> Object:
        fields = {"object": "customer", "metadata": {}, **parameters}
        return public_fields(self.account.create("customers", "cus", fields))

    def _delete_customer(self, identifier: str, _: Object) -> Object:
        self.account.delete_customer(self.account.customer(identifier, "id")["id"])
        return {"id": identifier, "object": "customer", "deleted": True}

    def _create_checkout(self, _: str, parameters: Object) -> Object:
        return public_fields(self.account.create_checkout(parameters))

    def _list_checkouts(self, _: str, parameters: Object) -> Object:
        wanted = {name: parameters[name] for name in ("customer", "status") if name in parameters}
        newest = reversed(self.account.all_of("sessions"))
        found = [each for each in newest if all(each.get(name) == value for name, value in wanted.items())]
        return self._page(found, parameters)

    def _expire_checkout(self, identifier: str, _: Object) -> Object:
        return public_fields(self.account.expire_checkout(identifier))

    def _create_portal(self, _: str, parameters: Object) -> Object:
        return public_fields(self.account.create_portal(parameters))

    def _list_subscriptions(self, _: str, parameters: Object) -> Object:
        customer = self.account.customer(parameters.get("customer", ""), deleted=True)["id"]
        found = [each for each in self.account.subscriptions_of(customer) if each["status"] != "canceled"]
        return self._page(found, parameters)

    def _list_disputes(self, _: str, parameters: Object) -> Object:
        disputes = self.account.all_of("disputes")
        return self._page([each for each in disputes if each["charge"] == parameters.get("charge")], parameters)

    def _retrieve_payment_intent(self, identifier: str, parameters: Object) -> Object:
        return self._expanded(self.account.find("payment_intents", identifier), indexed_list(parameters.get("expand")))

    def _retrieve_charge(self, identifier: str, parameters: Object) -> Object:
        return self._expanded(self.account.find("charges", identifier), indexed_list(parameters.get("expand")))

    def _page(self, found: Iterable[Object], parameters: Object) -> Object:
        expand = [path.removeprefix("data.") for path in indexed_list(parameters.get("expand"))]
        data = [self._expanded(each, expand) for each in found]
        return {"object": "list", "data": data[: int(parameters.get("limit", 10))], "has_more": False, "url": "/v1/"}

    def _expanded(self, found: Object, expand: Iterable[str]) -> Object:
        """Return an object as the API shows it: it holds the ids of other objects, except those to `expand`."""
        shown = public_fields(found)
        for path in expand:
            field, _, rest = path.partition(".")
            if field == "payments":
                data, url = found["_payments"], "/v1/invoice_payments"
                shown[field] = {"object": "list", "data": data, "has_more": False, "url": url}
            elif shown.get(field):
                inner = self.account.find(_EXPANDABLE[field], shown[field])
                shown[field] = self._expanded(inner, [rest] if rest else [])
        return shown


def nested(text: str) -> Object:
    """Parse form-encoded parameters as Stripe nests them: `a[b][0][c]=d`."""
    found: Object = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place = found
        for key in rest:
            place = place.setdefault(first, {})
            first = key
        place[first] = value
    return found


_CHECKOUT = {
    *("mode", "line_items", "success_url", "cancel_url", "client_reference_id", "customer", "customer_email"),
    *("subscription_data", "submit_type"),
}
_OPERATIONS = {
    "POST customers": _Operation({"email", "metadata"}, StripeApi._create_customer),
    "DELETE customers/": _Operation(set(), StripeApi._delete_customer),
    "POST checkout/sessions": _Operation(_CHECKOUT, StripeApi._create_checkout),
    "GET checkout/sessions": _Operation({"customer", "status", "limit"}, StripeApi._list_checkouts),
    "POST checkout/sessions/expire": _Operation(set(), StripeApi._expire_checkout),
    "POST billing_portal/sessions": _Operation({"customer", "return_url"}, StripeApi._create_portal),
    "GET subscriptions": _Operation({"customer", "limit", "expand"}, StripeApi._list_subscriptions),
    "GET payment_intents/": _Operation({"expand"}, StripeApi._retrieve_payment_intent),
    "GET charges/": _Operation({"expand"}, StripeApi._retrieve_charge),
    "GET disputes": _Operation({"charge"}, StripeApi._list_disputes),
}
"""By method and path; the path of an operation on one object ends in a slash, where the id would follow."""
