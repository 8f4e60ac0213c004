"""Sign-in, which is also sign-up: a reader enters an address, gets a mail (`sign_in_mail`), and uses its link or its code.

Only `sign_in_by_link` and `sign_in_by_code` change anything for the reader, each in one conditional transaction. A link and
its code work once. For a minute, the browser that used them may repeat the request, because a double click discards the
first response with its cookies; it gets the same session. Opening a link (`inspect_link`) changes nothing, because
programs that scan mail open links too, and some of them run scripts.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.memberships import NEWSLETTERS, Membership, member_id
from nightdesk.domain.tokens import derive_secret, hash_secret
from nightdesk.ports import ReaderPorts, Table
from nightdesk.repositories import memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.memberships_table import PendingSignIn, StoredSignIn
from nightdesk.usecases.readers.members import BOUNCED, COMPLAINED, DELETED, announce_change
from nightdesk.usecases.readers.rate_limits import count, network_of, used_so_far
from nightdesk.usecases.readers.sessions import RENEWAL_COOKIE, Reader, authenticate, new_session
from nightdesk.usecases.readers.sign_in_mail import FLOOD, code_digest

MAX_CODE_ATTEMPTS = 5
REPEAT_SECONDS = 60
"""How long the browser that used a link or a code may repeat the request."""
_CONFIRM_ATTEMPTS = 4
_MAX_COOKIES = 4
"""How many cookies of one name are tried. Another site of the same domain may have planted some."""


class LinkState(NamedTuple):
    """What a valid link does: for which address, where it leads, and whether this browser requested it."""

    email: str
    return_to: str
    same_browser: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A reader who has just signed in, with a new session, the page to open, and the membership to pay for before that."""

    reader: Reader
    return_to: str
    price: str = ""


def _find_by_link(token: str, memberships: Table, now: datetime) -> StoredSignIn | None:
    """Return the pending sign-in of a link that has not expired. It may have been used."""
    member, _, secret = token.partition(".")
    found = memberships_table.find_sign_in(memberships, member, hash_secret(secret))
    return found if found and found.pending.ttl > now.timestamp() else None


def _requested_by(pending: PendingSignIn, cookies: Sequence[str]) -> str:
    """Return the secret of the browser that requested a mail, if it is among these cookies; empty otherwise."""
    secrets_sent = (value.partition(".")[2] for value in cookies[:_MAX_COOKIES])
    return next((s for s in secrets_sent if hmac.compare_digest(pending.browser_digest, hash_secret(s))), "")


def inspect_link(token: str, cookies: Sequence[str], memberships: Table, now: datetime) -> LinkState | None:
    """Return what a link does, without using it; None if it is used, void, expired or forged.

    Args:
        cookies: the browser's values of `SIGN_IN_COOKIE`.
    """
    found = _find_by_link(token, memberships, now)
    if not found:
        return None
    pending, browser = found.pending, _requested_by(found.pending, cookies)
    # The browser that used it may do so again for a minute.
    if pending.used and not (browser and _may_repeat(pending, browser, now)):
        return None
    return LinkState(pending.email, pending.return_to, bool(browser))


def used_just_now(token: str, reader: Reader | None, memberships: Table, now: datetime) -> str:
    """Return the page to which a link led within the last minute, for the reader who is signed in by now; empty otherwise."""
    found = _find_by_link(token, memberships, now) if reader else None
    if not found or not reader or reader.id != member_id(found.pending.email):
        return ""
    return found.pending.return_to if _is_repeatable(found.pending, now) else ""


def code_used_just_now(reader: Reader | None, memberships: Table, now: datetime) -> str:
    """Return the page to which a sign-in of the last minute led, for the reader who is signed in by now; empty otherwise.

    A code cannot be compared without the browser's secret, whose cookie has ended with the first response to a double click.
    """
    found = memberships_table.sign_ins_of(memberships, reader.id) if reader else []
    recent = [one.pending for one in found if _is_repeatable(one.pending, now)]
    return max(recent, key=lambda pending: pending.used).return_to if recent else ""


def _may_repeat(pending: PendingSignIn, browser: str, now: datetime) -> bool:
    """Return True if a browser with this secret may repeat the use of a sign-in."""
    return _is_repeatable(pending, now) and hmac.compare_digest(pending.used_by, hash_secret(browser))


def _is_repeatable(pending: PendingSignIn, now: datetime) -> bool:
    return bool(pending.used) and now.timestamp() < pending.used + REPEAT_SECONDS


def sign_in_by_link(
    token: str, cookies: Sequence[str], other_browser: str, ports: ReaderPorts, now: datetime
) -> SignedIn | None:  # fmt: skip
    """Sign in with a mailed link; None if it is not valid.

    Args:
        cookies: the browser's values of `SIGN_IN_COOKIE`.
        other_browser: the secret of a browser that did not request the link, if its reader confirmed to sign in there.
    """
    found = _find_by_link(token, ports.memberships, now)
    browser = (_requested_by(found.pending, cookies) or other_browser) if found else ""
    return _use(found, browser, ports, now) if found and browser else None


def sign_in_by_code(
    code: str, cookies: Sequence[str], caller: str, ports: ReaderPorts, now: datetime
) -> SignedIn | None:  # fmt: skip
    """Sign in with a mailed code, in the browser that requested it; None if it is not valid.

    Args:
        cookies: the browser's values of `SIGN_IN_COOKIE`.
        caller: the IP address of the caller.
    """
    for value in cookies[:_MAX_COOKIES]:
        member, _, browser = value.partition(".")
        if not _requested_in(member, browser, ports.memberships, now):
            continue
        wrong = WrongCodes(member, network_of(caller), ports, now)
        digest = code_digest(browser, code)
        for found in _comparable(member, browser, wrong.may_try(), ports, now):
            if hmac.compare_digest(found.pending.code_digest, digest):
                return _use(found, browser, ports, now)
        wrong.add()
    return None


def _requested_in(member: str, browser: str, memberships: Table, now: datetime) -> list[StoredSignIn]:
    """Return the pending sign-ins that a browser requested, without those that have expired."""
    digest = hash_secret(browser)
    return [
        found
        for found in (memberships_table.sign_ins_of(memberships, member) if member and browser else [])
        if found.pending.ttl > now.timestamp() and hmac.compare_digest(found.pending.browser_digest, digest)
    ]


class WrongCodes(NamedTuple):
    """The wrong codes entered for an address within an hour.

    A code can be guessed where a link cannot. A network has as many wrong codes for an address as it has mails. All networks
    together have a few times as many; beyond that, the links in the mails still work.
    """

    member: str
    network: str
    ports: ReaderPorts
    now: datetime

    def _limits(self) -> tuple[tuple[str, str, int], ...]:
        allowed = self.ports.limits.per_address
        return (
            ("wrong-code", f"{self.member} {self.network}", allowed),
            ("wrong-codes", self.member, FLOOD * allowed),
        )

    def may_try(self) -> bool:
        """Return True if another code may be compared."""
        table = self.ports.memberships
        return all(used_so_far(kind, who, table, self.now) < allowed for kind, who, allowed in self._limits())

    def add(self) -> None:
        """Count a wrong code."""
        for kind, who, _ in self._limits():
            count(kind, who, self.ports.memberships, self.now)


def _comparable(member: str, browser: str, may_try: bool, ports: ReaderPorts, now: datetime) -> list[StoredSignIn]:
    """Return a browser's mails whose codes may be compared: the used ones, and those on which an attempt could be counted.

    The attempt is counted first, so that of many at the same time each costs one.
    """

    def attempt() -> list[StoredSignIn]:
        asked = _requested_in(member, browser, ports.memberships, now)
        open_ones = [found for found in asked if not found.pending.used and found.pending.attempts < MAX_CODE_ATTEMPTS]
        counted = [replace(pending, attempts=pending.attempts + 1) for pending, _ in open_ones if may_try]
        versions = [version for _, version in open_ones]
        if counted:
            ports.memberships.write(
                [memberships_table.sign_in_change(member, *pair) for pair in zip(counted, versions, strict=True)]
            )
        return [StoredSignIn(pending, version + 1) for pending, version in zip(counted, versions, strict=False)] + [
            found for found in asked if found.pending.used
        ]

    return compare_and_swap(attempt, "the sign-in")


def _use(found: StoredSignIn, browser: str, ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Use a pending sign-in, or repeat its use by the same browser.

    Args:
        browser: the secret of the browser that signs in.
    """
    member = member_id(found.pending.email)
    for _ in range(_CONFIRM_ATTEMPTS):
        if found.pending.used:
            return _repeat(found.pending, browser, ports, now)
        signed_in = _confirm(found, browser, ports, now)
        if signed_in:
            return signed_in
        # Another request used it, or counted an attempt, at the same time.
        current = memberships_table.find_sign_in(ports.memberships, member, found.pending.link_digest)
        if not current:
            return None
        found = current
    return None


def _session_secret(browser: str, pending: PendingSignIn) -> str:
    """Return the secret of the session in which a pending sign-in results, so that a repeated request gets the same one."""
    return derive_secret(browser, f"session by {pending.link_digest}")


def _repeat(pending: PendingSignIn, browser: str, ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Return the session that a sign-in has just given this browser; None if it was another browser, or over a minute ago."""
    if not _may_repeat(pending, browser, now):
        return None
    secret = _session_secret(browser, pending)
    cookie = f"{member_id(pending.email)}.{secret}"
    reader = authenticate({RENEWAL_COOKIE: [cookie]}, ports, now)
    return SignedIn(reader, pending.return_to, pending.price) if reader else None


def _confirm(found: StoredSignIn, browser: str, ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Use up a pending sign-in, confirm its address and start a session, in one transaction; None if it has been used."""
    pending, table = found.pending, ports.memberships
    member = member_id(pending.email)
    wanted = (*(NEWSLETTERS if pending.newsletter else ()), *pending.lists)
    used = replace(pending, used=int(now.timestamp()), used_by=hash_secret(browser))

    def attempt() -> SignedIn | None:
        stored = memberships_table.find_membership(table, member)
        before = stored.membership if stored else Membership(pending.email)
        after = _confirmed(before, wanted, now)
        session = new_session(member, after.generation, _session_secret(browser, pending), now)
        changes = [
            memberships_table.sign_in_change(member, used, found.version),
            memberships_table.membership_change(member, after, stored),
            session.change,
        ]
        if _is_lifted(memberships_table.suppression(table, member), bool(wanted)):
            changes.append(memberships_table.suppression_change(member, "", ""))
        try:
            table.write(changes)
        except Conflict:
            # Another request has used the sign-in, which cannot be retried; or the membership changed, which can.
            if memberships_table.find_sign_in(table, member, pending.link_digest) != found:
                return None
            raise
        version = (stored.version if stored else 0) + 1
        reader = Reader(member, after, version, session.digest, session.cookie, now.isoformat())
        return SignedIn(reader, pending.return_to, pending.price)

    signed_in = compare_and_swap(attempt, "the membership", _CONFIRM_ATTEMPTS)
    if signed_in:
        announce_change(member, ports.bus)
    return signed_in


def _is_lifted(reason: str, newsletter: bool) -> bool:
    """Return True if a sign-in by mail ends what stopped mail to an address: its owner has returned, and the mail arrived. Only a reader
    who asks for newsletters takes back a complaint about one."""
    return reason in (DELETED, BOUNCED) or (reason == COMPLAINED and newsletter)


def _confirmed(found: Membership, newsletters: Sequence[str], now: datetime) -> Membership:
    """Return the membership of a reader who has shown that the address is theirs."""
    return replace(
        found,
        confirmed=found.confirmed or now.isoformat(),
        newsletters=tuple(dict.fromkeys((*found.newsletters, *newsletters))),
        unsubscribe=found.unsubscribe or secrets.token_urlsafe(24),
    )
