"""Output: results on standard output, messages and progress on standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, TextIO

_COLOURS = {
    31: ("STILL THERE", "NOT gone", "rejected", "failed"),
    32: ("live", "gone"),
    33: ("warning", "scheduled", "withdrawn", "expired", "draft"),
}
"""Words that are printed in red, green and yellow, by their ECMA-48 codes."""
_STATES = re.compile(
    rf"(?:^|(?<=: )|(?<=  ))({'|'.join(word for words in _COLOURS.values() for word in words)})\b", re.MULTILINE
)

WARNING = "warning: "


def say(*words: object) -> None:
    """Print a message on standard error."""
    print(coloured(" ".join(map(str, words)), sys.stderr), file=sys.stderr, flush=True)


def result(data: Any, as_json: bool, text: str) -> None:
    """Print a command's result: `data` as JSON for scripts, or `text` for people."""
    if as_json:
        import json

        text = json.dumps(data, ensure_ascii=False, indent=1)
    print(text if as_json else coloured(text, sys.stdout), flush=True)


def confirmed(question: str) -> bool:
    """Ask a yes-or-no question at a terminal, and return True for yes. Elsewhere, return False."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def coloured(text: str, stream: TextIO) -> str:
    """Return `text` with its states in colour if `stream` is a terminal and NO_COLOR is not set (no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    codes = {word: code for code, words in _COLOURS.items() for word in words}
    return _STATES.sub(lambda found: f"\x1b[{codes[found[1]]}m{found[1]}\x1b[0m", text)


def located(path: object, problem: dict[str, Any], prefix: str = "") -> str:
    """Return a problem as `path:line: key: message`, in the form that editors and terminals link to.

    What concerns the file as a whole has line 0; it is shown at line 1.
    """
    key = f"{problem['key']}: " if problem["key"] else ""
    shown = str(path)
    if not shown.isprintable():
        shown = "".join(each if each.isprintable() else "?" for each in shown)
    return f"{shown}:{max(problem['line'], 1)}: {prefix}{key}{problem['message']}"


def problem_lines(path: object, report: dict[str, Any]) -> list[str]:
    """Return a file's problems, and its warnings, one line each."""
    named = (("", report["problems"]), (WARNING, report["warnings"]))
    return [located(path, problem, prefix) for prefix, problems in named for problem in problems]


class Progress:
    """A progress bar on standard error, shown only on a terminal.

    Args:
        label: what is being done, such as `Publishing`.
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
