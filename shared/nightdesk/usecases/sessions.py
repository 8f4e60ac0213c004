"""Sessions: what lets a reader come back.

A session is an item of the table, known by a secret in the cookie `RENEWAL`. Out of it, and of the membership beside it,
comes the signed token of the cookie `SESSION`, which is all that the edge reads. That one lasts an hour at most; when it
has ended, the edge sends the reader here for the next. So the table has the last word within the hour, no page view asks
it, and a change of the signing key signs nobody out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.memberships import SESSION_SECONDS, Membership
from nightdesk.domain.site import Site
from nightdesk.domain.tokens import hashed, sign, verify

from .members import change, membership_of
from .ports import ANY, Change, Item, ReaderPorts, Table

SESSION = "__Host-session"
RENEWAL = "__Host-renew"
RENEWAL_SECONDS = 90 * 86400
"""How long a reader may stay away and still be signed in."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader who is signed in.

    Attributes:
        version: of the membership's item.
        session: the sort key of the session's item; empty for one who has only a token.
        renewal: the value of the cookie by which it was found.
    """

    id: str
    membership: Membership
    version: int
    session: str
    renewal: str = ""


class Token(NamedTuple):
    """A signed token for the edge, and for how many seconds it holds."""

    value: str
    seconds: int


def begin(member: str, generation: int, now: datetime) -> tuple[str, Change]:
    """A new session of a membership's generation: the value of its cookie, and the change that makes it."""
    secret = secrets.token_urlsafe(32)
    item = {"began": now.isoformat(), "generation": generation, "ttl": int(now.timestamp()) + RENEWAL_SECONDS}
    return f"{member}.{secret}", Change(f"member#{member}", f"session#{hashed(secret)}", item, None)


def who(cookies: Mapping[str, Sequence[str]], ports: ReaderPorts, now: datetime) -> Reader | None:
    """The reader whom a browser's cookies belong to: by a session in the table, or else by a token that still holds."""
    for value in cookies.get(RENEWAL, ())[:4]:
        member, _, secret = value.partition(".")
        item = _session(member, secret, ports.memberships, now)
        found = membership_of(member, ports.memberships) if item else None
        if item and found and item["generation"] == found[0].generation:
            return Reader(member, *found, item["sk"], value)
    for value in cookies.get(SESSION, ())[:4]:
        claims = verify(value, ports.keys, int(now.timestamp()))
        if claims and "p" not in claims:
            found = membership_of(str(claims["s"]), ports.memberships)
            if found and claims.get("g", 0) == found[0].generation:
                return Reader(claims["s"], *found, "")
    return None


def _session(member: str, secret: str, memberships: Table, now: datetime) -> Item | None:
    item = memberships.get(f"member#{member}", f"session#{hashed(secret)}") if member and secret else None
    return item if item and item["ttl"] > now.timestamp() else None


def token(reader: Reader, site: Site, ports: ReaderPorts, now: datetime) -> Token:
    """A token of what the reader's membership gives at this moment. It ends with that, or after an hour."""
    standing = reader.membership.standing(site, now)
    expiry = int(now.timestamp()) + SESSION_SECONDS
    if standing.until:
        expiry = min(expiry, int(datetime.fromisoformat(standing.until).timestamp()))
    claims = {"t": standing.tier, "s": reader.id, "e": expiry}
    if reader.membership.generation:
        claims["g"] = reader.membership.generation
    return Token(sign(claims, ports.key_id, ports.keys[ports.key_id]), expiry - int(now.timestamp()))


def prolong(reader: Reader, memberships: Table, now: datetime) -> bool:
    """Let a session that is used last longer. It is written once a day at most; whether it was."""
    item = memberships.get(f"member#{reader.id}", reader.session)
    ends = int(now.timestamp()) + RENEWAL_SECONDS
    if not item or item["ttl"] > ends - 86400:
        return False
    try:
        changed = {"began": item["began"], "generation": item["generation"], "ttl": ends}
        memberships.write([Change(item["pk"], item["sk"], changed, item["version"])])
    except Conflict:  # another tab was first, or the reader signs out at this moment
        return False
    return True


def end(reader: Reader, memberships: Table) -> None:
    """Sign out here."""
    if reader.session:
        memberships.write([Change(f"member#{reader.id}", reader.session, None, ANY)])


def end_all(reader: Reader, memberships: Table) -> None:
    """Sign out everywhere: no session is renewed, and no token is believed here. The edge believes one to its end."""
    change(reader.id, memberships, lambda found: replace(found, generation=found.generation + 1))
    for item in memberships.query(f"member#{reader.id}", prefix="session#"):
        memberships.write([Change(item["pk"], item["sk"], None, ANY)])
