"""Themes that print all that a template may see: many times quicker than Jinja, and nothing can change unseen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from nightdesk.rendering.environment import Theme


class PlainTheme(Theme):
    """One of several themes, which differ in templates, files and standing pages.

    Args:
        number: tells it from the others.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self.assets = {"site.css": (f"assets/site.{number:010}.css", f"a {{ order: {number} }}".encode())}
        self.root = {"open.json": f"[{number}]".encode()}
        self.pages = {"about": f"---\ntitle: About\n---\nText {number}.\n".encode()}

    def render(self, template: str, context: object) -> str:
        return f"{template} {self._number} {json.dumps(context, ensure_ascii=False)}"

    def render_each(self, template: str, shell: str, contexts: Sequence[object]) -> list[str]:
        return [self.render(template, context) for context in contexts]


theme = cache(PlainTheme)
"""The theme of a number."""
