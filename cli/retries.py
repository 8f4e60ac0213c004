"""How commands deal with conflicts."""

from __future__ import annotations

import argparse
import time
from functools import wraps

from nightdesk.domain.errors import Conflict

from .arguments import Run

_RETRY_SECONDS = 60.0
_POLL_SECONDS = 0.5


def retry_conflicts(run: Run) -> Run:
    """Retry a command for a minute on a conflict, which usually means that the pipeline is still reading a newer draft."""

    @wraps(run)
    def wrapped(args: argparse.Namespace) -> int:
        until = time.monotonic() + _RETRY_SECONDS
        while True:
            try:
                return run(args)
            except Conflict:
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL_SECONDS)

    return wrapped
