"""Changes of an edition, and requests to send its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import BatchPlanned
from nightdesk.domain.newsletters import ARTICLE, DIGEST, WRITTEN, Edition
from nightdesk.repositories import editions_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.editions_table import Batch
from nightdesk.usecases.newsletters.ports import NewsletterPorts

LEASE_SECONDS = 120
"""How long a run may be at work on a recipient or on a batch: twice the timeout of the functions."""
NO_ADDRESS = "no postal address: set `postal_address` in site.yaml, then send the edition"
NOTHING_LEFT = {
    ARTICLE: "its article is no longer published",
    DIGEST: "too few of its articles are still published",
    WRITTEN: "its text is no longer in newsletters/, is a draft, or has expired",
}
"""Why an edition of a kind is cancelled that has too little to show."""


def change_edition(
    identifier: str, ports: NewsletterPorts, change: Callable[[Edition], Edition]
) -> Edition | None:  # fmt: skip
    """Change an edition and return the result; None if there is no such edition. Nothing is written if it stays the same."""

    def attempt() -> Edition | None:
        stored = editions_table.find_edition(ports.editions, identifier)
        if not stored:
            return None
        after = change(stored.edition)
        if after != stored.edition:
            ports.editions.write([editions_table.edition_change(after, stored.version)])
        return after

    return compare_and_swap(attempt, "the edition")


def batch_events(edition: Edition, batches: Iterable[Batch]) -> list[BatchPlanned]:
    """Return the events that have batches sent."""
    return [BatchPlanned(edition.id, batch.number, "yes" if edition.is_urgent else "") for batch in batches]


def resume_batches(edition: Edition, ports: NewsletterPorts, everything: bool = False) -> int:
    """Have batches sent whose message was lost, or whose run died or gave up; sends the events.

    Args:
        everything: also those that another run may still be at work on.

    Returns:
        How many there are.
    """
    if not edition.batches:
        return 0
    now = int(ports.pipeline.clock().timestamp())
    found = []
    for batch in editions_table.batches(ports.editions, edition.id):
        if batch.done or not (everything or batch.due + LEASE_SECONDS <= now):
            continue
        try:
            ports.editions.write([editions_table.batch_change(edition.id, batch._replace(due=now))])
        except Conflict:  # another run has just done this
            continue
        found.append(batch)
    if found:
        ports.pipeline.bus.emit(batch_events(edition, found))
    return len(found)
