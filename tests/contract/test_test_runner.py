"""The test runner does what the proof's running time rests on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

MODULE = "import pytest\n\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n: int) -> None:\n    pass\n"
CONFTEST = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
"""


@pytest.mark.slow
def test_a_group_stays_on_one_worker(tmp_path: Path) -> None:
    """Otherwise each worker would start its own stack for every file. Some versions of pytest and pytest-xdist do not fit each other."""
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(MODULE)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    options = ["-v", "-p", "xdist", "--numprocesses", "2", "--dist", "loadgroup", f"--rootdir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    workers = defaultdict(set)
    for line in done.stdout.splitlines():
        if "PASSED" in line:
            worker, test = line.split()[0], line.split()[-1]
            workers[test.partition(".py")[0]].add(worker)
    assert len(workers) == 2, done.stdout
    assert {len(names) for names in workers.values()} == {1}
