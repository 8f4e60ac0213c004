"""The editors' API as an OpenAPI 3.1 document, generated from its routes and models when the layers are built.

The document is a file of the site, so the API's function does not pay for it. Pydantic makes the schemas.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_SCHEMAS = "#/components/schemas/"
_BY_GATEWAY = (401, 403, 429, 500, 503)
"""Statuses with which API Gateway itself may respond, with its own body."""
_ABOUT = """Manage articles, drafts, the ticker, members and the pipeline.

Every request needs a bearer token of the stack's user pool. `x-nightdesk-role` is the lowest role that may make it: writer,
editor or admin. Requests that change something take an `Idempotency-Key`: for a day, a repeated request with the same key
gets the first one's response and is not done again. Requests that change an article take its ETag in `If-Match`; if the
article has changed, the response is 409 or 412 with the current article. Errors are problem details (RFC 9457), whose `type`
is stable."""


def document(root: Path) -> dict[str, Any]:
    """Return the document.

    Args:
        root: the source tree.
    """
    sys.path.insert(0, str(root))
    try:
        routes = importlib.import_module("functions.editor_api.routes").ROUTES
        fields = importlib.import_module("functions.editor_api.models.fields")
        problems = importlib.import_module("functions.editor_api.problems")
    finally:
        sys.path.remove(str(root))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, fields, problems)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nightdesk editors' API", "version": "1", "description": _ABOUT},
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {**_schemas(routes), **_problem_schemas(problems)},
            "headers": _headers(fields),
        },
    }


def _headers(fields: Any) -> dict[str, Any]:
    headers = {
        "RequestId": ("Identifies the request in logs.", {}),
        "ETag": ("Identifies this version of the article.", {"pattern": f'^"{fields.ETAG}"$'}),
        "Location": ("The address of the rebuild's progress.", {}),
        "Replayed": ("`true` if this is the response to an earlier request with the same key.", {}),
        "RetryAfter": ("How many seconds to wait before trying again.", {}),
    }
    return {name: {"description": text, "schema": {"type": "string", **more}} for name, (text, more) in headers.items()}


def _operation(route: Any, fields: Any, problems: Any) -> dict[str, Any]:
    area = route.path.split("/")[2]
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "description": " ".join((inspect.getdoc(route.handler) or "").split()),
        "tags": [area],
        "x-nightdesk-role": route.role,
        "parameters": list(_parameters(route, fields)),
        "responses": {str(route.status): _success(route), **_errors(route, problems)},
    }
    if route.body:
        content = {"application/json": {"schema": {"$ref": _SCHEMAS + route.body.__name__}}}
        needs_body = any(field.is_required() for field in route.body.model_fields.values())
        operation["requestBody"] = {"required": needs_body, "content": content}
    return operation


def _parameters(route: Any, fields: Any) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        schema = {"type": "string", "pattern": f"^{fields.PATH_PATTERNS[name]}$", "maxLength": 200}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if route.query:
        schema = route.query.model_json_schema()
        for name, value in schema["properties"].items():
            of_value = {key: part for key, part in value.items() if key not in ("description", "title")}
            required = name in schema.get("required", ())
            found = {"name": name, "in": "query", "required": required, "schema": of_value}
            yield found | ({"description": value["description"]} if "description" in value else {})
    if route.method != "GET":
        schema = {"type": "string", "pattern": f"^{fields.IDEMPOTENCY_KEY}$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}
    if route.method != "GET" and route.has_etag:
        schema = {"type": "string", "pattern": rf'^(\*|"?{fields.ETAG}"?)$'}
        yield {"name": "If-Match", "in": "header", "required": route.requires_etag, "schema": schema}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _success(route: Any) -> dict[str, Any]:
    headers = {"x-request-id": _header("RequestId")}
    if route.has_etag:
        headers["etag"] = _header("ETag")
    if route.status == HTTPStatus.ACCEPTED:
        headers["location"] = _header("Location")
    if route.method != "GET":
        headers["idempotency-replayed"] = _header("Replayed")
    content = {"application/json": {"schema": {"$ref": _SCHEMAS + route.response.__name__}}}
    return {"description": HTTPStatus(route.status).phrase, "headers": headers, "content": content}


def _errors(route: Any, problems: Any) -> dict[str, Any]:
    writes = route.method != "GET"
    statuses = {400, 401, 403, 404, 422, 429, 500, 503}
    statuses |= {409} if writes else set()
    statuses |= {412} if writes and route.has_etag else set()
    statuses |= {428} if route.requires_etag else set()
    statuses |= {413, 415} if route.body else set()
    return {str(status): _error(status, problems) for status in sorted(statuses)}


def _error(status: int, problems: Any) -> dict[str, Any]:
    titles = [kind.title for kind in problems.TYPES.values() if kind.status == status]
    content = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem{status}"}}} if titles else {}
    if status in _BY_GATEWAY:
        content |= {"application/json": {"schema": {"$ref": f"{_SCHEMAS}GatewayMessage"}}}
    headers = {} if status == HTTPStatus.UNAUTHORIZED else {"x-request-id": _header("RequestId")}
    if status in (409, 429, 503):
        headers["retry-after"] = _header("RetryAfter")
    if status in (409, 412):
        headers["etag"] = _header("ETag")
    found = {"description": "; ".join(titles) or HTTPStatus(status).phrase, "content": content}
    return found | ({"headers": headers} if status not in _BY_GATEWAY else {})


def _schemas(routes: Iterable[Any]) -> dict[str, Any]:
    requests = sorted({route.body for route in routes if route.body}, key=_name)
    responses = sorted({route.response for route in routes}, key=_name)
    models: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in requests]
    models += [(model, "serialization") for model in responses]
    _, schema = models_json_schema(models, ref_template=_SCHEMAS + "{model}")
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _problem_schemas(problems: Any) -> dict[str, Any]:
    field = {"in": {"enum": ["query", "body", "header"]}, "name": {"type": "string"}, "message": {"type": "string"}}
    errors = {"type": "array", "items": {"type": "object", "properties": field, "required": list(field)}}
    schemas: dict[str, Any] = {
        "GatewayMessage": {
            "type": "object",
            "properties": {"message": {"type": ["string", "null"]}},
            "required": ["message"],
        }
    }
    for status in sorted({kind.status for kind in problems.TYPES.values()}):
        types = [problems.PREFIX + name for name, kind in problems.TYPES.items() if kind.status == status]
        properties: dict[str, Any] = {
            "type": {"enum": types},
            "title": {"type": "string"},
            "status": {"const": status},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "Identifies the request."},
        }
        if status in (400, 422):
            properties["errors"] = errors
        if status in (409, 412):
            properties["current"] = {"$ref": f"{_SCHEMAS}Article", "description": "The article as it is now."}
        required = ["type", "title", "status", "detail", "instance"]
        schemas[f"Problem{status}"] = {"type": "object", "properties": properties, "required": required}
    return schemas


def text(root: Path) -> str:
    """Return the document as the site serves it."""
    return json.dumps(document(root), ensure_ascii=False, separators=(",", ":"))
