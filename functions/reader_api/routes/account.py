"""The account: what a reader has and chooses, the export of a reader's data, and the deletion of the account."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from nightdesk.domain.newsletters import newsletter_ids
from nightdesk.domain.site_paths import CODE_PATH
from nightdesk.entrypoints.http import JSON, Request, Response, Route, as_json, cookie, go_to, redirect, with_return
from nightdesk.usecases.readers import members
from nightdesk.usecases.readers.payments import delete_account
from nightdesk.usecases.readers.sessions import Reader
from nightdesk.usecases.readers.sign_in_mail import LIFETIME_SECONDS, SIGN_IN_COOKIE, SignInRequest, request_sign_in
from pydantic import BaseModel

from ..context import CLEAR_SESSION, ReaderContext
from ..problems import ReaderProblem

_NOTICES = {
    "newsletters": "account.newsletters_saved",
    "pays": "account.already_member",
    "feed_stopped": "account.feed_stopped",
}
"""By the value of `done` in the query, the message about what the reader has just done."""

_RECENTLY = timedelta(minutes=10)
"""How long after signing in a reader may delete the account."""
_DELETION = "/account/#data-title"


class Deletion(BaseModel):
    """The deletion form, whose box must be checked."""

    sure: Literal["yes", True]


def get_account(request: Request, context: ReaderContext) -> Response:
    """Render the account page. It issues a fresh token, so that a change of the membership applies to all pages at once."""
    if request.wants_json:
        return get_account_json(request, context)
    reader = context.find_reader(request)
    if not reader:
        return redirect(with_return("/signin/", "/account/"))
    key = _NOTICES.get(request.query.get("done", ""))
    return account_page(context.refresh_if_due(reader), context, context.text(key) if key else "")


def account_page(reader: Reader, context: ReaderContext, notice: str = "", feed_url: str = "") -> Response:
    """Return the account page of a reader.

    Args:
        notice: a sentence about what the reader has just done; empty for none.
        feed_url: the address of the reader's feed, if it was made just now.
    """
    from nightdesk.rendering.reader_contexts import AccountForms
    from nightdesk.rendering.reader_pages import account_html

    forms = AccountForms(context.form_token(reader), _may_delete(reader, context), context.ports.can_sign_in, feed_url)
    body = account_html(context.theme, context.site, reader.membership, context.now, forms, notice)
    return Response(200, body, cookies=context.session_cookies(reader))


def get_account_json(request: Request, context: ReaderContext) -> Response:
    """Return the account as JSON."""
    reader = context.refresh_if_due(context.require_reader(request))
    answer = as_json(_account_json(reader, context), 200, *context.session_cookies(reader))
    return replace(answer, headers=context.token_header(reader))


def _account_json(reader: Reader, context: ReaderContext) -> dict[str, Any]:
    membership = reader.membership
    paid = {name: value for name, value in (membership.paid or {}).items() if name != "subscription"}
    return {
        "email": membership.email,
        **membership.entitlement(context.site, context.now)._asdict(),
        "paid": paid or None,
        "newsletters": {name: name in membership.newsletters for name in newsletter_ids(context.site)},
    }


def get_export(request: Request, context: ReaderContext) -> Response:
    """Return everything that is stored about the reader, as a file to download."""
    found = members.export(context.require_reader(request).id, context.ports.memberships)
    headers = {"content-disposition": 'attachment; filename="account.json"'}
    return Response(200, json.dumps(found, ensure_ascii=False, indent=1), JSON, headers)


def post_newsletters(request: Request, context: ReaderContext) -> Response:
    """Set the reader's newsletters. A form does not send unchecked boxes, so a missing newsletter is unsubscribed."""
    fields = request.fields()
    known = newsletter_ids(context.site)
    choices = {name: fields.get(name) in ("yes", True) for name in known}
    members.choose_newsletters(context.require_reader(request).id, choices, context.ports, known)
    return go_to(request, "/account/?done=newsletters")


def _may_delete(reader: Reader, context: ReaderContext) -> bool:
    return reader.signed_in_within(_RECENTLY, context.now)


def post_confirm_reader(request: Request, context: ReaderContext) -> Response:
    """Mail a code to a signed-in reader, who confirms with it that the browser is still in the right hands.

    Using it signs the reader in again, which is recent enough to delete the account.
    """
    reader = context.require_reader(request)
    wanted = SignInRequest(
        address=reader.membership.email,
        newsletter=False,
        return_to=_DELETION,
        caller=context.caller(request),
        base_url=context.origin(request),
        cookies=request.cookies.get(SIGN_IN_COOKIE, ()),
    )
    sent = request_sign_in(wanted, context.ports, context.now)
    return go_to(request, CODE_PATH, cookie(SIGN_IN_COOKIE, sent, LIFETIME_SECONDS))


def post_delete(request: Request, context: ReaderContext) -> Response:
    """Delete the account of a reader who has signed in just now, or ask the reader to do so first."""
    reader = context.require_reader(request)
    if not _may_delete(reader, context):
        raise ReaderProblem(401, "confirm_first")
    request.validated(Deletion)
    delete_account(reader.id, context.site, context.ports, context.now)
    if request.wants_json:
        return as_json({"location": "/"}, 200, *CLEAR_SESSION)
    text = context.text
    page = context.message_page(text("account.deleted_heading"), text("account.deleted"))
    return Response(200, page, cookies=CLEAR_SESSION)


ROUTES = (
    Route("GET", "/account/", get_account),
    Route("GET", "/api/account", get_account_json),
    Route("GET", "/api/account/export", get_export),
    Route("POST", "/api/account/newsletters", post_newsletters, needs_token=True),
    Route("POST", "/api/account/delete", post_delete, needs_token=True),
    Route("POST", "/api/account/confirm", post_confirm_reader, needs_token=True),
)
