"""Ghost's own form of a text, Lexical, as HTML; for exports that hold no HTML. Mobiledoc, its older form, likewise."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

from .gates import open_fence
from .html_text import plain_text

Node = dict[str, Any]
_FORMATS = (
    (1, "strong"),
    (2, "em"),
    (4, "s"),
    (8, "u"),
    (16, "code"),
    (32, "sub"),
    (64, "sup"),
    (128, "mark"),
)
"""Bits of a text node's format, and their elements."""
_MAX_DEPTH = 60
_PAYWALL = "<!--members-only-->"
_EMAIL = '<div class="kg-email-card">e-mail</div>'


def lexical_to_html(source: str) -> str:
    """Return a Lexical document as HTML; empty if it cannot be read."""
    try:
        root = json.loads(source).get("root", {})
    except (ValueError, AttributeError, RecursionError):
        return ""
    return _children(root, 0) if isinstance(root, dict) else ""


def mobiledoc_to_html(source: str) -> str:
    """Return a Mobiledoc document as HTML; empty if it cannot be read."""
    try:
        document = json.loads(source)
        cards, markups = document.get("cards", []), document.get("markups", [])
        return "\n".join(_section(section, cards, markups) for section in document.get("sections", []))
    except (ValueError, AttributeError, RecursionError, TypeError, IndexError, KeyError):
        return ""


def _children(node: Node, depth: int) -> str:
    kids = node.get("children")
    if not isinstance(kids, list) or depth > _MAX_DEPTH:
        return ""
    return "".join(_node(kid, depth + 1) for kid in kids if isinstance(kid, dict))


def _node(node: Node, depth: int) -> str:
    kind = str(node.get("type", "")).removeprefix("extended-")
    if kind == "text":
        return _text(node)
    if kind in _WRAPPED:
        tag = _WRAPPED[kind]
        return f"<{tag}>{_children(node, depth)}</{tag}>"
    if kind == "heading":
        tag = str(node.get("tag") or "h2")
        tag = tag if tag in ("h1", "h2", "h3", "h4", "h5", "h6") else "h2"
        return f"<{tag}>{_children(node, depth)}</{tag}>"
    if kind == "list":
        tag = "ol" if node.get("listType") == "number" else "ul"
        start = node.get("start")
        first = f' start="{start}"' if tag == "ol" and isinstance(start, int) and start > 1 else ""
        return f"<{tag}{first}>{_children(node, depth)}</{tag}>"
    if kind in ("link", "autolink"):
        return f'<a href="{_of(node, "url")}">{_children(node, depth)}</a>'
    card = _CARDS.get(kind)
    made = card(node) if card else _children(node, depth) or _unknown(node, kind)
    return _gated(node, made)


def _gated(node: Node, made: str) -> str:
    """Put Ghost's own comments around a card that only some readers of the site see."""
    visibility = node.get("visibility")
    if isinstance(visibility, dict) and "web" not in visibility:
        # The first form of Ghost's setting.
        is_mailed_only = visibility.get("showOnWeb") is False or visibility.get("emailOnly") is True
        return _EMAIL if is_mailed_only else made
    web = visibility.get("web") if isinstance(visibility, dict) else None
    if not isinstance(web, dict) or not made:
        return made
    shown = "true" if web.get("nonMember") is True else "false"
    segment = re.sub(r"[^\w:,-]", "", str(web.get("memberSegment") or "")).replace("--", "-")
    begin = f'<!--kg-gated-block:begin nonMember:{shown} memberSegment:"{segment}" -->'
    return f"{begin}{made}<!--kg-gated-block:end-->"


def _unknown(node: Node, kind: str) -> str:
    """Return the texts and addresses of a card of an unknown kind, in an element that is reported."""
    parts = []
    for name, value in node.items():
        if not isinstance(value, str) or not value.strip() or name in ("type", "version"):
            continue
        if re.search(r"(?:url|href|src)$", name, re.IGNORECASE):
            parts.append(_link(node, value))
        elif re.search(
            r"(?:title|heading|header|text|textvalue|description|content|caption|html)$", name, re.IGNORECASE
        ):
            parts.append(f"<p>{value}</p>")
    return f'<ndcard kind="{html.escape(kind)}">{"".join(parts)}</ndcard>'


def _text(node: Node) -> str:
    made = html.escape(str(node.get("text") or ""), quote=False)
    bits = node.get("format")
    for bit, tag in _FORMATS:
        if isinstance(bits, int) and bits & bit:
            made = f"<{tag}>{made}</{tag}>"
    return made


def _of(node: Node, *names: str) -> str:
    """Return a property as the value of an attribute."""
    return html.escape(next((str(node[name]) for name in names if node.get(name)), ""))


def _image(node: Node) -> str:
    caption = str(node.get("caption") or "")
    words = f"<figcaption>{caption}</figcaption>" if caption else ""
    shown = f'<img src="{_of(node, "src")}" alt="{_of(node, "alt", "altText")}">'
    linked = f'<a href="{_of(node, "href")}">{shown}</a>' if node.get("href") else shown
    return f"<figure>{linked}{words}</figure>"


def _gallery(node: Node) -> str:
    images = [each for each in node.get("images") or [] if isinstance(each, dict)]
    shown = "".join(f'<img src="{_of(each, "src")}" alt="{_of(each, "alt")}">' for each in images)
    return f"<figure>{shown}<figcaption>{node.get('caption') or ''}</figcaption></figure>"


def _words(node: Node, name: str) -> str:
    """Return a property that is HTML as one line of text, escaped."""
    return html.escape(plain_text(str(node.get(name) or "")), quote=False)


def _link(node: Node, address: str, *labels: str) -> str:
    shown = next((words for label in labels if (words := _words(node, label))), "") or html.escape(address)
    return f'<p><a href="{html.escape(address)}">{shown}</a></p>' if address else ""


def _captioned(node: Node, made: str, name: str = "caption") -> str:
    """Return a card with its caption below it."""
    return f"{made}<p>{node[name]}</p>" if made and node.get(name) else made


def _bookmark(node: Node) -> str:
    metadata = node.get("metadata")
    title = str(metadata.get("title") or "") if isinstance(metadata, dict) else ""
    # The title is text, not HTML.
    return _captioned(node, _link({"title": html.escape(title)}, str(node.get("url") or ""), "title"))


def _code(node: Node) -> str:
    made = (
        f'<pre><code class="language-{_of(node, "language")}">{html.escape(str(node.get("code") or ""))}</code></pre>'
    )
    return _captioned(node, made)


def _markdown(node: Node) -> str:
    """Return a card of Markdown; a code block that it leaves open ends with the card."""
    text = str(node.get("markdown") or "")
    fence = open_fence(text)
    closed = f"{text}\n{fence}" if fence else text
    return f"<ndmarkdown>{html.escape(closed)}</ndmarkdown>"


def _file(node: Node) -> str:
    return _captioned(node, _link(node, str(node.get("src") or ""), "fileTitle", "fileName"), "fileCaption")


def _header(node: Node) -> str:
    heading = _words(node, "heading") or _words(node, "header")
    below = _words(node, "subheading") or _words(node, "subheader")
    made = (f"<h2>{heading}</h2>" if heading else "") + (f"<p>{below}</p>" if below else "")
    return made + (_link(node, str(node.get("buttonUrl") or ""), "buttonText") if node.get("buttonEnabled") else "")


def _offer(kind: str, node: Node, image: str, title: str, text: str, button: tuple[str, str]) -> str:
    """Return a card that advertises something: its image, words and button."""
    picture = f'<img src="{_of(node, image)}" alt="">' if node.get(image) else ""
    bold = f"<p><strong>{_words(node, title)}</strong></p>" if _words(node, title) else ""
    made = f"{picture}{bold}{node.get(text) or ''}{_link(node, str(node.get(button[0]) or ''), button[1])}"
    return f'<ndcard kind="{kind}">{made}</ndcard>'


_WRAPPED = {"paragraph": "p", "listitem": "li", "quote": "blockquote", "aside": "blockquote"}
_CARDS: dict[str, Callable[[Node], str]] = {
    "linebreak": lambda node: "<br>",
    "horizontalrule": lambda node: "<hr>",
    "hr": lambda node: "<hr>",
    "paywall": lambda node: _PAYWALL,
    "markdown": _markdown,
    "card-markdown": _markdown,
    "html": lambda node: str(node.get("html") or ""),
    "image": _image,
    "gallery": _gallery,
    "before-after": lambda node: _gallery({**node, "images": [node.get("beforeImage"), node.get("afterImage")]}),
    "codeblock": _code,
    "code": _code,
    "embed": lambda node: _captioned(node, _link(node, str(node.get("url") or ""), "title")),
    "bookmark": _bookmark,
    "button": lambda node: _link(node, str(node.get("buttonUrl") or ""), "buttonText"),
    "video": lambda node: _link(node, str(node.get("src") or ""), "caption", "fileName"),
    "audio": lambda node: _link(node, str(node.get("src") or ""), "title"),
    "file": _file,
    "product": lambda node: _offer(
        "product", node, "productImageSrc", "productTitle", "productDescription", ("productUrl", "productButton")
    ),
    "call-to-action": lambda node: _offer(
        "call-to-action", node, "imageUrl", "sponsorLabel", "textValue", ("buttonUrl", "buttonText")
    ),
    "callout": lambda node: f"<blockquote>{node.get('calloutText') or ''}</blockquote>",
    "toggle": lambda node: f"<p><strong>{node.get('heading') or ''}</strong></p>{node.get('content') or ''}",
    "header": _header,
    "email": lambda node: _EMAIL,
    "email-cta": lambda node: _EMAIL,
    "signup": lambda node: '<div class="kg-signup-card">sign-up</div>',
}


def _section(section: list[Any], cards: list[Any], markups: list[Any]) -> str:
    """Return one section of Mobiledoc: text, an image, a list or a card."""
    kind = section[0]
    if kind == 10:
        name, payload = cards[section[1]]
        card = _CARDS.get(str(name))
        given = payload if isinstance(payload, dict) else {}
        return _gated(given, card(given) if card else _unknown(given, str(name)))
    if kind == 2:
        return f'<img src="{html.escape(str(section[1]))}">'
    if kind == 3:
        tag = "ol" if section[1] == "ol" else "ul"
        return f"<{tag}>{''.join(f'<li>{_markers(item, markups)}</li>' for item in section[2])}</{tag}>"
    tag = section[1] if section[1] in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote") else "p"
    return f"<{tag}>{_markers(section[2], markups)}</{tag}>"


def _markers(markers: list[Any], markups: list[Any]) -> str:
    made, still_open = "", []
    for kind, opened, closed, value in markers:
        for number in opened:
            tag, *attributes = markups[number]
            pairs = attributes[0] if attributes else []
            given = "".join(
                f' href="{html.escape(str(v))}"' for k, v in zip(pairs[::2], pairs[1::2], strict=False) if k == "href"
            )
            tag = tag if tag in ("a", "strong", "b", "em", "i", "u", "code", "s", "sub", "sup", "mark") else "span"
            made += f"<{tag}{given}>"
            still_open.append(tag)
        made += html.escape(str(value), quote=False) if kind == 0 else "<br>"
        for _ in range(closed):
            made += f"</{still_open.pop()}>" if still_open else ""
    return made
