"""The data that templates receive, one immutable class per kind of page and per part of one.

A template sees nothing else. Contexts are made from views (see `nightdesk.domain.views`), so they never hold text that the
reader may not see. `Markup` fields hold HTML that was sanitised when the draft was rendered; every other field is plain text,
which the environment escapes.

Articles have their classes in `article_contexts`, pages about one reader in `reader_contexts`. All are named tuples rather than
data classes, because a cold function defines those ten times as fast.
"""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from nightdesk.rendering.process_contexts import Process


class Link(NamedTuple):
    """A label and its target: a path on this site (`/topics/energy/`) or an https URL."""

    label: str
    url: str


class Stamp(NamedTuple):
    """A moment in two forms: `iso` for machines (RFC 3339), `text` for people. Both are in the site's time zone."""

    iso: str
    text: str


class Alternate(NamedTuple):
    """The same article in a language: its URL. `language` is `x-default` for the one that suits all others."""

    language: str
    url: str


class Translation(NamedTuple):
    """A link to the same article in another language, by the name that this language has in itself."""

    label: str
    url: str
    language: str
    direction: str


class PictureSource(NamedTuple):
    """Files of a picture in one format: a media type, a `srcset`, and the media query under which they count; empty for always."""

    type: str
    srcset: str
    media: str


class Picture(NamedTuple):
    """An image and what a page must say about it. The filter `picture` makes HTML of it.

    Attributes:
        src: the path of its largest file in a format that every browser knows; empty as long as it is being prepared.
        ai_label: the label that readers must see if a machine made or altered the image; empty otherwise.
        source_type: URL of the IPTC digital source type; empty if the draft names none.
        width: in CSS pixels, likewise `height`; 0 for a drawing without a size.
        sources: its files by format, in the order in which browsers should choose; the last one is for `img`.
        classes: of the theme, for the colour of its space and the point that crops keep.
    """

    src: str
    alt: str
    caption: str
    credit: str
    ai_label: str
    source_type: str
    width: int
    height: int
    sources: tuple[PictureSource, ...] = ()
    classes: str = ""


class PriceButton(NamedTuple):
    """A price that the reader chooses with its button.

    Attributes:
        id: of the price at the payment provider.
        label: the amount and how often it is paid, as readers see it.
    """

    id: str
    label: str


class OfferBox(NamedTuple):
    """A tier that readers can pay for."""

    tier: str
    label: str
    prices: tuple[PriceButton, ...]


class SiteContext(NamedTuple):
    """The parts of the site's settings that every page shows.

    Attributes:
        direction: `ltr` or `rtl`.
        nav: the links of the header; those of the footer are `footer`, `social` (accounts elsewhere) and `legal`.
        offers: empty if nothing is for sale; likewise `contributions`.
        times: what the page's script needs to show a moment as pages do, as JSON.
    """

    name: str
    tagline: str
    base_url: str
    language: str
    direction: str
    nav: tuple[Link, ...]
    footer: tuple[Link, ...]
    social: tuple[Link, ...]
    legal: tuple[Link, ...]
    support: tuple[Link, ...]
    offers: tuple[OfferBox, ...]
    contributions: tuple[PriceButton, ...]
    times: str


class HeadImage(NamedTuple):
    """The image by which other sites show a page: its URL, media type, width, height and description."""

    url: str
    type: str
    width: int
    height: int
    alt: str


class Head(NamedTuple):
    """The contents of `<head>`.

    Attributes:
        title: with the site's name.
        json_ld: JSON that is safe inside a script element.
        language: of the page's text. The site's frame around it has the site's language.
        direction: `ltr` or `rtl`.
        frame: the attributes of the parts of that frame, where its language is another one.
        words: the attributes of the theme's words in an article whose language it does not speak.
        heading: the title without the site's name, for social cards.
        alternates: the same article in each language, itself included; empty without translations.
        section: the path of the topic to which an article belongs first; empty for other pages.
    """

    title: str
    description: str
    canonical: str
    kind: str
    image: HeadImage | None
    json_ld: Markup
    feeds: tuple[Link, ...]
    published: str
    modified: str
    robots: str
    language: str
    direction: str
    frame: Markup
    heading: str = ""
    section: str = ""
    alternates: tuple[Alternate, ...] = ()
    words: Markup = Markup("")


class AuthorLink(NamedTuple):
    """An author of an article in a list: the name, the author's front, and whether it is an AI persona."""

    label: str
    url: str
    is_ai: bool


class Card(NamedTuple):
    """An article in a list, as the public may see it.

    Attributes:
        language: of an article in another language than the site's; otherwise empty, like `direction`.
        guid: the path by which feeds know the article, whatever its slug is now.
    """

    slug: str
    url: str
    title: str
    dek: str
    date: Stamp
    authors: tuple[AuthorLink, ...]
    topic: Link | None
    image: Picture | None
    access: str
    language: str
    direction: str
    guid: str


class AuthorBox(NamedTuple):
    """An author. `is_ai` marks an AI persona; `responsible_editor` names the person responsible for its work."""

    name: str
    url: str
    bio: Markup
    beat: str
    portrait: Picture | None
    is_ai: bool
    responsible_editor: str


class Correction(NamedTuple):
    """A dated correction. `article` is set on the page that lists the corrections of all articles."""

    date: Stamp
    text: str
    article: Link | None


class ListSection(NamedTuple):
    """A section of the front page: the name and front of a topic, and its articles."""

    topic: Link
    cards: tuple[Card, ...]


class ListContext(NamedTuple):
    """The front page, a topic or author front, or one month of an archive.

    Attributes:
        kind: `home`, `topic`, `author` or `month`.
        author: set on author fronts only.
        sections: of the front page, in its order.
        months: links to the archive's months, newest first.
        updates_topic: id of the topic that the Update box prefers; empty for none.
    """

    site: SiteContext
    head: Head
    kind: str
    heading: str
    intro: Markup
    author: AuthorBox | None
    cards: tuple[Card, ...]
    sections: tuple[ListSection, ...]
    months: tuple[Link, ...]
    updates_topic: str


class DirectoryEntry(NamedTuple):
    """A topic or an author in a directory.

    Attributes:
        note: a topic's summary, or an author's beat.
        portrait: the path of an author's portrait; empty for none.
        articles: how many there are.
        newest: the newest article; None without articles.
    """

    label: str
    url: str
    note: str
    portrait: str
    is_ai: bool
    articles: int
    newest: Link | None
    newest_date: Stamp | None


class DirectoryContext(NamedTuple):
    """The list of all topics, or of all authors."""

    site: SiteContext
    head: Head
    heading: str
    entries: tuple[DirectoryEntry, ...]


class CorrectionsContext(NamedTuple):
    """The corrections page: the newsroom's policy, then the newest corrections of all articles."""

    site: SiteContext
    head: Head
    heading: str
    intro: Markup
    corrections: tuple[Correction, ...]


class NewsletterChoice(NamedTuple):
    """A newsletter that readers can choose when they sign up: its id and its name."""

    id: str
    label: str


class PageContext(NamedTuple):
    """A standing page (about, process, membership) or an error page.

    Attributes:
        form: name of the template in `forms/` to show below the text; empty for none.
        can_sign_in: True if this site can send sign-in mails.
        problem: what was wrong with what the reader entered in the form; empty for nothing.
        return_to: the page to open after signing in, where the page's own address does not name it.
        newsletters: those that readers can choose beside the one that every site has.
        process: for the page about how articles come about; None for others.
    """

    site: SiteContext
    head: Head
    heading: str
    body: Markup
    form: str
    can_sign_in: bool
    problem: str = ""
    return_to: str = ""
    newsletters: tuple[NewsletterChoice, ...] = ()
    process: Process | None = None


class SearchContext(NamedTuple):
    """The search page. `messages` are what its script says, as JSON."""

    site: SiteContext
    head: Head
    heading: str
    messages: str


class UpdateItem(NamedTuple):
    """An update of the ticker. `url` may be empty."""

    id: str
    headline: str
    summary: str
    url: str
    date: Stamp


class UpdatesContext(NamedTuple):
    """The ticker's page, newest update first."""

    site: SiteContext
    head: Head
    heading: str
    updates: tuple[UpdateItem, ...]


class FeedContext(NamedTuple):
    """An RSS 2.0 feed.

    Attributes:
        dates: the date of each card in the form of RFC 822.
        authors: the names of each card's authors.
        descriptions: the summary of each card as HTML, which the template escapes once more as XML.
        categories: the names of each card's topics, and its tags.
        modified: when each article was last updated, RFC 3339; empty for never.
        contents: the public text of each article as HTML, escaped likewise; empty if it is not known or too long. The next
            feed takes it from this one, as the content of `content:encoded`.
        hub: the address of the WebSub hub; empty for none.
    """

    site: SiteContext
    title: str
    description: str
    url: str
    self_url: str
    updated: str
    cards: tuple[Card, ...]
    dates: tuple[str, ...]
    authors: tuple[tuple[str, ...], ...]
    descriptions: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    modified: tuple[str, ...]
    contents: tuple[str, ...]
    hub: str = ""
