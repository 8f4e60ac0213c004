"""Editions of newsletters. `{newsletter}` is the first part of an edition's id, or a name that stands for one to be sent now."""

from __future__ import annotations

from nightdesk.domain.events import EDITION_ID
from nightdesk.domain.newsletters import Edition
from nightdesk.usecases.newsletters import control
from nightdesk.usecases.newsletters.clicks import followed_links
from nightdesk.usecases.newsletters.naming import stored_edition

from ..cursors import decode_cursor, encode_cursor
from ..models import newsletters as models
from ..models.fields import PageQuery
from ..routing import EDITOR, WRITER, Call, Result, Route
from .articles import moment_of

_LIST = "editions"


def _report(edition: Edition, call: Call) -> Result:
    return Result(control.report(edition, call.ports.pipeline.clock()))


def list_editions(call: Call, query: PageQuery) -> Result:
    """Editions, newest first, with what became of their copies."""
    before = decode_cursor(query.cursor, _LIST, EDITION_ID.pattern)
    found = control.listing(call.ports.newsletters, query.limit + 1, before)
    page = found[: query.limit]
    last = page[-1]["id"] if len(found) > query.limit else ""
    return Result({"editions": page, "cursor": encode_cursor(_LIST, last)})


def get_edition(call: Call, newsletter: str, day: str) -> Result:
    """An edition, with what became of its copies."""
    return _report(stored_edition(f"{newsletter}/{day}", call.ports.newsletters), call)


def list_links(call: Call, newsletter: str, day: str) -> Result:
    """How often each link of an edition was followed, if the settings have clicks counted. Mail filters that follow links count too."""
    edition = stored_edition(f"{newsletter}/{day}", call.ports.newsletters)
    found = followed_links(edition.id, call.ports.newsletters.editions)
    return Result({"links": [link._asdict() for link in found]})


def preview_edition(call: Call, newsletter: str, query: models.PreviewQuery) -> Result:
    """A digest, an article or a text in `newsletters/` as a mail to readers of a tier, if it were sent now."""
    from nightdesk.rendering.environment import find_theme

    return Result(control.preview(newsletter, query.tier, call.ports.newsletters, find_theme())._asdict())


def send_newsletter(call: Call, newsletter: str, body: models.Sending) -> Result:
    """Send a digest, an article or a text in `newsletters/` now or at a moment. An article is mailed once."""
    at = moment_of(body.at, "at", "body", call) if body.at else None
    return _report(call.service.send_edition(newsletter, at), call)


def resume_edition(call: Call, newsletter: str, day: str) -> Result:
    """Go on with an edition that is held."""
    return _report(call.service.send_edition(f"{newsletter}/{day}"), call)


def hold_edition(call: Call, newsletter: str, day: str) -> Result:
    """Stop an edition until it is sent again. Copies that are on their way arrive."""
    return _report(call.service.hold_edition(f"{newsletter}/{day}"), call)


def cancel_edition(call: Call, newsletter: str, day: str) -> Result:
    """Stop an edition for good, and remove its page."""
    return _report(call.service.cancel_edition(f"{newsletter}/{day}"), call)


def test_edition(call: Call, newsletter: str, day: str, body: models.TestMail) -> Result:
    """Send a copy of an edition to one reader, whatever its state. It counts for nothing."""
    return _report(call.service.test_edition(f"{newsletter}/{day}", body.email), call)


def test_newsletter(call: Call, newsletter: str, body: models.TestMail) -> Result:
    """Send a copy of a digest, an article or a text in `newsletters/` to one reader, as it would be sent now. It counts for nothing."""
    return _report(call.service.test_edition(newsletter, body.email), call)


_NAMED, _ONE = "/v1/newsletters/{newsletter}", "/v1/newsletters/{newsletter}/{day}"
ROUTES = (
    Route("GET", "/v1/newsletters", WRITER, list_editions, "List editions", models.Editions, query=PageQuery),
    Route(
        "GET",
        f"{_NAMED}/preview",
        EDITOR,
        preview_edition,
        "Preview an edition",
        models.Preview,
        query=models.PreviewQuery,
    ),
    Route(
        "POST", f"{_NAMED}/send", EDITOR, send_newsletter, "Send a newsletter", models.Edition, 202, body=models.Sending
    ),
    Route(
        "POST",
        f"{_NAMED}/test",
        EDITOR,
        test_newsletter,
        "Send a test copy of a newsletter",
        models.Edition,
        202,
        body=models.TestMail,
    ),
    Route("GET", _ONE, WRITER, get_edition, "Get an edition", models.Edition),
    Route("GET", f"{_ONE}/links", WRITER, list_links, "List followed links", models.FollowedLinks),
    Route("POST", f"{_ONE}/send", EDITOR, resume_edition, "Go on with an edition", models.Edition, 202),
    Route("POST", f"{_ONE}/hold", EDITOR, hold_edition, "Hold an edition", models.Edition),
    Route("POST", f"{_ONE}/cancel", EDITOR, cancel_edition, "Cancel an edition", models.Edition),
    Route("POST", f"{_ONE}/test", EDITOR, test_edition, "Send a test copy", models.Edition, 202, body=models.TestMail),
)
