"""Links that open one article for whoever has them."""

from __future__ import annotations

from datetime import timedelta

from nightdesk.usecases.links import Kind

from .. import models
from ..problems import impossible
from ..routing import EDITOR, WRITER, Answer, Call, Route
from .articles import moment_of

_GOOD = timedelta(days=7)
_LONGEST = timedelta(days=90)


def _make(kind: Kind, call: Call, slug: str, body: models.NewLink) -> Answer:
    now = call.ports.pipeline.clock()
    until = moment_of(body.until, "until", "body", call) if body.until else now + _GOOD
    if not now < until <= now + _LONGEST:
        raise impossible("body", "until", f"must be within {_LONGEST.days} days from now")
    return Answer(call.desk.link(kind, slug, until.replace(microsecond=0)))


def post_preview(call: Call, slug: str, body: models.NewLink) -> Answer:
    """Make a link to what is not published, in place of the one that you made before for the same article."""
    return _make("preview", call, slug, body)


def post_gift(call: Call, slug: str, body: models.NewLink) -> Answer:
    """Make a link that opens the whole of a live article, in place of the one that you made before for the same article."""
    return _make("gift", call, slug, body)


def delete_preview(call: Call, slug: str) -> Answer:
    """Take your preview link to an article back. What was opened by it closes within the hour."""
    return Answer({"revoked": call.desk.unlink("preview", slug)})


def delete_gift(call: Call, slug: str) -> Answer:
    """Take your gift link to an article back. What was opened by it closes within the hour."""
    return Answer({"revoked": call.desk.unlink("gift", slug)})


_PREVIEWS, _GIFTS = "/v1/articles/{slug}/preview-links", "/v1/articles/{slug}/gift-links"
ROUTES = (
    Route("POST", _PREVIEWS, WRITER, post_preview, "Make a preview link", models.Link, status=201, body=models.NewLink),
    Route("POST", _GIFTS, EDITOR, post_gift, "Make a gift link", models.Link, status=201, body=models.NewLink),
    Route("DELETE", _PREVIEWS, WRITER, delete_preview, "Revoke a preview link", models.Revoked),
    Route("DELETE", _GIFTS, EDITOR, delete_gift, "Revoke a gift link", models.Revoked),
)
