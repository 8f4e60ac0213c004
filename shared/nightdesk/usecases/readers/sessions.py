"""Sessions: how a reader stays signed in.

A session is a record in the Memberships table, identified by the secret in the cookie `RENEWAL_COOKIE`. The API issues the
signed token in `SESSION_COOKIE` from it and from the membership; that token is all the edge reads. A token lasts an hour at
most. When it has expired, the edge sends the reader to the API for the next one. So the table decides within the hour,
no page view queries it, and a change of the signing key signs no reader out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.memberships import SESSION_SECONDS, Membership
from nightdesk.domain.site import Site
from nightdesk.domain.tokens import hash_secret, sign, verify
from nightdesk.ports import ANY, Change, ReaderPorts, Table
from nightdesk.repositories import memberships_table
from nightdesk.repositories.memberships_table import Session
from nightdesk.usecases.readers.members import update_membership

SESSION_COOKIE = "__Host-session"
RENEWAL_COOKIE = "__Host-renew"
RENEWAL_SECONDS = 90 * 86400
"""How long a reader may stay away and still be signed in."""
_DAY = 86400
_MAX_COOKIES = 4
"""How many cookies of one name are tried. Another site of the same domain may have planted some."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader who is signed in.

    Attributes:
        version: the version of the membership's item.
        session: the digest of the session's secret; empty if the reader was recognised by a token alone.
        renewal: the value of the renewal cookie that identified the session.
        signed_in: when the reader signed in (ISO 8601); empty if that is not known.
    """

    id: str
    membership: Membership
    version: int
    session: str
    renewal: str = ""
    signed_in: str = ""

    def signed_in_within(self, span: timedelta, now: datetime) -> bool:
        """Return True if the session began less than `span` ago: a lost or stolen browser is usually signed in for longer."""
        return bool(self.signed_in) and now - datetime.fromisoformat(self.signed_in) < span


class Token(NamedTuple):
    """A signed token for the edge, and its lifetime in seconds."""

    value: str
    seconds: int


class NewSession(NamedTuple):
    """A session that is not stored yet.

    Attributes:
        cookie: the value of its renewal cookie.
        change: the change that stores it.
    """

    digest: str
    cookie: str
    change: Change


def new_session(member: str, generation: int, secret: str, now: datetime) -> NewSession:
    """Return a new session of a member in a generation of its membership.

    Args:
        secret: what will identify it, at least as long as `secrets.token_urlsafe(32)`.
    """
    digest = hash_secret(secret)
    session = Session(now.isoformat(), generation, int(now.timestamp()) + RENEWAL_SECONDS)
    return NewSession(digest, f"{member}.{secret}", memberships_table.session_change(member, digest, session, None))


def authenticate(cookies: Mapping[str, Sequence[str]], ports: ReaderPorts, now: datetime) -> Reader | None:
    """Return the reader whom a browser's cookies belong to, by a stored session or else by a valid token."""
    for value in cookies.get(RENEWAL_COOKIE, ())[:_MAX_COOKIES]:
        member, _, secret = value.partition(".")
        session = _find_session(member, secret, ports.memberships, now)
        found = memberships_table.find_membership(ports.memberships, member) if session else None
        if session and found and session.generation == found.membership.generation:
            return Reader(member, *found, hash_secret(secret), value, session.began)
    for value in cookies.get(SESSION_COOKIE, ())[:_MAX_COOKIES]:
        claims = verify(value, ports.keys, int(now.timestamp()))
        if claims and "p" not in claims:
            found = memberships_table.find_membership(ports.memberships, str(claims["s"]))
            if found and claims.get("g", 0) == found.membership.generation:
                began = claims.get("a")
                signed_in = datetime.fromtimestamp(began, UTC).isoformat() if type(began) is int else ""
                return Reader(claims["s"], *found, "", signed_in=signed_in)
    return None


def _find_session(member: str, secret: str, memberships: Table, now: datetime) -> Session | None:
    if not member or not secret:
        return None
    found = memberships_table.find_session(memberships, member, hash_secret(secret))
    return found.session if found and found.session.ttl > now.timestamp() else None


def issue_token(reader: Reader, site: Site, ports: ReaderPorts, now: datetime) -> Token:
    """Return a token for what the reader's membership entitles to now. It lasts as long as that, an hour at most."""
    entitlement = reader.membership.entitlement(site, now)
    expiry = int(now.timestamp()) + SESSION_SECONDS
    if entitlement.until:
        expiry = min(expiry, int(datetime.fromisoformat(entitlement.until).timestamp()))
    claims = {"t": entitlement.tier, "s": reader.id, "e": expiry}
    if reader.membership.generation:
        claims["g"] = reader.membership.generation
    if reader.signed_in and not reader.session:  # a session's record says so itself
        claims["a"] = int(datetime.fromisoformat(reader.signed_in).timestamp())
    return Token(sign(claims, ports.key_id, ports.keys[ports.key_id]), expiry - int(now.timestamp()))


def extend_session(reader: Reader, memberships: Table, now: datetime) -> bool:
    """Extend a session that is in use, at most once a day. Returns True if it was extended."""
    found = memberships_table.find_session(memberships, reader.id, reader.session)
    ends = int(now.timestamp()) + RENEWAL_SECONDS
    if not found or found.session.ttl > ends - _DAY:
        return False
    extended = replace(found.session, ttl=ends)
    try:
        memberships.write([memberships_table.session_change(reader.id, reader.session, extended, found.version)])
    except Conflict:  # another tab extended it, or the reader is signing out
        return False
    return True


def sign_out(reader: Reader, memberships: Table) -> None:
    """End the reader's session in this browser."""
    if reader.session:
        memberships.write([memberships_table.session_change(reader.id, reader.session, None, ANY)])


def sign_out_everywhere(reader: Reader, memberships: Table) -> None:
    """End all sessions of a reader. The API refuses earlier tokens from now on; the edge accepts them until they expire."""
    update_membership(reader.id, memberships, lambda found: replace(found, generation=found.generation + 1))
    for digest in memberships_table.session_digests(memberships, reader.id):
        memberships.write([memberships_table.session_change(reader.id, digest, None, ANY)])
