"""Entries of feeds: which ones can become updates, which are the same, and why the others are left out.

Feeds are read liberally and shown strictly: every entry that is left out is counted under its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.addresses import is_public_link
from nightdesk.domain.documents import digest
from nightdesk.domain.text import slugify
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import MAX_LINK, Update, shorten

MAX_ENTRY_AGE = timedelta(days=1)
"""Older entries are not posted."""
REPEAT_WINDOW = timedelta(hours=6)
"""Updates from different sources are the same news if they have nearly the same headline within this time of each other."""
_SAME_LINK_WINDOW = timedelta(days=1)
"""Likewise for updates that lead to the same page."""
UNTITLED_HEADLINE = 120
"""Characters of a headline that is made from an entry's text."""

NO_TEXT = "neither headline nor text"
UNDECODED = "characters that cannot be decoded"
NO_LINK = "no link"
NOT_HTTPS = "links are not https"
LONG_LINK = f"links are longer than {MAX_LINK} characters"
NOT_PUBLIC = "links do not lead to the public internet"
TOO_OLD = "more than a day old"
REPEATED = "repeat the headline of another update"
OMITTED = "beyond the first thousand"

_SIMILARITY = 0.8
"""The share of words that two headlines must have in common to count as the same."""
_SENTENCE = re.compile(r".{15,}?(?:[.!?…][\"'”’»)]*(?=\s)|[。！？])")
_UNDECODABLE = "\ufffd"


class Entry(NamedTuple):
    """An entry of a feed as plain text; `published` is None if it has no date."""

    id: str
    headline: str
    summary: str
    url: str
    published: datetime | None


class FeedRequest(NamedTuple):
    """A feed to read. The validators and the digest are those of its last `FeedResult`, empty at first."""

    url: str
    etag: str = ""
    modified: str = ""
    digest: str = ""


class FeedResult(NamedTuple):
    """What reading a feed brought.

    Attributes:
        entries: None if the feed has not changed.
        problem: why the feed could not be read, or an empty string.
        retry_after: how many seconds the feed's server wants us to wait, or 0.
        omitted: how many entries the feed has that are not in `entries`.
    """

    url: str
    entries: tuple[Entry, ...] | None = None
    etag: str = ""
    modified: str = ""
    digest: str = ""
    problem: str = ""
    retry_after: int = 0
    omitted: int = 0


def headline_from(text: str) -> tuple[str, str]:
    """Return a headline and a summary for an entry without a title: its first sentence, and its text if that is longer."""
    if len(text) <= UNTITLED_HEADLINE:
        return text, ""
    sentence = _SENTENCE.match(text, 0, UNTITLED_HEADLINE)
    return (sentence[0] if sentence else shorten(text, UNTITLED_HEADLINE)), text


def fault_of(entry: Entry) -> str:
    """Return why an entry cannot become an update, whatever its age; empty if it can."""
    url = entry.url
    if _UNDECODABLE in entry.headline + entry.summary:
        return UNDECODED
    if not entry.headline:
        return NO_TEXT
    if not url:
        return NO_LINK
    if not url.startswith("https://"):
        return NOT_HTTPS
    if len(url) > MAX_LINK:
        return LONG_LINK
    return "" if is_public_link(url) else NOT_PUBLIC


class Identified(NamedTuple):
    """An entry with the keys that tell it from the others of its feed.

    Attributes:
        key: its own key.
        others: keys under which the same entry may have been posted before, when its guid was shared by more or fewer.
    """

    entry: Entry
    key: str
    others: tuple[str, ...]


def identify(entries: Iterable[Entry], shared: Mapping[str, int]) -> tuple[list[Identified], dict[str, int]]:
    """Return the entries, each different one once, with their keys; and digests of the guids that several entries share.

    A guid should be unique in its feed, but there are feeds in which all entries have the same. So an entry is known by
    its guid; by guid and link where a guid was ever seen with different links or headlines; and by headline too where
    even the link was the same.

    Args:
        shared: what this function returned for the feed before.
    """
    links: dict[str, set[str]] = {}
    headlines: dict[tuple[str, str], set[str]] = {}
    different = list(dict.fromkeys(entries))
    for entry in different:
        links.setdefault(entry.id, set()).add(entry.url)
        headlines.setdefault((entry.id, entry.url), set()).add(entry.headline)
    levels = {guid: int(len(found) > 1) for guid, found in links.items()}
    for (guid, _), found in headlines.items():
        if len(found) > 1:
            levels[guid] = 2
    digests = {guid: digest(guid.encode())[:16] for guid in levels}
    levels = {guid: max(level, shared.get(digests[guid], 0)) for guid, level in levels.items()}
    found_by_key: dict[str, Identified] = {}
    for entry in different:
        keys = (entry.id, f"{entry.id}\n{entry.url}", f"{entry.id}\n{entry.url}\n{entry.headline}")
        key = keys[levels[entry.id]]
        # One entry may stand twice in a feed with another summary or date; the first is the newest, as a rule.
        found_by_key.setdefault(key, Identified(entry, key, tuple(other for other in keys if other != key)))
    return list(found_by_key.values()), {digests[guid]: level for guid, level in levels.items() if level}


def is_same_entry(entry: Entry, posted: Update) -> bool:
    """Return True if an update that was posted under another key of an entry was made from this entry."""
    return (posted.url, posted.headline) == (entry.url, entry.headline)


def repeats_update(entry: Entry, moment: datetime, source: str, others: Sequence[Update]) -> bool:
    """Return True if another update already says what an entry says.

    Nearly the same headline is the same news if it led to the same page within a day, or if another source had it within
    six hours. A feed that repeats a headline with another link, or on another day, has something new to say, such as the
    next warning.
    """

    def is_near(other: Update, window: timedelta) -> bool:
        return iso_utc_milliseconds(moment - window) <= other.published <= iso_utc_milliseconds(moment + window)

    near = [
        other.headline
        for other in others
        if (other.url == entry.url and is_near(other, _SAME_LINK_WINDOW))
        or (other.source != source and is_near(other, REPEAT_WINDOW))
    ]
    return repeats_headline(entry.headline, near)


def repeats_headline(headline: str, others: Iterable[str]) -> bool:
    """Return True if another headline has nearly the same words.

    Four words of five must be the same, in any order, and all numbers: “Day 90” is not “Day 91”.
    """
    words, numbers = _words(headline)
    for other in others:
        other_words, other_numbers = _words(other)
        is_similar = len(words & other_words) >= _SIMILARITY * len(words | other_words)
        if numbers == other_numbers and is_similar:
            return True
    return False


def _words(headline: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of a headline, and those of them that contain a digit."""
    words = frozenset(slugify(headline).split("-"))
    return words, frozenset(word for word in words if any(letter.isdigit() for letter in word))


def describe_left_out(count: int, left_out: Mapping[str, int]) -> str:
    """Return one line about the entries of a feed that were left out; empty if none was.

    Args:
        count: how many entries the feed has.
        left_out: how many of them were left out for each reason.
    """
    total = sum(left_out.values())
    if not total:
        return ""
    ordered = sorted(left_out.items(), key=lambda reason: -reason[1])
    reasons = ordered[0][0] if len(ordered) == 1 else ", ".join(f"{reason} ({number})" for reason, number in ordered)
    items = "1 item" if count == 1 else f"{count} items"
    return f"{items}, {'none usable' if total == count else f'{total} left out'}: {reasons}"
