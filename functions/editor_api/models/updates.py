"""Updates of the ticker."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .articles import Problem
from .fields import ID, INVISIBLE, Integer, OptionalMoment, PageQuery, RequestModel, ResponseModel


class UpdateQuery(PageQuery):
    """Which updates are requested."""

    status: Literal["live", "waiting"] = "live"


class NewUpdate(RequestModel):
    """An update to post. It links to an https address or to a path of the site, and expires after thirty days by default."""

    headline: str = Field(max_length=200, pattern=rf"^[^{INVISIBLE}]*[^{INVISIBLE}\s][^{INVISIBLE}]*$")
    summary: str = Field(default="", max_length=600, pattern=f"^[^{INVISIBLE}]*$")
    url: str = Field(default="", max_length=2000, pattern=r"^((https://|/)\S+)?$")
    topic: str = Field(default="", max_length=100, pattern=f"^({ID})?$")
    weight: Integer = Field(default=0, ge=0, le=9, description="Heavier updates stay when there are more than fit.")
    expires: OptionalMoment = ""


class Update(ResponseModel):
    """An update of the ticker. `source` says who or what posted it."""

    id: str
    headline: str
    summary: str
    url: str
    topic: str
    weight: int
    published: str
    expires: str
    source: str
    status: Literal["live", "waiting", "removed"]


class PostedUpdate(Update):
    """An update that was posted, with what its author should know."""

    warnings: list[Problem]


class Updates(ResponseModel):
    """A page of updates, newest first."""

    updates: list[Update]
    cursor: str | None


class Feed(ResponseModel):
    """A feed after its last reading.

    `left_out` counts the items that were left out, by reason. `problem` says why the feed cannot be read, or why none of its
    items can be used. `next` is when a feed that cannot be read is tried again.
    """

    url: str
    read: str
    items: int
    left_out: dict[str, int]
    problem: str
    failures: int
    next: str


class Feeds(ResponseModel):
    """Feeds that were tried at least once, in the order of the settings."""

    feeds: list[Feed]
