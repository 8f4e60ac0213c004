"""The dates of a draft, under all their names: of synonyms that differ the later moment counts, and none is lost in silence."""

from __future__ import annotations

from contextlib import suppress

from nightdesk.domain.draft_file import DraftFile
from nightdesk.domain.keys import Value
from nightdesk.domain.possible_embargoes import waiting_keys
from nightdesk.domain.problems import Kind
from nightdesk.domain.text import date_like, date_of_filename
from nightdesk.domain.timestamps import InvalidTimestamp, iso_utc_seconds, parse_timestamp

_EMBARGO_SYNONYMS = ("publishDate", "publishdate")
DATE_SYNONYMS = (
    "published",
    *_EMBARGO_SYNONYMS,
    "published_at",
    "pubdate",
    "publication_date",
    "date_published",
    "post_date",
)
WAITING = (
    *(
        "embargo",
        "embargo_until",
        "embargoed_until",
        "publish_on",
        "publish_after",
        "scheduled_at",
        "scheduled_for",
        "scheduled",
        "schedule",
    ),
    *("go_live", "goes_live", "live_at", "hold_until", "not_before", "visible_from", "available_from", "release_at"),
)


def read_date(value: Value, file: DraftFile) -> str:
    """Return the later of the dates that were typed, or else the one at the head of the file's name.

    `publishDate` beside `date` is Hugo's embargo, and `publish_at` takes it. `published` may be a flag, as in Jekyll.
    """
    typed = [each for each in file.keys.typed("date", *DATE_SYNONYMS) if not is_published_flag(each)]
    typed = [each for each in typed if each.node and each.node.value != ""]
    if any(each.key == "date" for each in typed):
        typed = [each for each in typed if each.key not in _EMBARGO_SYNONYMS]
    if typed:
        return _latest(typed, file)
    named = date_of_filename(file.name)
    with suppress(InvalidTimestamp):
        return parse_timestamp(named, file.site.zone).isoformat()
    if unread := date_like(file.name):
        file.keys.report(Kind.FILE_NAME_DATE, "date", typed=unread)
    return ""


def read_publish_at(value: Value, file: DraftFile) -> str:
    names = ("publish_at", *WAITING, *(_EMBARGO_SYNONYMS if file.keys.typed("date") else ()))
    others = waiting_keys(file)
    for each in others:
        each.report(Kind.WAITS_LIKE_EMBARGO, typed=each.word())
    return _latest([*file.keys.typed(*names), *others], file)


def _latest(typed: list[Value], file: DraftFile) -> str:
    """Return the latest of several timestamps that mean the same, and report the earlier ones that differ from it."""
    read = [(text, each) for each in typed if (text := each.timestamp(file.site.zone))]
    if not read:
        return ""
    latest, value = max(read, key=lambda pair: iso_utc_seconds(pair[0]))
    for text, each in read:
        if iso_utc_seconds(text) != iso_utc_seconds(latest) and value.node:
            each.report(Kind.LATER_DATE_COUNTS, other=value.key, first=value.node.line)
    return latest


def read_lastmod(value: Value, file: DraftFile) -> str:
    latest = _latest(file.keys.typed("lastmod", "updated"), file)
    if file.is_ahead(latest):
        value.report(Kind.LASTMOD_FUTURE, typed=latest)
        return ""
    return latest


def read_expires(value: Value, file: DraftFile) -> str:
    expires = value.timestamp(file.site.zone, round_up=False)
    moments = [each.timestamp_if_valid(file.site.zone) for each in file.keys.typed("date", "publish_at", *WAITING)]
    begins = max((iso_utc_seconds(moment) for moment in moments if moment), default="")
    if expires and iso_utc_seconds(expires) <= begins:
        value.report(Kind.EXPIRES_FIRST, typed=expires)
    return expires


def read_pinned_until(value: Value, file: DraftFile) -> str:
    return value.timestamp(file.site.zone, round_up=False)


def is_published_flag(value: Value) -> bool:
    """Return True if a value is Jekyll's `published: false`, rather than a date."""
    return value.key == "published" and value.is_flag()
