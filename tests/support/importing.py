"""Imports in tests: an archive from texts, the import itself, and what it wrote."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightdesk.domain.drafts import Draft, parse_draft
from nightdesk.rendering.markdown import to_html
from nightdesk_cli.importing.archives import Archive
from nightdesk_cli.importing.report import Report
from nightdesk_cli.importing.runner import Import, Options, site_in
from nightdesk_cli.imports import make_reader

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files, by their paths below `root`, and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a zip file with these files, and return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def import_from(system: str, path: Path, out: Path, **options: Any) -> Report:
    """Import an archive as the command does."""
    report = Report()
    chosen = Options(out, **options)
    archive = Archive(path, report)
    Import(archive, make_reader(system, archive, report, chosen), chosen, report, NOW, lambda *_: None).run()
    return report


def peak_of_import(system: str, path: Path, out: Path, before: Path) -> int:
    """Return how many bytes Python's objects take at most while an archive is read, measured in a fresh process.

    In a process that ran other tests, how often garbage is collected depends on what those left behind.

    Args:
        before: another archive, which is read first and not measured. To trace modules while they are loaded takes seconds.
    """
    code = (
        "import sys, tracemalloc; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from support.importing import import_from; system, path, out, before = sys.argv[2:];"
        "import_from(system, Path(before), Path(out), dry_run=True); tracemalloc.start();"
        "import_from(system, Path(path), Path(out), dry_run=True); print(tracemalloc.get_traced_memory()[1])"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parents[1]), system, *map(str, (path, out, before))]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def draft(out: Path, slug: str) -> Draft:
    """Return an imported draft as the product's own parser reads it."""
    raw = (out / "drafts" / slug / "index.md").read_bytes()
    return parse_draft(raw, slug, site_in(out), to_html)


def text_of(out: Path, slug: str) -> str:
    """Return the body of an imported draft."""
    return (out / "drafts" / slug / "index.md").read_text("utf-8").split("\n---\n", 1)[1].strip()


def front_matter_of(out: Path, slug: str) -> str:
    """Return the front matter of an imported draft."""
    return (out / "drafts" / slug / "index.md").read_text("utf-8").split("\n---\n", 1)[0]


def notes(report: Report, outcome: str, words: str = "") -> list[str]:
    """Return the notes with an outcome whose kind or detail contains some words, as `file:line: detail`."""
    return [str(note) for note in report.with_outcome(outcome) if words in f"{note.kind} {note.detail}"]


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the bytes and the time of change of every file in a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
