"""What the models of every area share: base classes, types of fields, and the patterns of paths and headers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ID = r"[a-z0-9]+(-[a-z0-9]+)*"
PATH_PATTERNS = {
    "slug": ID,
    "member": "[0-9a-f]{32}",
    "rebuild": "[0-9a-f]{16}",
    "update": "[0-9a-f]{16}",
    "newsletter": ID,
    "day": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
"""The pattern of each `{name}` in a path."""
IDEMPOTENCY_KEY = "[!-~]{1,255}"
ETAG = "[0-9a-zA-Z]{1,128}"
"""An article's ETag without its quotes."""
INVISIBLE = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
"""Characters that reorder or hide the text around them, for a character class of a regular expression."""
_MOMENT = (
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?([Zz]|UTC|[+-][0-9]{2}:?([0-9]{2})?)?"
)
_EXAMPLE: dict[str, Any] = {"examples": ["2026-12-24T06:00:00+01:00"]}

Moment = Annotated[str, Field(pattern=f"^{_MOMENT}$", max_length=60, json_schema_extra=_EXAMPLE)]
"""ISO 8601; without an offset, in the site's time zone."""
OptionalMoment = Annotated[str, Field(pattern=f"^({_MOMENT})?$", max_length=60)]
OptionalId = Annotated[str, Field(pattern=f"^({ID})?$", max_length=200)]


def _to_integer(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is the integer 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_to_integer)]


class RequestModel(BaseModel):
    """The base of query parameters and request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, frozen=True)


class ResponseModel(BaseModel):
    """The base of response bodies."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class PageQuery(RequestModel):
    """Which page of a list is requested."""

    # Numbers in a query are text.
    model_config = ConfigDict(strict=False)

    cursor: str = Field(
        default="", max_length=1000, pattern="^[A-Za-z0-9_-]*$", description="The `cursor` of the previous page."
    )
    limit: int = Field(default=50, ge=1, le=100, description="The maximum number of items to return.")
