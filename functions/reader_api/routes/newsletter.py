"""Links in newsletters: those that are counted, and the one for unsubscribing. A mail program's one-click request is a POST (RFC 8058); a GET changes nothing."""

from __future__ import annotations

from urllib.parse import urlencode

from nightdesk.entrypoints.http import Request, Response, Route, as_json, redirect
from nightdesk.usecases.newsletters.clicks import follow_link
from nightdesk.usecases.readers.members import unsubscribe

from ..context import ReaderContext
from ..problems import ReaderProblem

_PATH = "/api/unsubscribe"
_NAMES = ("reader", "key", "list", "edition")
_LONGEST = 256
"""Characters of a value."""


def get_unsubscribe(request: Request, context: ReaderContext) -> Response:
    """Render a page with a button."""
    from nightdesk.rendering.reader_pages import unsubscribe_html

    query = {name: request.query.get(name, "")[:_LONGEST] for name in _NAMES if name in request.query}
    return Response(200, unsubscribe_html(context.theme, context.site, f"{_PATH}?{urlencode(query)}"))


def post_unsubscribe(request: Request, context: ReaderContext) -> Response:
    """Unsubscribe a reader. The response does not reveal whether the reader exists, and is no redirect, as RFC 8058 requires."""
    reader, key, newsletter, edition = (request.query.get(name, "")[:_LONGEST] for name in _NAMES)
    unsubscribe(reader, key, context.ports, newsletter, edition)
    if request.wants_json:
        return as_json({})
    text = context.text
    return Response(200, context.message_page(text("unsubscribe.done_heading"), text("unsubscribe.done")))


def get_click(request: Request, context: ReaderContext) -> Response:
    """Count a link of a newsletter, and lead the reader on. Nothing is known of who follows it."""
    query, editions = request.query, context.ports.editions
    link = query.get("edition", ""), query.get("link", "")
    url = follow_link(*link, editions, context.now) if editions else ""
    if not url:
        raise ReaderProblem(410, "link_ended")
    return redirect(url)


ROUTES = (
    Route("GET", "/api/click", get_click),
    Route("GET", _PATH, get_unsubscribe),
    Route("POST", _PATH, post_unsubscribe, allow_cross_site=True),
)
