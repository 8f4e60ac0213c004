"""Index: from an article's public facts to its record and entries, and to every list, feed and front that shows it.

`update_entries` and `request_lists` update the table and request the lists; `refresh_lists` makes them. Only public facts
are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, digest, parse_json
from nightdesk.domain.events import ArticleIndexed, EntriesChanged, Event, RegateRequested
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.private_bucket import facts_key, load_site
from nightdesk.repositories.records import ArticleRecord
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.lists import refresh_directories, refresh_list
from nightdesk.usecases.pipeline.places import LIST_FOLDERS, has_topic_or_author, kind_of, months_of
from nightdesk.usecases.pipeline.related import RELATED, digest_cards, earlier_cards

_ATTEMPTS = 3
_PER_TRANSACTION = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""


class EntriesUpdate(NamedTuple):
    """What an article's record says after an update of its entries.

    Attributes:
        generation: as in `ArticleRecord`.
        pending: places whose lists must be refreshed; none if all lists show this generation.
        stale: whether the article's page shows something of others that has changed since.
        feeds_only: whether only the feeds of these lists show what changed.
    """

    slug: str
    generation: int
    pending: tuple[str, ...]
    stale: bool = False
    feeds_only: bool = False


class _Update(NamedTuple):
    """An article's facts, its record after the update, and whether only feeds show what changed."""

    facts: Mapping[str, Any]
    record: ArticleRecord
    feeds_only: bool = False


def update_entries(slug: str, ports: Ports) -> EntriesUpdate | None:
    """Write an article's record and entries to match its facts; None if there are no facts.

    The record counts its changes in `generation`, which never repeats, so A, B, A is not mistaken for no change.
    """

    def read() -> bytes | None:
        blob = ports.private.get(facts_key(slug))
        return blob.body if blob else None

    def apply(raw: bytes | None) -> tuple[_Update | None, bool]:
        if not raw:
            return None, False
        facts = parse_json(raw) | {"digest": digest(raw)}
        before = articles_table.article_record(ports.articles, slug)
        if before and before.facts == facts["digest"]:
            return _Update(facts, before), False
        record = _next_record(facts, before)
        _write(slug, facts, record, before, ports)
        return _Update(facts, record, _only_text_changed(record, before)), True

    update = converge(read, apply).value
    if not update:
        return None
    record = update.record
    pending = () if record.is_complete else tuple(record.pending)
    return EntriesUpdate(
        slug, record.generation, pending, _is_outdated(update.facts["shows"], ports), update.feeds_only
    )


def _next_record(facts: Mapping[str, Any], before: ArticleRecord | None) -> ArticleRecord:
    """Return the record of a new generation."""
    digests = [_card_digest(card) for card in facts["cards"]]
    places = {place: digests[number] for place, number in facts["places"].items()}
    old: dict[str, str] = before.places if before else {}
    incomplete = before.pending if before and not before.is_complete else []
    changed = {place for place in {*places, *old} if places.get(place) != old.get(place)}
    pending = sorted({*changed, *incomplete})
    generation = before.generation + 1 if before else 1
    return ArticleRecord(
        facts=facts["digest"],
        document=facts["document"],
        state=facts["state"],
        places=places,
        pending=pending,
        generation=generation,
        # If no list changes, as when only the text did, this write completes the generation.
        completed_generation=generation if not pending else before.completed_generation if before else 0,
    )


def _card_digest(card: Mapping[str, Any]) -> str:
    """Return a digest of a card: a part for what lists show, and one for the text that only feeds show."""
    shown = digest(canonical_json({name: value for name, value in card.items() if name != "text"}))[:16]
    return f"{shown}-{card['text']}" if "text" in card else shown


def _only_text_changed(record: ArticleRecord, before: ArticleRecord | None) -> bool:
    """Return True if each place whose lists are to be refreshed shows the same card as before, apart from its text.

    An earlier change whose lists are not complete may have been another one.
    """
    if not before or not before.is_complete:
        return False
    pairs = ((before.places.get(place, ""), record.places.get(place, "")) for place in record.pending)
    return all(old and old.partition("-")[0] == new.partition("-")[0] for old, new in pairs)


def _write(
    slug: str, facts: Mapping[str, Any], record: ArticleRecord, before: ArticleRecord | None, ports: Ports
) -> None:  # fmt: skip
    """Write a record with the entries that it changes, in as many transactions as that takes.

    Until the last of them, the record names what is pending but holds no facts, so that a run that dies is repeated.

    Raises:
        Conflict: another run wrote the record meanwhile.
    """
    cards = {place: facts["cards"][number] for place, number in facts["places"].items()}
    entries = iter(articles_table.entry_changes({place: cards.get(place) for place in record.pending}))
    version = before.version if before else None
    unfinished = record._replace(places=before.places if before else {}, facts="")
    while True:
        chunk = list(islice(entries, _PER_TRANSACTION - 1))
        more = len(chunk) == _PER_TRANSACTION - 1
        ports.articles.write([articles_table.article_change(slug, unfinished if more else record, version), *chunk])
        version = (version or 0) + 1
        if not more:
            return


def _is_outdated(shows: Mapping[str, Any], ports: Ports) -> bool:
    """Return True if something that an article's page shows of others has changed since the page was made.

    A changed profile or article requests the pages of the articles that are in its lists. An article that enters a list
    only after that, with a page made before it, would be missed; hence this comparison once it is in the list.
    """
    for key, known in shows["profiles"].items():
        stat = ports.private.stat(key)
        if (stat.metadata.get("digest", "") if stat else "") != known:
            return True
    earlier = {name: earlier_cards(name, shows["place"], ports) for name in shows["earlier"]}
    return bool(digest_cards(earlier) != shows["earlier"])


def request_lists(updates: Iterable[EntriesUpdate], ports: Ports) -> None:
    """Request the lists that articles entered or left; sends the events.

    Each article has its own message, which names the places. A run that dies after overwriting a newer list with an
    older one must be repeated with the same places, although another run may have completed the article meanwhile.
    """
    events: list[Event] = []
    for update in updates:
        if update.pending:
            events.append(EntriesChanged(update.slug, update.generation, list(update.pending), update.feeds_only))
        else:
            events.append(ArticleIndexed(update.slug, []))
        if update.stale:
            events.append(RegateRequested(update.slug))
    ports.bus.emit(events)


def refresh_lists(updates: Sequence[EntriesUpdate], ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Refresh the lists that articles entered or left, each list once; send the events; complete the articles' records.

    Returns:
        The paths that may have changed.
    """
    pending = [place for update in updates for place in update.pending]
    if not pending:
        return ()
    shown = [place for update in updates if not update.feeds_only for place in update.pending]

    def apply(site: Site) -> tuple[list[str], bool]:
        months = {name: set[str]() for name in months_of(pending)} | months_of(shown)
        texts: dict[str, str] = {}
        paths = [path for name in months for path in refresh_list(name, months[name], site, ports, theme, texts)]
        if has_topic_or_author(shown):
            paths += refresh_directories(site, ports, theme)
        return paths, True

    paths = converge(lambda: load_site(ports), apply).value
    neighbours = set[str]().union(*(_following(update, ports) for update in updates if not update.feeds_only))
    # One of the events carries the paths of all, which are invalidated once.
    indexed = [ArticleIndexed(update.slug, []) for update in updates[1:]]
    indexed.append(ArticleIndexed(updates[0].slug, paths))
    ports.bus.emit([*indexed, *(RegateRequested(slug) for slug in sorted(neighbours))])
    for update in updates:
        _complete(update, ports)
    return tuple(paths)


def _following(update: EntriesUpdate, ports: Ports) -> set[str]:
    """Return the few articles after this one, where it was and where it is now: they may name it as an earlier one."""
    found: set[str] = set()
    for place in update.pending:
        name, sort_key = articles_table.split_entry(place)
        if kind_of(name) in LIST_FOLDERS:
            entries = articles_table.following(ports.articles, name, sort_key, RELATED)
            found.update(entry.card["slug"] for entry in entries)
    return found - {update.slug}


def _complete(update: EntriesUpdate, ports: Ports) -> None:
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
