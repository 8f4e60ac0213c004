"""Problems: one for each way in which a request can fail, with a type that stays the same, and which errors they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict, Permanent, Rejected, TooMany, Transient
from nightdesk.http import HttpError
from nightdesk.usecases.editorial import Unapproved, Unknown
from pydantic import ValidationError

PREFIX = "urn:nightdesk:problem:"


class Kind(NamedTuple):
    """A kind of problem."""

    status: int
    title: str


KINDS = {
    "invalid-request": Kind(400, "Not as it should be"),
    "forbidden": Kind(403, "Not for this role"),
    "not-found": Kind(404, "Not found"),
    "method-not-allowed": Kind(405, "Not that way"),
    "conflict": Kind(409, "Somebody was first"),
    "in-progress": Kind(409, "Not done yet"),
    "approval-missing": Kind(409, "Not approved"),
    "stale": Kind(412, "Changed since"),
    "too-large": Kind(413, "Too large"),
    "not-json": Kind(415, "Not JSON"),
    "impossible": Kind(422, "That cannot be"),
    "key-reused": Kind(422, "Another request had that key"),
    "too-many": Kind(429, "Too many"),
    "internal": Kind(500, "Our fault"),
    "unavailable": Kind(503, "Not now"),
}
_BY_STATUS = {400: "invalid-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "not-json"}
_LATER = {"retry-after": "5"}


def problem_of(kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> HttpError:
    """A problem of a kind.

    Args:
        more: its extension members (RFC 9457).
    """
    found = KINDS[kind]
    return HttpError(found.status, found.title, detail, headers, PREFIX + kind, more)


def invalid(errors: Sequence[Mapping[str, str]]) -> HttpError:
    """A request whose fields do not have the right form: `in` (query, body or header), `name` and `message` of each."""
    named = ", ".join(dict.fromkeys(error["name"] or error["in"] for error in errors))
    return problem_of("invalid-request", f"Please look at: {named}.", errors=list(errors))


def impossible(place: str, name: str, message: str) -> HttpError:
    """A field that has the right form, and cannot be so."""
    return problem_of("impossible", f"{name} {message}", errors=[{"in": place, "name": name, "message": message}])


def invalid_model(error: ValidationError, place: str) -> HttpError:
    """What pydantic found wrong. What was sent is not repeated."""
    return invalid(
        [
            {"in": place, "name": ".".join(map(str, found["loc"])), "message": str(found["msg"])}
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        ]
    )


def from_error(error: Exception, expected: str) -> HttpError:
    """The problem that an error stands for.

    Args:
        expected: what the caller took the article for; empty where nothing was said.
    """
    if isinstance(error, HttpError):
        known = _BY_STATUS.get(error.status)
        return error if error.kind != "about:blank" or not known else problem_of(known, error.detail, error.headers)
    text = str(error)
    if isinstance(error, Unknown):
        return problem_of("not-found", text)
    if isinstance(error, Unapproved):
        return problem_of("approval-missing", text)
    if isinstance(error, Rejected):
        return invalid([{"in": "body", "name": problem.key, "message": problem.message} for problem in error.problems])
    if isinstance(error, Permanent):
        return problem_of("impossible", text)
    if isinstance(error, Conflict):
        return problem_of("stale" if expected else "conflict", text)
    if isinstance(error, TooMany):
        return problem_of("too-many", text, {"retry-after": str(error.seconds)})
    if isinstance(error, Transient):
        return problem_of("unavailable", "Something is out of reach for the moment; please try again.", _LATER)
    return problem_of("internal", "Something went wrong here. It has been noted.")
