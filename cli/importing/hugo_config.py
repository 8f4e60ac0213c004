"""The settings of a Hugo site: where they stand, what each language changes, and which folders hold texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .archives import Archive, ImportRefused
from .configs import read_config
from .front_matter import Matter

_FORMS = (".toml", ".yaml", ".yml", ".json")
CONFIGS = tuple(f"{stem}{form}" for stem in ("hugo", "config") for form in _FORMS)
_FOLDERS = ("config/_default", "config/production")
"""Folders of settings, the decisive one last; `production` is the environment of a build."""


class TextFolder(NamedTuple):
    """A folder of texts, or one file that is mounted.

    Attributes:
        language: empty for the site's.
        prefix: where Hugo mounts it within the site's texts, with a slash at its end.
        is_mounted: False if the settings mount other folders in its place, so that Hugo shows none of its texts.
    """

    name: str
    language: str = ""
    prefix: str = ""
    is_mounted: bool = True


class HugoConfig:
    """The settings.

    Attributes:
        values: those of the whole site, by key in lower case.
        default: the site's language.
        languages: the settings of each language, by its name in lower case.
    """

    def __init__(self, archive: Archive, root: str) -> None:
        self._archive, self._root = archive, root
        self.values = _read(archive, root)
        self.default = str(self.values.get("defaultcontentlanguage") or "en")
        typed = self.values.get("languages")
        languages: Mapping[str, Any] = typed if isinstance(typed, dict) else {}
        self._spellings = {code.casefold(): code for code in languages}
        self.languages = {code.casefold(): _lower(values) for code, values in languages.items()}

    def of(self, key: str, language: str = "") -> Any:
        """Return a setting as it counts for a language; the site's if that is empty."""
        own = self.languages.get((language or self.default).casefold(), {})
        return own.get(key, self.values.get(key))

    def text(self, key: str, language: str = "") -> str:
        """Return a setting as text; empty if there is none."""
        value = self.of(key, language)
        return value if isinstance(value, str) else ""

    def is_on(self, key: str) -> bool:
        """Return True for a flag of the whole site that is set."""
        return str(self.values.get(key, "")).lower() == "true"

    def language_in(self, stem: str) -> str:
        """Return the language at the end of a file's name, as the settings spell it; empty if there is none."""
        return self._spellings.get(stem.rpartition(".")[2].casefold(), "") if "." in stem else ""

    def foreign(self, language: str) -> str:
        """Return a language, or nothing for the site's."""
        return language if language.casefold() != self.default.casefold() else ""

    def is_disabled(self, language: str) -> bool:
        """Return True for a language of which Hugo makes no pages."""
        code = (language or self.default).casefold()
        named = self.values.get("disablelanguages")
        disabled = named.split() if isinstance(named, str) else named if isinstance(named, list) else []
        is_off = str(self.languages.get(code, {}).get("disabled", "")).lower() == "true"
        return is_off or code in [str(each).casefold() for each in disabled]

    def permalinks(self, language: str) -> dict[str, str]:
        """Return the patterns of addresses by section."""
        permalinks = self.of("permalinks", language)
        permalinks = permalinks if isinstance(permalinks, dict) else {}
        pages = permalinks.get("page")
        flat = {**permalinks, **(pages if isinstance(pages, dict) else {})}
        return {str(key).lower(): value for key, value in flat.items() if isinstance(value, str)}

    def date_names(self, field: str) -> list[str]:
        """Return from where a date of front matter comes (`frontmatter`); empty for Hugo's own order."""
        names = _lower(self.values.get("frontmatter")).get(field)
        return [str(name).lower() for name in (names if isinstance(names, list) else [names] if names else [])]

    def settle_dates(self, matter: Matter) -> None:
        """Set each date of front matter from the key that the settings name for it."""
        for field in ("date", "publishdate", "expirydate", "lastmod"):
            for name in self.date_names(field):
                key = "" if name.startswith(":") else matter.key_of(name)
                if key:
                    matter.values[matter.key_of(field) or field] = matter.values[key]
                if key or name == ":default":
                    break

    def text_folders(self, content: str) -> list[TextFolder]:
        """Return the folders of texts (gohugo.io/content-management/multilingual).

        The longest path comes first, because one folder may lie in another.

        Args:
            content: the folder if the settings name none.
        """
        top = self._path(self.values.get("contentdir"))
        found = [TextFolder(top if top and self._archive.under(top) else content)]
        for code, values in self.languages.items():
            folder = self._path(values.get("contentdir"))
            if folder and self._archive.under(folder):
                language = self.foreign(self._spellings[code])
                found = [each for each in found if each.name != folder or language]
                found.append(TextFolder(folder, language))
        if mounts := self._mounts():
            names = {each.name for each in mounts}
            found = [*mounts, *(each._replace(is_mounted=False) for each in found if each.name not in names)]
        return sorted(found, key=lambda each: -len(each.name))

    def _path(self, typed: Any) -> str:
        plain = str(typed or "").strip("./")
        return f"{self._root}{plain}" if plain else ""

    def _mounts(self) -> list[TextFolder]:
        """Return what `module.mounts` mounts among the texts, as far as the archive holds it."""
        module = self.values.get("module")
        mounts = _lower(module).get("mounts")
        found = []
        for mount in map(_lower, mounts if isinstance(mounts, list) else []):
            source, target = self._path(mount.get("source")), str(mount.get("target") or "").strip("/")
            is_there = source in self._archive or self._archive.under(source)
            if source and is_there and f"{target}/".startswith("content/"):
                language = mount.get("lang")
                prefix = target.removeprefix("content").strip("/")
                code = self.foreign(language) if isinstance(language, str) and language else ""
                found.append(TextFolder(source, code, f"{prefix}/" if prefix else ""))
        return found


def _read(archive: Archive, root: str) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name in CONFIGS:
        if f"{root}{name}" in archive:
            config |= read_config(archive, f"{root}{name}")
    for folder in _FOLDERS:
        for name in archive.under(f"{root}{folder}"):
            stem, suffix = PurePosixPath(name).stem.lower(), PurePosixPath(name).suffix
            if suffix in _FORMS:
                found = read_config(archive, name)
                _merge(config, found if stem in ("hugo", "config") else {stem: found})
    return config


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            into[key] = value


def _lower(values: Any) -> dict[str, Any]:
    """Return a mapping with its keys in lower case; an empty one for anything else."""
    return {str(key).lower(): value for key, value in values.items()} if isinstance(values, dict) else {}


def names_text_folders(archive: Archive, root: str) -> bool:
    """Return True if the settings in a folder name folders of texts that the archive holds."""
    try:
        return any(each.name and each.is_mounted for each in HugoConfig(archive, root).text_folders(""))
    except ImportRefused:
        return False
