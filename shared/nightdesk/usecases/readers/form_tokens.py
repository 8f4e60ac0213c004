"""Tokens in forms: they show that a form was on a page that this site made for this browser (CSRF).

A document on the site's own origin, such as an uploaded file, could post with the reader's cookies, but it can neither read
a page nor those cookies, so it cannot know the token.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from nightdesk.domain.tokens import derive_secret
from nightdesk.ports import ReaderPorts
from nightdesk.usecases.readers.sessions import Reader

FORM_COOKIE = "__Host-form"
"""The cookie of a browser that is not signed in: a secret that its forms' tokens follow from."""
_SIGN_IN = "sign-in form"


def session_token(reader: Reader, ports: ReaderPorts) -> str:
    """Return the token for forms of a signed-in reader. It holds as long as the session."""
    return f"{ports.key_id}.{_of_session(reader, ports.keys[ports.key_id])}"


def is_session_token(token: str, reader: Reader, ports: ReaderPorts) -> bool:
    """Return True if a token is one of this session's, made with any of the edge's keys."""
    key_id, _, value = token.partition(".")
    if key_id not in ports.keys:
        return False
    return hmac.compare_digest(_of_session(reader, ports.keys[key_id]).encode(), value.encode())


def _of_session(reader: Reader, key: str) -> str:
    # A reader whom a token alone identifies has no session, but all such tokens end when the generation does.
    session = reader.session or f"generation {reader.membership.generation}"
    return derive_secret(key, f"form of {reader.id} {session}")


def browser_token(secret: str) -> str:
    """Return the token for sign-in forms of the browser with this secret in `FORM_COOKIE`."""
    return derive_secret(secret, _SIGN_IN)


def browser_with_token(token: str, secrets: Iterable[str]) -> str:
    """Return the one of a browser's secrets that a token follows from; empty if there is none."""
    matching = (secret for secret in secrets if hmac.compare_digest(browser_token(secret).encode(), token.encode()))
    return next(matching, "")
