"""Themes that print everything that a template gets: much faster than Jinja, and every difference shows in the bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from nightdesk.domain.site import Site
from nightdesk.rendering.environment import Context, Theme
from nightdesk.rendering.texts import Catalogue


class PlainCatalogue(Catalogue):
    """Messages that consist of their key and values, and those of other languages of the language as well."""

    def __init__(self, language: str) -> None:
        super().__init__({}, language)
        self._prefix = [] if language == "en" else [language]

    def __call__(self, key: str, **values: object) -> str:
        if key == "time.months":
            return ",".join(f"month {number}" for number in range(1, 13))
        return " ".join([*self._prefix, key, *map(str, values.values())])

    def forms(self, key: str) -> dict[str, str]:
        return {"other": self(key)}


class PlainTheme(Theme):
    """One of several themes, which differ in templates, files and standing pages.

    Args:
        number: identifies it.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.assets = {"site.css": (f"assets/site.{number:010}.css", f"a {{ order: {number} }}".encode())}
        self.root = {"open.json": f"[{number}]".encode()}

    def text(self, site: Site, language: str = "") -> Catalogue:
        return _catalogue(language or site.language)

    def pages(self, site: Site) -> dict[str, bytes]:
        return {"about": f"---\ntitle: About\n---\nText {self.number}. {site.language}\n".encode()}

    def render(self, template: str, context: Context) -> str:
        return f"{template} {self.number} {json.dumps(context, ensure_ascii=False)}"

    def render_each(self, template: str, shell: str, contexts: Sequence[Context], language: str = "") -> list[str]:
        return [self.render(template, context) for context in contexts]


_catalogue = cache(PlainCatalogue)
theme = cache(PlainTheme)
"""Return the theme with a number."""
