"""The pages and mails that the readers' API makes itself: those that are about one reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import escape

from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import NEWSLETTERS, Membership
from nightdesk.domain.payments import RENEWING
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id

from .contexts import AccountContext, Billing, Choice, ConfirmContext, SignInMailContext, UnsubscribeContext
from .environment import Theme
from .pages import page_html, plain_head, site_context, stamp

_PRIVATE = "noindex"


def message_html(theme: Theme, site: Site, heading: str, detail: str, way_on: tuple[str, str]) -> str:
    """A page that says one thing; `way_on` is the label and the path of the link below it."""
    body = f'<p>{escape(detail)}</p><p><a href="{escape(way_on[1])}">{escape(way_on[0])}</a></p>'
    return page_html(theme, site, heading, "/", body, robots=_PRIVATE)


def confirm_html(theme: Theme, site: Site, email: str, token: str, here: bool) -> str:
    """Where the link of a sign-in mail leads."""
    head = plain_head(site, "Sign in", "/signin/", robots=_PRIVATE)
    return theme.render("confirm.html", ConfirmContext(site_context(site), head, "Sign in", email, token, here))


def account_html(theme: Theme, site: Site, membership: Membership, now: datetime, done: str = "") -> str:
    """A reader's account."""
    standing = membership.standing(site, now)
    context = AccountContext(
        site=site_context(site),
        head=plain_head(site, "Your account", "/account/", robots=_PRIVATE),
        heading="Your account",
        email=membership.email,
        tier_label=name_of_id(standing.tier),
        source=standing.source,
        until=stamp(standing.until) if standing.until and standing.source != "paid" else None,
        billing=_billing(membership.paid) if membership.paid else None,
        can_manage=bool(membership.customer and site.offers),
        confirmed=bool(membership.confirmed),
        newsletters=tuple(Choice(name, name_of_id(name), name in membership.newsletters) for name in NEWSLETTERS),
        done=done,
    )
    return theme.render("account.html", context)


def _billing(paid: Mapping[str, Any]) -> Billing:
    moment = paid["period_end"] if paid["state"] == RENEWING else paid["until"]
    return Billing(name_of_id(paid["tier"]), paid["state"], stamp(moment))


def unsubscribe_html(theme: Theme, site: Site, action: str) -> str:
    """Where the link at the end of a newsletter leads."""
    heading = "Unsubscribe"
    head = plain_head(site, heading, "/newsletter/", robots=_PRIVATE)
    return theme.render("unsubscribe.html", UnsubscribeContext(site_context(site), head, heading, action))


def sign_in_mail(theme: Theme, site: Site, email: str, link: str, code: str, minutes: int) -> Mail:
    """The mail to whoever wants to sign in."""
    context = SignInMailContext(site_context(site), link, code, minutes)
    name = " ".join(site.name.split())  # of one line, for it stands in headers
    text, html = theme.render("mail/signin.txt", context), theme.render("mail/signin.html", context)
    return Mail(email, name, f"{code} is your code for {name}", text, html)
