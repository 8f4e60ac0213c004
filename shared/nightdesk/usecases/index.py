"""Index: from an article's public facts to its record, and to every list, feed and front that names it.

In two steps: `enter` and `tell` bring the table in line and ask for lists, `finish` makes them. Sees only what the public
sees. `lists` makes the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical, digest, parsed
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site import Site
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge
from .lists import FOLDERS, months_of, refresh, refresh_directory
from .ports import Change, Event, Item, Ports
from .related import RELATED, digest_cards, earlier_cards
from .stored import load_site

_ATTEMPTS = 3
_PER_TRANSACTION = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""


class Listed(NamedTuple):
    """What the table now says of an article: the places whose lists are to be made (none when all of it was done before).

    Args:
        stale: whether the article's page shows something of others that has changed.
    """

    slug: str
    turn: int
    pending: tuple[str, ...]
    stale: bool = False


def tell(entered: Iterable[Listed], ports: Ports) -> None:
    """Ask for the lists that entered articles stand in; sends the events.

    Each is asked for by a message of its own, which names the places. For a run that makes a list may die when it has
    overwritten a newer page, and must then be done again, though others have settled the article meanwhile.
    """
    events = []
    for listed in entered:
        if listed.pending:
            places = list(listed.pending)
            events.append(Event("ArticleEntered", {"slug": listed.slug, "turn": listed.turn, "places": places}))
        else:
            events.append(Event("ArticleIndexed", {"slug": listed.slug, "paths": []}))
        if listed.stale:
            events.append(Event("ArticleTouched", {"slug": listed.slug}))
    ports.bus.emit(events)


def finish(entered: Sequence[Listed], ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Make the lists that entered articles stand in, each once, send the events, and settle the articles' records.

    Returns:
        The paths that may have changed.
    """
    pending = [place for listed in entered for place in listed.pending]
    if not pending:
        return ()
    paths: list[str] = []

    def write(site: Site) -> bool:
        paths[:] = [
            path for name, months in months_of(pending).items() for path in refresh(name, months, site, ports, theme)
        ]
        if any(place.startswith(tuple(f"{kind}:" for kind in FOLDERS)) for place in pending):
            paths.extend(refresh_directory(kind, site, ports, theme) for kind in FOLDERS)
        return True

    converge(lambda: load_site(ports), lambda site: site, write)
    touched = set().union(*(_neighbours(listed, ports) for listed in entered))
    told = [Event("ArticleIndexed", {"slug": listed.slug, "paths": []}) for listed in entered[1:]]
    told += [Event("ArticleIndexed", {"slug": listed.slug, "paths": paths}) for listed in entered[:1]]
    ports.bus.emit([*told, *(Event("ArticleTouched", {"slug": slug}) for slug in sorted(touched))])
    for listed in entered:
        _settle(listed, ports)
    return tuple(paths)


def enter(slug: str, ports: Ports) -> Listed | None:
    """Write an article's record and entries. None where there are no facts.

    The record counts its changes in `turn`; `settled` is the last turn whose lists have been made and told of. A turn is
    never the same twice, so A, B, A is not mistaken for nothing having happened.
    """

    def read() -> bytes | None:
        blob = ports.work.get(f"facts/{slug}.json")
        return blob.body if blob else None

    def make(raw: bytes | None) -> Mapping[str, Any] | None:
        return parsed(raw) | {"digest": digest(raw)} if raw else None

    state: list[Item] = []

    def write(facts: Mapping[str, Any] | None) -> bool:
        if not facts:
            return False
        before = catalogue.record(ports.articles, slug)
        if before and before["facts"] == facts["digest"]:
            state[:] = [before]
            return False
        state[:] = [_enter(slug, facts, before, ports)]
        return True

    facts = converge(read, make, write)
    if not facts:
        return None
    item = state[0]
    pending = tuple(item["pending"]) if item["turn"] != item["settled"] else ()
    return Listed(slug, item["turn"], pending, _outdated(facts["shows"], ports))


def _enter(slug: str, facts: Mapping[str, Any], before: Item | None, ports: Ports) -> Item:
    """Write what changed of an article's entries, and its record; the record as it is then."""
    cards = {place: facts["cards"][number] for place, number in facts["places"].items()}
    digests = [digest(canonical(card))[:16] for card in facts["cards"]]
    marks = {place: digests[number] for place, number in facts["places"].items()}
    old: dict[str, str] = before["places"] if before else {}
    unsettled = before["pending"] if before and before["settled"] != before["turn"] else []
    moved = {place for place in {*marks, *old} if marks.get(place) != old.get(place)}
    pending = sorted({*moved, *unsettled})
    turn = before["turn"] + 1 if before else 1
    item = {
        "facts": facts["digest"],
        "document": facts["document"],
        "state": facts["state"],
        "places": marks,
        "pending": pending,
        "turn": turn,
        # Nothing to list, as of a change of the text alone, is settled by this very write.
        "settled": turn if not pending else before["settled"] if before else 0,
    }
    entries = iter(catalogue.entry_changes({p: cards.get(p) for p in pending}))
    version = before["version"] if before else None
    while True:
        chunk = list(islice(entries, _PER_TRANSACTION - 1))
        # More than fit into one transaction: until the last, the record names what is being done, and holds no facts.
        full = len(chunk) == _PER_TRANSACTION - 1
        record = {**item, "places": old, "facts": ""} if full else item
        ports.articles.write([Change(f"article#{slug}", catalogue.RECORD, record, version), *chunk])
        version = (version or 0) + 1
        if not full:
            return item


def _outdated(shows: Mapping[str, Any], ports: Ports) -> bool:
    """Whether what an article's page shows of others has changed since the page was made.

    A change of a profile, or of an earlier article, asks those articles to be gated again that are in the lists. One
    that entered a list only after that, with a page made before, would be missed; so whoever enters looks once more.
    """
    for key, known in shows["profiles"].items():
        stat = ports.work.stat(key)
        if (stat.metadata.get("digest", "") if stat else "") != known:
            return True
    earlier = {name: earlier_cards(name, shows["place"], ports) for name in shows["earlier"]}
    return bool(digest_cards(earlier) != shows["earlier"])


def _settle(listed: Listed, ports: Ports) -> None:
    """Record that a turn's lists are made. Whoever was first has settled this very turn, or has begun another.

    Raises:
        Conflict: neither is so.
    """
    for _ in range(_ATTEMPTS):
        record = catalogue.record(ports.articles, listed.slug)
        if not record or record["turn"] != listed.turn or record["settled"] == listed.turn:
            return
        item = {k: v for k, v in record.items() if k not in ("pk", "sk", "version")} | {"settled": listed.turn}
        with suppress(Conflict):
            return ports.articles.write([Change(record["pk"], record["sk"], item, record["version"])])
    raise Conflict(f"{listed.slug} could not be settled")


def _neighbours(listed: Listed, ports: Ports) -> set[str]:
    """The few articles that come after this one, where it stood and where it stands: they name it as earlier."""
    found: set[str] = set()
    for place in listed.pending:
        name, sort_key = catalogue.split_entry(place)
        if name.partition(":")[0] in FOLDERS:
            found.update(
                entry["card"]["slug"] for entry in catalogue.following(ports.articles, name, sort_key, RELATED)
            )
    return found - {listed.slug}
