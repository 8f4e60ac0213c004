"""Archives: folders, zip files and single files, read without trusting their names.

A name is used only to find a file inside the archive, never to write one. Still, what tries to leave the archive (`../`,
absolute names, symbolic links) is left out and reported, because it cannot be meant as an article.
"""

from __future__ import annotations

import io
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from nightdesk.domain.errors import Permanent

from .report import LOST, SKIPPED, Report

STATE = ".nightdesk-import.jsonl"
"""The log of an import, in the folder that it wrote."""
_MAX_TEXT = 64 * 1024 * 1024
_MAX_RATIO, _RATIO_FROM = 200, 16 * 1024 * 1024
"""A file in a zip that grows more than this, from this size on, is a bomb rather than text."""
_UNSAFE = re.compile(r"(^|/)\.\.(/|$)|^/|^[A-Za-z]:|\\|\0")
_PASSED_OVER = frozenset(["node_modules", "__MACOSX", "__pycache__", "vendor", "_site"])
"""Folders that hold tools, or what a generator made."""


class ImportRefused(Permanent):
    """The whole archive cannot be read: it is not what it was said to be, or it is not complete."""


class Archive:
    """A folder, a zip file or a single file.

    Args:
        path: where it lies.
        report: where files that cannot be used are named.

    Attributes:
        names: of all files, with slashes, in Unicode's composed form and in order.

    Raises:
        ImportRefused: there is nothing, or the zip file is damaged.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self._report = report
        self._zip: zipfile.ZipFile | None = None
        self._places: dict[str, str] = {}
        if path.is_dir():
            self._list_folder()
        elif not path.is_file():
            raise ImportRefused(f"{path}: there is no such file or folder")
        elif zipfile.is_zipfile(path) or _begins_like_a_zip(path):
            self._list_zip()
        else:
            self._places[path.name] = str(path)
        self.names = sorted(self._places)
        self._set = frozenset(self.names)

    @property
    def is_single(self) -> bool:
        """True for a file that is no zip file."""
        return self.path.is_file() and self._zip is None

    def __contains__(self, name: str) -> bool:
        return name in self._set

    def under(self, folder: str) -> list[str]:
        """Return the names below a folder; an empty name stands for all."""
        start = f"{folder.strip('/')}/" if folder.strip("/") else ""
        return [name for name in self.names if name.startswith(start)]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading.

        Raises:
            ImportRefused: it cannot be read, or it is damaged.
        """
        try:
            with self._zip.open(self._places[name]) if self._zip else open(self._places[name], "rb") as file:
                yield file
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
            raise ImportRefused(f"{name}: the file cannot be read from the archive; it may be damaged") from error

    def read(self, name: str) -> bytes:
        """Return a text file's bytes.

        Raises:
            ImportRefused: it cannot be read, or has more than 64 MiB.
        """
        with self.open(name) as file:
            data = file.read(_MAX_TEXT + 1)
        if len(data) > _MAX_TEXT:
            raise ImportRefused(f"{name}: the file has more than 64 MiB, which no text has")
        return data

    def _list_folder(self) -> None:
        root = os.fspath(self.path)
        for folder, folders, files in os.walk(root):
            for name in sorted(folders):
                if os.path.islink(os.path.join(folder, name)):
                    self._leave_out(os.path.relpath(os.path.join(folder, name), root), "a symbolic link")
            folders[:] = sorted(f for f in folders if not self._is_passed_over(folder, f))
            for name in sorted(files):
                full = os.path.join(folder, name)
                relative = os.path.relpath(full, root).replace(os.sep, "/")
                if not stat.S_ISREG(os.lstat(full).st_mode):
                    self._leave_out(relative, "a symbolic link, or no plain file")
                else:
                    self._add(relative, full)

    def _is_passed_over(self, folder: str, name: str) -> bool:
        """Return True for folders of tools, and for what an earlier import wrote into the archive's own folder."""
        is_tool = name.startswith(".") or name in _PASSED_OVER
        return is_tool or os.path.exists(os.path.join(folder, name, STATE))

    def _list_zip(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ImportRefused(f"{self.path}: the zip file is damaged or not complete; download it again") from error
        for entry in self._zip.infolist():
            mode = entry.external_attr >> 16
            if entry.is_dir() or set(entry.filename.split("/")) & _PASSED_OVER:
                continue
            if _UNSAFE.search(entry.filename):
                self._leave_out(entry.filename, "a name that leads out of the archive")
            elif stat.S_ISLNK(mode):
                self._leave_out(entry.filename, "a symbolic link, or no plain file")
            elif entry.flag_bits & 1:
                self._leave_out(entry.filename, "a file behind a password")
            elif entry.file_size > max(_RATIO_FROM, entry.compress_size * _MAX_RATIO):
                self._leave_out(entry.filename, "a file that grows beyond measure when it is unpacked")
            else:
                self._add(entry.filename, entry.filename)

    def _add(self, name: str, place: str) -> None:
        try:
            name.encode()
        except UnicodeEncodeError:
            self._leave_out(name.encode("utf-8", "replace").decode(), "a file name that is not UTF-8")
            return
        name = unicodedata.normalize("NFC", name)
        if name in self._places:
            self._report.add(LOST, name, 0, "two files of the archive have the same name; the later one is used")
        self._places[name] = place

    def _leave_out(self, name: str, what: str) -> None:
        self._report.add(SKIPPED, name, 0, f"{what} is left out")


def _begins_like_a_zip(path: Path) -> bool:
    """Return True for a zip file that may have lost its end, as one that was not wholly downloaded."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def other_system(names: list[str]) -> str:
    """Return the system that a folder belongs to, by the files of its settings; empty if there are none."""
    files = {PurePosixPath(name).name for name in names}
    folders = {part for name in names for part in name.split("/")[:-1]}
    if files & {"_config.yml", "_config.yaml"} or "_posts" in folders:
        return "Jekyll"
    if "pelicanconf.py" in files:
        return "Pelican"
    if any(re.match(r"\.eleventy|eleventy\.config", name) for name in files):
        return "Eleventy"
    return "Hugo" if files & {"hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json"} else ""


def looks_like(path: Path, other: str) -> ImportRefused:
    """Return the refusal of a site of another system, whose drafts and addresses would be misread."""
    return ImportRefused(f"{path}: this looks like a site of {other}; type “nightdesk import {other.lower()} …”")


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file that is not a draft, such as a configuration.

    Raises:
        ImportRefused: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportRefused(f"{name}:{line}: the file is not UTF-8; save it in that encoding") from None


def reader_of(data: bytes) -> IO[bytes]:
    """Return bytes as a file."""
    return io.BytesIO(data)
