"""Decisions: what editors decided about an article, in addition to its draft.

Decisions are stored apart from the draft, by slug, as one small JSON object, so a new draft does not undo them.
What readers get while a version awaits approval is decided in `usecases.pipeline.effective`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from nightdesk.domain.documents import Block, Document, canonical_json, digest, parse_json
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Transient
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import Site

_LEAST_TEXT = 60
"""Characters that a text must have to be known again."""
WRITER, EDITOR, ADMIN = "writer", "editor", "admin"
ROLES = (WRITER, EDITOR, ADMIN)
"""Roles of people in the newsroom; each may do what those before it may."""
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class GateAccess:
    """A gate's tier as an editor set it.

    Attributes:
        number: the gate's number in the article, from 1.
        passage: digest of the gate's passage at the time (`passage_digest`).
    """

    number: int
    tier: str
    passage: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who takes editorial responsibility for an article, and for exactly which version.

    Attributes:
        name: the editor's name, as readers see it.
        by: the editor's id.
        at: ISO 8601 with offset.
        sha256: digest of what was approved (`approval_digest`).
    """

    name: str
    by: str
    at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """An article's decisions. Times are ISO 8601 with offset; an empty value means that nothing was decided.

    Attributes:
        withdrawn: an editor withdrew the article at this address. Holds for every draft that comes here, until an editor
            publishes.
        taken_from: the id of the draft that was withdrawn (`draft_id`); empty for takedowns of earlier versions of Nightdesk.
        published: when an editor published it; overrides `draft: true` and any later date in the draft.
        publish_at: the publication time that an editor set.
        redates: whether the date in the draft was still to come when the editor set that. It was an embargo, which moves with it.
        access: the tier for the whole article.
        moves: how often the decisions followed the article to another slug. Decisions that come back to a slug therefore
            differ from those that left it, and so do their ETags, which S3 computes from the bytes; a slow run cannot
            mistake one for the other.
        withdrawn_drafts: ids of drafts that were withdrawn elsewhere and have had this address since, sorted. Holds for
            these drafts alone: the address itself was not withdrawn.
        partly_read: whether a newer release decided something that this one does not know, as in the middle of a deployment.
            Readers get nothing then, as it may restrict what they get, and nothing is stored over it.
    """

    withdrawn: bool = False
    published: str = ""
    publish_at: str = ""
    access: str = ""
    gates: tuple[GateAccess, ...] = ()
    corrections: tuple[dict[str, str], ...] = ()
    approval: Approval | None = None
    moves: int = 0
    taken_from: str = ""
    withdrawn_drafts: tuple[str, ...] = ()
    redates: bool = False
    partly_read: bool = False

    def __bool__(self) -> bool:
        """True if anything was decided."""
        return replace(self, moves=0) != Decisions()

    def with_takedown(self, draft: str) -> Decisions:
        """Return the decisions with the takedown of this address and of a draft. A draft that was withdrawn here before stays withdrawn."""
        before = {self.taken_from} if self.withdrawn and self.taken_from not in ("", draft) else set()
        drafts = tuple(sorted({*self.withdrawn_drafts, *before}))
        return replace(self, withdrawn=True, taken_from=draft, withdrawn_drafts=drafts)

    def without_takedown(self) -> Decisions:
        """Return what was decided apart from a takedown."""
        return replace(self, withdrawn=False, taken_from="", withdrawn_drafts=())

    def takedown_only(self) -> Decisions:
        """Return the takedown without any other decision."""
        return Decisions(
            withdrawn=self.withdrawn,
            taken_from=self.taken_from,
            withdrawn_drafts=self.withdrawn_drafts,
            partly_read=self.partly_read,
        )

    def carried_to(self, existing: Decisions) -> Decisions:
        """Return these decisions, carried to an address with others, of which only the takedown stays.

        `moves` counts up, so that decisions which move back and forth are never stored as the same bytes twice.
        """
        kept = existing.takedown_only()
        return replace(
            self,
            withdrawn=kept.withdrawn,
            taken_from=kept.taken_from,
            withdrawn_drafts=kept.withdrawn_drafts,
            moves=max(self.moves, existing.moves) + 1,
            partly_read=self.partly_read or existing.partly_read,
        )

    @property
    def has_takedown(self) -> bool:
        """True if anything here is withdrawn."""
        return self.withdrawn or bool(self.withdrawn_drafts)

    def withdraws(self, draft: str) -> bool:
        """Return True if readers may not get the article of a draft here."""
        return self.withdrawn or draft in self.withdrawn_drafts

    def takes_down(self, draft: str) -> bool:
        """Return True if a draft was withdrawn here, and not only an address that it has now."""
        return (self.withdrawn and self.taken_from in ("", draft)) or draft in self.withdrawn_drafts

    def to_bytes(self) -> bytes:
        """Return canonical JSON.

        Raises:
            Transient: a newer release stored something that would be lost.
        """
        if self.partly_read:
            raise Transient("a newer release of Nightdesk decided something about this article")
        data = asdict(self)
        del data["partly_read"]
        return canonical_json(data)

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Decisions:
        """Return the decisions that `to_bytes` stored, perhaps of a newer release; None stands for no decisions."""
        data: dict[str, Any] = parse_json(raw) if raw else {}
        for name in ("corrections", "withdrawn_drafts"):
            data[name] = tuple(data.get(name, ()))
        gates = [_known(GateAccess, gate) for gate in data.get("gates", ())]
        approval = _known(Approval, data["approval"]) if data.get("approval") else None
        read, is_whole = _known(cls, data)
        parts = [*gates, *([approval] if approval else [])]
        return replace(
            read,
            gates=tuple(gate for gate, _ in gates),
            approval=approval[0] if approval else None,
            partly_read=not is_whole or not all(is_known for _, is_known in parts),
        )


def _known(kind: type[Part], data: dict[str, Any]) -> tuple[Part, bool]:
    """Return what a release knows of stored data, and whether that is all; an empty value says nothing."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # of a dataclass
    return kind(**{name: value for name, value in data.items() if name in known}), not any(
        value for name, value in data.items() if name not in known
    )


def approval_digest(document: Document) -> str:
    """Return the SHA-256 of what an approval covers: the whole document, with the SHA-256 of each of its images.

    Empty values are left out, so that an approval stays valid when a later version adds attributes to documents.
    """
    # Readers get the same bytes from every uploader.
    return digest(canonical_json(_without_empty(asdict(replace(document, by_writer=False)))))


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(part) for name, part in value.items() if part}
    return [_without_empty(part) for part in value] if isinstance(value, list | tuple) else value


def is_approved(document: Document, decisions: Decisions) -> bool:
    """Return True if an editor approved exactly this document; any change of the draft voids an approval."""
    return decisions.approval is not None and decisions.approval.sha256 == approval_digest(document)


def awaits_approval(document: Document, decisions: Decisions, site: Site, kinds: Sequence[str]) -> bool:
    """Return True if the site's settings require an approval of the document, and there is none.

    Where they require any, all that writers upload needs one, whatever the byline says: a writer types the byline.

    Args:
        kinds: `ai` or `human` for each author; empty for one without a profile, who may be either.
    """
    required = site.require_approval
    is_named = not kinds or any(not kind or kind in required for kind in kinds)
    needs_approval = bool(required) and (document.by_writer or is_named)
    return needs_approval and not is_approved(document, decisions)


def approval_problem(decisions: Decisions) -> Problem:
    """Return the problem of an article that awaits approval."""
    if decisions.approval:
        return Kind.APPROVAL_OUTDATED.at(0, "approval", name=decisions.approval.name)
    return Kind.APPROVAL_MISSING.at(0, "approval")


def apply_decisions(document: Document, decisions: Decisions, site: Site) -> Document:
    """Return the document with the decisions applied, even if it awaits approval."""
    is_withdrawn = decisions.withdraws(draft_id(document.file))
    if document.moved and is_withdrawn:
        return Document(document.slug, withdrawn=True)
    if document.withdrawn:
        return document
    if is_withdrawn:
        return Document(document.slug, withdrawn=True, aliases=document.aliases)
    if decisions.partly_read:
        return replace(document, draft=True)
    changes: dict[str, Any] = {}
    if decisions.published:
        changes |= {
            "draft": False,
            "publish_at": "",
            "date": _date_when_published(document, decisions, decisions.published),
        }
    if decisions.publish_at:
        changes |= {
            "draft": False,
            "publish_at": decisions.publish_at,
            "date": _date_when_published(document, decisions, decisions.publish_at),
        }
    if decisions.access:
        changes["access"] = decisions.access
    if decisions.gates:
        changes["blocks"] = _regated(document.blocks, decisions.gates, site)
    if decisions.corrections:
        changes["corrections"] = document.corrections + decisions.corrections
    if decisions.approval and is_approved(document, decisions):
        changes["production"] = document.production | {
            "reviewed_by": decisions.approval.name,
            "reviewed_at": decisions.approval.at,
            "responsible": decisions.approval.name,
        }
    return replace(document, **changes)


def _date_when_published(document: Document, decisions: Decisions, published: str) -> str:
    """Return the date of an article that an editor publishes: its own, unless that is later, was not typed, or was an embargo."""
    if (
        not document.dated
        or decisions.redates
        or datetime.fromisoformat(document.date) > datetime.fromisoformat(published)
    ):
        return published
    return document.date


def text_digest(document: Document) -> str:
    """Return a digest of the words of a document, by which a withdrawn text is known in another file.

    A short text has none: different articles may consist of the same few words.
    """
    words = re.sub(r"<[^>]*>", " ", " ".join(block.html for block in document.blocks)).split()
    text = " ".join(words)
    return digest(text.encode())[:32] if len(text) >= _LEAST_TEXT else ""


def passage_digest(block: Block) -> str:
    """Return a digest that identifies a gate's passage."""
    return digest(canonical_json([block.html, block.notes]))[:32]


def _regated(blocks: tuple[Block, ...], gates: tuple[GateAccess, ...], site: Site) -> tuple[Block, ...]:
    """Return the blocks with the tiers that editors set for gates.

    A passage that was rewritten since is not the one that the editor saw. It gets the stricter of both tiers: when in doubt,
    nothing is shown.
    """
    by_number = {gate.number: gate for gate in gates}
    regated, number = [], 0
    for block in blocks:
        number += bool(block.tier)
        gate = by_number.get(number) if block.tier else None
        if gate:
            is_unchanged = gate.passage == passage_digest(block)
            stricter = max(gate.tier, block.tier, key=site.rank)
            block = replace(block, tier=gate.tier if is_unchanged else stricter)
        regated.append(block)
    return tuple(regated)
