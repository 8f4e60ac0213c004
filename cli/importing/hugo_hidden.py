"""What a Hugo site keeps from readers by its settings (`ignoreFiles`, `cascade`) or by the page of a section (`cascade`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .front_matter import Matter

_DECIDING = frozenset(
    [
        *("draft", "isdraft", "is_draft", "publish", "ispublished", "is_published", "public", "status", "password"),
        *("hidden", "private", "unlisted", "protected", "headless", "build", "_build"),
        *("publishdate", "publish_at", "pubdate", "published", "expirydate", "unpublishdate", "expires"),
        *("access", "visibility", "paywall", "premium", "members_only", "membersonly", "restricted"),
    ]
)
"""Keys of a cascade that decide who reads a text, and when."""
_MANY, _LONG = 2, 300
"""A pattern with more wildcards, or a longer name, counts as one that fits: it could take long, and in doubt a text is hidden."""
_GLOB = re.compile(r"\*{2,}|[*?{},]")
_PARTS = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


class Cascade(NamedTuple):
    """Values that count for all pages of a folder that have none of their own.

    Attributes:
        folder: within the archive; empty for the whole site.
        target: to which of these pages they are limited.
        source: the file that says so.
    """

    folder: str
    target: dict[str, Any]
    values: dict[str, Any]
    source: str


def cascades_in(value: Any, folder: str, source: str) -> list[Cascade]:
    """Return what a key `cascade` passes on, as far as it decides who reads a text."""
    found = []
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            target = each.get("target") or each.get("_target")
            values = {key: value for key, value in each.items() if key.lower() in _DECIDING}
            if values:
                found.append(Cascade(folder, target if isinstance(target, dict) else {}, values, source))
    return found


def apply(cascades: Iterable[Cascade], matter: Matter, path: str, language: str) -> list[str]:
    """Add to the front matter of a text what its cascades say, the nearest first, and return what was added.

    Args:
        path: of the text within the site's texts.
        language: the text's own, or the site's.
    """
    added = []
    for each in sorted(cascades, key=lambda cascade: -len(cascade.folder)):
        if (each.folder and not matter.source.startswith(f"{each.folder}/")) or not _fits(each.target, path, language):
            continue
        for key, value in each.values.items():
            if not matter.key_of(key):
                matter.values[key] = value
                shown = value if isinstance(value, str) else ", ".join(map(str, value))
                added.append(f"{key}: {shown} ({each.source})")
    return added


def _fits(target: Mapping[str, Any], path: str, language: str) -> bool:
    """Return True if the target of a cascade may mean a page."""
    place = PurePosixPath(f"/{path.lower()}")
    plain = place.with_name(place.name.split(".")[0] or "x")
    plain = plain.parent if plain.name in ("index", "_index") else plain
    names = {"path": (str(plain), str(place)), "lang": (language.lower(),), "environment": ("production",)}
    names["kind"] = ("section", "term", "taxonomy", "home") if "_index." in path else ("page",)
    return all(
        any(_matches(pattern.lower(), name) for name in names[key])
        for key, pattern in target.items()
        if key in names and isinstance(pattern, str) and pattern
    )


def _matches(pattern: str, name: str) -> bool:
    if len(re.findall(r"\*+", pattern)) > _MANY or len(name) > _LONG:
        return True
    parts, end = [], 0
    for found in _GLOB.finditer(pattern):
        parts.append(re.escape(pattern[end : found.start()]))
        is_choice = pattern.count("{", 0, found.start()) > pattern.count("}", 0, found.start())
        parts.append(_PARTS.get(found[0], "|" if is_choice else ",") if len(found[0]) == 1 else ".*")
        end = found.end()
    try:
        return re.fullmatch("".join(parts) + re.escape(pattern[end:]), name) is not None
    except re.error:
        return True


class Ignored:
    """The files that `ignoreFiles` names.

    Attributes:
        strange: patterns that are not understood; they count as if they named every file.
    """

    def __init__(self, typed: Any) -> None:
        patterns = [each for each in (typed if isinstance(typed, list) else [typed]) if isinstance(each, str) and each]
        self.strange = [each for each in patterns if not _is_simple(each)]
        self._patterns = [re.compile(each) for each in patterns if each not in self.strange]

    def __contains__(self, name: str) -> bool:
        if not self._patterns and not self.strange:
            return False
        return bool(self.strange) or len(name) > _LONG or any(pattern.search(f"/{name}") for pattern in self._patterns)


def _is_simple(pattern: str) -> bool:
    """Return True for an expression that Python reads, too, and that cannot take long."""
    plain = re.sub(r"\\.|\[[^\]]*\]", "x", pattern)
    if len(re.findall(r"[*+{]", plain)) > _MANY or re.search(r"\)[*+{]", plain):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def is_never_rendered(values: Mapping[str, Any]) -> bool:
    """Return True for a page that has no address, or that no list names (`build`)."""
    build = values.get("build") or values.get("_build")
    build = build if isinstance(build, dict) else {}
    render, listed = (str(build.get(key, "")).lower() for key in ("render", "list"))
    return render in ("never", "false", "link") or listed in ("never", "false")
