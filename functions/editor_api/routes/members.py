"""Readers and their complimentary tiers."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.memberships import Membership, member_id, normalise_address
from nightdesk.repositories.memberships_table import find_membership
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.readers.members import Grant, membership_json

from ..models import members as models
from ..problems import unprocessable
from ..routing import EDITOR, Call, Result, Route
from .articles import end_of


def find_members(call: Call, query: models.MemberQuery) -> Result:
    """The reader with an address. Readers cannot be listed here."""
    try:
        member = member_id(normalise_address(query.email))
    except Permanent as error:
        raise unprocessable("query", "email", str(error)) from None
    found = find_membership(call.ports.memberships, member)
    return Result({"members": [_to_json(member, found.membership, call)] if found else []})


def set_member_tier(call: Call, member: str, body: models.MemberTier) -> Result:
    """Set a reader's complimentary tier, for good or until a moment; an empty tier removes it. A paid tier is kept beside it.
    A new reader needs the address from which the id is derived."""
    until = end_of(body.until, "until", "body", call).isoformat() if body.until else ""
    email = normalise_address(body.email) if body.email else ""
    if email and member_id(email) != member:
        raise unprocessable("body", "email", "does not match the id")
    if not email and not find_membership(call.ports.memberships, member):
        raise NotFound("there is no such reader")
    return Result(_to_json(member, call.service.grant(member, Grant(body.tier, until), email), call))


def _to_json(member: str, found: Membership, call: Call) -> dict[str, Any]:
    return membership_json(member, found, load_site(call.ports.pipeline), call.ports.pipeline.clock())


ROUTES = (
    Route("GET", "/v1/members", EDITOR, find_members, "Find a reader", models.Members, query=models.MemberQuery),
    Route("PUT", "/v1/members/{member}", EDITOR, set_member_tier, "Set a tier", models.Member, body=models.MemberTier),
)
