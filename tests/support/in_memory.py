"""Fixtures of the tests in memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline import converge

from support.default_theme import default_theme
from support.memory_newsroom import Newsroom


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs that have to start over do so at once."""
    monkeypatch.setattr(converge, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture(scope="module")
def theme() -> Theme:
    """Return the default theme."""
    return default_theme()


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    """Return a newsroom in memory, without any files."""
    return Newsroom(theme)
