"""Ghost's blocks that only some readers see: what stands between two comments, wherever its elements end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Comment, NavigableString
from bs4.element import PageElement

from .html_trees import new_tag
from .report import CHANGED
from .shortcodes import Note

_BEGIN, _END = "kg-gated-block:begin", "kg-gated-block:end"
HIDING = re.compile(rf"{_BEGIN}(?!\s+nonMember:\s*true)")
"""Begins a block that visitors do not see."""


def read_gated_blocks(soup: BeautifulSoup, note: Note) -> None:
    """Turn blocks that visitors do not see into gates. Like Ghost, take the first end that follows, in whatever element.

    A block whose end is missing hides all that follows it.
    """
    begins: list[NavigableString] = []
    for comment in soup.find_all(string=lambda each: isinstance(each, Comment)):
        # A comment that an author left open takes in the mark that follows it.
        if HIDING.search(comment):
            note(CHANGED, "a block that only some readers see became a gate", comment.strip()[:160], 0)
            begins.append(comment)
        elif _END in comment and begins:
            _hide(begins, comment)
            begins = []
    if begins:
        _hide(begins, None)


def _hide(begins: list[NavigableString], end: PageElement | None) -> None:
    """Put gates around all that stands between the first of the begins and an end."""
    tier = "members" if all("status:free" in each for each in begins) else "paid"
    gate = new_tag("ndgate", "", tier=tier, teaser="")
    for held in list(_between(begins[0], end)):
        if held.previous_sibling is not gate:
            gate = new_tag("ndgate", "", tier=tier, teaser="")
            held.insert_before(gate)
        gate.append(held.extract())


def _between(begin: PageElement, end: PageElement | None) -> Iterator[PageElement]:
    """Yield what stands between two places, in the order of the text: whole elements, but of those that hold the end their parts."""
    around = [] if end is None else [id(each) for each in end.parents]
    last: PageElement | None = None
    for each in begin.next_elements:
        if each is end:
            return
        if id(each) not in around and not (last and any(parent is last for parent in each.parents)):
            last = each
            yield each
