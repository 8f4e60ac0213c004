"""Taking footnotes out of what the Markdown parser returns.

The parser writes a definition as `<div class="footnote-definition" …>…</div>`, and what stands in between may hold `</div>` too.
Its events give the order of generated and typed tags, so the position of a tag identifies it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyromark

REFERENCE_START, REFERENCE_END = "\ue000n:", "\ue001"
"""Stand around a footnote's label where the text refers to it, until `domain.views` numbers it."""
_REFERENCE = re.compile(r'<sup class="footnote-reference"><a href="#([^"]*+)">\d++</a></sup>')
_TAG = re.compile(
    r'<div class="footnote-definition" id="([^"]*+)">(?:<sup class="footnote-definition-label">\d++</sup>\n?)?|</div>'
)
_OPENED, _CLOSED, _TYPED = "opened", "closed", "typed"


class Section(NamedTuple):
    """A part of the HTML, and its footnotes by label."""

    html: str
    notes: dict[str, str]


def take_notes(markdown: str, raw: str, cut: str, options: pyromark.Options) -> list[Section]:
    """Return the parser's HTML with marks for references and without the definitions, in the parts that `cut` separates.

    Args:
        markdown: the text as the parser read it.
        raw: the HTML that it returned.
    """
    if "footnote-" not in raw:
        return [Section(part, {}) for part in raw.split(cut)]
    buffers: list[list[str]] = [[]]
    opened: list[tuple[str, int]] = []
    found: list[dict[str, str]] = [{} for _ in range(raw.count(cut) + 1)]
    origins, position, section = _origins(markdown, options), 0, 0
    for tag in _TAG.finditer(raw):
        origin = next(origins, _TYPED)
        text = raw[position : tag.start()]
        buffers[-1].append(text)
        section += text.count(cut)
        position = tag.end()
        if origin == _OPENED:
            opened.append((label(tag[1]), section))
            buffers.append([])
        elif origin == _CLOSED and opened:
            name, where = opened.pop()
            found[where].setdefault(name, _mark_references("".join(buffers.pop())))
        else:
            buffers[-1].append(tag[0])
    buffers[-1].append(raw[position:])
    rest = "".join("".join(buffer) for buffer in buffers)
    return [Section(_mark_references(part), notes) for part, notes in zip(rest.split(cut), found, strict=True)]


def label(typed: str) -> str:
    """Return a footnote's label as a word without special characters; case does not matter, as in GitHub's Markdown."""
    return re.sub(r"[^\w-]", lambda found: f"_{ord(found[0]):x}", html.unescape(typed).casefold())


def _mark_references(text: str) -> str:
    return _REFERENCE.sub(lambda found: f"{REFERENCE_START}{label(found[1])}{REFERENCE_END}", text)


def _origins(markdown: str, options: pyromark.Options) -> Iterator[str]:
    """Yield where each tag that `_TAG` finds comes from, in order."""
    for event in pyromark.events(markdown, options=options):
        if not isinstance(event, dict):
            continue
        [(name, value)] = event.items()
        if name in ("Html", "InlineHtml"):
            yield from (_TYPED for _ in _TAG.finditer(value))
        elif _is_definition(value):
            yield _OPENED if name == "Start" else _CLOSED


def _is_definition(value: Any) -> bool:
    return value == "FootnoteDefinition" or (isinstance(value, dict) and "FootnoteDefinition" in value)
