"""Which authors and topics a file names, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import decode, parse_yaml, split_front_matter
from nightdesk.domain.keys import KeyReader, Value
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.text import slugify

_KEYS = {"author": ("authors", "author"), "topic": ("topics", "topic", "categories")}


class ProfileUse(NamedTuple):
    """An author or topic (`kind`) that a file names.

    Attributes:
        key: the front-matter key, such as `authors`.
        line: in the file, from 1; 0 if it is not known.
        name: as typed; empty where the id itself was typed.
    """

    kind: str
    id: str
    key: str
    line: int = 0
    name: str = ""


def profile_uses(raw: bytes, kind: str) -> tuple[ProfileUse, ...]:
    """Return the authors and topics that the bytes of a file name; none for a file that cannot be read.

    Args:
        kind: of the file: `draft`, `update` or `site`. Others name none.
    """
    problems = ProblemList()  # those of the file are reported by its own parser
    try:
        if kind == "site":
            return tuple(_of_settings(KeyReader(parse_yaml(decode(raw)), problems)))
        if kind in ("draft", "update"):
            keys = KeyReader(split_front_matter(decode(raw)).matter, problems)
            return tuple(_of_update(keys) if kind == "update" else _of_draft(keys))
    except Rejected:
        pass
    return ()


def _of_draft(keys: KeyReader) -> Iterator[ProfileUse]:
    for kind, names in _KEYS.items():
        value = keys.value(*names)
        for text, node in value.texts(commas=kind == "topic"):
            identifier = slugify(text)
            yield ProfileUse(kind, identifier, names[0], node.line, "" if text == identifier else text)


def _of_update(keys: KeyReader) -> Iterator[ProfileUse]:
    yield from _topic(keys.value("topic"))


def _of_settings(keys: KeyReader) -> Iterator[ProfileUse]:
    for front in keys.value("front").mappings():
        sections = front.value("sections")
        for topic, node in sections.texts(commas=True):
            yield ProfileUse("topic", topic, sections.key, node.line)
    for feed in keys.value("feeds").mappings():
        yield from _topic(feed.value("topic"))


def _topic(value: Value) -> Iterator[ProfileUse]:
    if value.node and (topic := value.text()):
        yield ProfileUse("topic", topic, value.key, value.node.line)
