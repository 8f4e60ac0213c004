"""The pages of authors and topics of a Hugo site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath

from nightdesk.domain.errors import Permanent
from nightdesk.domain.timestamps import iso_utc_seconds

from .archives import Archive
from .configs import read_config
from .front_matter import Matter
from .hugo_hidden import is_never_rendered
from .matter_posts import common_post
from .permalinks import urlize
from .records import ImportedProfile
from .report import ASKED, CHANGED, LOST, SKIPPED, Report
from .shortcodes import Note, replace_shortcodes

TERMS = {
    "authors": "author",
    "author": "author",
    "topics": "topic",
    "topic": "topic",
    "categories": "topic",
    "people": "author",
}
_OF_ARTICLES = ("date", "publishDate", "pubdate", "published", "draft", "tags", "categories", "authors")
"""Keys that an article has and a profile has not."""
NOT_SHOWN = "the site did not show a profile, so it is left out"
_DATA = re.compile(r"data/authors(?:/(?P<id>[^/]+))?\.(?:ya?ml|toml|json)")


def stem_of(path: str) -> str:
    """Return the name of a file without its language and its suffix."""
    return PurePosixPath(path).stem.split(".")[0]


def profile_kind(path: str, matter: Matter) -> str:
    """Return whose page a text is, `author` or `topic`; empty for an article, which in any such folder has a date or the like."""
    parts = path.split("/")
    kind = TERMS.get(parts[0], "")
    if len(parts) == 3 and PurePosixPath(path).stem == "_index":
        return kind
    is_alone = kind == "author" and len(parts) == 2 and stem_of(path) not in ("_index", "index")
    if not is_alone and not (len(parts) == 3 and PurePosixPath(path).stem == "index"):
        return ""
    return "" if matter.key_of(*_OF_ARTICLES) else kind


def profile_of(kind: str, folder: str, path: str, matter: Matter, note: Note) -> ImportedProfile:
    """Return an author or a topic.

    Args:
        folder: the name by which texts refer to it.
        path: of its file within the site's texts.
    """
    name = matter.source
    names = ("display_name", "name", "title")
    profile = ImportedProfile(kind, folder, matter.text(*names) or folder, name, matter.body_line)
    profile.address = matter.text("url") or f"/{path.split('/')[0]}/{urlize(matter.text('slug') or folder)}/"
    profile.body = replace_shortcodes(matter.body, note).text
    profile.is_term = True
    profile.folder = str(PurePosixPath(name).parent)
    if matter.values.get("title") == profile.name:
        matter.used.add("title")
    if summary := matter.text("summary", "deck", "description", "dek"):
        profile.matter["summary"] = summary
    if kind == "author":
        profile.matter |= {key: matter.text(key) for key in ("kind", "beat", "responsible_editor") if matter.text(key)}
        profile.portrait = matter.text("portrait", "image", "avatar", "photo")
    if left := ", ".join(sorted(key for key in matter.rest() if key not in ("slug", "aliases", "weight"))):
        matter.report.add(CHANGED, name, 0, "a profile has keys that Nightdesk has no place for", left)
    return profile


def data_profiles(archive: Archive, root: str, report: Report) -> Iterator[ImportedProfile]:
    """Yield the authors of `data/authors`, where themes look for them: a file for each, or one for all."""
    for name in archive.under(f"{root}data"):
        found = _DATA.fullmatch(name.removeprefix(root))
        if not found:
            continue
        try:
            values = read_config(archive, name)
        except Permanent as error:
            report.add(LOST, name, 0, "a file of authors cannot be read", str(error))
            continue
        for identifier, each in ({found["id"]: values} if found["id"] else values).items():
            if not isinstance(each, dict):
                continue
            key = next((key for key in ("bio", "biography", "about") if isinstance(each.get(key), str)), "")
            matter = Matter(each, {}, each.get(key, ""), 0, name, report, {key})
            if why := hides_profile(matter, UTC):
                report.add(SKIPPED, name, 0, NOT_SHOWN, f"{identifier}: {why}")
            else:
                yield profile_of("author", identifier, "authors/x", matter, lambda *_: None)


def hides_profile(matter: Matter, zone: tzinfo) -> str:
    """Return what in the front matter keeps a profile from readers; empty if nothing does."""
    post = common_post(replace(matter, used=set(), report=Report()), matter.source, "x", zone)
    if post.draft or post.access or is_never_rendered(matter.values) or matter.flag("headless"):
        return "its front matter hides it"
    now, later = iso_utc_seconds(datetime.now(UTC).isoformat()), str(post.matter.get("publish_at") or post.date)
    if later and iso_utc_seconds(later) > now:
        return f"its date is to come: {later}"
    if post.expires:
        what = "a profile has no expiry here: it stays; delete its file if it should not"
        matter.report.add(ASKED, matter.source, 0, what, post.expires)
    return ""
