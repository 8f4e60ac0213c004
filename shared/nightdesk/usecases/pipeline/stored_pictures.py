"""What is stored of pictures and attachments, as reconcile compares it: by names, which stand for bytes, so that none is read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nightdesk.domain.events import PictureRequested, SocialCardRequested
from nightdesk.domain.pictures import Derivatives
from nightdesk.ports import ANY, Blob, InParallel, Objects, Output, Ports, Stat
from nightdesk.repositories.private_bucket import ATTACHMENTS, DERIVATIVES, INSPECTIONS, RENDITIONS, rendition_key

HERE = b"as stored"
"""Stands for the bytes of a picture or an attachment that is stored."""
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_FILE = re.compile(r"(articles|authors|topics)/.*\.[0-9a-f]{64}(-\d+(-still)?)?(\.public)?\.[a-z0-9]+")


class _WithPictures:
    """A private bucket in memory that has what the images stage has written to another one, and the attachments kept there.

    A list of renditions of which one is not stored any more counts as missing, so that it is requested again.
    """

    def __init__(self, inner: Objects, stored: Objects, in_parallel: InParallel) -> None:
        self._inner, self._stored = inner, stored
        known = [key for folder in (INSPECTIONS, DERIVATIVES) for key, _ in stored.list(folder)]
        self._facts = dict(zip(known, in_parallel(stored.get, known), strict=True))
        self._renditions = {key for key, _ in stored.list(RENDITIONS)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get(self, key: str, version: str = "") -> Blob | None:
        if key.startswith(ATTACHMENTS):
            seen = self.stat(key)
            return Blob(HERE, seen.version, seen.etag, _UNKNOWN, seen.metadata) if seen else None
        is_fact = key.startswith((INSPECTIONS, DERIVATIVES))
        blob = self._facts.get(key) if is_fact else self._of(key).get(key, version)
        if not blob or not key.startswith(DERIVATIVES):
            return blob
        listed = Derivatives.from_bytes(blob.body).renditions
        return blob if all(rendition_key(each.sha256) in self._renditions for each in listed) else None

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        self._inner.put(replace(output, body=HERE), expected)

    def stat(self, key: str) -> Stat | None:
        if key.startswith(ATTACHMENTS):
            return self._inner.stat(key) or self._stored.stat(key)
        return self._of(key).stat(key)

    def _of(self, key: str) -> Objects:
        return self._stored if key.startswith((INSPECTIONS, DERIVATIVES, RENDITIONS)) else self._inner


def with_pictures(world: Ports, ports: Ports) -> Ports:
    """Return the ports of a world in memory in which the pictures of the present site are stored."""
    for folder in ("articles/", "authors/", "topics/"):
        for key, size in ports.site.sizes(folder).items():
            if size and _FILE.fullmatch(key):
                world.site.put(Output(key, HERE, ""), ANY)
    return replace(world, private=_WithPictures(world.private, ports.private, ports.in_parallel))


def missing_pictures(world: Ports) -> list[tuple[str, str, str]]:
    """Return what the pages of a world in memory wait for: who shows it, the order, and what there is (`PictureRequested`)."""
    events = list(world.bus.events)  # type: ignore[attr-defined]  # it is in memory
    return sorted(
        {(event.owner, event.picture, event.instead_of) for event in events if isinstance(event, PictureRequested)}
    )


def missing_social_cards(world: Ports) -> set[tuple[str, str]]:
    """Return the social cards that pages of a world in memory wait for, each with the path of the page."""
    events = list(world.bus.events)  # type: ignore[attr-defined]  # it is in memory
    return {(event.page, event.card) for event in events if isinstance(event, SocialCardRequested)}
