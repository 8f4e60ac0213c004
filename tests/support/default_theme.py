"""The default theme."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nightdesk.rendering.environment import Theme


@cache
def default_theme() -> Theme:
    """Return it, the same to all tests of a process: compiling its templates takes half a second."""
    return Theme(Path(__file__).resolve().parents[2] / "layers" / "theme")
