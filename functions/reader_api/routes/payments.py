"""Paying: to the provider's pages and back, and what the provider tells of."""

from __future__ import annotations

from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import is_return_path
from nightdesk.http import HttpError, Request, Response, Route, as_json, cookie, done, redirect, with_return
from nightdesk.reader_runtime import logger
from nightdesk.usecases import payments
from nightdesk.usecases.paths import MEMBERSHIP_PATH, SIGN_IN_PATH, THANKS_PATH
from pydantic import BaseModel, Field

from ..desk import NO_SESSION, Desk, return_path

_WANTED = "__Host-wanted"
"""Where a reader wanted to be who has to sign in before paying."""
_HOUR = 3600
_MANAGED_HERE = "/account/?done=pays"


class Choosing(BaseModel):
    """The button of a price."""

    price: str = Field(pattern=r"^price_[A-Za-z0-9_]{1,250}$")
    return_to: str = Field(default="", max_length=1200)


def _must_sell(desk: Desk) -> None:
    if not desk.ports.can_pay:
        raise HttpError(503, "Not set up", "Payment is not set up on this site.")


def post_checkout(request: Request, desk: Desk) -> Response:
    """On to the page on which a membership is paid for; first to sign-in, for a membership is somebody's."""
    _must_sell(desk)
    chosen = request.validated(Choosing)
    wanted = return_path(chosen.return_to, request) or _wanted(request)
    reader = desk.reader(request)
    if not reader:
        if request.wants_json:
            raise HttpError(401, "Not signed in", "Please sign in first.")
        return redirect(with_return(SIGN_IN_PATH, MEMBERSHIP_PATH), cookie(_WANTED, wanted, _HOUR))
    try:
        where = payments.subscribe(
            reader, chosen.price, wanted, desk.origin(request), desk.site, desk.ports, desk.now
        )  # fmt: skip
    except payments.AlreadyPays:
        return done(request, _MANAGED_HERE)
    return done(request, where, cookie(_WANTED, "", 0))


def _wanted(request: Request) -> str:
    return next((value for value in request.cookies.get(_WANTED, ())[:4] if is_return_path(value)), "")


def get_checkout_done(request: Request, desk: Desk) -> Response:
    """Back from that page. What was paid for is asked for at once, and shows on the next page."""
    reader = desk.reader(request)
    if not reader:  # who pays is known there, and hears of it here when signed in
        return redirect(THANKS_PATH)
    reader = desk.asked_for_news(reader)
    asked = request.query.get("return_to", "")
    where = asked if reader.membership.paid and is_return_path(asked) else THANKS_PATH
    return redirect(where, *desk.session_cookies(reader))


def post_contribute(request: Request, desk: Desk) -> Response:
    """On to the page on which somebody pays once."""
    _must_sell(desk)
    chosen = request.validated(Choosing)
    caller, origin = request.headers.get("x-viewer-ip", ""), desk.origin(request)
    came_from = request.path_of_referer(origin)
    back = came_from if is_return_path(came_from) else "/"
    reader = desk.reader(request)
    where = payments.contribute(chosen.price, reader, caller, back, origin, desk.site, desk.ports, desk.now)
    return done(request, where)


def post_portal(request: Request, desk: Desk) -> Response:
    """On to the page on which a reader changes or ends what is paid for."""
    _must_sell(desk)
    return done(request, payments.manage(desk.must_read(request), desk.origin(request), desk.ports, desk.now))


def get_portal_done(request: Request, desk: Desk) -> Response:
    """Back from that page: what has changed shows at once."""
    reader = desk.reader(request)
    if not reader:
        return redirect(with_return(SIGN_IN_PATH, "/account/"), *NO_SESSION)
    return redirect("/account/", *desk.session_cookies(desk.asked_for_news(reader)))


def post_webhook(request: Request, desk: Desk) -> Response:
    """An event of Stripe's, whose signature is over the bytes as they came. Any answer but a 2xx has it sent again."""
    _must_sell(desk)
    signature = request.headers.get("stripe-signature", "")
    try:
        heard = payments.hear(request.body, signature, desk.site, desk.ports, desk.now)
    except Permanent:
        raise HttpError(400, "Not understood", "That is not signed by Stripe, or too old.") from None
    logger.info("event of Stripe", extra={"heard": heard.what, "member": heard.member})
    return as_json({"heard": heard.what})


ROUTES = (
    Route("POST", "/api/checkout", post_checkout),
    Route("GET", payments.CHECKED_OUT, get_checkout_done),
    Route("POST", "/api/contribute", post_contribute),
    Route("POST", "/api/portal", post_portal),
    Route("GET", payments.MANAGED, get_portal_done),
    Route("POST", "/api/stripe/webhook", post_webhook, from_anywhere=True),
)
