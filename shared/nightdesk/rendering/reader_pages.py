"""The pages and mails that the readers' API makes on request, because they are about one reader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from markupsafe import escape

from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import Membership
from nightdesk.domain.newsletters import newsletter_ids
from nightdesk.domain.payments import RENEWING
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.edition_mail import title_of
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import site_context, unlisted_head
from nightdesk.rendering.reader_contexts import (
    AccountContext,
    AccountForms,
    Billing,
    Choice,
    ConfirmContext,
    SignInMailContext,
    UnsubscribeContext,
)
from nightdesk.rendering.standing_pages import StandingPage, page_html
from nightdesk.rendering.tier_names import tier_name
from nightdesk.rendering.times import stamp


class SignIn(NamedTuple):
    """A link and a code that sign the owner of an address in. Both are valid for `minutes`."""

    email: str
    link: str
    code: str
    minutes: int


def message_html(theme: Theme, site: Site, heading: str, detail: str, target: Link) -> str:
    """Return a page with a short message and a link below it."""
    body = f'<p>{escape(detail)}</p><p><a href="{escape(target.url)}">{escape(target.label)}</a></p>'
    return page_html(theme, site, StandingPage(heading, "/", body, unlisted=True))


def confirm_html(theme: Theme, site: Site, email: str, token: str, form_token: str) -> str:
    """Return the page that the link in a sign-in mail opens.

    Args:
        form_token: for a browser that did not ask for the mail; empty for the one that did.
    """
    heading = theme.text(site)("sign_in.heading")
    head = unlisted_head(site, heading, "/signin/")
    context = ConfirmContext(site_context(theme, site), head, heading, email, token, form_token)
    return theme.render("confirm.html", context)


def account_html(
    theme: Theme, site: Site, membership: Membership, now: datetime, forms: AccountForms, notice: str = ""
) -> str:
    """Return a reader's account.

    Args:
        notice: a sentence about what the reader has just done; empty for none.
    """
    standing = membership.entitlement(site, now)
    heading = theme.text(site)("account.heading")
    context = AccountContext(
        site=site_context(theme, site),
        head=unlisted_head(site, heading, "/account/"),
        heading=heading,
        email=membership.email,
        tier_label=tier_name(theme.text(site), standing.tier),
        source=standing.source,
        until=stamp(theme.text(site), site, standing.until) if standing.until and standing.source != "paid" else None,
        billing=_billing(theme, site, membership.paid) if membership.paid else None,
        can_manage=bool(membership.customer and site.offers),
        confirmed=bool(membership.confirmed),
        newsletters=tuple(
            Choice(name, title_of(theme, site, name), name in membership.newsletters) for name in newsletter_ids(site)
        ),
        offers_feed=bool(membership.feed) or standing.tier != PUBLIC,
        feed_since=stamp(theme.text(site), site, membership.feed_since) if membership.feed_since else None,
        forms=forms,
        notice=notice,
    )
    return theme.render("account.html", context)


def _billing(theme: Theme, site: Site, paid: Mapping[str, Any]) -> Billing:
    moment = paid["period_end"] if paid["state"] == RENEWING else paid["until"]
    return Billing(tier_name(theme.text(site), paid["tier"]), paid["state"], stamp(theme.text(site), site, moment))


def unsubscribe_html(theme: Theme, site: Site, action: str) -> str:
    """Return the page that the unsubscribe link of a newsletter opens.

    Args:
        action: the path, with its query, to which the button posts.
    """
    heading = theme.text(site)("unsubscribe.heading")
    head = unlisted_head(site, heading, "/newsletter/")
    return theme.render("unsubscribe.html", UnsubscribeContext(site_context(theme, site), head, heading, action))


def sign_in_mail(theme: Theme, site: Site, sign_in: SignIn) -> Mail:
    """Return the mail with a link and a code that sign a reader in."""
    context = SignInMailContext(site_context(theme, site), sign_in.link, sign_in.code, sign_in.minutes)
    name = " ".join(site.name.split())  # on one line, because it goes into headers
    text, html = theme.render("mail/signin.txt", context), theme.render("mail/signin.html", context)
    subject = theme.text(site)("sign_in_mail.subject", code=sign_in.code, site=name)
    return Mail(sign_in.email, name, subject, text, html)
