"""The editors' API as an OpenAPI 3.1 document, made of its routes and models when the layers are built.

The function knows nothing of it: the document is a file of the site, and pydantic makes the schemas.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_SCHEMAS = "#/components/schemas/"
_BY_GATEWAY = (401, 403, 429, 500, 503)
"""Statuses with which API Gateway answers by itself, in words of its own."""
_ABOUT = """What editors and their tools do with articles, drafts, the ticker, members and the pipeline.

Every request brings a bearer token of the stack's user pool; `x-nightdesk-role` is the least of the roles writer, editor and
admin that may make it. What changes something takes an `Idempotency-Key`: the same request with the same key gets the same
answer for a day, and is done once. What changes an article takes its ETag in `If-Match`; whoever was not the first gets 409
or 412 with the article as it is now. Problems are those of RFC 9457, and their `type` stays the same."""


def document(root: Path) -> dict[str, Any]:
    """The document.

    Args:
        root: the source tree.
    """
    sys.path.insert(0, str(root))
    try:
        api = importlib.import_module("functions.editor_api.routes")
        models = importlib.import_module("functions.editor_api.models")
        problems = importlib.import_module("functions.editor_api.problems")
    finally:
        sys.path.remove(str(root))
    routes = api.ROUTES
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, models, problems)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nightdesk: the editors' API", "version": "1", "description": _ABOUT},
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {**_schemas(routes), **_problem_schemas(problems)},
            "headers": _headers(models),
        },
    }


def _headers(models: Any) -> dict[str, Any]:
    told = {
        "RequestId": ("What to name when you ask about a request.", {}),
        "Mark": ("Tells this version of the article from any other.", {"pattern": f'^"{models.MARK}"$'}),
        "Location": ("Where to see how far it is.", {}),
        "Replayed": ("`true` where the answer is that of an earlier request.", {}),
        "RetryAfter": ("When to try again, in seconds.", {}),
    }
    return {name: {"description": text, "schema": {"type": "string", **more}} for name, (text, more) in told.items()}


def _operation(route: Any, models: Any, problems: Any) -> dict[str, Any]:
    area = route.path.split("/")[2]
    described: dict[str, Any] = {
        "operationId": route.act.__name__,
        "summary": route.summary,
        "description": " ".join((inspect.getdoc(route.act) or "").split()),
        "tags": [area],
        "x-nightdesk-role": route.may,
        "parameters": list(_parameters(route, models)),
        "responses": {str(route.status): _good(route), **_bad(route, problems)},
    }
    if route.body:
        content = {"application/json": {"schema": {"$ref": _SCHEMAS + route.body.__name__}}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(route: Any, models: Any) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        schema = {"type": "string", "pattern": f"^{models.PATH_NAMES[name]}$", "maxLength": 200}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if route.query:
        schema = route.query.model_json_schema()
        for name, value in schema["properties"].items():
            told = {key: part for key, part in value.items() if key not in ("description", "title")}
            required = name in schema.get("required", ())
            found = {"name": name, "in": "query", "required": required, "schema": told}
            yield found | ({"description": value["description"]} if "description" in value else {})
    if route.method != "GET":
        schema = {"type": "string", "pattern": f"^{models.KEY}$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}
    if route.method != "GET" and route.marked:
        schema = {"type": "string", "pattern": rf'^(\*|"?{models.MARK}"?)$'}
        yield {"name": "If-Match", "in": "header", "required": False, "schema": schema}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _good(route: Any) -> dict[str, Any]:
    headers = {"x-request-id": _header("RequestId")}
    if route.marked:
        headers["etag"] = _header("Mark")
    if route.status == 202:
        headers["location"] = _header("Location")
    if route.method != "GET":
        headers["idempotency-replayed"] = _header("Replayed")
    content = {"application/json": {"schema": {"$ref": _SCHEMAS + route.answer.__name__}}}
    return {"description": f"{route.summary}: done.", "headers": headers, "content": content}


def _bad(route: Any, problems: Any) -> dict[str, Any]:
    writes = route.method != "GET"
    statuses = {400, 401, 403, 404, 422, 429, 500, 503}
    statuses |= {409} if writes else set()
    statuses |= {412} if writes and route.marked else set()
    statuses |= {413, 415} if route.body else set()
    return {str(status): _problem(status, problems) for status in sorted(statuses)}


def _problem(status: int, problems: Any) -> dict[str, Any]:
    titles = [kind.title for kind in problems.KINDS.values() if kind.status == status]
    content = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem{status}"}}} if titles else {}
    if status in _BY_GATEWAY:
        content |= {"application/json": {"schema": {"$ref": f"{_SCHEMAS}GatewayMessage"}}}
    headers = {} if status == 401 else {"x-request-id": _header("RequestId")}
    if status in (409, 429, 503):
        headers["retry-after"] = _header("RetryAfter")
    if status in (409, 412):
        headers["etag"] = _header("Mark")
    found = {"description": "; ".join(titles) or "No good token", "content": content}
    return found | ({"headers": headers} if status not in _BY_GATEWAY else {})


def _schemas(routes: Iterable[Any]) -> dict[str, Any]:
    asked = {route.body for route in routes if route.body}
    told = {route.answer for route in routes}
    wanted: list[tuple[type[BaseModel], Any]] = [(m, "validation") for m in sorted(asked, key=_name)]
    wanted += [(m, "serialization") for m in sorted(told, key=_name)]
    _, made = models_json_schema(wanted, ref_template=_SCHEMAS + "{model}")
    found: dict[str, Any] = made["$defs"]
    return found


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _problem_schemas(problems: Any) -> dict[str, Any]:
    field = {"in": {"enum": ["query", "body", "header"]}, "name": {"type": "string"}, "message": {"type": "string"}}
    errors = {"type": "array", "items": {"type": "object", "properties": field, "required": list(field)}}
    made: dict[str, Any] = {
        "GatewayMessage": {
            "type": "object",
            "properties": {"message": {"type": ["string", "null"]}},
            "required": ["message"],
        }
    }
    for status in sorted({kind.status for kind in problems.KINDS.values()}):
        kinds = [problems.PREFIX + name for name, kind in problems.KINDS.items() if kind.status == status]
        properties: dict[str, Any] = {
            "type": {"enum": kinds},
            "title": {"type": "string"},
            "status": {"const": status},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "Names the request."},
        }
        if status in (400, 422):
            properties["errors"] = errors
        if status in (409, 412):
            properties["current"] = {"$ref": f"{_SCHEMAS}Article", "description": "How the article is now."}
        required = ["type", "title", "status", "detail", "instance"]
        made[f"Problem{status}"] = {"type": "object", "properties": properties, "required": required}
    return made


def text(root: Path) -> str:
    """The document as the site serves it."""
    return json.dumps(document(root), ensure_ascii=False, separators=(",", ":"))
