"""From an event to a response: authorize the caller, validate the request, call the route, and report what fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from nightdesk.domain.documents import canonical_json
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.entrypoints.http import JSON, HttpError, Request, Response, problem_response
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.routing import route_by
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorPorts
from nightdesk.usecases.editors.queries import article
from pydantic import BaseModel, ValidationError

from .idempotency import IdempotencyStore
from .models.fields import ETAG, IDEMPOTENCY_KEY, PATH_PATTERNS
from .problems import bad_request, from_error, invalid_model, problem
from .routes import ROUTES
from .routing import ROLES, Call, Route, role_of

LARGEST_BODY = 3 * 1024 * 1024
"""In bytes: a draft of 1 MiB as JSON. API Gateway passes at most 6 MB to a function."""
_RESERVED_SECONDS = 4.0
"""What a response needs after the operation."""
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'; sandbox"


def serve(event: dict[str, Any], context: Any, ports: EditorPorts, store: IdempotencyStore) -> dict[str, Any]:
    """Respond to a request. Only its route, caller and status are logged: queries and bodies may hold addresses and drafts."""
    app.context.update(ports=ports, store=store)
    return app.resolve(event, context)


def _respond(route: Route | HttpError, names: Mapping[str, str]) -> Response:
    event = app.current_event.raw_event
    ports: EditorPorts = app.context["ports"]
    request_id = event["requestContext"]["requestId"]
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    actor = Actor(f"editor:{claims.get('sub', '')}", str(claims.get("name", "")))
    name = ""
    try:
        request = Request.from_event(event, LARGEST_BODY)
        if isinstance(route, HttpError):
            raise route
        name = f"{route.method} {route.path}"
        if not all(re.fullmatch(PATH_PATTERNS[part], value) for part, value in names.items()):
            raise problem("not-found", "There is nothing at this address.")
        role = _authorize(route, claims)
        timeout = app.lambda_context.get_remaining_time_in_millis() / 1000 - _RESERVED_SECONDS
        call = Call(actor, ports, _expected_etag(request), _idempotency_key(request), timeout, role)
        if route.requires_etag and not call.expected:
            raise problem("precondition-required", "Send the ETag of the article that you have read in If-Match.")
        response = _respond_once(route, names, request, call)
    except Exception as error:  # every caller gets a response, and every fault is logged
        response = _problem_response(error, "", ports, {})
    logger.info("answered", extra={"route": name, "actor": actor.id, "status": response.status, "request": request_id})
    return _with_request_id(response, request_id)


def _authorize(route: Route, claims: Mapping[str, Any]) -> str:
    """Return the caller's role; raise HttpError if it is lower than the route's."""
    role = role_of(claims)
    if not role or ROLES.index(role) < ROLES.index(route.role):
        raise problem("forbidden", f"This needs the role {route.role}; yours is {role or 'none'}.")
    return role


def _respond_once(route: Route, names: Mapping[str, str], request: Request, call: Call) -> Response:
    """Call the route, unless the same request was already done with the same Idempotency-Key."""

    def respond() -> Response:
        return _call(route, names, request, call)

    if not call.idempotency_key or route.method == "GET":
        return respond()
    store: IdempotencyStore = app.context["store"]
    content = canonical_json([route.method, request.path, call.expected]) + request.body
    return store.run_once(call.actor.id, call.idempotency_key, content, app.lambda_context, respond)


def _call(route: Route, names: Mapping[str, str], request: Request, call: Call) -> Response:
    try:
        result = route.handler(call, **names, **_models(route, request))
    except Exception as error:
        return _problem_response(error, call.expected, call.ports, names)
    content = route.response.model_validate(result.content).model_dump_json()
    return Response(route.status, content, JSON, {**_etag_header(result.etag), **result.headers})


def _models(route: Route, request: Request) -> dict[str, BaseModel]:
    """Return the query and the body as the route's models.

    Raises:
        HttpError: they are invalid.
    """
    models: dict[str, BaseModel] = {}
    if route.query:
        try:
            models["query"] = route.query.model_validate(dict(request.query))
        except ValidationError as error:
            raise invalid_model(error, "query") from None
    elif request.query:
        raise bad_request([{"in": "query", "name": name, "message": "is unknown"} for name in sorted(request.query)])
    if route.body:
        models["body"] = _body(route.body, request)
    return models


def _body(model: type[BaseModel], request: Request) -> BaseModel:
    """Return the body as a model. It may be missing where every field has a default."""
    if not request.body and not any(field.is_required() for field in model.model_fields.values()):
        return model()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise problem("unsupported-media-type", "Send the body as application/json.")
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        raise invalid_model(error, "body") from None


def _expected_etag(request: Request) -> str:
    """Return the ETag in If-Match without its quotes, which may be missing; empty for none or `*` (RFC 9110, 13.1.1).

    A weak one never matches (RFC 9110, 8.8.3.2): it is returned with its `W/`, so that it equals no article's.

    Raises:
        HttpError: it cannot be an article's ETag.
    """
    text = request.headers.get("if-match", "*").strip()
    if text == "*":
        return ""
    is_weak, etag = text.startswith('W/"'), text.removeprefix("W/").strip('"')
    if not re.fullmatch(ETAG, etag):
        raise bad_request([{"in": "header", "name": "If-Match", "message": 'must be one ETag, such as "5f2c…", or *'}])
    return f"W/{etag}" if is_weak else etag


def _idempotency_key(request: Request) -> str:
    """Return the Idempotency-Key; empty without one. Raise HttpError if it is malformed."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        message = "must be 1 to 255 printable characters without spaces"
        raise bad_request([{"in": "header", "name": "Idempotency-Key", "message": message}])
    return key


def _problem_response(error: Exception, expected: str, ports: EditorPorts, names: Mapping[str, str]) -> Response:
    """Return the problem details of an error. Those of a conflict include the article as it is now."""
    found = from_error(error, expected)
    if found.status >= 500:
        logger.error("failed", exc_info=error)
    elif isinstance(error, Transient):
        logger.warning("unavailable", exc_info=error)
    if isinstance(error, Conflict) and "slug" in names:
        found = _with_current_article(found, names["slug"], ports)
    return problem_response(found)


def _with_current_article(error: HttpError, slug: str, ports: EditorPorts) -> HttpError:
    try:
        current = article(slug, ports.pipeline, ports.pipeline.clock())
    except Exception as failure:
        logger.warning("could not read the article after a conflict", exc_info=failure)
        return error
    if not current:
        return error
    headers = {**error.headers, **_etag_header(current["etag"])}
    extensions = {**error.extensions, "current": current}
    return HttpError(error.status, error.title, error.detail, headers, error.type, extensions)


def _etag_header(etag: str) -> dict[str, str]:
    return {"etag": f'"{etag}"'} if etag else {}


def _with_request_id(response: Response, request_id: str) -> Response:
    """Add the request's id: in a header, and in problem details as the instance. No response is a page, so none may act as one."""
    body = response.body
    if response.status >= 400:
        body = json.dumps({**json.loads(body), "instance": f"urn:nightdesk:request:{request_id}"}, ensure_ascii=False)
    headers = {"content-security-policy": _NO_PAGE, **response.headers, "x-request-id": request_id}
    return Response(response.status, body, response.type, headers)


app = APIGatewayHttpResolver()
route_by(app, ROUTES, _respond)
