"""Timestamps: parsing what authors type, and formatting for tables, pages and feeds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from functools import lru_cache

from nightdesk.domain.problems import Kind, ProblemKind

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|[ \t]+)\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d*))?)?)?"
    r"\s*(?:([Zz]|UTC|GMT)|([+-])(\d{1,2})(?::?(\d{2}))?)?"
)
"""ISO 8601, and every form of YAML's timestamps (yaml.org/type/timestamp.html): an hour-only offset, blanks, fractions."""


class InvalidTimestamp(ValueError):
    """A text that is not a timestamp.

    Args:
        kind: what is wrong with it.
        text: as it was typed.
    """

    def __init__(self, kind: ProblemKind, text: str) -> None:
        super().__init__(kind.message(typed=text))
        self.kind = kind


def parse_timestamp(text: str, zone: tzinfo, round_up: bool = True) -> datetime:
    """Parse ISO 8601 as people write it: a date alone, a blank for the T, an offset without its colon.

    Args:
        zone: the site's zone, which applies where the text has no offset. An offset of old days with seconds in it is
            rounded to a minute, because RFC 822 and RFC 3339 have no seconds in offsets.
        round_up: True if a fraction of a second counts as a whole one, and an hour that the clock shows twice is the second one, so
            that nothing is published early.

    Raises:
        InvalidTimestamp: it is not such a timestamp.
    """
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise InvalidTimestamp(Kind.TIMESTAMP_FORM, text)
    year, month, day, hour, minute, second = (int(group or 0) for group in found.groups()[:6])
    if not 1000 <= year <= 9998:
        raise InvalidTimestamp(Kind.TIMESTAMP_YEAR, text)
    fraction = round_up and (found[7] or "").strip("0")
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=_offset(*found.groups()[7:]) or zone)
        return _whole_minutes(_second_time(local) if round_up else local) + timedelta(seconds=1 if fraction else 0)
    except ValueError:
        raise InvalidTimestamp(Kind.TIMESTAMP_IMPOSSIBLE, text) from None


def _second_time(local: datetime) -> datetime:
    """Return a time of day that the clock shows twice, as summer time ends, as it is shown the second time."""
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    # In the hour that is left out in spring, the first reading is the later moment.
    if before is None or after is None or after >= before:
        return local
    return local.replace(tzinfo=timezone(after))


def parse_end(text: str, zone: tzinfo) -> datetime:
    """Parse the moment at which something ends, as `parse_timestamp` does. A day without an hour counts to its last second."""
    moment = parse_timestamp(text, zone)
    return moment.replace(hour=23, minute=59, second=59) if is_day(text) else moment


def is_day(text: str) -> bool:
    """Return True if a timestamp that can be parsed names a day without an hour."""
    found = _ISO.fullmatch(text.strip())
    return found is not None and found[4] is None


def _offset(utc: str | None, sign: str | None, hours: str | None, minutes: str | None) -> tzinfo | None:
    if utc:
        return UTC
    if not sign:
        return None
    shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return timezone(-shift if sign == "-" else shift)


def _whole_minutes(timestamp: datetime) -> datetime:
    """Return the same time of day with its offset rounded to a minute."""
    rounded = _rounded_zone(timestamp)
    return timestamp.replace(tzinfo=rounded) if rounded else timestamp


def _rounded_zone(timestamp: datetime) -> tzinfo | None:
    """Return a zone whose offset is that of a timestamp, rounded to a minute; None if that is in whole minutes."""
    offset = timestamp.utcoffset() or timedelta()
    rounded = timedelta(minutes=round(offset / timedelta(minutes=1)))
    return None if rounded == offset else timezone(rounded)


def _in_zone(iso: str, zone: tzinfo) -> datetime:
    """Return a timestamp in a time zone. For a value that `parse_timestamp` read in that zone, this is the time of day as typed."""
    local = datetime.fromisoformat(iso).astimezone(zone)
    rounded = _rounded_zone(local)
    return local.astimezone(rounded) if rounded else local


@lru_cache(maxsize=1024)
def iso_utc_seconds(iso: str) -> str:
    """Return an ISO 8601 timestamp in UTC, in seconds; its width is fixed, so that text order is time order."""
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(iso: str, zone: tzinfo) -> datetime:
    """Return an ISO 8601 timestamp in a time zone, in whole seconds, with an offset in whole minutes."""
    return _in_zone(iso, zone).replace(microsecond=0)


def month_in(iso: str, zone: tzinfo) -> str:
    """Return the month, `yyyy-mm`, that it is in a time zone at a timestamp."""
    local = _in_zone(iso, zone)
    return f"{local.year:04}-{local.month:02}"


def rfc822(iso: str, zone: tzinfo = UTC) -> str:
    """Return a timestamp in a time zone in the form of RSS: RFC 822, with four digits for the year."""
    return format_datetime(local_time(iso, zone))


def iso_utc_milliseconds(timestamp: datetime) -> str:
    """Return ISO 8601 in UTC, in milliseconds; its width is fixed, so that text order is time order."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
