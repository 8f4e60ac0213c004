"""The gate: from a document and a tier to a view that holds only what that tier may see.

Templates, metadata, lists and feeds are made from views, never from documents. What a tier may not see is not covered
up, marked or emptied here; it is left behind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple

from .documents import Block, Document
from .site import PUBLIC, Site
from .text import slugify

_HEADING = re.compile(r"<h([2-6])>(.*?)</h\1>", re.DOTALL)
_NOTE = re.compile("\ue000n:([^\ue001]*)\ue001")
_TAG = re.compile(r"<[^>]*>")


class Shown(NamedTuple):
    """Text that this reader may see, as HTML; `tier` names the gate that it came through, or is empty.

    `gate` is the gate's place among the article's gates, from 1: the same for every reader, whether open or shut.
    """

    html: str
    tier: str
    gate: int = 0


class Closed(NamedTuple):
    """A gate that stays shut for this reader: what it says, whom it opens for, and its place (0: it shuts the whole article)."""

    teaser: str
    tier: str
    gate: int = 0


class Heading(NamedTuple):
    """An anchor of the visible text: plain text (still HTML-escaped) and level 2 to 6."""

    anchor: str
    text: str
    level: int


class SeenSource(NamedTuple):
    """A source as this reader may see it: `url` is empty while the links are locked."""

    title: str
    publisher: str
    date: str
    note: str
    url: str


class View(NamedTuple):
    """What one tier may see of one article. Only public facts of the document are carried over."""

    slug: str
    tier: str
    parts: tuple[Shown | Closed, ...]
    headings: tuple[Heading, ...]
    notes: str
    sources: tuple[SeenSource, ...]
    sources_locked: bool
    assets: frozenset[str]
    gated: bool


def view(document: Document, tier: str, site: Site) -> View:
    """What a reader of `tier` may see of `document`. A tier or gate that the site does not know stays shut."""
    rank = site.rank(tier) if tier in site.tiers else 0

    def may(required: str) -> bool:
        return rank >= site.rank(required)

    chosen: list[tuple[Block | Closed, int]] = []
    if may(document.access):
        gates = 0
        for block in document.blocks:
            gates += bool(block.tier)
            shut = block.tier and not may(block.tier)
            place = gates if block.tier else 0
            chosen.append((Closed(block.teaser, block.tier, place) if shut else block, place))
    else:
        chosen.append((Closed(site.teaser.replace("{tier}", document.access), document.access), 0))
    composer = _Composer(
        {label: note for block in document.blocks if not block.tier for label, note in block.notes.items()}
    )
    parts: list[Shown | Closed] = []
    for item, place in chosen:
        if isinstance(item, Closed):
            parts.append(item)
        elif item.html.strip():
            parts.append(Shown(composer.add(item), item.tier, place))
    notes = composer.notes()
    unlocked = may(document.sources_access)
    sources = tuple(
        SeenSource(s["title"], s["publisher"], s["date"], s["note"], s["url"] if unlocked else "")
        for s in document.sources
    )
    shown_html = "".join(part.html for part in parts if isinstance(part, Shown)) + notes
    return View(
        slug=document.slug,
        tier=tier,
        parts=tuple(parts),
        headings=tuple(composer.headings),
        notes=notes,
        sources=sources,
        sources_locked=not unlocked and any(s["url"] for s in document.sources),
        assets=frozenset(
            asset.name
            for asset in document.assets
            if asset.name == document.hero.get("src") or asset.name in shown_html
        ),
        gated=document.access != PUBLIC or any(block.tier for block in document.blocks),
    )


class _Composer:
    """Gives the visible text its anchors and its notes their numbers, in the order in which the reader meets them."""

    def __init__(self, free_notes: dict[str, str]) -> None:
        self._free = free_notes
        self._taken: dict[str, int] = {}
        self._order: dict[tuple[int, str], int] = {}
        self._texts: list[tuple[int, str, Mapping[str, str]]] = []
        self._blocks = 0
        self.headings: list[Heading] = []

    def add(self, block: Block) -> str:
        """The HTML of a visible block, finished."""
        self._blocks += 1
        html = _HEADING.sub(self._heading, block.html)
        return self._refer(self._blocks, html, block.notes if block.tier else {})

    def notes(self) -> str:
        """The list of notes that the visible text refers to, and those that they refer to, as HTML, or nothing."""
        items: list[str] = []
        while len(items) < len(self._texts):
            scope, text, scoped = self._texts[len(items)]
            number = len(items) + 1
            back = f' <a href="#ref-{number}" class="note-back" aria-label="Back to reference {number}">↩</a>'
            inner = self._refer(scope, text, scoped).rstrip()
            joined = f"{inner[:-4]}{back}</p>" if inner.endswith("</p>") else f"{inner}{back}"
            items.append(f'<li id="note-{number}">{joined}</li>')
        return f"<ol>{''.join(items)}</ol>" if items else ""

    def _heading(self, found: re.Match[str]) -> str:
        level, inner = found[1], found[2]
        text = _NOTE.sub("", _TAG.sub("", inner)).strip()
        base = f"s-{slugify(unescape(text)) or 'section'}"
        anchor, count = base, self._taken.get(base, 1)
        while anchor in self._taken:
            count += 1
            anchor = f"{base}-{count}"
        self._taken[base] = count
        self._taken[anchor] = 1
        self.headings.append(Heading(anchor, text, int(level)))
        return f'<h{level} id="{anchor}">{inner}</h{level}>'

    def _refer(self, scope: int, html: str, scoped: Mapping[str, str]) -> str:
        """`html` with its references made; the notes of its own gate, `scoped`, come before the free ones."""

        def refer(found: re.Match[str]) -> str:
            label = found[1]
            whence, notes = (scope, scoped) if label in scoped else (0, self._free)
            if label not in notes:
                return ""
            number = self._order.get((whence, label))
            anchor = ""
            if number is None:
                self._texts.append((whence, notes[label], scoped if whence else {}))
                number = self._order[whence, label] = len(self._texts)
                anchor = f' id="ref-{number}"'
            return f'<sup><a href="#note-{number}"{anchor} role="doc-noteref">{number}</a></sup>'

        return _NOTE.sub(refer, html) if "\ue000" in html else html
