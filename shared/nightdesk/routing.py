"""Routes of the APIs on Powertools' HTTP resolvers: which of them answers a method and a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.event_handler.api_gateway import Response as Sent

from nightdesk.http import HttpError, Response

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Routed(Protocol):
    """What every kind of route has: a method, and a path in which `{name}` stands for one segment."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


R = TypeVar("R", bound=Routed)
Answer = Callable[[R | HttpError, Mapping[str, str]], Response]


def route_by(app: ApiGatewayResolver, routes: Sequence[R], answer: Answer[R]) -> None:
    """Give a resolver its routes. What may be got may be asked for by HEAD (RFC 9110), and is answered without a body.

    Args:
        answer: answers the resolver's current event, of a route with what its path names, or of a problem: that there is no
            such path (404) or method (405).
    """
    paths: dict[str, dict[str, R]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route

    def nowhere(**_: str) -> Sent[str]:
        return _sent(answer(HttpError(404, "Not found", "There is nothing here."), {}), app)

    def act_of(route: R | None, allowed: str) -> Callable[..., Sent[str]]:
        def act(**names: str) -> Sent[str]:
            # The resolver's patterns let a line end after the path.
            if "\n" in app.current_event.path or not all(map(_NAME.fullmatch, names.values())):
                return nowhere()
            other = HttpError(405, "Not that way", "This is asked for otherwise.", {"allow": allowed})
            return _sent(answer(route or other, names), app)

        return act

    for path, known in paths.items():
        for method in METHODS:
            act = act_of(known.get("GET" if method == "HEAD" else method), ", ".join(known))
            app.route(re.sub(r"\{(\w+)\}", r"<\1>", path), method)(act)
    app.not_found(lambda _: nowhere())


def _sent(response: Response, app: ApiGatewayResolver) -> Sent[str]:
    """An answer as Powertools has it. Nothing of an API may be kept by a cache."""
    kind = {"content-type": response.type} if response.body else {}
    return Sent(
        status_code=response.status,
        headers={"cache-control": "no-store", **kind, **response.headers},
        cookies=list(response.cookies),  # type: ignore[arg-type]  # they are written as they are
        body="" if app.current_event.http_method == "HEAD" else response.body,
    )
