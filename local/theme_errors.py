"""What is wrong with a theme, as a page: the file, the line, and what stands there."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import NamedTuple

from jinja2 import TemplateNotFound, TemplateSyntaxError

_AROUND = 3
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body><h1>{title}</h1><p><code>{where}</code></p><pre>{lines}</pre>
<p>This page loads itself again as soon as the theme or a draft is saved.</p></body>
</html>
"""


class ThemeFault(NamedTuple):
    """A fault: what it is, and the file and line where it is; no file if it is not known."""

    message: str
    path: Path | None = None
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.path else self.message

    def to_html(self) -> str:
        """Return a page that says so."""
        where = f"{self.path}:{self.line}" if self.path else ""
        return _PAGE.format(title=escape(self.message), where=escape(where), lines=escape(self._lines()))

    def _lines(self) -> str:
        if not self.path or not self.path.is_file():
            return ""
        lines = enumerate(self.path.read_text("utf-8", "replace").splitlines(), 1)
        near = [(number, text) for number, text in lines if abs(number - self.line) <= _AROUND]
        return "\n".join(f"{'>' if number == self.line else ' '} {number:>4}  {text}" for number, text in near)


def fault_of(error: Exception, templates: Path, written_at: Callable[[Path], Path]) -> ThemeFault:
    """Return what an error says of a theme.

    Args:
        templates: the folder from which the templates were read.
        written_at: returns the file that somebody wrote, from which one of these was made.
    """
    message = f"{type(error).__name__}: {error}" if not str(error) or isinstance(error, KeyError) else str(error)
    if isinstance(error, TemplateNotFound):
        message = f"there is no template {error.name}"
    if isinstance(error, TemplateSyntaxError) and error.filename:
        return ThemeFault(error.message or message, written_at(Path(error.filename)), error.lineno)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(templates) and frame.lineno
    ]
    if not frames:
        return ThemeFault(message)
    return ThemeFault(message, written_at(Path(frames[-1].filename)), frames[-1].lineno or 0)
