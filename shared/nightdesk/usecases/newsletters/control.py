"""What editors do with newsletters: look at an edition before it goes out, send it, hold it, cancel it, and read what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from nightdesk.domain.errors import Conflict, NotFound, Permanent
from nightdesk.domain.events import EditionRequested, TestMailRequested
from nightdesk.domain.memberships import member_id, normalise_address
from nightdesk.domain.newsletters import (
    ARTICLE,
    ARTICLE_PREFIX,
    CANCELLED,
    HELD,
    PLANNED,
    SENDING,
    SENT,
    WRITTEN,
    Edition,
    article_edition_id,
    planned_edition,
)
from nightdesk.domain.site import Site
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters.changes import NO_ADDRESS, change_edition, resume_batches
from nightdesk.usecases.newsletters.digests import digest_edition
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


def no_edition(name: str) -> NotFound:
    """Return the error for a name that stands for no edition."""
    return NotFound(
        f"there is no edition “{name[:80]}”; name one as “nightdesk newsletter list” shows it, the id of a digest, the slug of a live "
        "article, or a file in newsletters/"
    )


def edition_named(name: str, ports: NewsletterPorts) -> Edition:
    """Return a stored edition by its id, or one that could be sent now: of a digest, an article or a text written by hand.

    Raises:
        NotFound: the name stands for none of these.
    """
    if "/" in name:
        stored = editions_table.find_edition(ports.editions, name)
        if not stored:
            raise no_edition(name)
        return stored.edition
    site, now = load_site(ports.pipeline), ports.pipeline.clock()
    digest = next((digest for digest in site.newsletters if digest.id == name), None)
    if digest:
        return digest_edition(digest, f"{now.astimezone(site.zone):%Y-%m-%d}", now, ports)
    return _written(name, site, ports) or _of_article(name, site, ports)


def _written(name: str, site: Site, ports: NewsletterPorts) -> Edition | None:
    found, now = find_written(name, ports.pipeline), ports.pipeline.clock()
    if not found:
        return None
    identifier = f"{name}/{now.astimezone(site.zone):%Y-%m-%d}"
    return planned_edition(identifier, WRITTEN, found.document.title, now, name)


def _of_article(name: str, site: Site, ports: NewsletterPorts) -> Edition:
    slug, now = name.removeprefix(ARTICLE_PREFIX), ports.pipeline.clock()
    source = find_source(slug, site, ports.pipeline)
    if not source:
        raise no_edition(name)
    mailed = editions_table.edition_of_article(ports.editions, source.document.file)
    stored = editions_table.find_edition(ports.editions, mailed) if mailed else None
    if stored:
        return stored.edition
    document = source.document
    identifier = article_edition_id(document.slug, now, site)
    return planned_edition(identifier, ARTICLE, document.title, now, document.slug)


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
    """Have a copy of a stored edition sent to one reader, whatever its state; it counts for nothing.

    Raises:
        Permanent: the edition or the reader does not exist.
    """
    edition = edition_named(name, ports)
    if not editions_table.find_edition(ports.editions, edition.id):
        raise Permanent("a test needs an edition that is stored; “nightdesk newsletter preview” shows it before that")
    member = member_id(normalise_address(address))
    if not memberships_table.find_membership(ports.memberships, member):
        raise Permanent("no reader has this address; sign up on the site first")
    ports.pipeline.bus.emit([TestMailRequested(edition.id, member)])
    return edition


def send(name: str, at: datetime | None, ports: NewsletterPorts) -> Edition:
    """Send an edition: go on with one that is held, or begin one now, or at a moment.

    Raises:
        Permanent: there is no such edition, or it was sent or cancelled.
    """
    edition = edition_named(name, ports)
    if not (load_site(ports.pipeline).postal_address or ports.postal_address):
        raise Permanent(NO_ADDRESS)
    stored = editions_table.find_edition(ports.editions, edition.id)
    if stored:
        edition = _go_on(edition.id, ports)
    else:
        moment = at.isoformat(timespec="seconds") if at else ""
        edition = replace(edition, not_before=moment)
        changes = [editions_table.edition_change(edition, None)]
        if edition.kind == ARTICLE:
            source = find_source(edition.slugs[0], load_site(ports.pipeline), ports.pipeline)
            assert source  # the edition was made of it
            changes.append(editions_table.article_change(source.document.file, edition.id))
        try:
            ports.editions.write(changes)
        except Conflict:  # it was begun at this moment
            edition = _go_on(edition.id, ports)
    ports.pipeline.bus.emit([EditionRequested(edition.id)])
    return edition


def _go_on(identifier: str, ports: NewsletterPorts) -> Edition:
    def resume(edition: Edition) -> Edition:
        if edition.state in (SENT, CANCELLED):
            raise Permanent(f"{identifier} is {edition.state} already")
        state = SENDING if edition.digest else PLANNED
        return replace(edition, state=state, reason="", released=edition.counts) if edition.state == HELD else edition

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

    return _change(identifier, ports, change)


def cancel(identifier: str, ports: NewsletterPorts) -> Edition:
    """Stop an edition for good, and remove its page.

    Raises:
        Permanent: there is no such edition, or all of it was sent.
    """

    def change(edition: Edition) -> Edition:
        if edition.state == SENT:
            raise Permanent(f"{identifier} is sent already")
        return replace(edition, state=CANCELLED, reason="an editor cancelled it")

    edition = _change(identifier, ports, change)
    ports.pipeline.bus.emit([EditionRequested(identifier)])
    return edition


def _change(identifier: str, ports: NewsletterPorts, change: Callable[[Edition], Edition]) -> Edition:
    after = change_edition(identifier, ports, change)
    if not after:
        raise no_edition(identifier)
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
    """Return the recent editions that are held, by an editor or until tomorrow, each with the reason."""
    now = ports.pipeline.clock()
    found = [stored.edition for stored in editions_table.editions(ports.editions, limit)]
    return [
        {"id": edition.id, "reason": _reason(edition, now)}
        for edition in found
        if edition.state == HELD or (edition.state == SENDING and not edition.is_due(now))
    ]
