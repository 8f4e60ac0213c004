"""`nightdesk build`: the pipeline over folders."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.build import Built, build, read_folder
from nightdesk.usecases.ports import Event
from simulation.calm import CalmWorld

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
IMAGE = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme(ROOT / "layers" / "theme")


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    """A small publication."""
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
        "drafts/notes.txt": b"not ours",
    }
    for name, body in files.items():
        path = tmp_path / "newsroom" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tmp_path / "newsroom"


def run(drafts: Path, out: Path, theme: Theme) -> Built:
    return build(drafts, out, theme, NOW)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_page_of_every_tier_is_a_file(drafts: Path, tmp_path: Path, theme: Theme) -> None:
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


def test_what_is_refused_is_told_with_its_line(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    built = run(drafts, tmp_path / "out", theme)
    assert list(built.rejected) == ["drafts/broken.md"]
    assert [(p["line"], p["key"]) for p in built.rejected["drafts/broken.md"]] == [(1, "title"), (5, "gate")]


def test_hidden_text_and_images_are_in_no_public_file(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "out", theme)
    files = files_of(tmp_path / "out")
    assert {
        name for name, body in files.items() if b"canary" in body and name.endswith((".html", ".xml", ".json"))
    } == {"articles/one/~member/index.html"}
    pictures = sorted(
        name.rsplit(".", 2)[0] for name in files if name.startswith("articles/one/") and name.endswith(".svg")
    )
    assert pictures == [f"articles/one/~{tier}/{name}" for tier, name in
                        [("member", "a"), ("member", "b"), ("public", "a"), ("subscriber", "a")]]  # fmt: skip


def test_a_second_build_leaves_equal_files_alone(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    out = tmp_path / "out"
    run(drafts, out, theme)
    long_ago = 1_000_000_000
    for path in out.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    draft = drafts / "drafts" / "two.md"
    draft.write_bytes(draft.read_bytes().replace(b"Text.", b"Newer."))
    run(drafts, out, theme)
    changed = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.stat().st_mtime != long_ago}
    assert changed == {f"articles/two/~{tier}/index.html" for tier in ("public", "subscriber", "member")}


def test_a_build_is_the_same_wherever_it_is_made(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "one", theme)
    shutil.move(drafts, tmp_path / "elsewhere")
    run(tmp_path / "elsewhere", tmp_path / "two", theme)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_build_is_what_the_pipeline_makes(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    run(drafts, tmp_path / "out", theme)
    world = CalmWorld(theme, lambda: NOW)
    world.say([Event("SiteChanged", {})])
    for key, path in read_folder(drafts).items():
        world.act(key, path.read_bytes())
    world.settle()
    assert files_of(tmp_path / "out") == {key: output.body for key, output in world.ports.site.outputs.items()}  # type: ignore[attr-defined]


def test_a_folder_of_drafts_alone_will_do(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    alone = tmp_path / "alone" / "posts"
    shutil.copytree(drafts / "drafts", alone)
    built = run(alone, tmp_path / "out", theme)
    assert sorted(built.states["live"]) == ["one", "two"]
    assert set(read_folder(drafts)) == set(read_folder(drafts / "drafts"))


def test_progress_is_told(drafts: Path, tmp_path: Path, theme: Theme) -> None:
    told: list[tuple[int, int]] = []
    build(drafts, tmp_path / "out", theme, NOW, progress=lambda done, total: told.append((done, total)))
    assert told
    assert all(0 < done <= total for done, total in told)
    assert told == sorted(told, key=lambda pair: pair[0] / pair[1])


def test_nothing_makes_an_empty_site(tmp_path: Path, theme: Theme) -> None:
    (tmp_path / "empty").mkdir()
    built = run(tmp_path / "empty", tmp_path / "out", theme)
    assert (built.states, built.rejected) == ({}, {})
    assert (tmp_path / "out" / "index.html").is_file()


def test_the_examples_are_published_whole(tmp_path: Path, theme: Theme) -> None:
    built = run(ROOT / "examples", tmp_path / "out", theme)
    assert built.rejected == {}
    assert set(built.states) == {"live"}
    assert len(built.states["live"]) >= 8
