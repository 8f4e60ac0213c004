"""Links around whole blocks, which Markdown cannot have: each leads from its first line and its images instead."""

from __future__ import annotations

from bs4 import BeautifulSoup, Comment, NavigableString, Tag
from bs4.element import PageElement

from .html_trees import new_tag, said

_BLOCKS = (
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "aside",
    "nav",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "pre",
    "blockquote",
    "table",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "figure",
    "figcaption",
    "details",
    "summary",
    "address",
    "nddivider",
    "ndgate",
    "ndmarkdown",
    "ndcard",
)


def link_first_lines(soup: BeautifulSoup) -> None:
    """Take the links from around blocks, and put them around the first line in these and around their images."""
    for anchor in soup.find_all("a", href=True):
        if not anchor.find(_BLOCKS):
            continue
        given = {name: str(anchor[name]) for name in ("href", "title") if anchor.get(name)}
        images = [image for image in anchor.find_all("img") if image.find_parent("a") is anchor]
        for image in images:
            image.wrap(new_tag("a", **given))
        line = next((each for each in anchor.find_all(string=True) if _is_words(each, anchor)), None)
        if line is not None:
            _link_line(line, anchor, given)
        elif not images and said(anchor):
            anchor.insert_before(new_tag("a", given["href"], **given))
        if identifier := str(anchor.get("id") or anchor.get("name") or ""):
            anchor.insert_before(new_tag("span", "", id=identifier))
        anchor.unwrap()


def _is_words(text: NavigableString, anchor: Tag) -> bool:
    """Return True for words to which the link of an anchor can be given."""
    is_text = bool(text.strip()) and not isinstance(text, Comment)
    return is_text and not text.find_parent(["figcaption", "pre"]) and text.find_parent("a") is anchor


def _link_line(text: NavigableString, anchor: Tag, given: dict[str, str]) -> None:
    """Put a link around a text and what stands beside it in its line."""
    first: PageElement = text
    while first.parent is not None and first.parent is not anchor and not _is_block(first.parent):
        first = first.parent
    run = [first]
    while (beside := run[-1].next_sibling) is not None and not _ends_line(beside):
        run.append(beside)
    link = first.wrap(new_tag("a", **given))
    for each in run[1:]:
        link.append(each.extract())


def _is_block(element: PageElement) -> bool:
    return isinstance(element, Tag) and (element.name in _BLOCKS or element.find(_BLOCKS) is not None)


def _ends_line(element: PageElement) -> bool:
    return _is_block(element) or (
        isinstance(element, Tag) and (element.name in ("a", "br") or element.find(["a", "br"]) is not None)
    )
