"""Front matter of other systems: YAML, TOML or JSON, as plain values with the line of each key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import Node, decode, parse_yaml, split_front_matter, to_plain
from nightdesk.domain.problems import Kind
from nightdesk.domain.timestamps import InvalidTimestamp, parse_timestamp

from .lenient_yaml import lenient_yaml
from .report import CHANGED, LOST, NOTED, Report

_MAX_JSON = 8_000_000
_MAX_TEXT = 8 * 1024 * 1024
"""More than a draft may have, because images inside a text become files."""
_LENIENT = (Kind.KEY_REPEATED, Kind.YAML_ALIAS, Kind.YAML_DOCUMENTS, Kind.FRONT_MATTER_DOTS, Kind.FRONT_MATTER_TOO_DEEP)
"""What Nightdesk's parser refuses in front matter, and other generators read."""
_DECIDING = (
    "draft",
    "published",
    "status",
    "visibility",
    "access",
    "password",
    "hidden",
    "private",
    "unlisted",
    "protected",
)


_TIMES = (" %H:%M:%S %z", " %H:%M %z", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %I%p", " %I %p", "T%H", "")
_DAYS = (
    "%a, %d %b %Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%Y年%m月%d日",
    "%Y%m%d",
)
_FORMS = tuple(f"{day}{time}" for day in _DAYS for time in _TIMES)
"""Forms of dates that some generator accepts, and that mean one day alone: 01/02/2020 is reported."""
_ABBREVIATIONS = {
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "CET": 1,
    "CEST": 2,
}


@dataclass(slots=True)
class Matter:
    """The front matter of one file, and the body after it.

    Attributes:
        values: by key as it was typed; texts, lists and mappings.
        lines: the line of each key.
        used: keys that were asked for.
    """

    values: dict[str, Any]
    lines: dict[str, int]
    body: str
    body_line: int
    source: str
    report: Report
    used: set[str]

    def key_of(self, *names: str) -> str:
        """Return the first key that is set, as it was typed; letter case does not matter. Empty if none is."""
        for name in names:
            for key, value in self.values.items():
                if key.casefold() == name.casefold() and value not in (None, ""):
                    return key
        return ""

    def get(self, *names: str) -> Any:
        """Return the value of the first key that is set; None if none is."""
        key = self.key_of(*names)
        self.used.add(key)
        return self.values.get(key)

    def text(self, *names: str) -> str:
        """Return a value as one line of text; empty if it is missing or no text."""
        value = self.get(*names)
        return " ".join(value.split()) if isinstance(value, str) else ""

    def texts(self, *names: str, split: str = "") -> list[str]:
        """Return a value as a list of texts.

        Args:
            split: a pattern at which a single text is split.
        """
        value = self.get(*names)
        if isinstance(value, str):
            value = re.split(split, value) if split else [value]
        return (
            [item.strip() for item in value or () if isinstance(item, str) and item.strip()]
            if isinstance(value, list)
            else []
        )

    def flag(self, *names: str) -> bool:
        """Return True if a value is one of YAML's spellings of true."""
        value = self.get(*names)
        return isinstance(value, str) and value.strip().lower() in ("true", "yes", "on", "1")

    def is_off(self, *names: str) -> bool:
        """Return True if a value is one of YAML's spellings of false."""
        value = self.get(*names)
        return isinstance(value, str) and value.strip().lower() in ("false", "no", "off", "0")

    def date(self, zone: tzinfo, *names: str) -> str:
        """Return a date as ISO 8601 with offset; empty if it is missing, or if it is no date, which is reported."""
        text = self.text(*names)
        if not text:
            return ""
        try:
            return read_date(text, zone)
        except InvalidTimestamp:
            line = self.lines.get(self.key_of(*names), 0)
            self.report.add(LOST, self.source, line, "a date cannot be read", text)
            return ""

    def rest(self) -> dict[str, Any]:
        """Return the keys that were never asked for and have a value."""
        return {
            key: value for key, value in self.values.items() if key not in self.used and value not in (None, "", [], {})
        }


def read_date(text: str, zone: tzinfo) -> str:
    """Return a date in one of the forms that generators accept as ISO 8601 with offset.

    Raises:
        InvalidTimestamp: it has none of these forms.
    """
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", " ".join(text.split()))
    plain = re.sub(r"([+-]\d\d:?\d\d) [A-Z]{3,4}$", r"\1", plain)  # as Go prints a time
    named = re.search(r" ([A-Z][A-Za-z]+/[A-Za-z_/+-]+|[A-Z]{3,4})$", plain)
    if named and (known := _zone(named[1])):
        return read_date(plain[: named.start()], known)
    if re.fullmatch(r"\d{10}|\d{13}", plain):
        return datetime.fromtimestamp(int(plain[:10]), UTC).isoformat()
    try:
        return parse_timestamp(plain, zone).isoformat()
    except InvalidTimestamp:
        for form in _FORMS:
            try:
                moment = datetime.strptime(plain, form)
            except ValueError:
                continue
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()
        raise


def _zone(name: str) -> tzinfo | None:
    """Return a time zone by its name or by one of the abbreviations of mail's dates; None if it is neither."""
    if name in ("UTC", "GMT"):
        return UTC
    if name in _ABBREVIATIONS:
        return timezone(timedelta(hours=_ABBREVIATIONS[name]))
    try:
        return ZoneInfo(name) if "/" in name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_matter(raw: bytes, source: str, report: Report, bare: bool = False) -> Matter | None:
    """Read a file with front matter; None, with a report of why, if that cannot be done.

    Args:
        bare: True if the system makes a page of a text without front matter, too.
    """
    text = ""
    try:
        text = decode_leniently(raw, source, report)
        if text.lstrip().startswith("{"):
            return _json_matter(text, source, report)
        found = split_front_matter(text)
    except Rejected as error:
        problem = error.problems[0]
        if problem.kind in _LENIENT and (lenient := _lenient_matter(text, source, report)):
            return lenient
        if problem.kind is Kind.FRONT_MATTER_MISSING and bare and text.strip():
            report.add(NOTED, source, 1, "a text has no front matter, so its file says all there is to know")
            return Matter({}, {}, text, 1, source, report, set())
        report.add(
            LOST,
            source,
            problem.line,
            "a file cannot be read",
            f"{_key(problem.key)}{problem.text}{_dialect(raw)}",
            post=True,
        )
        return None
    _report_cut(found.matter, source, report)
    values = {key: to_plain(node) for key, node in found.matter.items()}
    lines = {key: node.line for key, node in found.matter.items()}
    return Matter(values, lines, found.body, found.body_line, source, report, set())


def decode_leniently(raw: bytes, source: str, report: Report) -> str:
    """Decode a file as generators do that never look at its bytes, and report what that changes.

    Raises:
        Rejected: it is larger than any text is.
    """
    if len(raw) > _MAX_TEXT:
        return decode(raw)  # which refuses it
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        report.add(CHANGED, source, 1, "a text in UTF-16 is read as such")
        text = raw.decode("utf-16", "replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            what = "bytes that are no UTF-8 were read as Windows-1252; look at their words"
            report.add(CHANGED, source, line, what)
            text = raw.decode("cp1252", "replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        report.add(CHANGED, source, line, "NUL characters were taken out", f"{text.count(chr(0))} of them")
        text = text.replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lenient_matter(text: str, source: str, report: Report) -> Matter | None:
    """Read YAML that other generators accept and Nightdesk does not. None if that cannot be done.

    A key that decides who may read the post is never chosen from two values.
    """
    found = re.match(r"\s*^---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        return None
    try:
        values, repeated, lines = lenient_yaml(found[1])
    except ValueError:
        return None
    if any(key.casefold() in _DECIDING for key in repeated):
        return None
    first = text.count("\n", 0, found.start(1))
    for key in repeated:
        detail = f"{key}: {values[key]}"
        report.add(CHANGED, source, first + lines[key], "a key is set twice, and its last value counts", detail)
    body_line = text.count("\n", 0, found.end()) + 1
    placed = {key: first + lines.get(key, 1) for key in values}
    return Matter(values, placed, text[found.end() :], body_line, source, report, set())


def _key(key: str) -> str:
    return f"{key}: " if key else ""


def _dialect(raw: bytes) -> str:
    """Say so if the front matter is written in another language than its fences announce."""
    head = raw.lstrip(b"\xef\xbb\xbf \r\n")[:4000]
    if re.match(rb"---[ \t]*\r?\n(\s*[\w.-]+\s*=\s*\S.*\r?\n)+", head):
        return "; between lines of --- stands TOML, which needs lines of +++"
    if re.match(rb"\+\+\+[ \t]*\r?\n(\s*[\w.-]+:\s.*\r?\n)+", head):
        return "; between lines of +++ stands YAML, which needs lines of ---"
    return ""


def _report_cut(matter: dict[str, Node], source: str, report: Report) -> None:
    for key, node in matter.items():
        if node.lost and not (node.lost.startswith("#") and not isinstance(node.value, str)):
            detail = f"{key}: “{node.lost[:80]}” has a meaning in YAML and is no part of the value"
            report.add(NOTED, source, node.line, "YAML took a part of a value for a comment or a tag", detail)


def _json_matter(text: str, source: str, report: Report) -> Matter | None:
    start = len(text) - len(text.lstrip())
    try:
        if len(text) > _MAX_JSON:
            raise ValueError
        values, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        report.add(LOST, source, 1, "a file cannot be read", "the JSON at its head does not parse", post=True)
        return None
    body = text[end:].lstrip("\n")
    line = text.count("\n", 0, len(text) - len(body)) + 1
    plain = {str(key): plain_value(value) for key, value in values.items()}
    return Matter(plain, dict.fromkeys(plain, 1), body, line, source, report, set())


def plain_value(value: Any) -> Any:
    """Return a JSON value with its numbers and flags as texts, as front matter has them."""
    if isinstance(value, dict):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain_value(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)


def plain_yaml(text: str) -> dict[str, Any]:
    """Return a YAML mapping as plain values.

    Raises:
        Rejected: it does not parse.
    """
    try:
        return {key: to_plain(node) for key, node in parse_yaml(text).items()}
    except Rejected:
        try:
            return lenient_yaml(text)[0]
        except ValueError:
            pass
        raise


def first_of(values: Iterable[str]) -> str:
    """Return the first text that is not empty."""
    return next((value for value in values if value), "")
