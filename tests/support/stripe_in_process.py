"""Stripe's library connected to the fake account without a network: the deployed adapter and its counterpart."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import stripe
from nightdesk.adapters.stripe import StripePayments
from nightdesk_local.stripe_account import Object, StripeAccount
from nightdesk_local.stripe_api import StripeApi
from nightdesk_local.stripe_server import API_KEY, WEBHOOK_SECRET, signed

SECRET = {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}
STARTED = 1_795_500_000
MONTH, YEAR, ONCE = "price_member_month_800_eur", "price_member_year_8000_eur", "price_gift_once_500_eur"
PATRON = "price_patron_month_2500_eur"


class InProcessClient(stripe.HTTPClient):
    """An HTTP client for Stripe's library that calls the fake API directly.

    Args:
        on_request: called with the method and path of each request before it is answered.
    """

    name = "in process"

    def __init__(self, api: StripeApi, on_request: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self._api = api
        self._on_request = on_request

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        """Answer one request."""
        address = urlsplit(url)
        self._on_request(f"{method} {address.path}")
        lower = {name.lower(): value for name, value in headers.items()}
        status, body = self._api.answer(method.upper(), address.path, post_data or address.query, lower)
        return json.dumps(body), status, {"request-id": "req_1"}


def webhook_request(event: Object) -> tuple[bytes, str]:
    """Return the body and signature with which Stripe delivers an event."""
    body = json.dumps(event).encode()
    return body, signed(body, time.time())


class FakeStripe:
    """An empty Stripe account and the deployed adapter connected to it.

    Attributes:
        events: everything that happened, in order.
    """

    def __init__(self, on_request: Callable[[str], None] = lambda _: None) -> None:
        self.events: list[Object] = []
        self.account = StripeAccount(STARTED, "https://pay.example", self.events.append)
        self.api = StripeApi(self.account, API_KEY)
        self.payments = StripePayments(lambda: SECRET, http=InProcessClient(self.api, on_request))

    def session_at(self, url: str) -> str:
        """Return the id of the checkout session behind a URL."""
        return urlsplit(url).path.rpartition("/")[2]
