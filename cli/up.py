"""`nightdesk up`, `down`, `outputs` and `env`: the local cloud, and where things are."""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from nightdesk_local.cloud import ROOT, Cloud, find, home, is_running, port

from .connect import connect
from .console import Progress, result, say

_FOLDERS = ("drafts", "authors", "topics", "pages", "updates")
_PATIENCE = 120.0
_WELCOME = """Whatever you save here is published while the local cloud is up; what you delete is withdrawn.

drafts/a-story.md            an article; or drafts/a-story/index.md with its images beside it
authors/<id>.md              who wrote it
topics/<id>.md               what it is about
pages/<id>.md                a standing page
updates/<name>.md            an update for the ticker
site.yaml                    the site's name, tiers, support links
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("up", help="start the local cloud, and publish what changes in content/")
    parser.add_argument("--detach", action="store_true", help="return when it is up; “nightdesk down” ends it")
    parser.add_argument("--fresh", action="store_true", help="forget all articles and readers first")
    parser.add_argument("--no-examples", action="store_true", help="do not publish examples/")
    parser.add_argument("--watch", type=Path, default=ROOT / "content", metavar="DIR", help="default: content/")
    parser.set_defaults(run=up)
    parser = commands.add_parser("down", help="stop the local cloud; articles and readers stay")
    parser.set_defaults(run=down)
    parser = commands.add_parser("outputs", help="names and addresses of what the stack is made of")
    parser.set_defaults(run=outputs)
    parser = commands.add_parser("env", help="shell exports with which any AWS tool reaches the local cloud")
    parser.set_defaults(run=env)


def up(args: argparse.Namespace) -> int:
    """Start the local cloud, and stay until it is stopped."""
    if cloud := find():
        say(f"The local cloud is up already: {cloud.outputs['SiteUrl']}/ (“nightdesk down” stops it)")
        return 0
    if args.fresh:
        shutil.rmtree(home(), ignore_errors=True)
    home().mkdir(parents=True, exist_ok=True)
    return _detach() if args.detach else _stay(args)


def _detach() -> int:
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
    until = time.monotonic() + 2 * _PATIENCE
    while child.poll() is None and time.monotonic() < until:
        if ready.exists() and ready.read_text() == str(child.pid):
            sys.stderr.write(log.read_text())
            return 0
        time.sleep(0.1)
    child.terminate()
    say(log.read_text() + "The local cloud did not start.")
    return 1


def _stay(args: argparse.Namespace) -> int:
    from nightdesk_local.deploy import DeployError
    from nightdesk_local.up import LocalCloud, StartError

    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            say("Still stopping ...")
        stopping.set()

    local = LocalCloud(home(), port(), say=say)
    started = time.perf_counter()
    try:
        cloud = local.start()
    except (DeployError, StartError) as error:
        say(error)
        return 1
    except KeyboardInterrupt:
        return 130
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        content = args.watch.resolve()
        _welcome(content)
        if local.deployed:
            local.tell_site_changed(cloud)
        own = folder_keys(content)
        files = {} if args.no_examples else folder_keys(ROOT / "examples")
        count = publish_changed({**files, **own}, cloud, stopping)
        local.save()
        _show(cloud, content, count, time.perf_counter() - started)
        (home() / "ready").write_text(str(os.getpid()))
        _watch(content, cloud, stopping, local)
        if local.failed:
            say(f"The emulator has ended by itself; see {home() / 'emulator.log'}.")
            return 1
    finally:
        say("Stopping ...")
        (home() / "ready").unlink(missing_ok=True)
        local.stop()
    return 0


def _welcome(content: Path) -> None:
    if not content.exists():
        for folder in _FOLDERS:
            (content / folder).mkdir(parents=True)
        (content / "README.txt").write_text(_WELCOME, "utf-8")


def _show(cloud: Cloud, content: Path, count: int, seconds: float) -> None:
    where = content.relative_to(Path.cwd()) if content.is_relative_to(Path.cwd()) else content
    site = cloud.outputs["SiteUrl"]
    say(
        f"""
Up in {seconds:.1f} s{f", {count} files published" if count else ""}.

  Site        {site}/
  AWS         {cloud.endpoint}   (eval "$(.venv/bin/nightdesk env)" lets any AWS tool reach it)
  Mail        {site}/_local/mail   (and here, as it is sent)
  Payment     {cloud.stripe}/   (a stand-in for Stripe: nobody’s money moves)
  Watching    {where}/   (save a draft in {where}/drafts/ and it is live)

  .venv/bin/nightdesk publish --wait PATH                      publish a draft from anywhere
  .venv/bin/nightdesk members add you@example.org --tier member
  .venv/bin/nightdesk members link you@example.org             a link that signs you in

Ctrl-C stops it; articles and readers stay for the next start.
"""
    )


def folder_keys(folder: Path) -> dict[str, Path]:
    """Keys of the drafts bucket for a folder that is laid out like it."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        key = _key(path, folder)
        if key and path.is_file():
            found[key] = path
    return found


def _key(path: Path, folder: Path) -> str:
    """A path's key, or nothing for what does not belong into the bucket, such as an editor's own files."""
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or part.endswith(("~", ".swp", ".tmp")) for part in parts)
    known = parts == ("site.yaml",) or (len(parts) > 1 and parts[0] in _FOLDERS)
    return "/".join(parts) if known and not hidden else ""


def publish_changed(files: Mapping[str, Path], cloud: Cloud, stopping: threading.Event) -> int:
    """Put those files into the drafts bucket that differ from what is there, and wait until they are dealt with.

    Returns:
        How many there were.
    """
    from nightdesk.domain.drafts import classify

    from .connect import cli_ports
    from .pipeline import in_flight
    from .publish import in_order, put_file, wait_for

    s3 = cloud.session().client("s3")
    there: dict[str, str] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.outputs["DraftsBucket"]):
        there |= {entry["Key"]: entry["ETag"].strip('"') for entry in page.get("Contents", ())}
    changed = in_order({key: path for key, path in files.items() if there.get(key) != _etag(path)})
    etags = {}
    for key, path in changed.items():
        if stopping.is_set():
            return 0
        etags[key] = put_file(s3, cloud, key, path)
    subjects = {key: etag for key, etag in etags.items() if classify(key)}
    if subjects:
        reports = wait_for(subjects, cli_ports(cloud), Progress("Publishing"), lambda: in_flight(cloud))
        _tell_problems(reports, changed)
    return len(changed)


def _tell_problems(reports: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    for key, report in reports.items():
        if report is None:
            say(f"{files[key]}: not live yet; see “nightdesk status”")
            continue
        for problem in report["problems"]:
            named = f"{problem['key']}: " if problem["key"] else ""
            say(f"{files[key]}:{problem['line']}: {named}{problem['message']}")


def _etag(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _watch(content: Path, cloud: Cloud, stopping: threading.Event, local: Any) -> None:
    """Publish what changes in a folder, and tell of mail, until told to stop."""
    from nightdesk_local.mail import Postbox
    from watchfiles import watch

    postbox = Postbox(cloud.endpoint)
    for changes in watch(
        content,
        stop_event=stopping,
        debounce=200,
        step=20,
        rust_timeout=500,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        if local.failed:
            return
        for mail in postbox.fresh():
            say(f"Mail to {mail.to}: {mail.subject}" + "".join(f"\n  {link}" for link in mail.links))
        paths = {Path(name) for _, name in changes}
        # What a program saves by writing aside and renaming shows as both gone and new; the file itself decides.
        files = {key: path for path in sorted(paths) if path.is_file() and (key := _key(path, content))}
        gone = [key for path in sorted(paths) if not path.exists() and (key := _key(path, content))]
        _follow(files, gone, cloud)


def _follow(files: Mapping[str, Path], gone: list[str], cloud: Cloud) -> None:
    from nightdesk.domain.drafts import classify

    from .connect import cli_ports
    from .pipeline import in_flight
    from .publish import in_order, put_file, wait_for

    s3 = cloud.session().client("s3")
    for key in gone:
        s3.delete_object(Bucket=cloud.outputs["DraftsBucket"], Key=key)
        say(f"{key}: withdrawn")
    started = time.perf_counter()
    etags = {key: put_file(s3, cloud, key, path) for key, path in in_order(files).items()}
    subjects = {key: etag for key, etag in etags.items() if classify(key)}
    if not subjects:
        return
    reports = wait_for(subjects, cli_ports(cloud), Progress("Publishing"), lambda: in_flight(cloud))
    _tell_problems(reports, files)
    for key, report in reports.items():
        if report and not report["problems"] and key.startswith(("drafts/", "updates/")):
            say(f"{key}: {report['state']} in {time.perf_counter() - started:.1f} s, {report['url']}")


def down(args: argparse.Namespace) -> int:
    """Stop the local cloud."""
    cloud = find()
    if cloud is None:
        say("The local cloud is not up.")
        return 0
    os.kill(cloud.pid, signal.SIGTERM)
    until = time.monotonic() + _PATIENCE
    while is_running(cloud.pid) and time.monotonic() < until:
        time.sleep(0.05)
    if is_running(cloud.pid):
        say(f"Process {cloud.pid} does not end.")
        return 1
    say("The local cloud is down; articles and readers stay.")
    return 0


def outputs(args: argparse.Namespace) -> int:
    """The stack's outputs."""
    cloud = connect(args.stack)
    width = max(map(len, cloud.outputs))
    result(dict(cloud.outputs), args.json, "\n".join(f"{k:{width}}  {v}" for k, v in sorted(cloud.outputs.items())))
    return 0


def env(args: argparse.Namespace) -> int:
    """Shell exports."""
    found = connect(args.stack).environment()
    result(found, args.json, "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items()))
    return 0
