"""From an event to an answer: who may ask, which route it is, and what is said when something fails."""

from __future__ import annotations

import hmac
from typing import Any

from nightdesk.domain.errors import Permanent, Transient
from nightdesk.http import HttpError, Request, Response, find, problem
from nightdesk.reader_runtime import logger
from nightdesk.usecases.limits import TooMany

from .desk import Desk
from .routes import ROUTES

_AGAIN = HttpError(503, "Not now", "Something is out of reach for the moment. Please try again.", {"retry-after": "5"})
_OURS = HttpError(500, "Our fault", "Something went wrong here. It has been noted.")


def serve(event: dict[str, Any], desk: Desk, origin_key: str) -> dict[str, Any]:
    """Answer a request. Logged are its route and status: paths, queries, bodies and cookies may hold secrets.

    Args:
        origin_key: what the distribution adds to each request; nobody else is heard.
    """
    request, name = None, ""
    try:
        request = Request.from_event(event)
        said = request.headers.get("x-origin-key", "")
        if not origin_key or not hmac.compare_digest(said.encode(), origin_key.encode()):
            raise HttpError(403, "Not from here", "This is reached by way of the site.")
        route, names = find(ROUTES, request, desk.origin(request))
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
    return response.to_event(with_body=not request or request.method != "HEAD")


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
