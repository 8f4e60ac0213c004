"""Moments and months as readers see them: in the site's time zone, in one form, with the words of the catalogue.

`updates.js` makes the same texts in the browser, from what `script_times` hands it.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import local_time
from nightdesk.rendering.contexts import Stamp
from nightdesk.rendering.texts import Catalogue

_TYPED_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?")


def stamp(text: Catalogue, site: Site, iso: str) -> Stamp:
    """Return a moment for machines and for people, both in the site's time zone.

    The first minute of a day is shown as the day alone: an author who types a date without a time means the day.
    """
    return _stamp(text, site.timezone, iso)


@lru_cache(maxsize=4096)
def _stamp(text: Catalogue, timezone: str, iso: str) -> Stamp:
    local = local_time(iso, ZoneInfo(timezone))
    day = text("time.first") if local.day == 1 else local.day
    shown = text("time.day", day=day, month=_months(text)[local.month - 1], year=local.year)
    if not _begins_day(local, ZoneInfo(timezone)):
        shown = text("time.moment", date=shown, time=f"{local:%H:%M}", zone=_offset(text, local))
    return Stamp(local.isoformat(), shown)


def _begins_day(local: datetime, zone: ZoneInfo) -> bool:
    """Return True in the first minute of a day: not always 00:00, because clocks may skip midnight or repeat it."""
    earlier = local.astimezone(UTC) - timedelta(seconds=local.second, minutes=1)
    return local.hour < 2 and earlier.astimezone(zone).date() != local.date()


def _offset(text: Catalogue, local: datetime) -> str:
    offset = f"{local:%z}"
    return text("time.utc") if offset == "+0000" else text("time.offset", offset=f"{offset[:3]}:{offset[3:5]}")


def month_name(text: Catalogue, month: str) -> str:
    """Return `November 2026` for `2026-11`."""
    return text("time.month", month=_months(text)[int(month[5:]) - 1], year=month[:4])


def typed_date(text: Catalogue, typed: str) -> str:
    """Return a day (`2026-11-23`) or a month (`2026-11`) that an author typed as readers see it, and anything else as it was typed."""
    if not _TYPED_DATE.fullmatch(typed):
        return typed
    year, month, *days = typed.split("-")
    if not days:
        return month_name(text, typed)
    day = text("time.first") if days == ["01"] else int(days[0])
    return text("time.day", day=day, month=_months(text)[int(month) - 1], year=year)


@lru_cache(maxsize=8)
def _months(text: Catalogue) -> list[str]:
    return [name.strip() for name in text("time.months").split(",")]


def script_times(text: Catalogue, site: Site) -> str:
    """Return what `updates.js` needs to write a moment as `stamp` does, as JSON."""
    messages = {name: text(f"time.{name}") for name in ("first", "day", "moment", "utc", "offset")}
    data = {"zone": site.timezone, "months": _months(text), **messages}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
