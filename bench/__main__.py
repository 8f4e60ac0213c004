"""`make bench`: every benchmark, or those named in ARGS, such as `make bench ARGS="cold costs"`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from . import (
    api,
    builds,
    burst,
    cold,
    command_line,
    constant,
    cost_model,
    costs,
    edge,
    images,
    lighthouse,
    live,
    memory,
    newsletters,
    posts,
    reconciling,
    reconciling_on_cloud,
    scale_model,
    signing_in,
    simulation,
    updates,
)

BENCHMARKS: dict[str, Callable[[], str]] = {
    "costs": costs.measure,
    "constant": constant.measure,
    "cost": cost_model.measure,
    "scale": scale_model.measure,
    "cold": cold.measure,
    "cli": command_line.measure,
    "edge": edge.measure,
    "simulation": simulation.measure,
    "builds": builds.measure,
    "live": live.measure,
    "burst": burst.measure,
    "embargoes": burst.measure_embargoes,
    "posts": posts.measure,
    "memory": memory.measure,
    "images": images.measure,
    "lighthouse": lighthouse.measure,
    "api": api.measure,
    "signin": signing_in.measure,
    "updates": updates.measure,
    "newsletters": newsletters.measure,
    "reconcile": reconciling.measure,
    "reconcile-cloud": reconciling_on_cloud.measure,
}


def main() -> int:
    """Run benchmarks and print their tables."""
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"There is no benchmark “{unknown[0]}”; choose from {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()} on {platform.machine()}\n")
    for name in names:
        print(BENCHMARKS[name](), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
