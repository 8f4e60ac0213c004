"""What an embedded thing leads to: the address that its element or one inside it names, and how a link to it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from nightdesk.domain.html_tokens import END, START, Token, attributes
from nightdesk.rendering.elements import ADDRESSES


def look_ahead(source: str, found: Sequence[Token]) -> tuple[list[int], list[int]]:
    """Return, for each start tag, the number of the next end tag of its name, and of the next tag inside it with an address.

    Both are the number of tokens if there is none.
    """
    none = len(found)
    ends, inner = [none] * none, [none] * none
    next_end: dict[str, int] = {}
    next_source = none
    for number in range(none - 1, -1, -1):
        token = found[number]
        if token.kind == END:
            next_end[token.name] = number
        elif token.kind == START:
            ends[number], inner[number] = next_end.get(token.name, none), next_source
            if token.name in ("source", "embed", "iframe", "object", "a"):
                next_source = number if address_of(attributes(source[token.start : token.end])) else next_source
    return ends, inner


def address_of(values: dict[str, str]) -> str:
    return next((values[name].strip() for name in ADDRESSES if values.get(name, "").strip()), "")


def name_of(address: str) -> str:
    """Return what a link says: the name of the file it leads to, or else its host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    last = unquote(parts.path.rstrip("/").rsplit("/", 1)[-1])
    return last if re.search(r"\.[A-Za-z0-9]{2,5}$", last) else f"{parts.netloc}{unquote(parts.path)}" or address
