"""Where Chromium is on this machine."""

from __future__ import annotations

from pathlib import Path

_PATHS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The first that is there is taken: the shell has the same engine without a browser around it, and needs a quarter of the CPU."""
HOW_TO_GET_IT = "Chromium is not installed (apt-get install chromium-headless-shell)"


def chromium() -> Path | None:
    """Return the program, or None if there is none."""
    return next((path for path in _PATHS if path.exists()), None)
