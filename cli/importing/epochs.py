"""Moments as databases export them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from nightdesk.domain.problems import Kind
from nightdesk.domain.timestamps import InvalidTimestamp, parse_timestamp

_MILLISECONDS = 10**11
"""Smaller numbers are seconds: as milliseconds they would lie before 1973, when nobody had a site."""


def read_moment(value: Any) -> str:
    """Return a moment in UTC as ISO 8601: a text, or milliseconds or seconds since 1970; empty for none.

    Raises:
        InvalidTimestamp: it is neither.
    """
    if value in (None, "", 0):
        return ""
    if isinstance(value, int | float):
        try:
            seconds = float(value) / (1000 if abs(value) >= _MILLISECONDS else 1)
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0).isoformat()
        except (ValueError, OverflowError, OSError):
            raise InvalidTimestamp(Kind.TIMESTAMP_FORM, str(value)) from None
    return parse_timestamp(str(value), UTC, round_up=False).isoformat()


def local_moment(local: str, gmt: str, zone: tzinfo) -> str:
    """Return a local time with the offset that its time in UTC shows, or else that of the zone; empty for none.

    Raises:
        InvalidTimestamp: it is no time.
    """
    if local in ("", "0000-00-00 00:00:00"):
        return ""
    here = parse_timestamp(local, UTC, round_up=False)
    if gmt in ("", "0000-00-00 00:00:00"):
        return parse_timestamp(local, zone, round_up=False).isoformat()
    shift = here - parse_timestamp(gmt, UTC, round_up=False)
    if abs(shift) >= timedelta(hours=24):
        return parse_timestamp(local, zone, round_up=False).isoformat()
    minutes = timedelta(minutes=round(shift / timedelta(minutes=1)))
    return here.replace(tzinfo=timezone(minutes)).isoformat()
