"""What editors decide about an article, over and beyond what its draft says.

Decisions are kept apart from the draft, by slug, as one small JSON: a new draft does not undo them, and they outlast every
table. `decided` is the article as readers are to get it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from .documents import Block, Document, canonical, digest, parsed
from .site import Site


@dataclass(frozen=True, slots=True)
class GateAccess:
    """A gate's tier as an editor set it: the gate's place among the article's gates (from 1), its tier and passage then."""

    number: int
    tier: str
    passage: str


@dataclass(frozen=True, slots=True)
class Editorial:
    """An article's decisions; empty text means that nothing was decided. Moments are ISO 8601 with offset.

    `withdrawn` holds until an editor publishes again, whatever drafts come. `published` is when an editor let it go live,
    over `draft: true` and any later moment that the draft names; `publish_at` is the moment that an editor set instead.
    """

    withdrawn: bool = False
    published: str = ""
    publish_at: str = ""
    access: str = ""
    gates: tuple[GateAccess, ...] = ()
    corrections: tuple[dict[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(asdict(self))

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Editorial:
        """What `to_bytes` made; None is an article about which nothing was decided."""
        data: dict[str, Any] = parsed(raw) if raw else {}
        for name in ("gates", "corrections"):
            data[name] = tuple(data.get(name, ()))
        return cls(**{**data, "gates": tuple(GateAccess(**gate) for gate in data["gates"])})


def decided(document: Document, editorial: Editorial, site: Site) -> Document:
    """The document with an editor's decisions in it."""
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
