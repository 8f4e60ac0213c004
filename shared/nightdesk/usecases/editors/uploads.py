"""Uploads: presigned forms for the drafts bucket, for people without AWS permissions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

from nightdesk.domain.attachments import LARGEST_ATTACHMENT, content_type, is_attachment
from nightdesk.domain.drafts_bucket import classify, folder_of_image
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import RenderRequested
from nightdesk.domain.frontmatter import MAX_BYTES
from nightdesk.domain.site import OWN
from nightdesk.domain.uploaders import NewFile, PresignedUpload, Uploader
from nightdesk.ports import Ports, Uploads
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import IMAGE_TYPES, load_site
from nightdesk.usecases.editors.decisions import StateChange, article_state, no_article
from nightdesk.usecases.pipeline.ownership import Ownership

MARKDOWN = "text/markdown"
LARGEST_IMAGE = 20 * 1024 * 1024
LIFETIME = timedelta(minutes=15)


class NotTheOwner(Permanent):
    """A writer may not upload over a draft of another."""


def presign(key: str, size: int, uploader: Uploader, ports: Ports, uploads: Uploads) -> PresignedUpload:
    """Return a presigned form to upload one draft, or one image or attachment beside a draft.

    Profiles and settings cannot be uploaded this way: they decide who is a human author, and what needs an approval.

    Args:
        key: `drafts/<name>.md`, `drafts/<name>/index.md`, or an image or attachment below `drafts/<name>/`.
        size: the exact size, in bytes.
        uploader: who asks, which is recorded on the file.

    Raises:
        Permanent: the key is not of this form, or the file is too large.
        NotTheOwner: the file belongs to a draft of another writer.
    """
    content_type, largest = _limits_of(key)
    if not 0 < size <= largest:
        raise Permanent(f"{key} must have 1 to {largest:,} bytes")
    _require_owner(key, uploader, ports)
    file = NewFile(key, content_type, size, uploader.to_metadata())
    return uploads.presign(file, ports.clock() + LIFETIME)


def _require_owner(key: str, uploader: Uploader, ports: Ports) -> None:
    """Check that a writer may upload over the draft at a key, or over the images in its folder.

    Render checks it again when the file has arrived: the draft may have been handed over by then.
    """
    if not uploader.is_writer or load_site(ports).writers != OWN:
        return
    drafts = [key]
    if not classify(key):
        beside = [(name, classify(name)) for name, _ in ports.drafts.list(folder_of_image(key))]
        drafts = [name for name, parsed in beside if parsed and not parsed.refusal]
    for draft in drafts:
        if Ownership(draft, ports).owner not in ("", uploader.id):
            raise NotTheOwner("This draft belongs to another writer. An editor can hand it over to you.")


def hand_over(slug: str, owner: str, by: str, ports: Ports) -> StateChange:
    """Make a person the owner of an article's draft, who alone of all writers may upload over it.

    Args:
        owner: the person's id in the audit log, such as `editor:<id>`.
        by: the id of the editor who decides.

    Raises:
        NotFound: no draft holds the slug.
        Conflict: another editor hands the draft over at the same moment.
    """
    claim, state = articles_table.claim_of(ports.articles, slug), article_state(slug, ports)
    if not claim or not state:
        raise no_article(slug)
    ownership = Ownership(claim.holder, ports)
    if ownership.owner != owner:
        ownership.hand_over(owner, by)
    # An upload of this very second may be the former owner's. Sent in any case: an earlier run may have died before this.
    ports.bus.emit([RenderRequested(claim.holder)])
    return StateChange(state, state)


def _limits_of(key: str) -> tuple[str, int]:
    """Return the content type of a file, and its largest size in bytes."""
    path = PurePosixPath(key)
    # S3 replaces `${filename}` in a form's key by a name of the uploader's choice.
    plain = str(path) == key and not set(key) & set("\\\x7f$") and key.isprintable() and len(key.encode()) <= 512
    filed = classify(key) if plain else None
    if filed and filed.kind == "draft" and not filed.refusal:
        return MARKDOWN, MAX_BYTES
    suffix = path.suffix.lower()
    if plain and key.startswith("drafts/") and folder_of_image(key) and suffix in IMAGE_TYPES:
        return IMAGE_TYPES[suffix], LARGEST_IMAGE
    if plain and key.startswith("drafts/") and folder_of_image(key) and is_attachment(key):
        return content_type(key), LARGEST_ATTACHMENT
    raise Permanent(
        f"“{key[:100]}” is not the key of a draft, or of an image or attachment beside one, such as drafts/a-story/index.md"
    )
