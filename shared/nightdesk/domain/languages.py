"""Languages: their tags, and the direction in which they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

INTERFACE_LANGUAGES = ("ar", "de", "en", "es", "fr", "zh")
"""The languages in which the theme that Nightdesk comes with speaks to readers."""
TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,6}")
"""A language tag, in as much of the form of BCP 47 as matters in a page."""
_RIGHT_TO_LEFT_SCRIPTS = frozenset(
    [
        "adlm",
        "arab",
        "aran",
        "armi",
        "avst",
        "chrs",
        "cprt",
        "egyd",
        "elym",
        "garb",
        "hatr",
        "hebr",
        "hung",
        "khar",
        "lydi",
        "mand",
        "mani",
        "mend",
        "merc",
        "mero",
        "narb",
        "nbat",
        "nkoo",
        "orkh",
        "ougr",
        "palm",
        "phli",
        "phlp",
        "phnx",
        "prti",
        "rohg",
        "samr",
        "sarb",
        "sogd",
        "sogo",
        "syrc",
        "syre",
        "syrj",
        "syrn",
        "thaa",
        "todr",
        "yezi",
    ]
)
"""Scripts (ISO 15924) that Unicode writes from right to left."""
_RIGHT_TO_LEFT = frozenset(
    [
        "ae",
        "aeb",
        "aii",
        "ajp",
        "apc",
        "apd",
        "ar",
        "arc",
        "arq",
        "ars",
        "ary",
        "arz",
        "azb",
        "bal",
        "bcc",
        "bgn",
        "bgp",
        "bqi",
        "brh",
        "ckb",
        "dcc",
        "dv",
        "fa",
        "glk",
        "haz",
        "he",
        "iw",
        "ji",
        "khw",
        "ks",
        "lrc",
        "luz",
        "mzn",
        "nqo",
        "pbt",
        "pes",
        "pnb",
        "prs",
        "ps",
        "rhg",
        "sam",
        "sd",
        "sdh",
        "skr",
        "syc",
        "syr",
        "tmr",
        "ug",
        "ur",
        "yi",
        "yid",
    ]
)
"""Languages that are written from right to left if their tag names no script (Unicode CLDR, likely subtags)."""


_RIGHT_TO_LEFT_REGIONS = frozenset(
    [
        ("az", "iq"),
        ("az", "ir"),
        ("ku", "iq"),
        ("ku", "ir"),
        ("pa", "pk"),
        ("tk", "ir"),
        ("uz", "af"),
        ("kk", "cn"),
        ("ky", "cn"),
    ]
)
"""Languages that are written from right to left in some regions (Unicode CLDR, likely subtags)."""


def language_tag(text: str) -> str:
    """Return a language tag as pages name it; empty if the text is none. Many systems write `ar_EG` for `ar-EG`."""
    tag = text.strip().replace("_", "-")
    return tag if TAG.fullmatch(tag) else ""


def best_match(tag: str, languages: Iterable[str]) -> str:
    """Return the language of several that suits a tag best, as `de` does `de-AT` (RFC 4647, "Lookup"); empty for none."""
    known = {language.lower(): language for language in languages}
    wanted = tag.lower().replace("_", "-")
    while wanted and wanted not in known:
        wanted = wanted.rpartition("-")[0]
    return known.get(wanted, "")


def primary_language(tag: str) -> str:
    """Return a language without its region or script, as `de` for `de-AT`. Google's news sitemaps take only these codes.

    Chinese is `zh-cn` or `zh-tw` there, by the script ("News sitemaps", developers.google.com).
    """
    primary, *others = tag.lower().replace("_", "-").split("-")
    if primary == "zh":
        return "zh-tw" if {"hant", "tw", "hk", "mo"} & set(others) else "zh-cn"
    return primary


def direction(language: str) -> str:
    """Return `rtl` for a language that is written from right to left, else `ltr`."""
    primary, *others = language.lower().replace("_", "-").split("-")
    for subtag in others:
        if len(subtag) == 1:
            break  # what follows is an extension
        if len(subtag) == 4 and subtag.isalpha():
            return "rtl" if subtag in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    there = any((primary, region) in _RIGHT_TO_LEFT_REGIONS for region in others[:1])
    return "rtl" if primary in _RIGHT_TO_LEFT or there else "ltr"
