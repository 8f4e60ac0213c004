"""A stand-in for Stripe on its own port: the API, the payment pages, and signed webhook events. Never deployed.

It shows what happens when readers pay, without moving money or asking for a card.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .quiet_server import QuietServer, StandInHandler, page
from .stripe_account import DAY, ApiError, CardDeclined, Object, StripeAccount
from .stripe_api import StripeApi

API_KEY = "sk_test_stand_in"
WEBHOOK_SECRET = "whsec_stand_in"
WEBHOOK = "/api/stripe/webhook"
_MAX_RETRY_SECONDS = 30.0
_STYLE = (
    "button{font:inherit;padding:.4em .9em}form{display:inline-block;margin:.25rem .5rem .25rem 0}"
    "table{border-collapse:collapse}td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}"
)


@dataclass
class Delivery:
    """An event to deliver; `due` is the monotonic time of the next attempt."""

    event: Object
    due: float = 0.0
    attempts: int = 0


def signed(body: bytes, at: float, secret: str = WEBHOOK_SECRET) -> str:
    """Return the `Stripe-Signature` header of a body (docs.stripe.com/webhooks, "Verify webhook signatures manually")."""
    moment = str(int(at)).encode()
    return f"t={int(at)},v1={hmac.new(secret.encode(), moment + b'.' + body, hashlib.sha256).hexdigest()}"


class StripeStandIn:
    """Serves the stand-in in threads of this process.

    Args:
        url: its own URL, on a port of this machine.
        site: the URL of the site that receives its events.
        state: the file that keeps the account across restarts.

    Attributes:
        account: what the stand-in holds; take `lock` around each use.
        held: the events collected while deliveries are on hold, else None.
    """

    def __init__(self, url: str, site: str, state: Path | None = None) -> None:
        self.url = url
        self.port = urlsplit(url).port or 0
        self.lock = threading.RLock()
        self.held: list[Object] | None = None
        self.account = StripeAccount(int(time.time()), self.url, self._on_event)
        self.api = StripeApi(self.account, API_KEY)
        self._site = site
        self._state = state
        self._last = time.time()
        self._waiting: list[Delivery] = []
        self._stopped = threading.Event()
        self._server: QuietServer | None = None

    def start(self) -> StripeStandIn:
        """Start to serve requests and deliver events.

        Raises:
            OSError: the port is in use.
        """
        if self._state and self._state.is_file():
            state = json.loads(self._state.read_text())
            self.account.objects, self.account.count = state["kept"], state["count"]
            self.account.now = max(self.account.now, state["now"])
            self._waiting = [Delivery(self.account.find("events", name)) for name in state["waiting"]]
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = QuietServer(("127.0.0.1", self.port), handler)
        for work in (self._server.serve_forever, self._deliver_all):
            threading.Thread(target=work, name="stripe", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop and save the account. Does nothing if the server was not started."""
        self._stopped.set()
        if not self._server:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        if self._state:
            account = self.account
            with self.lock:
                waiting = [each.event["id"] for each in self._waiting]
                state = {"kept": account.objects, "count": account.count, "now": account.now, "waiting": waiting}
            self._state.write_text(json.dumps(state))

    def catch_up(self) -> None:
        """Advance the account's clock by the time that has passed since the last call."""
        elapsed = int(time.time() - self._last)
        self._last += elapsed
        self.account.advance(elapsed)

    # --- Events ---

    def hold(self) -> None:
        """Stop delivering events, and collect them in `held`."""
        with self.lock:
            self.held = []

    def release(self) -> None:
        """Deliver later events again. Those in `held` are the caller's to deliver."""
        with self.lock:
            self.held = None

    def deliver(self, event: Object, at: float | None = None) -> int:
        """Send an event once and return the status of the answer, or 0 if there is none.

        Args:
            at: the time that the signature states, in Unix seconds; now by default.
        """
        body = json.dumps(event).encode()
        site = urlsplit(self._site)
        connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=20)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signed(body, at or time.time()),
        }
        try:
            connection.request("POST", WEBHOOK, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    @property
    def quiet(self) -> bool:
        """True if every event has been accepted."""
        with self.lock:
            return not self._waiting

    def _on_event(self, event: Object) -> None:
        with self.lock:
            if self.held is None:
                self._waiting.append(Delivery(event))
            else:
                self.held.append(event)

    def _deliver_all(self) -> None:
        while not self._stopped.wait(0.05):
            now = time.monotonic()
            with self.lock:
                due = [each for each in self._waiting if each.due <= now]
            for each in due:
                accepted = 200 <= self.deliver(each.event) < 300
                each.attempts += 1
                each.due = time.monotonic() + min(_MAX_RETRY_SECONDS, 0.5 * 2**each.attempts)
                if accepted:
                    with self.lock:
                        self._waiting.remove(each)

    # --- Pages ---

    def page(self, path: str, notice: str = "") -> str:
        """Return the HTML body of a page.

        Args:
            notice: HTML to show above the buttons.

        Raises:
            ApiError: there is no such page.
        """
        kind, _, identifier = path.strip("/").partition("/")
        if kind == "pay":
            return self._pay_page(identifier, notice)
        if kind == "portal":
            return self._portal_page(identifier)
        if not kind:
            return self._console_page()
        raise ApiError(404, "", "There is no such page")

    def _pay_page(self, identifier: str, notice: str) -> str:
        session = self.account.find("sessions", identifier)
        if session["status"] != "open":
            return f"<h1>{escape(session['status'].capitalize())}</h1><p>This checkout is closed.</p>"
        price = session["line_items"]["0"]["price"]
        return (
            f"<h1>Pay {escape(price)}</h1>{notice}"
            + _form(f"/pay/{identifier}", "Pay", card="works")
            + _form(f"/pay/{identifier}", "Pay with a card that is declined", card="declines")
            + _form(f"/pay/{identifier}", "Pay with a card that fails at the renewal", card="fails later")
            + f'<p><a href="{escape(session["cancel_url"])}">Back</a></p>'
        )

    def _portal_page(self, identifier: str) -> str:
        portal = self.account.find("portals", identifier)
        parts = ["<h1>Billing</h1>"]
        for each in self.account.subscriptions_of(portal["customer"]):
            parts.append(f"<h2>{escape(each['items']['data'][0]['price']['id'])}</h2><p>{_state(each)}</p>")
            if each["status"] == "canceled":
                continue
            acts = {"cancel": "Cancel at the period’s end", "cancel now": "Cancel now"}
            acts |= {"works": "Use a card that works", "fails later": "Use a card that fails"}
            if each["cancel_at"] or each["cancel_at_period_end"]:
                acts = {"resume": "Keep it", "cancel now": "Cancel now"}
            parts += [_form(f"/portal/{identifier}", label, act=act, on=each["id"]) for act, label in acts.items()]
        parts.append(f'<p><a href="{escape(portal["return_url"])}">Back to the site</a></p>')
        return "".join(parts)

    def _console_page(self) -> str:
        parts = ["<h1>A stand-in for Stripe</h1><p>No money moves here.</p>"]
        parts += [_form("/", f"Advance {days} days", act="advance", on=str(days)) for days in (3, 7, 30, 365)]
        for kind in ("subscriptions", "charges", "disputes"):
            rows = [
                f"<tr><td>{each['id']}</td><td>{_state(each)}</td><td>{_buttons(kind, each)}</td></tr>"
                for each in reversed(self.account.all_of(kind))
            ]
            parts.append(f"<h2>{kind.capitalize()}</h2><table>{''.join(rows)}</table>")
        return "".join(parts)

    def act(self, path: str, given: Mapping[str, str]) -> str:
        """Carry out the button that was pressed on a page, and return the URL to go to next.

        Raises:
            CardDeclined: the card was declined.
            ApiError: this cannot be done.
        """
        kind, _, identifier = path.strip("/").partition("/")
        if kind == "pay":
            return self.account.pay(identifier, given["card"])
        self._act(given["act"], given["on"])
        return path

    def _act(self, act: str, on: str) -> None:
        account = self.account
        if act in ("works", "fails later"):
            account.set_card(account.find("subscriptions", on)["customer"], act)
            return
        acts: dict[str, Callable[[], Any]] = {
            "advance": lambda: account.advance(int(on) * DAY),
            "cancel": lambda: account.cancel(on),
            "cancel now": lambda: account.cancel(on, at_once=True),
            "resume": lambda: account.resume(on),
            "refund": lambda: account.refund(on),
            "dispute": lambda: account.open_dispute(on),
            "won": lambda: account.close_dispute(on, "won"),
            "lost": lambda: account.close_dispute(on, "lost"),
        }
        if act not in acts:
            raise ApiError(400, "", "There is no such button")
        acts[act]()


def _form(action: str, label: str, **hidden: str) -> str:
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    return f'<form method="post" action="{action}">{fields}<button>{escape(label)}</button></form>'


def _state(found: Object) -> str:
    words = [str(found.get("status", ""))]
    words += ["ends with its period"] if found.get("cancel_at") or found.get("cancel_at_period_end") else []
    words += [name for name in ("refunded", "disputed") if found.get(name)]
    return escape(", ".join(filter(None, words)))


def _buttons(kind: str, found: Object) -> str:
    acts = {"charges": {"refund": "Refund", "dispute": "Dispute"}, "disputes": {"won": "Won", "lost": "Lost"}}
    return "".join(_form("/", label, act=act, on=found["id"]) for act, label in acts.get(kind, {}).items())


class _Handler(StandInHandler):
    stand_in: StripeStandIn

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode() or query
        with self.stand_in.lock:
            self.stand_in.catch_up()
            if path.startswith("/v1/"):
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, found = self.stand_in.api.answer(self.command, path, text, headers)
                self.send(status, json.dumps(found), {"Content-Type": "application/json", "Request-Id": "req_stand_in"})
                return
            self._page(path, text)

    do_GET = do_POST = do_DELETE = _serve

    def _page(self, path: str, text: str) -> None:
        try:
            if self.command == "POST":
                self.send(303, "", {"Location": self.stand_in.act(path, dict(parse_qsl(text)))})
                return
            self._html(200, self.stand_in.page(path))
        except CardDeclined:
            self._html(200, self.stand_in.page(path, '<p role="alert">The card was declined. Nothing was paid.</p>'))
        except (ApiError, KeyError, ValueError) as error:
            self._html(400, f"<h1>Bad request</h1><p>{escape(str(error))}</p>")

    def _html(self, status: int, body: str) -> None:
        self.send(status, page("Stand-in for Stripe", body, _STYLE), {"Content-Type": "text/html; charset=utf-8"})
