"""Splitting HTML into tags, comments and text, in time that grows with its length only.

What the Markdown parser makes of a draft may contain any HTML, so nothing is assumed of it. The rules are those of browsers
(WHATWG, HTML, “Tokenization”), except that a tag without an end is text, as its author sees it, instead of swallowing what follows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind

TEXT, START, END, COMMENT, RAW, UNCLOSED = "text", "start", "end", "comment", "raw", "unclosed"
"""Kinds of tokens. `RAW` is the content of a script or style; `UNCLOSED` is the `<` of a tag, or a comment, that never ends."""
_RAW_ELEMENTS = ("script", "style")
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])[^\s>]*+)|["'])*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'>/=][^\s>/=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?""")
_COMMENT = re.compile(r"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)")
_BOGUS = re.compile(r"<(?:[!?]|/(?![a-zA-Z]))[^>]*+>")
_ADDRESSES = frozenset(["href", "src", "data-src", "data", "poster"])
_AROUND = "".join(map(chr, range(0x21)))
_MOST_UNCLOSED = 100
"""Each tag without an end is looked for to the end of the text."""


class Token(NamedTuple):
    """A part of the HTML, from `start` up to `end`; tags have their `name` in lower case."""

    kind: str
    start: int
    end: int
    name: str = ""


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of HTML in order.

    Raises:
        Rejected: too many tags have no end.
    """
    position, unclosed = 0, 0
    while (found := source.find("<", position)) >= 0:
        if found > position:
            yield Token(TEXT, position, found)
        token = _markup(source, found)
        if token.kind == UNCLOSED and (unclosed := unclosed + 1) > _MOST_UNCLOSED:
            raise Rejected(Kind.TAGS_UNCLOSED.at(0))
        yield token
        position = token.end
        if token.kind == START and token.name in _RAW_ELEMENTS:
            closing = re.compile(rf"</{token.name}(?=[\s/>])", re.IGNORECASE).search(source, position)
            position = closing.start() if closing else len(source)
            yield Token(RAW, token.end, position, token.name)
    if position < len(source):
        yield Token(TEXT, position, len(source))


def _markup(source: str, start: int) -> Token:
    """Return the token that begins with the `<` at `start`."""
    if tag := _TAG.match(source, start):
        return Token(END if tag[1] else START, start, tag.end(), tag[2].lower())
    after = source[start + 1 : start + 3]
    if after[:1].isascii() and (
        after[:1].isalpha() or (after[:1] == "/" and after[1:].isascii() and after[1:].isalpha())
    ):
        return Token(UNCLOSED, start, start + 1, after.rstrip("/"))
    if source.startswith("<!--", start):
        found = _COMMENT.match(source, start)
        return Token(COMMENT, start, found.end()) if found else Token(UNCLOSED, start, len(source), "!--")
    if after[:1] in ("!", "?", "/") and after:
        found = _BOGUS.match(source, start)
        return Token(COMMENT, start, found.end()) if found else Token(UNCLOSED, start, start + 1, after)
    return Token(TEXT, start, start + 1)


def attributes(tag: str) -> dict[str, str]:
    """Return the attributes of a start tag, decoded; of one that is repeated, the first counts. Addresses have no blanks around
    them, as browsers read them (WHATWG, URL, “basic URL parser”).

    >>> attributes('<img src=a.png alt="A &amp; B">')
    {'src': 'a.png', 'alt': 'A & B'}
    """
    found = _TAG.fullmatch(tag)
    values: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(found[3] if found else ""):
        values.setdefault(name.lower(), html.unescape(double or single or bare))
    for name in _ADDRESSES & values.keys():
        values[name] = values[name].strip(_AROUND)
    return values
