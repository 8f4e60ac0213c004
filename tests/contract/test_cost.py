"""What a newsroom pays, as docs/cost.md says: computed from the calls that a publish makes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import cost_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_document_is_what_the_model_computes() -> None:
    """`make bench ARGS=cost` prints it anew."""
    assert (ROOT / "docs/cost.md").read_text("utf-8") == cost_model.measure()
