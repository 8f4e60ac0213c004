"""`nightdesk publish --wait` over a pipeline in memory, and what it returns when nothing is live."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.entrypoints import waiting
from nightdesk_cli import publish
from nightdesk_cli.publish import COMMANDS
from support.memory_newsroom import Newsroom

GOOD = "---\ntitle: Tide\ndate: 2026-11-01\nauthors: [ada]\ntopics: [sea]\n---\nText.\n"


class Queues:
    """Queues that are empty, or that hold one message for ever."""

    settles = timedelta(0)

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def in_flight(self) -> dict[str, int]:
        return {"render": self.count}


Publish = Callable[..., int]


@pytest.fixture
def run(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Return the command, over the newsroom in memory."""
    # Each look at an idle pipeline counts as a minute without progress.
    clock, work = iter(range(0, 10**9, 60)), [lambda: None]
    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: work[-1]()))
    monkeypatch.setattr(publish, "connect", lambda _: None)

    def put(files: dict[str, Path], *_: object) -> dict[str, str]:
        return {key: put_one(key, path) for key, path in files.items()}

    def put_one(key: str, path: Path) -> str:
        room.upload(key, path.read_bytes())
        stat = room.ports.drafts.stat(key)
        assert stat
        return stat.etag

    monkeypatch.setattr(publish, "put_files", put)

    def command(
        *paths: Path, process: bool = True, in_flight: int = 0, meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        work.append(meanwhile)

        def record(_: str, __: str, ___: object, act: Callable[[], Any]) -> Any:
            etags = act()
            if process:
                room.process_all()
            return etags

        ports = SimpleNamespace(pipeline=room.ports, queues=Queues(in_flight))
        monkeypatch.setattr(publish, "editor_service", lambda _: SimpleNamespace(record=record, ports=ports))
        parser = argparse.ArgumentParser()
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--stack", default="")
        COMMANDS["publish"](parser)
        return publish.publish(parser.parse_args(["--wait", "--json", *map(str, paths)]))

    return command


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return the state that was reported for each file, by its name."""
    return {Path(report["path"]).name: report["state"] for report in json.loads(capsys.readouterr().out)}


def test_a_live_article_is_a_success(run: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path, "a.md", GOOD)) == 0
    assert states(capsys) == {"a.md": "live"}


@pytest.mark.parametrize(
    ("line", "state"),
    [("draft: true", "draft"), ("publish_at: 2027-01-01", "scheduled"), ("expires: 2026-11-02", "expired")],
)
def test_what_is_not_to_be_live_yet_is_a_success_too(
    run: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, state: str
) -> None:
    assert run(write(tmp_path, "a.md", GOOD.replace("title: Tide", f"title: Tide\n{line}"))) == 0
    assert states(capsys) == {"a.md": state}


def test_a_first_version_that_is_rejected_fails_and_says_that_nothing_went_live(
    run: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(tmp_path, "a.md", GOOD.replace("title: Tide\n", ""))) == 1
    captured = capsys.readouterr()
    assert [report["state"] for report in json.loads(captured.out)] == ["rejected"]
    assert "Nothing went live." in captured.err


def test_one_rejected_file_beside_a_live_one_fails(
    run: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, "a.md", GOOD), write(tmp_path, "b.md", GOOD.replace("title: Tide\n", ""))
    assert run(*paths) == 1
    captured = capsys.readouterr()
    assert {Path(report["path"]).name: report["state"] for report in json.loads(captured.out)} == {
        "a.md": "live",
        "b.md": "rejected",
    }
    assert "Nothing went live." not in captured.err


@pytest.mark.parametrize("in_flight", [0, 1])
def test_a_pipeline_that_stalls_before_anything_is_live_is_not_waited_for_for_ever(
    run: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str], in_flight: int
) -> None:
    assert run(write(tmp_path, "a.md", GOOD), process=False, in_flight=in_flight) == 1
    captured = capsys.readouterr()
    assert [report["state"] for report in json.loads(captured.out)] == ["pending"]
    assert "Nothing went live." in captured.err


def test_two_articles_that_link_to_each_other_are_not_warned_of(
    run: Publish, room: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever is finished first, the other one is there when the command ends."""
    texts = {name: GOOD.replace("Text.", f"[see](/articles/{other}/)") for name, other in (("a", "b"), ("b", "a"))}
    room.file("authors/ada.md", "---\nname: Ada\n---\n")
    room.file("topics/sea.md", "---\nname: The sea\n---\n")
    paths = [write(tmp_path, f"{name}.md", text) for name, text in texts.items()]
    later: list[Any] = []

    def meanwhile() -> None:
        """Publish the first article alone, and then the other one."""
        later.extend(message for message in room.queue if getattr(message.detail, "key", "") == "drafts/b.md")
        first = [message for message in room.queue if message not in later]
        room.queue.clear()
        room.queue.extend(first or later)
        room.process_all()

    assert run(*paths, process=False, meanwhile=meanwhile) == 0
    assert [report["warnings"] for report in json.loads(capsys.readouterr().out)] == [[], []]
