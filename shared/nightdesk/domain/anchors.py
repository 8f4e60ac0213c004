"""Anchors: where links inside an article lead.

A heading's anchor is made from its text, as everywhere on the site. Authors type the anchors of the tool they come from, so a
link may name a heading in the way of GitHub, Hugo, MkDocs, kramdown or Pandoc too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from html import unescape
from urllib.parse import unquote

from nightdesk.domain.text import slugify
from nightdesk.domain.typography import straight

PREFIX = "s-"
"""Stands before every anchor of a text, so that none is the id of another part of the page."""
_NOT_GITHUB = re.compile(r"[^\w\- ]")


def heading_anchor(text: str) -> str:
    """Return the anchor of a heading, but for a number that tells it from others with the same text."""
    return f"{PREFIX}{slugify(text) or 'section'}"


def typed_anchor(identifier: str) -> str:
    """Return the anchor for an id that an author typed; empty if nothing of it can be part of one."""
    plain = re.sub(r"[^\w.:-]+", "-", unquote(identifier)).strip("-")[:200]
    return f"{PREFIX}{plain}" if plain else ""


def heading_forms(text: str) -> set[str]:
    """Return the names that other tools give to the anchor of a heading with this text.

    >>> sorted(heading_forms("What's new in 2.0?"))
    ['what-s-new-in-2-0', 'whats-new-in-20', 'whats-new-in-2-0', 'whats-new-in-2.0']
    """
    lower = unicodedata.normalize("NFC", text).strip().lower()
    github = _NOT_GITHUB.sub("", lower).replace(" ", "-")
    plain = unicodedata.normalize("NFKD", lower).encode("ascii", "ignore").decode()
    mkdocs = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip())
    pandoc = re.sub(r"\s+", "-", re.sub(r"[^\w\s.-]", "", lower))
    jekyll = re.sub(r"^[^a-z]+", "", github)
    joined = re.sub(r"[^\w]+", "-", lower).strip("-")
    return {form for form in (github, mkdocs, pandoc, jekyll, joined, slugify(text)) if form}


class Anchors:
    """The anchors of a text, and the names by which links may call them."""

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._headings: list[tuple[str, str]] = []

    def add_heading(self, text: str, anchor: str) -> None:
        """Add a heading, before any link is looked up."""
        self._exact.setdefault(anchor.removeprefix(PREFIX), anchor)
        self._headings.append((text, anchor))

    @cached_property
    def _forms(self) -> dict[str, str]:
        """The headings' anchors by the names that other tools give them; of several with one text, others are called `-1`, `-2`
        or `_1`, `_2` after it. Made on demand: most texts have no links inside."""
        forms: dict[str, str] = {}
        counts: dict[str, int] = {}
        for text, anchor in self._headings:
            for form in heading_forms(text) | heading_forms(straight(text)):
                count = counts.get(form, 0)
                counts[form] = count + 1
                for name in (form,) if not count else (f"{form}-{count}", f"{form}_{count}"):
                    forms.setdefault(name, anchor)
        return forms

    def add_id(self, anchor: str) -> None:
        """Add an anchor that an author typed."""
        self._exact.setdefault(anchor.removeprefix(PREFIX), anchor)

    def has(self, fragment: str) -> bool:
        """Return True if a link leads to an anchor as it stands, with the prefix."""
        return unquote(fragment).removeprefix(PREFIX) in self._exact and fragment.startswith(PREFIX)

    def find(self, fragment: str) -> str:
        """Return the anchor that a link means, by what was typed after its `#`; empty if there is none."""
        typed = unicodedata.normalize("NFC", unquote(unescape(fragment)))
        names = (typed.removeprefix("user-content-"), typed_anchor(typed).removeprefix(PREFIX))
        exact = next((self._exact[name] for name in names if name in self._exact), "")
        lower = [name.lower() for name in names]
        return exact or next((self._forms[name] for name in lower if name in self._forms), "")
