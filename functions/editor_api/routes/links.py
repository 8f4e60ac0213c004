"""Preview and gift links."""

from __future__ import annotations

from datetime import timedelta

from nightdesk.usecases.readers.access_links import Kind

from ..models import links as models
from ..problems import unprocessable
from ..routing import EDITOR, WRITER, Call, Result, Route
from .articles import end_of

_LIFETIME = timedelta(days=7)
_LONGEST_LIFETIME = timedelta(days=90)


def _create(kind: Kind, call: Call, slug: str, body: models.NewLink) -> Result:
    now = call.ports.pipeline.clock()
    until = end_of(body.until, "until", "body", call) if body.until else now + _LIFETIME
    if not now < until <= now + _LONGEST_LIFETIME:
        raise unprocessable("body", "until", f"must be within {_LONGEST_LIFETIME.days} days from now")
    return Result(call.service.create_link(kind, slug, until.replace(microsecond=0)))


def create_preview_link(call: Call, slug: str, body: models.NewLink) -> Result:
    """Create a link to the preview of an article that is not live. It replaces your previous one for the same article."""
    return _create("preview", call, slug, body)


def create_gift_link(call: Call, slug: str, body: models.NewLink) -> Result:
    """Create a link that opens the whole of a live article. It replaces your previous one for the same article."""
    return _create("gift", call, slug, body)


def revoke_preview_link(call: Call, slug: str) -> Result:
    """Revoke your preview link to an article. Readers who have used it lose access within the hour."""
    return Result({"revoked": call.service.revoke_link("preview", slug)})


def revoke_gift_link(call: Call, slug: str) -> Result:
    """Revoke your gift link to an article. Readers who have used it lose access within the hour."""
    return Result({"revoked": call.service.revoke_link("gift", slug)})


_PREVIEWS, _GIFTS = "/v1/articles/{slug}/preview-links", "/v1/articles/{slug}/gift-links"
ROUTES = (
    Route(
        "POST", _PREVIEWS, WRITER, create_preview_link, "Create a preview link", models.Link, 201, body=models.NewLink
    ),
    Route("POST", _GIFTS, EDITOR, create_gift_link, "Create a gift link", models.Link, 201, body=models.NewLink),
    Route("DELETE", _PREVIEWS, WRITER, revoke_preview_link, "Revoke a preview link", models.RevokedLink),
    Route("DELETE", _GIFTS, EDITOR, revoke_gift_link, "Revoke a gift link", models.RevokedLink),
)
