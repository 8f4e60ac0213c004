"""Old slugs that another draft has taken: they lead to the article that had them before, until the new one is public.

A claim names the draft whose article moved away from the slug, and the slug that this article has now. The draft keeps both
up to date while others hold the slug (`SlugClaims`). Gate serves the redirect as long as readers cannot get what the
new holder has there, and the pointer comes back if the holder gives the slug up before that.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.domain.documents import NOT_YET_PUBLIC, Document
from nightdesk.domain.site import Site
from nightdesk.ports import Ports, Stat
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import document_key, load_document, load_site
from nightdesk.repositories.records import Claim
from nightdesk.usecases.pipeline.effective import load_effective
from nightdesk.usecases.pipeline.tombstones import store_tombstone, tombstone


def former_article(slug: str, ports: Ports) -> Document | None:
    """Return a pointer to the article that had a slug before the draft that holds it now; None if there is none."""
    claim = articles_table.claim_of(ports.articles, slug)
    return _pointer(slug, claim) if claim else None


def pointer_to_restore(slug: str, claim: Claim, ports: Ports) -> Document | None:
    """Return the pointer to a former article that must come back to a slug when its holder gives it up.

    Args:
        claim: of the holder.

    Returns:
        The pointer; None if there is none, or if the holder's article has been public there.
    """
    pointer = _pointer(slug, claim)
    if not pointer or not _is_unpublished(slug, claim, ports):
        return None
    former = articles_table.draft_record(ports.articles, claim.former)
    return tombstone(slug, claim.leads_to, claim.former, former.first_address if former else "")


def lead_on(pointer: Document, left: Document, seen: Stat | None, last: Claim | None, ports: Ports) -> None:
    """Have a slug that no draft holds lead to where its article is now, so that every earlier address leads there in one step.

    Args:
        pointer: what should be there; a tombstone once the article is gone.
        left: what is there, of the same article.
        seen: what was stored there before the claim was read.
        last: the claim that was released; None if there never was one.

    Raises:
        Conflict: a draft claimed the slug meanwhile.
    """
    if left.moved != pointer.moved:
        store_tombstone(pointer, seen, ports)
    claim = last or Claim("", [])
    former = pointer.file if pointer.moved else ""
    articles_table.correct_claim(
        ports.articles, pointer.slug, claim, claim._replace(former=former, leads_to=pointer.moved)
    )


def leave_to_holder(slug: str, claim: Claim, article: str, keys: Sequence[str], ports: Ports) -> None:
    """Record that a draft knows that another one has its former slug, and where its article is now.

    Args:
        claim: of the other draft.
        article: the slug of the article; empty if it is gone.
        keys: of the draft, and then of those whose article it continues.

    Raises:
        Conflict: the claim changed meanwhile.
    """
    key = keys[0]
    left = claim.acknowledged_by(key)
    if claim.former in keys:
        left = left._replace(former=key, leads_to=article)
    articles_table.correct_claim(ports.articles, slug, claim, left)


def target_of(pointer: Document, site: Site, ports: Ports) -> Document | None:
    """Return the article that an old slug leads to; None if another draft holds the new slug by now."""
    claim = articles_table.claim_of(ports.articles, pointer.moved)
    blob = ports.private.get(document_key(pointer.moved)) if claim and claim.holder == pointer.file else None
    return load_effective(Document.from_bytes(blob.body), site, ports).document if blob else None


def _pointer(slug: str, claim: Claim) -> Document | None:
    is_elsewhere = claim.former not in ("", claim.holder) and claim.leads_to not in ("", slug)
    return tombstone(slug, claim.leads_to, claim.former) if is_elsewhere else None


def _is_unpublished(slug: str, claim: Claim, ports: Ports) -> bool:
    """Return True if readers cannot get yet what the holder of a slug has there."""
    there = load_document(slug, ports)
    if not there or there.file == claim.former:
        return True  # it has stored nothing, or the pointer is back already
    site = load_site(ports)
    document = target_of(there, site, ports) if there.moved else load_effective(there, site, ports).document
    return document is not None and document.state(ports.clock()) in NOT_YET_PUBLIC
