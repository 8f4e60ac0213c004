"""Files on this machine, and their keys in the drafts bucket: what `build`, `check` and `publish` take from a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from nightdesk.domain.attachments import ATTACHMENT_TYPES, is_attachment
from nightdesk.domain.drafts_bucket import (
    FOLDERS,
    SITE_FILE,
    classify,
    folder_of_image,
    has_control_characters,
    is_hidden_or_temporary,
)
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.text import slugify
from nightdesk.repositories.private_bucket import IMAGE_TYPES, is_image

_MARKDOWN = (".md", ".markdown")
_PAGES = (".html", ".htm", ".mdx", ".rst", ".org", ".adoc")
_TOOLS = ("node_modules", "__pycache__")
"""Folders of other tools, with thousands of files."""
_TYPES = {**IMAGE_TYPES, **ATTACHMENT_TYPES}


class LocalFiles(NamedTuple):
    """The files found at some paths.

    Attributes:
        files: those that belong in the drafts bucket, by key; among them Markdown files that the pipeline will refuse.
        left: the other files whose absence an editor may notice, with the reason why they are not published.
    """

    files: dict[str, Path]
    left: dict[Path, Problem]


def find_files(paths: Iterable[Path], is_drafts: bool = False) -> LocalFiles:
    """Find the files at some paths and in some folders.

    A folder that holds drafts/, or another folder of the drafts bucket, or site.yaml, is read like that bucket: what lies
    beside those is left alone. Any other folder is taken for drafts, unless it lies inside a folder of that name.

    Args:
        is_drafts: take a folder for drafts wherever it lies.

    Raises:
        FileNotFoundError: a path does not exist.
    """
    _has_index.cache_clear()
    found = _Found(is_drafts)
    for path in paths:
        if path.is_dir() and is_newsroom(path):
            found.add_newsroom(path)
        elif path.is_dir():
            found.add_folder(path)
        elif path.is_file():
            found.add_file(path)
        else:
            raise FileNotFoundError(path)
        if path.is_dir():
            found.leave_orphans()
    found.leave_doubles()
    return LocalFiles(found.files, found.left)


def type_of(path: Path) -> str:
    """Return the type of a file of the drafts bucket."""
    return _TYPES.get(path.suffix.lower(), "text/markdown")


def is_newsroom(folder: Path) -> bool:
    """Return True for a folder that is laid out like the drafts bucket."""
    return (folder / SITE_FILE).is_file() or any((folder / name).is_dir() for name in FOLDERS)


def beside(folder: Path) -> list[Path]:
    """Return a folder of drafts, and the profiles, pages, updates and settings that lie beside it."""
    parent = folder / os.pardir if folder.name in ("", os.pardir) else folder.parent
    siblings = [parent / name for name in FOLDERS if name != "drafts"]
    settings = parent / SITE_FILE
    return [
        folder,
        *(sibling for sibling in siblings if sibling.is_dir() and not sibling.samefile(folder)),
        *([settings] if settings.is_file() else []),
    ]


class _Found:
    """Collects files by key."""

    def __init__(self, is_drafts: bool) -> None:
        self.files: dict[str, Path] = {}
        self.left: dict[Path, Problem] = {}
        self._is_drafts = is_drafts

    def add_newsroom(self, root: Path) -> None:
        """Add the files of a folder that is laid out like the drafts bucket."""
        for path, key, fault in _walk(root):
            if key.split("/")[0] in FOLDERS or classify(key):
                self._add(key, path, fault=fault)
            elif _may_be_missed(key):
                self.left[path] = Kind.FILE_OUTSIDE.at(0)

    def add_folder(self, folder: Path, index: Path | None = None) -> None:
        """Add the files of a folder of drafts, or of one of its folders.

        Args:
            index: add only this file, images and attachments.
        """
        known = _known_folder(folder, self._is_drafts)
        for path, inner, fault in _walk(folder):
            if index and path != index and not (is_image(path.name) or is_attachment(path.name)):
                continue
            self._add(f"{known}/{inner}" if known else _loose_key(path, folder), path, inner, fault)

    def add_file(self, path: Path) -> None:
        """Add one file, and with an index.md its images and attachments."""
        if path.stem.lower() == "index" and path.suffix.lower() in _MARKDOWN:
            self.add_folder(path.parent, path)
        elif path.name == SITE_FILE:
            self._add(SITE_FILE, path)
        elif is_newsroom(path.parent):
            self.left[path] = Kind.FILE_OUTSIDE.at(0)
        else:
            known = _known_folder(path.parent, self._is_drafts)
            self._add(f"{known}/{path.name}" if known else _loose_key(path, path.parent.parent), path, path.name)

    def leave_orphans(self) -> None:
        """Leave the files in folders that hold no draft or newsletter: nothing can show them."""
        folders = {"authors/", *(parsed.folder for key in self.files if (parsed := classify(key)))}
        for key in [key for key in self.files if not classify(key) and folder_of_image(key) not in folders]:
            self.left[self.files.pop(key)] = Kind.FILE_ORPHAN.at(0, folder=folder_of_image(key))

    def leave_doubles(self) -> None:
        """Leave profiles and pages whose id another file has: the last one to be processed would take the page of the other."""
        holders: dict[tuple[str, str], str] = {}
        for key in sorted(self.files):
            parsed = classify(key)
            if parsed and parsed.kind in ("author", "topic", "page") and not parsed.refusal:
                holder = holders.setdefault((parsed.kind, slugify(parsed.name)), key)
                if holder != key:
                    name = f"{key.split('/')[0]}/{slugify(parsed.name)}"
                    self.left[self.files.pop(key)] = Kind.SAME_KEY.at(0, name=name, other=holder)

    def _add(self, key: str, path: Path, inner: str = "", fault: Problem | None = None) -> None:
        """Add a file under a key, or the reason why it is not published.

        Args:
            inner: its path inside the folder that was asked for; the folders above may be hidden.
            fault: why it cannot be read, if it cannot.
        """
        parsed = classify(key)
        if is_hidden_or_temporary(inner or key):
            if parsed and parsed.refusal:
                self.left[path] = parsed.refusal
        elif fault:
            self.left[path] = fault
        elif parsed and parsed.refusal and "/" not in key:
            self.left[path] = parsed.refusal
        elif parsed is None and not (is_image(key) or is_attachment(key)):
            self.left[path] = Kind.FILE_OTHER.at(0)
        elif parsed is None and is_attachment(key) and not (key.startswith("drafts/") and folder_of_image(key)):
            self.left[path] = Kind.ATTACHMENT_STRAY.at(0)
        elif parsed is None and not folder_of_image(key):
            self.left[path] = Kind.IMAGE_STRAY.at(0)
        elif self.files.setdefault(key, path) != path and not self.files[key].samefile(path):
            self.left[path] = Kind.SAME_KEY.at(0, name=key, other=self.files[key])


_Entry = tuple[Path, str, Problem | None]


def _walk(folder: Path) -> Iterator[_Entry]:
    """Yield the files of a folder, in order, each with its path inside, and the reason why it cannot be read, if it cannot.

    Hidden folders are not entered, and neither are links to folders, which may lead round in a circle.
    """
    waiting = [(str(folder), "")]
    while waiting:
        where, prefix = waiting.pop()
        try:
            with os.scandir(where) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield Path(where), prefix.rstrip("/"), Kind.FILE_UNREADABLE.at(0)
            continue
        folders = []
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(where, entry.name), prefix + entry.name, _fault(entry)
            elif not entry.name.startswith(".") and entry.name not in _TOOLS:
                folders.append((os.path.join(where, entry.name), f"{prefix}{entry.name}/"))
        waiting += reversed(folders)


def _fault(entry: os.DirEntry[str]) -> Problem | None:
    """Return why a file cannot be read; None if it can."""
    with suppress(OSError, UnicodeEncodeError):
        if (
            entry.is_file()
            and not has_control_characters(entry.name.encode().decode())
            and os.access(entry.path, os.R_OK)
        ):
            return None
        if entry.is_dir():
            return Kind.FILE_LINK_TO_FOLDER.at(0)
    return Kind.FILE_UNREADABLE.at(0)


def _may_be_missed(key: str) -> bool:
    """Return True for a file outside the folders of the bucket that somebody may have meant to publish."""
    is_meant = Path(key).suffix.lower() in (*_MARKDOWN, *_PAGES) or is_image(key) or is_attachment(key)
    return (is_meant or "/" not in key) and not is_hidden_or_temporary(key)


def _known_folder(folder: Path, is_drafts: bool) -> str:
    """Return a folder's prefix by the nearest folder that is named like one of the bucket's; empty elsewhere.

    >>> _known_folder(Path("/home/ada/drafts/harbour"), False)
    'drafts/harbour'
    """
    parts = folder.resolve().parts
    nearest = len(parts) - 1 if is_drafts else 0
    for place in range(len(parts) - 1, nearest - 1 if is_drafts else 0, -1):
        if parts[place] in FOLDERS:
            # drafts/topics/index.md is a draft about topics.
            start = place - 1 if parts[place - 1] == "drafts" else place
            return "/".join(parts[start:])
    return ""


def _loose_key(path: Path, folder: Path) -> str:
    """Return the key of a file in a folder of drafts of any other name: images and attachments go with the index.md above them."""
    for parent in path.parents:
        if _has_index(parent):
            return f"drafts/{parent.resolve().name}/{path.relative_to(parent).as_posix()}"
        if parent == folder:
            break
    return f"drafts/{path.name}"


@lru_cache(maxsize=4096)
def _has_index(folder: Path) -> bool:
    return any(path.stem.lower() == "index" and path.suffix.lower() in _MARKDOWN for path in folder.iterdir())
