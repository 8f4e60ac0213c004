"""Finding the web addresses that stand in a text without being links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from nightdesk.domain.site import is_link, web_address
from nightdesk.domain.typography import AS_TYPED, DOUBLE

# A character of an address, or the reference that HTML has for `&`. Quotation marks and the punctuation of other scripts end it.
_ADDRESS = re.compile(
    rf"(?<![\w@/.:+=-])https?://(?:&amp;|[^\s<>&\"\\^`{{|}}\ue000-\ue002{DOUBLE}“”„«»‹›、。，！？；：（）「」『』《》【】…،؛؟۔।॥։።។])+",
    re.IGNORECASE,
)
_HOST = re.compile(r"https?://[^\W_][\w-]*(?:\.[\w-]+)+(?::\d{1,5})?(?![^/?#])", re.IGNORECASE)
_TRAILING = frozenset("?!.,:;*_~'\"([‘’\ue004\ue005\ue006\ue007")
_BRACKETS = {")": "(", "]": "["}
MOST = 2000
"""How many addresses of one text become links."""


class Part(NamedTuple):
    """A part of a text, as HTML, and the address that it is; empty for other text."""

    html: str
    address: str = ""


def split_addresses(text: str) -> Iterator[Part]:
    """Split text, as HTML without tags, at the addresses in it.

    Sentences go on after an address, so punctuation at its end is not part of it, nor is a bracket that opened before it.

    >>> [part.address for part in split_addresses("See (https://a.example/b_(c)), or not.") if part.address]
    ['https://a.example/b_(c)']
    """
    position = 0
    for found in _ADDRESS.finditer(text):
        shown = AS_TYPED.marked(_without_end(found[0]))
        address = unescape(shown)
        if not _HOST.match(address) or not is_link(web_address(address)):
            continue
        yield Part(text[position : found.start()])
        yield Part(shown, address)
        position = found.start() + len(_without_end(found[0]))
    yield Part(text[position:])


def _without_end(typed: str) -> str:
    """Return an address without the punctuation after it."""
    end = len(typed)
    loose = {closing: typed.count(closing) - typed.count(opening) for closing, opening in _BRACKETS.items()}
    while end:
        last = typed[end - 1]
        if typed.endswith("&amp;", 0, end) or not (last in _TRAILING or loose.get(last, 0) > 0):
            break
        for closing, opening in _BRACKETS.items():
            loose[closing] += (last == opening) - (last == closing)
        end -= 1
    return typed[:end]
