"""An article's revisions, each with the difference from the one before."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from nightdesk.ports import Ports
from nightdesk.repositories import articles_table, records
from nightdesk.usecases.editors.status import draft_keys

_LONGEST = 200_000
"""The longest text to compare, in characters: the time to compare grows faster than the text."""


class Revision(NamedTuple):
    """A revision of a draft.

    Attributes:
        number: from 1.
        at: when it was rendered, ISO 8601.
        key, etag: of its file.
        diff: a unified diff from the revision before; None if one of both is no longer stored or is too long.
    """

    number: int
    at: str
    key: str
    etag: str
    current: bool
    diff: str | None


class Page(NamedTuple):
    """Some revisions, newest first, and the cursor of the next page: a number, 0 on the last one."""

    revisions: tuple[Revision, ...]
    cursor: int


def revisions(slug: str, before: int, limit: int, ports: Ports) -> Page | None:
    """Return a page of an article's revisions; None if the article does not exist.

    Args:
        before: the cursor of the previous page; 0 for the first.
    """
    drafts = ((key, articles_table.draft_record(ports.articles, key)) for key in draft_keys(slug, ports))
    key, record = next((found for found in drafts if found[1]), ("", None))
    if not record:
        return None
    found = articles_table.revisions(ports.articles, key, before, limit + 1)
    texts = [_text(key, item, ports) for item in found]
    page = []
    for index, item in enumerate(found[:limit]):
        number = item.number
        earlier = texts[index + 1] if index + 1 < len(found) else "" if number == 1 else None
        current = number == record.revision and item.etag == record.etag
        page.append(Revision(number, item.at, key, item.etag, current, _diff(earlier, texts[index], number)))
    return Page(tuple(page), page[-1].number if len(found) > limit else 0)


def _text(key: str, item: records.Revision, ports: Ports) -> str | None:
    blob = ports.drafts.get(key, item.file_version)
    text = blob.body.decode("utf-8", "replace") if blob else None
    return text if text is None or len(text) <= _LONGEST else None


def _diff(earlier: str | None, text: str | None, number: int) -> str | None:
    if earlier is None or text is None:
        return None
    before, after = earlier.splitlines(), text.splitlines()
    lines = difflib.unified_diff(before, after, f"revision {number - 1}", f"revision {number}", lineterm="")
    return "\n".join(lines)
