"""Pure functions of the product whose results are remembered: a history and its reference run render the same few articles again and again.

Results are known by everything that a function gets, in full. What it looks up while it runs is part of that: a result counts
only if each look-up is answered as it was then. `test_remembered` compares histories with and without this.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.site import Site
from nightdesk.domain.site_links import SlugOf
from nightdesk.ports import Output
from nightdesk.usecases.pipeline import (
    converge,
    gate,
    list_outputs,
    lists,
    render_document,
    render_draft,
    render_profile,
    site_refresh,
    standing_pages,
)
from nightdesk.usecases.pipeline.render_document import Filing, FoundImage, Images

from .theme import PlainTheme

_MOST = 20_000
"""So many results of each function are remembered; then all are forgotten."""
_MADE = (
    (gate, "make_outputs"),
    (lists, "list_outputs"),
    (lists, "directory_html"),
    (list_outputs, "list_html"),
    (standing_pages, "corrections_html"),
    (standing_pages, "page_html"),
    (site_refresh, "sign_in_html"),
    (site_refresh, "code_html"),
    (site_refresh, "search_html"),
)
"""Where the functions that make pages are used. What they return is not changed, but for lists, which are copied."""


class Memory:
    """What functions returned, by their names and by what they got."""

    def __init__(self) -> None:
        self.results: dict[str, dict[bytes, Any]] = {}
        self._texts = io.BytesIO()
        self._pickler = pickle.Pickler(self._texts, 5)
        self._pickler.fast = True  # the same bytes for all that is equal, shared or not
        self._pickler.dispatch_table = {
            MappingProxyType: lambda mapping: (dict, (dict(mapping),)),
            PlainTheme: lambda theme: (int, (theme.number,)),
            Site: lambda site: (int, (self._number_of(site),)),
        }
        self._sites: dict[int, tuple[Site, int]] = {}
        self._numbers: dict[str, int] = {}
        self._fingerprints: dict[int, tuple[Output, str]] = {}

    def results_of(self, name: str) -> dict[bytes, Any]:
        """Return what a function returned so far."""
        results = self.results.setdefault(name, {})
        if len(results) >= _MOST:
            results.clear()
        return results

    def key_of(self, given: object) -> bytes:
        """Return a key that is the same only for equal values."""
        self._texts.seek(0)
        self._texts.truncate()
        self._pickler.dump(given)
        return self._texts.getvalue()

    def fingerprint(self, output: Output, make: Callable[[Output], str]) -> str:
        """Return the digest of an object to write, which is remembered for the very same object."""
        known = self._fingerprints.get(id(output))
        if known is None:
            if len(self._fingerprints) >= _MOST:
                self._fingerprints.clear()
            known = self._fingerprints[id(output)] = (output, make(output))
        return known[1]

    def _number_of(self, site: Site) -> int:
        """Return a number that settings share with equal ones. They have many attributes and are the same object most of the time."""
        known = self._sites.get(id(site))
        if known is None:
            number = self._numbers.setdefault(repr(site), len(self._numbers))
            known = self._sites[id(site)] = (site, number)
        return known[1]


_memories: list[Memory] = []


@contextmanager
def using(memory: Memory) -> Iterator[None]:
    """Use another memory for a while: what a planted bug makes must not be taken for what is right, nor the other way round."""
    _memories.append(memory)
    try:
        yield
    finally:
        _memories.pop()


@contextmanager
def remembering() -> Iterator[None]:
    """Let pure functions remember their results."""
    with ExitStack() as patches:
        patches.enter_context(using(Memory()))
        for module, name in _MADE:
            patches.enter_context(patch.object(module, name, _remembered(getattr(module, name))))
        fingerprint = converge._fingerprint
        patches.enter_context(
            patch.object(converge, "_fingerprint", lambda output: _memories[-1].fingerprint(output, fingerprint))
        )
        read_draft, read_profile = render_document.read_draft, render_profile.read_profile
        patches.enter_context(patch.object(render_draft, "read_draft", _draft_reader(read_draft)))
        patches.enter_context(patch.object(render_profile, "read_profile", _profile_reader(read_profile)))
        yield


def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    name = function.__name__

    @wraps(function)
    def answer(*given: Any) -> Any:
        memory = _memories[-1]
        results, key = memory.results_of(name), memory.key_of(given)
        if key not in results:
            results[key] = function(*given)
        result = results[key]
        return list(result) if isinstance(result, list) else result

    return answer


def _draft_reader(read: Callable[..., Any]) -> Callable[..., Any]:
    def read_draft(
        raw: bytes, parsed_key: DraftsKey, site: Site, profiles: Container[str], images: Images, filing: Filing
    ) -> Any:
        def read_with(images: Images, slug_of: SlugOf) -> Any:
            return read(raw, parsed_key, site, profiles, images, filing._replace(slug_of=slug_of))

        given = (raw, parsed_key, site, profiles, filing.at)
        return _traced("read_draft", given, images, filing.slug_of, read_with)

    return read_draft


def _profile_reader(read: Callable[..., Any]) -> Callable[..., Any]:
    def read_profile(
        raw: bytes, parsed_key: DraftsKey, images: Images, site: Site, languages: Sequence[str], slug_of: SlugOf
    ) -> Any:
        def read_with(images: Images, slug_of: SlugOf) -> Any:
            return read(raw, parsed_key, images, site, languages, slug_of)

        return _traced("read_profile", (raw, parsed_key, site, languages), images, slug_of, read_with)

    return read_profile


def _traced(
    name: str, given: object, images: Images, slug_of: SlugOf, read: Callable[[Images, SlugOf], Any]
) -> Any:  # fmt: skip
    """Return what a file reads, remembered together with each image and each draft's name that was looked up for it.

    Until a look-up is answered otherwise, reading looks up the same in the same order. So nothing is looked up here that reading
    would not look up.
    """
    memory = _memories[-1]
    key = memory.key_of((given, sorted(images)))
    traces = memory.results_of(name).setdefault(key, [])
    ask = {"image": images.__getitem__, "slug": slug_of}
    for trace, result in traces:
        if all(ask[kind](asked) == answered for kind, asked, answered in trace):
            return result
    noted: list[tuple[str, str, Any]] = []

    def note_slug(asked: str) -> str:
        noted.append(("slug", asked, slug_of(asked)))
        return str(noted[-1][2])

    result = read(_NotedImages(images, noted), note_slug)
    traces.append((noted, result))
    return result


class _NotedImages(Mapping[str, FoundImage]):
    """Images whose look-ups are noted."""

    def __init__(self, images: Images, noted: list[tuple[str, str, Any]]) -> None:
        self._images, self._noted = images, noted

    def __getitem__(self, key: str) -> FoundImage:
        found = self._images[key]
        self._noted.append(("image", key, found))
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._images

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)
