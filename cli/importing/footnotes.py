"""Footnotes in HTML, as Gutenberg, Substack and Markdown converters write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bs4 import BeautifulSoup, Tag

from .html_trees import parse_html

_BACK = re.compile(r"^[\s↩︎↑⤴\ufe0e\[\]^]*$")


def mark_footnotes(soup: BeautifulSoup, kept_apart: Mapping[str, str]) -> dict[str, Tag]:
    """Replace references by marks, and take the notes out of the text.

    Args:
        kept_apart: the HTML of notes that are not in the text, by id (WordPress).

    Returns:
        The notes by their labels, in the order of their references.
    """
    targets = _targets(soup, kept_apart)
    notes: dict[str, Tag] = {}
    labels: dict[str, str] = {}
    for anchor in list(soup.find_all("a", href=re.compile(r"^#"))):
        if anchor.decomposed:
            continue
        target = str(anchor["href"])[1:]
        if target not in targets or any(anchor is each or anchor in each.descendants for each in targets.values()):
            continue
        label = labels.setdefault(target, str(len(labels) + 1))
        notes[label] = targets[target]
        outer = anchor.parent if isinstance(anchor.parent, Tag) and anchor.parent.name == "sup" else anchor
        mark = soup.new_tag("ndnote", attrs={"label": label})
        outer.replace_with(mark)
    for note in notes.values():
        _strip(note)
    for holder in soup.select(".footnotes, ol.wp-block-footnotes, .footnotes-list"):
        if not holder.get_text(strip=True):
            holder.decompose()
    return notes


def _targets(soup: BeautifulSoup, kept_apart: Mapping[str, str]) -> dict[str, Tag]:
    """Return the elements that hold notes, by the ids to which references lead."""
    found: dict[str, Tag] = {}
    for identifier, text in kept_apart.items():
        element = parse_html(f"<div>{text}</div>").div
        if isinstance(element, Tag):
            found[identifier] = element
    for item in soup.select(
        ".footnotes li[id], li.footnote-item[id], ol.wp-block-footnotes li[id], li[id^='fn:'], li[id^='fn-']"
    ):
        found.setdefault(str(item["id"]), item)
    for box in soup.select(".footnote[data-component-name], div.footnote"):
        number, content = box.select_one("a[id]"), box.select_one(".footnote-content")
        if number and content:
            found.setdefault(str(number["id"]), content)
            number.decompose()
    return found


def _strip(note: Tag) -> None:
    """Take a note out of the text, and the link back out of the note."""
    for anchor in note.find_all("a", href=re.compile(r"^#")):
        if _BACK.match(anchor.get_text()) or "backref" in " ".join(anchor.get("class") or []):
            anchor.decompose()
    box = note.find_parent("div", class_="footnote")
    note.extract()
    note.name = "div"
    if isinstance(box, Tag):
        box.decompose()
