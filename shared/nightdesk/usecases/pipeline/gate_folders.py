"""Folders of pages and images: what one must contain, and how its objects are written to match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.domain.social_cards import CardOrder
from nightdesk.ports import Listed, Objects, Output, Ports, Stat
from nightdesk.repositories.private_bucket import IMAGE_TYPES
from nightdesk.usecases.pipeline.attachments import AttachmentCopy, copy_attachment
from nightdesk.usecases.pipeline.converge import store, store_over
from nightdesk.usecases.pipeline.images import read_rendition
from nightdesk.usecases.pipeline.social_cards import draw_headline

PAGE_CACHE = "public, max-age=0, s-maxage=86400, stale-while-revalidate=60"
_NO_METADATA: Mapping[str, str] = {}
Stored = Mapping[str, Listed]
"""What is stored in a folder, by key."""
_MISSING = Listed(0, "")


class ImageCopy(NamedTuple):
    """A picture to store in a folder.

    Attributes:
        target: the key to write. It names the SHA-256 of all renditions of the picture, or of what the card is drawn from, so it never
            stands for other bytes.
        sha256: of the rendition to copy; of a card with a headline, the name of its order.
        card: the order of a card with a headline, which is drawn rather than copied.
    """

    target: str
    sha256: str
    card: CardOrder | None = None

    def body(self, ports: Ports) -> bytes:
        """Return the bytes.

        Raises:
            Conflict: the rendition is not stored.
        """
        return draw_headline(self.card, ports) if self.card else read_rendition(self.sha256, ports)


class Folder(NamedTuple):
    """Everything that a folder contains.

    Attributes:
        image_cache: the Cache-Control header of images.
        image_metadata: the metadata of images and of their tombstones.
        tombstones: whether a tombstone replaces each image that does not belong there, instead of being deleted.
        attachments: with the headers and metadata of images.
    """

    prefix: str
    outputs: tuple[Output, ...]
    images: tuple[ImageCopy, ...] = ()
    image_cache: str = ""
    image_metadata: Mapping[str, str] = _NO_METADATA
    tombstones: bool = False
    attachments: tuple[AttachmentCopy, ...] = ()


def write_site_folder(folder: Folder, stored: Stored, ports: Ports) -> bool:
    """Make a folder of the site bucket match. Returns True if anything was written or deleted.

    Args:
        stored: what is in the folder.

    Raises:
        Conflict: another run wrote one of the objects meanwhile, or an image is not stored.
    """
    # Images first, so that no page shows one that is missing.
    copied = copy_images(folder, stored, ports.site, ports)
    wrote = store_outputs(folder, stored, ports.site, ports)
    return _remove_extras(folder, stored, ports.site) or wrote or copied


def write_preview_folder(folder: Folder, seen: Stat | None, ports: Ports, *, complete: bool) -> bool:
    """Make an article's preview folder match, as `write_site_folder` does.

    The page is written last. The pointer that ends a preview therefore stands for an empty folder, which need not be listed.

    Args:
        seen: the page that is stored.
        complete: whether to list the folder in any case, because a run that was overtaken may have written an image
            after the pointer.
    """
    [page] = folder.outputs
    ended = bool(page.metadata)
    if ended and not complete and (seen is None or "status" in seen.metadata):
        return store_over(seen, ports.private, page)
    stored = ports.private.listing(folder.prefix)
    copied = copy_images(folder, stored, ports.private, ports)
    removed = _remove_extras(folder, stored, ports.private)
    return store_outputs(folder, stored, ports.private, ports) or removed or copied


def copy_images(folder: Folder, stored: Stored, objects: Objects, ports: Ports) -> bool:
    """Copy the images and attachments that are missing or only tombstones. Returns True if any was written.

    An image that is there needs no comparison: its name follows from its SHA-256, and only this function writes such names,
    after it has compared the bytes with the digest.

    Args:
        stored: what is in the folder. Only tombstones are empty.

    Raises:
        Conflict: an image is not stored, or another run wrote one meanwhile.
    """
    missing = [image for image in folder.images if not stored.get(image.target, _MISSING).size]
    wrote = False
    sha256, body = "", b""
    # Those with the same bytes one after the other, so that each copy is read once and only one is in memory.
    for image in sorted(missing, key=lambda image: image.sha256):
        if image.sha256 != sha256:
            sha256, body = image.sha256, image.body(ports)
        content_type = IMAGE_TYPES["." + image.target.rsplit(".", 1)[1]]
        seen = objects.stat(image.target) if image.target in stored else None
        copy = Output(image.target, body, content_type, folder.image_cache, folder.image_metadata)
        wrote |= store_over(seen, objects, copy)
    return _copy_attachments(folder, stored, objects, ports) or wrote


def _copy_attachments(folder: Folder, stored: Stored, objects: Objects, ports: Ports) -> bool:
    missing = [each for each in folder.attachments if not stored.get(each.target, _MISSING).size]
    for each in missing:
        seen = objects.stat(each.target) if each.target in stored else None
        headers = Output(each.target, b"", "", folder.image_cache, folder.image_metadata)
        copy_attachment(each, headers, seen.etag if seen else None, objects, ports)
    return bool(missing)


def store_outputs(folder: Folder, stored: Stored, objects: Objects, ports: Ports) -> bool:
    """Store the pages of a folder unless they are stored already. Returns True if any was written."""

    def apply(output: Output) -> bool:
        return store_over(_seen(output, stored.get(output.key), objects), objects, output)

    return any(ports.in_parallel(apply, folder.outputs))


def _seen(output: Output, listed: Listed | None, objects: Objects) -> Stat | None:
    """Return what is stored at the key of a page. One of another size is another one, whatever its headers are."""
    if listed is None:
        return None
    if listed.size != len(output.body):
        return Stat(output.key, "", listed.etag, _NO_METADATA)
    return objects.stat(output.key)


def _remove_extras(folder: Folder, stored: Stored, objects: Objects) -> bool:
    """Remove the objects that do not belong in a folder, or replace them by tombstones. Returns True if any was changed."""
    wanted = {output.key for output in folder.outputs}
    wanted |= {image.target for image in folder.images} | {copy.target for copy in folder.attachments}
    shown = {output.key.rpartition("/")[0] for output in folder.outputs if folder.tombstones}
    changed = False
    for key in sorted(set(stored) - wanted):
        if key.rpartition("/")[0] in shown:
            metadata = {**folder.image_metadata, "status": "410"}
            changed |= store(objects, Output(key, b"", "text/plain", PAGE_CACHE, metadata))
        else:
            objects.delete(key)
            changed = True
    return changed
