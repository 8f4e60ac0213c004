"""HTML to Markdown, with the cards and blocks that Ghost, WordPress and Substack put into their texts."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, NavigableString, Tag
from nightdesk.domain.embeds import embed_of

from .footnotes import mark_footnotes
from .html_cards import read_cards
from .html_figures import EMBEDS, read_figures, show_backgrounds
from .html_gates import is_hidden_element, read_gates
from .html_links import link_first_lines
from .html_trees import UnreadableHtml, new_tag, parse_html, said
from .markdown_text import escape_directives
from .markdown_writer import Converter
from .report import CHANGED, LOST
from .shortcodes import Note

_MAX_DEPTH = 200
_GONE = (
    "script",
    "style",
    "form",
    "svg",
    "noscript",
    "button",
    "input",
    "select",
    "textarea",
    "link",
    "meta",
    "template",
)
_QUIET = ("style", "svg", "noscript", "link", "meta", "input", "button")
_LEFT_OUT = (
    ".subscription-widget-wrap, .subscription-widget-wrap-editor, .kg-signup-card, .kg-email-card, .kg-email-cta-card, .kg-cta-card-email, "
    ".sharedaddy, .jp-relatedposts, .subscribe-widget, .button-wrapper [data-component-name='SubscribeWidget']"
)
_BLOCK_CHILDREN = ("p", "ul", "ol", "div", "pre", "blockquote", "table", "h1", "h2", "h3", "h4", "h5", "h6", "figure")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_WITH_WORDS = ("p", "li", "td", "th", "div", "section", "blockquote", "dt", "dd")
_WHITE = re.compile(r"\s+")


def html_to_markdown(text: str, note: Note, notes: dict[str, str] | None = None) -> str:
    """Return a text as Markdown.

    Args:
        note: is called for everything that is changed or taken out.
        notes: the HTML of footnotes that are kept apart from the text, by id.

    Raises:
        UnreadableHtml: the HTML is nested too deeply to be read.
    """
    try:
        soup = parse_html(text)
        if _depth(soup) > _MAX_DEPTH:
            raise UnreadableHtml("the HTML is nested too deeply")
        read_gates(soup, note)
        _take_out(soup, note)
        footnotes = mark_footnotes(soup, notes or {})
        for element in footnotes.values():
            _take_out(element, note)
        read_cards(soup, note)
        show_backgrounds(soup, note)
        link_first_lines(soup)
        read_figures(soup, note)
        _read_embeds(soup, note)
        _mark_anchors(soup)
        converter = Converter(
            heading_style="ATX", bullets="-", escape_misc=True, autolinks=False, newline_style="backslash"
        )
        body = _tidy(converter.convert_soup(soup))
        for label, element in footnotes.items():
            content = _tidy(converter.convert_soup(element)).replace("\n", "\n    ")
            body += f"\n\n[^{label}]: {re.sub(r'(?m)^ +$', '', content)}"
    except RecursionError:
        raise UnreadableHtml("the HTML is nested too deeply") from None
    return escape_directives(body) + "\n"


def _depth(soup: BeautifulSoup) -> int:
    """Return how deeply the elements are nested, without calling itself."""
    depth = deepest = 0
    stack = [iter(soup.contents)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
            depth -= 1
        elif isinstance(child, Tag):
            stack.append(iter(child.contents))
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _tidy(text: str) -> str:
    lines = [line.rstrip() if not line.endswith("\\") else line for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _take_out(soup: Tag, note: Note) -> None:
    for element in soup.find_all(is_hidden_element):
        if not element.decomposed:
            note(LOST, "an element that its author hid was taken out", said(element) or str(element)[:160], 0)
            element.decompose()
    for element in soup.select(_LEFT_OUT):
        note(LOST, "a sign-up form or a part for e-mail alone was taken out", said(element), 0)
        element.decompose()
    for element in soup.find_all(_GONE):
        if element.decomposed:
            continue
        if element.name not in _QUIET:
            note(LOST, f"<{element.name}> was taken out", str(element.get("src") or said(element)), 0)
        element.decompose()


def _read_embeds(soup: BeautifulSoup, note: Note) -> None:
    for element in soup.find_all(EMBEDS):
        if element.decomposed:
            continue
        nested = element.find(["source", "embed", "iframe"])
        address = element.get("src") or element.get("data-src") or element.get("data")
        address = str(address or (nested.get("src") if isinstance(nested, Tag) else "") or "")
        if not address:
            note(LOST, f"<{element.name}> was taken out", said(element), 0)
            element.decompose()
            continue
        address = f"https:{address}" if address.startswith("//") else address
        video = re.match(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]+)", address)
        address = f"https://www.youtube.com/watch?v={video[1]}" if video else address
        note(CHANGED, f"<{element.name}> became a link", address, 0)
        # A paragraph that is nothing but the address of something known is shown as a card.
        embed = embed_of(address)
        address = embed.link if embed else address
        link = new_tag("a", address if embed else str(element.get("title") or address), href=address)
        element.replace_with(link)


def _mark_anchors(soup: BeautifulSoup) -> None:
    """Keep the places to which links lead: all that an anchor names, and of other elements those that this text links to."""
    linked = {unquote(str(anchor["href"])[1:]) for anchor in soup.find_all("a", href=re.compile("^#."))}
    for element in soup.find_all(lambda each: each.has_attr("id") or (each.name == "a" and each.has_attr("name"))):
        if element.name in _HEADINGS:
            continue
        identifier = str(element.attrs.pop("id", "") or element.get("name") or "")
        is_place = element.name == "a" and not element.has_attr("href")
        if not identifier or not (is_place or identifier in linked):
            continue
        heading = element.find_parent(_HEADINGS)
        if isinstance(heading, Tag):
            heading["id"] = heading.get("id") or identifier
        else:
            place = new_tag("span", "", id=identifier)
            element.insert(0, place) if element.name in _WITH_WORDS else element.insert_before(place)


def plain_text(text: str) -> str:
    """Return HTML as one line of text."""
    if "<" not in text:
        return _WHITE.sub(" ", html.unescape(text)).strip()
    soup = parse_html(text)
    for hidden in soup.find_all(is_hidden_element):
        if not hidden.decomposed:
            hidden.decompose()
    for element in soup.find_all(["br", *_BLOCK_CHILDREN]):
        element.append(NavigableString(" "))
        element.insert_after(NavigableString(" "))
    return _WHITE.sub(" ", soup.get_text()).strip()


def any_of(value: Any) -> str:
    """Return a JSON value as text; empty for nothing."""
    return "" if value is None else str(value)
