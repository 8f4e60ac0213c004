"""Images: identified by the SHA-256 of their bytes, and copied once to where no upload can change them.

A writer may replace an image in the drafts bucket at any moment, and S3's ETags are no proof of what it holds: they are MD5
digests, for which two files can be made to agree. So render reads each version of an image once, names it by its SHA-256,
and keeps a copy below that name in the private bucket. Previews, approvals and readers' pages all refer to this copy, and show
what the images stage derives from it (see `pictures`); the copy itself never leaves the private bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.documents import digest
from nightdesk.domain.drawings import REFUSED, image_refusal, refusal_of_drawing_size, rules_for
from nightdesk.domain.errors import Conflict
from nightdesk.domain.pictures import LARGEST_ORIGINAL, Inspection, refusal_of_size
from nightdesk.domain.uploaders import Uploader, uploader_of
from nightdesk.ports import Output, Ports
from nightdesk.repositories.drafts_bucket import newest_versions
from nightdesk.repositories.private_bucket import attachment_key, image_key, load_inspection, rendition_key
from nightdesk.usecases.pipeline import attachments
from nightdesk.usecases.pipeline.render_document import FoundImage, Images

KnownImages = Mapping[str, list[str]]
"""Of images that were read before, by key: the version, the SHA-256 or why it is not published, the uploader's id and role, the
time of the upload, whether it was inspected (of an attachment, its size), and the rules by which it was judged."""
Result = TypeVar("Result")
_UPLOAD = slice(2, 5)
_INSPECTED = 5
_RULES = slice(6, None)
_MOST_KNOWN = 400
"""So many fit into a record; the others are read again when their draft is rendered again."""


def is_cut(known: KnownImages) -> bool:
    """Return True if more images may have been read than are remembered."""
    return len(known) >= _MOST_KNOWN


def image_versions(folder: str, ports: Ports) -> tuple[tuple[str, str], ...]:
    """Return key and version id of each object in a file's folder; none for a file without one (empty)."""
    return tuple(newest_versions(folder, ports)) if folder else ()


class StoredImages:
    """The images and attachments in a file's folder, each of which is read and copied once.

    A drawing with active content (see `drawings`) or an image that is too large has `REFUSED` and the reason in place of a digest, and no copy.

    Args:
        versions: key and version id of each object.
        known: what an earlier run found. A version's bytes never change, so it is still right.
    """

    def __init__(self, versions: tuple[tuple[str, str], ...], known: KnownImages, ports: Ports) -> None:
        self._versions = dict(versions)
        self._known = known
        self._ports = ports
        self._found: dict[str, list[str]] = {}
        self._inspections: dict[str, Inspection | None] = {}

    def render(self, render: Callable[[Images], Result]) -> Result:
        """Return what `render` makes with what is known of each image that it looks up.

        It is called twice if it looks any up, first to learn which. The sanitiser calls back for each address and ignores
        exceptions, so nothing may be read in between: an image whose reading failed would be left out in silence.
        """
        wanted = _Wanted(self._versions)
        result = render(wanted)
        if not wanted.looked_up:
            return result
        # One after another, hundreds of look-ups would take longer than a run may.
        keys = sorted(wanted.looked_up - self._found.keys())
        self._found |= dict(zip(keys, self._ports.in_parallel(self._look_up, keys), strict=True))
        known = {key: self._found_image(key, found) for key, found in self._found.items()}
        return render(dict.fromkeys(self._versions, FoundImage()) | known)

    def _look_up(self, key: str) -> list[str]:
        version = self._versions[key]
        return self._inspected(key, self._known_of(key, version) or self._read(key, version))

    def upload_of(self, key: str) -> tuple[Uploader, datetime]:
        """Return who uploaded an image that was looked up, and when."""
        identifier, role, at = self._found[key][_UPLOAD]
        return Uploader(identifier, role), datetime.fromisoformat(at)

    def version_of(self, key: str) -> str:
        """Return the version of an image that was looked up."""
        return self._found[key][0]

    def _found_image(self, key: str, of: list[str]) -> FoundImage:
        known = of[1]
        if known.startswith(REFUSED):
            return FoundImage(refusal=known.removeprefix(REFUSED), acts=bool(rules_for(key)))
        if is_attachment(key):
            return FoundImage(known, size=int(of[_INSPECTED]))
        found = self._inspections[known]
        return FoundImage(known, found.refusal if found else "", found)

    def _inspected(self, key: str, found: list[str]) -> list[str]:
        """Return what is known of an image, and whether it was inspected.

        The latter changes the file's record. So of two runs, the one that knew less cannot write last unnoticed.
        """
        sha256 = found[1]
        if is_attachment(key):
            return found
        if not sha256.startswith(REFUSED) and sha256 not in self._inspections:
            self._inspections[sha256] = load_inspection(sha256, self._ports)
        inspected = self._inspections.get(sha256)
        return [*found[:_INSPECTED], digest(inspected.to_bytes())[:16] if inspected else "", *found[_RULES]]

    @property
    def looked_up(self) -> dict[str, list[str]]:
        """What to remember for the next run."""
        return dict(sorted(self._found.items())[:_MOST_KNOWN])

    def _known_of(self, key: str, version: str) -> list[str]:
        """Return what an earlier run found of this version by today's rules; empty for nothing."""
        known = list(self._known.get(key, ()))
        if known[:1] != [version] or len(known[_UPLOAD]) != 3 or known[_RULES] != _rules_for(key):
            return []
        # Even if its digest is known, its copy may have been lost.
        copy = attachment_key(known[1]) if is_attachment(key) else image_key(known[1])
        is_stored = known[1].startswith(REFUSED) or self._ports.private.stat(copy) is not None
        return known if is_stored else []

    def _read(self, key: str, version: str) -> list[str]:
        """Read a file, and store its copy unless it is stored already or must not be published."""
        if is_attachment(key):
            return attachments.keep_attachment(key, version, self._ports)
        # Read in chunks, because a writer may upload a file that is larger than the function's memory.
        found = self._ports.drafts.fingerprint(key, version, LARGEST_ORIGINAL)
        if found is None:
            raise Conflict(f"{key} was deleted while its draft was rendered")
        upload = [*uploader_of(found.metadata), found.modified.isoformat()]
        refusal = self._drawing_refusal(key, version, found.size) if rules_for(key) else refusal_of_size(found.size)
        if not refusal:
            self._keep(key, version, found.sha256)
        return [version, REFUSED + refusal if refusal else found.sha256, *upload, "", *rules_for(key)]

    def _drawing_refusal(self, key: str, version: str, size: int) -> str:
        if refusal := refusal_of_drawing_size(size):
            return refusal
        blob = self._ports.drafts.get(key, version)
        if blob is None:
            raise Conflict(f"{key} was deleted while its draft was rendered")
        return image_refusal(key, blob.body)

    def _keep(self, key: str, version: str, sha256: str) -> None:
        """Store the copy of an image unless it exists. A version's bytes never change, so the copy is what was read."""
        copy = Output(image_key(sha256), b"", "application/octet-stream")
        if self._ports.private.stat(copy.key) is not None:
            return
        try:
            self._ports.private.copy(self._ports.drafts, key, version, copy, None)
        except Conflict:
            if self._ports.private.stat(copy.key) is None:
                raise  # it was deleted, or another run that was storing it failed


def _rules_for(key: str) -> list[str]:
    return attachments.RULES if is_attachment(key) else rules_for(key)


class _Wanted(Mapping[str, FoundImage]):
    """Knows nothing of the images yet, and remembers which are looked up."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self.looked_up: set[str] = set()

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __getitem__(self, key: str) -> FoundImage:
        self.looked_up.add(key)
        return FoundImage()

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def read_original(sha256: str, ports: Ports) -> bytes:
    """Return the bytes of an image as it was uploaded.

    Raises:
        Conflict: there is no copy of these bytes; its draft must be rendered again.
    """
    return _read_verified(image_key(sha256), sha256, ports)


def read_rendition(sha256: str, ports: Ports) -> bytes:
    """Return the bytes of what was derived from an image.

    Raises:
        Conflict: they are not stored.
    """
    return _read_verified(rendition_key(sha256), sha256, ports)


def _read_verified(key: str, sha256: str, ports: Ports) -> bytes:
    blob = ports.private.get(key) if sha256 else None
    if blob is None or digest(blob.body) != sha256:
        raise Conflict("an image is not stored as its document names it")
    return blob.body
