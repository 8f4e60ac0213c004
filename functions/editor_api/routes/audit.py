"""The audit log, which nothing changes."""

from __future__ import annotations

from nightdesk.usecases.editors.audit import entries

from ..cursors import decode_cursor, encode_cursor
from ..models import audit as models
from ..routing import ADMIN, Call, Result, Route

_POSITION = r"\d{4}-\d\d-\d\dT[0-9:.+]+#[0-9a-f]{12}"


def list_audit_entries(call: Call, query: models.AuditQuery) -> Result:
    """Who did what, when, to what, and the subject's state before and after, newest first: all entries, or those of one
    subject."""
    of = f"audit {query.subject}"
    page = entries(query.subject, decode_cursor(query.cursor, of, _POSITION), query.limit, call.ports.audit_log)
    return Result({"entries": [entry.to_json() for entry in page.entries], "cursor": encode_cursor(of, page.cursor)})


ROUTES = (
    Route("GET", "/v1/audit", ADMIN, list_audit_entries, "Read the audit log", models.Audit, query=models.AuditQuery),
)
