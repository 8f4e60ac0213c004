"""Session tokens: what the edge reads from a cookie, or from a link.

    <key id>.<base64url of {"t": tier, "s": subject, "e": expiry}>.<base64url of HMAC-SHA-256(key, "<key id>.<payload>")>

`e` is in Unix seconds. An optional `p` binds a token to one path, and `g` is the reader's generation (0 where it is
missing): who signs out everywhere begins another. The same check is written in JavaScript in
`functions/edge/viewer_request.js`, which does not know `g`; a test holds the two together.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

LONGEST_SECONDS = 3900
"""What a token may have before it: an hour, and some minutes for clocks that disagree. One that claims more is none."""


def sign(claims: Mapping[str, Any], key_id: str, key: str) -> str:
    """A token for `claims`."""
    payload = _encode(json.dumps(claims, separators=(",", ":")).encode())
    return f"{key_id}.{payload}.{_signature(f'{key_id}.{payload}', key)}"


def verify(token: str, keys: Mapping[str, str], now: int) -> dict[str, Any] | None:
    """A token's claims, or None if it is forged, expired, of too distant a future, or no token at all.

    Args:
        keys: by key id.
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
    return claims if type(expiry) is int and now < expiry <= now + LONGEST_SECONDS else None


def hashed(secret: str) -> str:
    """What is kept of a secret. It was drawn at random from far more than can be tried, so it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _signature(text: str, key: str) -> str:
    return _encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
