"""What someone probably meant by a word that is not known."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_LONGEST = 60
"""Longer words are not compared: the time to compare grows with the square of their length."""
_MOST = 50
"""How many words of one file get a suggestion. Thousands of unknown keys or missing images would keep the parser busy for minutes."""


def closest(typed: str, known: Iterable[str]) -> str:
    """Return the known word that differs from `typed` by few mistakes; empty if none is close.

    Short words may have one mistake, those of five to seven letters two, and so on. Capitals, accents, hyphens and underscores do not count.
    """
    return _closest(typed, tuple(dict.fromkeys(known)))


@lru_cache(maxsize=256)  # archives have the same unknown keys in every article
def _closest(typed: str, known: tuple[str, ...]) -> str:
    wanted = _plain(typed)
    if not wanted or len(wanted) > _LONGEST:
        return ""
    found = [(_mistakes(wanted, _plain(word)), -_common_start(typed, word), word) for word in known if word != typed]
    mistakes, _, word = min(found, default=(len(wanted), 0, ""))
    return word if mistakes <= max(1, (min(len(wanted), len(_plain(word))) + 1) // 3) and mistakes < len(wanted) else ""


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return “did you mean `summary`?”, or nothing if no known word is close."""
    meant = closest(typed, known)
    return f"did you mean `{meant}`?" if meant else ""


class FewSuggestions:
    """Suggests words for the first words of a file alone."""

    def __init__(self) -> None:
        self._left = _MOST

    def did_you_mean(self, typed: str, known: Iterable[str]) -> str:
        """Return what `did_you_mean` does, or nothing if it was asked often enough."""
        self._left -= 1
        return did_you_mean(typed, known) if self._left >= 0 else ""


def _common_start(typed: str, word: str) -> int:
    return next((n for n, (one, other) in enumerate(zip(typed, word, strict=False)) if one != other), len(word))


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in letters if letter not in "-_ " and not unicodedata.combining(letter))


def _mistakes(typed: str, word: str) -> int:
    """Return how many letters are missing, added, wrong or swapped (the optimal string alignment distance)."""
    if abs(len(typed) - len(word)) > len(word) // 3 + 1:
        return len(typed) + len(word)
    before: list[int] = []
    row = list(range(len(word) + 1))
    for place, letter in enumerate(typed, 1):
        earlier, before, row = before, row, [place]
        for index, other in enumerate(word, 1):
            wrong = before[index - 1] + (letter != other)
            best = min(before[index] + 1, row[index - 1] + 1, wrong)
            if place > 1 and index > 1 and (letter, typed[place - 2]) == (word[index - 2], other):
                best = min(best, earlier[index - 2] + 1)
            row.append(best)
    return row[-1]
