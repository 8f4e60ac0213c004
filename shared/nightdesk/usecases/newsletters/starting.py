"""Which editions there are to be: one for each article that is mailed by itself, and digests at their times."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from nightdesk.domain.errors import Conflict
from nightdesk.domain.newsletters import (
    ARTICLE,
    CANCELLED,
    LATE,
    SENT,
    Edition,
    article_edition_id,
    last_due,
    planned_edition,
)
from nightdesk.domain.site import Digest, Site
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, editions_table
from nightdesk.repositories.editions_table import Window
from nightdesk.repositories.private_bucket import decisions_from, decisions_key, load_site
from nightdesk.usecases.newsletters.digests import RECENT, digest_edition, first_since
from nightdesk.usecases.newsletters.planning import plan
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sources import Source, find_source

_NEWS = timedelta(days=2)
"""How long after an article went live it is still mailed. So neither a rebuild nor a later `newsletter: true` mails an old article."""
_SAME_DAY = 9
_JUST_SET_UP = timedelta(minutes=15)
"""How long before the settings are seen a digest may have been due first."""


def mail_article(slug: str, ports: NewsletterPorts, theme: Theme) -> str:
    """Mail an article to the readers of the newsletter, unless it was mailed before; continue if an earlier run has died.

    Returns:
        The id of its edition; empty if it is not to be mailed.
    """
    site = load_site(ports.pipeline)
    source = find_source(slug, site, ports.pipeline)
    if not source or not source.document.newsletter or not ports.mailer:
        return ""
    draft = source.document.file
    record = articles_table.draft_record(ports.pipeline.articles, draft)
    # Or as it was filed before: it is the same article.
    drafts = (draft, *(record.predecessors if record else ()))
    editions = (editions_table.edition_of_article(ports.editions, each) for each in drafts)
    identifier = next(filter(None, editions), "")
    if not identifier:
        if not _is_news(source, record.accepted_since if record else "", ports):
            return ""
        identifier = _start_article(source, site, ports)
    plan(identifier, ports, theme)
    return identifier


def _start_article(source: Source, site: Site, ports: NewsletterPorts) -> str:
    """Record the edition of an article, and return its id; of two runs that do this, both get the same."""
    document, now = source.document, ports.pipeline.clock()
    for number in range(1, _SAME_DAY + 1):
        # Another article may have had this slug today.
        slug = document.slug if number == 1 else f"{document.slug}-{number}"
        edition = planned_edition(article_edition_id(slug, now, site), ARTICLE, document.title, now, document.slug)
        changes = [editions_table.article_change(document.file, edition.id), *editions_table.new_edition(edition)]
        try:
            ports.editions.write(changes)
            return edition.id
        except Conflict:
            started = editions_table.edition_of_article(ports.editions, document.file)
            if started:
                return started
    raise Conflict(f"{document.slug} was mailed often enough today")


def _is_news(source: Source, accepted: str, ports: NewsletterPorts) -> bool:
    """Return True if something made the article public just now: the first version of its file, its date, or an editor's decision.

    Args:
        accepted: when that version arrived (ISO 8601); empty if it is not known.
    """
    document, now = source.document, ports.pipeline.clock()
    decisions = decisions_from(ports.pipeline.private.get(decisions_key(document.slug)))
    approved = decisions.approval.at if decisions.approval else ""
    stated = (accepted, document.goes_live, approved, decisions.published, decisions.publish_at)
    return any(now - _NEWS <= datetime.fromisoformat(text) <= now for text in stated if text)


def start_digests(ports: NewsletterPorts, theme: Theme) -> list[str]:
    """Plan each digest that is due and has no edition yet. Returns the ids of the editions that were begun."""
    site = load_site(ports.pipeline)
    started = [_start_digest(digest, site, ports) for digest in site.newsletters] if ports.mailer else []
    for identifier in filter(None, started):
        plan(identifier, ports, theme)
    return [identifier for identifier in started if identifier]


def _start_digest(digest: Digest, site: Site, ports: NewsletterPorts) -> str:
    """Record the edition of a digest that is due, and return its id; empty if none is due, or there is too little for one."""
    now = ports.pipeline.clock()
    due = last_due(digest, site, now)
    window = editions_table.window(ports.editions, digest.id)
    if not due or due[1] < now - LATE:
        return ""
    day, moment = due
    identifier = f"{digest.id}/{day}"
    if window.version is None:
        window = _see(digest, moment, ports)
    if moment <= datetime.fromisoformat(window.until) or editions_table.find_edition(ports.editions, identifier):
        return ""
    edition = digest_edition(digest, day, moment, ports)
    if len(edition.slugs) < digest.minimum:
        return ""
    changes = [
        *editions_table.new_edition(edition),
        editions_table.window_change(digest.id, window._replace(until=moment.isoformat(), sent=True)),
    ]
    try:
        ports.editions.write(changes)
    except Conflict:  # another run has begun it
        return ""
    return identifier


def _see(digest: Digest, moment: datetime, ports: NewsletterPorts) -> Window:
    """Record a new digest. If it was set up after its time of day, it begins the next day."""
    now = ports.pipeline.clock()
    began = first_since(moment)
    until = moment.isoformat() if moment < now - _JUST_SET_UP else began
    changes = [editions_table.window_change(digest.id, Window(until, began))]
    with contextlib.suppress(Conflict):  # another run has seen it
        ports.editions.write(changes)
    return editions_table.window(ports.editions, digest.id)


def unfinished(ports: NewsletterPorts) -> list[Edition]:
    """Return the editions that must be planned further, or have batches that were not sent; forget those that have ended."""
    # An earlier release recorded no beginnings.
    found = {stored.edition.id: stored.edition for stored in editions_table.editions(ports.editions, RECENT)}
    for identifier in editions_table.begun_editions(ports.editions):
        stored = editions_table.find_edition(ports.editions, identifier)
        if stored and stored.edition.state not in (SENT, CANCELLED):
            found[identifier] = stored.edition
        else:
            ports.editions.write([editions_table.end_change(identifier)])
    return [edition for edition in found.values() if edition.is_open]


def continue_editions(ports: NewsletterPorts, theme: Theme) -> list[str]:
    """Plan what an earlier run left undone, and have batches sent whose run died. Returns the ids of the editions."""
    found = unfinished(ports)
    for edition in found:
        plan(edition.id, ports, theme)
    return [edition.id for edition in found]
