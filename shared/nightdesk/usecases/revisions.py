"""Revisions: what an article's draft was, and what each version changed of the one before."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from . import catalogue
from .ports import Item, Ports

_LONGEST = 200_000
"""So many characters of two versions are compared at most: comparing takes the longer, the longer they are."""


class Revision(NamedTuple):
    """A revision: its number from 1, when it was read (ISO 8601), the file and its etag, and a unified diff from the one before.

    `diff` is None where there is no telling: a version is no longer kept, or is very long.
    """

    number: int
    at: str
    key: str
    etag: str
    current: bool
    diff: str | None


class Page(NamedTuple):
    """Some revisions, newest first, and the number to go on from; 0 at the end."""

    revisions: tuple[Revision, ...]
    cursor: int


def revisions(slug: str, before: int, limit: int, ports: Ports) -> Page | None:
    """A page of an article's revisions; None where there is no such article.

    Args:
        before: the number that they come before; 0 for the newest.
    """
    key = holder_of(slug, ports)
    record = catalogue.draft_record(ports.articles, key) if key else None
    if not record:
        return None
    found = catalogue.revisions(ports.articles, key, before, limit + 1)
    texts = [_text(key, item, ports) for item in found]
    made = []
    for place, item in enumerate(found[:limit]):
        number = int(item["sk"].partition("#")[2])
        earlier = texts[place + 1] if place + 1 < len(found) else "" if number == 1 else None
        current = number == record["revision"] and item["etag"] == record["etag"]
        made.append(Revision(number, item["at"], key, item["etag"], current, _diff(earlier, texts[place], number)))
    return Page(tuple(made), made[-1].number if len(found) > limit else 0)


def holder_of(slug: str, ports: Ports) -> str:
    """The key of the draft that an article comes from, or came from; empty where none is known."""
    held = catalogue.holder(ports.articles, slug)
    for key in [held["holder"]] if held else (f"drafts/{slug}.md", f"drafts/{slug}/index.md"):
        if catalogue.draft_record(ports.articles, key):
            return str(key)
    return ""


def _text(key: str, item: Item, ports: Ports) -> str | None:
    blob = ports.drafts.get(key, item["file"])
    text = blob.body.decode("utf-8", "replace") if blob else None
    return text if text is None or len(text) <= _LONGEST else None


def _diff(earlier: str | None, text: str | None, number: int) -> str | None:
    if earlier is None or text is None:
        return None
    before, after = earlier.splitlines(), text.splitlines()
    lines = difflib.unified_diff(before, after, f"revision {number - 1}", f"revision {number}", lineterm="")
    return "\n".join(lines)
