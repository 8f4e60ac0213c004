"""The ticker: what is on it, what waits for an editor, and posts."""

from __future__ import annotations

from nightdesk.domain.errors import Rejected
from nightdesk.domain.updates import Update, parse_wish
from nightdesk.usecases import updates
from nightdesk.usecases.editorial import Unknown
from nightdesk.usecases.stored import load_site

from .. import models
from ..cursors import cursor, place_of
from ..problems import problem_of
from ..routing import EDITOR, WRITER, Answer, Call, Route

_PLACE = r"\d{4}-\d\d-\d\dT[0-9:.]+Z#[0-9a-f-]+"


def get_updates(call: Call, query: models.UpdateQuery) -> Answer:
    """Updates that readers see, or that came from outside and wait for an editor; newest first."""
    of = f"updates {query.status}"
    page = updates.listing(query.status, place_of(query.cursor, of, _PLACE), query.limit, call.ports.pipeline)
    return Answer({"updates": [one.to_json() for one in page.updates], "cursor": cursor(of, page.cursor)})


def post_update(call: Call, body: models.NewUpdate) -> Answer:
    """Post an update. It is on every page within seconds. An editor may post 120 within a minute."""
    ports = call.ports.pipeline
    site = load_site(ports)
    typed = {name: str(value) for name, value in body.model_dump().items()}
    wish = parse_wish(typed, ports.clock(), site.zone, site.base_url)
    posted = call.desk.post(wish, call.key)
    return Answer(posted.update.to_json())


def delete_update(call: Call, update: str) -> Answer:
    """Take an update from the ticker, or refuse one that waits."""
    return _found(call.desk.remove_update(update))


def post_approve(call: Call, update: str) -> Answer:
    """Let an update from outside go live, now."""
    try:
        return _found(call.desk.approve_update(update))
    except Rejected as error:
        raise problem_of("impossible", str(error)) from None


def _found(found: Update | None) -> Answer:
    if found is None:
        raise Unknown("there is no such update")
    return Answer(found.to_json())


_ONE = "/v1/updates/{update}"
ROUTES = (
    Route("GET", "/v1/updates", WRITER, get_updates, "List updates", models.Updates, query=models.UpdateQuery),
    Route("POST", "/v1/updates", EDITOR, post_update, "Post an update", models.Update, 201, body=models.NewUpdate),
    Route("DELETE", _ONE, EDITOR, delete_update, "Remove an update", models.Update),
    Route("POST", f"{_ONE}/approve", EDITOR, post_approve, "Approve an update", models.Update),
)
