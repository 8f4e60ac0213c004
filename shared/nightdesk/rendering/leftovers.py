"""Marks of Markdown that the parser left as they were typed, so that readers would see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STARS = re.compile(r"(?<!\*)\*{2,3}(?!\*)")
_SHOWN = 30


def literal_emphasis(text: str) -> str:
    """Return the beginning of the first emphasis that the parser left as it was typed; empty if there is none.

    Two asterisks between letters or digits, as in 2**8, are meant as they are, unless there are others.

    >>> literal_emphasis("The ** new ** rates")
    '** new ** rates'
    >>> literal_emphasis("f**k 2**8"), literal_emphasis("2**8")
    ('**k 2**8', '')
    """
    found = [run.span() for run in _STARS.finditer(text)] if "**" in text else []
    loose = [
        (start, end)
        for start, end in found
        if not (_is_word(text[start - 1 : start]) and _is_word(text[end : end + 1]))
    ]
    start = found[0][0] if len(found) > 1 or loose else -1
    return text[start : start + _SHOWN].split("\n")[0].strip() if start >= 0 else ""


def _is_word(character: str) -> bool:
    return character.isalnum()


_LINK = re.compile(r"!?\[(?![\d.,+*-]+\])[^\[\]\n]{0,200}\](?:\([^()\n]{1,300}\)|\[[^\[\]^\n]{1,100}\])")


def literal_links(text: str) -> Iterator[str]:
    """Yield the links and images that the parser left as they were typed, by their beginning.

    >>> list(literal_links("See [the map](my map.png), [sic] and [the plan][b]."))
    ['[the map](my map.png)', '[the plan][b]']
    """
    return (found[0][:100] for found in _LINK.finditer(text)) if "](" in text or "][" in text else iter(())


_ELEMENT = re.compile(
    r"</?(?:a|abbr|b|blockquote|br|center|code|div|em|font|h[1-6]|hr|i|iframe|img|li|ol|p|pre|s|small|span|strong|su[bp]|table|t[dhr]|u|ul|video)\b[^<>\n]{0,200}>",
    re.IGNORECASE,
)


def literal_tags(text: str) -> Iterator[str]:
    """Yield the tags of HTML that the parser left as they were typed, such as one with a quotation mark in a bare value."""
    return (found[0][:100] for found in _ELEMENT.finditer(text)) if "<" in text else iter(())


_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,100})\]")


def missing_footnotes(text: str) -> Iterator[str]:
    """Yield the labels of references that the parser left as they were typed, because there is no such footnote."""
    return (found[1] for found in _FOOTNOTE.finditer(text)) if "[^" in text else iter(())
