"""Making a page's HTML fit for mail programs: absolute addresses, styles in attributes, a limit, and plain text beside it.

What a reader may see is decided before: this module only gets HTML that was made from a view.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

from nightdesk.domain.html_tokens import END, START, attributes, tokens

MAX_HTML = 100_000
"""Bytes of a mail's HTML: Gmail hides what comes after 102 KB."""
MAX_WIDTH = 592
"""In pixels: the widest image for which a mail's column has the space."""
_ADDRESSES = ("href", "src")
_DROPPED_TAGS = ("source", "picture")
_DROPPED_ATTRIBUTES = ("srcset", "sizes", "loading", "decoding", "fetchpriority", "id", "role")
_VOID = frozenset(("img", "br", "hr", "wbr", "input", "col"))
_BLOCKS = frozenset(
    ("p", "div", "section", "article", "figure", "figcaption", "blockquote", "ul", "ol", "li", "dl", "dt", "dd", "pre", "table",
     "tr", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "header", "footer", "details", "summary")
)  # fmt: skip
_LITERAL = "\x00"
"""Stands for a blank of code until all others are made single."""
_NOTE = re.compile(r"#note-\d+$")
_NOTED, _BACK = "note", "back"
"""Stand for the addresses of links to a note and back, which a text does not show."""
_HREF = re.compile(r"""\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_SILENT = frozenset(("style", "script", "head", "title"))


def make_absolute(html: str, page_url: str) -> str:
    """Return HTML whose links and images have whole addresses, without what mail programs do not understand.

    Args:
        page_url: the address that the others are relative to.
    """
    out, position = [], 0
    for token in tokens(html):
        if token.kind not in (START, END) or not (token.name in _DROPPED_TAGS or token.kind == START):
            continue
        out.append(html[position : token.start])
        position = token.end
        if token.name not in _DROPPED_TAGS:
            out.append(_absolute_tag(html[token.start : token.end], token.name, page_url))
    out.append(html[position:])
    return "".join(out)


def _absolute_tag(tag: str, name: str, page_url: str) -> str:
    values = attributes(tag)
    if not values:
        return tag
    for key in _ADDRESSES:
        if key in values:
            values[key] = urljoin(page_url, values[key])
    if name == "img":
        values |= _fitted(values)
    kept = (f' {key}="{escape(value)}"' for key, value in values.items() if key not in _DROPPED_ATTRIBUTES)
    return f"<{name}{''.join(kept)}>"


def _fitted(values: dict[str, str]) -> dict[str, str]:
    """Return width and height of an image, as attributes, made to fit into a mail; nothing without these attributes."""
    width, height = (int(text) if text.isdigit() else 0 for text in (values.get("width", ""), values.get("height", "")))
    return dict(zip(("width", "height"), map(str, fit(width, height)), strict=True)) if width and height else {}


def fit(width: int, height: int) -> tuple[int, int]:
    """Return the size in which a mail shows an image.

    >>> fit(720, 480), fit(320, 100)
    ((592, 395), (320, 100))
    """
    return (width, height) if width <= MAX_WIDTH else (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width)))


def redirect_links(html: str, kept: Collection[str], redirect: Callable[[str], str]) -> tuple[str, tuple[str, ...]]:
    """Return a document whose links lead elsewhere, and the addresses to which they led.

    Args:
        kept: addresses whose links stay as they are.
        redirect: returns where a link is to lead instead of an address.
    """
    out, position, found = [], 0, dict[str, None]()
    for token in tokens(html):
        tag = html[token.start : token.end]
        url = attributes(tag).get("href", "") if token.kind == START and token.name == "a" else ""
        if not url.startswith(("https://", "http://")) or url in kept:
            continue
        found[url] = None
        # `sub` would read a backslash in the replacement as an escape.
        led = f'href="{escape(redirect(url))}"'.replace("\\", "%5C")
        out += [html[position : token.start], _HREF.sub(led, tag, count=1)]
        position = token.end
    return "".join([*out, html[position:]]), tuple(found)


def inline_styles(html: str) -> str:
    """Return a document with its style sheet in `style` attributes; rules for dark mode and narrow screens stay behind."""
    # Imported here because only newsletters need it, and every function of the pipeline has this package.
    import css_inline

    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, apply_width_attributes=True)
    return inliner.inline(html)


def top_level(html: str) -> Iterator[str]:
    """Yield the elements of sanitised HTML that stand in no other, each as separate HTML."""
    start = depth = 0
    for token in tokens(html):
        if token.kind == START and token.name not in _VOID:
            depth += 1
        elif token.kind == END and token.name not in _VOID:
            depth -= 1
        if depth <= 0 and token.kind in (START, END):
            yield html[start : token.end]
            start, depth = token.end, 0
    if html[start:].strip():
        yield html[start:]


def shorten(html: str, limit: int) -> str:
    """Return as many whole elements of sanitised HTML as fit into a number of bytes."""
    kept, size = [], 0
    for element in top_level(html):
        size += len(element.encode())
        if size > limit:
            break
        kept.append(element)
    return "".join(kept)


class _PlainText(HTMLParser):
    """Collects the text of HTML. Links are followed by their addresses, images replaced by their alt texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._links: list[str] = []
        self._lists: list[int | None] = []
        self._silent = 0
        self._literal = 0
        self._bullet_made = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._silent += tag in _SILENT
        self._literal += tag == "pre"
        if tag in ("ul", "ol"):
            self._lists.append(1 if tag == "ol" else None)
        # The first paragraph of a list's entry stands beside its bullet.
        if tag in _BLOCKS and tag != "li" and self.out[-1:] != [self._bullet_made]:
            self.out.append("\n\n" if tag != "tr" else "\n")
        if tag == "li":
            self._bullet_made = "\n" + self._bullet()
            self.out.append(self._bullet_made)
        elif tag == "br":
            self.out.append("\n")
        elif tag == "hr":
            self.out.append("* * *\n\n")
        elif tag in ("td", "th"):
            self.out.append(" | ")
        elif tag == "img" and values.get("alt"):
            self.out.append(f"[{values['alt']}]")
        elif tag == "a":
            self._start_link(values.get("href") or "", values.get("class") or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        self._literal -= tag == "pre"
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in _BLOCKS:
            self.out.append("\n\n" if tag not in ("li", "tr") else "")
        elif tag == "a" and self._links:
            self._end_link(self._links.pop())

    def _start_link(self, address: str, kind: str) -> None:
        is_back, is_note = kind == "note-back", _NOTE.search(address) is not None
        self._silent += is_back
        self.out.append("[" if is_note and not is_back else "")
        self._links.append(_BACK if is_back else _NOTED if is_note else address)

    def _end_link(self, address: str) -> None:
        self._silent -= address == _BACK
        if address == _NOTED:
            self.out.append("]")
        address = address.removeprefix("mailto:")
        if (address.startswith(("https://", "http://")) or "@" in address) and not "".join(self.out[-1:]).endswith(
            address
        ):
            self.out.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.out.append(data.replace(" ", _LITERAL) if self._literal else re.sub(r"\s+", " ", data))

    def _bullet(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "


def plain_text(html: str) -> str:
    """Return HTML as the text of a mail."""
    parser = _PlainText()
    parser.feed(html)
    parser.close()
    lines = [re.sub(r" +$", "", line).removeprefix(" ") for line in "".join(parser.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().replace(_LITERAL, " ")
