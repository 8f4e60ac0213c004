"""A build in several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nightdesk.domain.documents import LIVE
from nightdesk.entrypoints.build_state import BuildState
from nightdesk.entrypoints.build_workers import BuildWorkers
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.entrypoints.folder_update import put_file
from nightdesk.ports import ALL_KEYS, ANY, Change, KeyRange, Output, Ports
from nightdesk.usecases.pipeline.build_site import build_site
from support.default_theme import default_theme

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
FILES = {
    "site.yaml": "name: The Meridian\nbase_url: https://news.example\n",
    "topics/energy.md": "---\nname: Energy\n---\n",
    **{
        f"drafts/{n:02}-story.md": f"---\ntitle: Story {n}\ndate: 2026-11-{n:02}\ntopic: energy\n---\nText {n}.\n"
        for n in range(1, 9)
    },
    # Each worker finds the slug free; only the first of them may have it.
    "drafts/10-first.md": "---\ntitle: First\nslug: same\ndate: 2026-11-10\n---\nText.\n",
    "drafts/11-second.md": "---\ntitle: Second\nslug: same\ndate: 2026-11-11\n---\nText.\n",
    "drafts/12-third.md": "---\ntitle: Third\nslug: same\ndate: 2026-11-12\n---\nText.\n",
    "drafts/13-alias.md": "---\ntitle: Alias\nslug: other\naliases: [/articles/14-taken/]\ndate: 2026-11-13\n---\nText.\n",
    "drafts/14-taken.md": "---\ntitle: Taken\ndate: 2026-11-14\n---\nText.\n",
}


@contextmanager
def a_state(folder: Path, name: str) -> Iterator[tuple[BuildState, Path]]:
    path = folder / f"{name}.sqlite"
    with closing(BuildState(path, folder / name, "https://news.example", lambda: NOW)) as state:
        yield state, path


def built(folder: Path, processes: int) -> tuple[dict[str, bytes], object]:
    """Return the site that a number of processes build, and what became of the files."""
    with a_state(folder, f"out-{processes}") as (state, path):
        for key, text in FILES.items():
            (folder / "file").write_text(text)
            put_file(key, folder / "file", state.ports)
        theme = default_theme()
        ports = replace(state.ports, languages=theme.languages)
        outcome = build_site(FILES, ports, theme, each=BuildWorkers(state, path, processes, few=0))
        files = {key: blob.body for key, _ in ports.site.list("") if (blob := ports.site.get(key))}
        return files, outcome


def test_any_number_of_processes_builds_the_same_site(tmp_path: Path) -> None:
    alone, outcome = built(tmp_path, 1)
    states, rejected = outcome  # type: ignore[misc]
    assert "same" in states[LIVE]
    assert set(rejected) == {"drafts/11-second.md", "drafts/12-third.md"}
    for processes in (2, 3):
        assert built(tmp_path, processes) == (alone, outcome)


def test_a_failure_in_another_process_is_that_of_the_build(tmp_path: Path) -> None:
    def fail(key: str, ports: Ports) -> str:
        if key == "b":
            raise ValueError(key)
        return key

    with a_state(tmp_path, "out") as (state, path), pytest.raises(ValueError, match="b"):
        list(BuildWorkers(state, path, 2, few=0)(fail, ["a", "b", "c"]))


def test_a_build_that_is_interrupted_ends_its_processes(tmp_path: Path) -> None:
    with a_state(tmp_path, "out") as (state, path):
        results = BuildWorkers(state, path, 2, few=0)(lambda key, ports: key * 100_000, ["a", "b", "c", "d"] * 9)
        assert next(results) == "a" * 100_000
        results.close()  # type: ignore[attr-defined]  # as an exception in the build does


def test_a_build_that_is_interrupted_leaves_no_state(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        [state] = (tmp_path / "states").glob("*[0-9]")
        assert state.stat().st_mode & 0o777 == 0o600
        raise KeyboardInterrupt

    for key, text in FILES.items():
        path = tmp_path / "newsroom" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    theme = default_theme()
    options = Options(progress=interrupt, state=tmp_path / "states" / "state")
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "newsroom", tmp_path / "out", theme, NOW, options)
    assert not list((tmp_path / "states").iterdir())


def test_a_run_sees_its_writes_and_those_of_earlier_keys(tmp_path: Path) -> None:
    def count(key: str, ports: Ports) -> tuple[int, list[str], list[str]]:
        for number in (1, 2):
            ports.articles.write([Change("list", f"{key}{number}", {"n": number}, ANY)])
        ports.articles.write([Change("list", f"{key}1", None, 1)])
        ports.private.put(Output(key, b"1", "text/plain"), None)
        ports.private.put(Output(f"{key}-gone", b"1", "text/plain"), None)
        ports.private.delete(f"{key}-gone")
        item = ports.articles.get("list", f"{key}2")
        found = [each["sk"] for each in ports.articles.query("list", KeyRange(prefix=key), descending=True)]
        return item["version"] if item else 0, found, [name for name, _ in ports.private.list(key)]

    with a_state(tmp_path, "out") as (state, path):
        keys = ["a", "b", "c", "d"]
        assert list(BuildWorkers(state, path, 2, few=0)(count, keys)) == [(1, [f"{key}2"], [key]) for key in keys]
        assert [item["sk"] for item in state.articles.query("list", ALL_KEYS)] == ["a2", "b2", "c2", "d2"]
        assert [name for name, _ in state.private.list("")] == keys
        # Of those who add to the same thing, none is lost.
        add = list(BuildWorkers(state, path, 2, few=0)(lambda key, ports: ports.articles.increment("n", "n", 0), keys))
        assert add == [1, 2, 3, 4]
