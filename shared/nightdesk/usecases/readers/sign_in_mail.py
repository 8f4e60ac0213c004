"""Requests for a sign-in mail, and the mail itself.

`request_sign_in` answers the same, and does the same work, for every address. What depends on the address happens after the
response, in `send_sign_in_mail`. The mails of an address stand beside each other: a request by a stranger, who only types the
address, does not invalidate an unused link.

No limit stops sign-in for the whole site or for an address, since a stranger could use it up. Each network has its own limits,
and under a flood the limits of every network get smaller.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.errors import Permanent, RateLimited, Refused
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import member_id, normalise_address
from nightdesk.domain.site import is_return_path
from nightdesk.domain.tokens import hash_secret
from nightdesk.ports import ReaderPorts
from nightdesk.repositories import memberships_table
from nightdesk.repositories.memberships_table import PendingSignIn
from nightdesk.usecases.readers.members import BLOCKED
from nightdesk.usecases.readers.rate_limits import count, network_of, seconds_to_next_hour

SIGN_IN_COOKIE = "__Host-signin"
"""The cookie of the browser that requested a mail: the member's id and the browser's secret."""
LIFETIME_SECONDS = 900
"""How long a link and its code can be used."""
CODE_DIGITS = 6
FLOOD = 3
"""From how many times its limit on several networks flood an address, and by what their limits are divided then."""
_FLOODED_SITE = 10
"""By what the limit of each network is divided once the site has sent its mails of the hour."""


class SignInRequest(NamedTuple):
    """A request for a sign-in mail.

    Attributes:
        address: as it was entered.
        newsletter: whether the reader asks for the newsletter.
        return_to: the page to open after signing in. A path that is not a page of this site becomes the front page.
        caller: the IP address of the caller.
        base_url: the site's URL, for the link in the mail.
        cookies: the browser's values of `SIGN_IN_COOKIE`.
        price: the membership to pay for after signing in; empty for none.
        lists: the ids of other newsletters that the reader asks for.
    """

    address: str
    newsletter: bool
    return_to: str
    caller: str
    base_url: str
    cookies: Sequence[str] = ()
    price: str = ""
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignInJob:
    """A sign-in mail to send after the response; `refused` if the address has had too many."""

    email: str
    browser: str
    newsletter: bool
    return_to: str
    base_url: str
    refused: bool
    price: str = ""
    lists: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, job: Mapping[str, Any]) -> SignInJob:
        """Return the job that `to_json` described."""
        return cls(**{name: job[name] for name in cls.__slots__ if name in job})

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values, with its name in `job`."""
        return {"job": "sign-in", **asdict(self)}


def request_sign_in(request: SignInRequest, ports: ReaderPorts, now: datetime) -> str:
    """Have a mail sent to an address, and return the value of `SIGN_IN_COOKIE`.

    Raises:
        Refused: the address is malformed, or the stack has no sender address.
        RateLimited: the network requested too many.
    """
    if not ports.can_sign_in:
        raise Refused("no_sign_in", "sign-in is not set up on this site")
    try:
        email = normalise_address(request.address)
    except Permanent as error:
        raise Refused("no_address", str(error)) from None
    member = member_id(email)
    accepted = _count_request(member, network_of(request.caller), ports, now)
    browser = _known_browser(member, request.cookies) or secrets.token_urlsafe(32)
    return_to = request.return_to if is_return_path(request.return_to) else "/"
    job = SignInJob(
        email, browser, request.newsletter, return_to, request.base_url, not accepted, request.price, request.lists
    )
    ports.jobs.start(job.to_json())
    return f"{member}.{browser}"


def _count_request(member: str, network: str, ports: ReaderPorts, now: datetime) -> bool:
    """Count a request for a mail, and return True if the mail may be sent. The same is counted for every address.

    A network that requests too many for an address gets no further mail for it. A reader whom others on the same network
    shut out has the mails that they requested, and may use any of the links. If several networks flood an address, every other network still
    gets a few.

    Raises:
        RateLimited: the network requested too many for all addresses. In an hour when the site has sent more mails than
            planned, every network may request fewer.
    """
    limits, table = ports.limits, ports.memberships
    of_network = count("sign-in-network", network, table, now)
    if of_network > limits.per_network:
        raise _too_many(now)
    of_pair = count("sign-in", f"{member} {network}", table, now)
    within = of_pair <= limits.per_address
    # What is refused is counted as well, so that it takes as long, but apart, so that it uses up nothing.
    of_address = count("sign-in-address" if within else "sign-in-refused", member, table, now)
    of_site = count("sign-in-all" if within else "sign-in-all-refused", "", table, now)
    if of_site > limits.overall and of_network > max(1, limits.per_network // _FLOODED_SITE):
        raise _too_many(now)
    return within and (of_pair <= max(1, limits.per_address // FLOOD) or of_address <= FLOOD * limits.per_address)


def _known_browser(member: str, cookies: Sequence[str]) -> str:
    """Return the secret of a browser that has requested a mail for the same address already; empty otherwise.

    Keeping it lets the code of each of its mails work.
    """
    found = [value for value in cookies if re.fullmatch(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{43}", value)]
    return found[0].partition(".")[2] if len(found) == 1 and found[0].startswith(f"{member}.") else ""


def _too_many(now: datetime) -> RateLimited:
    return RateLimited("too many sign-in mails were requested within the hour", seconds_to_next_hour(now))


def send_sign_in_mail(
    job: SignInJob, write_mail: Callable[[str, str, str], Mail], ports: ReaderPorts, now: datetime
) -> bool:
    """Create a link and a code and mail them. Returns False if the address may not get mail.

    Args:
        write_mail: returns the mail for an address, a link and a code.
    """
    member = member_id(job.email)
    if job.refused:
        return False
    secret = secrets.token_urlsafe(32)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    pending = PendingSignIn(
        email=job.email,
        link_digest=hash_secret(secret),
        code_digest=code_digest(job.browser, code),
        browser_digest=hash_secret(job.browser),
        newsletter=job.newsletter,
        return_to=job.return_to,
        attempts=0,
        ttl=int(now.timestamp()) + LIFETIME_SECONDS,
        price=job.price,
        lists=tuple(job.lists),
    )
    ports.memberships.write([memberships_table.sign_in_change(member, pending, None)])
    # Checked only now, so that entering codes behaves the same for a blocked address as for any other.
    if memberships_table.suppression(ports.memberships, member) == BLOCKED:
        return False
    link = f"{job.base_url.rstrip('/')}/api/signin/confirm?token={member}.{secret}"
    ports.mailer.send(write_mail(job.email, link, code))
    return True


def code_digest(browser: str, code: str) -> str:
    return hash_secret(f"{browser}:{code}")
