"""From an event to an answer: who may ask, which route it is, and what is said when something fails."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.http import HttpError, Request, Response, Route, problem
from nightdesk.reader_runtime import logger
from nightdesk.routing import route_by
from nightdesk.usecases.limits import TooMany

from .desk import Desk
from .routes import ROUTES

_AGAIN = HttpError(503, "Not now", "Something is out of reach for the moment. Please try again.", {"retry-after": "5"})
_SAFE = ("GET", "HEAD")
_OURS = HttpError(500, "Our fault", "Something went wrong here. It has been noted.")


def serve(event: dict[str, Any], context: Any, desk: Desk, origin_key: str) -> dict[str, Any]:
    """Answer a request. Logged are its route and status: paths, queries, bodies and cookies may hold secrets.

    Args:
        origin_key: what the distribution adds to each request; nobody else is heard.
    """
    app.context.update(desk=desk, origin_key=origin_key)
    return app.resolve(event, context)


def _answer(route: Route | HttpError, names: Mapping[str, str]) -> Response:
    desk: Desk = app.context["desk"]
    request, name = None, ""
    try:
        request = Request.from_event(app.current_event.raw_event)
        said, origin_key = request.headers.get("x-origin-key", ""), app.context["origin_key"]
        if not origin_key or not hmac.compare_digest(said.encode(), origin_key.encode()):
            raise HttpError(403, "Not from here", "This is reached by way of the site.")
        if isinstance(route, HttpError):
            raise route
        if request.method not in _SAFE and not route.from_anywhere and request.crosses_sites(desk.origin(request)):
            raise HttpError(400, "From another site", "Please open the page on this site, and try there.")
        name = f"{route.method} {route.path}"
        response = route.act(request, desk, **names)
    except HttpError as error:
        response = _refuse(request, error, desk)
    except TooMany as error:
        detail = _sentence(str(error))
        response = _refuse(request, HttpError(429, "Too many", detail, {"retry-after": "3600"}), desk)
    except Permanent as error:
        response = _refuse(request, HttpError(422, "That did not work", _sentence(str(error))), desk)
    except Transient as error:
        logger.warning("out of reach", exc_info=error)
        response = _refuse(request, _AGAIN, desk)
    except Exception as error:  # whatever it is, the reader gets an answer and we a trace
        logger.error("failed", exc_info=error)
        response = _refuse(request, _OURS, desk)
    logger.info("answered", extra={"route": name, "status": response.status})
    return response


app = LambdaFunctionUrlResolver()
route_by(app, ROUTES, _answer)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _refuse(request: Request | None, error: HttpError, desk: Desk) -> Response:
    """Problem details for programs, a page for people; and where no page can be made, problem details for them too."""
    if request is None or request.wants_json or error.status in (403, 404):
        return problem(error)
    try:
        from nightdesk.rendering.reader_pages import message_html

        way_on = ("Sign in", "/signin/") if error.status in (401, 410, 422, 429) else ("Front page", "/")
        body = message_html(desk.theme, desk.site, error.title, error.detail, way_on)
        return Response(error.status, body, headers=error.headers)
    except Exception as failure:
        logger.error("no page for a problem", exc_info=failure)
        return problem(error)
