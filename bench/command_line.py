"""The command line: the CPU time of a fresh process for commands that people type often."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .local_cloud import fill, local_cloud
from .measure import ROOT, median, run, table

COMMANDS = {"--help": 0.15, "status": 0.4, "status story-0": 0.4}
"""Each command with the CPU seconds that it may take."""


def measure(runs: int = 15) -> str:
    """Measure on a local cloud with one article, after a first run that writes bytecode."""
    rows = []
    with tempfile.TemporaryDirectory() as home, local_cloud(Path(home)) as cloud:
        fill(cloud, 0, 1)
        environment = {**os.environ, "NIGHTDESK_HOME": home}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        nightdesk = str(ROOT / ".venv/bin/nightdesk")
        python = [str(ROOT / ".venv/bin/python"), "-c", "pass"]
        bare = median([run(python, environment=environment).cpu for _ in range(runs)])
        for command, limit in COMMANDS.items():
            words = [nightdesk, *command.split()]
            run(words, environment=environment)
            found = [run(words, environment=environment) for _ in range(runs)]
            cpu = median([one.cpu for one in found])
            rows.append((f"nightdesk {command}", cpu, limit, cpu / bare, median([one.wall for one in found])))
    columns = ("command", "CPU s", "at most", "CPU ratio to an empty process", "wall s")
    return table(f"Command line, median of {runs} fresh processes", columns, rows)
