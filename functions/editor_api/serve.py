"""From an event to an answer: who asks, for which route, whether that one may, and what is said when something fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from nightdesk.domain.documents import canonical
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.editor_runtime import logger
from nightdesk.http import JSON, HttpError, Request, Response, problem
from nightdesk.routing import route_by
from nightdesk.usecases.articles import article
from nightdesk.usecases.audit import Actor
from nightdesk.usecases.desk import DeskPorts
from pydantic import BaseModel, ValidationError

from .models import KEY, MARK, PATH_NAMES
from .once import Memory
from .problems import from_error, invalid, invalid_model, problem_of
from .routes import ROUTES
from .routing import ROLES, Call, Route, role_of

LARGEST_BODY = 3 * 1024 * 1024
"""A draft of 1 MiB as JSON; API Gateway hands no more than 6 MB to a function."""
_SPARE_SECONDS = 4.0


def serve(event: dict[str, Any], context: Any, ports: DeskPorts, memory: Memory) -> dict[str, Any]:
    """Answer a request. Logged are its route, caller and status: queries and bodies may hold addresses and drafts."""
    app.context.update(ports=ports, memory=memory)
    return app.resolve(event, context)


def _respond(route: Route | HttpError, names: Mapping[str, str]) -> Response:
    event, context = app.current_event.raw_event, app.lambda_context
    ports: DeskPorts = app.context["ports"]
    asked = event["requestContext"]["requestId"]
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    who = Actor(f"editor:{claims.get('sub', '')}", str(claims.get("name", "")))
    name = ""
    try:
        request = Request.from_event(event, LARGEST_BODY)
        if isinstance(route, HttpError):
            raise route
        name = f"{route.method} {route.path}"
        if not all(re.fullmatch(PATH_NAMES[part], value) for part, value in names.items()):
            raise problem_of("not-found", "There is nothing here.")
        _permit(route, claims)
        seconds = context.get_remaining_time_in_millis() / 1000 - _SPARE_SECONDS
        call = Call(who, ports, _mark_in(request), _key_in(request), seconds)
        response = _answer(route, names, request, call, context, app.context["memory"])
    except Exception as error:  # whatever it is, the caller gets an answer and we a trace
        response = _refuse(error, "", ports, {})
    logger.info("answered", extra={"route": name, "who": who.id, "status": response.status, "request": asked})
    return _with_id(response, asked)


def _permit(route: Route, claims: Mapping[str, Any]) -> None:
    """Raises HttpError where the caller's role is not enough, or none."""
    role = role_of(claims)
    if not role or ROLES.index(role) < ROLES.index(route.may):
        raise problem_of("forbidden", f"This takes the role {route.may}; yours is {role or 'none'}.")


def _answer(
    route: Route, names: Mapping[str, str], request: Request, call: Call, context: Any, memory: Memory
) -> Response:  # fmt: skip
    def act() -> Response:
        try:
            taken = dict(names)
            given = {**taken, **_taken(route, request)}
            made = route.act(call, **given)
        except Exception as error:
            return _refuse(error, call.expected, call.ports, names)
        content = route.answer.model_validate(made.content).model_dump_json()
        tag = {"etag": f'"{made.mark}"'} if made.mark else {}
        return Response(route.status, content, JSON, {**tag, **made.headers})

    if not call.key or route.method == "GET":
        return act()
    said = canonical([route.method, request.path, call.expected]) + request.body
    return memory.once(call.who.id, call.key, said, context, act)


def _taken(route: Route, request: Request) -> dict[str, BaseModel]:
    """The query and the body, as the route's models have them.

    Raises:
        HttpError: they are not as they should be.
    """
    taken: dict[str, BaseModel] = {}
    if route.query:
        try:
            taken["query"] = route.query.model_validate(dict(request.query))
        except ValidationError as error:
            raise invalid_model(error, "query") from None
    elif request.query:
        raise invalid([{"in": "query", "name": n, "message": "is not known here"} for n in sorted(request.query)])
    if route.body:
        taken["body"] = _body(route.body, request)
    return taken


def _body(model: type[BaseModel], request: Request) -> BaseModel:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise problem_of("not-json", "Send the body as application/json.")
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        raise invalid_model(error, "body") from None


def _mark_in(request: Request) -> str:
    """The mark that If-Match names; empty where it names none, or any (RFC 9110, 13.1.1). Quotes may be missing.

    Raises:
        HttpError: it is no tag of an article.
    """
    text = request.headers.get("if-match", "*").strip()
    if text == "*":
        return ""
    mark = text.strip('"')
    if not re.fullmatch(MARK, mark):
        raise invalid([{"in": "header", "name": "If-Match", "message": 'must be one ETag, such as "5f2c…", or *'}])
    return mark


def _key_in(request: Request) -> str:
    """The Idempotency-Key; empty without. Raises HttpError for one that will not do."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not re.fullmatch(KEY, key):
        raise invalid(
            [
                {
                    "in": "header",
                    "name": "Idempotency-Key",
                    "message": "must be 1 to 255 printable characters without blanks",
                }
            ]
        )
    return key


def _refuse(error: Exception, expected: str, ports: DeskPorts, names: Mapping[str, str]) -> Response:
    """Problem details. Whoever was not the first is told how the article is now."""
    found = from_error(error, expected)
    if found.status >= 500:
        logger.error("failed", exc_info=error)
    elif isinstance(error, Transient):
        logger.warning("out of reach", exc_info=error)
    if isinstance(error, Conflict) and "slug" in names:
        try:
            current = article(names["slug"], ports.pipeline, ports.pipeline.clock())
        except Exception as failure:
            logger.warning("could not tell how the article is now", exc_info=failure)
            current = None
        if current:
            more = {**found.more, "current": current}
            tag = {"etag": f'"{current["mark"]}"'} if current["mark"] else {}
            found = HttpError(found.status, found.title, found.detail, {**found.headers, **tag}, found.kind, more)
    return problem(found)


def _with_id(response: Response, asked: str) -> Response:
    """The answer with the request's id: in a header, and in problem details as the instance."""
    body = response.body
    if response.status >= 400:
        body = json.dumps({**json.loads(body), "instance": f"urn:nightdesk:request:{asked}"}, ensure_ascii=False)
    return Response(response.status, body, response.type, {**response.headers, "x-request-id": asked})


app = APIGatewayHttpResolver()
route_by(app, ROUTES, _respond)
