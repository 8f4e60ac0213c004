"""Gift and preview links: the edge exchanges a link's id for a token."""

from __future__ import annotations

from nightdesk.entrypoints.http import Request, Response, Route, redirect
from nightdesk.usecases.readers.access_links import Kind, exchange_link

from ..context import ReaderContext, rest_of_query
from ..problems import ReaderProblem


def _exchange(kind: Kind, link: str, request: Request, context: ReaderContext) -> Response:
    path = exchange_link(kind, link, context.site, context.ports, context.now)
    if not path:
        raise ReaderProblem(410, "link_ended")
    return redirect(path + rest_of_query(request))


def get_gift(request: Request, context: ReaderContext, link: str) -> Response:
    """Exchange a gift link."""
    return _exchange("gift", link, request, context)


def get_preview(request: Request, context: ReaderContext, link: str) -> Response:
    """Exchange a preview link."""
    return _exchange("preview", link, request, context)


ROUTES = (Route("GET", "/api/gift/{link}", get_gift), Route("GET", "/api/preview/{link}", get_preview))
