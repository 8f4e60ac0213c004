"""Cards and blocks of HTML in which Ghost, WordPress and Substack put more than text: bookmarks, files, products, galleries."""

from __future__ import annotations

import json
import re
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag

from .html_trees import new_tag, said
from .markdown_text import file_name
from .report import CHANGED, LOST
from .shortcodes import Note

_SHOWN = ("a", "img", "iframe", "video", "audio")
_PLAYERS = ".kg-video-player-container, .kg-video-overlay, .kg-audio-player"
_TITLES = ".kg-file-card-title, .kg-audio-title"
_WHITE = re.compile(r"\s+")


def _link(address: str, label: str) -> Tag:
    paragraph = new_tag("p")
    paragraph.append(new_tag("a", label or address, href=address))
    return paragraph


def read_cards(soup: BeautifulSoup, note: Note) -> None:
    """Turn cards with a meaning into plain elements."""
    for card in soup.select(".kg-bookmark-card, .wp-block-embed-wordpress, .digest-post-embed, .embedded-post-wrap"):
        anchor, given = card.find("a", href=True), _data_of(card)
        if isinstance(anchor, Tag):
            title = card.select_one(".kg-bookmark-title, .embedded-post-title")
            address = str(given.get("url") or anchor["href"])
            link = _link(address, str(given.get("title") or _words(title or anchor)))
            card.replace_with(link, *_captions(card))
            note(CHANGED, "a bookmark became a link", address, 0)
    for embed in soup.select(
        "figure.wp-block-embed, .wp-block-embed__wrapper, .youtube-wrap, .twitter-embed, .tweet, [data-attrs]"
    ):
        address = _embedded(embed)
        if address and not embed.find(["img", "iframe"]):
            embed.replace_with(_link(address, address))
            note(CHANGED, "an embedded page became a link", address, 0)
    for card in soup.select("[data-attrs]"):
        if not card.decomposed and card.name not in _SHOWN and not card.find(_SHOWN):
            _read_data_card(card, note)
    for quote in soup.select("div.pullquote, div.callout-block"):
        quote.name = "blockquote"
    for card in soup.find_all("ndcard"):
        has_text = bool(said(card))
        end = "its text stays" if has_text else "it was taken out"
        kind = f"a card of the kind “{card['kind']}” has no meaning here; {end}"
        note(CHANGED if has_text else LOST, kind, said(card), 0)
        card.unwrap()
    _read_cards_of_ghost(soup, note)


def _read_cards_of_ghost(soup: BeautifulSoup, note: Note) -> None:
    """Turn cards for which Ghost has programs and styles into their texts, links and images."""
    for player in soup.select(_PLAYERS):
        player.decompose()
    for card in soup.select(".kg-toggle-card"):
        heading, content = card.select_one(".kg-toggle-heading-text"), card.select_one(".kg-toggle-content")
        if heading and content:
            card.replace_with(_bold(heading), *list(content.children))
    for card in soup.select(".kg-callout-card"):
        card.name = "blockquote"
        emoji, text = card.select_one(".kg-callout-emoji"), card.select_one(".kg-callout-text")
        if emoji and text:
            (text.find("p") or text).insert(0, NavigableString(f"{_words(emoji)} "))
            emoji.decompose()
    for card in soup.select(".kg-file-card, .kg-audio-card, .kg-video-card, .kg-product-card"):
        source = card.find(["a", "audio", "video"])
        address = str(source.get("href") or source.get("src") or "") if isinstance(source, Tag) else ""
        what = "a file, recording or product became its text and its link"
        note(CHANGED if address else LOST, what, address or said(card), 0)
        if title := card.select_one(".kg-product-card-title"):
            title.replace_with(_bold(title))
        for button in card.select(".kg-product-card-button"):
            button.wrap(new_tag("p"))
        if address and "kg-product-card" not in card["class"]:
            title = card.select_one(_TITLES)
            label = _words(title) if title else ""
            card.replace_with(_link(address, label or file_name(address)), *_captions(card))


def _words(element: Tag) -> str:
    """Return the text of an element in one line."""
    separator = " " if element.find(["div", "p"]) else ""
    return _WHITE.sub(" ", element.get_text(separator)).strip()


def _bold(element: Tag) -> Tag:
    """Return a paragraph in bold letters with what an element holds."""
    paragraph, strong = new_tag("p"), new_tag("strong")
    strong.extend(list(element.children))
    paragraph.append(strong)
    return paragraph


def _captions(card: Tag) -> list[Tag]:
    """Return the captions of a card as paragraphs."""
    found = [each.extract() for each in card.select("figcaption, .kg-file-card-caption") if said(each)]
    for caption in found:
        caption.name, caption.attrs = "div", {}
    return found


def _embedded(element: Tag) -> str:
    """Return the address of what an element embeds; empty if it names none."""
    text = said(element)
    if re.fullmatch(r"https?://\S+", text):
        return text
    given = _data_of(element)
    if given.get("videoId"):
        return f"https://www.youtube.com/watch?v={given['videoId']}"
    address = str(given.get("url") or "")
    return address if address.startswith("http") and "full_text" in given else ""


def _data_of(element: Tag) -> dict[str, Any]:
    try:
        given = json.loads(str(element.get("data-attrs") or "{}"))
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _read_data_card(card: Tag, note: Note) -> None:
    """Write a card of Substack whose content stands in its data alone: a formula, images, a name, another post; others are reported."""
    given = _data_of(card)
    addresses = (str(given.get(key) or "") for key in ("canonical_url", "base_url", "url"))
    address = next((each for each in addresses if each.startswith(("http://", "https://"))), "")
    words = said(card) or str(given.get("title") or given.get("name") or "")
    if images := _gallery(given.get("gallery")):
        card.replace_with(images)
    elif formula := str(given.get("persistentExpression") or ""):
        code = new_tag("pre")
        code.append(new_tag("code", formula, **{"class": "language-latex"}))
        card.replace_with(code)
        note(CHANGED, "a formula became its source", formula[:160], 0)
    elif card.name == "span" and words:
        card.replace_with(new_tag("a", words, href=address) if address else NavigableString(words))
    elif address:
        card.replace_with(_link(address, words))
        note(CHANGED, "an embedded page became a link", address, 0)
    elif not said(card):
        kind = " ".join(card.get("class") or []) or str(card.get("data-component-name") or card.name)
        note(LOST, "an element without a text was taken out", words or kind, 0)
        card.decompose()


def _gallery(given: Any) -> Tag | None:
    """Return the images of Substack's gallery as a figure; None if there are none. The words for all images go to the first."""
    listed = given.get("images") if isinstance(given, dict) else None
    sources = (
        [each for each in listed if isinstance(each, dict) and each.get("src")] if isinstance(listed, list) else []
    )
    figure = new_tag("figure")
    for number, image in enumerate(sources):
        alt = image.get("alt") or (given.get("alt") if number == 0 else "")
        figure.append(new_tag("img", src=str(image["src"]), alt=str(alt or "")))
    if given_caption := str(given.get("caption") or "") if sources else "":
        figure.append(new_tag("figcaption", given_caption))
    return figure if sources else None
