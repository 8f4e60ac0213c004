"""The patterns of old addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

_TOKEN = re.compile(r":(?:sections\[[^\]]*\]|[a-z_]+)")
_DATE_TOKENS = [
    "year",
    "month",
    "day",
    "monthname",
    "weekday",
    "weekdayname",
    "yearday",
    "i_month",
    "i_day",
    "short_year",
    "short_month",
    "hour",
    "minute",
    "second",
    "y_day",
    "week",
    "short_day",
    "long_day",
    "long_month",
    "w_day",
    "w_year",
]


def date_tokens(date: str) -> dict[str, str]:
    """Return what tokens such as `:year` stand for; empty texts without a date.

    Args:
        date: ISO 8601; its own offset counts.
    """
    if not date:
        return dict.fromkeys(_DATE_TOKENS, "")
    d = datetime.fromisoformat(date)
    values = (
        f"{d:%Y}", f"{d:%m}", f"{d:%d}", f"{d:%B}", f"{d.isoweekday() % 7}", f"{d:%A}", f"{d.timetuple().tm_yday}", str(d.month),
        str(d.day), f"{d:%y}", f"{d:%b}", f"{d:%H}", f"{d:%M}", f"{d:%S}", f"{d:%j}", f"{d:%V}", f"{d:%a}", f"{d:%A}",
        f"{d:%B}", f"{d.isoweekday()}", f"{d:%G}",
    )  # fmt: skip
    return dict(zip(_DATE_TOKENS, values, strict=True))


def fill(pattern: str, tokens: Mapping[str, str]) -> str:
    """Return a pattern with its tokens filled in; tokens that are not known are left out."""
    filled = _TOKEN.sub(lambda found: tokens.get(found[0][1:], _sections(found[0], tokens)), pattern)
    return re.sub(r"/{2,}", "/", f"/{filled.lstrip('/')}")


def _sections(token: str, tokens: Mapping[str, str]) -> str:
    """Return a part of `:sections`, as in `:sections[1:]`, `:sections[last]` and `:sections[:2]` (Hugo)."""
    found = re.fullmatch(r":sections\[(.*)\]", token)
    if not found:
        return ""
    sections = [section for section in tokens.get("sections", "").split("/") if section]
    if found[1] == "last":
        return sections[-1] if sections else ""
    numbers = [int(part) if re.fullmatch(r"\d+", part) else None for part in found[1].replace("last", "").split(":")]
    if len(numbers) == 1:
        at = numbers[0] or 0
        return sections[at] if at < len(sections) else ""
    return "/".join(sections[slice(numbers[0], numbers[1])])


def urlize(text: str, lower: bool = True) -> str:
    """Return a text as Hugo writes it into an address: blanks become hyphens, and punctuation is left out."""
    plain = re.sub(r"[^\w\s./~+#@-]", "", text.strip())
    plain = re.sub(r"\s+", "-", plain)
    plain = re.sub(r"-{2,}", "-", plain).strip("-").replace("#", "%23")
    return plain.lower() if lower else plain
