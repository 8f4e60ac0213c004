"""Images and attachments: finding them in the archive, and the names that they get beside a draft."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Protocol
from urllib.parse import unquote

from nightdesk.domain.attachments import ATTACHMENT_TYPES
from nightdesk.domain.text import slugify
from nightdesk.repositories.private_bucket import IMAGE_TYPES

from .addresses import parts_of
from .archives import Archive

_RESIZED = re.compile(r"(-\d+x\d+|-scaled|@2x|/size/w\d+(?:h\d+)?)(?=[./])")
"""What WordPress adds to the names of resized images, and Ghost to their paths."""

_TELLING = 8
"""A name of so many letters, such as a photo's number, is no common one like `image`."""


_UPLOADS = re.compile(r"/wp-content/|\.files\.wordpress\.com/|/uploads/\d{4}/\d\d/", re.IGNORECASE)
_SIZE = re.compile(r"-\d{1,5}x\d{1,5}(?=\.\w+$)")
"""The end of the name of a smaller copy that WordPress made of an image, and put beside it."""


class Store(Protocol):
    """What files are read from: an archive, or a text that holds them."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""


class Found(NamedTuple):
    """A file in an archive."""

    store: Store
    name: str


class InlineImage:
    """An image whose bytes stand in a text."""

    path = Path("inline")

    def __init__(self, data: bytes) -> None:
        self._data = data

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open the image."""
        yield io.BytesIO(self._data)

    def read(self, name: str) -> bytes:
        """Return the image."""
        return self._data


def inline_image(address: str) -> Found | None:
    """Return the image that a `data:` address holds; None if it holds none of a kind that articles may have."""
    found = re.match(r"data:image/([a-z0-9.+-]+)(?:;[a-z-]+=[^;,]*)*;base64,", address, re.IGNORECASE)
    suffix = f".{found[1].lower().replace('jpeg', 'jpg')}" if found else ""
    if not found or suffix not in IMAGE_TYPES:
        return None
    try:
        data = base64.b64decode(unquote(re.sub(r"\s+", "", address[found.end() :])), validate=True)
    except ValueError:
        return None
    return Found(InlineImage(data), f"image-{hashlib.sha256(data).hexdigest()[:12]}{suffix}") if data else None


class Media:
    """Finds images and attachments by their addresses.

    Args:
        stores: the archive itself, and the folders of images that were named besides.
    """

    def __init__(self, stores: Sequence[Archive]) -> None:
        self._stores = stores
        self._by_name: dict[str, list[Found]] = defaultdict(list)
        self._by_stem: dict[str, list[Found]] = defaultdict(list)
        for store in stores:
            for name in store.names:
                path = PurePosixPath(name)
                if path.suffix.lower() in ATTACHMENT_TYPES:
                    self._by_name[path.name.casefold()].append(Found(store, name))
                if path.suffix.lower() in IMAGE_TYPES:
                    self._by_name[path.name.casefold()].append(Found(store, name))
                    self._by_stem[path.stem.casefold()].append(Found(store, name))

    def find(
        self, address: str, names: Sequence[str], least: int = 1, kinds: Container[str] = IMAGE_TYPES
    ) -> Found | None:
        """Return the file for an address.

        Args:
            least: how many parts at the end of the path must be the same, if it lies at none of `names`.
            names: names at which it may lie in the first archive; if it lies at none of them, the file whose path ends most
                like the address is taken, unless several end alike.
            kinds: the suffixes that the file may have.
        """
        path = unquote(parts_of(address).path)
        found = next((name for name in names if name in self._stores[0] and _suffix(name) in kinds), None)
        exact = Found(self._stores[0], found) if found else self._alike(path, least, kinds)
        if exact:
            return self._original(exact, address) or exact
        return self._alike(_RESIZED.sub("", path), least, kinds)

    def _original(self, found: Found, address: str) -> Found | None:
        """Return the image that a file of WordPress is a smaller copy of; None for any other file."""
        size = _SIZE.search(found.name)
        if not size or not _UPLOADS.search(unquote(address)):
            return None
        for end in ("-scaled", ""):
            name = PurePosixPath(found.name[: size.start()] + end + found.name[size.end() :])
            for each in self._by_name.get(name.name.casefold(), ()):
                if each.store is found.store and PurePosixPath(each.name).parent == name.parent:
                    return each
        return None

    def find_by_name(self, address: str, kinds: Container[str] = IMAGE_TYPES) -> Found | None:
        """Return the one file with the name of an address, if the name tells, from the archives that hold nothing but images."""
        name = PurePosixPath(unquote(parts_of(address).path)).name.casefold()
        found = [each for each in self._by_name.get(name, ()) if each.store is not self._stores[0]]
        is_telling = len(PurePosixPath(name).stem) >= _TELLING and PurePosixPath(name).suffix in kinds
        return found[0] if is_telling and len(found) == 1 else None

    def at(self, name: str) -> Found:
        """Return a file of the archive itself."""
        return Found(self._stores[0], name)

    def _alike(self, path: str, least: int, kinds: Container[str]) -> Found | None:
        wanted = [part.casefold() for part in path.split("/") if part not in ("", ".", "..")]
        if not wanted:
            return None
        candidates = self._by_name.get(wanted[-1]) or ([] if "." in wanted[-1] else self._by_stem.get(wanted[-1], []))
        candidates = [found for found in candidates if _suffix(found.name) in kinds]
        ranked = sorted(((_common(found.name, wanted), found) for found in candidates), key=lambda pair: -pair[0])
        if not ranked or ranked[0][0] < least or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return ranked[0][1]


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _common(name: str, wanted: list[str]) -> int:
    """Return how many parts at the end of two paths are the same."""
    parts = [part.casefold() for part in name.split("/")]
    count = 0
    for mine, theirs in zip(reversed(parts), reversed(wanted), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


class ImageNames:
    """Gives each image and attachment of a draft a unique name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def name(self, source: str) -> str:
        """Return the name beside the draft of the file that is known as `source`."""
        if source in self._names:
            return self._names[source]
        path = PurePosixPath(unquote(parts_of(source).path))
        stem, suffix = slugify(path.stem)[:80] or "image", path.suffix.lower()
        name, number = f"{stem}{suffix}", 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._names[source] = name
        self._taken.add(name)
        return name


def is_image(address: str) -> bool:
    """Return True if an address ends like that of an image."""
    return PurePosixPath(parts_of(address).path).suffix.lower() in IMAGE_TYPES
