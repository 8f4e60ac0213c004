"""`make simulate`: `SEED=…` plays one history and prints it; `N=…` plays many, beginning with the seed `FIRST`."""

from __future__ import annotations

import argparse
import os
import sys

from .history import narrate, report, search, small_world
from .hostile import failing_hostile


def main() -> int:
    """Print the histories that do not converge; return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seed", type=int, help="print the history of this seed, call by call")
    parser.add_argument("-n", type=int, default=20_000, help="how many histories to play")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--hostile", action="store_true", help="play a hostile writer's histories, in one process")
    args = parser.parse_args()
    if args.hostile:
        with small_world():
            lost = failing_hostile(range(args.first, args.first + args.n))
        for seed, wrong in lost.items():
            print(seed, *wrong, sep="\n   ")
        print(f"{args.n:,} histories of a hostile writer, {len(lost)} of them fail")
        return 1 if lost else 0
    if args.seed is not None:
        with small_world():
            print(narrate(args.seed))
        return 0
    found = search(range(args.first, args.first + args.n), os.cpu_count() or 1)
    with small_world():
        for seed in found[:3]:
            print(report(seed), end="\n\n")
    seeds = ": " + " ".join(map(str, found)) if found else ""
    print(f"{args.n:,} histories, {len(found)} of them do not converge{seeds}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
