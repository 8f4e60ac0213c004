"""A stand-in for Stripe on a port of its own: the API, the pages on which one pays, and signed events. Never deployed.

It is for trying out what happens when somebody pays. Nobody's money moves, and no card is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .stripe_books import DAY, Books, Declined, Object, Refused

API_KEY = "sk_test_stand_in"
WEBHOOK_SECRET = "whsec_stand_in"
WEBHOOK = "/api/stripe/webhook"
_LONGEST_WAIT = 30.0
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "button{font:inherit;padding:.4em .9em}form{display:inline-block;margin:.25rem .5rem .25rem 0}"
    "table{border-collapse:collapse}td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}"
)


@dataclass
class Delivery:
    """An event on its way, and when it is tried next."""

    event: Object
    due: float = 0.0
    tries: int = 0


def signed(body: bytes, at: float, secret: str = WEBHOOK_SECRET) -> str:
    """The header `Stripe-Signature` (docs.stripe.com/webhooks, "Verify webhook signatures manually")."""
    moment = str(int(at)).encode()
    return f"t={int(at)},v1={hmac.new(secret.encode(), moment + b'.' + body, hashlib.sha256).hexdigest()}"


class StripeStandIn:
    """The stand-in on a port, in threads of this process.

    Args:
        url: its address, at a port of this machine.
        site: the address of the site that its events go to.
        kept: a file in which it keeps its books over a restart.

    Attributes:
        books: what it holds; take `lock` around each use.
        held: events that wait, while deliveries are held up.
    """

    def __init__(self, url: str, site: str, kept: Path | None = None) -> None:
        self.url = url
        self.port = urlsplit(url).port or 0
        self.lock = threading.RLock()
        self.held: list[Object] | None = None
        self.books = Books(int(time.time()), self.url, API_KEY, self._tell)
        self._site = site
        self._kept = kept
        self._last = time.time()
        self._waiting: list[Delivery] = []
        self._stopped = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> StripeStandIn:
        """Serve, and deliver events.

        Raises:
            OSError: the port is taken.
        """
        if self._kept and self._kept.is_file():
            facts = json.loads(self._kept.read_text())
            self.books.kept, self.books.count = facts["kept"], facts["count"]
            self.books.now = max(self.books.now, facts["now"])
            self._waiting = [Delivery(self.books.find("events", name)) for name in facts["waiting"]]
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        for work in (self._server.serve_forever, self._deliver_all):
            threading.Thread(target=work, name="stripe", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop, and keep the books; nothing is done where it was not started."""
        self._stopped.set()
        if not self._server:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        if self._kept:
            with self.lock:
                waiting = [each.event["id"] for each in self._waiting]
                facts = {"kept": self.books.kept, "count": self.books.count, "now": self.books.now, "waiting": waiting}
            self._kept.write_text(json.dumps(facts))

    def pass_time(self) -> None:
        """What the clock says has passed."""
        elapsed = int(time.time() - self._last)
        self._last += elapsed
        self.books.let_pass(elapsed)

    # --- Events ---

    def hold(self) -> None:
        """Deliver nothing from now on; what happens waits in `held`."""
        with self.lock:
            self.held = []

    def release(self) -> None:
        """Deliver again; those that waited are for whoever held them up."""
        with self.lock:
            self.held = None

    def deliver(self, event: Object, at: float | None = None) -> int:
        """Send an event once; the status of the answer, or 0 without one."""
        body = json.dumps(event).encode()
        there = urlsplit(self._site)
        connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=20)
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
        """Whether all events have been taken."""
        with self.lock:
            return not self._waiting

    def _tell(self, event: Object) -> None:
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
                taken = 200 <= self.deliver(each.event) < 300
                each.tries += 1
                each.due = time.monotonic() + min(_LONGEST_WAIT, 0.5 * 2**each.tries)
                if taken:
                    with self.lock:
                        self._waiting.remove(each)

    # --- Pages ---

    def page(self, path: str, said: str = "") -> str:
        """A page's body.

        Raises:
            Refused: there is none.
        """
        kind, _, identifier = path.strip("/").partition("/")
        if kind == "pay":
            return self._pay_page(identifier, said)
        if kind == "portal":
            return self._portal_page(identifier)
        if not kind:
            return self._desk_page()
        raise Refused(404, "", "There is no such page")

    def _pay_page(self, identifier: str, said: str) -> str:
        session = self.books.find("sessions", identifier)
        if session["status"] != "open":
            return f"<h1>{escape(session['status'].capitalize())}</h1><p>This checkout is over.</p>"
        price = session["line_items"]["0"]["price"]
        return (
            f"<h1>Pay {escape(price)}</h1>{said}"
            + _form(f"/pay/{identifier}", "Pay", card="works")
            + _form(f"/pay/{identifier}", "Pay with a card that is declined", card="declines")
            + _form(f"/pay/{identifier}", "Pay with a card that fails at the renewal", card="fails later")
            + f'<p><a href="{escape(session["cancel_url"])}">Back</a></p>'
        )

    def _portal_page(self, identifier: str) -> str:
        portal = self.books.find("portals", identifier)
        parts = ["<h1>Billing</h1>"]
        for each in self.books.subscriptions_of(portal["customer"]):
            parts.append(f"<h2>{escape(each['items']['data'][0]['price']['id'])}</h2><p>{_state(each)}</p>")
            if each["status"] == "canceled":
                continue
            acts = {"end": "Cancel at the period’s end", "end now": "Cancel now", "works": "Pay by a card that works"}
            acts |= {"fails later": "Pay by a card that fails"}
            if each["cancel_at"] or each["cancel_at_period_end"]:
                acts = {"go on": "Keep it", "end now": "Cancel now"}
            parts += [_form(f"/portal/{identifier}", label, act=act, on=each["id"]) for act, label in acts.items()]
        parts.append(f'<p><a href="{escape(portal["return_url"])}">Back to the site</a></p>')
        return "".join(parts)

    def _desk_page(self) -> str:
        parts = ["<h1>A stand-in for Stripe</h1><p>Nobody’s money moves here.</p>"]
        parts += [_form("/", f"Let {days} days pass", act="pass", on=str(days)) for days in (3, 7, 30, 365)]
        for kind in ("subscriptions", "charges", "disputes"):
            rows = [
                f"<tr><td>{each['id']}</td><td>{_state(each)}</td><td>{_acts(kind, each)}</td></tr>"
                for each in reversed(list(self.books.kept.get(kind, {}).values()))
            ]
            parts.append(f"<h2>{kind.capitalize()}</h2><table>{''.join(rows)}</table>")
        return "".join(parts)

    def act(self, path: str, given: Mapping[str, str]) -> str:
        """Do what the button of a page says; the address to go on to.

        Raises:
            Declined: the card is.
            Refused: that cannot be done.
        """
        kind, _, identifier = path.strip("/").partition("/")
        if kind == "pay":
            return self.books.pay(identifier, given["card"])
        self._act(given["act"], given["on"])
        return path

    def _act(self, act: str, on: str) -> None:
        books = self.books
        if act in ("works", "fails later"):
            books.use_card(books.find("subscriptions", on)["customer"], act)
            return
        acts: dict[str, Callable[[], Any]] = {
            "pass": lambda: books.let_pass(int(on) * DAY),
            "end": lambda: books.end(on),
            "end now": lambda: books.end(on, at_once=True),
            "go on": lambda: books.go_on(on),
            "refund": lambda: books.refund(on),
            "dispute": lambda: books.dispute(on),
            "won": lambda: books.close(on, "won"),
            "lost": lambda: books.close(on, "lost"),
        }
        if act not in acts:
            raise Refused(400, "", "There is no such button")
        acts[act]()


def _form(action: str, label: str, **hidden: str) -> str:
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    return f'<form method="post" action="{action}">{fields}<button>{escape(label)}</button></form>'


def _state(found: Object) -> str:
    words = [str(found.get("status", ""))]
    words += ["ends with its period"] if found.get("cancel_at") or found.get("cancel_at_period_end") else []
    words += [name for name in ("refunded", "disputed") if found.get(name)]
    return escape(", ".join(filter(None, words)))


def _acts(kind: str, found: Object) -> str:
    acts = {"charges": {"refund": "Refund", "dispute": "Dispute"}, "disputes": {"won": "Won", "lost": "Lost"}}
    return "".join(_form("/", label, act=act, on=found["id"]) for act, label in acts.get(kind, {}).items())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    stand_in: StripeStandIn

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode() or query
        with self.stand_in.lock:
            self.stand_in.pass_time()
            if path.startswith("/v1/"):
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, found = self.stand_in.books.answer(self.command, path, text, headers)
                self._send(
                    status, json.dumps(found), {"Content-Type": "application/json", "Request-Id": "req_stand_in"}
                )
                return
            self._page(path, text)

    do_GET = do_POST = do_DELETE = _serve

    def _page(self, path: str, text: str) -> None:
        try:
            if self.command == "POST":
                self._send(303, "", {"Location": self.stand_in.act(path, dict(parse_qsl(text)))})
                return
            self._html(200, self.stand_in.page(path))
        except Declined:
            self._html(200, self.stand_in.page(path, '<p role="alert">The card was declined. Nothing was paid.</p>'))
        except (Refused, KeyError, ValueError) as error:
            self._html(400, f"<h1>Not so</h1><p>{escape(str(error))}</p>")

    def _html(self, status: int, body: str) -> None:
        page = f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stand-in for Stripe</title><style>{_STYLE}</style><main>{body}</main></html>'
        self._send(status, page, {"Content-Type": "text/html; charset=utf-8"})

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        content = body.encode()
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass
