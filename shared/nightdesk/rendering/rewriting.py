"""Rewriting the Markdown parser's HTML before the sanitiser reads it.

What the sanitiser would drop without a word is replaced here, and reported: embedded players by links, images and links without an
address by their text. It is written anew tag by tag, so the sanitiser, which decides alone what is safe, has nothing to edit
afterwards. Its work, and ours, grows with the length of the text only: tags, depth and open formatting are counted.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from nightdesk.domain.ai_parts import AI_END, AI_START, AiPart
from nightdesk.domain.anchors import typed_anchor
from nightdesk.domain.embeds import Embed, title_of
from nightdesk.domain.errors import Rejected
from nightdesk.domain.figures import FIGURE_MARK
from nightdesk.domain.html_tokens import COMMENT, END, START, TEXT, UNCLOSED, Token, attributes, tokens
from nightdesk.domain.problems import Kind
from nightdesk.domain.template_code import template_code
from nightdesk.domain.typography import AS_TYPED
from nightdesk.rendering.ai_labels import part_start
from nightdesk.rendering.bare_links import MOST as MOST_ADDRESSES
from nightdesk.rendering.bare_links import split_addresses
from nightdesk.rendering.elements import (
    ATTRIBUTES,
    BLOCKS,
    DROPPED,
    EMBEDS,
    FORMATTING,
    HEADINGS,
    OPTIONAL_END,
    PLAIN,
    TAGS,
    VOID,
)
from nightdesk.rendering.embedded import address_of, look_ahead, name_of
from nightdesk.rendering.embeds import EMBED_MARK, address_alone, split_at_embeds
from nightdesk.rendering.hidden_elements import hidden_end, may_hide
from nightdesk.rendering.leftovers import literal_emphasis, literal_links, literal_tags, missing_footnotes
from nightdesk.rendering.losses import ADDRESS, MARKUP, PROSE, Losses
from nightdesk.rendering.rewriting_inputs import NOTHING_PLACED, PLAIN_STYLE, Finders, Placed, TextStyle
from nightdesk.rendering.tags import MARKS, aligned, chosen, tag_of

_HEADING_ID = re.compile(r"\s*\{:?\s*\#([\w.:-]{1,200})[^{}<>]{0,200}\}\s*$")
_COMMON = ("dir", "lang", "title")
_KNOWN = TAGS | HEADINGS
_SPECIAL = HEADINGS | {"a", "img"}
_LANGUAGE = re.compile(r'^<code class="language-([A-Za-z0-9_+-]{1,30})"')
_UNLINKED = ("script", "style", "link", "base", "meta", "input", "bgsound")
"""Elements whose address shows a reader nothing."""
_VERBATIM = ("code", "pre", "kbd", "samp")
_SUSPECT = re.compile(r"[{\[]|&lt;[%?/a-z]|\*\*|%%|==|\$\$|!!!|:[a-z_+-]+:", re.IGNORECASE)
_LAZY = (("loading", "lazy"), ("decoding", "async"))
_ON_THE_WEB = re.compile(r"(?:https?:)?//\w", re.IGNORECASE)
_MAX_DEPTH, _MAX_REOPENED = 250, 200_000
_TEXT_BREAK = 500
"""The sanitiser appends to a text at each line and character reference, and copies it; a comment begins a new text."""


def rewrite(
    source: str, find: Finders, losses: Losses, placed: Placed = NOTHING_PLACED, style: TextStyle = PLAIN_STYLE
) -> str:
    """Return HTML with known elements only, each image and link with its address on the site.

    Args:
        source: any HTML, as the parser returned it.
        find: an image without an address is replaced by its alt text, a link by its text.
        losses: where everything else that readers will not see is reported.
        placed: what the marks in the source stand for.
        style: of text, captions and code.

    Raises:
        Rejected: the HTML is nested too deeply, or the mark of a figure is not where elements can be.
    """
    rewriter = _Rewriter(split_at_embeds(source, find.embed), find, losses, placed, style)
    written = style.typography.html(rewriter.run())
    lost = [each.figure.line for number, each in enumerate(placed.figures) if number not in rewriter.placed]
    if lost:
        raise Rejected(*(Kind.FIGURE_SWALLOWED.at(line, "figure") for line in lost))
    return written


class _Rewriter:
    def __init__(
        self,
        source: str,
        find: Finders,
        losses: Losses,
        placed: Placed,
        style: TextStyle,
    ) -> None:
        self._source = source
        self._typography, self._colour = style
        self._found_addresses = 0
        self._figures = {FIGURE_MARK.format(number): number for number in range(len(placed.figures))}
        self._placed_figures = placed.figures
        self._ai_starts = {AI_START.format(number): part for number, part in enumerate(placed.ai_parts)}
        self._ai_ends = {AI_END.format(number) for number in range(len(placed.ai_parts))}
        self.placed: set[int] = set()
        self._image, self._link, self._embed, self._losses = find.image, find.link, find.embed, losses
        self._tokens = list(tokens(source))
        self._may_hide = may_hide(source)
        self._ends, self._inner = look_ahead(source, self._tokens)
        self._out: list[str] = []
        self._open: Counter[str] = Counter()
        self._depth = self._formatting = self._reopened = self._breaks = 0
        self._links: list[bool] = []
        self._heading = 0

    def run(self) -> str:
        number = 0
        while number < len(self._tokens):
            number = self._take(number, self._tokens[number])
        return "".join(self._out)

    def _take(self, number: int, token: Token) -> int:
        """Write a token in its new form, and return the index of the next one to read."""
        if token.kind == TEXT:
            self._text_with_links(self._source[token.start : token.end])
        elif token.kind == UNCLOSED:
            self._unclosed(token)
        elif token.kind == END:
            self._end(token.name)
        elif token.kind == START and self._may_hide and (end := hidden_end(self._source, self._tokens, number)):
            is_closed = end < len(self._tokens) or self._tokens[-1].kind == END or token.name in VOID
            kind = Kind.ELEMENT_HIDDEN if is_closed else Kind.ELEMENT_UNCLOSED
            self._losses.add(kind, "", MARKUP, f"<{token.name}", typed=token.name)
            return end
        elif token.kind == START and token.name in _KNOWN:
            if token.name == "p" and (end := self._bare_link(number)):
                return end
            self._start(token)
            if token.name == "code" and self._open["pre"] and (end := self._colour_code(number)):
                return end
        elif token.kind == START and token.name not in PLAIN:
            return self._remove(number, token)
        elif token.kind == COMMENT:
            self._comment(self._source[token.start : token.end])
        return number + 1

    def _comment(self, mark: str) -> None:
        """Write what a mark of ours stands for. No other comment is kept, and code is reported."""
        if mark in self._figures:
            self._figure(self._figures[mark])
        elif mark in self._ai_starts:
            self._start_ai_part(self._ai_starts[mark])
        elif mark in self._ai_ends:
            self._end("div")
        elif mark.startswith("<?"):
            name = re.split(r"[\s>?]", mark[2:20])[0]
            self._losses.add(Kind.ELEMENT_REMOVED, "", MARKUP, f"<?{name}".lower(), typed=f"?{name}")
        elif mark.startswith("<![CDATA[") and mark[9:-3].strip():
            self._losses.add(Kind.ELEMENT_REMOVED, "", MARKUP, "<![cdata[", typed="![CDATA[")

    def _text_with_links(self, text: str) -> None:
        """Write text, with links to the addresses that stand in it outside of links and code."""
        if "](" in text or "][" in text:
            self._report_literal_links(text)
        if "://" not in text or self._links or any(self._open[name] for name in _VERBATIM):
            self._text(text)
            return
        for part in split_addresses(text):
            is_link = part.address and self._found_addresses < MOST_ADDRESSES
            address = self._link(part.address) if is_link else None
            if address:
                self._found_addresses += 1
                self._out.append(f"{tag_of('a', [('href', address)])}{part.html}</a>")
            elif part.html:
                self._text(part.html)

    def _colour_code(self, number: int) -> int:
        """Write the content of an element of code in colours, and return the number of its end tag; 0 if it stays plain."""
        language = _LANGUAGE.search(self._out[-1])
        end = self._ends[number]
        inside = self._tokens[number + 1 : end]
        if not language or end == len(self._tokens) or any(token.kind != TEXT for token in inside):
            return 0
        source = "".join(self._source[token.start : token.end] for token in inside)
        coloured = self._colour(html.unescape(source), language[1])
        if coloured is None:
            return 0
        self._out.append(coloured)
        return end

    def _text(self, text: str) -> None:
        if text == "<":
            text = "&lt;"
        if self._breaks + text.count("&") + text.count("\n") > _TEXT_BREAK:
            text = self._break(text)
        else:
            self._breaks += text.count("&") + text.count("\n")
        self._out.append(text)
        if not self._heading:
            self._report_leftovers(text)

    def _break(self, text: str) -> str:
        """Return text with comments in it, so that the sanitiser makes several texts of it."""
        parts = re.split(r"(?=[&\n])", text)
        self._breaks = len(parts) % _TEXT_BREAK
        return "<!---->" + "<!---->".join(
            "".join(parts[start : start + _TEXT_BREAK]) for start in range(0, len(parts), _TEXT_BREAK)
        )

    def _report_literal_links(self, text: str) -> None:
        if not any(self._open[name] for name in _VERBATIM):
            for link in literal_links(MARKS.sub("", html.unescape(AS_TYPED.marked(text)))):
                self._losses.add(Kind.LINK_LITERAL, "link", PROSE, link, typed=link)

    def _report_leftovers(self, text: str) -> None:
        if self._open["code"] or self._open["pre"] or not _SUSPECT.search(text):
            return
        plain = MARKS.sub("", html.unescape(AS_TYPED.marked(text)))
        for code in template_code(plain):
            self._losses.add(Kind.TEMPLATE_CODE, "", PROSE, code, typed=code)
        for tag in literal_tags(plain):
            self._losses.add(Kind.TAG_LITERAL, "", PROSE, tag, typed=tag)
        for name in missing_footnotes(plain):
            self._losses.add(Kind.FOOTNOTE_MISSING, "footnote", PROSE, f"[^{name}]", typed=name)
        if typed := literal_emphasis(plain):
            self._losses.add(Kind.EMPHASIS_LITERAL, "", PROSE, typed, typed=typed)

    def _unclosed(self, token: Token) -> None:
        if token.name == "!--":
            self._losses.add(Kind.COMMENT_UNCLOSED, "", MARKUP, "<!--")
            return
        self._losses.add(Kind.TAG_UNCLOSED, "", MARKUP, f"<{token.name}".lower())
        self._out.append("&lt;")

    def _start(self, token: Token) -> None:
        name = "h2" if token.name == "h1" else token.name
        if name in BLOCKS:
            self._heading = 0  # one that was never closed
        tag = self._source[token.start : token.end]
        self._count(name)
        if len(tag) == len(name) + 2 and name not in _SPECIAL:
            self._out.append(tag)
            return
        values = attributes(tag)
        identifier = values.get("id") or (values.get("name", "") if name == "a" else "")
        anchor = typed_anchor(identifier) if identifier else ""
        if name == "img":
            self._out.append(self._picture(values))
        elif name == "a":
            self._anchor_start(values, anchor)
        else:
            kept = chosen(values, (*ATTRIBUTES.get(name, ()), *_COMMON))
            kept += aligned(values) if name in ("td", "th") else ()
            if name in HEADINGS:
                self._heading = len(self._out) + 1
            self._out.append(tag_of(name, [*kept, *([("id", anchor)] if anchor else [])]))

    def _count(self, name: str) -> None:
        """Refuse what would cost the sanitiser more than it is long.

        Elements whose end tag HTML allows to leave out do not count as nested.
        """
        if name in BLOCKS:
            self._reopened += self._formatting
        if name not in OPTIONAL_END:
            self._depth += 1
        if name not in VOID:
            self._open[name] += 1
            self._formatting += name in FORMATTING
        if self._depth > _MAX_DEPTH or self._reopened > _MAX_REOPENED:
            raise Rejected(Kind.MARKDOWN_TOO_DEEP.at(0))

    def _picture(self, values: dict[str, str]) -> str:
        typed = values.get("src") or values.get("data-src") or values.get("srcset", "").split(" ")[0]
        source = self._image(typed)
        alt = self._typography.marked(values.get("alt", ""))
        for code in template_code(values.get("alt", "")):
            self._losses.add(Kind.TEMPLATE_CODE, "image", PROSE, code, typed=code)
        if source is None:
            return self._in_place_of_picture(typed, alt)
        if not alt.strip():
            self._losses.add(Kind.IMAGE_ALT_MISSING, "image", ADDRESS, typed, typed=typed)
        if "title" in values:
            values["title"] = self._typography.plain(values["title"])
        rest = chosen(values, ("width", "height", *_COMMON))
        return tag_of("img", [("src", source), ("alt", alt), *rest, *_LAZY])

    def _in_place_of_picture(self, typed: str, alt: str) -> str:
        """Return the description of a picture that is left out, with a link to one on another site."""
        shown = html.escape(MARKS.sub("", alt))
        address = self._link(typed) if shown and _ON_THE_WEB.match(typed) and not any(self._links) else None
        kept = tag_of("a", [("href", address)]) + f"{shown}</a>" if address else f"<span>{shown}</span>"
        return kept if shown else ""

    def _figure(self, number: int) -> None:
        self.placed.add(number)
        self._heading = 0
        figure, address = self._placed_figures[number]
        figure = figure._replace(alt=self._typography.plain(figure.alt), caption=self._typography.plain(figure.caption))
        if address is None:
            self._out.append(f"<p>{self._in_place_of_picture(figure.src, figure.alt)}</p>" if figure.alt else "")
            return
        said = [("title", figure.caption), ("data-credit", figure.credit), ("data-source-type", figure.source_type)]
        values = [("src", address), ("alt", figure.alt), *((name, value) for name, value in said if value), *_LAZY]
        self._out.append(f"<figure>{tag_of('img', values)}</figure>")

    def _start_ai_part(self, part: AiPart) -> None:
        self._heading = 0
        self._count("div")
        self._out.append(tag_of("div", part_start(part._replace(note=self._typography.plain(part.note)))))

    def _anchor_start(self, values: dict[str, str], anchor: str) -> None:
        address = self._link(values["href"]) if values.get("href") else None
        if values.get("href") in ("", "#"):
            self._losses.add(Kind.LINK_EMPTY, "link", PROSE, "](")
        self._links.append(address is not None)
        if anchor:
            self._out.append(f"{tag_of('span', [('id', anchor)])}</span>")
        if address is not None:
            self._out.append(tag_of("a", [("href", address), *chosen(values, _COMMON)]))

    def _end(self, name: str) -> None:
        if name == "a":
            self._formatting -= bool(self._open["a"])
            self._open["a"] = max(self._open["a"] - 1, 0)
            self._depth -= bool(self._links)
            if self._links and self._links.pop():
                self._out.append("</a>")
            return
        if name in HEADINGS and self._heading:
            self._end_heading()
        name = "h2" if name == "h1" else name
        if name not in TAGS or name in VOID:
            return
        if self._open[name]:
            self._open[name] -= 1
            self._formatting -= name in FORMATTING
            self._depth -= name not in OPTIONAL_END
        self._out.append(f"</{name}>")

    def _end_heading(self) -> None:
        """Give a heading the id that stands at its end, as in `## Rates {#rates}`."""
        start, self._heading = self._heading - 1, 0
        last = self._out[-1]
        found = _HEADING_ID.search(last) if len(self._out) - 1 > start else None
        if found:
            self._out[-1] = last[: found.start()]
            others = [pair for pair in attributes(self._out[start]).items() if pair[0] != "id"]
            self._out[start] = tag_of(self._out[start][1:3], [*others, ("id", typed_anchor(found[1]))])
        for text in self._out[start + 1 :]:
            self._report_leftovers(text)

    def _bare_link(self, number: int) -> int:
        """Write a paragraph that is nothing but the address of an embed; return the number of the next token, or 0 for any other."""
        typed, end = address_alone(self._source, self._tokens, number)
        embed = self._embed(typed) if typed else None
        return end if embed and self._write_embed(embed, "", True) else 0

    def _write_embed(self, embed: Embed, title: str, is_paragraph: bool = False) -> bool:
        """Write the marked link to an embed, and return False where none is allowed. `is_paragraph`: it was typed as a paragraph."""
        address = None if any(self._links) else self._link(embed.link)
        if not address:
            return False
        shown = html.escape(MARKS.sub("", title_of(title)) or embed.provider)
        self._write_alone(f"{tag_of('a', [('href', address), (EMBED_MARK, '')])}{shown}</a>", is_paragraph)
        return True

    def _remove(self, number: int, token: Token) -> int:
        """Leave out an element, with a link in its place if it has an address."""
        name = token.name
        own = attributes(self._source[token.start : token.end])
        end = self._ends[number]
        inner = self._tokens[self._inner[number]] if self._inner[number] < end else None
        if name in EMBEDS and name != "form" and not address_of(own) and inner:
            own |= {"src": address_of(attributes(self._source[inner.start : inner.end]))}
        typed = address_of(own) if name not in _UNLINKED else ""
        embed = self._embed(typed) if name != "form" else None
        if embed and self._write_embed(embed, own.get("title") or own.get("aria-label") or ""):
            return end + 1 if name in DROPPED and end < len(self._tokens) else number + 1
        address = self._link(typed) if typed else None
        if typed:
            self._write_link(address, own.get("title") or own.get("aria-label") or own.get("alt") or name_of(typed))
        if address:
            self._losses.add(Kind.ELEMENT_LINKED, "", MARKUP, f"<{name}", typed=name, address=typed[:200])
        elif name in ("script", "style") and end == len(self._tokens):
            self._losses.add(Kind.ELEMENT_UNCLOSED, "", MARKUP, f"<{name}", typed=name)
        else:
            self._losses.add(Kind.ELEMENT_REMOVED, "", MARKUP, f"<{name}", typed=name)
        without = name in DROPPED and end < len(self._tokens) and (typed or name not in EMBEDS)
        return end + 1 if without else number + 1

    def _write_link(self, address: str | None, text: str) -> None:
        plain = html.escape(MARKS.sub("", text))
        self._write_alone(
            f"{tag_of('a', [('href', address)])}{plain}</a>" if address and not any(self._links) else plain
        )

    def _write_alone(self, shown: str, is_paragraph: bool = False) -> None:
        """Write a link, or the text in its place, in a paragraph of its own unless something around it may hold it."""
        inside = any(self._open[name] for name in ("p", *HEADINGS, *FORMATTING, "span", "li", "td", "th", "summary"))
        self._out.append(shown if inside and not is_paragraph else f"<p>{shown}</p>")
