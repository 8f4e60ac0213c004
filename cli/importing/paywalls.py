"""By which names and marks other systems hide a text from some of its readers.

Plug-ins have hundreds of names. In doubt, more is hidden than there was: nothing that was paid for becomes public.
"""

from __future__ import annotations

import re

_OF_MEMBERS = re.compile(
    r"(?:^|[-_/])(?:mepr|memberpress|pms|pmpro|paid-memberships-pro|rcp|restrict-content-pro|ihc|arm|um|ultimate-member|wlm|wishlist|swpm|"
    r"wpmem|s2member|memberful|patreon|leaky-paywall)(?:[-_/]|$)|memberships?(?:[-_/]|$)|members?[-_](?:only|content)|restrict|paywall|"
    r"logged[-_]?in|subscribers?[-_]only|premium[-_]content|(?:hide|protect|lock)(?:ed)?[-_]?content",
    re.IGNORECASE,
)
"""Names of shortcodes and blocks of plug-ins for members."""
_FOR_OTHERS = re.compile(
    r"(?:^|[-_/])(?:non|not|no|un|guests?|visitors?)[-_]?(?:members?|paid|subscribers?|authori[sz]ed|active|logged)|logged[-_]?out|guest|"
    r"(?:log[-_]?in|sign[-_]?(?:in|up)|register|registration|form|account|buttons?|link|price|pricing|checkout|plans?|levels?|profile|logout|widget|"
    r"list|directory)$",
    re.IGNORECASE,
)
"""Names of what such plug-ins show to everybody else, and of their forms."""
_SHORTCODE = re.compile(
    r"(members?[_-]?(only|content)?|restrict(ed)?|paid|premium|paywall|mepr|memberpress|rcp|restrictcontent|s2if|wcm_restrict|"
    r"wcm_content_restricted|memberful|pmpro|membership|subscribers?[_-]?(only|content)?|private|protected|um_loggedin|ihc-hide-content|"
    r"[\w-]*paywall|[\w-]+(?:members?|subscribers?)[-_]only|"
    r"arm_restrict_content|content_control|loggedin|access|wlm_.*|swpm_protected|leaky_paywall.*|mp[-_]?only)",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"members?|restrict(ed)?|paid|premium|membership|subscribers?|private|protected|access", re.IGNORECASE
)
_NAME = re.compile(r"/?\w+(?:[-_]\w+)+")
_WORDS = re.compile(
    r"/?(?:\w+\s+){0,2}\w*(?:paywall|restrict)\w*(?:\s+\w+)?|(?:\w+\s+)?(?:(?:members?|subscribers?)\s+only|(?:members?|premium|paid)\s+content)(?:\s+\w+)?",
    re.IGNORECASE,
)
_LONGEST_COMMENT = 60
MARKS = ("___STEADY_PAYWALL___",)
"""Words in a text that hide what follows them."""


def hides_content(name: str) -> bool:
    """Return True if a shortcode or a block of this name shows its content to members only."""
    return bool(_OF_MEMBERS.search(name) and not _FOR_OTHERS.search(name))


def is_members_shortcode(name: str) -> bool:
    """Return True for the name of a shortcode that hides what it holds, or what follows it."""
    return bool(_SHORTCODE.fullmatch(name))


def is_plain_word(name: str) -> bool:
    """Return True for the name of such a shortcode that may as well be a word in brackets."""
    return bool(_WORD.fullmatch(name))


def is_divider(comment: str) -> bool:
    """Return True if a comment, without its marks, hides what follows it, such as `members-only` or `steady-paywall`."""
    words = comment.strip()
    if len(words) > _LONGEST_COMMENT:
        return False
    return bool(_WORDS.fullmatch(words) or (_NAME.fullmatch(words) and hides_content(words)))
