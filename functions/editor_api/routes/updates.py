"""Updates of the ticker."""

from __future__ import annotations

from nightdesk.domain.errors import Rejected
from nightdesk.domain.updates import parse_new_update
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors.link_warnings import update_warnings
from nightdesk.usecases.ticker import updates
from nightdesk.usecases.ticker.feeds import feed_states

from ..cursors import decode_cursor, encode_cursor
from ..models import updates as models
from ..problems import problem
from ..routing import EDITOR, WRITER, Call, Result, Route

_POSITION = r"\d{4}-\d\d-\d\dT[0-9:.]+Z#[0-9a-f-]+"


def list_updates(call: Call, query: models.UpdateQuery) -> Result:
    """Updates that are live, or that came from a feed and wait for an editor, newest first."""
    of = f"updates {query.status}"
    position = decode_cursor(query.cursor, of, _POSITION)
    page = updates.listing(query.status, position, query.limit, call.ports.pipeline)
    return Result({"updates": [one.to_json() for one in page.updates], "cursor": encode_cursor(of, page.cursor)})


def post_update(call: Call, body: models.NewUpdate) -> Result:
    """Post an update, which is on every page within seconds. An editor may post 120 updates a minute. A topic without a profile
    and a link that leads nowhere on the site are accepted, and warned of."""
    ports = call.ports.pipeline
    site = load_site(ports)
    fields = {name: str(value) for name, value in body.model_dump().items()}
    update = parse_new_update(fields, ports.clock(), site.zone, site.base_url)
    posted = call.service.post_update(update, call.idempotency_key)
    return Result(
        {**posted.update.to_json(), "warnings": update_warnings(posted.update.topic, posted.update.url, ports)}
    )


def remove_update(call: Call, update: str) -> Result:
    """Remove an update from the ticker, or reject one that waits."""
    return Result(call.service.remove_update(update).to_json())


def approve_update(call: Call, update: str) -> Result:
    """Publish an update that waits."""
    try:
        return Result(call.service.approve_update(update).to_json())
    except Rejected as error:
        raise problem("unprocessable-content", str(error)) from None


def list_feeds(call: Call) -> Result:
    """The feeds of the settings: how many items each had when it was last read, how many were left out and why, and any problem."""
    ports = call.ports.pipeline
    return Result({"feeds": [state._asdict() for state in feed_states(load_site(ports).feeds, ports)]})


_ONE = "/v1/updates/{update}"
ROUTES = (
    Route("GET", "/v1/updates", WRITER, list_updates, "List updates", models.Updates, query=models.UpdateQuery),
    Route(
        "POST", "/v1/updates", EDITOR, post_update, "Post an update", models.PostedUpdate, 201, body=models.NewUpdate
    ),
    Route("DELETE", _ONE, EDITOR, remove_update, "Remove an update", models.Update),
    Route("POST", f"{_ONE}/approve", EDITOR, approve_update, "Approve an update", models.Update),
    Route("GET", "/v1/feeds", WRITER, list_feeds, "List feeds", models.Feeds),
)
