"""Reconcile: compare the site with what the drafts say, and request that whatever differs is made again.

Each stage's outputs are compared with what the stage would make of its inputs: documents with the drafts and their history, pages and facts with
the documents and the editors' decisions, entries with the facts, and lists with the entries. So if nothing differs, the site follows
from the drafts. Reconcile makes no page itself: it sends the events after which the stages do. It works after a disaster as on any other
night: what is repaired first is what the rest is made from.

The comparison goes through the buckets and the table in slices, each of which takes as much memory and time in a large archive as in a small one. Where
a slice ends is all that the next one must know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from nightdesk.domain.events import (
    ArticleRendered,
    ArticleWithdrawn,
    PagesWritten,
    PictureRequested,
    RelistRequested,
    RenderRequested,
    RereadRequested,
    SiteChanged,
    SocialCardRequested,
)
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import document_key
from nightdesk.usecases.pipeline.lost_entries import reopen_record
from nightdesk.usecases.pipeline.reconcile_articles import compare_articles
from nightdesk.usecases.pipeline.reconcile_files import compare_files, compare_profiles, compare_updates
from nightdesk.usecases.pipeline.reconcile_lists import (
    compare_common,
    compare_entries,
    compare_lists,
    compare_others,
)
from nightdesk.usecases.pipeline.reconciled import Differences, Slice, merged
from nightdesk.usecases.pipeline.tombstones import store_tombstone, tombstone

_PER_EVENT = 100


class Position(NamedTuple):
    """Where a comparison goes on: the part, and the key in it after which the next slice begins; empty for the beginning."""

    part: str
    after: str = ""


PARTS = ("files", "profiles", "updates", "articles", "entries", "lists", "common", "others")
"""What is compared, in the order in which one is made from the other."""


def _compare(at: Position, ports: Ports, theme: Theme) -> Slice:
    calls: Mapping[str, Callable[[], Slice]] = {
        "files": partial(compare_files, at.after, ports),
        "profiles": partial(compare_profiles, at.after, ports),
        "updates": partial(compare_updates, at.after, ports),
        "articles": partial(compare_articles, at.after, ports, theme),
        "entries": partial(compare_entries, at.after, ports),
        "lists": partial(compare_lists, at.after, ports, theme),
        "common": partial(compare_common, ports, theme),
        "others": partial(compare_others, at.after, ports, theme),
    }
    return calls[at.part]()


def compare_slice(at: Position, ports: Ports, theme: Theme) -> tuple[Differences, Position | None]:
    """Compare one slice. Changes nothing.

    Returns:
        What differs in it, and where the next one begins; None at the end.
    """
    found, after = _compare(at, ports, theme)
    if after is not None:
        return found, Position(at.part, after)
    following = PARTS[PARTS.index(at.part) + 1 :]
    return found, Position(following[0]) if following else None


def slices(ports: Ports, theme: Theme) -> Iterator[Differences]:
    """Yield what differs in each slice."""
    at: Position | None = Position(PARTS[0])
    while at:
        found, at = compare_slice(at, ports, theme)
        yield found


def compare(ports: Ports, theme: Theme) -> Differences:
    """Compare the tables, the site and its cache with what the drafts say. Changes nothing."""
    return merged(slices(ports, theme))


def request_repairs(found: Differences, ports: Ports) -> None:
    """Request everything that differs to be made again; sends the events."""
    drafts = set(found.drafts)
    for slug in found.orphans:
        # Read before the claim: a draft that claims the slug meanwhile writes its document, and the tombstone conflicts.
        seen = ports.private.stat(document_key(slug))
        claim = articles_table.claim_of(ports.articles, slug)
        if claim:
            drafts.add(claim.holder)
        else:
            store_tombstone(tombstone(slug), seen, ports)
            ports.bus.emit([ArticleWithdrawn(slug)])
    ports.bus.emit([RenderRequested(key) for key in sorted(drafts)])
    for slug, places in found.entries:
        reopen_record(slug, places, ports)
    ports.bus.emit([ArticleRendered(slug, 0) for slug in sorted({*found.articles, *dict(found.entries)})])
    ports.bus.emit([RelistRequested(name) for name in found.lists])
    ports.bus.emit([SiteChanged()] if found.common_pages else [])
    ports.bus.emit([PagesWritten(paths) for paths in _chunks(found.stale)])
    ports.bus.emit([PictureRequested(*picture) for picture in found.pictures])
    ports.bus.emit([SocialCardRequested(page, card) for page, card in found.social_cards])
    ports.bus.emit([RereadRequested(keys) for keys in _chunks(found.updates)])


def _chunks(names: Sequence[str]) -> list[list[str]]:
    return [list(names[start : start + _PER_EVENT]) for start in range(0, len(names), _PER_EVENT)]
