"""What a route is: who may call it, what it takes, and what it answers. The OpenAPI document is made of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nightdesk.domain.editorial import ADMIN, EDITOR, ROLES, WRITER
from nightdesk.usecases.audit import Actor
from nightdesk.usecases.desk import Desk, DeskPorts
from pydantic import BaseModel

__all__ = ["ADMIN", "EDITOR", "ROLES", "WRITER", "Answer", "Call", "Route", "role_of"]


class Call(NamedTuple):
    """One request, of somebody who may make it.

    Args:
        expected: the article's mark from If-Match; empty without.
        key: the Idempotency-Key; empty without.
        seconds: how long the answer may take.
    """

    who: Actor
    ports: DeskPorts
    expected: str
    key: str
    seconds: float

    @property
    def desk(self) -> Desk:
        """Where the caller acts."""
        return Desk(self.who, self.ports)


class Answer(NamedTuple):
    """What is answered: a model's values, and of an article its mark, which becomes the ETag."""

    content: Any
    mark: str = ""
    headers: Mapping[str, str] = {}  # nobody changes it


class Route(NamedTuple):
    """Who answers a method and a path.

    Args:
        path: `{name}` stands for one segment; `paths.NAMES` says of what form.
        may: the least of the roles that may call it. There is no default.
        act: `act(call, **names)`, with `query` and `body` where the route has models for them. Its docstring describes it.
        summary: a few words.
        answer: the model of a good answer.
        status: of a good answer.
        marked: whether it is about one article, takes its ETag in If-Match, and answers with it.
    """

    method: str
    path: str
    may: str
    act: Callable[..., Answer]
    summary: str
    answer: type[BaseModel]
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    marked: bool = False


def role_of(claims: Mapping[str, Any]) -> str:
    """The highest role among a token's groups; empty where it has none.

    An HTTP API gives a list in a claim as text, `[writer editor]`.
    """
    groups = str(claims.get("cognito:groups", "")).strip("[]").replace(",", " ").split()
    return next((role for role in reversed(ROLES) if role in groups), "")
