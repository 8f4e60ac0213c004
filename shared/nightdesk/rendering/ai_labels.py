"""The labels of parts of a text that a machine made, and what the text says of them while it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from nightdesk.domain.ai_parts import AiPart
from nightdesk.rendering.texts import Catalogue

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_LABELS = {
    "trainedAlgorithmicMedia": "passage.ai_generated",
    "compositeWithTrainedAlgorithmicMedia": "passage.partly_ai_generated",
    "compositeSynthetic": "passage.partly_ai_generated",
    "algorithmicMedia": "passage.software_generated",
    "algorithmicallyEnhanced": "passage.software_enhanced",
}
_START = re.compile(r'<div data-source-type="([A-Za-z]+)"(?: data-note="([^"]*)")?>')


def part_start(part: AiPart) -> list[tuple[str, str]]:
    """Return the attributes of the element that holds a part in a stored text."""
    return [("data-source-type", part.source_type), *([("data-note", part.note)] if part.note else [])]


def part_class(source_type: str) -> str:
    """Return the class of the elements with text of a digital source type."""
    return f"ai-{source_type}"


def source_types_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the digital source types of the parts in stored texts, each once."""
    return tuple(dict.fromkeys(found[1] for text in texts for found in _START.finditer(text)))


def with_labels(text: Catalogue, html: str, plain: bool = False) -> str:
    """Return a stored text as readers get it: each part has a label that is seen, and a type that software reads.

    Args:
        plain: for feeds and mail, whose readers know no classes of ours.
    """
    if "<div data-source-type=" not in html:
        return html

    def start(found: re.Match[str]) -> str:
        label, note = escape(text(_LABELS[found[1]])), found[2] or ""
        if plain:
            return f"<div><p><em>{label}.{f' {note}' if note else ''}</em></p>"
        said = f' <span class="ai-remark">{note}</span>' if note else ""
        return (
            f'<div class="ai-part {part_class(found[1])}" data-source-type="{IPTC}{found[1]}">'
            f'<p class="ai-mark"><strong class="badge">{label}</strong>{said}</p>'
        )

    return _START.sub(start, html)
