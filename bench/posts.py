"""Posts of a real archive: many at once, and stories that are published while `nightdesk publish` uploads others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import ChainMap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from .local_cloud import local_cloud, put, put_file, wait_until_live
from .measure import ROOT, SHARED, table

_ARCHIVE = SHARED.parent / "corpus/digitalgov"
_COMMAND = Path(sys.executable).parent / "nightdesk"
_APART = 10.0
"""Seconds between two stories."""


def measure(many: tuple[int, ...] = (200, 500), uploaded: int = 500, stories: int = 5) -> str:
    """Measure both, or return a sentence that says what is missing.

    Args:
        many: how many posts at once, one row for each.
        uploaded: how many are uploaded while the stories are published.
    """
    if not _ARCHIVE.is_dir():
        return f"(posts: skipped, there is no {_ARCHIVE.relative_to(ROOT.parent)} beside the project)\n"
    with tempfile.TemporaryDirectory() as folder:
        posts = _imported(Path(folder))
        rows = [_at_once(posts, count) for count in many]
        live = _stories(posts, uploaded, stories)
    columns = ("posts at once", "all live and quiet s", "CPU s of emulator and functions")
    return "\n".join(
        [
            table("Posts of a real archive", columns, rows),
            table(f"Stories during an upload of {uploaded} posts", ("live, s later",), [(each,) for each in live]),
        ]
    )


def _imported(folder: Path) -> Path:
    """Import the archive, and return the folder of its drafts."""
    subprocess.run(
        [_COMMAND, "import", "hugo", _ARCHIVE, "--out", folder / "newsroom"], check=True, capture_output=True
    )
    return folder / "newsroom/drafts"


def _first(posts: Path, count: int) -> list[Path]:
    return sorted(posts.rglob("*.md"))[:count]


def _at_once(posts: Path, count: int) -> tuple[int, float, float]:
    with local_cloud() as cloud:
        s3, before, started = cloud.client("s3"), _cpu(), time.monotonic()

        def upload(path: Path) -> dict[str, str]:
            return put_file(s3, cloud, path.relative_to(posts.parent).as_posix(), path.read_bytes())

        with ThreadPoolExecutor(8) as pool:
            etags = dict(ChainMap(*pool.map(upload, _first(posts, count))))
        wait_until_live(cloud, etags)
        return count, time.monotonic() - started, _cpu() - before


def _stories(posts: Path, count: int, stories: int) -> list[float]:
    """Return for each story after how many seconds its page was there."""
    found = []
    with tempfile.TemporaryDirectory() as home, local_cloud(Path(home)) as cloud, _uploading(posts, count, Path(home)):
        s3 = cloud.client("s3")
        for number in range(stories):
            time.sleep(_APART)
            started = time.monotonic()
            put(s3, cloud, number, f"---\ntitle: Story {number}\n---\nWhat happened.\n".encode())
            page = f"articles/story-{number}/~public/index.html"
            there = s3.get_waiter("object_exists")
            there.wait(Bucket=cloud.outputs["SiteBucket"], Key=page, WaiterConfig={"Delay": 0.05, "MaxAttempts": 6_000})
            found.append(time.monotonic() - started)
    return found


@contextmanager
def _uploading(posts: Path, count: int, home: Path) -> Iterator[None]:
    """Have `nightdesk publish` upload so many posts in another process."""
    words = [_COMMAND, "publish", *_first(posts, count)]
    with subprocess.Popen(words, env={**os.environ, "NIGHTDESK_HOME": str(home)}, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _cpu() -> float:
    """Return the CPU seconds that all other Python processes of this machine have taken."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if process.name != str(os.getpid()) and b"python" in (process / "cmdline").read_bytes():
                fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
