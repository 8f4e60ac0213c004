"""Routes: who may call them, what they take, and what they return. The OpenAPI document is generated from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightdesk.domain.decisions import ADMIN, EDITOR, ROLES, WRITER
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorPorts, EditorService
from pydantic import BaseModel

__all__ = ["ADMIN", "EDITOR", "ROLES", "WRITER", "Call", "Result", "Route", "role_of"]


@dataclass(frozen=True, slots=True)
class Call:
    """An authorized request.

    Attributes:
        expected: the ETag in If-Match; empty without one.
        idempotency_key: empty without one.
        timeout: how long the response may take, in seconds.
        role: the caller's.
    """

    actor: Actor
    ports: EditorPorts
    expected: str
    idempotency_key: str
    timeout: float
    role: str

    @property
    def service(self) -> EditorService:
        """The caller's operations."""
        return EditorService(self.actor, self.ports)


@dataclass(frozen=True, slots=True)
class Result:
    """The values of the response's model, the article's ETag if there is one, and further headers."""

    content: Any
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """The handler of a method and a path.

    Attributes:
        path: `{name}` stands for one segment; `PATH_PATTERNS` has its pattern.
        role: the lowest role that may call it.
        handler: `handler(call, **names)`, with `query` and `body` if the route has models for them. Its docstring is the
            operation's description.
        summary: a few words in the imperative.
        response: the model of a successful response.
        status: of a successful response.
        has_etag: whether it concerns one article: it takes the article's ETag in If-Match, and returns it.
        requires_etag: whether If-Match must name the version that the caller has read.
    """

    method: str
    path: str
    role: str
    handler: Callable[..., Result]
    summary: str
    response: type[BaseModel]
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    has_etag: bool = False
    requires_etag: bool = False


def role_of(claims: Mapping[str, Any]) -> str:
    """Return the highest role among a token's groups; empty for none.

    An HTTP API passes a list in a claim as text, `[writer editor]`.
    """
    groups = str(claims.get("cognito:groups", "")).strip("[]").replace(",", " ").split()
    return next((role for role in reversed(ROLES) if role in groups), "")
