"""Gift and preview links: the edge sends a link's id here, and takes the token that it gets for it."""

from __future__ import annotations

from nightdesk.http import HttpError, Request, Response, Route, redirect
from nightdesk.usecases.links import Kind, exchange

from ..desk import Desk


def _exchange(kind: Kind, link: str, desk: Desk) -> Response:
    path = exchange(kind, link, desk.site, desk.ports, desk.now)
    if not path:
        raise HttpError(410, "No longer valid", "This link has ended, or was taken back by whoever gave it.")
    return redirect(path)


def get_gift(request: Request, desk: Desk, link: str) -> Response:
    """A gift link's token."""
    return _exchange("gift", link, desk)


def get_preview(request: Request, desk: Desk, link: str) -> Response:
    """A preview link's token."""
    return _exchange("preview", link, desk)


ROUTES = (Route("GET", "/api/gift/{link}", get_gift), Route("GET", "/api/preview/{link}", get_preview))
