"""Unsubscribing from what newsletters link to. One click of a mail program is a POST (RFC 8058); a GET changes nothing."""

from __future__ import annotations

from urllib.parse import urlencode

from nightdesk.http import Request, Response, Route, as_json
from nightdesk.usecases.members import unsubscribe

from ..desk import Desk

_PATH = "/api/unsubscribe"


def get_unsubscribe(request: Request, desk: Desk) -> Response:
    """A page with a button."""
    from nightdesk.rendering.reader_pages import unsubscribe_html

    named = {name: request.query.get(name, "")[:128] for name in ("reader", "key")}
    return Response(200, unsubscribe_html(desk.theme, desk.site, f"{_PATH}?{urlencode(named)}"))


def post_unsubscribe(request: Request, desk: Desk) -> Response:
    """Unsubscribe. The answer tells nobody whether there was such a reader, and is no redirect, as RFC 8058 wants it."""
    reader, key = request.query.get("reader", ""), request.query.get("key", "")
    unsubscribe(reader, key, desk.ports.memberships, desk.ports.bus)
    if request.wants_json:
        return as_json({})
    from nightdesk.rendering.reader_pages import message_html

    detail = "The newsletter will not be sent to you any more."
    return Response(200, message_html(desk.theme, desk.site, "Unsubscribed", detail, ("Front page", "/")))


ROUTES = (
    Route("GET", _PATH, get_unsubscribe),
    Route("POST", _PATH, post_unsubscribe, from_anywhere=True),
)
