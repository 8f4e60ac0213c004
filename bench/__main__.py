"""`make bench`: every row, or those named in ARGS (api, builds, burst, cold, …)."""

from __future__ import annotations

import platform
import sys

from . import api, builds, burst, cold, costs, edge, live, memory, signing_in, simulation, updates

ROWS = {
    "costs": costs.measure,
    "cold": cold.measure,
    "edge": edge.measure,
    "simulation": simulation.measure,
    "builds": builds.measure,
    "live": live.measure,
    "burst": burst.measure,
    "embargoes": burst.measure_embargoes,
    "memory": memory.measure,
    "api": api.measure,
    "signin": signing_in.measure,
    "updates": updates.measure,
}


def main() -> int:
    """Print the tables."""
    names = sys.argv[1:] or list(ROWS)
    print(f"Python {platform.python_version()} on {platform.machine()}\n")
    for name in names:
        print(ROWS[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
