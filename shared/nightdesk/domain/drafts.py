"""Drafts: parsing what an author filed into what is published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nightdesk.domain.draft_file import DraftFile
from nightdesk.domain.draft_keys import ALIAS_SYNONYMS, DRAFT_KEYS, each_path
from nightdesk.domain.errors import Rejected, only_rejects
from nightdesk.domain.frontmatter import Source, decode, split_front_matter, to_plain
from nightdesk.domain.hidden_drafts import flags_to_refuse
from nightdesk.domain.keys import KeyReader, raise_rejections
from nightdesk.domain.old_addresses import old_address
from nightdesk.domain.passages import Passage, split_passages
from nightdesk.domain.possible_embargoes import moments_to_refuse
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.text import SLUG, SLUG_LENGTH, slug_of_filename

_HEAD = 4000
_TYPED_SLUG = re.compile(rf"^slug[ \t]*[:=][ \t]*[\"']?({SLUG.pattern})[\"']?[ \t]*(?:#.*)?\r?$".encode(), re.MULTILINE)

_SECOND = re.compile(r"\s*^(---|\+\+\+)[ \t]*\n((?:[\w-]+[ \t]*[:=].*\n|[ \t]+\S.*\n|- .*\n)+)^\1[ \t]*$", re.MULTILINE)
_KNOWN = frozenset(name for key in DRAFT_KEYS for name in (key.name, *key.synonyms))


@dataclass(frozen=True, slots=True)
class Draft:
    """A parsed draft. Timestamps are ISO 8601 with offset; an empty text means that the key is missing.

    Attributes:
        authors: id of each author, and the name that was typed if it is more than the id; likewise `topics`.
        extra: keys that Nightdesk does not know, as JSON values.
    """

    slug: str
    title: str
    dek: str = ""
    language: str = ""
    translation_of: str = ""
    date: str = ""
    lastmod: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    draft: bool = False
    publish_at: str = ""
    expires: str = ""
    hero: dict[str, str] = field(default_factory=dict)
    access: str = PUBLIC
    sources: tuple[dict[str, str], ...] = ()
    sources_access: str = ""
    production: dict[str, Any] = field(default_factory=dict)
    corrections: tuple[dict[str, str], ...] = ()
    featured: bool = False
    pinned_until: str = ""
    newsletter: bool = False
    typography: bool = True
    aliases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()
    warnings: tuple[Problem, ...] = ()


def slug_of_rejected(raw: bytes, name: str) -> str:
    """Return the slug that a draft which cannot be published would have: the one that was typed, or that of its file's name.

    The front matter may be what is wrong, so that the line of the slug is looked for without parsing it.
    """
    found = _TYPED_SLUG.search(raw[:_HEAD])
    return found[1].decode() if found and len(found[1]) <= SLUG_LENGTH else slug_of_filename(name)


def slug_line(raw: bytes) -> int:
    """Return the line of the slug in a draft that can be parsed; the first line if the slug is not typed there."""
    node = split_front_matter(decode(raw)).matter.get("slug")
    return node.line if node else 1


def alias_lines(raw: bytes) -> dict[str, int]:
    """Return the line of each alias of a draft that can be parsed, by its one spelling (`old_address`)."""
    matter = split_front_matter(decode(raw)).matter
    node = next((matter[name] for name in ("aliases", *ALIAS_SYNONYMS) if name in matter), None)
    items = node.value if node and isinstance(node.value, list) else [node] if node else []
    texts = [(item.value.strip(), item.line) for item in items if isinstance(item.value, str)]
    typed = [(part, line) for text, line in texts for part in each_path(text)]
    return {old_address("/" + text.lstrip("/")): line for text, line in typed}


def _second_front_matter(source: Source) -> Iterator[Problem]:
    """Yield a problem for the first known key of a front matter that follows the first one: an embargo in it would be text."""
    found = _SECOND.match(source.body)
    for line in found[2].splitlines() if found else ():
        key = re.match(r"[\w-]+", line)
        if found and key and key[0] in _KNOWN:
            at = source.body_line + source.body[: source.body.index(line, found.start(2))].count("\n")
            yield Kind.FRONT_MATTER_TWICE.at(at, key[0], fence=found[1])
            return


@only_rejects
def parse_draft(raw: bytes, name: str, site: Site, to_html: Callable[[str], str], filed: str = "") -> Draft:
    """Parse the bytes of a draft.

    Args:
        name: the file name without its suffix, or the name of its folder.
        site: the site's settings, for tiers, the time zone and the default teaser.
        to_html: the Markdown parser (see `split_passages`).
        filed: when this version of the file was put (ISO 8601); by default, no timestamp is compared with that.

    Raises:
        Rejected: with all of the draft's problems, not only the first.
    """
    source = split_front_matter(decode(raw))
    problems = ProblemList()
    keys = KeyReader(source.matter, problems)
    file = DraftFile(keys, name, site, filed)
    values = keys.values(DRAFT_KEYS, file)
    extra = keys.report_unknown(Kind.UNKNOWN_KEY)
    for path, node in moments_to_refuse(extra, file):
        problems.add(Kind.MAYBE_EMBARGO.at(node.line, path, typed=to_plain(node)))
    for path, node in flags_to_refuse(extra, site):
        problems.add(Kind.MAYBE_HIDDEN.at(node.line, path))
    problems.add(*_second_front_matter(source))
    passages: tuple[Passage, ...] = ()
    try:
        passages = split_passages(source.body, source.body_line, site, to_html)
    except Rejected as error:
        problems.add(*error.problems)
    raise_rejections(problems)
    return Draft(
        **values,
        extra={key: to_plain(node) for key, node in extra.items()},
        passages=passages,
        warnings=tuple(problems.warnings),
    )
