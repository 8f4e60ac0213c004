"""What a Jekyll site's configuration says about its files: which of them are read, and the front matter that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .globs import matches_any

MARKDOWN = ("md", "markdown", "mkd", "mkdn", "mkdown")
HTML = ("html", "htm")
_NEVER_READ = (
    ".sass-cache",
    ".jekyll-cache",
    "gemfiles",
    "Gemfile",
    "node_modules",
    "vendor/bundle",
    "vendor/cache",
    "vendor/gems",
    "vendor/ruby",
)
"""What Jekyll excludes itself."""
_LEFT_OUT = ("_", "#", "~")
_DATED = re.compile(r"(\d{2,4})-(\d{1,2})-(\d{1,2})-(?=.)")
_PARTS = ("layouts", "includes", "sass", "data", "plugins", "site", "authors", "author", "people")
"""Folders without texts: parts of the layout, what was built, and profiles, which are read elsewhere."""


class Text(NamedTuple):
    """A file that may be a text of the site.

    Attributes:
        path: within the site or the folder of its collections.
        kind: `posts`, `drafts`, `pages`, or its collection; empty in a folder that Jekyll does not read.
        folders: those above the folder of its kind.
        is_hidden: True if Jekyll does not read it because of its name or place.
    """

    name: str
    path: str
    kind: str
    folders: tuple[str, ...]
    is_hidden: bool


class Rules:
    """What the configuration says about files, by their paths within the site."""

    def __init__(self, config: dict[str, Any]) -> None:
        known = config.get("collections")
        self._settings: dict[str, Any] = known if isinstance(known, dict) else {}
        self._collections = {*self._settings, *(known if isinstance(known, list) else ())}
        self._folder = f"{_plain(config.get('collections_dir'))}/".lstrip("/")
        self._include = _patterns(config.get("include"))
        self._exclude = [each for each in _patterns(config.get("exclude")) if each not in self._include]
        defaults = config.get("defaults")
        self._defaults = (
            [_Scope.of(each) for each in defaults if isinstance(each, dict)] if isinstance(defaults, list) else []
        )
        self._defaults.sort(key=lambda each: (len(each.path), bool(each.kind)))
        markdown = str(config.get("markdown_ext") or "").replace(" ", "").lower().split(",")
        self.suffixes = tuple(f".{each}" for each in {*MARKDOWN, *HTML, *markdown} if each)

    def is_foreign(self, path: str) -> bool:
        """Return True for a file that no site has as a text, such as one of a package."""
        return any(self._is_excluded(entry, _NEVER_READ) for entry in _entries(path))

    def is_excluded(self, path: str) -> bool:
        """Return True for a file that the configuration excludes, or that lies in a hidden folder."""
        return any(
            self._is_excluded(entry, self._exclude) or (_name(entry).startswith(".") and not self._is_included(entry))
            for entry in _entries(path)
        )

    def _is_excluded(self, entry: str, patterns: Sequence[str]) -> bool:
        return _fits(entry, patterns) and not self._is_included(entry)

    def _is_included(self, entry: str) -> bool:
        return _fits(entry, self._include) or _fits(_name(entry), self._include)

    def text(self, name: str, path: str) -> Text | None:
        """Return what a file is; None for a part of the layout, and for profiles."""
        is_inside = path.startswith(self._folder)
        inside = path.removeprefix(self._folder)
        parts = inside.split("/")
        special = [
            n for n, part in enumerate(parts) if part.startswith(_LEFT_OUT) and not self._is_included_at(inside, n)
        ]
        if not special or special[0] == len(parts) - 1:
            return Text(name, path, "pages", (), bool(special))
        at = special[0]
        kind = parts[at].removeprefix("_")
        if kind in _PARTS:
            return None
        if kind not in {"posts", "drafts", "pages", *self._collections}:
            return Text(name, path, "", (), True)
        is_read = is_inside and (kind in ("posts", "drafts") or (at == 0 and kind in self._collections))
        is_hidden = not is_read or len(special) > 1 or (kind == "posts" and not _DATED.match(parts[-1]))
        return Text(name, inside, kind, tuple(parts[:at]), is_hidden)

    def _is_included_at(self, path: str, number: int) -> bool:
        return self._is_included("/".join(path.split("/")[: number + 1]))

    def defaults(self, text: Text) -> dict[str, Any]:
        """Return the front matter that a text shares with others: the scope with the longest path counts most, then one with a type."""
        values: dict[str, Any] = {}
        for scope in self._defaults:
            if scope.holds(text, self._folder):
                both = [
                    each["categories"] for each in (values, scope.values) if isinstance(each.get("categories"), list)
                ]
                values |= scope.values
                if both:
                    values["categories"] = [name for names in both for name in names]
        return values

    def is_shown(self, collection: str) -> bool:
        """Return True if Jekyll makes a page of each text of a collection."""
        settings = self._settings.get(collection)
        return isinstance(settings, dict) and str(settings.get("output")).lower() == "true"

    def pattern_of(self, collection: str) -> str:
        """Return the pattern of addresses that a collection has of its own; empty if it has none."""
        settings = self._settings.get(collection)
        return str(settings.get("permalink") or "") if isinstance(settings, dict) else ""


class _Scope(NamedTuple):
    path: str
    kind: str
    values: dict[str, Any]

    @classmethod
    def of(cls, typed: dict[str, Any]) -> _Scope:
        scope, values = typed.get("scope"), typed.get("values")
        scope = scope if isinstance(scope, dict) else {}
        path, kind = str(scope.get("path") or "").lstrip("/"), str(scope.get("type") or "")
        return cls(path, kind, values if isinstance(values, dict) else {})

    def holds(self, text: Text, folder: str) -> bool:
        """Return True if the values are for a text.

        Args:
            folder: that of the collections.
        """
        if self.kind and self.kind != text.kind and (self.kind, text.kind) != ("posts", "drafts"):
            return False
        under = self.path.removeprefix(folder)
        if "*" in under:
            pattern = re.sub(r"(^|/)\*\*$", r"\1**/*", under.rstrip("/"))  # what lies in a folder, and not the folder
            return matches_any(text.path, (pattern, f"{pattern}/**/*"))
        return text.path.startswith(under)


def dated_name(stem: str) -> tuple[str, str]:
    """Return the date at the head of a file's name as `2020-01-04`, and the rest; no date, and the name, if it has none.

    >>> dated_name("2020-1-4-gale"), dated_name("gale")
    (('2020-01-04', 'gale'), ('', 'gale'))
    """
    found = _DATED.match(stem)
    if not found:
        return "", stem
    year = found[1] if len(found[1]) > 2 else f"{'19' if found[1] >= '69' else '20'}{found[1]}"
    return f"{year}-{found[2]:>02}-{found[3]:>02}", stem[found.end() :]


def _patterns(value: Any) -> list[str]:
    typed = value if isinstance(value, list) else [value]
    return [plain for each in typed if isinstance(each, str) and (plain := re.sub(r"^\.?/", "", each.strip()))]


def _plain(value: Any) -> str:
    return re.sub(r"^\.?/|^\.$", "", str(value or "")).strip("/")


def _entries(path: str) -> list[str]:
    """Return a path, and the folders above it."""
    parts = path.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _name(entry: str) -> str:
    return entry.rpartition("/")[2]


def _fits(entry: str, patterns: Sequence[str]) -> bool:
    """Return True if one of the patterns fits an entry or begins its path, as in Jekyll's EntryFilter."""
    return any(fnmatchcase(entry, each) or entry.startswith(each) or each == f"{entry}/" for each in patterns)
