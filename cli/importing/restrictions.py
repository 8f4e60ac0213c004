"""What WordPress and its plug-ins keep from readers by settings: of a post in its meta, of a block in its attributes.

The texts themselves do not show it, so that an import would make them public.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_META = re.compile(
    r"_?(?:members_access_role|rcp_(?:subscription_level|user_level|access_level|restricted_to|membership_level\w*)|is_paid|patreon[-_]level|"
    r"wpmem_block|groups-read|ure_content_for_roles|wpac_is_members_only|memberful_available_to_any\w+|"
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
        "anyone",
        "public",
        "everyone",
        "everybody",
        "default",
        "unprotected",
        "[]",
        "{}",
    ]
)
"""Values with which such a setting hides nothing."""
_EMPTY_KEY = re.compile(r'(?:i:\d+|s:\d+:"[^"]*");(?=a:\d+:\{|b:0;|N;)')
_EMPTY = re.compile(r"a:\d+:\{(?:a:\d+:\{|\}|b:0;|N;)*")
"""PHP's arrays without a value, once the keys are taken out."""
_SERIALIZED = {
    "um_content_restriction": re.compile(r'"_um_accessible";(?:s:\d+:"|i:)2'),
    "_issuem_leaky_paywall_visibility": re.compile(r'"visibility_type";s:\d+:"(?!default")'),
}
"""Settings kept as PHP's arrays, and what in them hides a post."""
_HIDING_ATTRIBUTE = re.compile(
    r'"(?:visibilityByRole"\s*:\s*"(?!public"|all"|logged-out"|")|user_?status"\s*:\s*"logged[-_]?in"|type"\s*:\s*"logged_?in_?user"|'
    r'restrictedRoles"\s*:\s*\[\s*[^\s\]]|newspackAccessControl\w*"\s*:\s*[\[{]\s*[^\s\]}]|'
    r"(?:members?|subscribers?|paid|logged_?in)_?only\"\s*:\s*(?:true|1|\"(?:1|true|yes)\"))",
    re.IGNORECASE,
)
_SHOWN_TO_NOBODY = re.compile(r'"blockVisibility"\s*:\s*false\b|"hideBlock"\s*:\s*(?:true|1)\b')


def restricting_key(meta: Mapping[str, Sequence[str]]) -> str:
    """Return the key of a post's meta that keeps the post from the public; empty if none does."""
    for key, values in meta.items():
        pattern = _SERIALIZED.get(key)
        if not pattern and not _META.fullmatch(key):
            continue
        if any(pattern.search(value) if pattern else not _is_open(value) for value in values):
            return key
    return ""


def _is_open(value: str) -> bool:
    plain = value.strip()
    return plain.lower() in _OPEN or not plain or bool(_EMPTY.fullmatch(_EMPTY_KEY.sub("", plain)))


def hides_by_attribute(comment: str) -> bool:
    """Return True if the attributes of a block show it to some readers only."""
    return bool(_HIDING_ATTRIBUTE.search(comment))


def is_shown_to_nobody(comment: str) -> bool:
    """Return True if the attributes of a block hide it from everyone."""
    return bool(_SHOWN_TO_NOBODY.search(comment))
