"""A stand-in for Cognito's managed login on its own port, which asks for no password. Never deployed.

It lists the editors, and signs in the one that is chosen: the code flow with PKCE, refresh tokens that rotate, and revocation,
as the stack's app client for people has them. Codes and refresh tokens are forgotten when it stops.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from nightdesk.adapters.cognito import Editor
from nightdesk.domain.editor_sign_in import CALLBACK_PORTS, callback, challenge_of
from nightdesk.domain.errors import NotFound

from .quiet_server import QuietServer, StandInHandler, page

_CODE_SECONDS = 300
_MOST_BYTES = 20_000
_CHALLENGE = re.compile(r"[-\w]{43}", re.ASCII)
_STYLE = "button{font:inherit;padding:.4em .9em;margin:.25rem 0}"
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    # The page sends its form here, and the answer leads to the command's port.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class Editors(Protocol):
    """The editors of the stack (`CognitoEditors`)."""

    def all(self) -> Iterable[Editor]: ...

    def token(self, email: str) -> tuple[str, int]: ...


class OAuthError(Exception):
    """A request that is refused; `kind` is an error code of RFC 6749."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class _Code:
    """A code that was issued, and the session that came of it."""

    email: str
    callback: str
    challenge: str
    due: float
    session: str = ""


class SignInService:
    """The rules of the endpoints, without the server.

    Args:
        client: the id of the app client for people.
        editors: connects to the user pool.
        callbacks: where codes may be sent.
        now: returns the time in seconds.
    """

    def __init__(
        self,
        client: str,
        editors: Callable[[], Editors],
        callbacks: Iterable[str] = tuple(map(callback, CALLBACK_PORTS)),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._editors = editors
        self._callbacks = frozenset(callbacks)
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._sessions: dict[str, tuple[str, str]] = {}
        """Refresh tokens, each with its session and the editor's address."""
        self._lock = threading.Lock()

    def page(self, query: Mapping[str, str]) -> str:
        """Return the page on which an editor is chosen.

        Raises:
            OAuthError: the request is not one that Cognito would accept.
        """
        self._check(query)
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in query.items()
        )
        choices = [(each.email, f"{each.name} <{each.email}>, {each.role}") for each in self._editors().all()]
        buttons = "".join(
            f'<button name="email" value="{escape(email)}">{escape(label)}</button><br>' for email, label in choices
        )
        none = (
            "<p>There is no editor yet. Add one with <code>nightdesk editors add</code>, and load this page again.</p>"
        )
        return (
            "<h1>Sign in as</h1><p>A stand-in for Cognito’s sign-in page, on this machine only. It asks for no password.</p>"
            f'<form method="post" action="/oauth2/authorize">{fields}{buttons or none}'
            '<p><button name="email" value="">Cancel</button></p></form>'
        )

    def choose(self, form: Mapping[str, str]) -> str:
        """Issue a code to the editor that was chosen, or none to someone who cancelled; return the address that gets it.

        Raises:
            OAuthError: the request is not one that Cognito would accept, or there is no such editor.
        """
        self._check(form)
        email = form.get("email", "")
        answer = {"error": "access_denied"}
        if email:
            if email not in {each.email for each in self._editors().all()}:
                raise OAuthError("invalid_request")
            code = secrets.token_urlsafe(24)
            with self._lock:
                due = self._now() + _CODE_SECONDS
                self._codes[code] = _Code(email, form["redirect_uri"], form["code_challenge"], due)
            answer = {"code": code}
        return f"{form['redirect_uri']}?{urlencode({**answer, 'state': form.get('state', '')})}"

    def tokens(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return tokens for a code or a refresh token.

        Raises:
            OAuthError: it is not valid.
        """
        if form.get("client_id") != self._client:
            raise OAuthError("invalid_client")
        grants = {"authorization_code": self._redeem, "refresh_token": self._known}
        if form.get("grant_type") not in grants:
            raise OAuthError("unsupported_grant_type")
        session, email = grants[form["grant_type"]](form)
        try:
            identity, seconds = self._editors().token(email)
        except NotFound as error:
            raise OAuthError("invalid_grant") from error
        refresh = secrets.token_urlsafe(48)
        with self._lock:
            self._sessions.pop(form.get("refresh_token", ""), None)
            self._sessions[refresh] = session, email
        return {"id_token": identity, "refresh_token": refresh, "expires_in": seconds, "token_type": "Bearer"}

    def revoke(self, form: Mapping[str, str]) -> None:
        """Revoke a refresh token. An unknown token counts as revoked (RFC 7009, 2.2)."""
        if form.get("client_id") != self._client:
            raise OAuthError("invalid_client")
        with self._lock:
            self._sessions.pop(form.get("token", ""), None)

    def _check(self, query: Mapping[str, str]) -> None:
        wanted = {"response_type": "code", "client_id": self._client, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()):
            raise OAuthError("invalid_request")
        if query.get("redirect_uri") not in self._callbacks:
            raise OAuthError("invalid_request")
        if not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
            raise OAuthError("invalid_request")

    def _redeem(self, form: Mapping[str, str]) -> tuple[str, str]:
        """Return a new session and its editor's address. A code that comes twice ends the first one's session (RFC 6749, 4.1.2)."""
        with self._lock:
            code = self._codes.get(form.get("code", ""))
            if code is None:
                raise OAuthError("invalid_grant")
            if code.session:
                self._sessions = {key: kept for key, kept in self._sessions.items() if kept[0] != code.session}
                raise OAuthError("invalid_grant")
            code.session = secrets.token_urlsafe(8)
            proven = hmac.compare_digest(challenge_of(form.get("code_verifier", "")), code.challenge)
            if not proven or code.callback != form.get("redirect_uri") or self._now() > code.due:
                raise OAuthError("invalid_grant")
            return code.session, code.email

    def _known(self, form: Mapping[str, str]) -> tuple[str, str]:
        with self._lock:
            found = self._sessions.get(form.get("refresh_token", ""))
        if found is None:
            raise OAuthError("invalid_grant")
        return found


class SignInStandIn:
    """Serves the stand-in in threads of this process, on this machine only.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, port: int, service: SignInService) -> None:
        handler = type("Handler", (_Handler,), {"service": service})
        self._server = QuietServer(("127.0.0.1", port), handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="sign-in", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(StandInHandler):
    service: SignInService

    def _serve(self) -> None:
        length = self.headers.get("content-length") or "0"
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            self.close_connection = True
            self.send(413, "", {})
            return
        parts = urlsplit(self.path)
        text = self.rfile.read(int(length)).decode("utf-8", "replace") if self.command == "POST" else parts.query
        found = parse_qs(text, keep_blank_values=True)
        fields = {name: values[0] for name, values in found.items() if len(values) == 1}
        # A page on the web whose name leads here would send its name (DNS rebinding).
        if self.headers.get("host", "").rpartition(":")[0] not in ("localhost", "127.0.0.1"):
            self.send(403, "", {})
            return
        try:
            self._route(f"{self.command} {parts.path}", fields)
        except OAuthError as error:
            if parts.path == "/oauth2/authorize":
                self._page(400, f"<h1>Bad request</h1><p>{escape(error.kind)}</p>")
            else:
                self._json(400, {"error": error.kind})

    do_GET = do_POST = _serve

    def _route(self, request: str, fields: Mapping[str, str]) -> None:
        if request == "GET /oauth2/authorize":
            self._page(200, self.service.page(fields))
        elif request == "POST /oauth2/authorize":
            self.send(303, "", {"Location": self.service.choose(fields), "Cache-Control": "no-store"})
        elif request == "POST /oauth2/token":
            self._json(200, self.service.tokens(fields))
        elif request == "POST /oauth2/revoke":
            self.service.revoke(fields)
            self._json(200, {})
        elif request == "GET /":
            self._page(200, "<h1>Sign-in of editors</h1><p>Run <code>nightdesk login</code>.</p>")
        else:
            self._page(404, "<h1>Not found</h1>")

    def _page(self, status: int, body: str) -> None:
        self.send(status, page("Sign in", body, _STYLE), _PAGE_HEADERS)

    def _json(self, status: int, found: Mapping[str, Any]) -> None:
        self.send(status, json.dumps(found), {"Content-Type": "application/json", "Cache-Control": "no-store"})
