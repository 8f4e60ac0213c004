"""Serves a site that is in memory to browsers on this machine, and tells them when it changed.

Nothing can be changed through it. It answers only requests that name this machine, so that no page elsewhere can read drafts by
giving its name this address (DNS rebinding).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple
from urllib.parse import unquote

from nightdesk.domain.site_paths import key_of
from nightdesk.ports import Output

from .quiet_server import QuietServer

_OWN = "/_preview/"
_TIER = "preview_tier"
_HEARTBEAT_SECONDS = 15
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; form-action 'self'"
)
"""The content security policy of the site, so that what it would forbid shows here."""
_SCRIPT = b"""\
const events = new EventSource("/_preview/events");
let shown = "";
events.onmessage = event => {
    if (shown && shown !== event.data) { location.reload(); }
    shown = event.data;
};
"""
_TAG = b'<script src="/_preview/reload.js" defer></script>\n</head>'


class _Shown(NamedTuple):
    """What is served: the objects of the site by key, or instead of every page one that says what is wrong."""

    number: int
    objects: Mapping[str, Output]
    tiers: tuple[str, ...]
    problem: bytes = b""


class PreviewServer:
    """Serves on a port of this machine, in threads.

    Args:
        port: 0 for any that is free.
    """

    def __init__(self, port: int) -> None:
        self._changed = threading.Condition()
        self._shown = _Shown(0, {}, ("public",))
        handler = type("Handler", (_Handler,), {"preview": self})
        self._server = QuietServer(("127.0.0.1", port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="preview", daemon=True).start()

    @property
    def shown(self) -> _Shown:
        """What is served now."""
        return self._shown

    def show(self, objects: Mapping[str, Output], tiers: tuple[str, ...]) -> None:
        """Serve another site; browsers load their pages again. The first of its tiers is the public one."""
        self._replace(_Shown(self._shown.number + 1, objects, tiers))

    def show_problem(self, page: str) -> None:
        """Serve one page in place of every page; browsers load it."""
        self._replace(self._shown._replace(number=self._shown.number + 1, problem=page.encode()))

    def _replace(self, shown: _Shown) -> None:
        with self._changed:
            self._shown = shown
            self._changed.notify_all()

    def wait(self, known: int) -> int:
        """Return the number of what is served, as soon as it is another one or after a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._shown.number != known, _HEARTBEAT_SECONDS)
            return self._shown.number

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    preview: PreviewServer
    timeout = 60

    def do_GET(self) -> None:
        host = self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")
        path = unquote(self.path.partition("?")[0])
        if host not in ("127.0.0.1", "localhost"):
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"The preview is for this machine.\n")
        elif path.startswith(_OWN):
            self._serve_own(path.removeprefix(_OWN))
        else:
            self._serve_site(path)

    do_HEAD = do_GET

    def _serve_own(self, name: str) -> None:
        """Serve what only a preview has: its script, its events, and links that choose a tier."""
        if name == "reload.js":
            self._answer(HTTPStatus.OK, "text/javascript; charset=utf-8", _SCRIPT)
        elif name == "events":
            self._send_events()
        elif name in self.preview.shown.tiers:
            cookie = f"{_TIER}={name}; Path=/; HttpOnly; SameSite=Lax"
            self._answer(HTTPStatus.SEE_OTHER, "text/plain", b"", {"Location": "/", "Set-Cookie": cookie})
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.\n")

    def _send_events(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        number = 0
        while True:
            number = self.preview.wait(number)
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()

    def _serve_site(self, path: str) -> None:
        shown = self.preview.shown
        if shown.problem:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/html; charset=utf-8", shown.problem)
            return
        found = next((shown.objects[key] for key in self._keys(path) if key in shown.objects), None)
        if found is None and any(key in shown.objects for key in self._keys(f"{path}/")):
            self._answer(HTTPStatus.MOVED_PERMANENTLY, "text/plain", b"", {"Location": f"{path}/"})
        elif found is None:
            missing = shown.objects.get("~errors/404.html")
            self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", missing.body if missing else b"Not found\n")
        else:
            status = HTTPStatus(int(found.metadata.get("status", 200)))
            headers = {"Location": found.metadata["location"]} if "location" in found.metadata else {}
            self._answer(status, found.content_type, found.body, headers)

    def _keys(self, path: str) -> list[str]:
        """Return where a path's object may be: for an article in the folder of the chosen tier, else in that of all readers."""
        parts = path.split("/")
        if len(parts) > 3 and parts[1] == "articles":
            rest = "/".join(parts[3:]) or "index.html"
            tiers = self.preview.shown.tiers
            return [f"articles/{parts[2]}/~{tier}/{rest}" for tier in (self._tier(tiers), tiers[0])]
        return [key_of(path)]

    def _tier(self, tiers: tuple[str, ...]) -> str:
        try:
            chosen = SimpleCookie(self.headers.get("cookie", "")).get(_TIER)
        except CookieError:
            return tiers[0]
        return chosen.value if chosen and chosen.value in tiers else tiers[0]

    def _answer(self, status: HTTPStatus, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        if kind.startswith("text/html"):
            body = body.replace(b"</head>", _TAG, 1)
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for each request."""
