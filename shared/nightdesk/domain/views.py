"""Views: what one tier may see of a document.

Templates, metadata, lists and feeds are made from views, never from documents. What a tier may not see is not covered up or
marked; it is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from html import unescape
from typing import NamedTuple

from nightdesk.domain.anchors import PREFIX, Anchors, heading_anchor
from nightdesk.domain.documents import Block, Document
from nightdesk.domain.html_tokens import END, START, TEXT, Token, tokens
from nightdesk.domain.site import PUBLIC, Site

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
# Of one tag, in which the sanitiser writes every quotation mark of a value as a character reference.
_ID = re.compile(r' id="([^"]*)"')
_INNER_HREF = re.compile(rf' href="#{PREFIX}([^"]*)"')
_NOTE = re.compile("\ue000n:([^\ue001]*)\ue001")
_TAG = re.compile(r"<[^>]*>")


class VisiblePart(NamedTuple):
    """Text that the tier may see, as HTML.

    Attributes:
        tier: the tier of the gate that it is behind; empty for free text.
        gate: the gate's number in the article, from 1, which is the same in every view; 0 for free text.
    """

    html: str
    tier: str
    gate: int = 0


class ClosedGate(NamedTuple):
    """A gate that the tier cannot open: its teaser, its tier, and its number (0 if it closes the whole article)."""

    teaser: str
    tier: str
    gate: int = 0


class Heading(NamedTuple):
    """A heading of the visible text: its anchor, its text without tags (HTML-escaped), and its level from 2 to 6."""

    anchor: str
    text: str
    level: int


class SourceView(NamedTuple):
    """A source as the tier may see it; `url` is empty if the links are locked."""

    title: str
    publisher: str
    date: str
    note: str
    url: str


class View(NamedTuple):
    """What one tier may see of one article.

    Attributes:
        notes: the footnotes that the visible text refers to, as HTML, in the order of their numbers.
        sources_locked: True if sources have links that the tier may not see.
        assets: names of the images that the tier sees.
        attachments: names of the files that the tier may download.
        gated: True if any tier sees less than the whole article.
    """

    slug: str
    tier: str
    parts: tuple[VisiblePart | ClosedGate, ...]
    headings: tuple[Heading, ...]
    notes: tuple[str, ...]
    sources: tuple[SourceView, ...]
    sources_locked: bool
    assets: frozenset[str]
    gated: bool
    attachments: frozenset[str] = frozenset()


def view(document: Document, tier: str, site: Site) -> View:
    """Return what readers of `tier` may see of `document`. Tiers that the site does not know open nothing."""
    rank = site.rank(tier) if tier in site.tiers else 0

    def opens(required: str) -> bool:
        return rank >= site.rank(required)

    composer = _Composer(_free_notes(document))
    if opens(document.access):
        parts = tuple(_visible_parts(document, opens, composer))
        notes = tuple(link_anchors(note, composer.anchors) for note in composer.notes())
        parts = tuple(
            part._replace(html=link_anchors(part.html, composer.anchors)) if isinstance(part, VisiblePart) else part
            for part in parts
        )
    else:
        parts = (ClosedGate(site.teaser.replace("{tier}", document.access), document.access),)
        notes = ()
    shown = "".join(part.html for part in parts if isinstance(part, VisiblePart)) + "".join(notes)
    unlocked = opens(document.sources_access)
    return View(
        slug=document.slug,
        tier=tier,
        parts=parts,
        headings=tuple(composer.headings),
        notes=notes,
        sources=tuple(
            SourceView(s["title"], s["publisher"], s["date"], s["note"], s["url"] if unlocked else "")
            for s in document.sources
        ),
        sources_locked=not unlocked and any(source["url"] for source in document.sources),
        assets=frozenset(
            asset.name for asset in document.assets if asset.name == document.hero.get("src") or asset.name in shown
        ),
        gated=document.access != PUBLIC or any(block.tier for block in document.blocks),
        attachments=frozenset(each.name for each in document.attachments if each.name in shown),
    )


def all_anchors(document: Document) -> Anchors:
    """Return the anchors of a whole article, hidden text included."""
    composer = _Composer(_free_notes(document))
    for block in document.blocks:
        composer.add(block)
    return composer.anchors


def anchored(html: str) -> str:
    """Return the HTML of a standing page with the anchors of its headings; links to others become text."""
    composer = _Composer({})
    return link_anchors(composer.add(Block("", "", html, {})), composer.anchors)


def link_anchors(html: str, anchors: Anchors) -> str:
    """Return HTML in which links to anchors lead to those that there are; the others become text."""

    if f'href="#{PREFIX}' not in html:
        return html
    out: list[str] = []
    kept: list[bool] = []
    for kind, name, text in _parts(html):
        shown = text
        if kind == START and name == "a":
            typed = _INNER_HREF.search(text)
            anchor = anchors.find(typed[1]) if typed else ""
            kept.append(not typed or bool(anchor))
            shown = _INNER_HREF.sub(f' href="#{anchor}"', text) if anchor else "" if typed else text
        elif kind == END and name == "a" and kept and not kept.pop():
            shown = ""
        out.append(shown)
    return "".join(out)


def _parts(html: str) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the element's name and the text of each token."""
    return ((token.kind, token.name, html[token.start : token.end]) for token in _tokens(html))


@lru_cache(maxsize=8)
def _tokens(html: str) -> tuple[Token, ...]:
    """Cached because the same blocks are read for each tier, and a hostile text has tens of thousands of tags."""
    return tuple(tokens(html))


@lru_cache(maxsize=8)
def _marked(html: str) -> tuple[Token, ...]:
    """Return the tags of headings, and the start tags with an id."""
    return tuple(
        token
        for token in _tokens(html)
        if (token.kind in (START, END) and token.name in _HEADINGS)
        or (token.kind == START and _ID.search(html, token.start, token.end))
    )


def anchors_of(html: str) -> Anchors:
    """Return the anchors of the HTML of a standing page."""
    composer = _Composer({})
    composer.add(Block("", "", html, {}))
    return composer.anchors


def _visible_parts(
    document: Document, opens: Callable[[str], bool], composer: _Composer
) -> Iterator[VisiblePart | ClosedGate]:
    gates = 0
    for block in document.blocks:
        gates += bool(block.tier)
        number = gates if block.tier else 0
        if block.tier and not opens(block.tier):
            yield ClosedGate(block.teaser, block.tier, number)
        elif block.html.strip():
            yield VisiblePart(composer.add(block), block.tier, number)


def _free_notes(document: Document) -> dict[str, str]:
    """Return the footnotes of the free text, by label."""
    return {label: note for block in document.blocks if not block.tier for label, note in block.notes.items()}


class _Composer:
    """Gives the visible text its anchors and footnote numbers, in the order in which readers meet them.

    Args:
        free_notes: footnotes of the free text by label; every passage may refer to them.
    """

    def __init__(self, free_notes: Mapping[str, str]) -> None:
        self._free = free_notes
        self._taken: dict[str, int] = {}
        self._order: dict[tuple[int, str], int] = {}
        self._texts: list[tuple[int, str, Mapping[str, str]]] = []
        self._blocks = 0
        self.headings: list[Heading] = []
        self.anchors = Anchors()

    def add(self, block: Block) -> str:
        """Return the HTML of a visible block, with its anchors and references."""
        self._blocks += 1
        has_anchors = "<h" in block.html or ' id="' in block.html
        html = self._anchored(block.html) if has_anchors else block.html
        return self._refer(self._blocks, html, block.notes if block.tier else {})

    def notes(self) -> tuple[str, ...]:
        """Return the notes that the visible text refers to, and those that these refer to, as HTML in order of number."""
        items: list[str] = []
        while len(items) < len(self._texts):
            scope, text, scoped = self._texts[len(items)]
            items.append(self._refer(scope, text, scoped).rstrip())
        return tuple(items)

    def _anchored(self, html: str) -> str:
        """Return HTML in which each heading has an anchor, and each other element its own id, unless that is taken."""
        out: list[str] = []
        heading, start, done = "", 0, 0
        for token in _marked(html):
            shown = tag = html[token.start : token.end]
            out.append(html[done : token.start])
            done = token.end
            if token.kind == END:
                if token.name == heading:
                    out[start] = self._heading(out[start], "".join(out[start + 1 :]))
                    heading = ""
            elif token.name in _HEADINGS and not heading:
                heading, start = token.name, len(out)
            elif typed := _ID.search(tag):
                shown = self._own_id(tag, typed[1])
            out.append(shown)
        return "".join(out) + html[done:]

    def _own_id(self, tag: str, identifier: str) -> str:
        """Return a tag with the id that an author typed, or without it if another element has it."""
        if identifier in self._taken:
            return _ID.sub("", tag)
        self._taken[identifier] = 1
        self.anchors.add_id(identifier)
        return tag

    def _heading(self, tag: str, inner: str) -> str:
        """Return the start tag of a heading with its anchor, and note the heading."""
        typed = _ID.search(tag)
        text = _NOTE.sub("", _TAG.sub("", inner)).strip()
        base = typed[1] if typed else heading_anchor(unescape(text))
        anchor, count = base, self._taken.get(base, 1)
        while anchor in self._taken:
            count += 1
            anchor = f"{base}-{count}"
        self._taken[base] = count
        self._taken[anchor] = 1
        self.headings.append(Heading(anchor, text, int(tag[2])))
        self.anchors.add_heading(unescape(text), anchor)
        return f'{tag[:3]} id="{anchor}"{_ID.sub("", tag[3:])}'

    def _refer(self, scope: int, html: str, scoped: Mapping[str, str]) -> str:
        """Return `html` with its references to footnotes.

        Args:
            scope: number of the block that `html` belongs to; 0 for free text.
            scoped: footnotes of the block's gate by label; they come before those of the free text.
        """

        def refer(found: re.Match[str]) -> str:
            label = found[1]
            found_in, notes = (scope, scoped) if label in scoped else (0, self._free)
            if label not in notes:
                return ""
            number = self._order.get((found_in, label))
            anchor = ""
            if number is None:
                self._texts.append((found_in, notes[label], scoped if found_in else {}))
                number = self._order[found_in, label] = len(self._texts)
                anchor = f' id="ref-{number}"'
            return f'<sup><a href="#note-{number}"{anchor} role="doc-noteref">{number}</a></sup>'

        if "\ue000" not in html:
            return html
        return "".join(_NOTE.sub(refer, text) if kind == TEXT else text for kind, _, text in _parts(html))
