"""The CDN of a simulated world, for all readers that there could be.

Nobody need be drawn to read at some moment: for each key the cache holds *every* answer that a reader could have put
there since it was last made to forget. Once all is quiet, each of them must be what the site has now.

That there is nothing at a key is not held: the template has CloudFront keep no answer of 404.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nightdesk.usecases.ports import Output


@dataclass(slots=True)
class Teller:
    """A run that makes the cache forget: when it began, and when it ended well (or never did)."""

    name: str
    began: int
    ended: int | None = None


@dataclass(slots=True)
class _Kept:
    """What may be cached of a key, when it was last written, and who last had it forgotten; `tags` are all it ever had."""

    held: list[Output] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    now: Output | None = None
    written: int = 0
    teller: Teller | None = None


class Cache:
    """The port, and what may be cached.

    Args:
        tick: the world's count of calls, which orders all that happens.
    """

    def __init__(self, tick: Callable[[], int]) -> None:
        self._tick = tick
        self._kept: dict[str, _Kept] = {}
        self._references: dict[str, tuple[str, ...]] = {}
        self.teller: Teller | None = None
        self.needless: list[str] = []

    def wrote(self, key: str, output: Output | None) -> None:
        """The site has another answer at a key; whoever read before may have left an older one here."""
        kept = self._kept.setdefault(key, _Kept())
        if output:
            kept.held.append(output)
            kept.tags.update(_tags(output))
        kept.now = output
        kept.written = self._tick()

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        """As CloudFront: a reference that comes again with the same paths does nothing, with others it is an error."""
        if reference in self._references:
            assert self._references[reference] == tuple(paths), f"{reference} was used for other paths"
            return
        self._references[reference] = tuple(paths)
        for path in paths:
            self._forget(path)

    def _forget(self, path: str) -> None:
        """Forget what is held under a path or a tag. A reader may be quick to put there again what the site has now.

        A tag of an article or of a front stands for all that bears it. Other tags are shared by many that a change touched
        with others that it did not: they are right where anything under them was written, and prove nothing later.
        """
        assert self.teller  # only runs have this port
        shared = path.startswith("#") and not path.startswith(("#article-", "#front-"))
        tag = path[1:] if path.startswith("#") else ""
        covered = [kept for key, kept in self._kept.items() if (tag in kept.tags if tag else key == path[1:])]
        known = all(self._is_known(kept) for kept in covered)
        for kept in covered:
            left = [output for output in kept.held if tag and tag not in _tags(output)]
            kept.held = [*left, kept.now] if kept.now and kept.now not in left else left
            if not shared:
                kept.teller = self.teller
        if known:
            self.needless.append(f"{path}, by {self.teller.name}")

    def _is_known(self, kept: _Kept) -> bool:
        """Whether a key's newest write had been invalidated, to the knowledge of who does so now.

        A run that died, or whose answer was lost, after telling the cache tells it again; and of two runs at once neither
        knows of the other. Both are the price of never telling too little.
        """
        before, now = kept.teller, self.teller
        if before is None or before.ended is None or now is None:
            return False
        return kept.written < before.began and before.ended < now.began

    def stale(self) -> list[str]:
        """Keys that some reader may still get otherwise than the site has them; error pages are asked for by no address."""
        found = [key for key, kept in self._kept.items() if any(output != kept.now for output in kept.held)]
        return sorted(key for key in found if not key.startswith("~errors/"))


def _tags(output: Output) -> list[str]:
    return output.metadata.get("cache-tag", "").split(",")
