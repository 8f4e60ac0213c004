"""What editors do with newsletters: preview an edition, send it, hold it, cancel it, and read its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from nightdesk.domain.documents import EXPIRED, SCHEDULED
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.events import EditionRequested, TestMailRequested
from nightdesk.domain.memberships import member_id, normalise_address
from nightdesk.domain.newsletters import ARTICLE, CANCELLED, HELD, PLANNED, SENDING, SENT, WRITTEN, Edition
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters.changes import NO_ADDRESS, change_edition, resume_batches
from nightdesk.usecases.newsletters.naming import edition_named, stored_edition
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sources import find_source, find_written

if TYPE_CHECKING:
    from nightdesk.rendering.environment import Theme


class Preview(NamedTuple):
    """An edition as readers of a tier would get it now."""

    id: str
    subject: str
    tier: str
    html: str
    text: str


def preview(name: str, tier: str, ports: NewsletterPorts, theme: Theme) -> Preview:
    """Return an edition as readers of a tier would get it now.

    Raises:
        Permanent: there is no such edition or tier, or nothing is left to show.
    """
    from nightdesk.usecases.newsletters.contents import make_contents, sources_of

    site, edition = load_site(ports.pipeline), edition_named(name, ports)
    shown = tier or site.tiers[-1]
    if shown not in site.tiers:
        raise Permanent(f"this site has no tier “{tier[:40]}”; its tiers are {', '.join(site.tiers)}")
    sources = sources_of(edition, site, ports.pipeline)
    if not sources:
        raise Permanent("there is nothing to show: no article of this edition is published")
    contents = make_contents(edition, sources, ports, site, theme)
    mail = contents.mails[shown]
    return Preview(edition.id, contents.subject, shown, mail.html, mail.text)


def send_test(name: str, address: str, ports: NewsletterPorts) -> Edition:
    """Have a copy of an edition sent to one reader, whatever its state, even before it is begun; it counts for nothing.

    Raises:
        Permanent: the edition or the reader does not exist, there is nothing in it, or no postal address is set.
    """
    _require_address(ports)
    edition = _with_contents(edition_named(name, ports))
    member = member_id(normalise_address(address))
    if not memberships_table.find_membership(ports.memberships, member):
        raise Permanent("no reader has this address; sign up on the site first")
    ports.pipeline.bus.emit([TestMailRequested(edition.id, member)])
    return edition


def _with_contents(edition: Edition) -> Edition:
    if not edition.slugs:
        raise Permanent(f"nothing went live since the last edition of {edition.newsletter}")
    return edition


def _require_address(ports: NewsletterPorts) -> None:
    if not (load_site(ports.pipeline).postal_address or ports.postal_address):
        raise Permanent(NO_ADDRESS)


def send(name: str, at: datetime | None, ports: NewsletterPorts) -> Edition:
    """Send an edition: go on with one that is held, or begin one now, or at a moment, which may replace an earlier one.

    Raises:
        Permanent: there is no such edition, it was sent or cancelled, there is nothing in it, or the moment has passed.
    """
    edition = _with_contents(edition_named(name, ports))
    _require_address(ports)
    if at and at <= ports.pipeline.clock():
        raise Permanent(
            f"{at.isoformat(timespec='seconds')} is in the past; name a later moment, or none to send it now"
        )
    moment = _earliest(edition, at, ports)
    stored = editions_table.find_edition(ports.editions, edition.id)
    if stored:
        edition = _go_on(edition.id, moment, ports)
    else:
        # What an editor sends is enough.
        edition = replace(edition, not_before=moment, minimum=1)
        changes = editions_table.new_edition(edition)
        if edition.kind == ARTICLE:
            source = find_source(edition.slugs[0], load_site(ports.pipeline), ports.pipeline)
            assert source  # the edition was made of it
            changes.append(editions_table.article_change(source.document.file, edition.id))
        try:
            ports.editions.write(changes)
        except Conflict:  # it was begun at this moment
            edition = _go_on(edition.id, moment, ports)
    ports.pipeline.bus.emit([EditionRequested(edition.id)])
    return edition


def _earliest(edition: Edition, at: datetime | None, ports: NewsletterPorts) -> str:
    """Return the earliest time at which an edition may be sent, ISO 8601; empty for now. The front matter of a text written by hand applies.

    Raises:
        Permanent: the text is a draft, is scheduled for later than `at`, or has expired by then.
    """
    name, now = edition.id.partition("/")[0], ports.pipeline.clock()
    source = find_written(name, ports.pipeline) if edition.kind == WRITTEN and not edition.digest else None
    begins = at.isoformat(timespec="seconds") if at else ""
    if not source:
        return begins
    file, document = f"newsletters/{name}.md", source.document
    if document.draft:
        raise Permanent(f"{file} is a draft; remove `draft` or `status` from it first")
    if document.state(at or now) == SCHEDULED:
        if at:
            raise Permanent(
                f"{file} must not be sent before {document.goes_live}; choose a later time, or change `publish_at` in the file"
            )
        begins = document.goes_live
    if document.state(datetime.fromisoformat(begins) if begins else now) == EXPIRED:
        raise Permanent(f"{file} will have expired by then; change `expires` in it first")
    return begins


def _go_on(identifier: str, moment: str, ports: NewsletterPorts) -> Edition:
    def resume(edition: Edition) -> Edition:
        if edition.state in (SENT, CANCELLED):
            raise Permanent(f"{identifier} is {edition.state} already")
        has_begun = bool(edition.digest)
        if moment and has_begun:
            raise Permanent(f"{identifier} is being sent already; hold it, and send it again when it is to go on")
        if moment or not (has_begun or edition.state == HELD):
            edition = replace(edition, not_before=moment)
        if edition.state != HELD:
            return edition
        state = SENDING if has_begun else PLANNED
        return replace(edition, state=state, reason="", released=edition.counts, insisted=True)

    edition = _change(identifier, ports, resume)
    resume_batches(edition, ports, everything=True)
    return edition


def hold(identifier: str, ports: NewsletterPorts) -> Edition:
    """Stop an edition until it is sent again. Copies that are on their way arrive.

    Raises:
        Permanent: there is no such edition, or it was sent or cancelled.
    """

    def change(edition: Edition) -> Edition:
        if edition.state in (SENT, CANCELLED):
            raise Permanent(f"{identifier} is {edition.state} already")
        return replace(edition, state=HELD, reason="an editor held it")

    return _change(stored_edition(identifier, ports).id, ports, change)


def cancel(identifier: str, ports: NewsletterPorts) -> Edition:
    """Stop an edition for good, and remove its page.

    Raises:
        Permanent: there is no such edition, or all of it was sent.
    """

    def change(edition: Edition) -> Edition:
        if edition.state == SENT:
            raise Permanent(f"{identifier} is sent already")
        return replace(edition, state=CANCELLED, reason="an editor cancelled it")

    edition = _change(stored_edition(identifier, ports).id, ports, change)
    ports.pipeline.bus.emit([EditionRequested(edition.id)])
    return edition


def _change(identifier: str, ports: NewsletterPorts, change: Callable[[Edition], Edition]) -> Edition:
    after = change_edition(identifier, ports, change)
    assert after  # an edition that was begun is never removed
    return after


def report(edition: Edition, now: datetime) -> dict[str, Any]:
    """Return what became of an edition, as JSON values."""
    counts: Mapping[str, int] = edition.counts
    names = ("mailed", "skipped", "refused", "unsure", "bounced", "complained", "unsubscribed")
    return {
        "id": edition.id,
        "newsletter": edition.newsletter,
        "kind": edition.kind,
        "state": edition.state,
        "reason": _reason(edition, now),
        "subject": edition.subject,
        "at": edition.at,
        "not_before": edition.not_before,
        "articles": list(edition.slugs),
        "recipients": edition.recipients,
        **{name: counts.get(name, 0) for name in names},
    }


def listing(ports: NewsletterPorts, limit: int, before: str = "") -> list[dict[str, Any]]:
    """Return reports of editions, the newest first: those before the edition `before`."""
    now = ports.pipeline.clock()
    return [report(stored.edition, now) for stored in editions_table.editions(ports.editions, limit, before)]


def _reason(edition: Edition, now: datetime) -> str:
    if edition.state != SENDING or edition.is_due(now):
        return edition.reason
    day = edition.not_before[:10]
    return f"held for {day}: {edition.left:,} of {edition.recipients:,} recipients, as `warm_up` limits what goes out in a day"


def held(ports: NewsletterPorts, limit: int) -> list[dict[str, str]]:
    """Return the editions that are held, by an editor or until tomorrow, each with the reason. At most `limit` ended ones are read."""
    now = ports.pipeline.clock()
    found = {stored.edition.id: stored.edition for stored in editions_table.editions(ports.editions, limit)}
    begun = [
        editions_table.find_edition(ports.editions, each) for each in editions_table.begun_editions(ports.editions)
    ]
    found |= {stored.edition.id: stored.edition for stored in begun if stored}
    return [
        {"id": edition.id, "reason": _reason(edition, now)}
        for edition in found.values()
        if edition.state == HELD or (edition.state == SENDING and not edition.is_due(now))
    ]
