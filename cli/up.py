"""`nightdesk up` and `nightdesk down`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from nightdesk_local.cloud import ROOT, Cloud, elsewhere, find, home, is_running, port
from nightdesk_local.home_lock import is_in_use

from .console import say

if TYPE_CHECKING:
    from nightdesk_local.up import LocalCloud

_START_SECONDS = 240.0
_STOP_SECONDS = 120.0
_IN_TRANSIT = "Another copy is starting or stopping in {}"


def _up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="return when it is up; “nightdesk down” stops it")
    parser.add_argument("--fresh", action="store_true", help="delete all articles and readers first")
    parser.add_argument("--no-examples", action="store_true", help="do not publish examples/")
    parser.add_argument(
        "--watch",
        type=Path,
        default=ROOT / "content",
        metavar="DIR",
        help="publish what changes in this folder (default: content/)",
    )
    parser.set_defaults(run=up)


def _down_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=down)


COMMANDS = {"up": _up_arguments, "down": _down_arguments}


def up(args: argparse.Namespace) -> int:
    """Start the local cloud; without `--detach`, run until it is stopped."""
    if cloud := find():
        say(f"The local cloud is already up: {cloud.outputs['SiteUrl']}/ (“nightdesk down” stops it)")
        return 0
    if message := elsewhere(home()):
        say(message)
        return 2
    if is_in_use(home()):
        say(f"{_IN_TRANSIT.format(home())}: wait for it, or set NIGHTDESK_HOME to another folder.")
        return 2
    if args.fresh:
        shutil.rmtree(home(), ignore_errors=True)
    home().mkdir(parents=True, exist_ok=True)
    return _detach() if args.detach else _run(args)


def _detach() -> int:
    """Start `nightdesk up` as a separate process, and wait until it is ready."""
    _interrupt_on_signals()
    words = [word for word in sys.argv[1:] if word not in ("--detach", "--fresh")]
    log = home() / "up.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "nightdesk_cli.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ready = home() / "ready"
    until = time.monotonic() + _START_SECONDS
    try:
        while child.poll() is None and time.monotonic() < until:
            if ready.exists() and ready.read_text() == str(child.pid):
                sys.stderr.write(log.read_text())
                return 0
            time.sleep(0.1)
    except KeyboardInterrupt:
        child.terminate()
        raise
    child.terminate()
    say(log.read_text() + "The local cloud did not start.")
    return 1


def _run(args: argparse.Namespace) -> int:
    from nightdesk_local.deploy import DeployError
    from nightdesk_local.up import LocalCloud, StartError

    local = LocalCloud(home(), port(), say=say)
    started = time.perf_counter()
    _interrupt_on_signals()
    try:
        cloud = local.start()
    except (DeployError, StartError) as error:
        say(error)
        return 1
    except KeyboardInterrupt:
        return 130
    stopping = _stop_on_signals()
    try:
        _serve(args, local, cloud, stopping, started)
        if local.failed:
            say(f"The emulator stopped unexpectedly; {home() / 'emulator.log'} may say why.")
            return 1
    finally:
        say("Stopping ...")
        (home() / "ready").unlink(missing_ok=True)
        local.stop()
    return 0


def _interrupt_on_signals() -> None:
    """End a start by the signals of a closing terminal as by Ctrl-C, so that no process of it stays behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C and the signals of a closing terminal set."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            say("Still stopping ...")
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return stopping


def _serve(
    args: argparse.Namespace, local: LocalCloud, cloud: Cloud, stopping: threading.Event, started: float
) -> None:
    """Publish the examples and the watched folder, then follow that folder until the local cloud stops."""
    from .files import folder_keys
    from .watch import create_folder, publish_changed, watch

    content = args.watch.resolve()
    create_folder(content)
    if local.deployed:
        local.tell_site_changed(cloud)
    examples = {} if args.no_examples else folder_keys(ROOT / "examples")
    count = publish_changed({**examples, **folder_keys(content)}, cloud, stopping)
    local.save()
    _welcome(cloud, content, count, time.perf_counter() - started)
    (home() / "ready").write_text(str(os.getpid()))
    watch(content, cloud, stopping, local)


def _welcome(cloud: Cloud, content: Path, count: int, seconds: float) -> None:
    where = content.relative_to(Path.cwd()) if content.is_relative_to(Path.cwd()) else content
    site = cloud.outputs["SiteUrl"]
    say(
        f"""
Up in {seconds:.1f} s{f", {count} files published" if count else ""}.

  Site        {site}/
  AWS         {cloud.endpoint}   (eval "$(.venv/bin/nightdesk env)" points any AWS tool at it)
  Mail        {site}/_local/mail   (new mail is shown here too)
  Payment     {cloud.stripe}/   (a stand-in for Stripe; no money moves)
  Watching    {where}/   (save a draft in {where}/drafts/ to publish it)

  .venv/bin/nightdesk publish --wait PATH                      publish a draft from anywhere
  .venv/bin/nightdesk members add you@example.org --tier member
  .venv/bin/nightdesk members link you@example.org             print a link that signs you in

Press Ctrl-C to stop. Articles and readers are kept for the next start.
"""
    )


def down(args: argparse.Namespace) -> int:
    """Stop the local cloud."""
    cloud = find()
    # Without the lock, the process that the state names is another program by now.
    if cloud is None or not is_in_use(home()):
        message = elsewhere(home())
        if not message and is_in_use(home()):
            say(f"{_IN_TRANSIT.format(home())}: wait for it, and try again.")
            return 1
        say(message or "The local cloud is not running.")
        return 0
    os.kill(cloud.pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    while is_running(cloud.pid) and time.monotonic() < until:
        time.sleep(0.05)
    if is_running(cloud.pid):
        say(f"Process {cloud.pid} has not stopped after {_STOP_SECONDS:.0f} s.")
        return 1
    say("The local cloud has stopped; articles and readers are kept.")
    return 0
