"""The CDN of a simulated world, for all readers that there could be.

Nobody need be drawn to read at some moment: for each key the cache holds *every* answer that a reader could have put
there since it was last made to forget. Once all is quiet, each of them must be what the site has now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightdesk.usecases.ports import Output


@dataclass(slots=True)
class Teller:
    """A run that makes the cache forget: when it began, and when it ended well (or never did)."""

    name: str
    began: int
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    teller: Teller
    at: int


class Cache:
    """The port, and what may be cached.

    Args:
        tick: the world's count of calls, which orders all that happens.
    """

    def __init__(self, tick: Callable[[], int]) -> None:
        self._tick = tick
        self._held: dict[str, list[Output]] = {}
        self._there: dict[str, Output | None] = {}
        self._written: dict[str, int] = {}
        self._told: dict[str, _Told] = {}
        self._references: dict[str, tuple[str, ...]] = {}
        self.teller: Teller | None = None
        self.needless: list[str] = []

    def wrote(self, key: str, output: Output | None) -> None:
        """The site has another answer at a key; whoever read before may have left an older one here."""
        held = self._held.setdefault(key, [])
        if output:
            held.append(output)
        self._there[key] = output
        self._written[key] = self._tick()

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        """As CloudFront: a reference that comes again with the same paths does nothing, with others it is an error."""
        if reference in self._references:
            assert self._references[reference] == tuple(paths), f"{reference} was used for other paths"
            return
        self._references[reference] = tuple(paths)
        for path in paths:
            self._forget(path)

    def _forget(self, path: str) -> None:
        prefix = path[1:].removesuffix("*")
        keys = [key for key in self._held if key == prefix or (path.endswith("*") and key.startswith(prefix))]
        for key in keys:
            now = self._there[key]
            self._held[key] = [now] if now else []
        self._judge(path, max((self._written[key] for key in keys), default=0))

    def _judge(self, path: str, written: int) -> None:
        """Note an invalidation of a write that had been invalidated.

        A run that died, or whose answer was lost, after telling the cache tells it again; and of two runs at once neither
        knows of the other. Both are the price of never telling too little.
        """
        before = self._told.get(path)
        assert self.teller  # only runs have this port
        if before is None:
            known = not written
        else:
            ended = before.teller.ended
            known = written < before.teller.began and ended is not None and ended < self.teller.began
        if known:
            self.needless.append(f"{path}, by {self.teller.name}")
        self._told[path] = _Told(self.teller, self._tick())

    def stale(self) -> list[str]:
        """Keys that some reader may still get otherwise than the site has them.

        Error pages are asked for by no address; files named by their digest never change.
        """
        found = [key for key, held in self._held.items() if any(output != self._there[key] for output in held)]
        return sorted(key for key in found if not key.startswith("~errors/"))
