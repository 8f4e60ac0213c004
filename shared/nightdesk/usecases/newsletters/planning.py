"""Planning: which readers get an edition, and in which batches.

A plan is a row of small steps. Each is one conditional write that says where the next one begins, so a run that dies is continued
by another, and two runs of one plan never do a step twice. Readers are read a page at a time, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import EditionRequested
from nightdesk.domain.memberships import Membership
from nightdesk.domain.newsletters import CANCELLED, HELD, SENDING
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.editions_table import Batch, StoredEdition
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters.changes import NO_ADDRESS, NOTHING_LEFT, batch_events, resume_batches
from nightdesk.usecases.newsletters.contents import PicturesAwaited, current_contents, load_contents
from nightdesk.usecases.newsletters.pages import refresh_pages
from nightdesk.usecases.newsletters.ports import NewsletterPorts

_PAGE_SIZE = 500
"""Readers that one step looks at."""
_BATCH_SIZE = 50
"""Recipients of one message."""
_PATIENCE = timedelta(minutes=4)
"""How long an edition waits for images that are being prepared, which takes seconds: so the next schedule, at most, sends it without."""
_STEPS = 40
"""Steps of one run, which then asks for another one."""


def plan(identifier: str, ports: NewsletterPorts, theme: Theme) -> None:
    """Plan an edition, from wherever an earlier run left it; sends the events."""
    stored = editions_table.find_edition(ports.editions, identifier)
    if stored and stored.edition.state == CANCELLED:
        refresh_pages([stored.edition], ports, theme)
    is_due = stored is not None and stored.edition.is_due(ports.pipeline.clock())
    if stored and not is_due and not stored.edition.digest:
        return
    if stored and stored.edition.is_open and not stored.edition.digest:
        stored = _freeze(stored, ports, theme)
    if not stored or not stored.edition.is_open:
        return
    if is_due:
        resume_batches(stored.edition, ports)
    for _ in range(_STEPS):
        if stored.edition.listed:
            return
        stored = _list_page(stored, ports)
        if not stored or not stored.edition.is_open:
            return
    ports.pipeline.bus.emit([EditionRequested(identifier)])


def _freeze(stored: StoredEdition, ports: NewsletterPorts, theme: Theme) -> StoredEdition | None:
    """Make the mails of an edition and its page, and begin to send it; hold or cancel it if that is not possible."""
    edition = stored.edition
    site = load_site(ports.pipeline)
    known, now = load_contents(edition, ports.pipeline), ports.pipeline.clock()
    try:
        contents = current_contents(edition, known, ports, theme, patient=now < edition.begins + _PATIENCE)
    except PicturesAwaited:
        return None  # it is planned when they are there (`ArticleGated`), or by the schedule
    if not contents:
        after = replace(edition, state=CANCELLED, reason=NOTHING_LEFT[edition.kind])
    elif not (site.postal_address or ports.postal_address):
        after = replace(edition, state=HELD, subject=contents.subject, reason=NO_ADDRESS)
    else:
        after = replace(edition, state=SENDING, subject=contents.subject, digest=contents.digest)
    try:
        ports.editions.write([editions_table.edition_change(after, stored.version)])
    except Conflict:  # another run did the same, or an editor held it
        return editions_table.find_edition(ports.editions, edition.id)
    if after.digest:
        refresh_pages([after], ports, theme)
    return StoredEdition(after, stored.version + 1)


def _list_page(stored: StoredEdition, ports: NewsletterPorts) -> StoredEdition | None:
    """Look at one page of readers, and write the batches of those who get the edition."""
    edition, now = stored.edition, ports.pipeline.clock()
    site = load_site(ports.pipeline)
    page = memberships_table.memberships(ports.memberships, edition.cursor, _PAGE_SIZE)

    def gets(membership: Membership) -> bool:
        tier = membership.entitlement(site, now).tier
        return membership.receives(edition.newsletter) and (not edition.tiers or tier in edition.tiers)

    members = [member for member, membership in page if gets(membership)]
    due = int(now.timestamp())
    batches = [
        Batch(edition.batches + number, tuple(some), due=due) for number, some in enumerate(_batched(members), start=1)
    ]
    after = replace(
        edition,
        cursor=page[-1][0] if page else edition.cursor,
        listed=len(page) < _PAGE_SIZE,
        recipients=edition.recipients + len(members),
        batches=edition.batches + len(batches),
    ).finished()
    changes = [editions_table.edition_change(after, stored.version)]
    changes += [editions_table.batch_change(edition.id, batch) for batch in batches]
    try:
        ports.editions.write(changes)
    except Conflict:  # another run looked at this page, a batch was finished, or an editor decided something
        return editions_table.find_edition(ports.editions, edition.id)
    ports.pipeline.bus.emit(batch_events(edition, batches))
    return StoredEdition(after, stored.version + 1)


def _batched(members: Sequence[str]) -> Iterable[Sequence[str]]:
    return (members[start : start + _BATCH_SIZE] for start in range(0, len(members), _BATCH_SIZE))
