"""The data that `article.html` receives (see `contexts`)."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from nightdesk.rendering.contexts import (
    AuthorBox,
    Card,
    Correction,
    Head,
    Link,
    Picture,
    SiteContext,
    Stamp,
    Translation,
)


class Gate(NamedTuple):
    """A closed gate: its teaser and the link that opens it. It never holds the passage.

    Attributes:
        mark: the class of the element in which the passage would be (see `structured_data`).
        sign_in: the link for a reader who has the tier already; None for one who is signed in.
        anchor: the same on the page where the gate is open, so a reader who signs in returns to the same place.
    """

    teaser: Markup
    tier: str
    tier_label: str
    action: Link
    sign_in: Link | None
    anchor: str
    mark: str


class Passage(NamedTuple):
    """A passage that this reader may see. `tier` is the tier of its gate; empty for text outside any gate.

    Attributes:
        mark: the class of its element; empty for text that everyone may see.
    """

    html: Markup
    tier: str
    tier_label: str
    anchor: str
    mark: str


class TocEntry(NamedTuple):
    """A heading in the table of contents: its anchor, text and level (2 or 3)."""

    anchor: str
    text: str
    level: int


class Source(NamedTuple):
    """A documented source. `url` is empty if this reader may not see the link."""

    title: str
    publisher: str
    date: str
    note: str
    url: str


class SourcesBox(NamedTuple):
    """The sources of an article.

    Attributes:
        locked: True if there are links that this reader may not see.
        readers: what those of the tier that unlocks them are called.
        action: the link to where a reader gets that tier.
        sign_in: as for a `Gate`.
    """

    items: tuple[Source, ...]
    publishers: tuple[str, ...]
    locked: bool
    readers: str
    action: Link
    sign_in: Link | None


class ProductionBox(NamedTuple):
    """How the article was produced.

    Attributes:
        ai_roles: what AI did, as phrases.
        written_by_ai: True if an AI persona is among the authors.
        ai_used: True if AI took part: in a role that the draft names, or with a passage that everyone may see.
        responsible: the person who took responsibility with an approval that is still valid; empty if there is none.
    """

    ai_roles: tuple[str, ...]
    reviewed_by: str
    reviewed_at: Stamp | None
    statement: str
    process: Link
    written_by_ai: bool
    responsible: str
    ai_used: bool = False


class RelatedBox(NamedTuple):
    """A few earlier articles of the same topic or author, and a link to all of them."""

    heading: str
    cards: tuple[Card, ...]
    see_all: Link


class ArticleContext(NamedTuple):
    """The page of an article for one tier.

    Attributes:
        updates_topic: id of the topic that the Update box prefers; empty for none.
        paywalled: the class of the whole text, if the article is closed as a whole and this reader may see it; else empty.
        footnotes: the list of notes that the visible text refers to; empty if there are none.
        preview: True if the article is not published and the reader came by a preview link.
        translations: links to the same article in other languages.
        support: links to support the site; readers who pay already get none to the membership page.
        frames: the origins of the players that the page may load, for its content security policy.
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
    paywalled: str
    footnotes: Markup
    sources: SourcesBox | None
    production: ProductionBox | None
    corrections: tuple[Correction, ...]
    related: tuple[RelatedBox, ...]
    preview: bool
    support: tuple[Link, ...]
    frames: tuple[str, ...] = ()
    translations: tuple[Translation, ...] = ()
