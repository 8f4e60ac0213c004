"""The one tree of errors.

NightdeskError
├── Permanent      trying again cannot help: tell the author, never retry
│   └── Rejected   a draft that cannot be published as it stands, with each problem's line and key
├── Transient      the world was unwell: retry later, with patience
│   └── TooMany    somebody asks for more than they may in this time
└── Conflict       somebody else wrote first: look again
"""

from __future__ import annotations

from dataclasses import dataclass


class NightdeskError(Exception):
    """Anything that Nightdesk raises on purpose."""


class Permanent(NightdeskError):
    """Trying again cannot help."""


class Transient(NightdeskError):
    """A passing fault of something outside; the same call may succeed later."""


class TooMany(Transient):
    """More than one may ask for in this time; `seconds` says when the next one is taken."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Conflict(NightdeskError):
    """A conditional write lost to another writer; read again and decide anew."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a draft: `line` counts from 1 (0: the file as a whole), `key` is the front-matter key or empty."""

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.line}: " if self.line else ""
        return f"{where}{self.key + ': ' if self.key else ''}{self.message}"


class Rejected(Permanent):
    """A draft that cannot be published as it stands.

    Args:
        problems: at least one, in the order of the file.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
