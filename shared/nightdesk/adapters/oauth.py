"""Calls the token endpoint of Cognito's managed login, or of its stand-in on a laptop (RFC 6749, RFC 7009)."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from nightdesk.domain.editor_sign_in import Authority, Ended, SignInFailed, Tokens, tokens_from
from nightdesk.domain.errors import Transient

_SECONDS = 15.0
_MOST_BYTES = 100_000
_HERE = ("localhost", "127.0.0.1")


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: a code or token goes to the address that was meant, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


class OAuthEndpoint:
    """The endpoints of any authority."""

    def exchange(self, authority: Authority, code: str, verifier: str, callback: str) -> Tokens:
        """Return the tokens for a code."""
        fields = {"code": code, "code_verifier": verifier, "redirect_uri": callback}
        return tokens_from(self._post(authority, "token", {"grant_type": "authorization_code", **fields}))

    def refresh(self, authority: Authority, token: str) -> Tokens:
        """Return fresh tokens."""
        return tokens_from(self._post(authority, "token", {"grant_type": "refresh_token", "refresh_token": token}))

    def revoke(self, authority: Authority, token: str) -> None:
        """Revoke a refresh token, and with it the tokens that came of it."""
        self._post(authority, "revoke", {"token": token})

    def _post(self, authority: Authority, name: str, fields: dict[str, str]) -> dict[str, Any]:
        address = urlsplit(authority.url)
        here = address.hostname in _HERE
        if address.scheme != "https" and not here:
            raise SignInFailed(f"{authority.url} is not an HTTPS address. Deploy the stack again.")
        body = urlencode({**fields, "client_id": authority.client}).encode()
        request = Request(f"{authority.url}/oauth2/{name}", body, method="POST")
        opener = build_opener(_NoRedirects, *([ProxyHandler({})] if here else []))
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                return _object(response.read(_MOST_BYTES))
        except HTTPError as error:
            raise self._refusal(error) from None
        except (URLError, OSError, http.client.HTTPException):
            raise Transient(f"{address.hostname} does not answer; check the network and try again") from None

    def _refusal(self, error: HTTPError) -> Exception:
        """Return the error for a refused request. It holds nothing that was sent."""
        if error.code >= http.client.INTERNAL_SERVER_ERROR or error.code == http.client.TOO_MANY_REQUESTS:
            return Transient(f"the sign-in service has a fault (status {error.code}); try again later")
        try:
            kind = _object(error.read(_MOST_BYTES)).get("error")
        except (OSError, http.client.HTTPException):
            kind = ""
        if kind == "invalid_grant":
            return Ended("The code was used before or has expired. Run “nightdesk login” again.")
        if kind in ("invalid_client", "unauthorized_client"):
            return Ended("The stack was deployed anew since. Run “nightdesk login” again.")
        return SignInFailed(
            f"The sign-in service refused the request (status {error.code}). Run “nightdesk login” again."
        )


def _object(body: bytes) -> dict[str, Any]:
    """Return an answer's JSON object; an empty one for anything else, as the answer to a revocation is."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
