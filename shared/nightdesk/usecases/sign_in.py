"""Sign in, which is also how one signs up: an address is typed, a mail comes, a button in it or its code is used.

`ask` answers alike, and does the same work, for every address; what differs happens in `send`, after the answer. What
`send` writes, at most one item for an address, voids what was there before:

    link       digest of the secret in the mailed link
    code       digest of the mailed code together with the asking browser's secret, so that the table alone does not tell it
    browser    digest of that secret, which the browser has in the cookie `ASKED`
    tries      how often a code was typed; each try is counted before it is looked at
    newsletter whether the reader asked for it by this
    ttl        when it ends

Only `by_link` and `by_code` change anything for the reader, both in one conditional transaction: of two that come at once
one wins. Looking at a link (`look`) changes nothing, for programs that scan mail open links, and some run scripts.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import NEWSLETTERS, Membership, member_id, normalise
from nightdesk.domain.site import is_return_path
from nightdesk.domain.tokens import hashed

from .limits import TooMany, network, so_far, within
from .members import BLOCKED, DELETED, changed, membership_of, suppressed
from .ports import ANY, Change, Item, ReaderPorts, Table
from .sessions import Reader, begin

ASKED = "__Host-signin"
SECONDS = 900
"""How long a link and its code can be used."""
TRIES = 5
CODE_DIGITS = 6
WRONG_CODES = 10
"""How many wrong codes an address may have within an hour, whichever mails they are of. A code can be guessed where a link
cannot, so all addresses together have a limit too: a tenth of what can be mailed. Links then still work."""


class Asked(NamedTuple):
    """A link's state: for whom, where the reader wants to be afterwards, and whether this browser asked for it."""

    email: str
    return_to: str
    here: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, with a new session, and where the reader wants to be."""

    reader: Reader
    return_to: str


def ask(
    address: str, newsletter: bool, return_to: str, caller: str, base_url: str, ports: ReaderPorts, now: datetime
) -> str:
    """Have a mail sent to an address; the value of the cookie `ASKED`.

    Args:
        newsletter: whether the reader asks for the newsletter by this.
        return_to: where the reader wants to be afterwards; what is no page of this site becomes the front page.
        caller: the IP address that asks.
        base_url: the site's address, for the link.

    Raises:
        Permanent: that is no address; or nobody can sign in, since there is no sender.
        TooMany: the network, or all together, have asked for too many.
    """
    if not ports.can_mail:
        raise Permanent("sign-in is not set up here")
    email = normalise(address)
    member, limits, table = member_id(email), ports.limits, ports.memberships
    if not within("sign-in-network", network(caller), limits.per_network, table, now):
        raise TooMany("too many sign-ins were asked for from here within the hour; please try again later")
    few = within("sign-in", member, limits.per_address, table, now)
    # What will not be mailed is counted too, apart: it takes as long, and does not use up what all have together.
    if not within("sign-in-all" if few else "sign-in-refused", "", limits.overall, table, now) and few:
        raise TooMany("too many sign-ins were asked for from here within the hour; please try again later")
    browser = secrets.token_urlsafe(32)
    ports.jobs.start(
        {
            "job": "sign-in",
            "email": email,
            "browser": browser,
            "newsletter": newsletter,
            "return_to": return_to if is_return_path(return_to) else "/",
            "base_url": base_url,
            "refused": not few,
        }
    )
    return f"{member}.{browser}"


def send(
    job: Mapping[str, Any], write_mail: Callable[[str, str, str], Mail], ports: ReaderPorts, now: datetime
) -> bool:
    """Make a link and a code, and mail them, unless the address may not be mailed; whether that was done.

    Args:
        job: what `ask` started.
        write_mail: the mail to an address with a link and a code.
    """
    member = member_id(job["email"])
    if job["refused"]:
        return False
    secret = secrets.token_urlsafe(32)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    item = {
        "email": job["email"],
        "link": hashed(secret),
        "code": _code_digest(job["browser"], code),
        "browser": hashed(job["browser"]),
        "newsletter": job["newsletter"],
        "return_to": job["return_to"],
        "tries": 0,
        "ttl": int(now.timestamp()) + SECONDS,
    }
    ports.memberships.write([Change(f"signin#{member}", "pending", item, ANY)])
    # Only now, so that codes are tried in vain for as long for this address as for any other.
    if suppressed(member, ports.memberships) == BLOCKED:
        return False
    link = f"{job['base_url'].rstrip('/')}/api/signin/confirm?token={member}.{secret}"
    ports.mailer.send(write_mail(job["email"], link, code))
    return True


def _code_digest(browser: str, code: str) -> str:
    return hashed(f"{browser}:{code}")


def _pending(member: str, memberships: Table, now: datetime) -> Item | None:
    item = memberships.get(f"signin#{member}", "pending")
    return item if item and item["ttl"] > now.timestamp() else None


def _linked(token: str, memberships: Table, now: datetime) -> Item | None:
    member, _, secret = token.partition(".")
    item = _pending(member, memberships, now)
    return item if item and hmac.compare_digest(item["link"], hashed(secret)) else None


def _asked_here(item: Item, browsers: Sequence[str]) -> bool:
    return any(hmac.compare_digest(item["browser"], hashed(value.partition(".")[2])) for value in browsers)


def look(token: str, browsers: Sequence[str], memberships: Table, now: datetime) -> Asked | None:
    """What a link would do; None for one that is used, voided, ended or forged. Changes nothing.

    Args:
        browsers: values of the cookie `ASKED`.
    """
    item = _linked(token, memberships, now)
    return Asked(item["email"], item["return_to"], _asked_here(item, browsers)) if item else None


def by_link(token: str, browsers: Sequence[str], elsewhere: bool, ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Sign in by a mailed link; None where it does not hold.

    Args:
        elsewhere: the reader has said that this browser, which did not ask for the link, is meant.
    """
    item = _linked(token, ports.memberships, now)
    if not item or not (elsewhere or _asked_here(item, browsers)):
        return None
    return _confirm(item, ports, now)


def by_code(code: str, browsers: Sequence[str], ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Sign in by a mailed code, in the browser that asked for it; None where it does not hold."""
    for value in browsers[:4]:
        member, _, browser = value.partition(".")
        item = _pending(member, ports.memberships, now)
        if not item or not hmac.compare_digest(item["browser"], hashed(browser)):
            continue
        counted = _count_try(item, ports.memberships) if _may_guess(member, ports, now) else None
        if counted and hmac.compare_digest(counted["code"], _code_digest(browser, code)):
            return _confirm(counted, ports, now)
        for kind, who in (("wrong-code", member), ("wrong-codes", "")):
            within(kind, who, 0, ports.memberships, now)
    return None


def _may_guess(member: str, ports: ReaderPorts, now: datetime) -> bool:
    table = ports.memberships
    return (
        so_far("wrong-code", member, table, now) < WRONG_CODES
        and so_far("wrong-codes", "", table, now) < ports.limits.overall // 10
    )


def _count_try(item: Item, memberships: Table) -> Item | None:
    """The item after this try; None where there were enough, or another try came at the same moment."""
    if item["tries"] >= TRIES:
        return None
    tried = {name: value for name, value in item.items() if name not in ("pk", "sk", "version")}
    tried["tries"] += 1
    try:
        memberships.write([Change(item["pk"], item["sk"], tried, item["version"])])
    except Conflict:
        return None
    return {**item, **tried, "version": item["version"] + 1}


def _confirm(item: Item, ports: ReaderPorts, now: datetime) -> SignedIn | None:
    """Use the item up, confirm its address and begin a session, all at once."""
    member = member_id(item["email"])
    for _ in range(4):
        before = membership_of(member, ports.memberships)
        after = _confirmed(before[0] if before else Membership(item["email"]), item["newsletter"], now)
        cookie, session = begin(member, after.generation, now)
        version = before[1] if before else None
        changes = [
            Change(item["pk"], item["sk"], None, item["version"]),
            Change(f"member#{member}", "membership", after.to_item(), version),
            session,
        ]
        if suppressed(member, ports.memberships) == DELETED:  # forgotten once, and back of one's own will
            changes.append(Change(f"suppressed#{member}", "reason", None, ANY))
        try:
            ports.memberships.write(changes)
        except Conflict:
            # Another tab has used it, or the membership changed: only the first is the end of it.
            if ports.memberships.get(item["pk"], item["sk"]) != item:
                return None
            continue
        changed(member, ports.bus)
        reader = Reader(member, after, (version or 0) + 1, session.sk, cookie)
        return SignedIn(reader, item["return_to"])
    return None


def _confirmed(found: Membership, newsletter: bool, now: datetime) -> Membership:
    """The membership of a reader who has shown that the address is theirs."""
    return replace(
        found,
        confirmed=found.confirmed or now.isoformat(),
        newsletters=NEWSLETTERS if newsletter else found.newsletters,
        unsubscribe=found.unsubscribe or secrets.token_urlsafe(24),
    )
