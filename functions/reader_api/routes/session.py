"""Sessions: who is signed in, a fresh token for the edge, and signing out."""

from __future__ import annotations

from nightdesk.domain.errors import Transient
from nightdesk.domain.site import PUBLIC, is_return_path
from nightdesk.http import Request, Response, Route, as_json, done, redirect
from nightdesk.reader_runtime import logger
from nightdesk.usecases.sessions import end, end_all, prolong

from ..desk import NO_SESSION, Desk


def get_session(request: Request, desk: Desk) -> Response:
    """What the reader has, for programs."""
    reader = desk.reader(request)
    if not reader:
        return as_json({"signed_in": False, "tier": PUBLIC, "until": ""})
    standing = reader.membership.standing(desk.site, desk.now)
    return as_json({"signed_in": True, "tier": standing.tier, "until": standing.until})


def get_renew(request: Request, desk: Desk) -> Response:
    """A fresh token, and back to where the edge sent the reader here from.

    `renewed` tells the edge that it has done so once: it takes it out of the address where the reader now has a token,
    and shows the public page where not. So nobody goes in circles, whatever a browser does with cookies.
    """
    asked = request.query.get("return_to", "/")
    back = f"{asked if is_return_path(asked) and '#' not in asked else '/'}?renewed=1"
    try:
        reader = desk.reader(request)
        if not reader:
            return redirect(back, *NO_SESSION)
        reader = desk.with_news(reader)
        longer = bool(reader.session) and prolong(reader, desk.ports.memberships, desk.now)
        return redirect(back, *desk.session_cookies(reader, reader.renewal if longer else ""))
    except Transient as error:  # the public page now, and the next page asks again
        logger.warning("no session could be renewed", exc_info=error)
        return redirect(back)


def post_signout(request: Request, desk: Desk) -> Response:
    """Sign out in this browser."""
    reader = desk.reader(request)
    if reader:
        end(reader, desk.ports.memberships)
    return done(request, "/", *NO_SESSION)


def post_signout_everywhere(request: Request, desk: Desk) -> Response:
    """Sign out in all browsers. A token that one of them still has ends within the hour."""
    end_all(desk.must_read(request), desk.ports.memberships)
    return done(request, "/", *NO_SESSION)


ROUTES = (
    Route("GET", "/api/session", get_session),
    Route("GET", "/api/session/renew", get_renew),
    Route("POST", "/api/signout", post_signout),
    Route("POST", "/api/signout/everywhere", post_signout_everywhere),
)
