"""Articles that Nightdesk itself exported: they come back as the drafts that they were."""

from __future__ import annotations

from typing import Any

from .front_matter import Matter
from .records import POST, ImportedPost
from .shortcodes import replace_shortcodes

_NAMES = {"description": "dek", "publishDate": "publish_at", "expiryDate": "expires"}
_FLAGS = ("draft", "newsletter", "featured", "typography")


def own_post(matter: Matter, name: str, file_name: str) -> ImportedPost | None:
    """Return the post for an exported article; None if the file is none."""
    own = matter.values.get("nightdesk")
    if not isinstance(own, dict) or own.get("exported") != "true":
        return None
    post = ImportedPost(name, name, POST, matter.body_line, matter.text("slug") or file_name, matter.text("title"))
    post.date = matter.text("date")
    post.aliases = matter.texts("aliases")
    verbatim: dict[str, Any] = {}
    for key, value in matter.values.items():
        if key not in ("nightdesk", "build"):
            verbatim[_NAMES.get(key, key)] = value == "true" if key in _FLAGS else value
    if isinstance(build := matter.values.get("build"), dict) and build.get("render") == "never":
        verbatim["draft"] = True
    if isinstance(own.get("publish_at"), str):
        verbatim["publish_at"] = own["publish_at"]
    if isinstance(keys := own.get("keys"), dict):
        verbatim |= keys
    post.verbatim = verbatim
    replaced = replace_shortcodes(matter.body, lambda *_: None, exported=True)
    post.body, post.lines, post.directives = replaced
    return post
