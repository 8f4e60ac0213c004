"""Dates as authors type them, and as pages show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from functools import lru_cache

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(?:([Zz]|UTC)|([+-])(\d{2}):?(\d{2})?)?"
)


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """A moment from ISO 8601 as people write it (a date, a blank for the T, an offset without its colon).

    Args:
        zone: the site's zone, meant where the text names no offset.

    Raises:
        ValueError: it is no such moment.
    """
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise ValueError(f"“{text}” is not a date such as 2026-11-23 or 2026-11-23T03:10:00+01:00")
    year, month, day, hour, minute, second, utc, sign, off_h, off_m = found.groups()
    offset: tzinfo = zone
    if utc:
        offset = UTC
    elif sign:
        shift = timedelta(hours=int(off_h), minutes=int(off_m or 0))
        offset = timezone(-shift if sign == "-" else shift)
    if not 1000 <= int(year) <= 9998:
        raise ValueError(f"“{text}” is in no year that a page can show")
    return datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=offset
    )  # fmt: skip


@lru_cache(maxsize=1024)
def sortable(iso: str) -> str:
    """An ISO moment with offset as UTC text of fixed width, so that text order is time order."""
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1024)
def for_people(iso: str) -> str:
    """`23 November 2026, 03:10 UTC+01:00`; a moment at midnight is shown as its day alone."""
    moment = datetime.fromisoformat(iso)
    day = f"{moment.day} {moment:%B %Y}"
    if (moment.hour, moment.minute) == (0, 0):
        return day
    offset = f"{moment:%z}"
    zone = "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:]}"
    return f"{day}, {moment:%H:%M} {zone}"


def rfc822(iso: str) -> str:
    """The form that RSS wants (RFC 822, with the year in full)."""
    return format_datetime(datetime.fromisoformat(iso))


@lru_cache(maxsize=256)
def month_name(month: str) -> str:
    """`2026-11` as `November 2026`."""
    return f"{datetime.strptime(month, '%Y-%m'):%B %Y}"
