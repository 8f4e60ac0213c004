"""What readers see when a request fails: the status of the response, and the message of the theme that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from nightdesk.domain.errors import Permanent, RateLimited, Refused, Transient
from nightdesk.entrypoints.http import HttpError
from nightdesk.rendering.texts import Catalogue

Onward = Literal["front", "sign_in", "account"]
_BY_STATUS = {
    400: "unreadable",
    404: "nothing_here",
    405: "wrong_method",
    413: "too_large",
    415: "unreadable",
    422: "incomplete",
}
"""Messages for the errors that all APIs raise."""


class ReaderProblem(HttpError):
    """A request that fails.

    Args:
        key: names the message in the theme's texts that tells the reader why (`problem.<key>`).
        headers: of the response.
        values: for the placeholders of that message.
    """

    def __init__(self, status: int, key: str, headers: Mapping[str, str] | None = None, **values: object) -> None:
        super().__init__(status, HTTPStatus(status).phrase, "", headers or {})
        self.key = key
        self.values = values

    @property
    def onward(self) -> Onward:
        """Where the reader can go from the page with this problem."""
        if self.key in ("form_ended", "confirm_first"):
            return "account"
        return "sign_in" if self.status in (401, 410, 422, 429) else "front"

    def explain(self, text: Catalogue) -> HttpError:
        """Return the same problem with the theme's title and detail."""
        title, detail = (text(f"problem.{self.key}.{part}", **self.values) for part in ("title", "detail"))
        return HttpError(self.status, title, detail, self.headers)


def reader_problem(error: Exception) -> ReaderProblem:
    """Return what to tell the reader about an error."""
    if isinstance(error, ReaderProblem):
        return error
    if isinstance(error, HttpError):
        return ReaderProblem(error.status, _BY_STATUS.get(error.status, "failed"), error.headers)
    if isinstance(error, RateLimited):
        return ReaderProblem(429, "too_many", {"retry-after": str(error.retry_after)})
    if isinstance(error, Refused):
        return ReaderProblem(422, error.key)
    if isinstance(error, Permanent):
        return ReaderProblem(422, "failed")
    if isinstance(error, Transient):
        return ReaderProblem(503, "unreachable", {"retry-after": "5"})
    return ReaderProblem(500, "our_fault")
