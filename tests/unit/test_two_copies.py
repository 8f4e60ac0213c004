"""Two copies of the local cloud side by side: a command touches no copy on another port than NIGHTDESK_PORT."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from nightdesk_cli import up
from nightdesk_cli.connect import NotConnected, connect
from nightdesk_cli.main import main
from nightdesk_local import home_lock
from nightdesk_local.cloud import Cloud, SetUpError, find, forget_state, port, sign_in_url, stripe_url, write_state
from nightdesk_local.home_lock import HomeLock, is_in_use
from nightdesk_local.up import LocalCloud, StartError

OUTPUTS = {"SiteUrl": "http://localhost:31200"}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy that is up on port 31200."""
    write_state(Cloud(OUTPUTS, "http://127.0.0.1:31201", pid=os.getpid()), tmp_path)
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path))
    monkeypatch.delenv("NIGHTDESK_PORT", raising=False)
    return tmp_path


@pytest.mark.parametrize(("setting", "found"), [("", True), ("31200", True), ("31300", False)])
def test_a_copy_is_found_on_its_port_alone(
    copy: Path, setting: str, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTDESK_PORT", setting)
    assert (find() is not None) == found
    if found:
        assert connect(None).port == 31200
    else:
        with pytest.raises(NotConnected, match=r"port 31200, and NIGHTDESK_PORT is 31300"):
            connect(None)


@pytest.mark.parametrize("words", [["down"], ["up", "--detach"], ["up", "--fresh"], ["status"], ["publish", "x.md"]])
def test_no_command_touches_a_copy_on_another_port(
    copy: Path,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "x.md").write_text("---\ntitle: T\n---\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTDESK_PORT", "31300")
    monkeypatch.setattr(up.os, "kill", lambda pid, number: pytest.fail("a signal was sent") if number else None)
    assert main(words) == (0 if words == ["down"] else 2)
    assert "31200" in capsys.readouterr().err
    assert (copy / "cloud.json").exists()


def test_a_copy_that_is_down_is_not_found(copy: Path) -> None:
    forget_state(copy)
    assert find() is None
    (copy / "cloud.json").write_text("{")
    assert find() is None


@pytest.mark.parametrize("site", [1024, 8080, 28_280, 65_000])
def test_all_ports_are_within_the_thousand_above_the_sites(site: int) -> None:
    for url in (stripe_url(site), sign_in_url(site)):
        stand_in = urlsplit(url).port or 0
        assert site + 1 < stand_in < site + 1000
        assert stand_in <= 65_535


@pytest.mark.parametrize("setting", ["many", "-1", "0", "70000", "65500", "80.5"])
def test_a_port_that_is_none_is_explained(
    setting: str, monkeypatch: pytest.MonkeyPatch, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTDESK_PORT", setting)
    with pytest.raises(SetUpError, match="NIGHTDESK_PORT"):
        port()
    for is_up in (True, False):
        if not is_up:
            forget_state(copy)
        assert main(["status"]) == 2
        assert f"NIGHTDESK_PORT is “{setting}”" in capsys.readouterr().err


def test_one_copy_at_a_time_uses_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(home_lock, "_PROBE_SECONDS", 0.1)
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path))
    (tmp_path / "state").write_text("of the first copy")
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    assert not is_in_use(tmp_path)
    assert first.acquire()
    assert is_in_use(tmp_path)
    assert not second.acquire()
    assert main(["up", "--fresh"]) == 2
    assert "NIGHTDESK_HOME" in capsys.readouterr().err
    assert (tmp_path / "state").exists()
    assert main(["down"]) == 1, "a copy that is starting cannot be stopped yet"
    assert "starting or stopping" in capsys.readouterr().err
    first.release()
    assert main(["down"]) == 0
    assert not is_in_use(tmp_path)
    assert second.acquire()
    second.release()
    assert not is_in_use(tmp_path / "nowhere")


def test_the_local_cloud_does_not_start_in_a_folder_that_is_in_use(tmp_path: Path) -> None:
    held = HomeLock(tmp_path)
    assert held.acquire()
    with pytest.raises(StartError, match="another copy uses"):
        LocalCloud(tmp_path, 31_200).start()
    held.release()


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """Give the test runner its handlers back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("kept_signals")
def test_a_start_that_is_ended_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending `up --detach` ends the process that it started, with everything which that one has started."""
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path))
    ended = []

    class Child:
        pid = 0

        def __init__(self, *_: object, **__: object) -> None: ...

        def poll(self) -> None:
            signal.raise_signal(signal.SIGTERM)

        def terminate(self) -> None:
            ended.append("child")

    monkeypatch.setattr(up.subprocess, "Popen", Child)
    assert main(["up", "--detach"]) == 130
    assert ended == ["child"]
    monkeypatch.setattr(LocalCloud, "start", lambda _: signal.raise_signal(signal.SIGTERM))
    assert main(["up"]) == 130
