"""Retry a read and its conditional write until no other writer comes between them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from nightdesk.domain.errors import Conflict, Transient

Result = TypeVar("Result")
_ATTEMPTS = 8


def compare_and_swap(attempt: Callable[[], Result], what: str, attempts: int = _ATTEMPTS) -> Result:
    """Call `attempt` again after each Conflict, with jittered exponential backoff (at most 0.32 s), and return its result.

    Args:
        attempt: reads what is stored, and writes over exactly the version that it read.
        what: names what is written, for the error.
        attempts: how often to try.

    Raises:
        Transient: other writers came first every time.
    """
    for number in range(attempts):
        try:
            return attempt()
        except Conflict:
            time.sleep(random.uniform(0, 0.01 * 2 ** min(number, 5)))
    raise Transient(f"{what} changed faster than it could be written")
