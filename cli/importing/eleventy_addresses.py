"""The addresses at which Eleventy served texts: by default, and by the pattern that a text or its folder gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.text import transliterate

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}-")
_OUTPUT = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_FORM = re.compile(r"%[-\w]|yyyy|[A-Za-z]+")
_DATE_PARTS = {"%Y": "year", "%m": "month", "%d": "day", "yyyy": "year", "MM": "month", "dd": "day", "LL": "month"}
_KEEPING = frozenset(["url", "safe", "string", "trim", "strip"])
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue", "&": " and "})
_WORDS = str.maketrans({"&": "and", "$": "dollar", "%": "percent", "<": "less", ">": "greater", "|": "or"})


class UnknownAddress(Exception):
    """A pattern needs something that only the site's program knows."""


def default_address(place: PurePosixPath) -> str:
    """Return the path of a text without a pattern: its file's, with the date, except for an `index` or a folder's own name.

    >>> default_address(PurePosixPath("posts/2020-01-02-gale.md")), default_address(PurePosixPath("posts/gale/gale.md"))
    ('/posts/2020-01-02-gale/', '/posts/gale/')
    """
    parts = list(place.parent.parts)
    if place.stem != "index" and parts[-1:] != [place.stem]:
        parts.append(place.stem)
    return "/" + "".join(f"{part}/" for part in parts)


def page_values(place: PurePosixPath) -> dict[str, str]:
    """Return what `page` says of the names of a file, both without its date."""
    plain = _DATE.sub("", place.stem)
    slug = _DATE.sub("", place.parent.name) if plain == "index" else plain
    return {"fileSlug": slug, "filePathStem": "/" + str(place.parent / plain)}


def fill_permalink(pattern: str, values: Mapping[str, Any], date: Mapping[str, str]) -> str:
    """Return a pattern with its expressions filled in.

    Args:
        values: by the names that the pattern uses.
        date: what `year`, `month` and `day` stand for.

    Raises:
        UnknownAddress: it has code, or names or filters that are not known.
    """
    filled = _OUTPUT.sub(lambda found: _value(found[1], values, date), pattern)
    if re.search(r"\{%|\{\{|\$\{", filled):
        raise UnknownAddress(pattern)
    filled = re.sub(r"/{2,}", "/", f"/{filled.strip()}")
    return re.sub(r"/index\.html$", "/", filled)


def _value(expression: str, values: Mapping[str, Any], date: Mapping[str, str]) -> str:
    first, *filters = [part.strip() for part in expression.split("|")]
    if first in ("page.date", "date"):
        return _dated(filters, date)
    value: Any = values
    for name in first.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if re.fullmatch(r"\"[^\"]*\"|'[^']*'", first):
        value = first[1:-1]
    if not isinstance(value, str) or not value:
        raise UnknownAddress(expression.strip())
    text = value
    for each in filters:
        text = _filtered(text, each)
    return text


def _filtered(value: str, typed: str) -> str:
    """Return a value as one of Eleventy's filters makes it."""
    name = typed.partition(":")[0].partition("(")[0].strip()
    if name in ("slugify", "slug"):
        return _slugified(value) if name == "slugify" else _slug(value)
    if name in ("lower", "downcase", "upper", "upcase"):
        return value.lower() if name in ("lower", "downcase") else value.upper()
    if name in _KEEPING:
        return value.strip()
    raise UnknownAddress(typed)


def _slugified(text: str) -> str:
    """Return what the filter `slugify` makes of a text: umlauts in two letters, and hyphens for all but letters and digits."""
    plain = re.sub(r"[^\w\s!-~]", " ", text.translate(_UMLAUTS))
    return re.sub(r"[^a-z0-9]+", "-", transliterate(plain).lower()).strip("-")


def _slug(text: str) -> str:
    """Return what the older filter `slug` makes of a text: it leaves punctuation out, or as it is."""
    plain = re.sub(r"[^\w\s$*+~.()'\"!:@-]", "", transliterate(text.translate(_WORDS)))
    return re.sub(r"\s+", "-", plain.strip()).lower()


def _dated(filters: list[str], date: Mapping[str, str]) -> str:
    """Return a date in the form that a filter names; a filter for dates without a form writes year, month and day."""
    if not date.get("year"):
        raise UnknownAddress("page.date")
    form = re.search(r"[\"']([^\"']+)", "|".join(filters))
    if not form and not re.search(r"(?i)date|iso", "".join(filters)):
        raise UnknownAddress("|".join(filters) or "page.date")
    return _FORM.sub(lambda found: _date_part(found[0], date), form[1] if form else "yyyy-MM-dd")


def _date_part(typed: str, date: Mapping[str, str]) -> str:
    if typed not in _DATE_PARTS:
        raise UnknownAddress(typed)
    return date[_DATE_PARTS[typed]]
