"""Attachments: identified by the SHA-256 of their bytes, and copied once to where no upload can change them, as images are.

No stage has the bytes in memory: each version is read piece by piece for its digest, and S3 makes every copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from nightdesk.domain.attachments import LARGEST_ATTACHMENT, content_type, disposition, refusal_of_size, served_name
from nightdesk.domain.documents import Document
from nightdesk.domain.drawings import REFUSED
from nightdesk.domain.errors import Conflict
from nightdesk.domain.uploaders import uploader_of
from nightdesk.ports import ANY, Objects, Output, Ports
from nightdesk.repositories.private_bucket import attachment_key

RULES = [str(LARGEST_ATTACHMENT)]
"""The rules by which attachments are judged, to be stored with the result."""


class AttachmentCopy(NamedTuple):
    """A copy to make: the key to write, the name in the document, and the SHA-256 of the bytes.

    The key names the SHA-256, so it never stands for other bytes.
    """

    target: str
    name: str
    sha256: str


def keep_attachment(key: str, version: str, ports: Ports) -> list[str]:
    """Read a version of an attachment, and store its copy unless it is stored already or cannot be downloaded.

    Returns:
        What is known of it, as in `images.KnownImages`, with its size in the place of an inspection.

    Raises:
        Conflict: it was deleted meanwhile.
    """
    found = ports.drafts.fingerprint(key, version, LARGEST_ATTACHMENT)
    if found is None:
        raise Conflict(f"{key} was deleted while its draft was rendered")
    upload = [*uploader_of(found.metadata), found.modified.isoformat()]
    if refusal := refusal_of_size(found.size):
        return [version, REFUSED + refusal, *upload, "", *RULES]
    copy = Output(attachment_key(found.sha256), b"", "application/octet-stream")
    if ports.private.stat(copy.key) is None:
        # A version's bytes never change, so they are those that were read.
        ports.private.copy(ports.drafts, key, version, copy, None)
    return [version, found.sha256, *upload, str(found.size), *RULES]


def copies_of(document: Document, names: Iterable[str], folder: str, public: Collection[str]) -> list[AttachmentCopy]:
    """Return the copies that a folder needs of some of an article's attachments.

    Args:
        names: of those in the document.
        folder: with a slash at its end.
        public: the names of those that every reader may have.
    """
    digests = {each.name: each.sha256 for each in document.attachments}
    return [AttachmentCopy(folder + served_name(name, name in public), name, digests[name]) for name in sorted(names)]


def copy_attachment(copy: AttachmentCopy, output: Output, expected: str | None, objects: Objects, ports: Ports) -> None:
    """Copy an attachment to a folder of readers.

    Args:
        output: the copy's key, caching and metadata.
        expected: as for `Objects.put`.
    """
    served = Output(
        output.key,
        b"",
        content_type(copy.name),
        output.cache_control,
        output.metadata,
        disposition(copy.name),
    )
    objects.copy(ports.private, attachment_key(copy.sha256), "", served, expected)


def restore_attachment(key: str, sha256: str, ports: Ports) -> bool:
    """Put the version of an attachment with a SHA-256 in its place again. Return whether that wrote anything."""
    seen = ports.drafts.stat(key)
    current = ports.drafts.fingerprint(key, seen.version, LARGEST_ATTACHMENT) if seen else None
    if current and current.sha256 == sha256:
        return False
    kept = attachment_key(sha256)
    if ports.private.stat(kept) is None:
        return False
    ports.drafts.copy(ports.private, kept, "", Output(key, b"", content_type(key)), ANY)
    return True
