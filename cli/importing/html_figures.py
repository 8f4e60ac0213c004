"""Images in HTML: those of figures, galleries and backgrounds, with their captions and links."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag

from .html_trees import new_tag
from .report import CHANGED
from .shortcodes import Note

EMBEDS = ("iframe", "video", "audio", "embed", "object")
_BLOCKS = ("div", "section", "figure", "header", "article", "aside", "main")
_BACKGROUND = re.compile(r"background(?:-image)?\s*:[^;]{0,200}?url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|webp|avif|svg)(?:\?.*)?$", re.IGNORECASE)


def read_figures(soup: BeautifulSoup, note: Note) -> None:
    """Give each image of a gallery its own figure, and unwrap figures that hold something else than images."""
    for image in soup.find_all("img"):
        _read_image(image)
        _unlink(image, note)
    for figure in soup.find_all("figure"):
        images = figure.find_all("img")
        caption = next((c for c in figure.find_all("figcaption") if c.find_parent("figure") is figure), None)
        if figure.find_parent("figure"):
            figure.unwrap() if not images else None
        elif not images or _holds_more(figure):
            if isinstance(caption, Tag):
                figure.insert_after(_paragraph(caption))
            figure.unwrap()
        elif len(images) > 1:
            note(CHANGED, "a gallery became single images", f"{len(images)} images", 0)
            parts = [_figure(image) for image in images]
            figure.replace_with(
                *parts, *([_paragraph(caption)] if isinstance(caption, Tag) and not caption.find("img") else [])
            )
    for gallery in soup.select(".image-gallery-embed, .wp-block-gallery, .gallery"):
        gallery.unwrap()


def _holds_more(element: Tag) -> bool:
    """Return True for an element with something else in it than images and their captions."""
    if element.find(EMBEDS):
        return True
    return any(text.strip() and not text.find_parent("figcaption") for text in element.find_all(string=True))


def show_backgrounds(soup: BeautifulSoup, note: Note) -> None:
    """Turn the images that stand in styles, such as those of covers, into elements."""
    for element in soup.find_all(_BLOCKS, style=_BACKGROUND):
        found = _BACKGROUND.search(str(element["style"]))
        address = found[1].strip() if found else ""
        if not address or address.startswith("data:") or element.find("img", src=address):
            continue
        paragraph = new_tag("p")
        paragraph.append(new_tag("img", src=address, alt=str(element.get("aria-label") or "")))
        element.insert(0, paragraph)
        note(CHANGED, "a background image became an image", address, 0)


def _unlink(image: Tag, note: Note) -> None:
    """Take the link from an image that only leads to the image in another size."""
    anchor, source = image.find_parent("a", href=True), str(image.get("src") or "")
    if not isinstance(anchor, Tag) or len(anchor.find_all("img", limit=2)) > 1 or _holds_more(anchor):
        return
    address = _original(str(anchor["href"]))
    is_its_page = "wp-att-" in str(anchor.get("rel") or "") or "attachment_id=" in address
    if not is_its_page and address != source and not _IMAGE.search(address):
        return
    if not is_its_page and _stem(address) != _stem(source):
        note(CHANGED, "an image lost its link to another image", address, 0)
    anchor.unwrap()


def _stem(address: str) -> str:
    """Return the name of an image without its suffix and its size."""
    name = unquote(address).partition("?")[0].rpartition("/")[2]
    return re.sub(r"-\d+x\d+$|-scaled$", "", name.rpartition(".")[0] or name).casefold()


def _figure(image: Tag) -> Tag:
    """Return a figure with an image and the caption of the figure that is nearest to it."""
    inner = image.find_parent("figure")
    caption = inner.find("figcaption") if inner and len(inner.find_all("img", limit=2)) == 1 else None
    anchor = image.find_parent("a", href=True)
    is_linked = isinstance(anchor, Tag) and len(anchor.find_all("img", limit=2)) == 1 and not anchor.find("figcaption")
    made = new_tag("figure")
    made.append((anchor if is_linked and anchor else image).extract())
    if caption:
        made.append(caption.extract())
    return made


def _paragraph(caption: Tag) -> Tag:
    made = caption.extract()
    made.name = "p"
    made.attrs = {}
    return made


def _read_image(image: Tag) -> None:
    """Leave an image its address, words and title; addresses of resized copies become those of the original."""
    source = str(image.get("src") or "")
    if not source or source.startswith("data:"):
        source = str(image.get("data-src") or image.get("data-lazy-src") or source)
    with suppress(ValueError, AttributeError):
        source = str(json.loads(str(image.get("data-attrs") or "{}")).get("src") or source)
    kept = {"src": _original(source), "alt": str(image.get("alt") or "")}
    if image.get("title"):
        kept["title"] = str(image["title"])
    image.attrs = kept  # type: ignore[assignment]


def _original(address: str) -> str:
    """Return the address of an image of which another one names a resized copy."""
    fetched = re.search(r"/image/fetch/[^/]+/(?:[^/]+/)?(https?(?:%3A|:).+)$", address, re.IGNORECASE)
    return unquote(fetched[1]) if fetched else address
