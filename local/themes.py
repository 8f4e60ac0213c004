"""Which theme to use: the default one, or a newsroom's few files over it."""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from pathlib import Path

from nightdesk.rendering.environment import Theme
from nightdesk.rendering.texts import languages_of
from nightdesk.rendering.theme_overlay import check, lay_over

from .cloud import ROOT

DEFAULT = ROOT / "layers" / "theme"
_BUILD = ROOT / "build"


def open_theme(overlay: Path | None = None) -> Theme:
    """Return a newsroom's theme; without a folder, the default one.

    Raises:
        FileNotFoundError, ValueError: the folder is no theme.
    """
    folder = DEFAULT if overlay is None or overlay.resolve() == DEFAULT else _whole(overlay)
    return Theme(folder, cache=_BUILD / "templates")


def languages_with(overlay: Path) -> tuple[str, ...]:
    """Return the languages in which the default theme speaks to readers with a newsroom's files over it.

    Raises:
        FileNotFoundError, ValueError: the folder is no theme.
    """
    check(overlay)
    return tuple(sorted({*languages_of(DEFAULT), *languages_of(overlay)}))


def _whole(overlay: Path) -> Path:
    """Return a whole theme in a folder that is named by its contents, so that several commands can use it at once."""
    check(overlay)
    digest = sha256()
    for source in (DEFAULT, overlay):
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            digest.update(
                f"{path.relative_to(source).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes()
            )
    whole = _BUILD / "themes" / digest.hexdigest()
    if not whole.is_dir():
        fresh = whole.with_name(f"{whole.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        lay_over(overlay, DEFAULT, fresh)
        try:
            fresh.rename(whole)
        except OSError:  # another command was first
            shutil.rmtree(fresh)
    return whole
