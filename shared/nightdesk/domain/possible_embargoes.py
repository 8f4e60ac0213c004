"""Unknown keys whose value is a time in the future, so that an intended embargo never goes live early.

A key that speaks of publishing or releasing is read as `publish_at`. One that may or may not mean an embargo, such as `start_date`,
rejects the draft, and so does a moment inside another key, or one in words. A moment in the past says nothing of the kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from nightdesk.domain.draft_file import DraftFile
from nightdesk.domain.frontmatter import Node
from nightdesk.domain.keys import Value
from nightdesk.domain.timestamps import InvalidTimestamp, parse_timestamp

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_RELEASE = frozenset(
    [
        "embargo",
        "embargoed",
        "embargos",
        "publish",
        "published",
        "publishing",
        "publication",
        "release",
        "released",
        "releases",
        "unlock",
        "unlocks",
        "golive",
        "unembargo",
    ]
)
"""Words of keys that wait."""
_MAYBE = frozenset(
    [
        "start",
        "starts",
        "starting",
        "begin",
        "begins",
        "beginning",
        "from",
        "since",
        "after",
        "valid",
        "effective",
        "available",
        "availability",
        "visible",
        "visibility",
        "display",
        "shown",
        "live",
        "active",
        "activate",
        "activation",
        "hold",
        "held",
        "launch",
        "launches",
        "appear",
        "appears",
        "online",
        "schedule",
        "scheduled",
        "go",
        "goes",
    ]
)
"""Words of keys that may mean that an article waits."""
_MOMENT = frozenset(
    ["date", "time", "datetime", "timestamp", "gmt", "utc", "post", "posted", "created", "article", "pub"]
)
"""Words of keys that may mean so if they have no others."""
_OTHERS = frozenset(
    [
        "end",
        "ends",
        "ending",
        "expire",
        "expires",
        "expiry",
        "expiration",
        "until",
        "unpublish",
        "unpublished",
        "down",
        "stop",
        "stops",
        "last",
        "updated",
        "modified",
        "deadline",
        "due",
        "event",
        "events",
        "concert",
        "festival",
        "course",
        "exhibition",
        "conference",
        "trial",
        "election",
        "review",
        "film",
        "book",
        "album",
        "game",
        "version",
    ]
)
"""Words of keys that mean something else."""
_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
_DAY = re.compile(
    r"[\d\s.,/:+TZ-]*(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\d\s.,/:+-]*)?(?:at|on|utc|gmt|cet|est|[ap]m|st|nd|rd|th|\d|[\s.,:])*",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"(\d{10})(?:\d{3})?")
_LONGEST, _DEEPEST = 40, 6


def waiting_keys(file: DraftFile) -> list[Value]:
    """Return the values of keys that wait as `publish_at` does."""
    if not file.filed:
        return []
    return file.keys.those(lambda key, node: _is_release((key,)) and bool(_read_ahead(node, file)))


def moments_to_refuse(unknown: Mapping[str, Node], file: DraftFile) -> Iterator[tuple[str, Node]]:
    """Yield the path of each key that may be meant as an embargo, and its value.

    Args:
        unknown: the keys that nothing has read.
    """
    if not file.filed:
        return
    for path, node in values_within(unknown):
        if (_is_release(path) or _may_be(path)) and _is_ahead(node, file):
            yield ".".join(path), node


def values_within(mapping: Mapping[str, Node], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield each text in a mapping, at any depth, with the names of the keys that lead to it."""
    for key, node in mapping.items():
        here = (*path, key)
        for each in node.value if isinstance(node.value, list) else [node]:
            if isinstance(each.value, dict) and len(here) < _DEEPEST:
                yield from values_within(each.value, here)
            elif isinstance(each.value, str):
                yield here, each


def _words(path: tuple[str, ...]) -> set[str]:
    return {word.lower() for key in path for word in _WORDS.findall(key)}


def _is_release(path: tuple[str, ...]) -> bool:
    words = _words(path)
    return bool(words & _RELEASE) and not (words & _OTHERS and not words & {"embargo", "embargoed"})


def _may_be(path: tuple[str, ...]) -> bool:
    words = _words(path)
    return (bool(words & _MAYBE) and not words & _OTHERS) or (bool(words) and words <= _MOMENT)


def _read_ahead(node: Node, file: DraftFile) -> str:
    """Return a moment in the future as ISO 8601; empty for any other value."""
    with suppress(InvalidTimestamp):
        read = parse_timestamp(node.value, file.site.zone).isoformat() if isinstance(node.value, str) else ""
        return read if file.is_ahead(read) else ""
    return ""


def _is_ahead(node: Node, file: DraftFile) -> bool:
    """Return True if a value is a moment in the future, also in a form that `publish_at` does not take."""
    if _read_ahead(node, file):
        return True
    text = node.value.strip() if isinstance(node.value, str) else ""
    if not text or len(text) > _LONGEST:
        return False
    if found := _EPOCH.fullmatch(text):
        return file.is_ahead(datetime.fromtimestamp(int(found[1]), UTC).isoformat())
    years = [int(year) for year in _YEAR.findall(text)]
    return bool(years) and text != str(years[0]) and bool(_DAY.fullmatch(text)) and max(years) > int(file.filed[:4])
