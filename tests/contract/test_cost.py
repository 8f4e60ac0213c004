"""What a newsroom pays, and which limit it meets first, as docs/cost.md and docs/scale.md say: computed from the calls of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import cost_model, scale_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_document_is_what_the_model_computes() -> None:
    """`make bench ARGS=cost` prints it anew."""
    assert (ROOT / "docs/cost.md").read_text("utf-8") == cost_model.measure()


@pytest.mark.slow
def test_the_limits_are_what_the_model_computes() -> None:
    """`make bench ARGS=scale` prints them anew."""
    assert (ROOT / "docs/scale.md").read_text("utf-8") == scale_model.measure()
