"""The audit log. Nothing here or elsewhere changes it."""

from __future__ import annotations

from typing import Any

from nightdesk.usecases.audit import Entry, entries

from .. import models
from ..cursors import cursor, place_of
from ..routing import ADMIN, Answer, Call, Route

_PLACE = r"\d{4}-\d\d-\d\dT[0-9:.+]+#[0-9a-f]{12}"


def get_audit(call: Call, query: models.AuditQuery) -> Answer:
    """Who did what, when, to what, and where that stood before and after: all, or what is about one subject."""
    of = f"audit {query.subject}"
    page = entries(query.subject, place_of(query.cursor, of, _PLACE), query.limit, call.ports.journal)
    return Answer({"entries": [_form(entry) for entry in page.entries], "cursor": cursor(of, page.cursor)})


def _form(entry: Entry) -> dict[str, Any]:
    told = {name: value for name, value in entry._asdict().items() if name != "deed"}
    return {**told, **entry.deed._asdict(), "who": entry.who._asdict()}


ROUTES = (Route("GET", "/v1/audit", ADMIN, get_audit, "Read the audit log", models.Audit, query=models.AuditQuery),)
