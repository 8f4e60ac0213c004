"""Articles: what there is, and what editors decide about it."""

from __future__ import annotations

from datetime import datetime

from nightdesk.domain.moments import parse_moment, sortable
from nightdesk.usecases import articles, editorial, revisions
from nightdesk.usecases.editorial import Unknown
from nightdesk.usecases.stored import load_site

from .. import models
from ..cursors import cursor, place_of
from ..problems import impossible
from ..routing import EDITOR, WRITER, Answer, Call, Route

_PLACE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ#[a-z0-9-]+|drafts/.+"


def moment_of(text: str, name: str, place: str, call: Call) -> datetime:
    """A moment as somebody typed it.

    Raises:
        HttpError: it is none.
    """
    try:
        return parse_moment(text, load_site(call.ports.pipeline).zone)
    except ValueError as error:
        raise impossible(place, name, str(error)) from None


def look(slug: str, call: Call) -> Answer:
    """An article as it is now.

    Raises:
        Unknown: there is none.
    """
    found = articles.article(slug, call.ports.pipeline, call.ports.pipeline.clock())
    if found is None:
        raise Unknown(f"nothing is known of “{slug}”")
    return Answer(found, found["mark"])


def get_articles(call: Call, query: models.ArticleQuery) -> Answer:
    """Articles by state, topic, author and date, newest first. However many there are, a page costs the same; one that is
    not full can still have others after it, as its cursor says."""
    bounds = {
        name: sortable(moment_of(text, name, "query", call).isoformat()) if text else ""
        for name, text in (("since", query.since), ("until", query.until))
    }
    wanted = articles.Wanted(query.state, query.topic, query.author, bounds["since"], bounds["until"])
    of = " ".join(("articles", *wanted))
    page = articles.articles(wanted, place_of(query.cursor, of, _PLACE), query.limit, call.ports.pipeline)
    return Answer({"articles": [row._asdict() for row in page.rows], "cursor": cursor(of, page.cursor)})


def get_article(call: Call, slug: str) -> Answer:
    """One article, with its problems. Its ETag tells it from every other version of it: send that in If-Match with what you
    decide, and nobody's work is lost."""
    return look(slug, call)


def get_revisions(call: Call, slug: str, query: models.RevisionQuery) -> Answer:
    """An article's revisions, newest first, each with what it changed. They count from 1."""
    of = f"revisions {slug}"
    before = int(place_of(query.cursor, of, r"\d{1,9}") or 0)
    page = revisions.revisions(slug, before, query.limit, call.ports.pipeline)
    if page is None:
        raise Unknown(f"nothing is known of “{slug}”")
    return Answer({"revisions": [one._asdict() for one in page.revisions], "cursor": cursor(of, page.cursor)})


def post_publish(call: Call, slug: str) -> Answer:
    """Let an article go live now: one that was withdrawn, is scheduled, or says `draft: true`."""
    call.desk.publish(slug, call.expected)
    return look(slug, call)


def post_withdraw(call: Call, slug: str) -> Answer:
    """Take an article down until somebody publishes it again, whatever drafts come meanwhile, and see that it is gone from
    every page, list and feed, for every tier, through the cache."""
    report = call.desk.withdraw(slug, call.expected, call.seconds)
    standing = editorial.standing(slug, call.ports.pipeline)
    return Answer(report.to_json(), standing.mark if standing else "")


def post_schedule(call: Call, slug: str, body: models.Schedule) -> Answer:
    """Let an article go live at a moment and not before, whatever its draft says."""
    moment = moment_of(body.at, "at", "body", call)
    if moment <= call.ports.pipeline.clock():
        raise impossible("body", "at", "is past; publish it instead")
    call.desk.schedule(slug, moment, call.expected)
    return look(slug, call)


def post_rollback(call: Call, slug: str, body: models.Rollback) -> Answer:
    """Make an older revision current, as a new one, with its images. It is rendered in a moment; this is how it is before."""
    call.desk.rollback(slug, body.revision, call.expected)
    return look(slug, call)


def post_correction(call: Call, slug: str, body: models.NewCorrection) -> Answer:
    """Add a dated correction, which the article and the corrections page show."""
    call.desk.correct(slug, body.text, call.expected)
    return look(slug, call)


def post_approve(call: Call, slug: str) -> Answer:
    """Take editorial responsibility for an article, just as its draft is now: readers see your name. Any change by a writer
    voids it. Send If-Match, so that you approve what you read."""
    if not call.who.name:
        raise impossible("header", "Authorization", "names nobody; this takes an ID token of somebody with a name")
    call.desk.approve(slug, call.who.name, call.expected)
    return look(slug, call)


def put_access(call: Call, slug: str, body: models.Access) -> Answer:
    """Set who may read an article, or single gates of it, without a new draft. A gate whose passage is rewritten later opens
    for the stricter of both tiers."""
    if body.access is None and not body.gates:
        raise impossible("body", "access", "is needed, or gates")
    gates = {int(number): tier for number, tier in body.gates.items()}
    call.desk.regate(slug, body.access, gates, call.expected)
    return look(slug, call)


_ONE = "/v1/articles/{slug}"
ROUTES = (
    Route("GET", "/v1/articles", WRITER, get_articles, "List articles", models.Articles, query=models.ArticleQuery),
    Route("GET", _ONE, WRITER, get_article, "Look at an article", models.Article, marked=True),
    Route(
        "GET",
        f"{_ONE}/revisions",
        WRITER,
        get_revisions,
        "List revisions",
        models.Revisions,
        query=models.RevisionQuery,
    ),
    Route("POST", f"{_ONE}/publish", EDITOR, post_publish, "Publish", models.Article, marked=True),
    Route("POST", f"{_ONE}/withdraw", EDITOR, post_withdraw, "Take down", models.Takedown, marked=True),
    Route(
        "POST", f"{_ONE}/schedule", EDITOR, post_schedule, "Schedule", models.Article, body=models.Schedule, marked=True
    ),
    Route(
        "POST",
        f"{_ONE}/rollback",
        EDITOR,
        post_rollback,
        "Roll back",
        models.Article,
        body=models.Rollback,
        marked=True,
    ),
    Route(
        "POST",
        f"{_ONE}/corrections",
        EDITOR,
        post_correction,
        "Correct",
        models.Article,
        status=201,
        body=models.NewCorrection,
        marked=True,
    ),
    Route("POST", f"{_ONE}/approve", EDITOR, post_approve, "Approve", models.Article, marked=True),
    Route("PUT", f"{_ONE}/access", EDITOR, put_access, "Set access", models.Article, body=models.Access, marked=True),
)
