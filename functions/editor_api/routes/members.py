"""Members: who somebody is to the site, and complimentary access."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import Membership, member_id, normalise
from nightdesk.usecases.editorial import Unknown
from nightdesk.usecases.members import membership_of, told
from nightdesk.usecases.stored import load_site

from .. import models
from ..problems import impossible
from ..routing import EDITOR, Answer, Call, Route
from .articles import moment_of


def get_members(call: Call, query: models.MemberQuery) -> Answer:
    """The reader with an address. There is no list of all readers here."""
    try:
        member = member_id(normalise(query.email))
    except Permanent as error:
        raise impossible("query", "email", str(error)) from None
    found = membership_of(member, call.ports.memberships)
    return Answer({"members": [_form(member, found[0], call)] if found else []})


def put_member(call: Call, member: str, body: models.MemberTier) -> Answer:
    """Give a reader a tier, for good or until a moment, in place of what was given before; an empty tier takes it back. What
    the reader pays for stays beside it. A reader who is new needs an address, whose id it must be."""
    until = moment_of(body.until, "until", "body", call).isoformat() if body.until else ""
    email = normalise(body.email) if body.email else ""
    if email and member_id(email) != member:
        raise impossible("body", "email", "is not the address that the id is made of")
    if not email and not membership_of(member, call.ports.memberships):
        raise Unknown("there is no such reader")
    return Answer(_form(member, call.desk.give(member, body.tier, until, email), call))


def _form(member: str, found: Membership, call: Call) -> dict[str, Any]:
    return told(member, found, load_site(call.ports.pipeline), call.ports.pipeline.clock())


ROUTES = (
    Route("GET", "/v1/members", EDITOR, get_members, "Find a reader", models.Members, query=models.MemberQuery),
    Route("PUT", "/v1/members/{member}", EDITOR, put_member, "Give a tier", models.Member, body=models.MemberTier),
)
