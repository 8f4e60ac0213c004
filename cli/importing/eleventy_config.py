"""The configuration of Eleventy: a program, of which the names of folders and of ignored files are read."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath
from typing import NamedTuple

from .archives import Archive, looks_like, other_system
from .globs import matches_any
from .plain_scripts import without_comments
from .report import LOST, Report

_CONFIG = re.compile(r"(^|/)(\.eleventy|eleventy\.config)\.[cm]?js$")
_FOLDERS = re.compile(r"\bdir[\"']?\s*[:=]\s*\{([^{}]*)\}")
_IGNORES = re.compile(r"\bignores\.add\(\s*[\"'`]([^\"'`\n]+)")


class EleventyConfig(NamedTuple):
    """Where an Eleventy site has its files. All folders are names in the archive, without a slash at the end.

    Attributes:
        input: the folder of texts; empty for the whole archive.
        data: the folder of data for all texts.
        includes: the folder of templates that others take in.
        layouts: another one.
        ignored: patterns of files that are no part of the site.
    """

    input: str
    data: str
    includes: str
    layouts: str
    ignored: tuple[str, ...]

    def is_template(self, name: str) -> bool:
        """Return True for a file in one of the folders of templates and data."""
        folders = (self.data, self.includes, self.layouts)
        return any(name.startswith(f"{folder}/") for folder in folders if folder != self.input)

    def ignores(self, name: str) -> bool:
        """Return True for a file that Eleventy ignores."""
        return matches_any(name, self.ignored)


def read_eleventy_config(archive: Archive, report: Report) -> EleventyConfig:
    """Return what a configuration says in plain texts, and Eleventy's own names for the rest.

    Raises:
        ImportRefused: the archive is a site of another system.
    """
    names = sorted((name for name in archive.names if _CONFIG.search(name)), key=len)
    other = "" if names else other_system(archive.names)
    if other not in ("", "Eleventy"):
        raise looks_like(archive.path, other)
    top = names[0].rpartition("/")[0] if names else ""
    text = without_comments(archive.read(names[0]).decode("utf-8", "replace")) if names else ""
    start = _below(top, _folder(text, "input", ""))
    if not start and re.search(r"\bsetInputDirectory\(\s*[^\s\"'`]", text):
        report.add(LOST, names[0], 0, "a setting is computed, so its value is not known here", "setInputDirectory")
    includes = _folder(text, "includes", "_includes")
    data, layouts = _folder(text, "data", "_data"), _folder(text, "layouts", includes)
    ignored = [_below(top, pattern) for pattern in _IGNORES.findall(text)]
    files = [".eleventyignore", *([] if re.search(r"setUseGitIgnore\(\s*false", text) else [".gitignore"])]
    for folder in dict.fromkeys((top, start)):
        for name in (_below(folder, each) for each in files):
            ignored += _ignored_in(archive, name) if name in archive else []
    return EleventyConfig(start, _below(start, data), _below(start, includes), _below(start, layouts), tuple(ignored))


def _folder(text: str, kind: str, default: str) -> str:
    """Return the name that a configuration gives to one of the folders."""
    called = re.search(rf"\bset{kind.title()}Directory\(\s*[\"'`]([^\"'`\n]*)", text)
    folders = _FOLDERS.search(text)
    place = folders[1] if folders else text if kind == "input" else ""
    found = called or re.search(rf"\b{kind}[\"']?\s*:\s*[\"'`]([^\"'`\n]*)", place)
    return found[1] if found else default


def _below(folder: str, path: str) -> str:
    """Return a path as a name in the archive."""
    joined = posixpath.normpath(f"{folder}/{path.strip('/')}" if folder else path.strip("/") or ".")
    return "" if joined == "." else joined


def _ignored_in(archive: Archive, name: str) -> list[str]:
    folder = str(PurePosixPath(name).parent)
    lines = [line.strip() for line in archive.read(name).decode("utf-8", "replace").splitlines()]
    return [_below("" if folder == "." else folder, line) for line in lines if line and line[0] not in "#!"]
