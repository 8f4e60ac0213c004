"""The digests in `site.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightdesk.domain.keys import KeyReader, Value
from nightdesk.domain.memberships import NEWSLETTERS
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import Digest
from nightdesk.domain.text import SLUG, display_name

NEWSLETTERS_FORM = (
    "list of `{id, title, schedule, days, topics, tiers, minimum}`: digests of what went live since the last one; "
    "`schedule` is a time of day such as `06:00 Europe/Vienna`"
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SCHEDULE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?: +([A-Za-z0-9_+/-]+))?")
_RESERVED = re.compile(rf"{'|'.join(NEWSLETTERS)}|archive|article-.*")
_MOST = 20
_LONGEST_ID = 40
MOST_ARTICLES = 30
"""Articles that a digest names."""


def is_reserved(name: str) -> bool:
    """Return True if a name cannot be that of a newsletter, because its pages would be at addresses that mean something else."""
    return _RESERVED.fullmatch(name) is not None


def read_digests(value: Value, tiers: Sequence[str]) -> tuple[Digest, ...]:
    """Return the digests that a value lists, and report what is wrong with it."""
    digests: dict[str, Digest] = {}
    for keys in value.mappings():
        digest = _digest(keys, tiers)
        if digest.id in digests:
            keys.report(Kind.NEWSLETTER_REPEATED, "id", typed=digest.id)
        digests[digest.id] = digest
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    value.check_count(digests, _MOST)
    return tuple(digests.values())


def _digest(keys: KeyReader, tiers: Sequence[str]) -> Digest:
    identifier = keys.value("id").word()
    if not SLUG.fullmatch(identifier) or is_reserved(identifier) or len(identifier) > _LONGEST_ID:
        keys.report(Kind.NEWSLETTER_ID, "id", typed=identifier)
    time, zone = _schedule(keys)
    named = [name for name, _ in keys.value("tiers").texts()]
    for name in named:
        if name not in tiers:
            keys.report(Kind.NEWSLETTER_TIER, "tiers", typed=name, tiers=", ".join(tiers))
    topics = [name for name, _ in keys.value("topics").texts(commas=True)]
    for name in topics:
        if not SLUG.fullmatch(name):
            keys.report(Kind.TOPIC_ID, "topics", typed=name)
    return Digest(
        id=identifier,
        title=keys.value("title", "name").text(limit=80) or display_name(identifier),
        time=time,
        zone=zone,
        days=_days(keys),
        topics=tuple(topics),
        tiers=tuple(named),
        minimum=_minimum(keys),
    )


def _schedule(keys: KeyReader) -> tuple[str, str]:
    """Return the time of day and the zone; an empty zone for the site's."""
    typed = keys.value("schedule").word()
    found = _SCHEDULE.fullmatch(typed)
    zone = (found[3] or "") if found else ""
    try:
        known = not zone or bool(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        known = False
    if not found or not known:
        keys.report(Kind.NEWSLETTER_SCHEDULE, "schedule", typed=typed)
        return "06:00", ""
    return f"{found[1]}:{found[2]}", zone


def _days(keys: KeyReader) -> tuple[int, ...]:
    days = set()
    for name, _ in keys.value("days").texts(commas=True):
        day = name.lower()[:3]
        if day not in _DAYS:
            keys.report(Kind.NEWSLETTER_DAY, "days", typed=name)
            continue
        days.add(_DAYS.index(day))
    return tuple(sorted(days))


def _minimum(keys: KeyReader) -> int:
    typed = keys.value("minimum").word() or "1"
    if not re.fullmatch("[1-9][0-9]?", typed) or int(typed) > MOST_ARTICLES:
        keys.report(Kind.NEWSLETTER_MINIMUM, "minimum")
        return 1
    return int(typed)
