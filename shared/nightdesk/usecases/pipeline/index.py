"""Index: the lists, feeds and fronts that articles entered or left are made again. Only public facts are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from nightdesk.domain.events import FEEDS, PAGES, ArticleIndexed, RegateRequested
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.entries import EntriesUpdate
from nightdesk.usecases.pipeline.lists import Shared, refresh_directories, refresh_list
from nightdesk.usecases.pipeline.llms import LlmsFile
from nightdesk.usecases.pipeline.places import (
    DIRECTORIES,
    LIST_FOLDERS,
    TRANSLATIONS,
    has_topic_or_author,
    kind_of,
    months_of,
    turn_of,
)
from nightdesk.usecases.pipeline.related import RELATED
from nightdesk.usecases.pipeline.translations import slugs_around
from nightdesk.usecases.pipeline.turns import Turns

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
    months = {name: set[str]() for name in months_of(pending)} | months_of(shown)
    directories = [DIRECTORIES] if has_topic_or_author(shown) else []
    with Turns([*map(turn_of, months), *directories], ports) as turns:
        shared = Shared(turns, {}, {})
        paths = _make_lists(months, bool(directories), shared, ports, theme)
        neighbours = _following([update for update in updates if update.reach == PAGES], shared, ports)
        # One of the events carries the paths of all, which are invalidated once.
        indexed = [ArticleIndexed(update.slug, []) for update in updates[1:]]
        indexed.append(ArticleIndexed(updates[0].slug, paths))
        ports.bus.emit([*indexed, *(RegateRequested(slug) for slug in sorted(neighbours))])
        _complete_all(updates, turns, ports)
    return tuple(paths)


def _make_lists(
    months: Mapping[str, set[str]], directories: bool, shared: Shared, ports: Ports, theme: Theme
) -> list[str]:  # fmt: skip
    """Make some months of each list, the fronts and the feeds, and what else shows them. Returns the paths.

    Args:
        directories: whether to make those of topics and authors.
        shared: with the turns at all of these.
    """
    llms = LlmsFile(ports, theme)

    def make(names: Iterable[str], site: Site, shared: Shared | None) -> list[str]:
        paths = [path for name in names for path in refresh_list(name, months[name], site, ports, theme, shared)]
        if directories:
            paths += refresh_directories(site, ports, theme, shared)
        llms.refresh(site)
        return paths

    site = load_site(ports)
    paths = make(months, site, shared)
    has_changed = cache(lambda: load_site(ports) != site)
    changed = shared.turns.changed(has_changed)
    if changed or (site.llms and has_changed()):
        again = [name for name in months if turn_of(name) in changed]
        paths += converge(lambda: load_site(ports), lambda site: (make(again, site, None), True)).value
    return list(dict.fromkeys(paths))


def _following(updates: Sequence[EntriesUpdate], shared: Shared, ports: Ports) -> set[str]:
    """Return the articles that may name some others, where these were and where they are now: the few that come after each,
    and its translations."""

    def around(found: tuple[str, str]) -> set[str]:
        slug, place = found
        name, sort_key = articles_table.split_entry(place)
        if kind_of(name) == TRANSLATIONS:
            return slugs_around(name, ports) - {slug}
        entries = articles_table.following_among(*shared.newest.get(name, ([], False)), sort_key, RELATED)
        if entries is None:
            entries = articles_table.following(ports.articles, name, sort_key, RELATED)
        return {entry.card["slug"] for entry in entries} - {slug}

    places = [
        (update.slug, place)
        for update in updates
        for place in update.pending
        if kind_of(articles_table.split_entry(place)[0]) in (*LIST_FOLDERS, TRANSLATIONS)
    ]
    return set[str]().union(*ports.in_parallel(around, places))


def _complete_all(updates: Sequence[EntriesUpdate], turns: Turns, ports: Ports) -> None:
    """Complete the articles' records and end the turns, with one write if no other run comes between.

    Raises:
        Transient: a record changed during every attempt.
    """
    records = articles_table.article_records(ports.articles, [update.slug for update in updates])
    changes = {
        update.slug: articles_table.article_change(
            update.slug, record._replace(completed_generation=update.generation), record.version
        )
        for update, record in zip(updates, records, strict=True)
        if record and record.generation == update.generation and not record.is_complete
    }
    if not turns.leave(list(changes.values())):
        for update in updates:
            complete(update, ports)


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
