"""How commands talk: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(*words: object) -> None:
    """A message for the person at the terminal."""
    print(*words, file=sys.stderr, flush=True)


def result(data: Any, as_json: bool, text: str) -> None:
    """A command's result: JSON for scripts, else `text` for people."""
    print(json.dumps(data, ensure_ascii=False, indent=1) if as_json else text, flush=True)


class Progress:
    """A bar on standard error, where that is a terminal and the work is long enough to be worth one.

    Args:
        label: what is being done.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown = -1
        self._live = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if not self._live or percent == self._shown:
            return
        self._shown = percent
        bar = "█" * (percent // 4) + "░" * (25 - percent // 4)
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{self._label} {bar} {done}/{total}{end}")
        sys.stderr.flush()
