"""Keys of the drafts bucket: which kind of file an object is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from nightdesk.domain.problems import Kind, Problem

_KINDS = {
    "drafts": "draft",
    "authors": "author",
    "topics": "topic",
    "pages": "page",
    "updates": "update",
    "newsletters": "newsletter",
}
FOLDERS = tuple(_KINDS)
"""The drafts bucket's folders. Beside them lies `site.yaml`."""
SITE_FILE = "site.yaml"
_SITE_NAMES = ("site.yaml", "site.yml", "site.toml", "site.json", "site.yaml.txt")
_SUFFIXES = ("md", "markdown")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_NEAR_SUFFIXES = ("mdx", "mdown", "mkd", "mkdn", "mdwn", "mdtxt", "mdtext", "rmd", "qmd")
"""Suffixes of Markdown's dialects, whose authors expect an article."""
_MARKDOWN = re.compile(rf"\.(?:{'|'.join((*_SUFFIXES, *_NEAR_SUFFIXES))})\b", re.IGNORECASE)
# Vim (.x.swp, x~, 4913), Emacs (.#x, #x#), Word (~$x), LibreOffice (.~lock.x#), macOS (._x), and what editors save beside a file.
_TEMPORARY = re.compile(
    r"\.#.*|#.*#|~\$.*|\.~.*|\._.*|.*~|.*\.(?:sw[a-z]|tmp|temp|bak|backup|orig|rej|part|partial|crdownload|autosave)|4913",
    re.IGNORECASE | re.DOTALL,
)
# Dropbox, OneDrive and ownCloud, in the languages of their larger markets, and Syncthing.
_CONFLICTED = re.compile(
    r"conflicted copy|case conflict|\.sync-conflict-|_conflict-\d|in konflikt stehende kopie|copie en conflit"
    r"|copia en conflicto|copia in conflitto|cópia em conflito|conflictkopie|conflicterende kopie"
    r"|konfliktkopi|競合コピー|冲突副本|충돌",
    re.IGNORECASE,
)
_WITH_FOLDERS = ("drafts", "newsletters")
"""Folders whose files may have a folder each, for their images."""
_FORMS = {
    folder: f"{folder}/<name>.md" + (f" or {folder}/<name>/index.md" if folder in _WITH_FOLDERS else "")
    for folder in FOLDERS
}


class DraftsKey(NamedTuple):
    """A parsed key of the drafts bucket.

    Attributes:
        kind: `draft`, `author`, `topic`, `page`, `update`, `newsletter` or `site`.
        name: the file name without its suffix; for `<folder>/index.md` the folder's name.
        folder: the prefix of the images that belong to the file, with a trailing slash; empty if it can have none.
        refusal: why a file that looks like one of these is never published, whatever it says; None for any other file.
    """

    kind: str
    name: str
    folder: str
    refusal: Problem | None = None


def default_draft_keys(slug: str) -> tuple[str, str]:
    """Return the two keys whose draft has a slug by its file's name: the flat and the folder form."""
    return f"drafts/{slug}.md", f"drafts/{slug}/index.md"


def draft_id(key: str) -> str:
    """Return what identifies a draft to the editors' decisions: the name that its flat and its folder form share."""
    parsed = classify(key)
    return parsed.name if parsed else key


def draft_forms(draft: str) -> list[str]:
    """Return the keys that a draft usually has, by its id (`draft_id`)."""
    suffixes = (*_SUFFIXES, "MD")
    return [f"drafts/{draft}{form}.{suffix}" for form in ("", "/index", "/INDEX") for suffix in suffixes]


def has_control_characters(key: str) -> bool:
    """Return True if a key contains a line break or another control character. S3 takes such keys; most tools cannot."""
    return _CONTROL.search(key) is not None


@lru_cache(maxsize=65_536)
def classify(key: str) -> DraftsKey | None:
    """Parse a key of the drafts bucket; return None for an object that is not published by itself, such as an image.

    A key with control characters is of no kind: no listing, log or command line could name it.
    A Markdown file at a place that is not read is rejected rather than ignored, because its author expects an article.

    >>> classify("drafts/2026-11-23-a-story/index.md")
    DraftsKey(kind='draft', name='2026-11-23-a-story', folder='drafts/2026-11-23-a-story/', refusal=None)
    """
    if key == SITE_FILE:
        return DraftsKey("site", "site", "")
    if key.lower() in _SITE_NAMES:
        return DraftsKey("draft", "site", "", Kind.SITE_FILE_NAME.at(0))
    if has_control_characters(key):
        return None
    top, *rest = key.split("/")
    parts = [part for part in rest if part not in ("", ".")]
    if top.lower() not in _KINDS or not parts:
        return None
    refusal = _refusal(key, top, parts)
    name, _, suffix = parts[-1].rpartition(".")
    if refusal:
        # Only updates have a stage of their own; the others' profiles must not be touched.
        return DraftsKey("update" if top == "updates" else "draft", name or parts[-1], "", refusal)
    if top not in _KINDS or suffix.lower() not in _SUFFIXES:
        return None
    kind = _KINDS[top]
    if len(parts) == 1:
        return DraftsKey(kind, name, f"{top}/" if kind == "author" else "")
    return DraftsKey(kind, parts[0], f"{top}/{parts[0]}/")


def is_hidden_or_temporary(key: str) -> bool:
    """Return True for hidden files, and for those that an editor or a sync program keeps beside the real ones.

    They come and go while people work, so they are never uploaded.
    """
    parts = key.split("/")
    return any(part.startswith(".") for part in parts) or _is_temporary(parts[-1])


def _refusal(key: str, top: str, parts: list[str]) -> Problem | None:
    """Return why a file that looks like Markdown is not published; None for one that is, and for any other file."""
    name = parts[-1]
    if not _MARKDOWN.search(name) and name != "4913":
        return None
    if _is_temporary(name):
        return Kind.FILE_TEMPORARY.at(0)
    if any(part.startswith(".") for part in parts):
        return Kind.FILE_HIDDEN.at(0)
    stem, _, suffix = name.rpartition(".")
    if suffix.lower() in _NEAR_SUFFIXES:
        return Kind.FILE_SUFFIX.at(0, typed=f".{suffix}")
    if suffix.lower() not in _SUFFIXES:
        return None
    in_folder = top in _WITH_FOLDERS and len(parts) == 2 and stem.lower() == "index"
    if not stem or top not in _KINDS or not (len(parts) == 1 or in_folder):
        return Kind.FILE_PLACE.at(0, form=_FORMS[top.lower()])
    return None


@lru_cache(maxsize=1024)
def _is_temporary(name: str) -> bool:
    return bool(_TEMPORARY.fullmatch(name) or _CONFLICTED.search(name))


def folder_of_image(key: str) -> str:
    """Return the folder of the files that may show an image: the inverse of `DraftsKey.folder`, however deep it lies.

    >>> folder_of_image("drafts/a-story/photos/harbour.jpg")
    'drafts/a-story/'
    """
    top, _, rest = key.partition("/")
    if top == "authors":
        return "authors/"
    name, slash, _ = rest.partition("/")
    return f"{top}/{name}/" if top in _WITH_FOLDERS and name and slash else ""
