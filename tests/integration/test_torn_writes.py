"""A local cloud that is killed in the middle of a write starts again with what its finished writes left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nightdesk_local.torn_writes import take_back_torn_writes

KEYS = ["articles/tide/index.html", "drafts//two-slashes.md"]

SCRIPT = """
import json, os, sys
from ministack.services import s3

def put(key, text):
    status, headers, _ = s3._put_object("site", key, text.encode(), {})
    assert status == 200, headers
    return headers["x-amz-version-id"]

def get(key):
    status, headers, body = s3._get_object("site", key, {})
    return [status, headers.get("x-amz-version-id"), headers.get("ETag"), body.decode() if status == 200 else ""]

def die_before_the_sidecar():
    write = s3._atomic_write
    def torn(path, data, *, text=False):
        if path.endswith(".meta.json"):
            os._exit(9)
        write(path, data, text=text)
    s3._atomic_write = torn

if not s3._buckets.get("site"):
    s3._create_bucket("site", b"")
s3._bucket_versioning["site"] = "Enabled"
key = sys.argv[1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "s3"
    made.mkdir()
    return made


def run(folder: Path, key: str, code: str, status: int = 0) -> Any:
    """Run code against the real object store of the emulator, in a process of its own; return what it prints, as JSON."""
    environment = {**os.environ, "S3_PERSIST": "1", "S3_DATA_DIR": str(folder)}
    command = [sys.executable, "-c", SCRIPT + code, key]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize("key", KEYS)
def test_a_first_write_that_was_torn_never_was(folder: Path, key: str) -> None:
    run(folder, key, "die_before_the_sidecar(); put(key, 'half')", status=9)
    assert take_back_torn_writes(folder)
    assert run(folder, key, "print(json.dumps(get(key)))")[0] == 404


@pytest.mark.parametrize("key", KEYS)
def test_an_object_keeps_its_version_when_the_next_write_is_torn(folder: Path, key: str) -> None:
    run(folder, key, "put(key, 'older'); put(key, 'whole')")
    before = run(folder, key, "print(json.dumps(get(key)))")
    assert before[3] == "whole"
    run(folder, key, "die_before_the_sidecar(); put(key, 'half, and longer')", status=9)
    assert take_back_torn_writes(folder)
    assert run(folder, key, "print(json.dumps(get(key)))") == before
    assert not take_back_torn_writes(folder), "what was restored is whole"


def test_a_deleted_object_stays_deleted_when_the_next_write_is_torn(folder: Path) -> None:
    run(folder, KEYS[0], "put(key, 'whole'); s3._delete_object('site', key, {}, {})")
    run(folder, KEYS[0], "die_before_the_sidecar(); put(key, 'half')", status=9)
    take_back_torn_writes(folder)
    assert run(folder, KEYS[0], "print(json.dumps(get(key)))")[0] == 404


def test_finished_writes_are_left_alone(folder: Path) -> None:
    run(folder, KEYS[0], "put(key, 'one'); put(key, 'two')")
    assert not take_back_torn_writes(folder)
    assert run(folder, KEYS[0], "print(json.dumps(get(key)))")[3] == "two"


def test_a_store_that_does_not_exist_yet_has_no_torn_writes(tmp_path: Path) -> None:
    assert take_back_torn_writes(tmp_path / "s3") == []
