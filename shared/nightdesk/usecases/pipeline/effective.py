"""The article as readers get it: its newest version, or the last approved one while the newest awaits an approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

from nightdesk.domain.decisions import Approval, Decisions, apply_decisions, approval_digest, awaits_approval
from nightdesk.domain.documents import Document, canonical_json, digest
from nightdesk.domain.site import Site
from nightdesk.ports import Output, Ports
from nightdesk.repositories.private_bucket import (
    JSON,
    approved_key,
    author_kinds,
    decisions_from,
    decisions_key,
)
from nightdesk.usecases.pipeline.converge import store_over

_PROOFS = "approvals"
_MOST_PROOFS = 20
"""Metadata of an object are limited to 2 KB in all (Amazon S3 User Guide)."""


class EffectiveArticle(NamedTuple):
    """An article with the editors' decisions applied.

    Attributes:
        document: what readers get once it is live. It is a draft if nothing was approved yet that must be.
        pending: the newest version, if it awaits an approval while readers get an earlier one; else None.
    """

    document: Document
    pending: Document | None = None


def effective_article(
    document: Document, decisions: Decisions, site: Site, kinds: Sequence[str], ports: Ports
) -> EffectiveArticle:
    """Apply the editors' decisions to a document as render wrote it.

    Args:
        kinds: as for `awaits_approval`.
    """
    decisions = _with_proven_approval(decisions, ports)
    decided = apply_decisions(document, decisions, site)
    if decided.withdrawn or not awaits_approval(document, decisions, site, kinds):
        return EffectiveArticle(decided)
    held, approved = replace(decided, draft=True), _approved_version(document, decisions, ports)
    if approved is None:
        return EffectiveArticle(held)
    return EffectiveArticle(_at_address_of(document, apply_decisions(approved, decisions, site)), held)


def load_effective(document: Document, site: Site, ports: Ports) -> EffectiveArticle:
    """Apply the stored decisions to a document as render wrote it."""
    decisions = decisions_from(ports.private.get(decisions_key(document.slug)))
    return effective_article(document, decisions, site, author_kinds(document, site, ports), ports)


def store_approved(document: Document, approval: Approval, ports: Ports) -> None:
    """Keep a document that an editor approves, with a proof of the approval.

    Decisions follow an article to another slug, so render may write them. What is kept here only the editors' API may write, and
    the canary for its test articles, so that nothing which reads hostile drafts can approve one, or sign it with a person's name.
    """
    key = approved_key(approval.sha256)
    seen = ports.private.stat(key)
    proofs = [*(seen.metadata.get(_PROOFS, "").split() if seen else ()), _proof(approval)]
    metadata = {_PROOFS: " ".join(list(dict.fromkeys(proofs))[-_MOST_PROOFS:])}
    store_over(seen, ports.private, Output(key, document.to_bytes(), JSON, metadata=metadata))


def _proof(approval: Approval) -> str:
    return digest(canonical_json(asdict(approval)))[:32]


def _with_proven_approval(decisions: Decisions, ports: Ports) -> Decisions:
    """Return decisions without an approval that no editor gave. What earlier releases kept has no proofs, and counts."""
    if not decisions.approval:
        return decisions
    kept = ports.private.stat(approved_key(decisions.approval.sha256))
    proofs = kept.metadata.get(_PROOFS) if kept else ""
    is_proven = proofs is None or _proof(decisions.approval) in proofs.split()
    return decisions if is_proven else replace(decisions, approval=None)


def _approved_version(document: Document, decisions: Decisions, ports: Ports) -> Document | None:
    """Return the version of the same draft that was approved last; None if there is none."""
    approval = decisions.approval
    blob = ports.private.get(approved_key(approval.sha256)) if approval else None
    if not approval or not blob:
        return None
    approved = Document.from_bytes(blob.body)
    # The decisions may be about a draft that had this slug before.
    is_same = approved.file == document.file and approval_digest(approved) == approval.sha256
    return approved if is_same else None


def _at_address_of(document: Document, approved: Document) -> Document:
    """Return an approved version at the slug that the draft has now: its files have the slug in their addresses."""
    if approved.slug == document.slug:
        return approved
    before, after = f'src="/articles/{approved.slug}/', f'src="/articles/{document.slug}/'
    pairs = [(before, after)]
    for each in approved.attachments:
        old, new = (f'href="/articles/{slug}/{each.name}"' for slug in (approved.slug, document.slug))
        pairs.append((old, new))

    def moved(html: str) -> str:
        for old, new in pairs:
            html = html.replace(old, new)
        return html

    blocks = tuple(
        replace(block, html=moved(block.html), notes={label: moved(note) for label, note in block.notes.items()})
        for block in approved.blocks
    )
    return replace(approved, slug=document.slug, blocks=blocks)
