"""`nightdesk build`: the pipeline over folders."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nightdesk.adapters.sqlite import SqliteStore
from nightdesk.domain.events import SiteChanged
from nightdesk.domain.problems import Kind
from nightdesk.entrypoints.build_output import JOURNAL, MANIFEST, SiteFolder
from nightdesk.entrypoints.folder_build import Built, Options, build, read_folder
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from simulation.pictures import PlainPictures
from simulation.reference import ReferenceWorld

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
IMAGE = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    """Return the folder of a small publication."""
    files = {
        "site.yaml": b"name: The Meridian\nbase_url: https://news.example\n",
        "authors/ada.md": b"---\nname: Ada Lindqvist\nkind: ai\nportrait: ada.svg\n---\nBio.\n",
        "authors/ada.svg": IMAGE,
        "topics/energy.md": b"---\nname: Energy\nsummary: On power.\n---\n",
        "pages/about.md": b"---\ntitle: About us\n---\nWe are.\n",
        "drafts/2026-11-20-one/index.md": (
            b"---\ntitle: One\ndate: 2026-11-20\nauthor: ada\ntopic: energy\nhero: a.svg\n---\nFree.\n\n"
            b"::: gate tier=member\ncanary ![x](b.svg)\n:::\n"
        ),
        "drafts/2026-11-20-one/a.svg": IMAGE,
        "drafts/2026-11-20-one/b.svg": IMAGE + b" ",
        "drafts/two.md": b"---\ntitle: Two\ndate: 2026-10-01\nauthor: ada\ntopic: energy\n---\nText.\n",
        "drafts/later.md": b"---\ntitle: Later\ndate: 2027-01-01\n---\nText.\n",
        "drafts/over.md": b"---\ntitle: Over\ndate: 2026-01-01\nexpires: 2026-02-01\n---\nText.\n",
        "drafts/unready.md": b"---\ntitle: Unready\ndraft: true\n---\nText.\n",
        "drafts/broken.md": b"---\ndek: no title\n---\n\n::: gate\n",
        "drafts/notes.txt": b"not a draft",
    }
    for name, body in files.items():
        path = tmp_path / "newsroom" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tmp_path / "newsroom"


def run(drafts: Path, out: Path, theme: Theme) -> Built:
    return build(drafts, out, theme, NOW, Options(pictures=FolderPictures(PlainPictures())))


def files_of(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: body for name, body in found.items() if name != MANIFEST}


def without_search(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return files without what the search reads: Pagefind writes the same index in other bytes each time."""
    return {key: body for key, body in files.items() if not key.startswith(("search/archive/", "search/recent.json"))}


def test_a_build_writes_every_page_of_every_tier(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    built = run(drafts, tmp_path / "out", theme)
    files = files_of(tmp_path / "out")
    wanted = {"index.html", "feed.xml", "feed.json", "archive/2026/11/index.html", "topics/energy/index.html"}
    wanted |= {
        "topics/energy/2026/10/index.html",
        "authors/ada/index.html",
        "about/index.html",
        "corrections/index.html",
    }
    wanted |= {
        f"articles/{slug}/~{tier}/index.html" for slug in ("one", "two") for tier in ("public", "subscriber", "member")
    }
    assert wanted <= set(files)
    assert built.objects == len(files)
    assert {state: sorted(slugs) for state, slugs in built.states.items()} == {
        "live": ["one", "two"], "scheduled": ["later"], "expired": ["over"], "draft": ["unready"],
    }  # fmt: skip
    assert not [name for name in files if name.startswith(("articles/later/", "articles/unready/", "articles/broken/"))]
    assert b"The Meridian" in files["index.html"]
    assert files["index.html"].index(b"/articles/one/") < files["index.html"].index(b"/articles/two/")


def test_rejected_files_are_reported_with_lines(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    built = run(drafts, tmp_path / "out", theme)
    assert list(built.rejected) == ["drafts/broken.md"]
    assert [(p["line"], p["key"]) for p in built.rejected["drafts/broken.md"]] == [(1, "title"), (5, "gate")]


def test_public_files_hold_no_gated_text_or_images(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "out", theme)
    files = files_of(tmp_path / "out")
    assert {
        name for name, body in files.items() if b"canary" in body and name.endswith((".html", ".xml", ".json"))
    } == {"articles/one/~member/index.html"}
    pictures = sorted(
        name.split(".")[0] for name in files if name.startswith("articles/one/") and name.endswith(".svg")
    )
    assert pictures == ["articles/one/~member/b", "articles/one/~public/a"], "what all may see is there once"


def test_a_second_build_keeps_unchanged_files(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    out = tmp_path / "out"
    run(drafts, out, theme)
    long_ago = 1_000_000_000
    for path in out.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    draft = drafts / "drafts" / "two.md"
    draft.write_bytes(draft.read_bytes().replace(b"Text.", b"Newer."))
    run(drafts, out, theme)
    changed = {name for name in without_search(files_of(out)) if (out / name).stat().st_mtime != long_ago}
    feeds = {"feed.xml", "feed.json", "topics/energy/feed.xml", "authors/ada/feed.xml"}
    assert changed == feeds | {f"articles/two/~{tier}/index.html" for tier in ("public", "subscriber", "member")}


def test_pages_of_what_is_gone_are_removed(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    out = tmp_path / "out"
    run(drafts, out, theme)
    (out / "CNAME").write_text("news.example")
    (out / "articles/two/mine.txt").write_text("mine")
    (out / "articles/one/~public/index.html").write_text("edited by hand")
    (drafts / "drafts/two.md").unlink()
    (drafts / "drafts/2026-11-20-one").rename(drafts / "drafts/2026-11-20-uno")
    run(drafts, out, theme)
    left = {name.split("/")[1]: name for name in files_of(out) if name.startswith("articles/")}
    assert left.keys() == {"uno", "one", "two", "over"}
    assert left["two"] == "articles/two/mine.txt"
    assert (out / "CNAME").read_text() == "news.example"
    assert (out / "articles/one/~public/index.html").read_text() == "edited by hand"
    assert not (out / "topics/energy/2026/10").exists()
    run(drafts, tmp_path / "fresh", theme)
    mine = {"CNAME", "articles/two/mine.txt", "articles/one/~public/index.html"}
    assert set(without_search(files_of(out))) - mine == set(without_search(files_of(tmp_path / "fresh")))
    assert len(list((out / "search/archive/fragment").iterdir())) == 1, "the text of what is gone is not left"


def write_site(files: dict[str, bytes], out: Path) -> None:
    site = SiteFolder(SqliteStore(), out, lambda: NOW)
    for key, body in files.items():
        site.put(Output(key, body, "text/html"), ANY)
    site.finish(complete=True)


def test_a_build_removes_nothing_behind_a_link(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "elsewhere"
    write_site({"index.html": b"x", "articles/one.html": b"y", "feed.xml": b"z"}, out)
    (out / "articles").rename(outside)
    (out / "articles").symlink_to(outside)
    (out / "feed.xml").rename(outside / "feed.xml")
    (out / "feed.xml").symlink_to(outside / "feed.xml")
    write_site({"index.html": b"x"}, out)
    assert {path.name for path in outside.iterdir()} == {"one.html", "feed.xml"}


def test_what_a_build_remembers_names_no_file_of_the_site(tmp_path: Path) -> None:
    out, hidden = tmp_path / "out", b"a picture inside a gate"
    key = f"articles/one/{hashlib.sha256(hidden).hexdigest()}.webp"
    site = SiteFolder(SqliteStore(), out, lambda: NOW)
    site.put(Output(key, hidden, "image/webp"), ANY)
    site._write_waiting()
    known = (out / JOURNAL).read_text()
    site.finish(complete=True)
    known += (out / MANIFEST).read_text()
    for part in (*key.replace(".", "/").split("/"), hashlib.sha256(hidden).hexdigest()):
        assert part not in known
    assert not (out / JOURNAL).exists()


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"files": []}', '{"files": {"kept.txt": 1}}'])
def test_a_broken_manifest_removes_nothing(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / MANIFEST).write_text(manifest)
    write_site({"index.html": b"x"}, tmp_path)
    assert (tmp_path / "kept.txt").read_text() == "kept"


def test_warnings_are_those_of_the_check(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    (drafts / "drafts/three.md").write_text("---\ntitle: T\ndate: 2026-01-01\ncolour: red\nauthor: adda\n---\nText.\n")
    built = run(drafts, tmp_path / "out", theme)
    assert [(one["line"], one["key"]) for one in built.warnings["drafts/three.md"]] == [(4, "colour"), (5, "authors")]
    assert built.left == {drafts / "drafts/notes.txt": Kind.ATTACHMENT_STRAY.at(0)}


def test_a_build_is_independent_of_the_folders_path(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "one", theme)
    shutil.move(drafts, tmp_path / "elsewhere")
    run(tmp_path / "elsewhere", tmp_path / "two", theme)
    assert without_search(files_of(tmp_path / "one")) == without_search(files_of(tmp_path / "two"))


def test_a_build_equals_the_published_site(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "out", theme)
    world = ReferenceWorld(theme, lambda: NOW)
    world.deliver([SiteChanged()])
    for key, path in read_folder(drafts).files.items():
        world.upload(key, path.read_bytes())
    world.process_all()
    published = {key: output.body for key, output in world.ports.site.outputs.items()}  # type: ignore[attr-defined]
    assert without_search(files_of(tmp_path / "out")) == without_search(published)


def test_a_folder_of_only_drafts_can_be_built(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    alone = tmp_path / "alone" / "posts"
    shutil.copytree(drafts / "drafts", alone)
    built = run(alone, tmp_path / "out", theme)
    assert sorted(built.states["live"]) == ["one", "two"]
    assert set(read_folder(drafts).files) == set(read_folder(drafts / "drafts").files)


def test_progress_is_reported(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    reports: list[tuple[int, int]] = []
    build(drafts, tmp_path / "out", theme, NOW, Options(progress=lambda done, total: reports.append((done, total))))
    assert reports
    assert all(0 < done <= total for done, total in reports)
    assert reports == sorted(reports, key=lambda pair: pair[0] / pair[1])


def test_an_empty_folder_makes_an_empty_site(tmp_path: Path, theme: Theme) -> None:
    (tmp_path / "empty").mkdir()
    built = run(tmp_path / "empty", tmp_path / "out", theme)
    assert (built.states, built.rejected) == ({}, {})
    assert (tmp_path / "out" / "index.html").is_file()


def test_every_example_is_published(tmp_path: Path, theme: Theme) -> None:
    built = run(ROOT / "examples", tmp_path / "out", theme)
    assert built.rejected == {}
    assert set(built.states) == {"live"}
    assert len(built.states["live"]) >= 8
