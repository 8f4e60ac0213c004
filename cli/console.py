"""How commands talk: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, TextIO

_TINTS = {
    31: ("STILL THERE", "NOT gone", "rejected", "failed"),
    32: ("live", "gone"),
    33: ("warning", "scheduled", "withdrawn", "expired", "draft"),
}
"""Red, green and yellow (ECMA-48), and the states that they mark."""
_STATES = re.compile(
    rf"(?:^|(?<=: )|(?<=  ))({'|'.join(word for words in _TINTS.values() for word in words)})\b", re.MULTILINE
)


def say(*words: object) -> None:
    """A message for the person at the terminal."""
    print(tinted(" ".join(map(str, words)), sys.stderr), file=sys.stderr, flush=True)


def result(data: Any, as_json: bool, text: str) -> None:
    """A command's result: JSON for scripts, else `text` for people."""
    told = json.dumps(data, ensure_ascii=False, indent=1) if as_json else tinted(text, sys.stdout)
    print(told, flush=True)


def tinted(text: str, stream: TextIO) -> str:
    """`text` with its states in colour where a terminal shows it, unless the user minds (no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    tints = {word: tint for tint, words in _TINTS.items() for word in words}
    return _STATES.sub(lambda found: f"\x1b[{tints[found[1]]}m{found[1]}\x1b[0m", text)


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
