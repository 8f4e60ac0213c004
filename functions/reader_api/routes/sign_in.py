"""Sign-in, which is also sign-up: request a mail, and use its link or its code."""

from __future__ import annotations

import re
import secrets

from nightdesk.domain.errors import Refused
from nightdesk.domain.site_paths import CODE_PATH, MEMBERSHIP_PATH
from nightdesk.entrypoints.http import Request, Response, Route, as_json, cookie, go_to, redirect
from nightdesk.usecases.readers.form_tokens import FORM_COOKIE, browser_token, browser_with_token
from nightdesk.usecases.readers.sessions import sign_out
from nightdesk.usecases.readers.sign_in import (
    LinkState,
    SignedIn,
    code_used_just_now,
    inspect_link,
    sign_in_by_code,
    sign_in_by_link,
    used_just_now,
)
from nightdesk.usecases.readers.sign_in_mail import LIFETIME_SECONDS, SIGN_IN_COOKIE, SignInRequest, request_sign_in
from pydantic import BaseModel, Field

from ..context import ReaderContext, return_path
from ..problems import ReaderProblem
from .payments import WANTED_COOKIE, checkout_after_sign_in, wanted_membership

_MINUTES = LIFETIME_SECONDS // 60
_MAX_COOKIES = 4
_FORM_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"\s*\d(?:\s*\d){5}\s*", re.ASCII)
"""A code as people type it, possibly with spaces."""


class SignInForm(BaseModel):
    """The form of the sign-in page."""

    email: str = Field(max_length=320)
    newsletter: bool = False
    return_to: str = Field(default="", max_length=1200)


class LinkForm(BaseModel):
    """The form behind a mailed link; `elsewhere` confirms a browser that did not request it, with the token of its form."""

    token: str = Field(pattern=r"^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$")
    elsewhere: bool = False
    form_token: str = Field(default="", max_length=100)


def post_sign_in(request: Request, context: ReaderContext) -> Response:
    """Request a sign-in mail. The response is the same for every address."""
    form = request.validated(SignInForm)
    return_to = return_path(form.return_to, request)
    if not context.ports.can_sign_in:
        raise ReaderProblem(503, "no_sign_in")
    # A price applies only to the sign-in that its button started, not to a later one for another reason.
    price, wanted_page = wanted_membership(request) if return_to == MEMBERSHIP_PATH else ("", "")
    wanted = SignInRequest(
        address=form.email,
        newsletter=form.newsletter,
        lists=_chosen_lists(request, context),
        return_to=wanted_page if price else return_to,
        caller=context.caller(request),
        base_url=context.origin(request),
        cookies=_cookies(request),
        price=price,
    )
    try:
        sent = cookie(SIGN_IN_COOKIE, request_sign_in(wanted, context.ports, context.now), LIFETIME_SECONDS)
    except Refused as error:
        if error.key != "no_address" or request.wants_json:
            raise
        return Response(422, context.sign_in_page("problem.no_address", return_to, form.newsletter))
    if request.wants_json:
        return as_json({"location": CODE_PATH}, 202, sent)
    return redirect(CODE_PATH, sent)


def _chosen_lists(request: Request, context: ReaderContext) -> tuple[str, ...]:
    """Return the ids of the digests that a reader ticked on the page of newsletters."""
    fields = request.fields()
    if not any(name.startswith("list-") for name in fields):
        return ()
    return tuple(digest.id for digest in context.site.newsletters if fields.get(f"list-{digest.id}") in ("yes", True))


def get_confirm(request: Request, context: ReaderContext) -> Response:
    """Render the page of a mailed link, which only shows a button. Who has just used the link is sent on."""
    token = request.query.get("token", "")
    if page := used_just_now(token, context.find_reader(request), context.ports.memberships, context.now):
        return go_to(request, page)
    link = inspect_link(token, _cookies(request), context.ports.memberships, context.now)
    if not link:
        raise _ended()
    return _confirm_page(request, token, link, context)


def post_confirm(request: Request, context: ReaderContext) -> Response:
    """Sign in with a mailed link, or ask for confirmation if this browser did not request it.

    The second request of a double click is sent on like the first one.
    """
    form, cookies = request.validated(LinkForm), _cookies(request)
    other_browser = browser_with_token(form.form_token, _form_secrets(request)) if form.elsewhere else ""
    signed_in = sign_in_by_link(form.token, cookies, other_browser, context.ports, context.now)
    if signed_in:
        return _signed_in_response(request, signed_in, context)
    page = used_just_now(form.token, context.find_reader(request), context.ports.memberships, context.now)
    if page:
        return go_to(request, page)
    link = inspect_link(form.token, cookies, context.ports.memberships, context.now)
    if not link or request.wants_json:
        raise _ended()
    return _confirm_page(request, form.token, link, context)


def post_code(request: Request, context: ReaderContext) -> Response:
    """Sign in with a mailed code. The response is the same for every kind of invalid code, which can be typed again in place."""
    typed = str(request.fields().get("code", ""))
    signed_in = None
    if _CODE.fullmatch(typed[:41]):
        code = "".join(typed.split())
        signed_in = sign_in_by_code(code, _cookies(request), context.caller(request), context.ports, context.now)
    if signed_in:
        return _signed_in_response(request, signed_in, context)
    if not _cookies(request):  # they end with a sign-in, as by the first request of a double click
        page = code_used_just_now(context.find_reader(request), context.ports.memberships, context.now)
        if page:
            return go_to(request, page)
    problem = ReaderProblem(422, "wrong_code", minutes=_MINUTES)
    if request.wants_json:
        raise problem
    return Response(422, context.code_page(problem))


def _cookies(request: Request) -> tuple[str, ...]:
    return tuple(request.cookies.get(SIGN_IN_COOKIE, ()))


def _form_secrets(request: Request) -> list[str]:
    values = request.cookies.get(FORM_COOKIE, ())[:_MAX_COOKIES]
    return [value for value in values if _FORM_SECRET.fullmatch(value)]


def _ended() -> ReaderProblem:
    return ReaderProblem(410, "sign_in_ended", minutes=_MINUTES)


def _confirm_page(request: Request, token: str, link: LinkState, context: ReaderContext) -> Response:
    from nightdesk.rendering.reader_pages import confirm_html

    if link.same_browser:
        return Response(200, confirm_html(context.theme, context.site, link.email, token, ""))
    secret = next(iter(_form_secrets(request)), secrets.token_urlsafe(32))
    page = confirm_html(context.theme, context.site, link.email, token, browser_token(secret))
    return Response(200, page, cookies=(cookie(FORM_COOKIE, secret, LIFETIME_SECONDS),))


def _signed_in_response(request: Request, signed_in: SignedIn, context: ReaderContext) -> Response:
    """Send a reader on with the new session, which replaces the one that this browser had."""
    reader, before = signed_in.reader, context.find_reader(request)
    if before and before.session != reader.session:
        sign_out(before, context.ports.memberships)
    page = signed_in.return_to or "/account/"
    ended = [SIGN_IN_COOKIE]
    if signed_in.price:
        page = checkout_after_sign_in(signed_in, context.origin(request), context)
        ended.append(WANTED_COOKIE)
    cookies = context.session_cookies(reader, reader.renewal)
    return go_to(request, page, *cookies, *(cookie(name, "", 0) for name in ended))


ROUTES = (
    Route("POST", "/api/signin", post_sign_in),
    Route("GET", "/api/signin/confirm", get_confirm),
    Route("POST", "/api/signin/confirm", post_confirm),
    Route("POST", "/api/signin/code", post_code),
)
