"""What `make run` publishes at its start and while it watches, over a bucket in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.entrypoints import waiting
from nightdesk.ports import one_by_one
from nightdesk_cli import watch
from nightdesk_local.mail import Postbox

OLD, NEW = b"---\ntitle: Old\n---\n", b"---\ntitle: New\n---\n"


@dataclass
class Bucket:
    """As much of an S3 client as the watcher uses; `versions` has the bytes of each version, None for a deletion."""

    versions: dict[str, list[bytes | None]] = field(default_factory=dict)

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, str]:
        self.versions.setdefault(Key, []).append(Body)
        return {"ETag": f'"{_etag(Body)}"'}

    def delete_object(self, Bucket: str, Key: str) -> None:
        self.versions.setdefault(Key, []).append(None)

    def get_paginator(self, name: str) -> Any:
        assert name == "list_object_versions"
        return SimpleNamespace(paginate=lambda Bucket: self._pages())

    def _pages(self) -> Iterator[dict[str, Any]]:
        for key, bodies in self.versions.items():
            found = [
                {"Key": key, "ETag": f'"{_etag(body)}"', "IsLatest": number == len(bodies)}
                for number, body in enumerate(bodies, 1)
                if body is not None
            ]
            yield {"Versions": found} if found else {}


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, with a pipeline that accepts everything at once."""
    live = {"state": "live", "url": "/x/", "problems": [], "warnings": []}
    monkeypatch.setattr(watch, "operator_ports", lambda _: SimpleNamespace(articles=None, in_parallel=one_by_one))
    monkeypatch.setattr(watch, "stage_queues", lambda _: None)
    monkeypatch.setattr(watch, "wait_for_drafts", lambda etags, *_: dict.fromkeys(etags, live))
    return Bucket()


def start(bucket: Bucket, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Publish what changed in a folder, and return what is said."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    cloud: Any = SimpleNamespace(client=lambda _: bucket, outputs={"DraftsBucket": "drafts"})
    watch.publish_changed(files, cloud, threading.Event())
    return capsys.readouterr().err.splitlines()


def write(folder: Path, key: str, body: bytes) -> Path:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_a_start_publishes_new_texts_and_leaves_published_ones(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "drafts/a.md", OLD)
    assert start(bucket, tmp_path, capsys) == []
    assert start(bucket, tmp_path, capsys) == []
    path.write_bytes(NEW)
    assert start(bucket, tmp_path, capsys) == []
    assert bucket.versions == {"drafts/a.md": [OLD, NEW]}


@pytest.mark.parametrize("key", ["drafts/a.md", "drafts/b/photo.png", "authors/ada.md", "site.yaml"])
def test_a_start_does_not_undo_a_rollback(
    key: str, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, key, NEW)
    bucket.versions = {key: [OLD, NEW, OLD]}
    [line] = start(bucket, tmp_path, capsys)
    assert line.startswith(f"{path}: not published: a newer version is in the drafts bucket.")
    assert bucket.versions == {key: [OLD, NEW, OLD]}


def test_a_stop_ends_the_wait_for_what_is_still_on_its_way(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping = threading.Event()

    def nothing_yet(*_: object) -> dict[str, Any]:
        assert not stopping.is_set(), "it looks no further"
        stopping.set()
        return {}

    queues = SimpleNamespace(settles=timedelta(0), in_flight=lambda: {"render": 1})
    monkeypatch.setattr(watch, "wait_for_drafts", waiting.wait_for_drafts)
    monkeypatch.setattr(watch, "stage_queues", lambda _: queues)
    monkeypatch.setattr(waiting, "_finished", nothing_yet)
    cloud: Any = SimpleNamespace(client=lambda _: bucket, outputs={"DraftsBucket": "drafts"})
    watch.publish_changed({"drafts/a.md": write(tmp_path, "drafts/a.md", OLD)}, cloud, stopping)
    assert bucket.versions == {"drafts/a.md": [OLD]}
    assert "not finished" not in capsys.readouterr().err


def test_a_start_does_not_undo_a_deletion(bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "drafts/a.md", OLD)
    bucket.versions = {"drafts/a.md": [OLD, None]}
    [line] = start(bucket, tmp_path, capsys)
    assert "it was deleted from the drafts bucket" in line
    assert bucket.versions == {"drafts/a.md": [OLD, None]}
    write(tmp_path, "drafts/a.md", NEW)
    assert start(bucket, tmp_path, capsys) == []
    assert bucket.versions == {"drafts/a.md": [OLD, None, NEW]}


def test_a_version_of_another_file_does_not_count(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "drafts/a.md", OLD)
    bucket.versions = {"drafts/b.md": [OLD, NEW]}
    assert start(bucket, tmp_path, capsys) == []
    assert bucket.versions["drafts/a.md"] == [OLD]


def test_what_is_said_of_a_deletion(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = ["drafts/live.md", "drafts/rejected.md", "drafts/x/photo.png", "drafts/4913", "drafts/x/notes.tmp"]
    revisions = {"drafts/live.md": 2, "drafts/rejected.md": 0}

    def records(_: Any, keys: list[str]) -> list[Any]:
        return [SimpleNamespace(revision=revisions[key]) if key in revisions else None for key in keys]

    monkeypatch.setattr(watch.articles_table, "draft_records", records)
    cloud: Any = SimpleNamespace(client=lambda _: bucket, outputs={"DraftsBucket": "drafts"})
    watch._follow({}, gone, cloud, threading.Event())
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == ["drafts/live.md: withdrawn", "drafts/rejected.md: deleted", "drafts/x/photo.png: deleted"]
    assert not [line for line in said if "notes.tmp" in line or line.endswith("4913: withdrawn")]


def test_a_file_that_is_saved_after_a_rollback_is_published_and_only_then(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "drafts/a.md", NEW)
    other = write(tmp_path, "drafts/b.md", OLD)
    bucket.versions = {"drafts/a.md": [OLD, NEW, OLD]}
    cloud: Any = SimpleNamespace(client=lambda _: bucket, outputs={"DraftsBucket": "drafts"})
    watch._follow({"drafts/b.md": other}, [], cloud, threading.Event())
    assert bucket.versions["drafts/a.md"] == [OLD, NEW, OLD], "another file was saved"
    assert [line for line in start(bucket, tmp_path, capsys) if "not published" in line], "nor when it starts again"
    watch._follow({"drafts/a.md": path}, [], cloud, threading.Event())
    assert bucket.versions["drafts/a.md"] == [OLD, NEW, OLD, NEW], "to save it is to ask for it"
    assert "drafts/a.md: live" in capsys.readouterr().err
    assert start(bucket, tmp_path, capsys) == []


def test_mail_that_cannot_be_read_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightdesk_local.mail.sent_mail", lambda *_: [])
    postbox = Postbox("http://127.0.0.1:9")
    for error in (ConnectionResetError(104, "reset"), ValueError("no JSON")):

        def fail(*_: object, error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr("nightdesk_local.mail.sent_mail", fail)
        assert postbox.fresh() == []
