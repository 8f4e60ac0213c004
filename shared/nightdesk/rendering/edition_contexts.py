"""The data that the mails and pages of newsletters receive (see `contexts`)."""

from __future__ import annotations

from typing import NamedTuple

from nightdesk.rendering.article_contexts import ArticleContext
from nightdesk.rendering.contexts import Card, Head, Link, SiteContext, Stamp


class EditionMailContext(NamedTuple):
    """A newsletter as readers of one tier get it.

    Attributes:
        newsletter: its name.
        preheader: what mail programs show beside the subject.
        article: the one article that it mails, as the tier may see it; None for one that names several.
        cards: the articles that it names.
        in_browser: the address at which it can be read in a browser; likewise of the choices and of unsubscribing.
        postal_address: the newsroom's, one line each.
    """

    site: SiteContext
    language: str
    direction: str
    newsletter: str
    subject: str
    preheader: str
    article: ArticleContext | None
    cards: tuple[Card, ...]
    in_browser: str
    choices: str
    unsubscribe: str
    postal_address: tuple[str, ...]


class EditionPageContext(NamedTuple):
    """The page of a newsletter that was sent, as the public may see it."""

    site: SiteContext
    head: Head
    heading: str
    newsletter: str
    date: Stamp
    article: ArticleContext | None
    cards: tuple[Card, ...]
    archive: Link


class ArchiveEntry(NamedTuple):
    """A newsletter in the list of all that were sent."""

    link: Link
    newsletter: str
    date: Stamp


class ArchiveContext(NamedTuple):
    """A list of newsletters that were sent, newest first: the latest ones, or those of a year.

    Attributes:
        years: links to the list of each year; empty if this list has every newsletter.
    """

    site: SiteContext
    head: Head
    heading: str
    entries: tuple[ArchiveEntry, ...]
    years: tuple[Link, ...] = ()
