"""Slugs and display names."""

from __future__ import annotations

import re
from functools import lru_cache

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_DATE_PREFIX = re.compile(r"^\d{4}-\d{2}-\d{2}-(?=.)")
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that a feed cannot hold (XML 1.0, section 2.2); escapes let them into YAML, TOML and Markdown."""
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = 200


@lru_cache(maxsize=4096)
def slugify(text: str) -> str:
    """Return a slug of `[a-z0-9-]`, with other letters transliterated; empty if nothing is left."""
    if not text.isascii():
        from anyascii import anyascii  # imported here, because most names do not need its tables

        text = anyascii(text)
    return _NOT_SLUG.sub("-", text.lower().replace("'", "")).strip("-")[:SLUG_LENGTH].rstrip("-")


def slug_of_filename(name: str) -> str:
    """Return the default slug of a file: its name without suffix and leading date."""
    return slugify(_DATE_PREFIX.sub("", name))


def date_of_filename(name: str) -> str:
    """Return the date at the head of a file's name, `2014-05-27-harbour`; empty if it has none."""
    found = _DATE_PREFIX.match(name)
    return found[0].rstrip("-") if found else ""


def display_name(identifier: str) -> str:
    """Return a name for an author or topic without a profile: `ada-lindqvist` becomes Ada Lindqvist."""
    return " ".join(word[:1].upper() + word[1:] for word in identifier.split("-"))


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that spreadsheets take for a formula (OWASP, CSV injection)."""


def plain_cell(text: str) -> str:
    """Return a cell of a CSV file that no spreadsheet takes for a formula; an apostrophe is put before one that looks like it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
