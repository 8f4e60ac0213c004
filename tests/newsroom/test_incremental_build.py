"""`nightdesk build` again: only what changed is made, and the site is the one that a full build makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nightdesk.entrypoints import build_output
from nightdesk.entrypoints.build_output import JOURNAL, MANIFEST
from nightdesk.entrypoints.folder_build import Built, Options, build
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.folder_stages import FolderStages
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.gate import gate
from simulation.pictures import PlainPictures

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
IMAGE = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


class Desk:
    """A folder of drafts, the folder of its site, and the state between builds."""

    def __init__(self, folder: Path, theme: Theme) -> None:
        self.drafts, self.out, self.state = folder / "newsroom", folder / "out", folder / "cache" / "state"
        self._theme, self._folder = theme, folder

    def write(self, name: str, text: str | bytes) -> None:
        path = self.drafts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def draft(self, name: str, body: str = "Text.", **matter: object) -> None:
        head = {"title": name.title(), "date": "2026-11-02", "authors": ["ada"], "topics": ["energy"], **matter}
        lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
        self.write(f"drafts/{name}.md", f"---\n{lines}---\n{body}\n")

    def build(self, now: datetime = NOW, *, full: bool = False) -> Built:
        """Build from the state of the last build, with all pictures."""
        pictures = FolderPictures(PlainPictures(), processes=1)
        return build(self.drafts, self.out, self._theme, now, Options("", None, pictures, self.state, full))

    def changed(self, now: datetime = NOW) -> int:
        """Build, compare the site with that of a fresh full build, and return how many files were read anew."""
        built = self.build(now)
        fresh = self._folder / "fresh" / str(len(list(self._folder.glob("fresh/*"))))
        pictures = FolderPictures(PlainPictures(), processes=1)
        whole = build(self.drafts, fresh, self._theme, now, Options(pictures=pictures))
        ours, theirs = files_of(self.out), files_of(fresh)
        assert {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)} == set()
        assert (built.states, built.rejected, built.warnings) == (whole.states, whole.rejected, whole.warnings)
        return built.changed


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a site's files, without what the search reads: Pagefind writes the same index in other bytes each time."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    left_out = ("search/archive/", "search/recent.json", MANIFEST)
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(left_out)}


@pytest.fixture
def desk(tmp_path: Path, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A small publication that was built once. Its search is not indexed, which would take most of the time."""
    monkeypatch.setattr("nightdesk.entrypoints.folder_build.index_pages", lambda pages, language: {})
    desk = Desk(tmp_path, theme)
    desk.write("site.yaml", "name: The Meridian\nbase_url: https://news.example\n")
    desk.write("authors/ada.md", "---\nname: Ada Lindqvist\n---\nBio.\n")
    desk.write("topics/energy.md", "---\nname: Energy\n---\n")
    for number in range(4):
        desk.draft(f"story-{number}", date=f"2026-10-{10 + number}")
    desk.write("drafts/shown/index.md", "---\ntitle: Shown\ndate: 2026-10-01\n---\n![x](a.svg)\n")
    desk.write("drafts/shown/a.svg", IMAGE)
    desk.draft("later", date="2026-11-23T00:30:00Z")
    desk.build()
    return desk


def test_nothing_changed_and_nothing_is_written(desk: Desk) -> None:
    before = {path: path.stat().st_mtime_ns for path in desk.out.rglob("*")}
    assert desk.build().changed == 0
    after = {path: path.stat().st_mtime_ns for path in desk.out.rglob("*")}
    assert {path for path in after if path.name != MANIFEST and after[path] != before.get(path)} <= {desk.out}


def test_one_more_article_is_made_alone_with_what_shows_it(desk: Desk) -> None:
    desk.draft("new", "Free.\n\n::: gate tier=member\nHidden.\n:::")
    assert desk.changed() == 1
    desk.draft("old", date="2026-10-11")
    assert desk.changed() == 1, "later articles name it among the earlier ones"


def test_a_site_that_is_written_in_parts_is_known_to_be_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_output, "_BUFFER", 5_000)
    desk.build(full=True)
    desk.draft("new")
    assert desk.changed() == 1, "not all of the files"


def test_a_changed_article_is_made_again(desk: Desk) -> None:
    desk.draft("story-1", "Newer.", title="Another title", date="2026-09-01", topics=["energy", "water"])
    assert desk.changed() == 1


def test_a_changed_image_changes_the_pages_that_show_it(desk: Desk) -> None:
    desk.write("drafts/shown/a.svg", IMAGE + b" ")
    assert desk.changed() == 1
    desk.write("drafts/fresh/index.md", "---\ntitle: Fresh\ndate: 2026-11-01\nhero: b.svg\n---\nText.\n")
    desk.write("drafts/fresh/b.svg", IMAGE + b"  ")
    assert desk.changed() == 2


def test_a_changed_attachment_changes_the_pages_that_offer_it(desk: Desk) -> None:
    desk.write("drafts/shown/fees.pdf", b"%PDF one")
    desk.write("drafts/shown/index.md", "---\ntitle: Shown\ndate: 2026-10-01\n---\n[Fees](fees.pdf)\n")
    assert desk.changed() == 2
    desk.write("drafts/shown/fees.pdf", b"%PDF two")
    assert desk.changed() == 1
    bodies = [body for name, body in files_of(desk.out).items() if name.endswith(".pdf")]
    assert bodies == [b"%PDF two"]


def test_a_change_of_an_old_article_reaches_only_those_that_name_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for number in range(20):
        desk.draft(f"more-{number:02}", date=f"2026-11-03T{number:02}:00:00Z")
    desk.build()
    gated: list[str] = []
    monkeypatch.setattr(
        "nightdesk.stages.gate.gate",
        lambda slug, *args: gated.append(slug) or gate(slug, *args),
    )
    desk.draft("story-0", title="Another title", date="2026-10-10")
    assert desk.changed() == 1
    assert not [slug for slug in gated if slug.startswith("more-")]


def test_what_time_changes_is_made_again(desk: Desk) -> None:
    assert "articles/later/~public/index.html" not in files_of(desk.out)
    assert desk.changed(LATER) == 0
    assert "articles/later/~public/index.html" in files_of(desk.out)


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: (desk.drafts / "drafts/story-1.md").unlink(),
        lambda desk: desk.draft("story-1", slug="renamed"),
        lambda desk: desk.draft("another", slug="story-1"),
        lambda desk: desk.draft("a-first", aliases=["/articles/story-1/"]),
        lambda desk: desk.draft("story-1", draft=True),
        lambda desk: desk.draft("broken", status="unheard-of"),
        lambda desk: desk.write("authors/ada.md", "---\nname: Ada L.\n---\n"),
        lambda desk: desk.write("site.yaml", "name: The Equator\nbase_url: https://news.example\n"),
    ],
    ids=["removed", "renamed", "slug", "alias", "draft", "rejected", "author", "settings"],
)
def test_what_depends_on_history_is_built_in_full(change: Callable[[Desk], object], desk: Desk) -> None:
    change(desk)
    assert desk.changed() >= 9
    assert desk.build().changed == 0


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize(
    "damage",
    [
        lambda desk: _cut(desk.state),
        lambda desk: desk.state.write_bytes(b"not a database"),
        lambda desk: desk.state.unlink(),
        lambda desk: (desk.out / "index.html").write_text("edited"),
        lambda desk: (desk.out / "articles/story-1/~public/index.html").unlink(),
        lambda desk: (desk.out / JOURNAL).write_text("x articles/story-1/~public/index.html\n"),
    ],
    ids=["cut", "garbage", "no-state", "edited", "missing", "interrupted"],
)
def test_a_damaged_state_or_site_is_built_in_full(damage: Callable[[Desk], object], desk: Desk) -> None:
    damage(desk)
    desk.draft("new")
    assert desk.changed() == 11


def test_another_theme_or_another_release_is_built_in_full(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightdesk.entrypoints.build_state._code", lambda: "another release")
    assert desk.changed() == 10


def test_a_clock_that_was_set_back_is_no_trouble(desk: Desk) -> None:
    desk.build(LATER)
    assert desk.changed(NOW) == 10
    assert "articles/later/~public/index.html" not in files_of(desk.out)


def test_a_full_build_can_be_asked_for(desk: Desk) -> None:
    assert desk.build(full=True).changed == 10


@pytest.mark.parametrize("stage", [0, 3])
def test_a_build_after_one_that_was_interrupted_is_right(
    stage: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    desk.draft("new")
    take, rounds = FolderStages.take, iter(range(99))

    def die(stages: FolderStages) -> object:
        if next(rounds) == stage:
            raise KeyboardInterrupt
        return take(stages)

    with monkeypatch.context() as patched:
        patched.setattr(FolderStages, "take", die)
        with pytest.raises(KeyboardInterrupt):
            desk.build()
    (desk.drafts / "drafts/new.md").unlink()
    desk.changed()


def test_the_state_is_not_in_the_folder_of_the_site(desk: Desk) -> None:
    desk.draft("new", "Free.\n\n::: gate tier=member\ncanary\n:::")
    desk.build()
    holding = {path.name for path in desk.out.rglob("*") if path.is_file() and b"canary" in path.read_bytes()}
    assert holding == {"index.html"}
    assert desk.state.stat().st_mode & 0o077 == 0
    assert {path.parent.name for path in desk.out.rglob("index.html") if b"canary" in path.read_bytes()} == {"~member"}


def test_a_change_within_the_same_moment_is_seen(desk: Desk) -> None:
    desk.draft("story-1", "Text!")
    desk.build()
    desk.draft("story-1", "Text?")
    assert desk.changed() == 1
