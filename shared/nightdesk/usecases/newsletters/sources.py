"""What an edition can show: the articles that readers can get now, and texts that were written as editions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.documents import EXPIRED, LIVE, Document, digest
from nightdesk.domain.newsletters import DIGEST, WRITTEN, Edition
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import article_etag, decisions_key, document_key, written_key
from nightdesk.usecases.pipeline.effective import load_effective

_MOST_MOVES = 8


class Source(NamedTuple):
    """An article that readers can get now, or a text that was written as an edition.

    Attributes:
        etag: changes with what the draft and the editors say.
    """

    document: Document
    etag: str


def find_source(slug: str, site: Site, ports: Ports) -> Source | None:
    """Return the article at a slug, or where it has moved to; None if readers cannot get it now."""
    for _ in range(_MOST_MOVES):
        blob = ports.private.get(document_key(slug))
        if not blob:
            return None
        rendered = Document.from_bytes(blob.body)
        if not rendered.moved:
            etag = article_etag(blob, ports.private.get(decisions_key(slug)))
            document = load_effective(rendered, site, ports).document
            return Source(document, etag) if document.state(ports.clock()) == LIVE else None
        slug = rendered.moved
    return None


def find_written(name: str, ports: Ports) -> Source | None:
    """Return the text of an edition that was written by hand; None if there is none."""
    blob = ports.private.get(written_key(name)) or ports.private.get(written_key(name, in_folder=True))
    return Source(Document.from_bytes(blob.body), digest(blob.body)) if blob else None


def sources_of(edition: Edition, site: Site, ports: Ports) -> dict[str, Source]:
    """Return what an edition shows and readers can get now, by the slugs that it names."""
    if edition.kind == WRITTEN:
        written = find_written(edition.id.partition("/")[0], ports)
        if not written:
            return {}
        document = replace(written.document, date=written.document.date or edition.at)
        return {edition.slugs[0]: written._replace(document=document)}
    found = {slug: find_source(slug, site, ports) for slug in edition.slugs}
    return {slug: source for slug, source in found.items() if source}


def etags_of(sources: Mapping[str, Source]) -> dict[str, str]:
    """Return the ETag of each article, by slug."""
    return {slug: source.etag for slug, source in sources.items()}


def is_enough(edition: Edition, sources: Mapping[str, Source]) -> bool:
    """Return True if there is enough left to send: a digest needs as many articles as its settings say."""
    return len(sources) >= (edition.minimum if edition.kind == DIGEST else 1)


def is_stopped(edition: Edition, sources: Mapping[str, Source], now: datetime) -> bool:
    """Return True if an edition by hand shows a text that its author has made a draft, or that has expired."""
    texts = [source.document for source in sources.values()] if edition.kind == WRITTEN else []
    return any(text.draft or text.state(now) == EXPIRED for text in texts)
