"""Embeds in a text: a card with a link, which loads the player when a reader asks for it.

A page sends nothing to the providers. Only those that the settings list can be loaded at all: the page's own content security policy
names no other (see the decision record on embeds).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape

from markupsafe import Markup

from nightdesk.domain.embeds import AUDIO, CHART, POST, VIDEO, Embed, embed_of
from nightdesk.domain.html_tokens import END, START, TEXT, Token, attributes
from nightdesk.domain.views import View, VisiblePart
from nightdesk.rendering.texts import Catalogue

EMBED_MARK = "data-embed"
"""The attribute of a link to an embed in a sanitised text. Nobody can type it."""
_LINKS = {VIDEO: "embed.video", AUDIO: "embed.audio", CHART: "embed.chart", POST: "embed.post"}
"""What the link of an embed without a title says, by its kind."""
_BUTTONS = {VIDEO: "embed.play", AUDIO: "embed.play", CHART: "embed.show"}
_MARKED = re.compile(rf' {EMBED_MARK}=""')
_CARD = re.compile(rf'<p>\s*<a href="([^"]*)" {EMBED_MARK}="">([^<]*)</a>\s*</p>')
"""A paragraph that holds nothing else. In a text that the sanitiser wrote, neither text nor an attribute can look like this."""


_PARAGRAPH = re.compile(r"<p>([^<]*(?:<(?!/?p\b)[^<]*)*)</p>")
_LINE = re.compile(r"(https?://[^\s<>]+)|<a href=\"(https?://[^\"]+)\">https?://[^<]+</a>")
_OPENED = re.compile(r"<(?!br\b)[a-z]")


EmbedFinder = Callable[[str], Embed | None]
"""Takes an address as typed; returns what of another site it shows, or None."""


def no_embed(_: str) -> Embed | None:
    """Find nothing: for texts whose pages show no cards."""
    return None


def split_at_embeds(source: str, find: EmbedFinder) -> str:
    """Return HTML in which an embed's address on a line of its own is split off as a paragraph."""
    return _PARAGRAPH.sub(lambda found: _split(found, find), source) if "://" in source else source


def _split(found: re.Match[str], find: EmbedFinder) -> str:
    parts: list[list[str]] = [[]]
    opened = 0
    for line in found[1].split("\n"):
        address = None if opened else _LINE.fullmatch(line.strip().removesuffix("<br />"))
        if address and find(unescape(address[1] or address[2])):
            parts += [[address[0]], []]
            continue
        parts[-1].append(line)
        opened += len(_OPENED.findall(line)) - line.count("</")
    if len(parts) == 1:
        return found[0]
    return "\n".join(f"<p>{text}</p>" for part in parts if (text := "\n".join(part)))


def address_alone(source: str, found: Sequence[Token], number: int) -> tuple[str, int]:
    """Return the web address that a paragraph consists of, as text or as a link to itself, and the number of the token after it.

    Args:
        number: of the start tag of the paragraph.
    """
    end = next((n for n in range(number + 2, min(number + 5, len(found))) if _is(found[n], END, "p")), 0)
    inside = found[number + 1 : end]
    texts = [source[token.start : token.end] for token in inside if token.kind == TEXT]
    typed = unescape(texts[0]).strip() if len(texts) == 1 else ""
    if len(inside) == 3:
        is_link = _is(inside[0], START, "a") and _is(inside[2], END, "a")
        href = attributes(source[inside[0].start : inside[0].end]).get("href", "") if is_link else ""
        typed = typed if href == typed else ""
    elif len(inside) != 1:
        typed = ""
    return (typed, end + 1) if typed.startswith(("http://", "https://")) else ("", 0)


def _is(token: Token, kind: str, name: str) -> bool:
    return token.kind == kind and token.name == name


class EmbedCards:
    """Puts cards in the place of the embeds in a sanitised text.

    Args:
        allowed: the providers whose players readers may load, as `site.yaml` lists them.
        plain: for feeds and mail, where an embed is a link.
    """

    def __init__(self, text: Catalogue, allowed: Sequence[str], plain: bool = False) -> None:
        self._text, self._allowed, self._plain = text, frozenset(allowed), plain

    def html(self, html: str) -> str:
        """Return HTML with cards."""
        if EMBED_MARK not in html:
            return html
        return _MARKED.sub("", html if self._plain else _CARD.sub(self._card, html))

    def origins(self, view: View) -> tuple[str, ...]:
        """Return the origins of the players that a page may load."""
        texts = [part.html for part in view.parts if isinstance(part, VisiblePart)]
        found = {embed.origin for html in (*texts, *view.notes) for embed in _embeds(html) if self._loads(embed)}
        return tuple(sorted(found))

    def _loads(self, embed: Embed) -> bool:
        return bool(embed.player) and embed.listed_as in self._allowed

    def _card(self, found: re.Match[str]) -> str:
        embed = embed_of(unescape(found[1]))
        if not embed:
            return found[0]
        title = unescape(found[2])
        name = embed.provider if title == embed.provider else f"{title} ({embed.provider})"
        label = Markup('<span class="embed-provider">{}</span> ').format(embed.provider)
        shown = title if title != embed.provider else self._text(_LINKS[embed.kind])
        link = Markup('<a href="{}">{}</a>').format(embed.link, shown)
        caption = Markup("<figcaption>{}{}</figcaption>").format(label, link)
        if not self._loads(embed):
            return Markup('<figure class="embed">{}</figure>').format(caption)
        button = Markup('<button type="button" class="button" hidden>{}</button>').format(
            self._text(_BUTTONS[embed.kind])
        )
        note = Markup("<p>{}</p>").format(self._text("embed.note", provider=embed.provider))
        return Markup(
            '<figure class="embed" data-player="{}" data-title="{}"><div class="embed-box embed-{}">{}{}</div>{}</figure>'
        ).format(embed.player, name, embed.kind, button, note, caption)


def _embeds(html: str) -> Iterator[Embed]:
    if EMBED_MARK in html:
        for found in _CARD.finditer(html):
            if embed := embed_of(unescape(found[1])):
                yield embed
