"""Slugs and display names."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
"""What YAML folds into one blank. Other spaces, such as French no-break spaces and the ideographic one, stay as typed."""
_DATE_PREFIX = re.compile(r"^\d{4}-\d{2}-\d{2}-(?=.)")
_DATE_LIKE = re.compile(
    r"(?:\d{4}([-_. ])\d{1,2}\1\d{1,2}|\d{1,2}([-_. ])\d{1,2}\2\d{4}|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that a feed cannot hold (XML 1.0, section 2.2); escapes let them into YAML, TOML and Markdown."""
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = 200


def single_spaced(text: str) -> str:
    """Return a text on one line: blanks and line ends become single blanks, and other spaces stay as typed.

    >>> single_spaced("  Two \\n lines\\xa0: 1\\u202f000 ")
    'Two lines\\xa0: 1\\u202f000'
    """
    return _BLANKS.sub(" ", text).strip(" ")


def transliterate(text: str) -> str:
    """Return a text in ASCII, with other letters as they are usually written there."""
    if text.isascii():
        return text
    from anyascii import anyascii  # imported here, because most names do not need its tables

    return str(anyascii(text))


@lru_cache(maxsize=4096)
def slugify(text: str) -> str:
    """Return a slug of `[a-z0-9-]`, with other letters transliterated; empty if nothing is left."""
    return _NOT_SLUG.sub("-", transliterate(text).lower().replace("'", "")).strip("-")[:SLUG_LENGTH].rstrip("-")


def slug_of_filename(name: str) -> str:
    """Return the default slug of a file: its name without suffix and leading date."""
    return slugify(_DATE_PREFIX.sub("", name))


def date_of_filename(name: str) -> str:
    """Return the date at the head of a file's name, `2014-05-27-harbour`; empty if it has none."""
    found = _DATE_PREFIX.match(name)
    return found[0].rstrip("-") if found else ""


def date_like(name: str) -> str:
    """Return what looks like a date at the head of a file's name, in any order and form; empty if nothing does.

    >>> date_like("27.05.2014 harbour"), date_like("20140527-harbour"), date_like("20149999"), date_like("2014-harbour")
    ('27.05.2014', '20140527', '', '')
    """
    found = _DATE_LIKE.match(name)
    return found[0] if found else ""


def display_name(identifier: str) -> str:
    """Return a name for an author or topic without a profile: `ada-lindqvist` becomes Ada Lindqvist."""
    return " ".join(word[:1].upper() + word[1:] for word in identifier.split("-"))


def spelling(name: str) -> str:
    """Return what two spellings of one name have in common: `ada-lindqvist` and `Ada Lindqvist`."""
    return " ".join(re.split(r"[-_\s]+", unicodedata.normalize("NFC", name).casefold()))


_LAST_LETTERS = {**dict.fromkeys(("sv", "fi"), "åäö"), **dict.fromkeys(("da", "nb", "nn", "no"), "æøå")}
"""Letters that some languages sort after z, in this order. Elsewhere, accents do not affect the order."""


def sorting_key(name: str, language: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that puts names in the order that readers of a language expect.

    >>> sorted(["Zoll", "Äcker", "Ähre", "Abend"], key=lambda name: sorting_key(name, "de-AT"))
    ['Abend', 'Äcker', 'Ähre', 'Zoll']
    >>> sorted(["Åsa", "Zoll", "Örn", "Abend"], key=lambda name: sorting_key(name, "sv"))
    ['Abend', 'Zoll', 'Åsa', 'Örn']
    """
    last = _LAST_LETTERS.get(language.lower().partition("-")[0], "")
    letters: list[tuple[int, str]] = []
    for letter in unicodedata.normalize("NFC", name).casefold():
        plain = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
        letters += [(1 + last.index(letter), "")] if letter in last else [(0, part) for part in plain]
    return letters, name


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that spreadsheets take for a formula (OWASP, CSV injection)."""


def plain_cell(text: str) -> str:
    """Return a cell of a CSV file that no spreadsheet takes for a formula; an apostrophe is put before one that looks like it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
