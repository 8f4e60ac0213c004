"""Tombstones and pointers: what stays at a slug that an article gave up."""

from __future__ import annotations

from nightdesk.domain.documents import Document
from nightdesk.ports import Output, Ports, Stat
from nightdesk.repositories.private_bucket import JSON, document_key
from nightdesk.usecases.pipeline.converge import store_over


def write_tombstone(
    slug: str, seen: Stat | None, ports: Ports, article: str = "", key: str = "", first_address: str = ""
) -> None:
    """Store a tombstone at a slug, or a pointer to the slug that the article of the draft at `key` has now.

    Args:
        seen: what was stored there before the claim was read.
        article: the slug to point to; empty for a tombstone.
        key: of the draft that had the slug last. If it comes back under another slug, the tombstone becomes a pointer.
        first_address: by what feeds know the draft's article. An article that takes this slug must not get the same id.
    """
    known = slug if first_address == slug else ""
    left = Document(slug, file=key, first_address=known, withdrawn=True, moved=article)
    store_over(seen, ports.private, Output(document_key(slug), left.to_bytes(), JSON))
