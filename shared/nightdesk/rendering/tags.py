"""Writing start tags."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

MARKS = re.compile("[\ue000-\ue002]")
"""Characters that stand for something in a text that is being rendered."""
_ALIGN = re.compile(r"\balign:\s*(left|center|right)\b", re.IGNORECASE)


def chosen(values: dict[str, str], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the attributes that are among `names`, in the order in which they were typed."""
    return [(key, value) for key, value in values.items() if key in names]


def aligned(values: dict[str, str]) -> list[tuple[str, str]]:
    """Return the class of a table's cell that was aligned by its style or, as in old HTML, by an attribute; none for others."""
    found = _ALIGN.search(f"{values.get('style', '')};align:{values.get('align', '')}")
    return [("class", f"align-{found[1].lower()}")] if found else []


def tag_of(name: str, values: Sequence[tuple[str, str]]) -> str:
    """Return a start tag. Marks of ours belong in text only, so none gets into an attribute."""
    return f"<{name}{''.join(_attributes(values))}>"


def _attributes(values: Sequence[tuple[str, str]]) -> Iterator[str]:
    return (f' {key}="{html.escape(MARKS.sub("", value))}"' for key, value in values)
