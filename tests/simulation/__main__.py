"""`make simulate`: `SEED=…` tells one history, `N=…` plays many, from `FROM` on."""

from __future__ import annotations

import argparse
import os
import sys

from .history import report, search, small_world, tell


def main() -> int:
    """Print what was found; 1 where anything was."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seed", type=int, help="the one history to tell")
    parser.add_argument("-n", type=int, default=20_000, help="how many histories to play")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first of them")
    args = parser.parse_args()
    if args.seed is not None:
        with small_world():
            print(tell(args.seed))
        return 0
    found = search(range(args.first, args.first + args.n), os.cpu_count() or 1)
    with small_world():
        for seed in found[:3]:
            print(report(seed), end="\n\n")
    print(f"{args.n:,} histories, {len(found)} of them wrong{': ' + ' '.join(map(str, found)) if found else ''}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
