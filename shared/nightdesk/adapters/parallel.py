"""Independent calls at once, each in a thread that waits for its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

from nightdesk.ports import Given, Result

_AT_ONCE = 8
"""On each level. Clients keep open as many connections as two levels use (`MAX_CONNECTIONS`)."""
MAX_CONNECTIONS = 2 * _AT_ONCE


_depth = threading.local()


@cache
def _pool(depth: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE)


def in_parallel(call: Callable[[Given], Result], values: Iterable[Given]) -> list[Result]:
    """Call a function with each value, a few at a time; return the results in the order of the values.

    All calls have ended when this returns or raises, so a retry never meets a write of the attempt before. A call may make
    parallel calls itself, which get other threads than those that wait for them.

    Raises:
        Exception: what the first of the calls that failed has raised.
    """
    given = list(values)
    if len(given) < 2:
        return [call(value) for value in given]
    depth: int = getattr(_depth, "value", 0) + 1

    def at_depth(value: Given) -> Result:
        _depth.value = depth
        return call(value)

    calls = [_pool(depth).submit(at_depth, value) for value in given]
    wait(calls)
    return [made.result() for made in calls]
