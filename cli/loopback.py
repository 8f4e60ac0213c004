"""A server for one answer: the browser brings it the code with which an editor signs in (RFC 8252, 7.3)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from nightdesk.domain.editor_sign_in import Attempt, SignInFailed, belongs_to
from nightdesk_local.quiet_server import QuietServer

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Connection": "close",
}
_DONE = "Thank you. You can close this window: the terminal says how it went."
_CANCELLED = "You are not signed in. You can close this window, and run “nightdesk login” to try again."
_OTHER = "This answer belongs to another sign-in. Return to the page that “nightdesk login” has just opened."
_AGAIN = "This sign-in is already finished. You can close this window."


class Loopback:
    """Listens on a port of this machine until the browser brings the answer to one attempt. Use it with `with`.

    Args:
        attempt: whose answer is awaited. Answers to others are refused, and awaiting goes on.
        ports: to try in this order.

    Raises:
        SignInFailed: all of the ports are in use.
    """

    def __init__(self, attempt: Attempt, ports: Iterable[int]) -> None:
        self._attempt = attempt
        self._answered = threading.Event()
        self._lock = threading.Lock()
        self._query = ""
        self._server = self._listen(tuple(ports))
        self.port: int = self._server.server_address[1]

    def _listen(self, ports: tuple[int, ...]) -> QuietServer:
        for port in ports:
            try:
                return QuietServer(("127.0.0.1", port), type("Handler", (_Handler,), {"loopback": self}))
            except OSError:
                continue
        named = ", ".join(map(str, ports))
        raise SignInFailed(f"The ports {named} are all in use. Close what uses one of them, and try again.")

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="loopback", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """Return the query of the answer.

        Raises:
            SignInFailed: none came in time.
        """
        if not self._answered.wait(seconds):
            raise SignInFailed(
                f"Nobody signed in within {seconds / 60:g} minutes. Run “nightdesk login” to try again; "
                "with --no-browser it prints the address to open."
            )
        return self._query

    def answer(self, path: str) -> tuple[int, str]:
        """Take an answer that the browser brings. Return the status and the text of the page that it shows."""
        parts = urlsplit(path)
        if parts.path != "/" or not parts.query:
            return 404, "There is no such page."
        if not belongs_to(parts.query, self._attempt):
            return 400, _OTHER
        with self._lock:
            if self._query:
                return 400, _AGAIN
            self._query = parts.query
        return 200, _DONE if "code=" in parts.query else _CANCELLED

    def finish(self) -> None:
        """End the waiting, once the page has been sent."""
        if self._query:
            self._answered.set()


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    loopback: Loopback

    def do_GET(self) -> None:
        """Show a page, and take the answer."""
        host = self.headers.get("host", "").rpartition(":")[0]
        # A page on the web whose name leads here would send its name (DNS rebinding).
        status, text = self.loopback.answer(self.path) if host in ("localhost", "127.0.0.1") else (403, "Forbidden.")
        body = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Nightdesk</title>'
            "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;"
            f"color-scheme:light dark}}</style><h1>Nightdesk</h1><p>{escape(text)}</p></html>"
        ).encode()
        try:
            self.send_response_only(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        finally:
            self.loopback.finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the request's line holds the code."""
