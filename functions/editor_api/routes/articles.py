"""Articles, their revisions, and editors' decisions about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo

from nightdesk.domain.timestamps import iso_utc_seconds, parse_end, parse_timestamp
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors import decisions, queries, revisions
from nightdesk.usecases.editors.decisions import no_article
from pydantic import BaseModel

from ..cursors import decode_cursor, encode_cursor
from ..models import articles as models
from ..problems import unprocessable
from ..routing import EDITOR, WRITER, Call, Result, Route

_POSITION = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?:@\d{4}-\d\d)?#[a-z0-9-]+|drafts/.+"


def end_of(text: str, name: str, place: str, call: Call) -> datetime:
    """Return the moment at which something ends, as `moment_of` does; a day without an hour counts to its end."""
    return _parse(parse_end, text, (place, name), call)


def moment_of(text: str, name: str, place: str, call: Call) -> datetime:
    """Return the moment in a field; without an offset, in the site's time zone.

    Args:
        place: where the field is: query or body.

    Raises:
        HttpError: it does not exist, such as 30 February.
    """
    return _parse(parse_timestamp, text, (place, name), call)


def _parse(parse: Callable[[str, tzinfo], datetime], text: str, where: tuple[str, str], call: Call) -> datetime:
    try:
        return parse(text, load_site(call.ports.pipeline).zone)
    except ValueError as error:
        raise unprocessable(*where, str(error)) from None


def current_article(slug: str, call: Call) -> Result:
    """Return an article as it is now.

    Raises:
        NotFound: it does not exist.
    """
    found = queries.article(slug, call.ports.pipeline, call.ports.pipeline.clock())
    if found is None:
        raise no_article(slug)
    return Result(found, found["etag"])


def list_articles(call: Call, query: models.ArticleQuery) -> Result:
    """Articles by state, topic, author and date, newest first. A page costs the same however many articles there are. It may
    hold fewer than `limit` articles, or none, and still have a `cursor`."""
    bounds = {
        name: iso_utc_seconds(moment_of(text, name, "query", call).isoformat()) if text else ""
        for name, text in (("since", query.since), ("until", query.until))
    }
    wanted = queries.ArticleFilter(query.state, query.topic, query.author, bounds["since"], bounds["until"])
    of = " ".join(("articles", *wanted))
    position = decode_cursor(query.cursor, of, _POSITION)
    page = queries.articles(wanted, position, query.limit, call.ports.pipeline)
    found = [one._asdict() for one in page.articles]
    return Result({"articles": found, "cursor": encode_cursor(of, page.cursor)})


def get_article(call: Call, slug: str) -> Result:
    """One article, with its problems. Send its ETag in If-Match with your decisions, so that you never overwrite the work of
    others."""
    return current_article(slug, call)


def list_revisions(call: Call, slug: str, query: models.RevisionQuery) -> Result:
    """An article's revisions, newest first, each with the difference from the one before. Revisions count from 1."""
    of = f"revisions {slug}"
    before = int(decode_cursor(query.cursor, of, r"\d{1,9}") or 0)
    page = revisions.revisions(slug, before, query.limit, call.ports.pipeline)
    if page is None:
        raise no_article(slug)
    return Result({"revisions": [one._asdict() for one in page.revisions], "cursor": encode_cursor(of, page.cursor)})


def publish_article(call: Call, slug: str) -> Result:
    """Publish an article now, even if it was withdrawn, is scheduled, or says `draft: true`."""
    call.service.publish(slug, call.expected)
    return current_article(slug, call)


def withdraw_article(call: Call, slug: str) -> Result:
    """Take an article down until an editor publishes it again, whatever drafts are uploaded meanwhile. The response reports
    every page, list and feed that showed it, for every tier and through the cache, and whether it is gone from there."""
    report = call.service.withdraw(slug, call.expected, call.timeout)
    state = decisions.article_state(slug, call.ports.pipeline)
    return Result(report.to_json(), state.etag if state else "")


def schedule_article(call: Call, slug: str, body: models.Schedule) -> Result:
    """Publish an article at a moment and not before, whatever its draft says."""
    moment = moment_of(body.at, "at", "body", call)
    if moment <= call.ports.pipeline.clock():
        raise unprocessable("body", "at", "is in the past; publish the article instead")
    call.service.schedule(slug, moment, call.expected)
    return current_article(slug, call)


def roll_back_article(call: Call, slug: str, body: models.Rollback) -> Result:
    """Restore an older revision, with its images, as a new one. It is rendered a moment later: the response shows the article
    before that."""
    call.service.rollback(slug, body.revision, call.expected)
    return current_article(slug, call)


def add_correction(call: Call, slug: str, body: models.NewCorrection) -> Result:
    """Add a correction, dated now, to the article and to the corrections page."""
    call.service.correct(slug, body.text, call.expected)
    return current_article(slug, call)


def approve_article(call: Call, slug: str) -> Result:
    """Take editorial responsibility for an article, exactly as you have read it: If-Match is required. Readers see your name,
    and any change of the draft voids the approval."""
    if not call.actor.name:
        message = "has no name; send the ID token of a user with a name"
        raise unprocessable("header", "Authorization", message)
    call.service.approve(slug, call.actor.name, call.expected)
    return current_article(slug, call)


def set_access(call: Call, slug: str, body: models.Access) -> Result:
    """Set the tier of an article, or of some of its gates, without a new draft. If a gate's passage is rewritten later, the
    stricter of the gate's and the draft's tiers applies."""
    if body.access is None and not body.gates:
        raise unprocessable("body", "access", "or gates is required")
    gates = {int(number): tier for number, tier in body.gates.items()}
    call.service.regate(slug, body.access, gates, call.expected)
    return current_article(slug, call)


def hand_over_article(call: Call, slug: str, body: models.NewOwner) -> Result:
    """Hand an article's draft over to another person. Where the settings say `writers: own`, a writer uploads over drafts of their
    own only. What the former owner uploads from now on is rejected, even through a form that was issued before."""
    call.service.hand_over(slug, f"editor:{body.owner}")
    return Result({"slug": slug, "owner": body.owner})


_ONE = "/v1/articles/{slug}"


def _decision(name: str, handler: Callable[..., Result], summary: str, body: type[BaseModel] | None = None) -> Route:
    return Route("POST", f"{_ONE}/{name}", EDITOR, handler, summary, models.Article, body=body, has_etag=True)


ROUTES = (
    Route("GET", "/v1/articles", WRITER, list_articles, "List articles", models.Articles, query=models.ArticleQuery),
    Route("GET", _ONE, WRITER, get_article, "Get an article", models.Article, has_etag=True),
    Route(
        "GET",
        f"{_ONE}/revisions",
        WRITER,
        list_revisions,
        "List revisions",
        models.Revisions,
        query=models.RevisionQuery,
    ),
    _decision("publish", publish_article, "Publish an article"),
    Route("POST", f"{_ONE}/withdraw", EDITOR, withdraw_article, "Withdraw an article", models.Takedown, has_etag=True),
    _decision("schedule", schedule_article, "Schedule an article", models.Schedule),
    _decision("rollback", roll_back_article, "Roll an article back", models.Rollback),
    replace(_decision("corrections", add_correction, "Add a correction", models.NewCorrection), status=201),
    replace(_decision("approve", approve_article, "Approve an article"), requires_etag=True),
    Route("PUT", f"{_ONE}/owner", EDITOR, hand_over_article, "Hand a draft over", models.Owner, body=models.NewOwner),
    Route("PUT", f"{_ONE}/access", EDITOR, set_access, "Set tiers", models.Article, body=models.Access, has_etag=True),
)
