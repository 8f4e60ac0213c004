"""The errors that Nightdesk raises, by what the caller should do next.

    NightdeskError
    ├── Permanent           retrying cannot help: report it and stop
    │   ├── NotFound        what was named does not exist
    │   ├── Refused         a reader's request cannot be done; names the message that tells the reader why
    │   └── Rejected        a file in the drafts bucket cannot be published; carries its problems
    ├── Transient           a dependency failed: retry later, with back-off
    │   └── RateLimited     the caller sent too many requests: retry after `retry_after` seconds
    └── Conflict            another writer was first: read again, then decide

Use cases define further subclasses of these beside the functions that raise them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from nightdesk.domain.problems import Kind, Problem

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class NightdeskError(Exception):
    """Base class of every error that Nightdesk raises on purpose."""


class Permanent(NightdeskError):
    """A failure that repeating the call cannot cure."""


class NotFound(Permanent):
    """The article, file, revision, reader, editor or update that was named does not exist."""


class Refused(Permanent):
    """A reader's request that cannot be done.

    Args:
        key: names the message in the theme's texts that tells the reader why (`problem.<key>`).
        message: says the same to editors and in logs.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Rejected(Permanent):
    """A file that cannot be published.

    Args:
        problems: at least one; `problems` holds each once, in the order of the file.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line))
        super().__init__("; ".join(map(str, self.problems)))


class Transient(NightdeskError):
    """A passing failure of a dependency; the same call may succeed later."""


class RateLimited(Transient):
    """More requests than the limit allows.

    Args:
        retry_after: seconds until the next request is accepted.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(NightdeskError):
    """A conditional write failed because the stored version has changed."""


def only_rejects(parse: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a parser of files that writers put, so that only our own errors leave it.

    A fault of ours, or of a library, in reading one file rejects that file. It must not stop the others, nor make the file
    impossible to correct. Fuzz tests call the undecorated parser (`__wrapped__`), so such faults are still found.
    """

    @wraps(parse)
    def parse_or_reject(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return parse(*args, **kwargs)
        except NightdeskError:
            raise
        except BaseException as error:
            # A panic in a library that is written in Rust is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise Rejected(Kind.PARSER_FAILED.at(0, error=type(error).__name__)) from error

    return parse_or_reject
