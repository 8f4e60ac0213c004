"""Footnotes that readers never get, because nothing refers to them or because another one has the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyromark

from nightdesk.domain.documents import Block
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.problems import Kind, Problem
from nightdesk.rendering.footnotes import REFERENCE_END, REFERENCE_START, label

_MARK = re.compile(f"{REFERENCE_START}([^{REFERENCE_END}]*){REFERENCE_END}")


def unused_footnotes(
    passages: Sequence[Passage], blocks: Sequence[Block], options: pyromark.Options
) -> Iterator[Problem]:
    """Yield a warning for each footnote that no visible or hidden text shows.

    Args:
        blocks: what the passages were rendered as, one for each.
    """
    used = [set(_MARK.findall("\n".join([block.html, *block.notes.values()]))) for block in blocks]
    in_free: set[str] = set()
    for number, passage in enumerate(passages):
        if "[^" not in passage.source or "]:" not in passage.source:
            continue
        is_free = passage.tier == FREE
        known = in_free if is_free else set()
        referred = set().union(*used) if is_free else used[number]
        for typed, line in _definitions(passage, options):
            if label(typed) in known:
                yield Kind.FOOTNOTE_REPEATED.at(line, "footnote", typed=typed)
            elif label(typed) not in referred:
                yield Kind.FOOTNOTE_UNUSED.at(line, "footnote", typed=typed)
            known.add(label(typed))


def _definitions(passage: Passage, options: pyromark.Options) -> Iterator[tuple[str, int]]:
    """Yield each footnote that a passage defines, as its name was typed, and its line."""
    source = passage.text.encode()
    for event, span in pyromark.events_with_range(passage.text, options=options):
        start = event.get("Start") if isinstance(event, dict) else None
        if isinstance(start, dict) and "FootnoteDefinition" in start:
            yield start["FootnoteDefinition"], passage.line + source.count(b"\n", 0, span["start"])
