"""An HTTP server that survives its clients, and how the stand-ins for other services answer with it."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger(__name__)

_STYLE = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"


class QuietServer(ThreadingHTTPServer):
    """Serves each connection in a thread, and prints no traceback for one that breaks off, as when a browser is closed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("the connection from %s broke off: %s", client_address, error)
        else:
            log.error("a request from %s failed", client_address, exc_info=error)


class StandInHandler(BaseHTTPRequestHandler):
    """Answers for a stand-in. Requests hold secrets, so none is logged."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        """Send an answer; one that the client no longer waits for is dropped."""
        content = body.encode()
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def page(title: str, body: str, style: str) -> str:
    """Return a page of a stand-in.

    Args:
        style: CSS rules beside those that all stand-ins have.
    """
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}{style}</style><main>{body}</main></html>"
    )
