"""Readers, how many there are, and their complimentary tiers."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.memberships import Membership, member_id, normalise_address
from nightdesk.repositories.memberships_table import find_membership
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.readers.member_pages import MemberFilter, member_counts, member_page
from nightdesk.usecases.readers.members import Grant, membership_json

from ..cursors import decode_cursor, encode_cursor
from ..models import members as models
from ..problems import unprocessable
from ..routing import EDITOR, Call, Result, Route
from .articles import end_of, moment_of

_LIST, _COUNTS, _ID = "members", "member counts", "[0-9a-f]{32}"


def list_members(call: Call, query: models.MemberQuery) -> Result:
    """Readers, a page at a time: those of a tier, or who get a newsletter, or the one with an address."""
    if query.email:
        return _with_address(query, call)
    site, now = load_site(call.ports.pipeline), call.ports.pipeline.clock()
    since = moment_of(query.since, "since", "query", call).isoformat() if query.since else ""
    wanted = MemberFilter(query.tier, query.newsletter, since).checked(site)
    of = f"{_LIST} {wanted.tier} {wanted.newsletter} {wanted.since}"
    table, after = call.ports.newsletters.memberships, decode_cursor(query.cursor, of, _ID)
    page = member_page(table, wanted, site, now, after, query.limit)
    found = [membership_json(member, membership, site, now) for member, membership in page.members]
    return Result({"members": found, "cursor": encode_cursor(of, page.after)})


def count_members(call: Call, query: models.CountQuery) -> Result:
    """How many readers there are of each tier and newsletter: of up to 20,000 readers at a time."""
    site, now = load_site(call.ports.pipeline), call.ports.pipeline.clock()
    after = decode_cursor(query.cursor, _COUNTS, _ID)
    counts, last = member_counts(call.ports.newsletters.memberships, site, now, after)
    return Result({**counts, "cursor": encode_cursor(_COUNTS, last)})


def _with_address(query: models.MemberQuery, call: Call) -> Result:
    try:
        member = member_id(normalise_address(query.email))
    except Permanent as error:
        raise unprocessable("query", "email", str(error)) from None
    found = find_membership(call.ports.memberships, member)
    return Result({"members": [_to_json(member, found.membership, call)] if found else [], "cursor": None})


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
    Route("GET", "/v1/members", EDITOR, list_members, "List readers", models.Members, query=models.MemberQuery),
    Route(
        "GET",
        "/v1/members/counts",
        EDITOR,
        count_members,
        "Count readers",
        models.MemberCounts,
        query=models.CountQuery,
    ),
    Route("PUT", "/v1/members/{member}", EDITOR, set_member_tier, "Set a tier", models.Member, body=models.MemberTier),
)
