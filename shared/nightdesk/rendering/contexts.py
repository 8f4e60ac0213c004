"""What a template may see: one immutable class per kind of page. (Named tuples: a function defines them ten times as quickly as
data classes.)

Templates receive these and nothing else. A context is made from a *view* (see `nightdesk.domain.views`), so text that
a reader may not see is not in it. `Markup` fields hold HTML that was sanitised when the draft was rendered; every
other field is plain text, which the environment escapes.
"""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup


class Link(NamedTuple):
    """A label and where it leads: a path on this site (`/topics/energy/`) or an https URL."""

    label: str
    url: str


class Stamp(NamedTuple):
    """A moment twice: `iso` for machines (RFC 3339, with its offset) and `text` for people, in the site's zone."""

    iso: str
    text: str


class Picture(NamedTuple):
    """An image with what must be said of it.

    `source_type` is the URL of an IPTC digital source type, or empty; `ai_label` is the sentence that a reader must
    see when a machine made or altered the image ("AI-generated illustration"), or empty. Width and height are in CSS
    pixels, 0 when unknown.
    """

    src: str
    alt: str
    caption: str
    credit: str
    ai_label: str
    source_type: str
    width: int
    height: int


class PriceButton(NamedTuple):
    """A price that is chosen by its button: `amount` as readers see it, and `each` is how often it is paid, or empty."""

    id: str
    amount: str
    each: str


class OfferBox(NamedTuple):
    """A tier that can be paid for."""

    tier: str
    label: str
    prices: tuple[PriceButton, ...]


class SiteContext(NamedTuple):
    """What every page knows of its site: settings and the addresses of the theme's own files. `offers` and `contributions`
    are empty where nothing can be paid."""

    name: str
    tagline: str
    base_url: str
    language: str
    nav: tuple[Link, ...]
    footer: tuple[Link, ...]
    support: tuple[Link, ...]
    offers: tuple[OfferBox, ...]
    contributions: tuple[PriceButton, ...]


class Head(NamedTuple):
    """What stands in `<head>`: `json_ld` is a JSON text, already safe to stand inside a script element."""

    title: str
    description: str
    canonical: str
    kind: str
    image: str
    json_ld: Markup
    feeds: tuple[Link, ...]
    published: str
    modified: str
    robots: str


class Card(NamedTuple):
    """One article in a list: what the public may know of it."""

    slug: str
    url: str
    title: str
    dek: str
    date: Stamp
    authors: tuple[Link, ...]
    topic: Link | None
    image: Picture | None
    access: str


class Gate(NamedTuple):
    """A closed gate: its teaser and the act that opens it. The passage behind it is not here.

    `anchor` is the same when the gate is open, so that a reader who comes back from signing in is at the same place.
    """

    teaser: Markup
    tier: str
    tier_label: str
    action: Link
    anchor: str


class Passage(NamedTuple):
    """A run of article text that this reader may see; `tier` names the gate it came through, empty for free text."""

    html: Markup
    tier: str
    tier_label: str
    anchor: str


class TocEntry(NamedTuple):
    """A heading of the visible text: its anchor, its text and its level (2 or 3)."""

    anchor: str
    text: str
    level: int


class Source(NamedTuple):
    """One documented source. `url` is empty where this reader has not unlocked the links."""

    title: str
    publisher: str
    date: str
    note: str
    url: str


class SourcesBox(NamedTuple):
    """Source transparency: counts and publishers are public; `locked` says that links exist which this reader lacks."""

    items: tuple[Source, ...]
    publishers: tuple[str, ...]
    locked: bool
    tier_label: str
    action: Link


class AuthorBox(NamedTuple):
    """Who wrote it. `is_ai` marks an AI persona; `responsible_editor` then names the human who answers for it."""

    name: str
    url: str
    bio: Markup
    beat: str
    portrait: Picture | None
    is_ai: bool
    responsible_editor: str


class ProductionBox(NamedTuple):
    """How the article was made: AI roles as phrases, the human review, a statement. `process` leads to the process page.

    `responsible` is the person who took responsibility by an approval that holds, or empty.
    """

    ai_roles: tuple[str, ...]
    reviewed_by: str
    reviewed_at: Stamp | None
    statement: str
    process: Link
    written_by_ai: bool
    responsible: str


class Correction(NamedTuple):
    """A dated correction; `article` is set where corrections of several articles stand together."""

    date: Stamp
    text: str
    article: Link | None


class RelatedBox(NamedTuple):
    """ "More in …" or "More from …": a few earlier articles, and the way to all of them."""

    heading: str
    cards: tuple[Card, ...]
    see_all: Link


class ArticleContext(NamedTuple):
    """The article page of one tier. `footnotes` is the list of notes that the visible text refers to, or empty.

    `updates_topic` is the id of the topic that the Update box prefers, or empty.
    """

    site: SiteContext
    head: Head
    title: str
    dek: str
    topic: Link | None
    updates_topic: str
    tags: tuple[str, ...]
    authors: tuple[AuthorBox, ...]
    published: Stamp
    updated: Stamp | None
    hero: Picture | None
    toc: tuple[TocEntry, ...]
    body: tuple[Passage | Gate, ...]
    footnotes: Markup
    sources: SourcesBox | None
    production: ProductionBox | None
    corrections: tuple[Correction, ...]
    related: tuple[RelatedBox, ...]
    preview: bool


class ListContext(NamedTuple):
    """The front page, a topic or author front, or a month of an archive.

    `kind` is one of `home`, `topic`, `author`, `month`. `months` leads to the archive pages, newest first;
    `newer` and `older` are the neighbouring months of a month page; `author` is set on author fronts. `updates_topic`
    is the id of the topic that the Update box prefers, or empty.
    """

    site: SiteContext
    head: Head
    kind: str
    heading: str
    intro: Markup
    author: AuthorBox | None
    cards: tuple[Card, ...]
    months: tuple[Link, ...]
    newer: Link | None
    older: Link | None
    updates_topic: str


class DirectoryContext(NamedTuple):
    """All topics or all authors."""

    site: SiteContext
    head: Head
    heading: str
    entries: tuple[Link, ...]


class CorrectionsContext(NamedTuple):
    """The site-wide corrections page: the newest corrections of all articles, and the policy above them."""

    site: SiteContext
    head: Head
    heading: str
    intro: Markup
    corrections: tuple[Correction, ...]


class PageContext(NamedTuple):
    """A standing page (about, process, membership …) or an error page.

    `form` names the one of `forms/` that stands below the text, or is empty; `can_sign_in` says whether this site can send
    the mail that signs a reader in.
    """

    site: SiteContext
    head: Head
    heading: str
    body: Markup
    form: str
    can_sign_in: bool


class ConfirmContext(NamedTuple):
    """Where the link of a sign-in mail leads: a button, which alone signs in. `here` says that this browser asked for the
    mail; where another did, the page says for whom it would sign in."""

    site: SiteContext
    head: Head
    heading: str
    email: str
    token: str
    here: bool


class Choice(NamedTuple):
    """A newsletter, and whether the reader gets it."""

    name: str
    label: str
    chosen: bool


class Billing(NamedTuple):
    """What a reader pays for. `state` says what will be at `moment`: `renewing` is paid for again, `ending` and `overdue` end;
    of `stopped` nothing more is to come."""

    tier_label: str
    state: str
    moment: Stamp


class AccountContext(NamedTuple):
    """A reader's account. `source` is what gives the tier: `complimentary`, `paid`, `confirmed` or nothing, and `until` when
    a complimentary one ends; `confirmed` says whether the address is; `can_manage` that there is something paid to be managed;
    `done` is what the reader has just done, as a sentence, or empty."""

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
    done: str


class UnsubscribeContext(NamedTuple):
    """Where the link at the end of a newsletter leads: a button, which alone unsubscribes."""

    site: SiteContext
    head: Head
    heading: str
    action: str


class SignInMailContext(NamedTuple):
    """The mail to whoever wants to sign in."""

    site: SiteContext
    link: str
    code: str
    minutes: int


class UpdateItem(NamedTuple):
    """One update of the ticker; `url` may be empty."""

    id: str
    headline: str
    summary: str
    url: str
    date: Stamp


class UpdatesContext(NamedTuple):
    """The ticker's page, newest first."""

    site: SiteContext
    head: Head
    heading: str
    updates: tuple[UpdateItem, ...]


class FeedContext(NamedTuple):
    """An RSS 2.0 feed; dates in `cards` are RFC 3339, `dates` are the same in the form of RFC 822."""

    site: SiteContext
    title: str
    description: str
    url: str
    self_url: str
    updated: str
    cards: tuple[Card, ...]
    dates: tuple[str, ...]
