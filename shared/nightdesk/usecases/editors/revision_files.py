"""The files of an earlier revision: found in the drafts bucket's history, and put in their places again."""

from __future__ import annotations

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.documents import digest
from nightdesk.domain.errors import NotFound
from nightdesk.ports import ANY, Blob, Output, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import IMAGE_TYPES, image_key
from nightdesk.repositories.records import Revision
from nightdesk.usecases.pipeline.attachments import restore_attachment


def stored_revision(slug: str, key: str, number: int, ports: Ports) -> tuple[Revision, Blob]:
    """Return a revision's record and its file."""
    revision = articles_table.revision(ports.articles, key, number)
    if not revision:
        raise NotFound(f"{slug} has no revision {number}")
    file = ports.drafts.get(key, revision.file_version)
    if file is None:
        raise NotFound(f"the file of revision {number} of {slug} is no longer stored")
    return revision, file


def restore_file(key: str, sha256: str, ports: Ports) -> bool:
    """Put the version of an image or attachment with a SHA-256 in its place again. Return whether that wrote anything."""
    restore = restore_attachment if is_attachment(key) else _restore_image
    return restore(key, sha256, ports)


def _restore_image(image: str, sha256: str, ports: Ports) -> bool:
    """Put the version of an image with a SHA-256 in its place again. Return whether that wrote anything."""
    current = ports.drafts.get(image)
    if current and digest(current.body) == sha256:
        return False
    copy = ports.private.get(image_key(sha256))
    if copy:
        kind = IMAGE_TYPES["." + image.rsplit(".", 1)[1].lower()]
        ports.drafts.put(Output(image, copy.body, kind), ANY)
    return copy is not None
