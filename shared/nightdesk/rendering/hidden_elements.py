"""Elements that their author hid: with `hidden` or `popover`, with a style, or as a dialog that is not open.

Pages keep none of these, so readers would see what was hidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightdesk.domain.hidden_styles import is_hidden
from nightdesk.domain.html_tokens import END, START, Token, attributes
from nightdesk.rendering.elements import BLOCKS, VOID

_MAY_HIDE = re.compile(r"<(?:dialog\b|[^<>]*\b(?:hidden|none|collapse|opacity|font-size|popover)\b)", re.IGNORECASE)


def may_hide(source: str) -> bool:
    """Return True if a text may have hidden elements."""
    return _MAY_HIDE.search(source) is not None


def hidden_end(source: str, found: Sequence[Token], number: int) -> int:
    """Return the number of the token after a hidden element; 0 for an element that is not hidden.

    One that is never closed hides all that follows.
    """
    token = found[number]
    if token.end - token.start < len(token.name) + len(" hidden") + 2 and token.name != "dialog":
        return 0
    if not is_hidden(token.name, attributes(source[token.start : token.end])):
        return 0
    if token.name in VOID:
        return number + 1
    depth = 0
    for place in range(number, len(found)):
        each = found[place]
        if token.name == "p" and place > number and each.kind == START and each.name in BLOCKS:
            return place  # HTML lets a paragraph end without an end tag
        if each.name == token.name and each.kind in (START, END):
            depth += 1 if each.kind == START else -1
            if not depth:
                return place + 1
    return len(found)
