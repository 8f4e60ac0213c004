"""Themes that print everything that a template gets: much faster than Jinja, and every difference shows in the bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from nightdesk.rendering.environment import Theme
from nightdesk.rendering.texts import Catalogue


class PlainCatalogue(Catalogue):
    """Messages that consist of their key and values."""

    def __init__(self) -> None:
        super().__init__({})

    def __call__(self, key: str, **values: object) -> str:
        if key == "time.months":
            return ",".join(f"month {number}" for number in range(1, 13))
        return " ".join([key, *map(str, values.values())])


class PlainTheme(Theme):
    """One of several themes, which differ in templates, files and standing pages.

    Args:
        number: identifies it.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self.text = PlainCatalogue()
        self.assets = {"site.css": (f"assets/site.{number:010}.css", f"a {{ order: {number} }}".encode())}
        self.root = {"open.json": f"[{number}]".encode()}
        self.pages = {"about": f"---\ntitle: About\n---\nText {number}.\n".encode()}

    def render(self, template: str, context: object) -> str:
        return f"{template} {self._number} {json.dumps(context, ensure_ascii=False)}"

    def render_each(self, template: str, shell: str, contexts: Sequence[object]) -> list[str]:
        return [self.render(template, context) for context in contexts]


theme = cache(PlainTheme)
"""Return the theme with a number."""
