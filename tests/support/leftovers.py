"""Finds words of the English catalogue in pages of another language."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser

from nightdesk.rendering.texts import Catalogue, Message

_SHOWN_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title", "content", "data-search", "data-times")


def english_leftovers(page: str, english: Catalogue, other: Catalogue) -> list[str]:
    """Return the pieces of English messages that a page of another language shows and that this language does not have itself.

    Args:
        page: HTML, or plain text.
    """
    shown = VisibleText(_SHOWN_ATTRIBUTES)
    shown.feed(page)
    shown.close()
    visible = re.sub(r'https?://[^\s"]*|/[\w/]+', "", "\n".join(shown.found))
    spoken = "\n".join(text for message in other.messages.values() for text in forms(message))
    pieces = {piece for message in english.messages.values() for text in forms(message) for piece in _pieces(text)}
    return sorted(
        piece for piece in pieces if piece not in spoken and re.search(rf"(?<!\w){re.escape(piece)}(?!\w)", visible)
    )


def forms(message: Message) -> list[str]:
    """Return a message, or each of its plural forms."""
    return [message] if isinstance(message, str) else list(message.values())


def _pieces(text: str) -> Iterator[str]:
    """Yield what a message says between its placeholders and tags, apart from single short words."""
    for literal, _, _, _ in string.Formatter().parse(re.sub(r"<[^>]*>", "{x}", text)):
        piece = literal.strip(" ,.:;()")
        if len(re.sub(r"\W", "", piece)) > 3 and not re.fullmatch(r"n = \d+", piece):
            yield piece


class VisibleText(HTMLParser):
    """Collects what a page shows: its text, and the attributes that are read aloud or shown later.

    Args:
        attributes: their names.
    """

    def __init__(self, attributes: tuple[str, ...]) -> None:
        super().__init__()
        self._attributes = attributes
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        if self.cdata_elem != "style":
            self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if ("property", "og:type") not in attrs:
            self.found += [value or "" for name, value in attrs if name in self._attributes]
