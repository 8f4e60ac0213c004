"""Pelican's settings: a program, of which the assignments of plain values are read; and what they say of each file."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.text import transliterate

from .archives import Archive, ImportRefused, decode_text
from .report import LOST, Report

ARTICLE, PAGES = "ARTICLE", "PAGE"
_DEFAULTS: dict[str, Any] = {
    "ARTICLE_URL": "{slug}.html", "ARTICLE_LANG_URL": "{slug}-{lang}.html", "PAGE_URL": "pages/{slug}.html",
    "PAGE_LANG_URL": "pages/{slug}-{lang}.html", "DEFAULT_LANG": "en", "PATH": "content", "SLUGIFY_SOURCE": "title",
    "ARTICLE_PATHS": [""], "PAGE_PATHS": ["pages"], "IGNORE_FILES": [".*", "__pycache__"],
    "FILENAME_METADATA": r"(?P<date>\d{4}-\d{2}-\d{2}).*", "USE_FOLDER_AS_CATEGORY": True,
    "AUTHOR_URL": "author/{slug}.html", "CATEGORY_URL": "category/{slug}.html", "TAG_URL": "tag/{slug}.html",
}  # fmt: skip
"""Pelican's own (docs.getpelican.com/en/latest/settings.html)."""
_LONGEST_PATH, _LONGEST_PATTERN = 200, 1000
_MOST_REPEATS, _MOST_OPTIONS = 4, 4
"""So many open quantifiers a pattern of the settings may have, because it runs on every name."""


class PelicanSettings:
    """The settings of a site.

    Attributes:
        values: by name; Pelican's own where the site has none.
        computed: the names of settings whose values are not known.
        found: False if there is no file of settings.
        root: the folder of the first such file.
    """

    def __init__(self, archive: Archive, report: Report) -> None:
        self._report = report
        self.values: dict[str, Any] = dict(_DEFAULTS)
        self.computed: set[str] = set()
        files = ("pelicanconf.py", "publishconf.py")
        names = sorted((name for name in archive.names if PurePosixPath(name).name in files), key=len)
        self.found = bool(names)
        self.root = names[0].rpartition("/")[0] if names else ""
        for name in sorted(names, key=lambda each: "publishconf" in each):  # whose settings count before the others
            try:
                tree = ast.parse(decode_text(archive.read(name), name))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise ImportRefused(f"{name}: the settings do not parse as Python") from error
            for node in tree.body:
                self._take(name, node)
        self._patterns = [
            (self._pattern(names, "FILENAME_METADATA"), True), (self._pattern(names, "PATH_METADATA"), False)
        ]  # fmt: skip

    def _take(self, file: str, node: ast.stmt) -> None:
        """Take the value of an assignment, such as `A = B = 1`, `A: int = 1`, `A += [1]` or `A["key"] = 1`."""
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        else:
            return
        for target in targets:
            inner = target.value if isinstance(target, ast.Subscript) else target
            if not isinstance(inner, ast.Name) or node.value is None:
                continue
            try:
                value = ast.literal_eval(node.value)
                if isinstance(target, ast.Subscript):
                    value = {**self.values.get(inner.id, {}), ast.literal_eval(target.slice): value}
                elif isinstance(node, ast.AugAssign):
                    value = self.values.get(inner.id, type(value)()) + value
                self.values[inner.id] = value
                self.computed.discard(inner.id)
            except (ValueError, TypeError, RecursionError):
                what = "a setting is computed, so its value is not known here"
                self._report.add(LOST, file, node.lineno, what, inner.id)
                self.computed.add(inner.id)
                if inner.id == "DEFAULT_METADATA" and "draft" in ast.unparse(node.value):
                    self.values[inner.id] = {"status": "draft"}

    def _pattern(self, names: Sequence[str], setting: str) -> re.Pattern[str] | None:
        """Return the pattern of a setting; None if there is none, or if it would take too long on some names."""
        typed = self.values.get(setting)
        if not isinstance(typed, str) or not typed:
            return None
        typed = typed[:_LONGEST_PATTERN]
        plain = re.sub(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", "x", typed)
        repeats, options = re.findall(r"[*+]|\{\d*,\d*\}", plain), re.findall(r"(?<![*+}?(])\?", plain)
        if not re.search(r"\)[*+{]", plain) and len(repeats) <= _MOST_REPEATS and len(options) <= _MOST_OPTIONS:
            try:
                return re.compile(typed)
            except (re.error, RecursionError, OverflowError):
                pass
        self._report.add(
            LOST, names[0], 0, "a pattern in the settings cannot be used, so what it says is not known", setting
        )
        return None

    def kind_of(self, path: str) -> str:
        """Return whether a text is among the articles or the pages; empty if Pelican does not read it."""
        ignored = self._paths("IGNORE_FILES")
        if any(fnmatchcase(part, pattern) for part in path.split("/") for pattern in ignored):
            return ""
        for kind, other in ((PAGES, ARTICLE), (ARTICLE, PAGES)):
            excluded = [each for each in self._paths(f"{kind}_EXCLUDES") + self._paths(f"{other}_PATHS") if each]
            for folder in self._paths(f"{kind}_PATHS"):
                left_out = [each for each in excluded if each != folder and _is_below(each, [folder])]
                if _is_below(path, [folder]) and not _is_below(path, left_out):
                    return kind
        return ""

    def _paths(self, setting: str) -> list[str]:
        value = self.values.get(setting)
        value = value if isinstance(value, list | tuple | set) else _DEFAULTS.get(setting) or ()
        return [str(each).removeprefix("./").strip("/") for each in value]

    def metadata_of(self, path: str, kind: str) -> dict[str, str]:
        """Return what the settings say of a text, by its path; its own header counts before that."""
        found = _texts_of(self.values.get("DEFAULT_METADATA"))
        given = self.values.get("EXTRA_PATH_METADATA")
        for place, values in sorted(given.items()) if isinstance(given, dict) else ():
            if _is_below(path, [str(place).strip("/")]):
                found |= _texts_of(values)
        place = PurePosixPath(path)
        named: dict[str, str] = {}
        for pattern, is_for_names in self._patterns:
            said = pattern.match((place.stem if is_for_names else path)[:_LONGEST_PATH]) if pattern else None
            for key, text in said.groupdict().items() if said else ():
                if text is not None:
                    named.setdefault(key.lower(), text)
        if self.values["USE_FOLDER_AS_CATEGORY"] and kind == ARTICLE and place.parent.name:
            named.setdefault("category", place.parent.name)
        return found | named

    def slug(self, text: str) -> str:
        """Return the slug that Pelican makes of a title or a name."""
        plain = html.unescape(re.sub(r"<[^<>]*>", "", text))
        if not self.values.get("SLUGIFY_USE_UNICODE"):
            plain = transliterate(plain)
        plain = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip())
        return plain if self.values.get("SLUGIFY_PRESERVE_CASE") else plain.lower()


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(not folder or path == folder or path.startswith(f"{folder}/") for folder in folders)


def _texts_of(values: Any) -> dict[str, str]:
    return {str(key).lower(): str(value) for key, value in values.items()} if isinstance(values, dict) else {}
