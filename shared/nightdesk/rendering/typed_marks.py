"""Finding the quotation marks, dashes and ellipses that are text, and putting the marks of `domain.typography` in their place.

The parser has an option that makes printed characters of them, those of English, and it alone knows what is text. So what an author
typed as printed stands aside while it reads: punctuation that nobody types takes its place, since the parser's rules for emphasis ask
whether a character is punctuation. Whatever the parser then returns as printed, it made.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import pyromark

from nightdesk.domain.typography import DOUBLE, ELLIPSIS, EM_DASH, EN_DASH, SINGLE

SET_TYPE = pyromark.Options.ENABLE_SMART_PUNCTUATION
_PRINTED = "“”‘’–—…"
_ASIDE = "".join(map(chr, range(0x2E49, 0x2E50)))
_TO_ASIDE = tuple(zip(_PRINTED, _ASIDE, strict=True))
_TO_PRINTED = tuple(zip(_ASIDE, _PRINTED, strict=True))
_TO_MARKS = tuple(zip(_PRINTED, DOUBLE * 2 + SINGLE * 2 + EN_DASH + EM_DASH + ELLIPSIS, strict=True))
_ENCODED = {quote(aside): quote(printed) for aside, printed in zip(_ASIDE, _PRINTED, strict=True)}
_ANY_ENCODED = re.compile("|".join(_ENCODED))
_TAKEN = re.compile(f"[{_ASIDE}]|{_ANY_ENCODED.pattern}", re.IGNORECASE)


def stand_aside(markdown: str) -> str | None:
    """Return Markdown for the parser with `SET_TYPE`; None if it has the very characters that are to stand in."""
    return None if _TAKEN.search(markdown) else _replace(markdown, _TO_ASIDE)


def place_marks(html: str) -> str:
    """Return the parser's HTML with marks for what it made, and all else as it was typed."""
    html = _replace(_replace(html, _TO_MARKS), _TO_PRINTED)
    return _ANY_ENCODED.sub(lambda found: _ENCODED[found[0]], html) if "%E2%B9" in html else html


def _replace(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Replace characters by others. `str.translate` looks each character of a text up, which takes several times as long."""
    for old, new in pairs:
        text = text.replace(old, new)
    return text
