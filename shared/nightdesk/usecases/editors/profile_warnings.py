"""Warnings about the authors and topics that a file names: no profile, or the name of another one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

from nightdesk.domain.documents import Document
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.profile_uses import ProfileUse, profile_uses
from nightdesk.domain.suggestions import did_you_mean
from nightdesk.domain.text import spelling
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import facts_from, profile_ids, profile_key

_OTHER_ARTICLES = 3
"""How many of the newest articles of an author or topic are asked for the name that they use."""
_FOLDERS = {"author": "authors", "topic": "topics"}


class KnownNames(Protocol):
    """What is known of authors and topics (`kind`) besides the draft."""

    def profile_name(self, kind: str, identifier: str) -> str | None:
        """Return the name in a profile, empty if it is not known; None if there is no profile."""

    def profile_ids(self, kind: str) -> Iterable[str]:
        """Return the ids that have profiles."""

    def used_name(self, kind: str, identifier: str) -> str:
        """Return the name that other articles use for an id; empty if none does."""


class StoredNames:
    """The names on the site.

    Args:
        slug: of the article in question, which does not count as another.
    """

    def __init__(self, ports: Ports, slug: str) -> None:
        self._ports = ports
        self._slug = slug

    def profile_name(self, kind: str, identifier: str) -> str | None:
        blob = self._ports.private.get(profile_key(kind, identifier))
        return str(facts_from(blob.body)["name"]) if blob else None

    def profile_ids(self, kind: str) -> Iterable[str]:
        return profile_ids(kind, self._ports)

    def used_name(self, kind: str, identifier: str) -> str:
        for entry in articles_table.newest(self._ports.articles, f"{kind}:{identifier}", _OTHER_ARTICLES):
            named = [*entry.card["authors"], *([entry.card["topic"]] if entry.card["topic"] else [])]
            for found, name in named if entry.card["slug"] != self._slug else ():
                if found == identifier:
                    return str(name)
        return ""


class FolderNames:
    """The names in a folder of drafts.

    Args:
        profiles: the keys of all profiles (`authors/<id>.json`, `topics/<id>.json`); a mapping if their names are known.
        used: the name that another draft uses for each kind and id; this draft's names are added.
    """

    def __init__(self, profiles: Container[str], used: MutableMapping[tuple[str, str], str]) -> None:
        self._profiles = profiles
        self._used = used

    def profile_name(self, kind: str, identifier: str) -> str | None:
        key = profile_key(kind, identifier)
        if isinstance(self._profiles, Mapping):
            return self._profiles.get(key)
        return "" if key in self._profiles else None

    def profile_ids(self, kind: str) -> Iterable[str]:
        prefix = f"{_FOLDERS[kind]}/"
        keys = self._profiles if isinstance(self._profiles, Iterable) else ()
        return [key.removeprefix(prefix).removesuffix(".json") for key in keys if key.startswith(prefix)]

    def used_name(self, kind: str, identifier: str) -> str:
        return self._used.get((kind, identifier), "")

    def remember(self, document: Document) -> None:
        """Add the names that a draft uses."""
        for use in uses_of(document):
            if use.name:
                self._used.setdefault((use.kind, use.id), use.name)


def profile_warnings(
    uses: Iterable[ProfileUse], known: KnownNames, read: Callable[[], bytes] = bytes
) -> list[dict[str, Any]]:
    """Return a warning for each author and topic without a profile, or with the name of another one.

    Args:
        read: returns the bytes of the draft that names them, to find the lines of uses without one. It is called only if
            there is something to warn of.
    """
    found = [(use, warning) for use in uses if (warning := _warning(use, known))]
    if any(not use.line for use, _ in found):
        lines = {(use.kind, use.id): use.line for use in reversed(profile_uses(read(), "draft"))}
        found = [(use, warning._replace(line=use.line or lines.get((use.kind, use.id), 0))) for use, warning in found]
    return [warning.to_json() for _, warning in found]


def uses_of(document: Document) -> list[ProfileUse]:
    """Return the authors and topics of an article; a document does not tell their lines."""
    authors = [ProfileUse("author", identifier, "authors", name=name) for identifier, name in document.authors]
    return authors + [ProfileUse("topic", identifier, "topics", name=name) for identifier, name in document.topics]


def topic_warnings(topic: str, ports: Ports) -> list[dict[str, Any]]:
    """Return the warnings about the topic of an update that is posted; an update need not have one."""
    uses = [ProfileUse("topic", topic, "topic", 1)] if topic else []
    return [{**warning, "line": 0} for warning in profile_warnings(uses, StoredNames(ports, ""))]


def _warning(use: ProfileUse, known: KnownNames) -> Problem | None:
    profile = known.profile_name(use.kind, use.id)
    other = profile or known.used_name(use.kind, use.id)
    if use.name and other and spelling(other) != spelling(use.name):
        return Kind.NAME_OF_ANOTHER.at(use.line, use.key, typed=use.name, other=other, id=use.id)
    if profile is not None:
        return None
    suggestion = did_you_mean(use.id, known.profile_ids(use.kind))
    return Kind.PROFILE_MISSING.at(use.line, use.key, suggestion, kind=_FOLDERS[use.kind], id=use.id)
