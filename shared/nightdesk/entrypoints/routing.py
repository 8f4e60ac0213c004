"""Register the APIs' routes with Powertools' HTTP resolvers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.event_handler.api_gateway import Response as Sent

from nightdesk.entrypoints.http import HttpError, Response

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every response. Behind the distribution, its own policy adds to them."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Routed(Protocol):
    """Any kind of route: a method, and a path in which `{name}` stands for one segment."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


R = TypeVar("R", bound=Routed)
Answer = Callable[[R | HttpError, Mapping[str, str]], Response]


def route_by(app: ApiGatewayResolver, routes: Sequence[R], answer: Answer[R]) -> None:
    """Register routes with a resolver. Every GET route answers HEAD too, without a body (RFC 9110).

    Args:
        answer: answers the resolver's current event, from its route and the values that its path names, or from an error:
            an unknown path (404) or method (405).
    """
    paths: dict[str, dict[str, R]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route

    def not_found(**_: str) -> Sent[str]:
        return _sent(answer(HttpError(404, "Not Found", "There is nothing at this address."), {}), app)

    def handler_of(route: R | None, allowed: str) -> Callable[..., Sent[str]]:
        def handle(**names: str) -> Sent[str]:
            # The resolver's patterns accept a newline after the path.
            if "\n" in app.current_event.path or not all(map(_NAME.fullmatch, names.values())):
                return not_found()
            detail = f"This address accepts {allowed} only."
            other = HttpError(405, "Method Not Allowed", detail, {"allow": allowed})
            return _sent(answer(route or other, names), app)

        return handle

    for path, known in paths.items():
        for method in METHODS:
            handle = handler_of(known.get("GET" if method == "HEAD" else method), ", ".join(known))
            app.route(re.sub(r"\{(\w+)\}", r"<\1>", path), method)(handle)
    app.not_found(lambda _: not_found())


def _sent(response: Response, app: ApiGatewayResolver) -> Sent[str]:
    """Convert a response to Powertools' class. No response of an API may be cached."""
    kind = {"content-type": response.type} if response.body else {}
    return Sent(
        status_code=response.status,
        headers={**_HEADERS, **kind, **response.headers},
        cookies=list(response.cookies),  # type: ignore[arg-type]  # Powertools writes strings unchanged
        body="" if app.current_event.http_method == "HEAD" else response.body,
    )
