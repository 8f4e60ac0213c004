"""The data that Eleventy finds beside texts: for all texts of a folder, and for one text."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.errors import Permanent

from .archives import Archive, decode_text
from .front_matter import plain_value
from .plain_scripts import plain_script, without_comments
from .report import ASKED, LOST, NOTED, Report

_ENDINGS = (".json", ".11tydata.json", ".11tydata.js", ".11tydata.cjs", ".11tydata.mjs")
"""The later ones count more."""
_HIDES = re.compile(
    r"\b(?:draft|isDraft|hidden|private)[\"']?\s*:\s*[\"']?true\b"
    r"|\b(?:permalink|published)[\"']?\s*:\s*[\"']?false\b"
)
"""What keeps texts from readers, wherever it stands in data that cannot be read as a whole."""


class EleventyData:
    """Reads the data of folders and texts."""

    def __init__(self, archive: Archive, report: Report) -> None:
        self._archive, self._report = archive, report
        self._folders: dict[str, dict[str, Any]] = {}

    def json(self, name: str) -> dict[str, Any] | None:
        """Return the values of a file in JSON; None if it does not parse, which is reported."""
        try:
            values = json.loads(decode_text(self._archive.read(name), name))
        except (ValueError, RecursionError, Permanent):
            self._report.add(LOST, name, 1, "a file of data cannot be read", "the JSON does not parse")
            return None
        return plain_value(values) if isinstance(values, dict) else {}

    def of_text(self, name: str) -> dict[str, Any]:
        """Return what the files beside a text say of it. A text of which they may say anything is a draft."""
        values = self._of_folder(PurePosixPath(name).parent)
        for file in self._files(name.rpartition(".")[0]):
            own = self._values(file)
            if own is None:
                what = "the data of a text is computed, or cannot be read, so the text became a draft"
                self._report.add(ASKED, file, 0, what)
                own = {"hidden": "true"}
            values = _merged(values, own)
        return values

    def _of_folder(self, folder: PurePosixPath) -> dict[str, Any]:
        """Return the data that all texts of a folder share; the nearest folder counts most."""
        key = str(folder)
        if key not in self._folders:
            values = self._of_folder(folder.parent) if folder.parts else {}
            for file in self._files(f"{key}/{folder.name}") if folder.parts else ():
                values = _merged(values, self._shared(file))
            self._folders[key] = values
        return self._folders[key]

    def _shared(self, file: str) -> dict[str, Any]:
        values = self._values(file)
        if values is not None:
            return values
        if _HIDES.search(without_comments(self._archive.read(file).decode("utf-8", "replace"))):
            what = "data of a folder is computed, or cannot be read, and hides texts, so its texts became drafts"
            self._report.add(ASKED, file, 0, what)
            return {"draft": "true"}
        if not file.endswith(".json"):
            what = "data of a folder is a program, so it is not known here; use --permalink for addresses"
            self._report.add(NOTED, file, 0, what)
        return {}

    def _files(self, stem: str) -> list[str]:
        return [stem + ending for ending in _ENDINGS if stem + ending in self._archive]

    def _values(self, file: str) -> dict[str, Any] | None:
        """Return the values of a file of data; None if they are not known."""
        if file.endswith(".json"):
            return self.json(file)
        values = plain_script(self._archive.read(file).decode("utf-8", "replace"))
        return None if values is None else plain_value(values)


def _merged(values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return values with the nearer ones in their place; tags are collected."""
    tags = [*as_list(values.get("tags")), *as_list(own.get("tags"))]
    return {**values, **own, **({"tags": tags} if tags else {})}


def as_list(value: Any) -> list[str]:
    """Return a text or a list as a list of texts."""
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, list) else []
