"""A lock on the folder of a local cloud: one copy at a time may keep its state there."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

_NAME = "lock"
_PROBE_SECONDS = 1.0
"""How long to try: another process may hold the lock for the moment in which it looks."""


class HomeLock:
    """Keeps other copies out of a folder. The system releases it when the process ends, however it ends.

    Args:
        home: the folder; it must exist when the lock is acquired.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock. Return False if another copy has it."""
        file = self._path.open("a")
        until = time.monotonic() + _PROBE_SECONDS
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                file.close()
                return False
            time.sleep(0.05)
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file:
            self._file.close()
            self._file = None


def is_in_use(home: Path) -> bool:
    """Return True if a copy runs in a folder, or is starting or stopping there."""
    try:
        with (home / _NAME).open("a") as file:
            return not _lock(file, fcntl.LOCK_SH)
    except OSError:  # there is no such folder
        return False


def _lock(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
