"""The CDN of a simulated world, as seen by all possible readers.

No reads are simulated. Instead, for each key the cache holds *every* response that a reader could have put there since the
key was last invalidated. In the end, each of them must be what the site serves.

Absent objects are not held: the template configures CloudFront not to cache a 404. Neither is an object that says no-cache,
because the cache policy's minimum is 0 seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nightdesk.ports import Output


@dataclass(slots=True)
class RunTimes:
    """When a run began, and when it ended successfully (None: not yet, or never)."""

    name: str
    began: int
    ended: int | None = None


@dataclass(slots=True)
class _CachedKey:
    """What the cache may hold of a key.

    Attributes:
        responses: all that it may hold.
        tags: all tags that the key ever had.
        current: what the site serves now.
        written: when the site last changed.
        invalidated_by: the run that last invalidated the key.
    """

    responses: list[Output] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    current: Output | None = None
    written: int = 0
    invalidated_by: RunTimes | None = None


class Cache:
    """The CDN port.

    Args:
        tick: returns the number of calls in the world so far, which orders everything that happens.
    """

    def __init__(self, tick: Callable[[], int]) -> None:
        self._tick = tick
        self._keys: dict[str, _CachedKey] = {}
        self._references: dict[str, tuple[str, ...]] = {}
        self.run: RunTimes | None = None
        self.unnecessary: list[str] = []

    def site_changed(self, key: str, output: Output | None) -> None:
        """Note that the site serves something else at a key. Readers may have put the previous response into the cache."""
        cached = self._keys.setdefault(key, _CachedKey())
        if output and output.cache_control != "no-cache":
            cached.responses.append(output)
            cached.tags.update(_tags(output))
        cached.current = output
        cached.written = self._tick()

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        """Invalidate as CloudFront does: a repeated reference has no effect, and with other paths it is an error."""
        if reference in self._references:
            assert self._references[reference] == tuple(paths), f"{reference} was used for other paths"
            return reference
        self._references[reference] = tuple(paths)
        for path in paths:
            self._invalidate(path)
        return reference

    def is_complete(self, invalidation: str) -> bool:
        """Return True: here every edge location hears of an invalidation at once."""
        return invalidation in self._references

    def _invalidate(self, path: str) -> None:
        """Drop the responses at a path or with a tag. A reader may at once put there what the site serves now.

        The tag of an article or of a front is on everything that it invalidates. Other tags are shared by many pages, of
        which only some have changed: such an invalidation is necessary if any of them has, and says nothing of the others.
        """
        assert self.run  # only runs use this port
        shared = path.startswith("#") and not path.startswith(("#article-", "#front-"))
        tag = path[1:] if path.startswith("#") else ""
        covered = [cached for key, cached in self._keys.items() if (tag in cached.tags if tag else key == path[1:])]
        unnecessary = all(self._is_known_invalidated(cached) for cached in covered)
        for cached in covered:
            left = [output for output in cached.responses if tag and tag not in _tags(output)]
            cached.responses = [*left, cached.current] if cached.current and cached.current not in left else left
            if not shared:
                cached.invalidated_by = self.run
        if unnecessary:
            self.unnecessary.append(f"{path}, by {self.run.name}")

    def _is_known_invalidated(self, cached: _CachedKey) -> bool:
        """Return True if the current run could know that the key's newest write was invalidated.

        It cannot if the earlier run died or lost a response after invalidating, or if both ran at the same time. Then the
        second invalidation is the price of never missing one.
        """
        before, now = cached.invalidated_by, self.run
        if before is None or before.ended is None or now is None:
            return False
        return cached.written < before.began and before.ended < now.began

    def stale(self) -> list[str]:
        """Return the keys of which readers may still get an older response. No address leads to the error pages."""
        found = [key for key, it in self._keys.items() if any(output != it.current for output in it.responses)]
        return sorted(key for key in found if not key.startswith("~errors/"))


def _tags(output: Output) -> list[str]:
    return output.metadata.get("cache-tag", "").split(",")
