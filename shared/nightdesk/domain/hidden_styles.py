"""Whether the attributes of an HTML element hide it from everybody."""

from __future__ import annotations

import re
from collections.abc import Mapping

_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden"
    r"|(?:opacity|font-size)\s*:\s*0*(?:\.0*)?(?:[a-z%]*)\s*(?:;|!|$)",
    re.IGNORECASE,
)
_COMMENT, _ESCAPE = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL), re.compile(r"\\([0-9a-f]{1,6})\s?", re.IGNORECASE)


def is_hidden(name: str, values: Mapping[str, str]) -> bool:
    """Return True for an element that its own attributes hide."""
    if "hidden" in values or "popover" in values or (name == "dialog" and "open" not in values):
        return True
    return _STYLE.search(_plain_style(values.get("style", ""))) is not None


def _plain_style(typed: str) -> str:
    """Return a style as browsers read it: without comments, and with letters in place of their escapes."""
    return _ESCAPE.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), _COMMENT.sub("", typed))
