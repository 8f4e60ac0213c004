"""Attachments: files beside a draft that readers of its article can download.

Unlike an image, an attachment reaches readers as it was uploaded. So only kinds of files are served that no browser runs as a page of
the site, and each is a download, whatever its bytes are.
"""

from __future__ import annotations

import math

from nightdesk.domain.pictures import PUBLIC_MARK

ATTACHMENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".geojson": "application/geo+json",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".txt": "text/plain; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
"""The type of each kind of file that can be downloaded, by its suffix."""
_OTHER_SUFFIXES = frozenset(
    [
        "7z",
        "aac",
        "avi",
        "bin",
        "bz2",
        "dmg",
        "doc",
        "docm",
        "dot",
        "exe",
        "flac",
        "gz",
        "ics",
        "key",
        "m4a",
        "m4v",
        "mov",
        "numbers",
        "odp",
        "ogg",
        "pages",
        "ppt",
        "pptx",
        "ps",
        "rar",
        "rtf",
        "tar",
        "tgz",
        "tsv",
        "vcf",
        "wav",
        "webm",
        "wma",
        "wmv",
        "xls",
        "xlsm",
        "xml",
        "yaml",
        "yml",
    ]
)
LARGEST_ATTACHMENT = 50 * 1000 * 1000
"""In bytes."""
KINDS_OF_ATTACHMENTS = ", ".join(sorted(suffix[1:] for suffix in ATTACHMENT_TYPES))


def is_attachment(key: str) -> bool:
    """Return True if a file's name is that of one which readers may download."""
    return _suffix(key) in ATTACHMENT_TYPES


def has_other_suffix(name: str) -> bool:
    """Return True if a file's name is that of one which people offer elsewhere, and cannot offer here."""
    return _suffix(name)[1:] in _OTHER_SUFFIXES


def refusal_of_size(size: int) -> str:
    """Return why a file of a size cannot be downloaded, in words for its author; empty if it can."""
    if not size:
        return "is empty"
    if size <= LARGEST_ATTACHMENT:
        return ""
    return f"has {math.ceil(size / 100_000) / 10} MB; the limit is {LARGEST_ATTACHMENT // 1_000_000} MB"


def served_name(name: str, public: bool) -> str:
    """Return the name under which the site serves an attachment.

    Args:
        name: in the document, such as `report.<sha256>.pdf`.
        public: whether every reader may have it.
    """
    stem, _, suffix = name.rpartition(".")
    return f"{stem}{PUBLIC_MARK}.{suffix}" if public else name


def content_type(name: str) -> str:
    """Return the type with which an attachment is served."""
    return ATTACHMENT_TYPES[_suffix(name)]


def disposition(name: str) -> str:
    """Return the header that makes an attachment a download, with the name that its file gets: all of `name` but the digest."""
    return f'attachment; filename="{name.partition(".")[0]}.{name.rpartition(".")[2]}"'


def _suffix(key: str) -> str:
    stem, dot, suffix = key.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if stem and dot else ""
