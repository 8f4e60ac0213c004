"""Pages that list things: fronts, months of archives, directories, corrections and the ticker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from nightdesk.domain.site import Site
from nightdesk.domain.text import sorting_key
from nightdesk.domain.updates import Update
from nightdesk.rendering.contexts import (
    AuthorBox,
    Card,
    Correction,
    CorrectionsContext,
    DirectoryContext,
    DirectoryEntry,
    Link,
    ListContext,
    ListSection,
    UpdateItem,
    UpdatesContext,
)
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import Facts, card, card_image, page_head, site_context
from nightdesk.rendering.structured_data import Data, json_ld
from nightdesk.rendering.structured_lists import collection_page, directory_page, home_page, profile_page
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.times import month_name, stamp

_DIRECTORIES = {"topic": "nav.topics", "author": "nav.authors"}


class ListPage(NamedTuple):
    """What a page of a list shows.

    Attributes:
        kind: `home`, `topic`, `author` or `month`.
        path: of the page; each kind but `month` has a feed below it.
        cards: the public facts of its articles.
        author: set on author fronts.
        months: links to the archive's months.
        sections: of the front page: the name and front of each topic, and the public facts of its articles.
        card: the path of its social card; empty as long as there is none.
    """

    kind: str
    heading: str
    path: str
    cards: Sequence[Facts]
    intro: str = ""
    author: AuthorBox | None = None
    months: Sequence[Link] = ()
    sections: Sequence[tuple[Link, Sequence[Facts]]] = ()
    card: str = ""


def list_html(theme: Theme, site: Site, page: ListPage) -> str:
    """Return a front, or a month of an archive."""
    feed = "" if page.kind == "month" else f"{page.path}feed.xml"
    description = site.tagline if page.kind == "home" else page.intro
    cards = tuple(card(theme.text(site), site, facts) for facts in page.cards)
    sections = tuple(
        ListSection(topic, tuple(card(theme.text(site), site, facts) for facts in found))
        for topic, found in page.sections
    )
    every = [*cards, *(each for section in sections for each in section.cards)]
    head = page_head(site, page.heading, page.path, description, feed)
    context = ListContext(
        site=site_context(theme, site),
        head=head._replace(
            json_ld=json_ld(_described(theme, site, page, every)),
            image=card_image(site, page.card, page.heading) if page.card else None,
        ),
        kind=page.kind,
        heading=page.heading,
        intro=Markup.escape(page.intro),
        author=page.author,
        cards=cards,
        sections=sections,
        months=tuple(page.months),
        updates_topic=page.path.split("/")[2] if page.kind == "topic" else "",
    )
    return theme.render("list.html", context)


def _described(theme: Theme, site: Site, page: ListPage, cards: Sequence[Card]) -> Data:
    """Return what search engines read of a front or a month."""
    if page.kind == "home":
        return home_page(theme, site, cards)
    folder = page.path.split("/")[1]
    directory = [Link(theme.text(site)(f"nav.{folder}"), f"/{folder}/")] if folder in ("topics", "authors") else []
    trail = [*directory, Link(page.heading, page.path)]
    if page.author:
        return profile_page(theme, site, page.author, trail, cards)
    return collection_page(site, trail, cards)


def month_links(text: Catalogue, base: str, months: Sequence[str]) -> list[Link]:
    """Return links to the months of the archive under `base`, such as `/topics/energy/`."""
    return [Link(month_name(text, month), f"{base}{month[:4]}/{month[5:]}/") for month in months]


def directory_html(theme: Theme, site: Site, kind: str, path: str, entries: Sequence[DirectoryEntry]) -> str:
    """Return the page of all topics (`kind` is `topic`) or all authors (`author`), in the order of their names."""
    heading = theme.text(site)(_DIRECTORIES[kind])
    by_name = tuple(sorted(entries, key=lambda entry: sorting_key(entry.label, site.language)))
    head = page_head(site, heading, path)._replace(json_ld=json_ld(directory_page(site, Link(heading, path), by_name)))
    return theme.render("directory.html", DirectoryContext(site_context(theme, site), head, heading, by_name))


def updates_html(theme: Theme, site: Site, updates: Sequence[Update]) -> str:
    """Return the ticker's page."""
    items = tuple(
        UpdateItem(u.id, u.headline, u.summary, u.url, stamp(theme.text(site), site, u.published)) for u in updates
    )  # fmt: skip
    heading = theme.text(site)("nav.updates")
    head = page_head(site, heading, "/updates/")
    return theme.render("updates.html", UpdatesContext(site_context(theme, site), head, heading, items))


def corrections_html(theme: Theme, site: Site, heading: str, intro: str, entries: Sequence[Facts]) -> str:
    """Return the corrections page.

    Args:
        heading: the page's heading; empty for the theme's.
        intro: the newsroom's policy, as sanitised HTML.
        entries: date and text of each correction, and title and slug of its article.
    """
    heading = heading or theme.text(site)("nav.corrections")
    corrections = tuple(
        Correction(stamp(theme.text(site), site, e["date"]), e["text"], Link(e["title"], f"/articles/{e['slug']}/"))
        for e in entries
    )
    head = page_head(site, heading, "/corrections/")
    context = CorrectionsContext(site_context(theme, site), head, heading, Markup(intro), corrections)
    return theme.render("corrections.html", context)
