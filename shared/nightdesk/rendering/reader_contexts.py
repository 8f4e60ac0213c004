"""The data that pages and mails about one reader receive (see `contexts`)."""

from __future__ import annotations

from typing import NamedTuple

from nightdesk.rendering.contexts import Head, SiteContext, Stamp


class ConfirmContext(NamedTuple):
    """The page that the link in a sign-in mail opens.

    Attributes:
        form_token: for a browser that did not ask for the mail, the token that its form must have; empty for the one that did.
    """

    site: SiteContext
    head: Head
    heading: str
    email: str
    token: str
    form_token: str


class Choice(NamedTuple):
    """A newsletter, and whether the reader gets it."""

    name: str
    label: str
    chosen: bool


class Billing(NamedTuple):
    """The reader's paid membership.

    Attributes:
        state: `renewing`, `ending`, `overdue` or `stopped` (see `nightdesk.domain.payments`).
        moment: when a renewing membership is next paid, or when another one ends.
    """

    tier_label: str
    state: str
    moment: Stamp


class AccountForms(NamedTuple):
    """What the forms of an account need.

    Attributes:
        token: shows that a form was on a page for this reader's session.
        may_delete: True if the reader has signed in recently enough to delete the account.
        can_mail: True if the site can mail a code to the reader.
        feed_url: the address of the reader's feed, if a form has just made it; otherwise empty. It is shown once.
    """

    token: str
    may_delete: bool
    can_mail: bool
    feed_url: str = ""


class AccountContext(NamedTuple):
    """A reader's account.

    Attributes:
        source: why the reader has the tier: `complimentary`, `paid`, `confirmed` or empty.
        until: when a complimentary tier ends.
        can_manage: True if the payment provider has a billing page for this reader.
        confirmed: True if the reader has confirmed the address.
        offers_feed: True if the reader may have a feed, which shows more than the public one.
        feed_since: when the address of the reader's feed was made; None if there is none.
        notice: a sentence about what the reader has just done; empty for none.
    """

    site: SiteContext
    head: Head
    heading: str
    email: str
    tier_label: str
    source: str
    until: Stamp | None
    billing: Billing | None
    can_manage: bool
    confirmed: bool
    newsletters: tuple[Choice, ...]
    offers_feed: bool
    feed_since: Stamp | None
    forms: AccountForms
    notice: str


class UnsubscribeContext(NamedTuple):
    """The page that the unsubscribe link of a newsletter opens. Only its button unsubscribes."""

    site: SiteContext
    head: Head
    heading: str
    action: str


class SignInMailContext(NamedTuple):
    """The sign-in mail. Link and code are valid for `minutes`."""

    site: SiteContext
    link: str
    code: str
    minutes: int
