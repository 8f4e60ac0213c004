"""The first weeks of a new sender, in which mail providers take little mail from it, and more each day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from nightdesk.domain.site import Site

FIRST_DAY = 200
"""Copies of the first day; twice as many each day after it."""
DAYS = 14
"""How many days have a limit."""


def daily_limit(site: Site, day: date) -> int | None:
    """Return how many copies of newsletters may be sent on a day of the site's calendar; None for any number.

    >>> daily_limit(Site(warm_up="2026-12-01"), date(2026, 12, 4)), daily_limit(Site(), date(2026, 12, 4))
    (1600, None)
    """
    if not site.warm_up:
        return None
    number = max(0, (day - date.fromisoformat(site.warm_up)).days)
    return FIRST_DAY * 2**number if number < DAYS else None


def next_day(site: Site, now: datetime) -> str:
    """Return when the next day of the site's calendar begins, ISO 8601."""
    tomorrow = now.astimezone(site.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), site.zone).isoformat()
