"""Files on this machine: which of a folder are published, under which keys, and why the others are not."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path

import pytest
from nightdesk.domain.problems import Kind
from nightdesk.entrypoints.folder_build import read_folder
from nightdesk.entrypoints.local_files import find_files
from nightdesk_cli.main import main

DRAFT = "---\ntitle: T\ndate: 2026-01-01\n---\n\nText.\n"


def write(root: Path, *names: str) -> Path:
    """Write the same draft to each of these files."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DRAFT, "utf-8")
    return root


def test_a_newsroom_is_read_like_the_bucket_and_other_files_are_named(tmp_path: Path) -> None:
    root = write(tmp_path / "room", "drafts/a.md", "drafts/b/INDEX.MD", "drafts/b/img/p.png", "authors/ada.png")
    write(root, "README.md", "handover/phones.md", "handover/plan.txt", ".obsidian/x.md", "site.yaml", "pages/about.md")
    files, left = find_files([root])
    keys = {"drafts/a.md", "drafts/b/INDEX.MD", "drafts/b/img/p.png", "authors/ada.png", "site.yaml", "pages/about.md"}
    assert files == {key: root / key for key in keys}
    outside = [root / "README.md", root / "handover/phones.md", root / "handover/plan.txt"]
    assert left == dict.fromkeys(outside, Kind.FILE_OUTSIDE.at(0))
    assert read_folder(root) == (files, left)
    assert read_folder(root / "drafts").files == files


def test_every_file_in_a_folder_of_the_bucket_is_published_or_named(tmp_path: Path) -> None:
    root = write(tmp_path, "drafts/a.md", "drafts/.a.md.swp", "drafts/~$a.md", "drafts/a (Bo's conflicted copy).md")
    write(root, "drafts/scan.tiff", "drafts/lone.png", "topics/t.png", "drafts/notes.txt", "drafts/.DS_Store")
    files, left = find_files([root])
    assert set(files) == {"drafts/a.md"}
    reasons = {path.name: problem.kind for path, problem in left.items()}
    assert reasons == {
        ".a.md.swp": Kind.FILE_TEMPORARY,
        "~$a.md": Kind.FILE_TEMPORARY,
        "a (Bo's conflicted copy).md": Kind.FILE_TEMPORARY,
        "scan.tiff": Kind.FILE_OTHER,
        "notes.txt": Kind.ATTACHMENT_STRAY,
        "lone.png": Kind.IMAGE_STRAY,
        "t.png": Kind.IMAGE_STRAY,
    }


def test_what_cannot_be_read_is_named_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path / "room", "drafts/a.md", "site.yml", "node_modules/x/README.md")
    write(tmp_path, "elsewhere/index.md")
    (root / "drafts/gone.md").symlink_to("nowhere")
    (root / "drafts/round.md").symlink_to("round.md")
    (root / "drafts/linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(root / "drafts/pipe.md")
    Path(os.fsdecode(bytes(root / "drafts") + b"/latin\xff.md")).write_text(DRAFT)
    write(root, "drafts/two\nlines.md")
    files, left = find_files([root])
    assert set(files) == {"drafts/a.md"}
    assert {path.name.encode(errors="replace").decode(): problem.kind for path, problem in left.items()} == {
        "gone.md": Kind.FILE_UNREADABLE,
        "round.md": Kind.FILE_UNREADABLE,
        "pipe.md": Kind.FILE_UNREADABLE,
        "latin?.md": Kind.FILE_UNREADABLE,
        "two\nlines.md": Kind.FILE_UNREADABLE,
        "linked": Kind.FILE_LINK_TO_FOLDER,
        "site.yml": Kind.SITE_FILE_NAME,
    }
    assert main(["check", str(root)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == len(left)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("posts/2024/a.md", "drafts/a.md"),
        ("posts/b/index.MD", "drafts/b/index.MD"),
        ("posts/b/img/p.png", "drafts/b/img/p.png"),
        ("posts/authors/ada.md", "authors/ada.md"),
        ("posts/drafts/topics/index.md", "drafts/topics/index.md"),
    ],
)
def test_a_folder_of_any_other_name_holds_drafts(name: str, key: str, tmp_path: Path) -> None:
    root = write(tmp_path, name, "posts/b/index.MD")
    folder = root / "posts"
    assert find_files([folder / Path(name).relative_to("posts")]).files[key] == root / name
    if not name.startswith(("posts/authors", "posts/drafts")):
        assert find_files([folder]).files[key] == root / name


def test_images_without_a_text_in_their_folder_are_named(tmp_path: Path) -> None:
    root = write(tmp_path, "drafts/quay.md", "drafts/quay/p.png", "drafts/pier/index.md", "drafts/pier/img/p.png")
    for paths in ([root], [root / "drafts"]):
        files, left = find_files(paths)
        assert set(files) == {"drafts/quay.md", "drafts/pier/index.md", "drafts/pier/img/p.png"}
        assert [problem.kind for problem in left.values()] == [Kind.FILE_ORPHAN]
    assert set(find_files([root / "drafts/quay/p.png"]).files) == {"drafts/quay/p.png"}


def test_two_files_with_one_key_are_reported(tmp_path: Path) -> None:
    root = write(tmp_path, "posts/2023/a.md", "posts/2024/a.md")
    files, left = find_files([root / "posts"])
    assert files == {"drafts/a.md": root / "posts/2023/a.md"}
    assert [(path, problem.kind) for path, problem in left.items()] == [(root / "posts/2024/a.md", Kind.SAME_KEY)]
    assert find_files([root / "posts/2023", root / "posts/2023/a.md"]).left == {}


def test_two_profiles_with_one_id_are_reported(tmp_path: Path) -> None:
    names = ("authors/eve.md", "authors/ève.md", "topics/c.md", "topics/C++.md", "pages/uber.md", "pages/über.md")
    files, left = find_files([write(tmp_path, *names, "drafts/c.md", "drafts/C.md")])
    assert set(files) == {"authors/eve.md", "topics/C++.md", "pages/uber.md", "drafts/c.md", "drafts/C.md"}
    assert {path.name: problem.kind for path, problem in left.items()} == dict.fromkeys(
        ("ève.md", "c.md", "über.md"), Kind.SAME_KEY
    )


def test_the_folder_above_may_be_hidden(tmp_path: Path) -> None:
    root = write(tmp_path / ".work", "drafts/a.md", "posts/b.md")
    assert set(find_files([root / "drafts", root / "posts/b.md"]).files) == {"drafts/a.md", "drafts/b.md"}


def test_check_and_build_name_what_they_leave_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path / "room", "drafts/a.md", "README.md", "drafts/.b.md", "drafts/b.md~")
    assert main(["check", str(root)]) == 0
    checked = capsys.readouterr().err
    assert main(["build", "--drafts", str(root), "--out", str(tmp_path / "out")]) == 0
    for said in (checked, capsys.readouterr().err):
        assert [line.removeprefix(f"{root}/").split(": ")[:2] for line in said.splitlines()] == [
            ["README.md:1", "left alone"],
            ["drafts/.b.md:1", "left alone"],
            ["drafts/b.md~:1", "left alone"],
        ]
    assert gc.isenabled(), "garbage collection is off during a build only"


def test_check_and_build_reject_a_draft_at_a_place_that_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(tmp_path / "room", "drafts/a.md", "drafts/2026/b.md", "drafts/c/index.de.md", "drafts/d.mdx")
    wanted = {f"{root}/drafts/{name}" for name in ("2026/b.md", "c/index.de.md", "d.mdx")}
    assert main(["check", str(root)]) == 1
    assert {line.split(":1: ")[0] for line in capsys.readouterr().out.splitlines()} == wanted
    assert main(["build", "--drafts", str(root), "--out", str(tmp_path / "out")]) == 1
    assert {line.split(":1: ")[0] for line in capsys.readouterr().err.splitlines()} == wanted


def test_many_files_of_one_folder_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path, "drafts/a.md", *(f"old/{number:03}.md" for number in range(50)))
    main(["check", str(root)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == f"{root}/old: left alone: 30 more files"


def test_check_and_build_blame_the_same_draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "room"
    for name, date in (("drafts/port.md", "date: 2026-02-02\n"), ("drafts/quay.md", "")):
        write(root, name).joinpath(name).write_text(f"---\ntitle: T\nslug: pier\n{date}---\n\nText.\n", "utf-8")
    assert main(["check", "--json", str(root)]) == 1
    blamed = [report["path"] for report in json.loads(capsys.readouterr().out) if report["problems"]]
    assert main(["build", "--json", "--drafts", str(root), "--out", str(tmp_path / "out")]) == 1
    assert blamed == [f"{root}/{key}" for key in json.loads(capsys.readouterr().out)["rejected"]]


def test_check_and_build_warn_of_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "room"
    texts = {
        "drafts/a.md": "topics: [Ports, weather]\nauthors: [Ann  Lee]\n---\n[b](b.md) [c](/articles/c/) [n](n.exe)",
        "drafts/b.md": "expires: 2020-02-01\nauthors: [ann lee]\n---\nText.",
        "drafts/c.md": "publish_at: 2099-01-01\n---\nText.",
        "topics/ports.md": "name: Harbours\n---\n",
        "newsletters/week.md": "tags: [x]\n---\n[c](/articles/c/)",
    }
    for name, text in texts.items():
        title = "" if name.startswith("topics") else "title: T\ndate: 2020-01-01\n"
        write(root, name).joinpath(name).write_text(f"---\n{title}{text}\n", "utf-8")
    write(root, "site.yaml").joinpath("site.yaml").write_text("name: N\n", "utf-8")
    main(["check", "--json", str(root)])
    checked = json.loads(capsys.readouterr().out)
    main(["build", "--json", "--no-images", "--drafts", str(root), "--out", str(tmp_path / "out")])
    built = json.loads(capsys.readouterr().out)["warnings"]
    assert {each["path"]: each["warnings"] for each in checked if each["warnings"]} == {
        f"{root}/{key}": found for key, found in built.items()
    }
    assert sum(map(len, built.values())) == 8


def test_paths_in_messages_are_those_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path / "room", "drafts/a.md")
    (root / "drafts/a.md").write_text("---\ntitle: T\ndate: soon\n---\n", "utf-8")
    for where, typed, wanted in (
        (tmp_path, "room", "room/drafts/a.md:3: "),
        (root, ".", "drafts/a.md:3: "),
        (root, "drafts", "drafts/a.md:3: "),
        (root / "drafts", ".", "a.md:3: "),
    ):
        monkeypatch.chdir(where)
        main(["build", "--drafts", typed, "--out", str(tmp_path / "out")])
        assert capsys.readouterr().err.startswith(wanted)
