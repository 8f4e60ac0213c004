"""The deployed stack and `nightdesk build` make the same site, byte by byte, of the same files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from newsroom import EXAMPLES, ROOT, TIERS, Newsroom
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.build import build

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def built(newsroom: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The examples' site as `nightdesk build` writes it for the same address."""
    out = tmp_path_factory.mktemp("built")
    done = build(EXAMPLES, out, Theme(ROOT / "layers" / "theme"), datetime.now(UTC), newsroom.cloud.site_url)
    assert done.rejected == {}
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_the_same_keys(newsroom: Newsroom, built: dict[str, bytes]) -> None:
    # A stack also tells of its API; files have none.
    assert sorted(set(newsroom.first_site) - {"openapi.json"}) == sorted(built)
    articles = [path for path in (EXAMPLES / "drafts").iterdir() if not path.name.startswith(".")]
    assert len(articles) >= 8
    for tier in TIERS:
        assert len([key for key in built if f"/~{tier}/index.html" in key]) == len(articles)


def test_the_same_bytes(newsroom: Newsroom, built: dict[str, bytes]) -> None:
    assert [key for key, body in sorted(built.items()) if newsroom.first_site.get(key) != body] == []


def test_a_second_publishing_writes_nothing(newsroom: Newsroom) -> None:
    """The same files again: no object is written, so nothing is invalidated."""
    before = newsroom.versions()
    with newsroom.listening() as heard:
        done = newsroom.command("publish", "--wait", str(EXAMPLES / "drafts"))
        newsroom.cloud.settle(120)
        said = [event["detail-type"] for event in heard()]
    assert done.returncode == 0
    assert newsroom.versions() == before
    assert "ArticleGated" in said
    assert "CacheInvalidated" not in said


def test_the_command_writes_what_the_use_case_does(newsroom: Newsroom, built: dict[str, bytes], tmp_path: Path) -> None:
    words = ["--drafts", str(EXAMPLES / "drafts"), "--out", str(tmp_path / "out")]
    done = newsroom.command("build", *words, "--base-url", newsroom.cloud.site_url)
    assert done.returncode == 0, done.stderr
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == built
