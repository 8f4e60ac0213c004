"""Words into slugs and names."""

from __future__ import annotations

import re
from functools import lru_cache

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_DATE_PREFIX = re.compile(r"^\d{4}-\d{2}-\d{2}-(?=.)")
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = 200


@lru_cache(maxsize=4096)
def slugify(text: str) -> str:
    """`text` as a slug of `[a-z0-9-]`, other letters transliterated; empty if nothing is left of it."""
    if not text.isascii():
        from anyascii import anyascii  # imported late: most names need no table

        text = anyascii(text)
    return _NOT_SLUG.sub("-", text.lower().replace("'", "")).strip("-")[:SLUG_LENGTH].rstrip("-")


def slug_of_filename(name: str) -> str:
    """The default slug of a file: its stem without a leading date."""
    return slugify(_DATE_PREFIX.sub("", name))


def name_of_id(identifier: str) -> str:
    """A plain display name for an author or topic that has no profile: `ada-lindqvist` is Ada Lindqvist."""
    return " ".join(word[:1].upper() + word[1:] for word in identifier.split("-"))
