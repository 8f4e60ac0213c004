"""Writing the folder: each file at once or not at all, never over an editor's changes, and the same again on a second run.

The folder keeps a log of what an import wrote, one line for each file, appended as it goes. So an import that was
interrupted goes on where it stopped, and a file that was edited since is recognised.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from nightdesk.domain.errors import Permanent

from .archives import STATE, ImportRefused
from .media import Found
from .report import LOST, NOTED, Report

_CHUNK = 1 << 20


class Folder:
    """The folder that an import writes.

    Args:
        root: made if it is missing.
        dry_run: True to write nothing, and report what would be written.

    Attributes:
        started: when the first import into this folder began.
    """

    def __init__(self, root: Path, dry_run: bool, report: Report, now: datetime) -> None:
        self.root = root
        self._dry_run = dry_run
        self._report = report
        self._known: dict[str, str] = {}
        self.seen: set[str] = set()
        self.started = now.astimezone(UTC).replace(microsecond=0)
        self._log: IO[str] | None = None
        if root.is_symlink() or (root.exists() and not root.is_dir()):
            raise ImportRefused(f"{root}: this is no folder; name another with --out")
        self._load()

    def _load(self) -> None:
        path = self.root / STATE
        if not path.is_file():
            return
        for line in path.read_text("utf-8", "replace").split("\n"):
            try:
                entry = json.loads(line)
                if "started" in entry:
                    self.started = datetime.fromisoformat(entry["started"])
                else:
                    self._known[entry["key"]] = entry["sha256"]
            except (ValueError, KeyError, TypeError):
                continue  # the last line of an import that was interrupted

    def _remember(self, key: str, digest: str) -> None:
        if self._dry_run or self._known.get(key) == digest:
            return
        if self._log is None:
            self.root.mkdir(parents=True, exist_ok=True)
            is_new = not (self.root / STATE).exists()
            self._log = (self.root / STATE).open("a", encoding="utf-8")
            if is_new:
                self._log.write(json.dumps({"started": self.started.isoformat()}) + "\n")
            else:
                self._log.write("\n")  # ends a line that was cut off
        self._known[key] = digest
        self._log.write(json.dumps({"key": key, "sha256": digest}) + "\n")
        self._log.flush()

    def put(self, key: str, raw: bytes, source: str) -> str:
        """Write a file and return what became of it: `created`, `updated`, `unchanged`, or `kept` if it was edited."""
        return self._put(key, hashlib.sha256(raw).hexdigest(), lambda file: file.write(raw), source)

    def put_image(self, key: str, found: Found, source: str) -> str:
        """Copy an image from its archive, piece by piece."""
        try:
            with found.store.open(found.name) as file:
                digest = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except Permanent as error:
            self._report.add(LOST, source, 0, "an image cannot be read", str(error))
            return ""

        def copy(target: IO[bytes]) -> None:
            with found.store.open(found.name) as file:
                while chunk := file.read(_CHUNK):
                    target.write(chunk)

        return self._put(key, digest.hexdigest(), copy, source)

    def _put(self, key: str, digest: str, write: Callable[[IO[bytes]], object], source: str) -> str:
        self.seen.add(key)
        path = self.root / key
        state = self._state(path, key, digest)
        self._report.files[state] += 1
        if state == "kept":
            what = "a file was edited since the last import, and is left as it is"
            self._report.add(NOTED, str(path), 0, what, f"{key}, from {source}")
            return state
        if state != "unchanged" and not self._dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.part")
            with partial.open("wb") as file:
                write(file)
            os.replace(partial, path)
        self._remember(key, digest)
        return state

    def _state(self, path: Path, key: str, digest: str) -> str:
        # Nothing outside the folder is written, even if a link inside it leads there.
        if any(
            parent.is_symlink()
            for parent in (path, *path.parents)
            if parent.is_relative_to(self.root) and parent != self.root
        ):
            return "kept"
        if not path.exists():
            return "created"
        present = _digest(path)
        if present == digest:
            return "unchanged"
        return "updated" if present == self._known.get(key) else "kept"

    def report_gone(self) -> None:
        """Report the files of earlier imports that this archive does not hold, and close the log."""
        for key in sorted(set(self._known) - self.seen):
            if (self.root / key).exists() and classified(key):
                self._report.add(
                    NOTED, key, 0, "a file of an earlier import is not in this archive; it is left as it is"
                )
        if self._log:
            self._log.close()


def classified(key: str) -> bool:
    """Return True for files that are published by themselves."""
    return key.endswith(".md")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
