"""How an editor signs in through a browser: OAuth 2.0's code flow with PKCE, and the session that comes of it.

The rules are RFC 6749 (codes and refresh tokens), RFC 7636 (PKCE) and RFC 8252 (applications without a secret, which receive
the code on a loopback address).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from nightdesk.domain.decisions import ROLES
from nightdesk.domain.errors import Permanent

CALLBACK_PORTS = (28461, 28462, 28463)
"""Where the browser may bring the code. Cognito accepts listed addresses only, so template.yaml lists the same ports."""
SCOPES = "openid email profile"
FRESH_SECONDS = 60
"""A token that is valid for less is replaced before it is used."""


class SignInFailed(Permanent):
    """An editor could not be signed in; the text says why and what to do."""


class Ended(SignInFailed):
    """A code or a refresh token is not valid, or no longer."""


class NotSignedIn(Permanent):
    """There is no session that can be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where editors sign in.

    Args:
        stack: the name of the stack; empty for the local cloud.
        url: of the sign-in pages, without a slash at the end.
        client: the id of the app client for people.
    """

    stack: str
    url: str
    client: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one attempt to sign in: `state` ties the answer to it (RFC 6749, 10.12), `verifier` the code (RFC 7636)."""

    state: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint returns; `refresh` is empty if the earlier refresh token stays valid, `seconds` is a lifetime."""

    identity: str
    refresh: str
    seconds: int


@dataclass(frozen=True, slots=True)
class EditorSession:
    """What is kept of an editor who is signed in; `expires` is the end of the identity token in Unix seconds."""

    authority: Authority
    identity: str
    refresh: str
    expires: float

    def is_fresh(self, now: float) -> bool:
        """Return True if the identity token can still be used for a request."""
        return self.expires - now > FRESH_SECONDS

    def renewed(self, tokens: Tokens, now: float) -> EditorSession:
        """Return the session with new tokens, keeping the refresh token unless it was replaced."""
        return EditorSession(
            self.authority, tokens.identity, tokens.refresh or self.refresh, now + max(0, tokens.seconds)
        )

    def to_json(self) -> str:
        """Return the session as it is kept in a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> EditorSession:
        """Read a session.

        Raises:
            ValueError: it is not one.
        """
        try:
            found = json.loads(text)
            authority = Authority(**{name: _text(value) for name, value in found["authority"].items()})
            expires = found["expires"]
            if isinstance(expires, bool) or not isinstance(expires, int | float):
                raise ValueError("a session ends at a time")
            return cls(authority, _text(found["identity"]), _text(found["refresh"]), float(expires))
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError("this is not a session") from error


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is for. `role` is the highest one, and empty for none."""

    email: str
    name: str
    role: str


def callback(port: int) -> str:
    """Return the address on this machine to which the browser brings the code."""
    return f"http://localhost:{port}/"


def challenge_of(verifier: str) -> str:
    """Return the PKCE challenge of a verifier, by the method S256 (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(authority: Authority, attempt: Attempt, port: int) -> str:
    """Return the address that the browser opens to sign an editor in."""
    query = {
        "response_type": "code",
        "client_id": authority.client,
        "redirect_uri": callback(port),
        "scope": SCOPES,
        "state": attempt.state,
        "code_challenge": challenge_of(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return f"{authority.url}/oauth2/authorize?{urlencode(query)}"


def belongs_to(query: str, attempt: Attempt) -> bool:
    """Return True if an answer that the browser brought is the answer to this attempt."""
    states = parse_qs(query).get("state", [])
    return len(states) == 1 and hmac.compare_digest(states[0].encode(), attempt.state.encode())


def code_from(query: str, attempt: Attempt) -> str:
    """Return the code in the answer that the browser brought.

    Raises:
        SignInFailed: the answer belongs to another attempt, or has no code: the editor cancelled, or may not sign in.
    """
    if not belongs_to(query, attempt):
        raise SignInFailed("The browser's answer belongs to another sign-in. Run “nightdesk login” again.")
    found = parse_qs(query)
    if error := found.get("error", [""])[0]:
        if error == "access_denied":
            raise SignInFailed("The sign-in was cancelled. Run “nightdesk login” to try again.")
        reason = _line(found.get("error_description", [error])[0])
        raise SignInFailed(f"The sign-in page refused: {reason}. Run “nightdesk login” to try again.")
    codes = found.get("code", [])
    if len(codes) != 1:
        raise SignInFailed("The browser's answer has no code. Run “nightdesk login” again.")
    return codes[0]


def tokens_from(answer: Mapping[str, Any]) -> Tokens:
    """Return the tokens in an answer of the token endpoint.

    Raises:
        SignInFailed: it has no identity token or no lifetime.
    """
    identity, refresh, seconds = answer.get("id_token"), answer.get("refresh_token", ""), answer.get("expires_in")
    if not (isinstance(identity, str) and identity and isinstance(refresh, str) and isinstance(seconds, int)):
        raise SignInFailed("The sign-in service answered without a token. Run “nightdesk login” again.")
    return Tokens(identity, refresh, seconds)


def identity_of(token: str) -> Identity:
    """Return who an identity token is for.

    The signature is not checked, because the token comes from the token endpoint itself (OpenID Connect Core, 3.1.3.7). The
    API checks it on each request.

    Raises:
        SignInFailed: it is not a token.
    """
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        groups = claims.get("cognito:groups", [])
        role = next((role for role in reversed(ROLES) if role in groups), "")
        return Identity(_line(str(claims["email"])), _line(str(claims.get("name", ""))), role)
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise SignInFailed("The sign-in service answered with an unreadable token.") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a session is made of text")
    return value


def _line(text: str) -> str:
    """Return what another service says as one short line without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200].rstrip(".")
