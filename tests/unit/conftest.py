"""Fixtures of all unit tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from nightdesk.usecases.pipeline import converge


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs that have to start over do so at once."""
    monkeypatch.setattr(converge, "time", SimpleNamespace(sleep=lambda _: None))
