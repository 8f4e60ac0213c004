"""What Python-Markdown reads, as Pelican uses it, and Nightdesk does not: headers of code, attributes, and boxed notes."""

from __future__ import annotations

import re

from .markdown_text import CODE, indented_code, is_within, substitute
from .records import LineMap

_PARTS = re.compile(
    rf"""{CODE}
  | (?P<header>^(?:[ ]{{4}}|\t)[ \t]*+(?::::|\#!)[\w+\#.-]+(?:[ \t][^\n]*)?\n)
  | (?P<attributes>\{{:[^{{}}\n]*\}})
  | ^!!![ ]?(?P<kind>\w[\w-]*+)[^"\n]*+(?:"(?P<title>[^"\n]*+)")?+[^\n]*+(?:\n|\Z)
    (?P<inner>(?:[ ]{{4}}[^\n]*(?:\n|\Z)|[ ]*\n)*+)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def without_extensions(text: str) -> tuple[str, LineMap]:
    """Return a text in plain Markdown: no `:::python` at the head of code, no `{: .wide}`, and `!!! note` as a quotation."""
    blocks = indented_code(text)
    starts = {start for start, _ in blocks}

    def replace(found: re.Match[str], _: int) -> str:
        if found["kind"] is not None:
            return _boxed(found)
        is_header = found["header"] is not None and found.start() in starts
        is_attribute = found["attributes"] is not None and not is_within(blocks, found.start())
        return "" if is_header or is_attribute else found[0]

    return substitute(_PARTS, replace, text)


def _boxed(found: re.Match[str]) -> str:
    """Return a note as a quotation that begins with its title; without one, the kind of the note is the title."""
    title = found["kind"].capitalize() if found["title"] is None else found["title"]
    lines = [line[4:] for line in found["inner"].rstrip().split("\n")]
    quoted = [*([f"**{title}**", ""] if title else []), *lines]
    return "\n".join(f"> {line}".rstrip() for line in quoted) + "\n\n"
