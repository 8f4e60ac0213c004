"""What editors decide about an article, over and beyond what its draft says.

Decisions are kept apart from the draft, by slug, as one small JSON: a new draft does not undo them, and they outlast every
table. `decided` is the article as readers are to get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from .documents import Block, Document, canonical, digest, parsed
from .site import Site

WRITER, EDITOR, ADMIN = "writer", "editor", "admin"
ROLES = (WRITER, EDITOR, ADMIN)
"""What people are to the newsroom, the least entitled first: each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class GateAccess:
    """A gate's tier as an editor set it: the gate's place among the article's gates (from 1), its tier and passage then."""

    number: int
    tier: str
    passage: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who takes editorial responsibility for an article, and for exactly what.

    Args:
        name: of the person, as readers see it.
        by: the person's id in the newsroom's own records.
        at: ISO 8601 with offset.
        sha256: of what was approved (`approved_form`).
    """

    name: str
    by: str
    at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Editorial:
    """An article's decisions; empty text means that nothing was decided. Moments are ISO 8601 with offset.

    `withdrawn` holds until an editor publishes again, whatever drafts come. `published` is when an editor let it go live,
    over `draft: true` and any later moment that the draft names; `publish_at` is the moment that an editor set instead.
    `moves` is how often they went along to another slug: what comes back to a slug is never the very object that left it,
    so that a slow run cannot take the one for the other (an S3 ETag is a digest of the body).
    """

    withdrawn: bool = False
    published: str = ""
    publish_at: str = ""
    access: str = ""
    gates: tuple[GateAccess, ...] = ()
    corrections: tuple[dict[str, str], ...] = ()
    approval: Approval | None = None
    moves: int = 0

    def __bool__(self) -> bool:
        """Whether anything was decided."""
        return replace(self, moves=0) != Editorial()

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(asdict(self))

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Editorial:
        """What `to_bytes` made; None is an article about which nothing was decided."""
        data: dict[str, Any] = parsed(raw) if raw else {}
        for name in ("gates", "corrections"):
            data[name] = tuple(data.get(name, ()))
        data["gates"] = tuple(GateAccess(**gate) for gate in data["gates"])
        approval = data.get("approval")
        return cls(**{**data, "approval": Approval(**approval) if approval else None})


def approved_form(document: Document) -> str:
    """The SHA-256 of what an approval stands for: all that the writer's draft was rendered to, and its images' etags.

    What is empty is left out, so that a later version, whose documents can say more, still knows it.
    """

    return digest(canonical(_said(asdict(document))))


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _said(part) for name, part in value.items() if part}
    return [_said(part) for part in value] if isinstance(value, list | tuple) else value


def is_approved(document: Document, editorial: Editorial) -> bool:
    """Whether somebody took responsibility for just this document: a change by its writer voids an approval."""
    return editorial.approval is not None and editorial.approval.sha256 == approved_form(document)


def is_held_back(document: Document, editorial: Editorial, site: Site, kinds: Sequence[str]) -> bool:
    """Whether a document may not go live for want of an approval that the site's settings demand.

    Args:
        kinds: of each author `ai` or `human`, empty for one without a profile, who may be of any kind.
    """
    demanded = site.require_approval
    needed = bool(demanded) and (not kinds or any(not kind or kind in demanded for kind in kinds))
    return needed and not is_approved(document, editorial)


def why_held_back(editorial: Editorial) -> str:
    """What is missing of an article that is held back, for people."""
    if editorial.approval:
        return f"has changed since {editorial.approval.name} approved it; an editor must approve it again"
    return "an editor must approve it before it goes live"


def decided(document: Document, editorial: Editorial, site: Site, kinds: Sequence[str]) -> Document:
    """The document with an editor's decisions in it; a draft still, while it is held back.

    Args:
        kinds: as for `is_held_back`.
    """
    free = opened(document, editorial, site)
    held = not free.withdrawn and is_held_back(document, editorial, site, kinds)
    return replace(free, draft=True) if held else free


def opened(document: Document, editorial: Editorial, site: Site) -> Document:
    """The document with the decisions in it, whether or not it is held back."""
    if document.withdrawn:
        return document
    if editorial.withdrawn:
        return Document(document.slug, withdrawn=True, aliases=document.aliases)
    changes: dict[str, Any] = {}
    if editorial.published:
        changes |= {"draft": False, "publish_at": "", "date": _earlier(document, editorial.published)}
    if editorial.publish_at:
        changes |= {
            "draft": False,
            "publish_at": editorial.publish_at,
            "date": _earlier(document, editorial.publish_at),
        }
    if editorial.access:
        changes["access"] = editorial.access
    if editorial.gates:
        changes["blocks"] = _regated(document.blocks, editorial.gates, site)
    if editorial.corrections:
        changes["corrections"] = document.corrections + editorial.corrections
    if editorial.approval and is_approved(document, editorial):
        changes["production"] = document.production | {
            "reviewed_by": editorial.approval.name,
            "reviewed_at": editorial.approval.at,
            "responsible": editorial.approval.name,
        }
    return replace(document, **changes)


def _earlier(document: Document, moment: str) -> str:
    """An article's date, when an editor sets the moment at which it goes live: its own, unless that is later or was not typed."""
    if not document.dated or datetime.fromisoformat(document.date) > datetime.fromisoformat(moment):
        return moment
    return document.date


def passage_mark(block: Block) -> str:
    """What tells a gate's passage from any other."""
    return digest(canonical([block.html, block.notes]))[:32]


def _regated(blocks: tuple[Block, ...], gates: tuple[GateAccess, ...], site: Site) -> tuple[Block, ...]:
    """Blocks with the gates' tiers as editors set them.

    A passage that was rewritten since is not the one that an editor looked at. It gets the stricter of both tiers: when in
    doubt, nothing is shown.
    """
    wanted = {gate.number: gate for gate in gates}
    made, number = [], 0
    for block in blocks:
        number += bool(block.tier)
        gate = wanted.get(number) if block.tier else None
        if gate:
            same = gate.passage == passage_mark(block)
            stricter = max(gate.tier, block.tier, key=site.rank)
            made.append(replace(block, tier=gate.tier if same else stricter))
        else:
            made.append(block)
    return tuple(made)
