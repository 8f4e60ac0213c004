"""Tombstones and pointers: what stays at a slug that an article gave up."""

from __future__ import annotations

from nightdesk.domain.documents import Document
from nightdesk.ports import Output, Ports, Stat
from nightdesk.repositories.private_bucket import JSON, document_key
from nightdesk.usecases.pipeline.converge import store_over


def tombstone(slug: str, article: str = "", key: str = "", first_address: str = "") -> Document:
    """Return the tombstone at a slug, or the pointer to the slug that the article of the draft at `key` has now.

    Args:
        article: the slug to point to; empty for a tombstone.
        key: of the draft that had the slug last. If it comes back under another slug, the tombstone becomes a pointer.
        first_address: by what feeds know the draft's article. An article that takes this slug must not get the same id.
    """
    known = slug if first_address == slug else ""
    return Document(slug, file=key, first_address=known, withdrawn=True, moved=article)


def store_tombstone(left: Document, seen: Stat | None, ports: Ports) -> None:
    """Store a tombstone or a pointer over what was stored at its slug before the claim was read."""
    store_over(seen, ports.private, Output(document_key(left.slug), left.to_bytes(), JSON))
