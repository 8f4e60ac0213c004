"""The deployed stack and `nightdesk build` make the same site, byte by byte, of the same files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nightdesk.entrypoints.build_output import MANIFEST
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.picture_maker import picture_maker
from support.default_theme import default_theme
from support.newsroom import EXAMPLES, TIERS, Newsroom

pytestmark = pytest.mark.cloud

_LIST_CARD = re.compile(r"(authors|topics)/[^/]+/card\.")


@pytest.fixture(scope="module")
def built(newsroom: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The examples' site as `nightdesk build` writes it for the same address."""
    out = tmp_path_factory.mktemp("built")
    done = build(
        EXAMPLES,
        out,
        default_theme(),
        datetime.now(UTC),
        Options(newsroom.cloud.site_url, pictures=FolderPictures(picture_maker())),
    )
    assert done.rejected == {}
    return files_in(out)


def files_in(out: Path) -> dict[str, bytes]:
    """Return the files of a built site by key, without the list of what the build wrote."""
    paths = [path for path in out.rglob("*") if path.is_file() and path.name != MANIFEST]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def is_of_search(key: str) -> bool:
    """Return True for what the search reads, which depends on when it was made, and which Pagefind never writes twice alike."""
    return key.startswith(("search/archive/", "search/recent.json"))


def test_the_same_keys(newsroom: Newsroom, built: dict[str, bytes]) -> None:
    # A stack also tells of its API. A social card that was made before the settings came is named nowhere, and stays.
    published = [
        key
        for key in newsroom.first_site
        if key != "openapi.json" and not is_of_search(key) and not _LIST_CARD.match(key)
    ]
    assert sorted(published) == sorted(key for key in built if not is_of_search(key))
    articles = [path for path in (EXAMPLES / "drafts").iterdir() if not path.name.startswith(".")]
    assert len(articles) >= 8
    for tier in TIERS:
        assert len([key for key in built if f"/~{tier}/index.html" in key]) == len(articles)


def test_the_same_bytes(newsroom: Newsroom, built: dict[str, bytes]) -> None:
    pages = [(key, body) for key, body in sorted(built.items()) if not is_of_search(key)]
    assert [key for key, body in pages if newsroom.first_site.get(key) != body] == []


def test_a_second_publishing_writes_nothing(newsroom: Newsroom) -> None:
    """The same files again: no object is written, so nothing is invalidated."""
    newsroom.cloud.settle(120)
    before = newsroom.versions()
    with newsroom.bus_events() as heard:
        done = newsroom.run("publish", "--wait", str(EXAMPLES / "drafts"))
        newsroom.cloud.settle(120)
        said = [event["detail-type"] for event in heard()]
    assert done.returncode == 0
    assert newsroom.versions() == before
    assert "ArticleGated" in said
    assert "CacheInvalidated" not in said


def test_the_command_writes_what_the_use_case_does(newsroom: Newsroom, built: dict[str, bytes], tmp_path: Path) -> None:
    words = ["--drafts", str(EXAMPLES / "drafts"), "--out", str(tmp_path / "out")]
    done = newsroom.run("build", *words, "--base-url", newsroom.cloud.site_url)
    assert done.returncode == 0, done.stderr
    written = files_in(tmp_path / "out")
    assert set(written) >= {key for key in built if not is_of_search(key)}
    assert [key for key, body in written.items() if not is_of_search(key) and built.get(key) != body] == []
