"""The blocks of WordPress, which stand in comments: those kept elsewhere, and those that hide what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .markdown_text import DIVIDER
from .paywalls import MARKS, hides_content, is_divider
from .report import LOST
from .restrictions import hides_by_attribute, is_shown_to_nobody
from .shortcodes import Note

_NAME = re.compile(r"\s*(?P<close>/?)wp:(?P<name>[\w/-]+)(?=[\s/]|$)")
_MOST_FILLED, _DEEPEST = 1000, 8
"""How many reusable blocks a text may take in, and how deeply they may stand in one another."""


class Comment(NamedTuple):
    """A comment in a text.

    Attributes:
        words: what stands between its marks.
        block: the name of the block that it begins or ends; empty if it is no block's.
        is_end: True if it ends a block.
        is_whole: True if it is a block without content.
    """

    start: int
    end: int
    words: str
    block: str
    is_end: bool
    is_whole: bool


def comments(text: str) -> Iterator[Comment]:
    """Yield the comments of a text. One that is never closed is none."""
    at = text.find("<!--")
    while at >= 0:
        close = text.find("-->", at + 4)
        if close < 0:
            return
        words = text[at + 4 : close]
        found = _NAME.match(words)
        name = found["name"].rstrip("/") if found else ""
        yield Comment(at, close + 3, words, name, bool(found and found["close"]), words.endswith("/"))
        at = text.find("<!--", close + 3)


def fill_blocks(text: str, blocks: Mapping[str, str], note: Note) -> str:
    """Put reusable blocks where a text names them, also where they name one another."""
    return _Filling(blocks, note).fill(text, ())


class _Filling:
    def __init__(self, blocks: Mapping[str, str], note: Note) -> None:
        self._blocks, self._note, self._left = blocks, note, _MOST_FILLED

    def fill(self, text: str, inside: tuple[str, ...]) -> str:
        parts, end = [], 0
        for comment in comments(text):
            if comment.block == "block" and comment.is_whole and (reference := _reference(comment)):
                parts += [text[end : comment.start], self._one(reference, comment, inside)]
                end = comment.end
        return "".join([*parts, text[end:]])

    def _one(self, reference: str, comment: Comment, inside: tuple[str, ...]) -> str:
        self._left -= 1
        if reference in inside or len(inside) >= _DEEPEST or self._left < 0:
            what = "a reusable block holds itself, or too many others, and was taken out"
        elif reference not in self._blocks:
            what = "a reusable block is not in the export"
        else:
            return self.fill(self._blocks[reference], (*inside, reference))
        self._note(LOST, what, comment.words.strip()[:120], 0)
        return ""


def _reference(comment: Comment) -> str:
    """Return the number of the reusable block that a comment names; empty if it names none."""
    opening, closing = comment.words.find("{"), comment.words.rfind("}")
    try:
        return str(json.loads(comment.words[opening : closing + 1]).get("ref") or "")
    except (ValueError, AttributeError):
        return ""


def mark_dividers(text: str) -> str:
    """Turn the blocks, comments and words that hide what they hold, or what follows them, into one divider."""
    for mark in MARKS:
        text = text.replace(mark, DIVIDER)
    parts, end = [], 0
    for comment in comments(text):
        if _hides(comment):
            parts += [text[end : comment.start], DIVIDER]
            end = comment.end
    return "".join([*parts, text[end:]])


def has_dividers(text: str) -> bool:
    """Return True if something in a text hides what it holds or what follows it."""
    return any(mark in text for mark in MARKS) or any(_hides(comment) for comment in comments(text))


def _hides(comment: Comment) -> bool:
    if comment.block:
        return hides_content(comment.block) or hides_by_attribute(comment.words)
    return is_divider(comment.words)


def drop_hidden_blocks(text: str, note: Note) -> str:
    """Take out the blocks that their site shows to nobody."""
    parts, end, depth, hidden = [], 0, 0, None
    for comment in comments(text):
        if hidden is None:
            if comment.block and not comment.is_end and is_shown_to_nobody(comment.words):
                parts.append(text[end : comment.start])
                hidden, depth = comment, 0 if comment.is_whole else 1
        elif comment.block == hidden.block and not comment.is_whole:
            depth += -1 if comment.is_end else 1
        if hidden and depth == 0:
            _report_hidden(text[hidden.end : comment.start], note)
            hidden, end = None, comment.end
    if hidden:  # it is never closed
        _report_hidden(text[hidden.end :], note)
        end = len(text)
    return "".join([*parts, text[end:]])


def _report_hidden(inner: str, note: Note) -> None:
    words = re.sub(r"<[^<>]*>", " ", inner)
    note(LOST, "a block that the site showed to nobody was taken out", " ".join(words.split())[:160], 0)
