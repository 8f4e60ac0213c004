"""The folder that a build writes to: new pages are written, and pages of what is gone are removed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from nightdesk.adapters.memory import Clock
from nightdesk.adapters.sqlite import SqliteObjects, SqliteStore
from nightdesk.domain.documents import canonical_json, parse_json

MANIFEST = ".nightdesk-build.json"
"""Lists the files that the last build wrote, so that the next one removes no others.

It holds digests of paths and bytes, not the paths: whoever uploads the folder as it is publishes this list too, and the name of a
picture inside a gate is known only to readers who may see it.
"""
JOURNAL = ".nightdesk-build.journal"
"""Lists what a build is writing, a file in each line: the next one needs it if this one is interrupted."""


_BUFFER = 64_000_000
"""Bytes that wait to be written. Most pages that are made twice, as lists are, are written once."""


class SiteFolder(SqliteObjects):
    """The site bucket as a folder: bytes are written there, and the store knows only what they are.

    Files that would not change are left alone, and so are files that no build wrote or that were changed since.
    """

    def __init__(self, store: SqliteStore, out: Path, clock: Clock) -> None:
        super().__init__(store, "site", clock)
        self._out = out
        self._before = _read_manifest(out)
        self._written: dict[str, str] = {}
        self._folders: set[str] = set()
        self._waiting: dict[str, bytes] = {}
        self._bytes = 0
        self._gone: set[str] = set()
        out.mkdir(parents=True, exist_ok=True)
        self._journal = (out / JOURNAL).open("a", encoding="utf-8")

    def save_body(self, key: str, body: bytes) -> bytes | None:
        self._waiting[key] = body
        self._gone.discard(key)
        self._bytes += len(body)
        if self._bytes > _BUFFER:
            self._write_waiting()
        return None

    def load_body(self, key: str, body: bytes | None) -> bytes:
        if key in self._waiting:
            return self._waiting[key]
        with open(os.path.join(self._out, key), "rb") as file:
            return file.read()

    def delete(self, key: str) -> None:
        self._waiting.pop(key, None)
        self._gone.add(key)
        super().delete(key)

    def _write_waiting(self) -> None:
        for key, body in self._waiting.items():
            folder = key.rpartition("/")[0]
            if folder not in self._folders:
                (self._out / folder).mkdir(parents=True, exist_ok=True)
                self._folders.add(folder)
            path = os.path.join(self._out, key)
            name = _name(key)
            self._written[name] = mark = _mark(key, body)
            if not _holds(path, body):
                self._journal.write(f"{name} {mark}\n")
                self._journal.flush()
                with open(path, "wb") as file:
                    file.write(body)
            self.set_file(key, len(body), os.stat(path).st_mtime_ns)
        self._waiting.clear()
        self._bytes = 0

    def is_unchanged(self) -> bool:
        """Return True if each file of the site is in the folder as the last build wrote it, by its size and time."""
        root = str(self._out)
        try:
            for key, size, time in self.files():
                found = os.stat(f"{root}/{key}")
                if found.st_mtime_ns != time or found.st_size != size:
                    return False
        except OSError:
            return False
        return bool(self._before) and not os.path.getsize(self._out / JOURNAL)

    def finish(self, *, complete: bool) -> int:
        """Remove the files of an earlier build that the site has no longer, and list those that it has.

        Args:
            complete: whether every file of the site was written since this was made.

        Returns:
            How many files the site has.
        """
        self._write_waiting()
        gone = {_name(key): key for key in self._gone}
        earlier = {} if complete else {name: marks[0] for name, marks in self._before.items()}
        files = {name: mark for name, mark in (earlier | self._written).items() if name not in gone}
        if complete and (stale := self._before.keys() - files.keys()):
            gone |= {name: key for key in _keys(self._out) if (name := _name(key)) in stale}
        for name, key in gone.items():
            _remove(self._out, key, [*self._before.get(name, ()), self._written.get(name, "")])
        body = canonical_json({"comment": "Written by nightdesk build.", "files": files})
        if not _holds(os.path.join(self._out, MANIFEST), body):
            (self._out / MANIFEST).write_bytes(body)
        self.close()
        (self._out / JOURNAL).unlink()
        return len(files)

    def close(self) -> None:
        """Close the journal, and leave it to the next build."""
        self._journal.close()


def _holds(path: str, body: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == body
    except FileNotFoundError:
        return False


def _name(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _mark(key: str, body: bytes) -> str:
    """Return a digest of a file's path and bytes together: that of the bytes alone is the name of some files."""
    return sha256(f"{key}\n{sha256(body).hexdigest()}".encode()).hexdigest()


def _read_manifest(out: Path) -> dict[str, list[str]]:
    """Return the marks that the files of earlier builds had, by the digest of the path; empty without a valid manifest."""
    found: dict[str, list[str]] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        written: Mapping[object, object] = parse_json((out / MANIFEST).read_bytes())["files"]
        found = {name: [mark] for name, mark in written.items() if isinstance(name, str) and isinstance(mark, str)}
    with suppress(OSError, ValueError):
        for line in (out / JOURNAL).read_text("utf-8").splitlines():
            name, _, mark = line.partition(" ")
            found.setdefault(name, []).append(mark)
    return found


def _keys(out: Path) -> Iterator[str]:
    """Yield the path of each file in the folder, and in no folder that is a link."""
    for folder, _, names in os.walk(out):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), out).replace(os.sep, "/")


def _remove(out: Path, key: str, marks: list[str]) -> None:
    """Remove a file of an earlier build, and the folders that this leaves empty."""
    path, root = out / key, out.resolve()
    try:
        is_ours = not path.is_symlink() and path.resolve().is_relative_to(root)
        if not is_ours or _mark(key, path.read_bytes()) not in marks:
            return
        path.unlink()
    except OSError:
        return
    with suppress(OSError):  # the first folder that is not empty ends it
        for folder in path.parents:
            if folder == out:
                break
            folder.rmdir()
