"""Problem details (RFC 9457): the types of problem, and the type of each error.

Titles are the reason phrases of RFC 9110 where the type says no more than its status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict, NotFound, Permanent, RateLimited, Rejected, Transient
from nightdesk.entrypoints.http import HttpError
from nightdesk.usecases.editors.decisions import ApprovalRequired
from nightdesk.usecases.editors.uploads import NotTheOwner
from pydantic import ValidationError

PREFIX = "urn:nightdesk:problem:"


class ProblemType(NamedTuple):
    """A type of problem."""

    status: int
    title: str


TYPES = {
    "bad-request": ProblemType(400, "Bad Request"),
    "forbidden": ProblemType(403, "Forbidden"),
    "not-found": ProblemType(404, "Not Found"),
    "method-not-allowed": ProblemType(405, "Method Not Allowed"),
    "conflict": ProblemType(409, "Conflict"),
    "request-in-progress": ProblemType(409, "Request in progress"),
    "approval-required": ProblemType(409, "Approval required"),
    "precondition-failed": ProblemType(412, "Precondition Failed"),
    "content-too-large": ProblemType(413, "Content Too Large"),
    "unsupported-media-type": ProblemType(415, "Unsupported Media Type"),
    "unprocessable-content": ProblemType(422, "Unprocessable Content"),
    "idempotency-key-reused": ProblemType(422, "Idempotency key reused"),
    "precondition-required": ProblemType(428, "Precondition Required"),
    "too-many-requests": ProblemType(429, "Too Many Requests"),
    "internal-server-error": ProblemType(500, "Internal Server Error"),
    "service-unavailable": ProblemType(503, "Service Unavailable"),
}
_BY_STATUS = {TYPES[name].status: name for name in reversed(TYPES)}
"""The first type of each status."""
_BY_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (NotFound, "not-found"),
    (NotTheOwner, "forbidden"),
    (ApprovalRequired, "approval-required"),
    (Rejected, "bad-request"),
    (Permanent, "unprocessable-content"),
    (Conflict, "conflict"),
    (RateLimited, "too-many-requests"),
    (Transient, "service-unavailable"),
    (Exception, "internal-server-error"),
)
"""The type of each error: the first that matches."""
_NOT_A_MOMENT = "is not a date such as 2026-11-23 or 2026-11-23T03:10:00+01:00"
_YEAR_IN_PATTERN = "[0-9]{4}-[0-9]{1,2}"
_HIDDEN = {
    "service-unavailable": "A service that this request needs is unavailable; please try again.",
    "internal-server-error": "An unexpected error occurred. It has been logged.",
}
"""The public text of an unexpected error, whose own message is logged."""


def problem(name: str, detail: str, headers: Mapping[str, str] | None = None, **extensions: Any) -> HttpError:
    """Return a problem of a type.

    Args:
        extensions: its extension members.
    """
    status, title = TYPES[name]
    return HttpError(status, title, detail, headers or {}, PREFIX + name, extensions)


def bad_request(errors: Sequence[Mapping[str, str]]) -> HttpError:
    """Return the problem of malformed fields, each with `in` (query, body or header), `name` and `message`."""
    named = ", ".join(dict.fromkeys(error["name"] or error["in"] for error in errors))
    return problem("bad-request", f"Invalid: {named}. See `errors`.", errors=list(errors))


def unprocessable(place: str, name: str, message: str) -> HttpError:
    """Return the problem of a well-formed field with an impossible value."""
    error = {"in": place, "name": name, "message": message}
    return problem("unprocessable-content", f"{name} {message}", errors=[error])


def invalid_model(error: ValidationError, place: str) -> HttpError:
    """Return the problem of what pydantic refused, without repeating what was sent."""
    errors = [
        # pydantic also names the branches of a union, such as `literal['live','draft']`.
        {
            "in": place,
            "name": ".".join(part for part in map(str, found["loc"]) if "[" not in part),
            "message": _message(found),
        }
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return bad_request([one for number, one in enumerate(errors) if one not in errors[:number]])


def _message(found: Mapping[str, Any]) -> str:
    text = str(found["msg"])
    if found["type"] != "string_pattern_mismatch":
        return text
    return _NOT_A_MOMENT if _YEAR_IN_PATTERN in text else "is not of the form that /openapi.json describes"


def from_error(error: Exception, expected: str) -> HttpError:
    """Return the problem of an error.

    Args:
        expected: the ETag in If-Match; empty without one.
    """
    if isinstance(error, HttpError):
        known = _BY_STATUS.get(error.status) if error.type == "about:blank" else None
        return problem(known, error.detail, error.headers) if known else error
    name = next(name for kind, name in _BY_ERROR if isinstance(error, kind))
    if isinstance(error, Rejected):
        return bad_request([{"in": "body", "name": found.key, "message": found.text} for found in error.problems])
    if name == "conflict" and expected:
        name = "precondition-failed"
    headers = {}
    if isinstance(error, Transient):
        headers = {"retry-after": str(error.retry_after) if isinstance(error, RateLimited) else "5"}
    return problem(name, _HIDDEN.get(name, str(error)), headers)
