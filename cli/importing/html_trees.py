"""Trees of HTML elements."""

from __future__ import annotations

import re
import warnings

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, NavigableString, Tag
from bs4.exceptions import ParserRejectedMarkup
from nightdesk.domain.errors import Permanent

_WHITE = re.compile(r"\s+")
_FACTORY = BeautifulSoup("", "html.parser")


class UnreadableHtml(Permanent):
    """HTML that cannot be read, or is nested beyond what any text needs."""


def parse_html(text: str) -> BeautifulSoup:
    """Return HTML as a tree. A marked section such as `<![x`, at which the parser fails, counts as text.

    Raises:
        UnreadableHtml: it cannot be read.
    """
    text = re.sub(r"<!\[(?!CDATA\[)", "&lt;![", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        try:
            return BeautifulSoup(text, "html.parser")
        except (ParserRejectedMarkup, AssertionError) as error:
            raise UnreadableHtml("the HTML cannot be read") from error


def new_tag(name: str, content: str = "", **attributes: str) -> Tag:
    """Return a new element."""
    tag = _FACTORY.new_tag(name, attrs=attributes)
    if content:
        tag.append(NavigableString(content))
    return tag


def said(element: Tag) -> str:
    """Return the beginning of an element's text, for the report."""
    return _WHITE.sub(" ", element.get_text(" ")).strip()[:160]
