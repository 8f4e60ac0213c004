"""Filing: what may be put into the drafts bucket by people without permissions of their own, and how."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

from nightdesk.domain.drafts import classify
from nightdesk.domain.errors import Permanent
from nightdesk.domain.frontmatter import MAX_BYTES

from .ports import Ports, Upload, Uploads
from .stored import IMAGE_TYPES

MARKDOWN = "text/markdown"
LARGEST_IMAGE = 20 * 1024 * 1024
VALID = timedelta(minutes=15)


def permit(key: str, size: int, ports: Ports, uploads: Uploads) -> Upload:
    """Let somebody put one draft, or one image beside a draft, into the bucket.

    Profiles and settings are not for writers: they say who is a person, and what needs an approval.

    Args:
        key: `drafts/<name>.md`, `drafts/<name>/index.md` or `drafts/<name>/<image>`.
        size: in bytes, exactly.

    Raises:
        Permanent: that is no such file, or it is too large.
    """
    kind, most = _kind_of(key)
    if not 0 < size <= most:
        raise Permanent(f"{key} may have 1 to {most:,} bytes")
    return uploads.permit(key, kind, size, ports.clock() + VALID)


def _kind_of(key: str) -> tuple[str, int]:
    """The type of a file, and how large it may be."""
    path = PurePosixPath(key)
    plain = str(path) == key and not set(key) & set("\\\x7f") and key.isprintable() and len(key.encode()) <= 512
    filed = classify(key) if plain else None
    if filed and filed.kind == "draft":
        return MARKDOWN, MAX_BYTES
    suffix = path.suffix.lower()
    if plain and path.parts[0] == "drafts" and len(path.parts) == 3 and suffix in IMAGE_TYPES:
        return IMAGE_TYPES[suffix], LARGEST_IMAGE
    raise Permanent(f"“{key[:100]}” is no draft, and no image beside one; such as drafts/a-story/index.md")
