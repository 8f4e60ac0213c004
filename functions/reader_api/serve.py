"""From a Lambda event to a response: the check of the caller, the route, and the answer to errors."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from nightdesk.domain.errors import Permanent, RateLimited, Transient
from nightdesk.entrypoints.http import HttpError, Request, Response, Route, problem_response
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.routing import route_by
from nightdesk.usecases.readers.form_tokens import is_session_token

from .context import FORM_TOKEN_HEADER, ReaderContext
from .problems import ReaderProblem, reader_problem
from .routes import ROUTES

_SAFE_METHODS = ("GET", "HEAD")


def serve(event: dict[str, Any], lambda_context: Any, context: ReaderContext, origin_key: str) -> dict[str, Any]:
    """Answer a request. Only its route and status are logged: paths, queries, bodies and cookies may hold secrets.

    Args:
        origin_key: the secret that the distribution adds to each request. Other requests are refused.
    """
    app.context.update(reader_context=context, origin_key=origin_key)
    return app.resolve(event, lambda_context)


def _answer(route: Route | HttpError, names: Mapping[str, str]) -> Response:
    context: ReaderContext = app.context["reader_context"]
    request, name = None, ""
    try:
        request = Request.from_event(app.current_event.raw_event)
        _check_origin_key(request.headers.get("x-origin-key", ""), app.context["origin_key"])
        if isinstance(route, HttpError):
            raise route
        is_safe = request.method in _SAFE_METHODS or route.allow_cross_site
        if not is_safe and request.is_cross_site(context.origin(request)):
            raise ReaderProblem(400, "other_site")
        if route.needs_token:
            _check_form_token(request, context)
        name = f"{route.method} {route.path}"
        response = route.handler(request, context, **names)
    except (Permanent, RateLimited) as error:
        response = _error_response(request, error, context)
    except Transient as error:
        logger.warning("dependency unavailable", exc_info=error)
        response = _error_response(request, error, context)
    except Exception as error:  # the reader gets an answer in any case, and the log a traceback
        logger.error("request failed", exc_info=error)
        response = _error_response(request, error, context)
    logger.info("answered", extra={"route": name, "status": response.status})
    return response


def _check_origin_key(sent: str, expected: str) -> None:
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise ReaderProblem(403, "not_from_site")


def _check_form_token(request: Request, context: ReaderContext) -> None:
    """Raise ReaderProblem if a signed-in reader's request has no token of the session, in its form or in its header."""
    reader = context.find_reader(request)
    token = request.headers.get(FORM_TOKEN_HEADER) or request.fields().get("form_token", "")
    if reader and not is_session_token(str(token), reader, context.ports):
        raise ReaderProblem(400, "form_ended")


app = LambdaFunctionUrlResolver()
route_by(app, ROUTES, _answer)


def _error_response(request: Request | None, error: Exception, context: ReaderContext) -> Response:
    """Return a page for browsers, and problem details for programs and if a page cannot be rendered."""
    problem = reader_problem(error)
    # The distribution replaces the body of a 404; a 403 is for callers that are not the distribution.
    is_page = request is not None and not request.wants_json and problem.status not in (403, 404)
    explained: HttpError = problem
    try:
        explained = problem.explain(context.text)
        if is_page:
            page = context.message_page(explained.title, explained.detail, problem.onward)
            return Response(problem.status, page, headers=explained.headers)
    except Exception as failure:
        logger.error("error page failed", exc_info=failure)
    # The texts are for readers; programs get the precise title of an error that all APIs share.
    if isinstance(error, HttpError) and not isinstance(error, ReaderProblem):
        return problem_response(error)
    return problem_response(explained)
