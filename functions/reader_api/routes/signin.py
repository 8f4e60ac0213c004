"""Sign-in, which is sign-up too: ask for a mail, and use its link or its code."""

from __future__ import annotations

from nightdesk.http import HttpError, Request, Response, Route, as_json, cookie, done, redirect
from nightdesk.usecases.paths import CODE_PATH
from nightdesk.usecases.sign_in import ASKED, SECONDS, SignedIn, ask, by_code, by_link, look
from pydantic import BaseModel, Field

from ..desk import Desk, return_path

_VOID = HttpError(
    410,
    "No longer valid",
    "Links and codes hold for 15 minutes, and once; a newer mail makes older ones void. Please ask for another.",
)


class Asking(BaseModel):
    """Who wants to sign in."""

    email: str = Field(max_length=320)
    newsletter: bool = False
    return_to: str = Field(default="", max_length=1200)


class Confirming(BaseModel):
    """The button behind a mailed link."""

    token: str = Field(pattern=r"^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$")
    elsewhere: bool = False


class Typing(BaseModel):
    """A code as people type it, perhaps with blanks."""

    code: str = Field(pattern=r"^\s*\d(?:\s*\d){5}\s*$", max_length=40)


def post_signin(request: Request, desk: Desk) -> Response:
    """Have a mail sent. The answer is the same for every address."""
    typed = request.validated(Asking)
    where = return_path(typed.return_to, request)
    caller = request.headers.get("x-viewer-ip", "")
    if not desk.ports.can_mail:
        raise HttpError(503, "Not set up", "Sign-in is not set up on this site yet.")
    value = ask(typed.email, typed.newsletter, where, caller, desk.origin(request), desk.ports, desk.now)
    asked = cookie(ASKED, value, SECONDS)
    if request.wants_json:
        return as_json({"location": CODE_PATH}, 202, asked)
    return redirect(CODE_PATH, asked)


def get_confirm(request: Request, desk: Desk) -> Response:
    """The page of a mailed link: it has a button, and nothing else happens."""
    token = request.query.get("token", "")
    found = look(token, request.cookies.get(ASKED, ()), desk.ports.memberships, desk.now)
    if not found:
        raise _VOID
    from nightdesk.rendering.reader_pages import confirm_html

    return Response(200, confirm_html(desk.theme, desk.site, found.email, token, found.here))


def post_confirm(request: Request, desk: Desk) -> Response:
    """That button."""
    pressed, browsers = request.validated(Confirming), request.cookies.get(ASKED, ())
    signed_in = by_link(pressed.token, browsers, pressed.elsewhere, desk.ports, desk.now)
    if signed_in:
        return _welcome(request, signed_in, desk)
    found = look(pressed.token, browsers, desk.ports.memberships, desk.now)
    if not found or request.wants_json:
        raise _VOID
    from nightdesk.rendering.reader_pages import confirm_html

    return Response(200, confirm_html(desk.theme, desk.site, found.email, pressed.token, found.here))


def post_code(request: Request, desk: Desk) -> Response:
    """The code. Whatever is wrong with it, the answer is the same."""
    code = "".join(request.validated(Typing).code.split())
    signed_in = by_code(code, request.cookies.get(ASKED, ()), desk.ports, desk.now)
    if not signed_in:
        raise HttpError(
            422,
            "Not that code",
            "That is not the code of the newest mail, or it is no longer valid. Please look again.",
        )
    return _welcome(request, signed_in, desk)


def _welcome(request: Request, signed_in: SignedIn, desk: Desk) -> Response:
    cookies = desk.session_cookies(signed_in.reader, signed_in.reader.renewal)
    return done(request, signed_in.return_to or "/account/", *cookies, cookie(ASKED, "", 0))


ROUTES = (
    Route("POST", "/api/signin", post_signin),
    Route("GET", "/api/signin/confirm", get_confirm),
    Route("POST", "/api/signin/confirm", post_confirm),
    Route("POST", "/api/signin/code", post_code),
)
