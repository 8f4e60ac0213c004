"""Takes back the writes of objects that a killed emulator left half done.

MiniStack keeps an object as two files: its bytes, then a sidecar with its version id and headers. It answers after both. A
process that is killed between them leaves bytes that no answer vouches for, and reads them at its next start as an object
without a version, or with the version id of the bytes before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .patching import check_version

_SIDECAR = ".meta.json"
_VERSIONS = ".versions"
"""The folder of the bytes of earlier versions: account, bucket, version id, then the object's path in its bucket."""


def take_back_torn_writes(folder: Path) -> list[Path]:
    """Restore each object to what its last finished write left.

    Args:
        folder: where MiniStack keeps objects, as accounts, buckets and paths. No emulator runs on it.

    Returns:
        The files that were removed or restored.

    Raises:
        RuntimeError: MiniStack is another version, which may keep objects in another way.
    """
    check_version()
    return [path for path in list(_torn(folder)) if _take_back(folder, path)]


def _torn(folder: Path) -> Iterator[Path]:
    """Yield the files whose sidecar is missing, or older than they are. Earlier versions have none, and are passed over."""
    for parent, folders, names in os.walk(folder):
        if Path(parent) == folder:
            folders[:] = [name for name in folders if name != _VERSIONS]
        for name in names:
            if name.endswith((_SIDECAR, ".tmp")):
                continue
            path = Path(parent, name)
            sidecar = path.with_name(name + _SIDECAR)
            if not sidecar.exists() or sidecar.stat().st_mtime_ns < path.stat().st_mtime_ns:
                yield path


def _take_back(folder: Path, path: Path) -> bool:
    sidecar = path.with_name(path.name + _SIDECAR)
    if not sidecar.exists():
        path.unlink()
        return True
    account, bucket, *key = path.relative_to(folder).parts
    version = json.loads(sidecar.read_text("utf-8")).get("version_id") or "null"
    before = folder.joinpath(_VERSIONS, account, bucket, version, *key)
    # Under a deletion marker the bytes are those of an earlier version, which is kept as such too.
    if not before.is_file():
        return False
    shutil.copyfile(before, path)
    sidecar.touch()
    return True
