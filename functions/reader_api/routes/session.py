"""Sessions: whether a reader is signed in, a fresh token for the edge, and signing out."""

from __future__ import annotations

from dataclasses import replace

from nightdesk.domain.errors import Transient
from nightdesk.domain.site import PUBLIC, is_return_path
from nightdesk.entrypoints.http import Request, Response, Route, as_json, go_to, redirect
from nightdesk.entrypoints.logs import logger
from nightdesk.usecases.readers.sessions import extend_session, sign_out, sign_out_everywhere

from ..context import CLEAR_SESSION, ReaderContext, rest_of_query


def get_session(request: Request, context: ReaderContext) -> Response:
    """Return the reader's tier as JSON."""
    reader = context.find_reader(request)
    if not reader:
        return as_json({"signed_in": False, "tier": PUBLIC, "until": ""})
    entitlement = reader.membership.entitlement(context.site, context.now)
    answer = as_json({"signed_in": True, "tier": entitlement.tier, "until": entitlement.until})
    return replace(answer, headers=context.token_header(reader))


def get_renew(request: Request, context: ReaderContext) -> Response:
    """Issue a fresh token, and redirect to the page from which the edge sent the reader.

    `renewed` tells the edge not to send the reader again: it removes the parameter if the reader has a token now, and serves
    the public page if not, with the rest of the query. So there is no redirect loop, whatever a browser does with cookies.
    """
    path = request.query.get("return_to", "/")
    back = f"{path if is_return_path(path) and '#' not in path else '/'}?renewed=1{rest_of_query(request)}"
    try:
        reader = context.find_reader(request)
        if not reader:
            return redirect(back, *CLEAR_SESSION)
        reader = context.refresh_if_due(reader)
        extended = bool(reader.session) and extend_session(reader, context.ports.memberships, context.now)
        return redirect(back, *context.session_cookies(reader, reader.renewal if extended else ""))
    except Transient as error:  # serve the public page now; the next page tries again
        logger.warning("session not renewed", exc_info=error)
        return redirect(back)


def post_sign_out(request: Request, context: ReaderContext) -> Response:
    """Sign the reader out in this browser."""
    reader = context.find_reader(request)
    if reader:
        sign_out(reader, context.ports.memberships)
    return go_to(request, "/", *CLEAR_SESSION)


def post_sign_out_everywhere(request: Request, context: ReaderContext) -> Response:
    """Sign the reader out in all browsers. A token that another browser holds expires within the hour."""
    sign_out_everywhere(context.require_reader(request), context.ports.memberships)
    return go_to(request, "/", *CLEAR_SESSION)


ROUTES = (
    Route("GET", "/api/session", get_session),
    Route("GET", "/api/session/renew", get_renew),
    Route("POST", "/api/signout", post_sign_out, needs_token=True),
    Route("POST", "/api/signout/everywhere", post_sign_out_everywhere, needs_token=True),
)
