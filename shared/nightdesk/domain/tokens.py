"""Session tokens, which the edge reads from a cookie or a link.

    <key id>.<base64url of {"t": tier, "s": subject, "e": expiry}>.<base64url of HMAC-SHA-256(key, "<key id>.<payload>")>

`e` is in Unix seconds. An optional `p` binds a token to one path. `g` is the reader's generation, 0 if it is missing; signing
out everywhere begins a new one. `a` is when the reader signed in by an editor's link. `functions/edge/viewer_request.js` has the same check in JavaScript, without `g` and `a`; a test
compares the two.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

MAX_LIFETIME_SECONDS = 3900
"""The longest time before a token expires: an hour, and five minutes for clocks that differ. Longer ones are invalid."""


def sign(claims: Mapping[str, Any], key_id: str, key: str) -> str:
    """Return a token with these claims."""
    payload = _encode(json.dumps(claims, separators=(",", ":")).encode())
    return f"{key_id}.{payload}.{_signature(f'{key_id}.{payload}', key)}"


def verify(token: str, keys: Mapping[str, str], now: int) -> dict[str, Any] | None:
    """Return a token's claims, or None if it is malformed, forged, expired, or expires too late.

    Args:
        keys: signing keys by their ids.
        now: Unix seconds.
    """
    key_id, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if key_id not in keys or not token.isascii():
        return None
    if not hmac.compare_digest(_signature(f"{key_id}.{payload}", keys[key_id]), signature):
        return None
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    expiry = claims.get("e") if isinstance(claims, dict) else None
    return claims if type(expiry) is int and now < expiry <= now + MAX_LIFETIME_SECONDS else None


def hash_secret(secret: str) -> str:
    """Return the digest to store in place of a random secret. The secret is too long to be guessed, so it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derive_secret(secret: str, purpose: str) -> str:
    """Derive a secret from a random one. The derived secret reveals nothing about the original."""
    return _signature(purpose, secret)


def _signature(text: str, key: str) -> str:
    return _encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
