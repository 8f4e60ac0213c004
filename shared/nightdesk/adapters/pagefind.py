"""Pagefind: makes the static files of a search index (pagefind.app). The package holds a program, which runs in a separate folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nightdesk.domain.errors import Transient

_NEEDED = ("pagefind.js", "pagefind-entry.json")
_LEFT_OUT = ("ui.js", "ui.css", "highlight.js", "worker.js")
"""Ends of the names of what only Pagefind's own pages need."""
_TIMEOUT = 600
"""Seconds."""


def index_pages(pages: Mapping[str, str], language: str) -> dict[str, bytes]:
    """Return the files of an index of articles' pages, by name.

    Args:
        pages: HTML by slug.
        language: whose words are reduced to their stems. All pages are in one index, whatever their own language.

    Raises:
        Transient: Pagefind failed.
    """
    import pagefind_bin  # type: ignore[import-untyped]  # imported here, because only the search has it

    with tempfile.TemporaryDirectory() as folder:
        site, out = Path(folder) / "site", Path(folder) / "out"
        for slug, html in pages.items():
            page = site / "articles" / slug / "index.html"
            page.parent.mkdir(parents=True)
            page.write_text(html, "utf-8")
        command = [_program(pagefind_bin.get_executable(), folder), "--silent", "--site", site, "--output-path", out]
        command += ["--force-language", language.split("-")[0].lower()]
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, timeout=_TIMEOUT, check=False)
        files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    if done.returncode or any(name not in files for name in _NEEDED):
        raise Transient(f"Pagefind failed with status {done.returncode}")
    return {name: body for name, body in files.items() if not name.endswith(_LEFT_OUT)}


def _program(installed: Path, folder: str) -> Path:
    """Return the program, or a copy of it that may be executed: who unpacks a layer may forget that it is one."""
    if os.access(installed, os.X_OK):
        return installed
    copy = Path(folder) / "pagefind"
    shutil.copyfile(installed, copy)
    copy.chmod(0o700)
    return copy
