"""`make bench`: every row, or those named in ARGS (builds, cold, costs, live)."""

from __future__ import annotations

import platform
import sys

from . import builds, cold, costs, live

ROWS = {"costs": costs.measure, "cold": cold.measure, "builds": builds.measure, "live": live.measure}


def main() -> int:
    """Print the tables."""
    names = sys.argv[1:] or list(ROWS)
    print(f"Python {platform.python_version()} on {platform.machine()}\n")
    for name in names:
        print(ROWS[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
