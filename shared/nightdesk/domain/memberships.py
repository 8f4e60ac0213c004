"""Who may read what: a reader's address, tier, and until when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .errors import Permanent
from .site import PUBLIC

SESSION_SECONDS = 3600
"""A session cookie's life; a lapsed membership shows within it."""

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f\"(),:;<>\[\\\]]{1,64}@[^@\s\x00-\x1f]{1,255}")


def normalise(address: str) -> str:
    """An e-mail address in the one form under which a reader is known: lower case, its domain in ASCII (IDNA).

    Raises:
        Permanent: it is no address.
    """
    text = address.strip()
    if not _ADDRESS.fullmatch(text):
        raise Permanent("that is not an e-mail address")
    local, _, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise Permanent("that is not an e-mail address") from None
    if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", ascii_domain):
        raise Permanent("that is not an e-mail address")
    return f"{local.lower()}@{ascii_domain}"


def member_id(address: str) -> str:
    """The id of the reader with a normalised address; it can stand in tokens and logs, where an address may not."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def tier_at(membership: Mapping[str, Any] | None, now: datetime) -> str:
    """The tier that a membership gives at `now`: `public` where there is none or it has ended."""
    if not membership:
        return PUBLIC
    until = membership.get("until", "")
    return PUBLIC if until and datetime.fromisoformat(until) <= now else str(membership["tier"])
