"""Emphasis beside Chinese, Japanese and Korean text, which has no spaces around words.

CommonMark's rule for `*` and `~` looks for spaces or punctuation around them, so `日本語の**「強調」**です` stays as typed. The rule
of markdown-cjk-friendly lets a delimiter stand between CJK characters and punctuation. The parser has no such option, but it
applies its rule to the characters beside a delimiter: a mark, neither a letter's equal in meaning nor punctuation, is put
between the two where the friendlier rule would decide otherwise, and is removed from what the parser returns.
"""

from __future__ import annotations

import re
import unicodedata

MARK = "\ue002"
_ESCAPED_MARK = "%EE%80%82"
"""The mark in an address, as the parser writes it."""
_CJK = (
    "\u1100-\u11ff\u2e80-\u303f\u3040-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff01-\uffee\U00016fe0-\U00018cff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
_IS_CJK = re.compile(f"[{_CJK}]")
# An escaped delimiter is text, and so is the backslash before it.
_RUN = re.compile(r"\\.|(?<![*~\\])(\*+|~+)(?![*~])", re.DOTALL)


def mark_delimiters(markdown: str) -> str:
    """Return Markdown with marks where the delimiters beside CJK text need them; unchanged if none do."""
    if markdown.isascii() or ("*" not in markdown and "~" not in markdown) or not _IS_CJK.search(markdown):
        return markdown

    def mark(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        before = markdown[found.start() - 1 : found.start()]
        after = markdown[found.end() : found.end() + 1]
        is_cjk = bool(_IS_CJK.match(before) or _IS_CJK.match(after))
        if not is_cjk:
            return found[0]
        left = MARK if _is_punctuation(before) else ""
        right = MARK if _is_punctuation(after) else ""
        return f"{left}{found[0]}{right}"

    return _RUN.sub(mark, markdown)


def remove_marks(html: str) -> str:
    """Return the parser's HTML without the marks."""
    return html.replace(MARK, "").replace(_ESCAPED_MARK, "")


def _is_punctuation(character: str) -> bool:
    """Return True for what CommonMark calls punctuation: the categories P and S of Unicode."""
    return bool(character) and unicodedata.category(character)[0] in "PS"
