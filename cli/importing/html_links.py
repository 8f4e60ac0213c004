"""Links around whole blocks, which Markdown cannot have: each leads from its first line and its images instead."""

from __future__ import annotations

from collections.abc import Iterator

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
        held = list(_held_by(anchor))
        images = [each for each in held if isinstance(each, Tag)]
        line = next((each for each in held if isinstance(each, NavigableString)), None)
        for image in images:
            image.wrap(new_tag("a", **given))
        if line is not None:
            _link_line(line, anchor, given)
        elif not images and said(anchor):
            anchor.insert_before(new_tag("a", given["href"], **given))
        if identifier := str(anchor.get("id") or anchor.get("name") or ""):
            anchor.insert_before(new_tag("span", "", id=identifier))
        anchor.unwrap()


def _held_by(element: Tag) -> Iterator[PageElement]:
    """Yield the images and texts that can have the link around them, which inner links and captions cannot."""
    for child in element.children:
        if isinstance(child, Tag):
            if child.name == "img":
                yield child
            elif child.name not in ("a", "figcaption", "pre"):
                yield from _held_by(child)
        elif isinstance(child, NavigableString) and not isinstance(child, Comment) and child.strip():
            yield child


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
