"""Profiles of authors and topics, and standing pages such as `pages/about.md`."""

from __future__ import annotations

from dataclasses import dataclass

from nightdesk.domain.errors import Rejected, only_rejects
from nightdesk.domain.frontmatter import decode, split_front_matter
from nightdesk.domain.hidden_drafts import refuse_hiding
from nightdesk.domain.keys import Key, KeyReader, Value, raise_rejections
from nightdesk.domain.path_owners import can_be_page
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.text import slugify

_AUTHOR_KINDS = ("human", "ai")


@dataclass(frozen=True, slots=True)
class Profile:
    """An author, a topic or a standing page. For a page, `name` is its title; only authors have the last five fields.

    Attributes:
        kind: `author`, `topic` or `page`.
        body: Markdown.
    """

    kind: str
    id: str
    name: str
    summary: str = ""
    human: bool = True
    beat: str = ""
    portrait: str = ""
    responsible_editor: str = ""
    body: str = ""
    warnings: tuple[Problem, ...] = ()


def _name(value: Value, _: None) -> str:
    return value.required_text(Kind.NAME_MISSING, limit=300)


def _text(value: Value, _: None) -> str:
    return value.text()


def _is_human(value: Value, _: None) -> bool:
    typed = value.text() or "human"
    if typed not in _AUTHOR_KINDS:
        value.report(Kind.AUTHOR_KIND)
    return typed == "human"


_NAME: Key[None] = Key("name", "text; required", _name, ("title", "display_name"))
_SUMMARY: Key[None] = Key("summary", "one or two sentences", _text, ("description", "dek"))
AUTHOR_KEYS: tuple[Key[None], ...] = (
    _NAME,
    _SUMMARY,
    Key("kind", "`human` or `ai`; default: `human`", _is_human, attribute="human"),
    Key("beat", "text", _text),
    Key("portrait", "the file name of an image beside the profile", _text, ("image",)),
    Key("responsible_editor", "text", _text),
)
TOPIC_KEYS: tuple[Key[None], ...] = (_NAME, _SUMMARY)
PAGE_KEYS: tuple[Key[None], ...] = (
    Key("title", "text; required", _name, ("name", "display_name"), attribute="name"),
    _SUMMARY,
)
_KEYS = {"author": AUTHOR_KEYS, "topic": TOPIC_KEYS, "page": PAGE_KEYS}


@only_rejects
def parse_profile(raw: bytes, kind: str, name: str) -> Profile:
    """Parse the file of an author, a topic or a standing page.

    Args:
        kind: `author`, `topic` or `page`.
        name: the file name without its suffix.

    Raises:
        Rejected: with all of the file's problems.
    """
    source = split_front_matter(decode(raw))
    problems = ProblemList()
    keys = KeyReader(source.matter, problems)
    identifier = slugify(name)
    if not identifier:
        problems.add(Kind.FILE_NAME_WITHOUT_LETTERS.at(0, typed=name))
    elif kind == "page" and not can_be_page(identifier):
        problems.add(Kind.PAGE_ADDRESS.at(1, "slug", typed=identifier))
    values = keys.values(_KEYS[kind], None)
    refuse_hiding(keys, is_page=kind == "page")
    keys.report_unknown(Kind.UNKNOWN_SETTING)
    raise_rejections(problems)
    return Profile(kind=kind, id=identifier, body=source.body, warnings=tuple(problems.warnings), **values)


def profile_name(raw: bytes) -> str:
    """Return the name in the profile of an author or topic; empty if the file cannot be read."""
    try:
        keys = KeyReader(split_front_matter(decode(raw)).matter, ProblemList())
        return keys.value(_NAME.name, *_NAME.synonyms).text()
    except Rejected:
        return ""
