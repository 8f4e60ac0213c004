"""Names of the files beside a draft, compared as people type them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from nightdesk.domain.suggestions import FewSuggestions

_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
"""Soft hyphens, joiners, direction marks and variation selectors."""


def composed(name: str) -> str:
    """Return a name with composed letters (NFC). A Mac stores decomposed ones."""
    return unicodedata.normalize("NFC", name)


def plain_name(name: str) -> str:
    """Return a form that is equal for names that look alike: it ignores capitals, ligatures, invisible characters and kinds of spaces.

    >>> plain_name("Screenshot 9.41\u202fAM.PNG")
    'screenshot 9.41 am.png'
    """
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", name).casefold()).split())


class FileNames:
    """Finds files by name: an exact match first, then one in other capitals, then one that looks alike.

    Args:
        keys: the files' keys.
        folder: the prefix of the keys that names leave out; empty for a draft without a folder, which has no files.
    """

    def __init__(self, keys: Iterable[str], folder: str) -> None:
        found = sorted(keys, reverse=True) if folder else []
        self._exact = {composed(key.removeprefix(folder)): key for key in found}
        ascending = list(reversed(self._exact.items()))
        self._folded = {name.casefold(): key for name, key in ascending}
        self._plain = {plain_name(name): key for name, key in ascending}
        self._few = FewSuggestions()

    def key_of(self, name: str, raw: str = "") -> str | None:
        """Return the key of the file that a name means; None if there is none.

        Args:
            name: the name, decoded and composed.
            raw: the name as typed, for a file whose name on disk is percent-encoded.
        """
        return (
            self._exact.get(name)
            or self._exact.get(raw)
            or self._folded.get(name.casefold())
            or self._plain.get(plain_name(name))
        )

    def meant(self, name: str) -> str:
        """Return a suggestion for a name that no file has; empty if no file's name is close."""
        same = self._by_last_part.get(_last_part(name))
        return f"did you mean `{same}`?" if same else self._few.did_you_mean(name, self._exact)

    @cached_property
    def _by_last_part(self) -> dict[str, str]:
        """Names by the plain form of their last part, with and without its suffix."""
        lasts = [(_last_part(name), name) for name in self._exact]
        return {last.rpartition(".")[0]: name for last, name in lasts} | dict(lasts)


def _last_part(name: str) -> str:
    """Return the plain form of the last part of a path."""
    return plain_name(name.replace("\\", "/").rpartition("/")[2])
