"""Simulation: histories played and checked per second."""

from __future__ import annotations

import os
import sys
import time

from .measure import ROOT, table


def measure(histories: int = 4000) -> str:
    """Measure on one core, and on all of them."""
    sys.path.insert(0, str(ROOT / "tests"))
    from simulation.history import search

    rows = []
    for processes in sorted({1, os.cpu_count() or 1}):
        start = time.perf_counter()
        wrong = search(range(histories), processes)
        took = time.perf_counter() - start
        rows.append((processes, histories / took, 1000 * took * processes / histories, len(wrong)))
    return table(f"{histories:,} simulated histories", ("processes", "histories/s", "ms of a core each", "wrong"), rows)
