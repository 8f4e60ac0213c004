"""The folder that a build writes to: new pages are written, and pages of what is gone are removed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath

MANIFEST = ".nightdesk-build.json"
"""Lists the files that the last build wrote, with their digests, so that the next one removes no others."""


def write_site(files: Mapping[str, bytes], out: Path) -> None:
    """Make a folder hold the files of a site, and remove those of an earlier build that are not among them.

    Files that are the same already are left alone. So is every file that no build wrote, or that was changed since.

    Args:
        files: contents by path below `out`.
    """
    before = _read_manifest(out)
    for folder in {key.rpartition("/")[0] for key in files}:
        (out / folder).mkdir(parents=True, exist_ok=True)
    for key, body in files.items():
        path = os.path.join(out, key)
        if not _holds(path, body):
            with open(path, "wb") as file:
                file.write(body)
    for key in sorted(set(before) - set(files)):
        _remove(out, key, before[key])
    _write_manifest(out, {key: sha256(body).hexdigest() for key, body in sorted(files.items())})


def _holds(path: str, body: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == body
    except FileNotFoundError:
        return False


def _read_manifest(out: Path) -> dict[str, str]:
    """Return the digests of the files that the last build wrote, by path; empty if there is no valid manifest."""
    try:
        written = json.loads((out / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not isinstance(written, dict):
        return {}
    return {key: digest for key, digest in written.items() if isinstance(digest, str) and _is_inside(key)}


def _is_inside(key: str) -> bool:
    """Return True if a path of the manifest leads to a file below the folder, so that an edited one can do no harm."""
    path = PurePosixPath(key)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in key


def _write_manifest(out: Path, files: Mapping[str, str]) -> None:
    body = json.dumps({"comment": "Written by nightdesk build.", "files": files}, indent=0).encode()
    if not _holds(os.path.join(out, MANIFEST), body):
        (out / MANIFEST).write_bytes(body)


def _remove(out: Path, key: str, digest: str) -> None:
    """Remove a file of an earlier build, and the folders that this leaves empty."""
    path, root = out / key, out.resolve()
    try:
        is_ours = not path.is_symlink() and path.resolve().is_relative_to(root)
        if not is_ours or sha256(path.read_bytes()).hexdigest() != digest:
            return
        path.unlink()
    except OSError:
        return
    with suppress(OSError):  # the first folder that is not empty ends it
        for folder in path.parents:
            if folder == out:
                break
            folder.rmdir()
