"""The account: what a reader has and chooses, all that is stored, and the end of it."""

from __future__ import annotations

import json
from typing import Any, Literal

from nightdesk.domain.memberships import NEWSLETTERS
from nightdesk.http import JSON, Request, Response, Route, as_json, done, redirect, with_return
from nightdesk.usecases import members
from nightdesk.usecases.payments import leave
from nightdesk.usecases.sessions import Reader
from pydantic import BaseModel

from ..desk import NO_SESSION, Desk

_DONE = {
    "newsletters": "Your choice is saved.",
    "pays": "You have a membership already. Here you can change it, or end it.",
}


class Sure(BaseModel):
    """The box that is ticked by whoever means it."""

    sure: Literal["yes", True]


def get_account(request: Request, desk: Desk) -> Response:
    """The account's page. Its reader gets a fresh token, so that what has changed shows at once everywhere."""
    if request.wants_json:
        return get_account_json(request, desk)
    reader = desk.reader(request)
    if not reader:
        return redirect(with_return("/signin/", "/account/"))
    from nightdesk.rendering.reader_pages import account_html

    reader = desk.with_news(reader)
    said = _DONE.get(request.query.get("done", ""), "")
    body = account_html(desk.theme, desk.site, reader.membership, desk.now, said)
    return Response(200, body, cookies=desk.session_cookies(reader))


def get_account_json(request: Request, desk: Desk) -> Response:
    """The same for programs."""
    reader = desk.with_news(desk.must_read(request))
    return as_json(_facts(reader, desk), 200, *desk.session_cookies(reader))


def _facts(reader: Reader, desk: Desk) -> dict[str, Any]:
    standing = reader.membership.standing(desk.site, desk.now)
    return {
        "email": reader.membership.email,
        "tier": standing.tier,
        "source": standing.source,
        "until": standing.until,
        "paid": {name: value for name, value in (reader.membership.paid or {}).items() if name != "subscription"}
        or None,
        "newsletters": {name: name in reader.membership.newsletters for name in NEWSLETTERS},
    }


def get_export(request: Request, desk: Desk) -> Response:
    """All that is stored of the reader, as a file."""
    found = members.export(desk.must_read(request).id, desk.ports.memberships)
    headers = {"content-disposition": 'attachment; filename="account.json"'}
    return Response(200, json.dumps(found, ensure_ascii=False, indent=1), JSON, headers)


def post_newsletters(request: Request, desk: Desk) -> Response:
    """The newsletters that the reader wants; a form does not name those that are not ticked."""
    ticked = request.fields()
    wanted = {name: ticked.get(name) in ("yes", True) for name in NEWSLETTERS}
    members.choose(desk.must_read(request).id, wanted, desk.ports.memberships, desk.ports.bus)
    return done(request, "/account/?done=newsletters")


def post_delete(request: Request, desk: Desk) -> Response:
    """Forget the reader."""
    reader = desk.must_read(request)
    request.validated(Sure)
    leave(reader.id, desk.site, desk.ports, desk.now)
    if request.wants_json:
        return as_json({"location": "/"}, 200, *NO_SESSION)
    from nightdesk.rendering.reader_pages import message_html

    detail = "Nothing of it is kept but a digest of your address, so that we do not write to you again."
    page = message_html(desk.theme, desk.site, "Your account is deleted", detail, ("Front page", "/"))
    return Response(200, page, cookies=NO_SESSION)


ROUTES = (
    Route("GET", "/account/", get_account),
    Route("GET", "/api/account", get_account_json),
    Route("GET", "/api/account/export", get_export),
    Route("POST", "/api/account/newsletters", post_newsletters),
    Route("POST", "/api/account/delete", post_delete),
)
