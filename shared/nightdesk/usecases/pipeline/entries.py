"""Entries: from an article's public facts to its record and its entries in lists, and the events that ask for those lists.

Only public facts are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, digest, parse_json
from nightdesk.domain.events import FEEDS, LISTS, PAGES, ArticleIndexed, EntriesChanged, Event
from nightdesk.ports import Blob, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import facts_key
from nightdesk.repositories.records import ArticleRecord
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.related import related_facts

_PER_TRANSACTION = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""


class EntriesUpdate(NamedTuple):
    """What an article's record says after an update of its entries.

    Attributes:
        generation: as in `ArticleRecord`.
        pending: places whose lists must be refreshed; none if all lists show this generation.
        reach: where readers see what changed, as in `EntriesChanged`.
    """

    slug: str
    generation: int
    pending: tuple[str, ...]
    reach: str = PAGES


class _Update(NamedTuple):
    """An article's record after an update, and where readers see what changed."""

    record: ArticleRecord
    reach: str = PAGES


class _FactsAsRead:
    """The turn of a run that writes a record over the one that it has read. The run keeps it as long as the facts do not change either.

    An unchanged record is not proof enough. While this run works, the facts may change back to what the record says. The run that
    their event starts then finds nothing to write, and this one would record what the facts no longer are.
    """

    def __init__(self, slug: str, ports: Ports) -> None:
        self._key = facts_key(slug)
        self._objects = ports.private
        self._version = ""

    def take(self) -> None:
        """Do nothing: what is read first is the record."""

    def read(self) -> Blob | None:
        """Read the facts."""
        blob = self._objects.get(self._key)
        self._version = blob.version if blob else ""
        return blob

    def is_kept(self) -> bool:
        """Return whether the facts are still those that were read."""
        stat = self._objects.stat(self._key)
        return (stat.version if stat else "") == self._version


def update_entries(slug: str, ports: Ports) -> EntriesUpdate | None:
    """Write an article's record and entries to match its facts; None if there are no facts.

    The record counts its changes in `generation`, which never repeats, so A, B, A is not mistaken for no change.
    """

    facts_as_read = _FactsAsRead(slug, ports)

    def read() -> tuple[ArticleRecord | None, Blob | None]:
        before = articles_table.article_record(ports.articles, slug)
        return before, facts_as_read.read()

    def apply(inputs: tuple[ArticleRecord | None, Blob | None]) -> tuple[_Update | None, bool]:
        before, blob = inputs
        if not blob:
            return None, False
        facts = parse_json(blob.body) | {"digest": digest(blob.body)}
        if before and before.facts == facts["digest"]:
            return _Update(before), False
        record = _next_record(facts, before)
        _write(slug, facts, record, before, ports)
        return _Update(record, _reach(record, before)), True

    update = converge(read, apply, facts_as_read).value
    if not update:
        return None
    record = update.record
    pending = () if record.is_complete else tuple(record.pending)
    return EntriesUpdate(slug, record.generation, pending, update.reach)


def _next_record(facts: Mapping[str, Any], before: ArticleRecord | None) -> ArticleRecord:
    """Return the record of a new generation."""
    digests = [card_digest(card) for card in facts["cards"]]
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


def card_digest(card: Mapping[str, Any]) -> str:
    """Return digests of three parts of a card: what pages of other articles show, what lists show, and the text in feeds."""
    listed = {name: value for name, value in card.items() if name != "text"}
    parts = [digest(canonical_json(part))[:32] for part in (related_facts(card), listed)]
    return "-".join([*parts, card.get("text", "")])


def _reach(record: ArticleRecord, before: ArticleRecord | None) -> str:
    """Return where readers see what changed in the places whose lists are to be refreshed.

    An earlier change whose lists are not complete may have been another one.
    """
    if not before or not before.is_complete:
        return PAGES
    pairs = [
        (before.places.get(place, "").split("-"), record.places.get(place, "").split("-")) for place in record.pending
    ]
    if any(old[0] != new[0] for old, new in pairs):
        return PAGES
    return LISTS if any(old[1] != new[1] for old, new in pairs) else FEEDS


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


def request_lists(updates: Iterable[EntriesUpdate], ports: Ports) -> None:
    """Request the lists that articles entered or left; sends the events.

    Each article has its own message, which names the places. A run that dies after overwriting a newer list with an
    older one must be repeated with the same places, although another run may have completed the article meanwhile.
    """
    events: list[Event] = []
    for update in updates:
        if update.pending:
            events.append(EntriesChanged(update.slug, update.generation, list(update.pending), update.reach))
        else:
            events.append(ArticleIndexed(update.slug, []))
    ports.bus.emit(events)
