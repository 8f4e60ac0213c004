"""Stripe's library over the stand-in's books, with no network between: the adapter that is deployed, and what it talks to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import stripe
from nightdesk.adapters.stripe import StripePayments
from nightdesk_local.stripe_books import Books, Object
from nightdesk_local.stripe_server import API_KEY, WEBHOOK_SECRET, signed

SECRET = {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}
BEGAN = 1_795_500_000
MONTH, YEAR, ONCE = "price_member_month_800_eur", "price_member_year_8000_eur", "price_gift_once_500_eur"
PATRON = "price_patron_month_2500_eur"


class InProcess(stripe.HTTPClient):
    """The library's way to Stripe; `asked` is told of each request before it is answered."""

    name = "in process"

    def __init__(self, books: Books, asked: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self.books = books
        self._asked = asked

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        """One request and its answer."""
        there = urlsplit(url)
        self._asked(f"{method} {there.path}")
        named = {name.lower(): value for name, value in headers.items()}
        status, body = self.books.answer(method.upper(), there.path, post_data or there.query, named)
        return json.dumps(body), status, {"request-id": "req_1"}


def sent(event: Object) -> tuple[bytes, str]:
    """An event's body and signature, as they come."""
    body = json.dumps(event).encode()
    return body, signed(body, time.time())


class Stripe:
    """An account of Stripe's with nobody in it yet, and the adapter that is deployed.

    Attributes:
        events: all that have happened, in order.
    """

    def __init__(self, asked: Callable[[str], None] = lambda _: None) -> None:
        self.events: list[Object] = []
        self.books = Books(BEGAN, "https://pay.example", API_KEY, self.events.append)
        self.payments = StripePayments(lambda: SECRET, http=InProcess(self.books, asked))

    def session_at(self, url: str) -> str:
        """The checkout behind an address."""
        return urlsplit(url).path.rpartition("/")[2]
