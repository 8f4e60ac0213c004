"""Payments: to the provider's pages and back, and the provider's webhook events."""

from __future__ import annotations

import re

from nightdesk.domain.errors import Permanent, RateLimited, Transient
from nightdesk.domain.site import is_return_path
from nightdesk.domain.site_paths import MEMBERSHIP_PATH, SIGN_IN_PATH, THANKS_PATH
from nightdesk.entrypoints.http import Request, Response, Route, as_json, cookie, go_to, redirect, with_return
from nightdesk.entrypoints.logs import logger
from nightdesk.usecases.readers import payments
from nightdesk.usecases.readers.sign_in import SignedIn
from pydantic import BaseModel, Field

from ..context import CLEAR_SESSION, ReaderContext, return_path
from ..problems import ReaderProblem

WANTED_COOKIE = "__Host-wanted"
"""The price that a reader has chosen and the page to open after paying, while the reader signs in first."""
_WANTED_SECONDS = 3600
_WANTED = re.compile(r"(price_[A-Za-z0-9_]{1,250}):(.*)")
_MAX_COOKIES = 4
_ALREADY_MEMBER = "/account/?done=pays"


class PriceForm(BaseModel):
    """The form of a price's button."""

    price: str = Field(pattern=r"^price_[A-Za-z0-9_]{1,250}$")
    return_to: str = Field(default="", max_length=1200)


def _require_payments(context: ReaderContext) -> None:
    if not context.ports.can_pay:
        raise ReaderProblem(503, "no_payments")


def post_checkout(request: Request, context: ReaderContext) -> Response:
    """Send a reader to the provider's page for a membership, or to the sign-in page first."""
    _require_payments(context)
    form = request.validated(PriceForm)
    return_to = return_path(form.return_to, request) or wanted_membership(request)[1]
    reader = context.find_reader(request)
    if not reader:
        if request.wants_json:
            raise ReaderProblem(401, "signed_out")
        wanted = cookie(WANTED_COOKIE, f"{form.price}:{return_to}", _WANTED_SECONDS)
        return redirect(with_return(SIGN_IN_PATH, MEMBERSHIP_PATH), wanted)
    checkout = payments.CheckoutRequest(form.price, return_to, context.origin(request))
    try:
        page = payments.subscribe(reader, checkout, context.site, context.ports, context.now)
    except payments.AlreadyPays:
        return go_to(request, _ALREADY_MEMBER)
    return go_to(request, page, cookie(WANTED_COOKIE, "", 0))


def wanted_membership(request: Request) -> tuple[str, str]:
    """Return the price that a reader chose before signing in, and the page to open after paying; empty for none."""
    values = request.cookies.get(WANTED_COOKIE, ())[:_MAX_COOKIES]
    found = next(filter(None, map(_WANTED.fullmatch, values)), None)
    return (found[1], found[2] if is_return_path(found[2]) else "") if found else ("", "")


def checkout_after_sign_in(signed_in: SignedIn, origin: str, context: ReaderContext) -> str:
    """Return the provider's page for the price that a reader chose before signing in, or the best page without it: the one
    that the reader came from for a member, and the one with all prices if the checkout cannot begin."""
    reader, return_to = signed_in.reader, signed_in.return_to
    try:
        checkout = payments.CheckoutRequest(signed_in.price, return_to, origin)
        return payments.subscribe(reader, checkout, context.site, context.ports, context.now)
    except payments.AlreadyPays:
        return return_to if return_to != "/" else _ALREADY_MEMBER
    except (Permanent, RateLimited, Transient) as error:  # the reader is signed in in any case
        logger.warning("no checkout after sign-in", exc_info=error)
        return with_return(MEMBERSHIP_PATH, return_to)


def get_checkout_done(request: Request, context: ReaderContext) -> Response:
    """Receive a reader from the checkout. The membership is refreshed at once, so that the next page shows it."""
    reader = context.find_reader(request)
    if not reader:  # the payment is known by its customer, so it counts when the reader signs in
        return redirect(THANKS_PATH)
    reader = context.refresh(reader)
    return_to = request.query.get("return_to", "")
    page = return_to if reader.membership.paid and is_return_path(return_to) else THANKS_PATH
    return redirect(page, *context.session_cookies(reader))


def post_contribute(request: Request, context: ReaderContext) -> Response:
    """Send a visitor to the provider's page for a one-off contribution."""
    _require_payments(context)
    form = request.validated(PriceForm)
    origin, reader = context.origin(request), context.find_reader(request)
    referer = request.path_of_referer(origin)
    back = referer if is_return_path(referer) else "/"
    contribution = payments.ContributionRequest(form.price, reader, context.caller(request), back, origin)
    return go_to(request, payments.contribute(contribution, context.site, context.ports, context.now))


def post_portal(request: Request, context: ReaderContext) -> Response:
    """Send a reader to the provider's page for managing subscriptions."""
    _require_payments(context)
    reader = context.require_reader(request)
    return go_to(request, payments.open_portal(reader, context.origin(request), context.ports, context.now))


def get_portal_done(request: Request, context: ReaderContext) -> Response:
    """Receive a reader from the portal. The membership is refreshed at once, so that the account shows the change."""
    reader = context.find_reader(request)
    if not reader:
        return redirect(with_return(SIGN_IN_PATH, "/account/"), *CLEAR_SESSION)
    return redirect("/account/", *context.session_cookies(context.refresh(reader)))


def post_webhook(request: Request, context: ReaderContext) -> Response:
    """Handle an event of Stripe, which signs the raw body. Stripe retries unless the response is a 2xx."""
    _require_payments(context)
    signature = request.headers.get("stripe-signature", "")
    try:
        result = payments.handle_webhook(request.body, signature, context.site, context.ports, context.now)
    except Permanent:
        raise ReaderProblem(400, "bad_signature") from None
    logger.info("webhook event", extra={"outcome": result.outcome, "member": result.member})
    return as_json({"outcome": result.outcome})


ROUTES = (
    Route("POST", "/api/checkout", post_checkout),
    Route("GET", payments.CHECKOUT_DONE_PATH, get_checkout_done),
    Route("POST", "/api/contribute", post_contribute),
    Route("POST", "/api/portal", post_portal, needs_token=True),
    Route("GET", payments.PORTAL_DONE_PATH, get_portal_done),
    Route("POST", "/api/stripe/webhook", post_webhook, allow_cross_site=True),
)
