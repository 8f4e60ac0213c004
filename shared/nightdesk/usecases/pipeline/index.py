"""Index: the lists, feeds and fronts that articles entered or left are made again. Only public facts are read."""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.domain.events import FEEDS, PAGES, ArticleIndexed, RegateRequested
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.entries import EntriesUpdate
from nightdesk.usecases.pipeline.lists import refresh_directories, refresh_list
from nightdesk.usecases.pipeline.llms import LlmsFile
from nightdesk.usecases.pipeline.places import LIST_FOLDERS, TRANSLATIONS, has_topic_or_author, kind_of, months_of
from nightdesk.usecases.pipeline.related import RELATED
from nightdesk.usecases.pipeline.translations import slugs_around

_ATTEMPTS = 3


def refresh_lists(updates: Sequence[EntriesUpdate], ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Refresh the lists that articles entered or left, each list once; send the events; complete the articles' records.

    Returns:
        The paths that may have changed.
    """
    pending = [place for update in updates for place in update.pending]
    if not pending:
        return ()
    shown = [place for update in updates if update.reach != FEEDS for place in update.pending]
    llms = LlmsFile(ports, theme)

    def apply(site: Site) -> tuple[list[str], bool]:
        months = {name: set[str]() for name in months_of(pending)} | months_of(shown)
        texts: dict[str, str] = {}
        paths = [path for name in months for path in refresh_list(name, months[name], site, ports, theme, texts)]
        if has_topic_or_author(shown):
            paths += refresh_directories(site, ports, theme)
        llms.refresh(site)
        return paths, True

    paths = converge(lambda: load_site(ports), apply).value
    neighbours = set[str]().union(*(_following(update, ports) for update in updates if update.reach == PAGES))
    # One of the events carries the paths of all, which are invalidated once.
    indexed = [ArticleIndexed(update.slug, []) for update in updates[1:]]
    indexed.append(ArticleIndexed(updates[0].slug, paths))
    ports.bus.emit([*indexed, *(RegateRequested(slug) for slug in sorted(neighbours))])
    for update in updates:
        complete(update, ports)
    return tuple(paths)


def _following(update: EntriesUpdate, ports: Ports) -> set[str]:
    """Return the articles that may name this one, where it was and where it is now: the few that come after it, and its
    translations."""
    found: set[str] = set()
    for place in update.pending:
        name, sort_key = articles_table.split_entry(place)
        if kind_of(name) in LIST_FOLDERS:
            entries = articles_table.following(ports.articles, name, sort_key, RELATED)
            found.update(entry.card["slug"] for entry in entries)
        elif kind_of(name) == TRANSLATIONS:
            found |= slugs_around(name, ports)
    return found - {update.slug}


def complete(update: EntriesUpdate, ports: Ports) -> None:
    """Record that a generation's lists are made, unless another run has recorded that or begun a later generation.

    Raises:
        Transient: the record changed during every attempt.
    """

    def attempt() -> None:
        record = articles_table.article_record(ports.articles, update.slug)
        if record and record.generation == update.generation and not record.is_complete:
            done = record._replace(completed_generation=update.generation)
            ports.articles.write([articles_table.article_change(update.slug, done, record.version)])

    compare_and_swap(attempt, f"the record of {update.slug}", _ATTEMPTS)
