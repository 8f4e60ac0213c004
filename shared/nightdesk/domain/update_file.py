"""Files below `updates/`: updates for the ticker as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.errors import Rejected, only_rejects
from nightdesk.domain.foreign_gates import refuse_foreign_gates
from nightdesk.domain.frontmatter import decode, split_front_matter
from nightdesk.domain.hidden_drafts import refuse_hiding
from nightdesk.domain.keys import Key, KeyReader, Value, raise_rejections
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import Site
from nightdesk.domain.text import single_spaced
from nightdesk.domain.updates import MAX_HEADLINE, MAX_SUMMARY, MAX_WEIGHT, NewUpdate, parse_new_update


class UpdateFile(NamedTuple):
    """What the reading of an update's keys depends on: the settings, and when this version of the file was put."""

    site: Site
    put: datetime


def _text(value: Value, _: UpdateFile) -> str:
    return value.text(limit=10_000)


def _published(value: Value, file: UpdateFile) -> datetime | None:
    text = value.timestamp(file.site.zone)
    if not text:
        return None
    published = datetime.fromisoformat(text)
    if published > file.put:
        value.report(Kind.UPDATE_DATE_FUTURE)
    return published


_DATE: Key[UpdateFile] = Key(
    "date", "ISO 8601, not in the future; default: when the file was put", _published, ("published",)
)
_TEXT_KEYS: tuple[Key[UpdateFile], ...] = (
    Key("headline", f"text, at most {MAX_HEADLINE} characters; required", _text, ("title",)),
    Key("summary", f"text, at most {MAX_SUMMARY} characters; default: the body", _text, ("dek", "description")),
    Key("link", "an https address, or a path on this site", _text, ("url",), attribute="url"),
    Key("topic", "id of a topic", _text),
    Key("weight", f"0 to {MAX_WEIGHT}; default: 0", _text),
    Key("expires", "ISO 8601; default: 30 days after it was published", _text, ("expiryDate", "expirydate")),
)
_DIRECTIVE = re.compile(r"[^\w`]*?:::")
UPDATE_KEYS = (*_TEXT_KEYS, _DATE)


@only_rejects
def parse_update_file(raw: bytes, site: Site, put: datetime) -> tuple[NewUpdate, datetime | None, tuple[Problem, ...]]:
    """Parse a file below `updates/` into the update, the date that the file names, and warnings.

    Args:
        put: when this version of the file was put. An expiry must be later than that, whenever the file is read.

    Raises:
        Rejected: with all of the file's problems.
    """
    source = split_front_matter(decode(raw))
    problems, file = ProblemList(), UpdateFile(site, put)
    keys = KeyReader(source.matter, problems)
    texts = keys.values(_TEXT_KEYS, file)
    texts["summary"] = texts["summary"] or single_spaced(source.body)
    published = keys.values([_DATE], file)["date"]
    problems.add(*_gates(source.body, source.body_line))
    refuse_hiding(keys, is_page=False)
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    try:
        update = parse_new_update(texts, put, site.zone, site.base_url)
    except Rejected as error:
        problems.add(*(_located(problem, keys, source.body_line) for problem in error.problems))
    raise_rejections(problems)
    return update, published, tuple(problems.warnings)


def _gates(body: str, first_line: int) -> Iterator[Problem]:
    """Yield a problem for each line that may be meant as a gate. An update is plain text, in which nothing is code."""
    for number, line in enumerate(body.split("\n"), first_line):
        if _DIRECTIVE.match(line):
            yield Kind.GATE_NOT_ALLOWED.at(number, "gate")
    try:
        refuse_foreign_gates(body, first_line, lambda _: "")
    except Rejected as error:
        yield from error.problems


def _located(problem: Problem, keys: KeyReader, body_line: int) -> Problem:
    """Return a problem of a field with the line and the name of the key that was typed for it."""
    key = next((key for key in _TEXT_KEYS if (key.attribute or key.name) == problem.key), None)
    value = keys.value(key.name, *key.synonyms) if key else None
    if value and value.node:
        return problem._replace(line=value.node.line, key=value.key)
    return problem._replace(line=body_line if problem.key == "summary" else 1)
