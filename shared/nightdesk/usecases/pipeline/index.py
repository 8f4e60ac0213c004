"""Index: the lists, feeds and fronts that articles entered or left are made again. Only public facts are read."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

from nightdesk.domain.documents import parse_json
from nightdesk.domain.events import FEEDS, PAGES, ArticleIndexed, RegateRequested
from nightdesk.domain.site import Site
from nightdesk.ports import Ports, answer
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.feeds import by_digest
from nightdesk.repositories import articles_table, newest_entries
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.list_records import ListRecord, read_records
from nightdesk.repositories.private_bucket import facts_key, load_site
from nightdesk.repositories.records import ArticleRecord
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.entries import EntriesUpdate
from nightdesk.usecases.pipeline.lists import Shared, refresh_directories, refresh_list
from nightdesk.usecases.pipeline.llms import LlmsFile
from nightdesk.usecases.pipeline.outdated import to_be_shown
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
from nightdesk.usecases.pipeline.turns import Turns, take_turns, turn_of_article

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
        begin = _read_beginnings(updates, months, ports)
        shared = Shared(turns, begin.records, begin.texts)
        make = _Lists(months, bool(directories), ports, theme)
        paths, records = make.once([update.slug for update in updates], begin.site, shared)
        seen = [update for update in updates if update.reach == PAGES]
        neighbours = _outdated({update.slug for update in updates}, begin.facts, shared, ports)
        neighbours |= _outdated_followers(seen, shared, ports) | dict.fromkeys(_translations(seen, ports), "")
        # One of the events carries the paths of all, which are invalidated once.
        indexed = [ArticleIndexed(update.slug, []) for update in updates[1:]]
        indexed.append(ArticleIndexed(updates[0].slug, paths))
        ports.bus.emit([*indexed, *(RegateRequested(slug, shows=shows) for slug, shows in sorted(neighbours.items()))])
        _complete_all(updates, records, turns, ports)
    return tuple(paths)


class _Beginnings(NamedTuple):
    """What is read first: the settings, the articles' facts by slug and their texts by digest, and what is recorded of the lists."""

    site: Site
    facts: Mapping[str, Mapping[str, Any]]
    texts: Mapping[str, str]
    records: Mapping[str, ListRecord]


def _read_beginnings(updates: Sequence[EntriesUpdate], months: Iterable[str], ports: Ports) -> _Beginnings:
    slugs = list(dict.fromkeys(update.slug for update in updates))
    lists = [name for name in months if name == "all" or kind_of(name) in LIST_FOLDERS]
    calls: list[Callable[[], Any]] = [partial(load_site, ports), partial(read_records, ports.articles, lists)]
    calls += [partial(ports.private.get, facts_key(slug)) for slug in slugs]
    site, records, *blobs = ports.in_parallel(answer, calls)
    facts = {slug: parse_json(blob.body) for slug, blob in zip(slugs, blobs, strict=True) if blob}
    texts = by_digest(found["text"] for found in facts.values() if "text" in found)
    return _Beginnings(site, facts, texts, records)


class _Lists:
    """Makes some months of each list, the fronts and the feeds, and what else shows them.

    Args:
        directories: whether to make those of topics and authors.
    """

    def __init__(self, months: Mapping[str, set[str]], directories: bool, ports: Ports, theme: Theme) -> None:
        self._months, self._directories, self._ports, self._theme = months, directories, ports, theme
        self._llms = LlmsFile(ports, theme)

    def once(
        self, slugs: Iterable[str], site: Site, shared: Shared
    ) -> tuple[list[str], list[ArticleRecord | None]]:  # fmt: skip
        """Make all, and some again if other runs were at work.

        Args:
            site: the settings, read after the turns were taken.
            shared: with the turns at all lists.

        Returns:
            The paths, and the records of the articles with these slugs, read after the lists were made.
        """
        ports, paths = self._ports, self._make(self._months, site, shared)
        has_changed = cache(lambda: load_site(ports) != site)
        keys = [articles_table.record_key(slug) for slug in slugs]
        changed, items = shared.turns.changed_and_read(keys, has_changed)
        if changed or (site.llms and has_changed()):
            again = [name for name in self._months if turn_of(name) in changed]
            paths += converge(lambda: load_site(ports), lambda site: (self._make(again, site, None), True)).value
        return list(dict.fromkeys(paths)), [articles_table.record_of(item) for item in items]

    def _make(self, names: Iterable[str], site: Site, shared: Shared | None) -> list[str]:
        ports, theme = self._ports, self._theme
        made = ports.in_parallel(lambda name: refresh_list(name, self._months[name], site, ports, theme, shared), names)
        paths = list(chain.from_iterable(made))
        if self._directories:
            paths += refresh_directories(site, ports, theme, shared)
        self._llms.refresh(site)
        return paths


def _outdated(
    slugs: Iterable[str], facts: Mapping[str, Mapping[str, Any]], shared: Shared, ports: Ports
) -> dict[str, str]:  # fmt: skip
    """Return the articles whose pages show something of others that has changed since, each with a digest of what it must show."""
    known = sorted(set(slugs) & set(facts))
    wanted = ports.in_parallel(lambda slug: to_be_shown(slug, facts[slug]["shows"], shared, ports), known)
    return {slug: shows for slug, shows in zip(known, wanted, strict=True) if shows}


def _outdated_followers(updates: Sequence[EntriesUpdate], shared: Shared, ports: Ports) -> dict[str, str]:
    """Return the articles whose "More in" boxes must be made again, as `_outdated` does: of the few that come after each, those that show something else.

    A run of `gate` may be about to store a page that it made before. So its turn is taken from it before its facts are read: what it
    writes after that, it checks.
    """
    following = sorted(_following(updates, shared, ports))
    if not following:
        return {}
    take_turns([turn_of_article(slug) for slug in following], ports)
    blobs = ports.in_parallel(ports.private.get, [facts_key(slug) for slug in following])
    facts = {slug: parse_json(blob.body) for slug, blob in zip(following, blobs, strict=True) if blob}
    return _outdated(following, facts, shared, ports) | dict.fromkeys(set(following) - set(facts), "")


def _following(updates: Sequence[EntriesUpdate], shared: Shared, ports: Ports) -> set[str]:
    """Return the articles that may name some others: the few that come after each, where it was and where it is now."""

    def after(found: tuple[str, str]) -> set[str]:
        slug, place = found
        name, sort_key = articles_table.split_entry(place)
        entries = newest_entries.following(*shared.newest.get(name, ([], False)), sort_key, RELATED)
        if entries is None:
            entries = articles_table.following(ports.articles, name, sort_key, RELATED)
        return {entry.card["slug"] for entry in entries} - {slug}

    return set[str]().union(*ports.in_parallel(after, _places(updates, LIST_FOLDERS)))


def _translations(updates: Sequence[EntriesUpdate], ports: Ports) -> set[str]:
    """Return the other versions of some articles."""

    def around(found: tuple[str, str]) -> set[str]:
        slug, place = found
        return slugs_around(articles_table.split_entry(place)[0], ports) - {slug}

    return set[str]().union(*ports.in_parallel(around, _places(updates, (TRANSLATIONS,))))


def _places(updates: Sequence[EntriesUpdate], kinds: Container[str]) -> list[tuple[str, str]]:
    """Return the places of some kinds of lists that articles entered or left, each with the article's slug."""
    places = [(update.slug, place) for update in updates for place in update.pending]
    return [each for each in places if kind_of(articles_table.split_entry(each[1])[0]) in kinds]


def _complete_all(
    updates: Sequence[EntriesUpdate], records: Sequence[ArticleRecord | None], turns: Turns, ports: Ports
) -> None:
    """Complete the articles' records and end the turns, with one write if no other run comes between.

    Args:
        records: as they were read when the lists were made.

    Raises:
        Transient: a record changed during every attempt.
    """
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
