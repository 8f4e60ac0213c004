"""Gates: what an archive hides from some of its readers, on its way to Nightdesk's directive.

Readers of archives put marks around hidden text: comments, which every later step leaves alone. The last step turns them into
directives. In doubt more is hidden: a gate that is never closed hides the rest, and a gate in a gate makes the outer one stricter.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .markdown_text import CODE, DIVIDER, attributes_of, split_at_divider, substitute
from .matter_posts import tier_of
from .records import LineMap

OPEN, CLOSE = "<!--nightdesk-gate", "<!--/nightdesk-gate-->"
_OPEN = re.compile(rf"{OPEN} (\{{[^<>]*\}})-->")
_MARKS = re.compile(rf"{OPEN} \{{[^<>]*\}}-->|{CLOSE}")
_COMMENTS = re.compile(CODE, re.VERBOSE | re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})([^\n]*)$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]")
_NAMES = (
    r"gated?|paywall|paywalled|members?-?only|members?-content|subscribers?-?only|subscribers?-content|premium|premium-content|"
    r"paid-content|restricted|restricted-content"
)
_CLASSES = re.compile(rf"(^|\s)(?:{_NAMES})(\s|$)", re.IGNORECASE)
_SHORTCODES = re.compile(
    rf"(?P<clear>{_NAMES})|members?|subscribers?|paid|paid-only|(?:hugo-)?encrypt(?:or|ed)?|password|protected"
)
_TAG = r"""(?P<slash>/?)(?P<tag>section|div|aside|article|span|p)\b(?P<attributes>(?:"[^"]*"|'[^']*'|[^<>"'])*)"""
_ELEMENTS = re.compile(rf"{CODE} | <{_TAG}>", re.VERBOSE | re.MULTILINE | re.DOTALL | re.IGNORECASE)
_DEFINITION = re.compile(r"^\[\^([^\]\n]+)\]:.*(?:\n(?:[ \t]+\S.*|[ \t]*(?=\n[ \t]+\S)))*\n?", re.MULTILINE)


def open_mark(tier: str, teaser: str = "") -> str:
    """Return the mark at which a gate begins.

    Args:
        tier: in the words of the archive; empty for the highest.
    """
    given = (
        json.dumps({"tier": tier, "teaser": teaser})
        .replace("-", "\\u002d")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
    )
    return f"{OPEN} {given}-->"


def mark_rest(text: str, tier: str) -> str:
    """Return a text with all that follows its divider between marks."""
    parts = split_at_divider(text)
    if parts is None:
        return text
    return f"{parts[0]}\n\n{open_mark(tier)}\n\n{parts[1].replace(DIVIDER, '')}\n\n{CLOSE}\n"


def is_gate(attributes: dict[str, str]) -> bool:
    """Return True if an element is hidden from some readers, by its class or by the tier that it names."""
    return bool("data-tier" in attributes or _CLASSES.search(attributes.get("class", "")))


def is_gate_shortcode(name: str, is_bare: bool = True) -> bool:
    """Return True if a shortcode hides its text from some readers, by its name.

    Args:
        is_bare: False for one without an end that has parameters: `member` may then be a card about someone.
    """
    found = _SHORTCODES.fullmatch(name.lower().rpartition("/")[2].replace("_", "-"))
    return bool(found and (is_bare or found["clear"]))


def mark_elements(
    text: str, note: Callable[[str, int], None], hides_rest: Callable[[str], bool]
) -> tuple[str, LineMap]:
    """Replace the elements and comments of Markdown that hide text by marks.

    Args:
        note: is called with the element or comment, and its line.
        hides_rest: returns True for what a comment says, if it hides all that follows it.
    """
    if not re.search(r"data-tier|class\s*=|<!--", text):
        return text, LineMap([(1, 1)])
    depths: list[tuple[str, bool]] = []

    def replace(found: re.Match[str], line: int) -> str:
        if found["comment"] and hides_rest(found["comment"][4:-3]):
            note(found[0][:160], line)
            return f"\n\n{open_mark('')}\n\n"
        if found["tag"] is None:
            return found[0]
        tag = found["tag"].lower()
        if found["slash"]:
            while depths:
                opened, hides = depths.pop()
                if opened == tag:
                    return f"\n\n{CLOSE}\n\n" if hides else found[0]
            return found[0]
        given = attributes_of(found["attributes"])
        hides = is_gate(given)
        depths.append((tag, hides))
        if not hides:
            return found[0]
        note(found[0][:160], line)
        return f"\n\n{open_mark(given.get('data-tier', ''), given.get('data-teaser', ''))}\n\n"

    return substitute(_ELEMENTS, replace, text)


@dataclass(slots=True, eq=False)
class _Part:
    """A run of text; `tier` is empty for free text."""

    tier: str
    teaser: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def write_gates(text: str, tiers: Sequence[str], note: Callable[[], None] = lambda: None) -> str:
    """Return a text with its marks as directives.

    Args:
        note: is called if the whole text is hidden, because a mark or its directive stands in code, where it would hide nothing.
    """
    if OPEN not in text and CLOSE not in text:
        return text
    parts = _parts(text, tiers)
    _place_notes(parts)
    parts = [part for part in parts if part.text.strip()]
    written = "\n\n".join(_written(part) for part in parts) + "\n"
    if OPEN not in written and not any(open_fence(part.text) for part in parts):
        return written
    note()
    return _written(_Part(tier_of("paid", tiers), "", [_MARKS.sub("", text)])) + "\n"


def open_fence(text: str) -> str:
    """Return the fence of a code block that a text leaves open, or may leave open; empty for none."""
    indent = ticks = ""
    in_list = False
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not ticks and found and (found[2][0] == "~" or "`" not in found[3]):
            indent, ticks = found[1], found[2]
        elif ticks and found and found[2].startswith(ticks) and not found[3].strip():
            ticks = ""
        elif ticks and in_list and line.strip() and not line.startswith(indent):
            break  # where a list ends, so does its code
        in_list = in_list or bool(_ITEM.match(line))
    return f"{indent}{ticks}" if ticks else ""


def _parts(text: str, tiers: Sequence[str]) -> list[_Part]:
    parts, depth, end = [_Part("", "")], 0, 0
    for found in _COMMENTS.finditer(text):
        comment = found["comment"]
        opened = _OPEN.fullmatch(comment) if comment else None
        if not opened and comment != CLOSE:
            continue
        parts[-1].pieces.append(text[end : found.start()])
        end = found.end()
        if not opened:
            depth = max(0, depth - 1)
            if depth == 0 and parts[-1].tier:
                parts.append(_Part("", ""))
            continue
        try:
            given = json.loads(opened[1])
        except ValueError:
            given = {}
        tier = tier_of(str(given.get("tier") or "paid"), tiers) or tiers[-1]
        depth += 1
        if depth == 1:
            parts.append(_Part(tier, str(given.get("teaser") or "")))
        elif tier in tiers and (parts[-1].tier not in tiers or tiers.index(tier) > tiers.index(parts[-1].tier)):
            parts[-1].tier = tier
    parts[-1].pieces.append(text[end:])
    return parts


def _place_notes(parts: list[_Part]) -> None:
    """Put each footnote on the side that refers to it; what free text refers to, into free text."""
    found = [(part, note[1], note[0].strip("\n")) for part in parts for note in _DEFINITION.finditer(part.text)]
    for part in parts:
        part.pieces = [_DEFINITION.sub("", part.text)]
    words = [(part, part.text) for part in parts]
    for home, label, definition in found:
        users = [part for part, text in words if f"[^{label}]" in text]
        free = [part for part in users if not part.tier]
        for part in free[-1:] or users or [home]:
            part.pieces.append(f"\n\n{definition}\n")


def _written(part: _Part) -> str:
    inner = part.text.strip("\n")
    if not part.tier:
        return inner
    colons = ":" * max([3, *(len(run) + 1 for run in re.findall(r"^:{3,}", inner, re.MULTILINE))])
    teaser = re.sub(r'([\\"])', r"\\\1", " ".join(html.unescape(part.teaser).split()))
    quoted = f' teaser="{teaser}"' if teaser else ""
    return f"{colons} gate tier={part.tier}{quoted}\n{inner}\n{colons}"
