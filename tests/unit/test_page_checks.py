"""What `make pages` makes of Lighthouse's runs, and the pages that it adds to those of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.page_checks import page_problems, write_reader_pages


def run(performance: float, **changed: Any) -> dict[str, Any]:
    """Return a run that reaches all goals but those that are changed."""
    scores = {"performance": performance, "accessibility": 100, "best-practices": 100, "seo": 100}
    numbers = {"lcp": 1300, "cls": 0.0}
    return {
        "scores": {**scores, **changed.get("scores", {})},
        "numbers": {**numbers, **changed.get("numbers", {})},
        "failed": changed.get("failed", []),
    }


def test_a_page_is_slow_only_if_most_of_five_runs_are() -> None:
    assert list(page_problems("front", [run(100), run(80), run(97)], 95)) == []
    assert list(page_problems("front", [run(80), run(80)], 95)) == [], "two runs of a busy machine prove nothing"
    slow = [run(score) for score in (94.4, 80, 99, 90)]
    assert list(page_problems("front", slow, 95)) == ["front: performance 94, 80, 99, 90; the goal is 95"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"scores": {"accessibility": 96}}, "front: accessibility 96; the goal is 100"),
        ({"scores": {"seo": 92}}, "front: seo 92; the goal is 100"),
        ({"numbers": {"lcp": 2600}}, "front: LCP 2.60 s; the limit is 2.5 s"),
        ({"numbers": {"cls": 0.03}}, "front: CLS 0.030; the limit is 0.02"),
        ({"failed": ["seo: Links have names"]}, "front: seo: Links have names"),
    ],
)
def test_what_does_not_depend_on_the_machine_fails_a_page_at_once(changed: dict[str, Any], problem: str) -> None:
    assert list(page_problems("front", [run(100, **changed)], 95)) == [problem]


def test_the_pages_of_the_readers_api_are_checked_too(tmp_path: Path) -> None:
    write_reader_pages(tmp_path / "readers")
    pages = {path.stem: path.read_text("utf-8") for path in (tmp_path / "readers").iterdir()}
    assert all(page.lower().startswith("<!doctype html>") and "<h1" in page for page in pages.values())
    assert "feed-url" in pages["account"]
