"""What WordPress and its plug-ins keep from readers by settings: of a post in its meta, of a block in its attributes.

The texts themselves do not show it, so that an import would make them public.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .report import LOST
from .shortcodes import Note

_META = re.compile(
    r"_?(?:members_access_role|rcp_(?:subscription_level|user_level|access_level|restricted_to|membership_level\w*)|is_paid|patreon[-_]level|"
    r"pms-content-restrict-(?:subscription-plan|user-status|type)|memberful_(?:acl|restrict\w*)|(?:arm|armember)_access_plan\w*|"
    r"(?:mepr|memberpress|wlm|wpm|wishlist|swpm|ihc|s2member|restrict|paywall|premium|members?[-_]?only|subscribers?[-_]?only)[-_]?"
    r"(?:protect(?:ed|ion)?|restrict(?:ed|ion)?|content|access|levels?|enabled|mb_who|mb_type)?)",
    re.IGNORECASE,
)
_OPEN = frozenset(
    [
        "0",
        "-1",
        "no",
        "none",
        "off",
        "false",
        "null",
        "all",
        "any",
        "anyone",
        "public",
        "everyone",
        "everybody",
        "default",
        "unprotected",
        "a:0:{}",
        "[]",
        "{}",
    ]
)
"""Values with which such a setting hides nothing."""
_SERIALIZED = {
    "um_content_restriction": re.compile(r'"_um_accessible";(?:s:\d+:"|i:)2'),
    "_issuem_leaky_paywall_visibility": re.compile(r'"visibility_type";s:\d+:"(?!default")'),
}
"""Settings kept as PHP's arrays, and what in them hides a post."""
_HIDING_ATTRIBUTE = re.compile(
    r'"(?:visibilityByRole"\s*:\s*"(?:logged-in|user-role)"|restrictedRoles"\s*:\s*\[\s*[^\s\]]|newspackAccessControl\w*"\s*:\s*[\[{]\s*[^\s\]}]|'
    r"(?:members?|subscribers?|paid|logged_?in)_?only\"\s*:\s*(?:true|1|\"(?:1|true|yes)\"))",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r'<!--\s*wp:([\w/-]+)\s+\{[^>]*?"blockVisibility"\s*:\s*false.*?-->', re.DOTALL)


def restricting_key(meta: Mapping[str, str]) -> str:
    """Return the key of a post's meta that keeps the post from the public; empty if none does."""
    for key, value in meta.items():
        if pattern := _SERIALIZED.get(key):
            if pattern.search(value):
                return key
        elif _META.fullmatch(key) and value.strip() and value.strip().lower() not in _OPEN:
            return key
    return ""


def hides_by_attribute(comment: str) -> bool:
    """Return True if the attributes of a block show it to some readers only."""
    return bool(_HIDING_ATTRIBUTE.search(comment))


def drop_hidden_blocks(text: str, note: Note) -> str:
    """Take out the blocks that their site shows to nobody."""
    while found := _HIDDEN.search(text):
        end = _end_of(found, text)
        inner = re.sub(r"<!--.*?-->|<[^>]*>|\s+", " ", text[found.end() : end], flags=re.DOTALL).strip()
        note(LOST, "a block that the site showed to nobody was taken out", " ".join(inner.split())[:160], 0)
        text = text[: found.start()] + text[end:]
    return text


def _end_of(opened: re.Match[str], text: str) -> int:
    """Return where a block ends; the end of the text if it is never closed."""
    if opened[0].endswith("/-->"):
        return opened.end()
    depth = 1
    for each in re.finditer(
        rf"<!--\s*(/?)wp:{re.escape(opened[1])}(?=[\s/]).*?(/?)-->", text[opened.end() :], re.DOTALL
    ):
        if not each[2]:
            depth += -1 if each[1] else 1
        if depth == 0:
            return opened.end() + each.end()
    return len(text)
