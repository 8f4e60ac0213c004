"""Names that editors use for editions: of one that is stored, or of one that could be sent now."""

from __future__ import annotations

from nightdesk.domain.errors import NotFound
from nightdesk.domain.newsletters import (
    ARTICLE,
    ARTICLE_PREFIX,
    CANCELLED,
    SENT,
    WRITTEN,
    Edition,
    article_edition_id,
    planned_edition,
)
from nightdesk.domain.site import Site
from nightdesk.repositories import editions_table
from nightdesk.repositories.editions_table import StoredEdition
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters.digests import digest_edition
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sources import find_source, find_written

_RECENT = 1_000
"""How many of the newest editions are searched for one that has ended."""


def no_edition(name: str) -> NotFound:
    """Return the error for a name that stands for no edition."""
    return NotFound(
        f"there is no edition “{name[:80]}”; name one as “nightdesk newsletter list” shows it, the id of a digest, the slug of a live "
        "article, or a file in newsletters/"
    )


def stored_edition(name: str, ports: NewsletterPorts) -> Edition:
    """Return an edition by its id; or the newest one by the first part of its id or by an article's slug, preferring one that has
    not ended.

    Raises:
        NotFound: there is none.
    """
    if "/" in name:
        stored = editions_table.find_edition(ports.editions, name)
    else:
        stored = _waiting(name, ports) or _newest(name, ports)
    if not stored:
        raise NotFound(f"no edition “{name[:80]}” was begun; name one as “nightdesk newsletter list” shows it")
    return stored.edition


def _waiting(name: str, ports: NewsletterPorts) -> StoredEdition | None:
    """Return the newest edition of a name that was begun, perhaps on an earlier day, and has not ended."""
    begun = [each for each in editions_table.begun_editions(ports.editions) if each.startswith(f"{name}/")]
    found = [editions_table.find_edition(ports.editions, each) for each in reversed(begun)]
    return next((each for each in found if each and each.edition.state not in (SENT, CANCELLED)), None)


def _newest(name: str, ports: NewsletterPorts) -> StoredEdition | None:
    """Return the newest edition of a name or of an article's slug, even if it has ended."""
    begun = editions_table.editions(ports.editions, _RECENT)
    names = (name, ARTICLE_PREFIX + name)
    return next((stored for stored in begun if stored.edition.id.partition("/")[0] in names), None)


def edition_named(name: str, ports: NewsletterPorts) -> Edition:
    """Return a stored edition by its id, or one that could be sent now: of a digest, an article or a text written by hand.
    A text that waits for its moment, or is held, is the edition that it was begun as.

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
    waiting = _waiting(name, ports)
    if waiting and waiting.edition.kind == WRITTEN:
        return waiting.edition
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
