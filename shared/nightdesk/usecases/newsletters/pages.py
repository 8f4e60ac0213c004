"""The pages of editions on the site, and the list of all of them. They show what the public may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from nightdesk.domain.events import PagesWritten
from nightdesk.domain.newsletters import CANCELLED, Edition
from nightdesk.domain.site import PUBLIC
from nightdesk.domain.site_paths import key_of
from nightdesk.domain.views import view
from nightdesk.ports import Output
from nightdesk.rendering.edition_mail import ARCHIVE_PATH, archive_page, edition_page
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.standing_pages import gone_html
from nightdesk.repositories import articles_table, editions_table
from nightdesk.repositories.editions_table import StoredEdition
from nightdesk.repositories.private_bucket import HTML, load_site
from nightdesk.usecases.newsletters.changes import change_edition
from nightdesk.usecases.newsletters.contents import store_images, what_it_shows
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sources import is_enough, sources_of
from nightdesk.usecases.pipeline.converge import converge, store
from nightdesk.usecases.pipeline.list_outputs import site_page

_MOST_LISTED = 365
"""How many editions the main list has; once there are more, each year has a list."""
_GONE = {"status": "410"}


def refresh_pages(editions: Iterable[Edition], ports: NewsletterPorts, theme: Theme) -> list[str]:
    """Make the pages of editions, and the list of all, match the articles as they are now; sends the event.

    Returns:
        The paths that may have changed.
    """
    changed = list(editions)
    paths = [_refresh_page(edition, ports, theme) for edition in changed]
    if not paths:
        return []
    paths += _refresh_archive({_year(edition) for edition in changed}, ports, theme)
    ports.pipeline.bus.emit([PagesWritten(paths)])
    return paths


def _refresh_page(edition: Edition, ports: NewsletterPorts, theme: Theme) -> str:
    def make() -> _Page:
        site = load_site(ports.pipeline)
        sources = sources_of(edition, site, ports.pipeline)
        if not sources or edition.state == CANCELLED or not is_enough(edition, sources):
            gone = site_page(edition.path, gone_html(theme, site))
            return _Page(Output(gone.key, gone.body, HTML, gone.cache_control, {**gone.metadata, **_GONE}), "", True)
        shown = what_it_shows(edition, sources, ports, site, theme)
        store_images(shown, ports.pipeline)
        public = view(shown.text.article.document, PUBLIC, site) if shown.text.article else None
        page = site_page(edition.path, edition_page(theme, site, shown.text, public))
        return _Page(page, shown.text.edition.subject, False)

    def write(page: _Page) -> tuple[None, bool]:
        is_stored, changes = store(ports.pipeline.site, page.output), list[bool]()

        def describe(found: Edition) -> Edition:
            changes.append(page.describe(found) != found)
            return page.describe(found)

        change_edition(edition.id, ports, describe)
        return None, is_stored or changes[-1:] == [True]

    converge(make, write)
    return edition.path


class _Page(NamedTuple):
    """The page of an edition, and what the list of all says of it."""

    output: Output
    heading: str
    is_gone: bool

    def describe(self, edition: Edition) -> Edition:
        """Return the edition as the list is to show it."""
        heading = "" if self.heading == edition.subject else self.heading
        return replace(edition, heading=heading, is_gone=self.is_gone)


class _List(NamedTuple):
    """A page that lists editions, and the years to whose lists it links."""

    output: Output
    years: tuple[str, ...]


def _refresh_archive(changed: Collection[str], ports: NewsletterPorts, theme: Theme) -> list[str]:
    """Make the list of the newest editions and, once there are more, the lists of years that changed or do not exist yet.

    Returns:
        The paths that may have changed.
    """
    table, paths = ports.editions, [ARCHIVE_PATH]
    years = _refresh_list(ARCHIVE_PATH, lambda: editions_table.editions(table, _MOST_LISTED), ports, theme)
    for year in years:
        path = f"{ARCHIVE_PATH}{year}/"
        if year in changed or not ports.pipeline.site.stat(key_of(path)):
            _refresh_list(path, partial(editions_table.editions_of_year, table, year), ports, theme)
            paths.append(path)
    return paths


def _refresh_list(
    path: str, find: Callable[[], Sequence[StoredEdition]], ports: NewsletterPorts, theme: Theme
) -> tuple[str, ...]:
    """Make a page that lists editions, and return the years to whose lists it links."""

    def make() -> _List:
        found = find()
        listed = [
            replace(stored.edition, subject=stored.edition.heading or stored.edition.subject)
            for stored in found
            if stored.edition.digest and stored.edition.state != CANCELLED and not stored.edition.is_gone
        ]
        years = _listed_years(found, ports) if path == ARCHIVE_PATH else ()
        page = archive_page(theme, load_site(ports.pipeline), listed, path, years)
        return _List(site_page(path, page), years)

    return converge(make, lambda made: (None, store(ports.pipeline.site, made.output))).inputs.years


def _year(edition: Edition) -> str:
    return edition.id.partition("/")[2][:4]


def _listed_years(newest: Sequence[StoredEdition], ports: NewsletterPorts) -> tuple[str, ...]:
    """Return the years that have a list, newest first; none while the main list has every edition."""
    if len(newest) < _MOST_LISTED:
        return ()
    first = editions_table.first_edition(ports.editions)
    last = _year(newest[0].edition)
    return tuple(map(str, range(int(last), int(_year(first.edition) if first else last) - 1, -1)))


def ensure_archive(ports: NewsletterPorts, theme: Theme) -> None:
    """Make the list of all editions, if the page of newsletters links to it and it was never made."""
    if load_site(ports.pipeline).newsletters and not ports.pipeline.site.stat(key_of(ARCHIVE_PATH)):
        ports.pipeline.bus.emit([PagesWritten(_refresh_archive((), ports, theme))])


def refresh_showing(slug: str, ports: NewsletterPorts, theme: Theme) -> list[str]:
    """Make the pages of the editions that show an article again, after it is gone or back."""
    found = [stored.edition for stored in editions_table.editions(ports.editions)]
    if not found:
        return []
    names = {slug, *articles_table.old_slugs(ports.pipeline.articles, slug)}
    return refresh_pages([edition for edition in found if not names.isdisjoint(edition.slugs)], ports, theme)
