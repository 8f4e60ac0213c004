"""The audit log."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .fields import PageQuery, ResponseModel


class AuditQuery(PageQuery):
    """Which entries are requested."""

    subject: str = Field(
        default="",
        max_length=600,
        pattern=r"^((article|draft|editor|member|update):.+|pipeline)?$",
        description="What the entries are about, such as `article:a-story`.",
    )


class Actor(ResponseModel):
    """Who acted."""

    id: str
    name: str


class Entry(ResponseModel):
    """An entry of the audit log. `outcome` is `open` if the action may or may not have finished."""

    id: str
    at: str
    actor: Actor
    action: str
    subject: str
    input: dict[str, Any]
    outcome: Literal["done", "failed", "open"]
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Audit(ResponseModel):
    """A page of the audit log, newest first."""

    entries: list[Entry]
    cursor: str | None
