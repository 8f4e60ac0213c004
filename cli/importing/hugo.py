"""Hugo: a site's folder, or its content folder alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify

from .addresses import below
from .archives import Archive, ImportRefused, looks_like, other_system
from .configs import read_config
from .front_matter import Matter, read_matter
from .html_text import html_to_markdown
from .matter_posts import common_post, keep_rest, settle_page, tier_of
from .own import own_post
from .permalinks import date_tokens, fill, urlize
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import CHANGED, LOST, SKIPPED, Report
from .shortcodes import replace_shortcodes

_CONFIGS = (
    "hugo.toml",
    "hugo.yaml",
    "hugo.yml",
    "hugo.json",
    "config.toml",
    "config.yaml",
    "config.yml",
    "config.json",
)
DATA = "data/nightdesk"
"""Where an export of Nightdesk's keeps what Hugo has no place for: `site.yaml`, updates, and files that cannot be published."""
_TEXTS = (".md", ".markdown")
_HTML = (".html", ".htm")
_OTHER_TEXTS = (".org", ".adoc", ".rst", ".pandoc")
_FENCED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:---|\+\+\+)[ \t]*\r?\n")
_PROFILES = {
    "authors": "author",
    "author": "author",
    "topics": "topic",
    "topic": "topic",
    "categories": "topic",
    "people": "author",
}


def zone_of(name: str, report: Report) -> tzinfo:
    """Return a time zone by its name; UTC, with a report, if there is none of that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        report.add(
            LOST, "configuration", 0, "the time zone is not known; dates without an offset are read as UTC", name
        )
        return UTC


class HugoReader:
    """Reads a Hugo site.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._fallback, self._permalink = archive, report, fallback, hints.permalink
        self._root, self._content = self._find_content()
        self._config = config = self._read_configs()
        self._default = str(config.get("defaultcontentlanguage") or "en")
        self._folders = self._content_folders()
        self._bundles = {
            str(PurePosixPath(name).parent) for name, path, _ in self._texts() if "/" in path and _stem(path) == "index"
        }
        self._hidden = {
            str(PurePosixPath(name).parent) for name, path, _ in self._texts() if self._hides_others(name, path)
        }
        self.site = SiteFacts(
            name=str(config.get("title") or ""),
            base_url=(hints.base_url or str(config.get("baseurl") or "")).rstrip("/"),
            language=str(config.get("languagecode") or config.get("defaultcontentlanguage") or ""),
            timezone=hints.timezone or str(config.get("timezone") or ""),
        )
        if not self.site.base_url.startswith("http"):
            self.site.base_url = ""
        self._zone = zone_of(self.site.timezone or fallback.timezone, report)
        self._patterns = self._permalinks()

    def _find_content(self) -> tuple[str, str]:
        """Return the site's folder and the folder of its texts, within the archive."""
        tops = sorted(
            {name.partition("content/")[0] for name in self._archive.names if f"/{name}".count("/content/")}, key=len
        )
        other = other_system(self._archive.names) if not tops else ""
        if other not in ("", "Hugo"):
            raise looks_like(self._archive.path, other)
        root = tops[0] if tops and (not tops[0] or tops[0].endswith("/")) else ""
        if not any(name.endswith(_TEXTS) for name in self._archive.names):
            raise ImportRefused(f"{self._archive.path}: this is no Hugo site; it holds no Markdown file")
        return root, f"{root}content" if tops else ""

    def _read_configs(self) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for name in _CONFIGS:
            if f"{self._root}{name}" in self._archive:
                config |= read_config(self._archive, f"{self._root}{name}")
        for name in self._archive.under(f"{self._root}config/_default"):
            stem, suffix = PurePosixPath(name).stem.lower(), PurePosixPath(name).suffix
            if suffix in (".toml", ".yaml", ".yml", ".json"):
                found = read_config(self._archive, name)
                config |= found if stem in ("hugo", "config") else {stem: found}
        return config

    def _content_folders(self) -> dict[str, str]:
        """Return the language of each folder of texts (gohugo.io/content-management/multilingual); empty for the site's.

        The longest path comes first, because one folder may lie in another.
        """
        top = str(self._config.get("contentdir") or "").strip("./")
        content = f"{self._root}{top}" if top and self._archive.under(f"{self._root}{top}") else self._content
        found = {content: ""}
        languages = self._config.get("languages")
        for code, values in languages.items() if isinstance(languages, dict) else ():
            settings = {key.lower(): value for key, value in values.items()} if isinstance(values, dict) else {}
            folder = self._root + str(settings.get("contentdir") or "").strip("./")
            if settings.get("contentdir") and self._archive.under(folder):
                found[folder] = self._foreign(code)
        return dict(sorted(found.items(), key=lambda each: -len(each[0])))

    def _foreign(self, language: str) -> str:
        """Return a language, or nothing for the site's."""
        return language if language.casefold() != self._default.casefold() else ""

    def _permalinks(self) -> dict[str, str]:
        permalinks = self._config.get("permalinks")
        permalinks = permalinks if isinstance(permalinks, dict) else {}
        pages = permalinks.get("page")
        flat = {**permalinks, **(pages if isinstance(pages, dict) else {})}
        return {str(key).lower(): value for key, value in flat.items() if isinstance(value, str)}

    # Files

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield each file of a folder of texts, its path within that folder, and the folder's language."""
        seen: set[str] = set()
        for folder, language in self._folders.items():
            for name in self._archive.under(folder):
                if name in seen:
                    continue
                seen.add(name)
                if name.endswith(_TEXTS) or (name.endswith(_HTML) and _FENCED.match(self._read(name))):
                    yield name, name.removeprefix(f"{folder}/") if folder else name, language
                elif name.endswith(_OTHER_TEXTS):
                    self._report.add(LOST, name, 0, "a text that is not Markdown is not imported", name, post=True)
                elif name.endswith(_HTML):
                    self._report.add(
                        SKIPPED, name, 0, "HTML without front matter, which Hugo copies as it is, is left out"
                    )

    def _hides_others(self, name: str, path: str) -> bool:
        """Return True for the page of a section that keeps what is below it from readers (`cascade`)."""
        if _stem(path) != "_index" or b"cascade" not in self._read(name):
            return False
        matter = self._matter(name, Report())
        cascade = matter.values.get("cascade") if matter else None
        passed_on = cascade if isinstance(cascade, list) else [cascade]
        return any(isinstance(each, dict) and _keeps_from_readers(each) for each in passed_on)

    def _read(self, name: str) -> bytes:
        try:
            return self._archive.read(name)
        except Permanent:
            return b""

    def _profile_kind(self, path: str) -> str:
        parts = path.split("/")
        if parts[0] in _PROFILES and PurePosixPath(path).stem in ("_index", "index") and len(parts) == 3:
            return _PROFILES[parts[0]]
        return ""

    def _matter(self, name: str, report: Report | None = None) -> Matter | None:
        report = report or self._report
        try:
            return read_matter(self._archive.read(name), name, report, bare=True)
        except Permanent as error:
            report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)
            return None

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        yield from self._posts(with_body=False)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        yield from self._posts(with_body=True)

    def _posts(self, with_body: bool) -> Iterator[ImportedPost]:
        for name, path, language in self._texts():
            if self._profile_kind(path):
                continue
            matter = self._matter(name)
            if matter is None:
                continue
            if _stem(path) == "_index":
                self._report.add(
                    SKIPPED, name, 0, "the page of a section is left out; Nightdesk makes its lists itself"
                )
                continue
            yield self._post(name, path, language, matter, with_body)

    def _post(self, name: str, path: str, language: str, matter: Matter, with_body: bool) -> ImportedPost:
        place = PurePosixPath(path)
        is_bundle = place.stem.split(".")[0] == "index"
        file_name = place.parent.name if is_bundle else place.stem
        if self._is_language(place.stem):
            language = self._foreign(place.stem.rpartition(".")[2])
            file_name = file_name if is_bundle else file_name.rpartition(".")[0]
        if own := own_post(matter, name, file_name):
            own.folder = str(PurePosixPath(name).parent)
            start = f"{own.folder}/" if is_bundle else "\0"
            beside = [n for n in self._archive.under(start) if not n.endswith(".md")]
            own.beside = {n.removeprefix(start): n for n in beside}
            return own
        section = place.parts[0] if len(place.parts) > (2 if is_bundle else 1) else ""
        post = common_post(matter, name, file_name or "index", self._zone)
        post.kind = PAGE if not section and not post.date else post.kind
        post.folder = str(PurePosixPath(name).parent)
        folders = {str(folder) for folder in PurePosixPath(name).parents}
        post.draft = post.draft or _is_unlisted(matter) or bool(self._hidden & folders)
        if self._is_part(name, path) and not post.draft:
            post.draft = True
            what = "a text in the folder of an article was a part of it and no page, so it becomes a draft"
            self._report.add(CHANGED, name, 0, what, post.title)
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of(matter.text("paywall") or "paid", self._fallback.tiers)
        post.address = below(self.site.base_url, self._address(matter, post, place, file_name, language))
        folder = str(PurePosixPath(post.address).parent)
        post.aliases = [
            below(self.site.base_url, a) if a.startswith(("/", "http")) else f"{folder}/{a}" for a in post.aliases
        ]
        stem = str(place.parent if is_bundle else place.with_suffix("")).casefold()
        post.language, post.versions = (
            language,
            matter.text("translationKey") or str(place.parent if is_bundle else place.with_name(file_name)),
        )
        if language and not matter.text("slug"):
            post.slug += f"-{language.lower()}"
        post.names = [stem, PurePosixPath(stem).name, *([f"/{stem}"] if stem else [])]
        settle_page(post, matter)
        if with_body:
            replaced = replace_shortcodes(post.body, self._noter(name, post.line))
            post.body, post.lines, post.directives = replaced
            if name.endswith(_HTML):
                if "<!--nightdesk-gate" in post.body:  # comments are not kept, and a gate must never be lost
                    post.access = tier_of("paid", self._fallback.tiers)
                    self._report.add(CHANGED, name, 0, "a text in HTML with a gate is hidden as a whole")
                post.body, post.lines = html_to_markdown(post.body, self._noter(name, post.line)), FirstLine()
            keep_rest(matter, post)
        return post

    def _is_part(self, name: str, path: str) -> bool:
        """Return True for a text that lies in the folder of another one, whose resource it is."""
        folders = list(map(str, PurePosixPath(name).parents))
        return bool(self._bundles & set(folders[1:] if _stem(path) == "index" else folders))

    def _noter(self, name: str, first_line: int) -> Any:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, first_line + line - 1, kind, detail)

        return note

    def _is_language(self, file_name: str) -> bool:
        languages = self._config.get("languages")
        return isinstance(languages, dict) and file_name.rpartition(".")[2] in languages

    def _address(self, matter: Matter, post: ImportedPost, place: PurePosixPath, file_name: str, language: str) -> str:
        """Return the path at which Hugo served a post (gohugo.io/content-management/urls)."""
        if url := matter.text("url"):
            return url if url.startswith(("/", "http")) else f"/{url}"
        is_bundle = place.stem.split(".")[0] == "index"
        sections = place.parts[: -2 if is_bundle else -1]
        slug = matter.text("slug")
        lower = str(self._config.get("disablepathtolower", "")).lower() != "true"
        pattern = self._patterns.get(sections[0].lower() if sections else "", self._permalink if post.date else "")
        if pattern:
            tokens = date_tokens(post.date)
            tokens |= {"sections": "/".join(sections), "section": sections[0] if sections else ""}
            tokens |= {"title": urlize(post.title), "filename": urlize(file_name), "contentbasename": urlize(file_name)}
            tokens |= dict.fromkeys(("slug",), urlize(slug or post.title))
            tokens |= dict.fromkeys(("slugorfilename", "slugorcontentbasename"), urlize(slug or file_name))
            address = fill(pattern, tokens)
        else:
            address = "/" + "/".join(urlize(part, lower) for part in (*sections, slug or file_name)) + "/"
            if str(self._config.get("uglyurls", "")).lower() == "true":
                address = address.rstrip("/") + ".html"
        if str(self._config.get("defaultcontentlanguageinsubdir", "")).lower() == "true":
            language = language or self._default
        return f"/{language.lower()}{address}" if language else address

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the pages of authors and topics."""
        for name, path, _ in self._texts():
            kind = self._profile_kind(path)
            if not kind or (matter := self._matter(name)) is None:
                continue
            folder = PurePosixPath(path).parts[1]
            names = ("display_name", "name", "title")
            profile = ImportedProfile(kind, folder, matter.text(*names) or folder, name, matter.body_line)
            profile.address = matter.text("url") or f"/{path.split('/')[0]}/{urlize(matter.text('slug') or folder)}/"
            profile.body, profile.folder = matter.body, str(PurePosixPath(name).parent)
            if summary := matter.text("summary", "deck", "description", "dek"):
                profile.matter["summary"] = summary
            if kind == "author":
                profile.matter |= {
                    key: matter.text(key) for key in ("kind", "beat", "responsible_editor") if matter.text(key)
                }
                profile.portrait = matter.text("portrait", "image", "avatar", "photo")
            if left := ", ".join(sorted(key for key in matter.rest() if key not in ("slug", "aliases", "weight"))):
                self._report.add(CHANGED, name, 0, "a profile has keys that Nightdesk has no place for", left)
            yield profile

    def members(self) -> Iterator[ImportedMember]:
        """Yield nothing: a static site has no members."""
        return iter(())

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return where Hugo looks for an image: beside the text, in `static`, in `assets`."""
        path = address.partition("?")[0].partition("#")[0].lstrip("/")
        beside = [f"{post.folder}/{path}"] if post.folder and not address.startswith("/") else []
        return [*beside, *(f"{self._root}{place}/{path}" for place in ("static", "assets", "content"))]

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of `_redirects`, the file of some hosts."""
        yield from read_redirects(self._archive, f"{self._root}static/_redirects")

    def site_file(self) -> bytes:
        """Return the settings that Nightdesk's own export put into the folder."""
        name = f"{self._root}{DATA}/site.yaml"
        return self._archive.read(name) if name in self._archive else b""

    def plain_files(self) -> Iterator[tuple[str, str]]:
        """Yield key and name of the files that Nightdesk's own export kept beside the site."""
        start = f"{self._root}{DATA}/"
        for name in self._archive.under(start):
            key = name.removeprefix(start).removeprefix("rejected/")
            if key != "site.yaml" and (classify(key) or key.startswith(("drafts/", "authors/", "updates/"))):
                yield key, name


def _is_unlisted(matter: Matter) -> bool:
    """Return True if a page is not rendered."""
    return _is_never_rendered(matter.values) or matter.flag("headless")


def _is_never_rendered(values: Mapping[str, Any]) -> bool:
    build = values.get("build") or values.get("_build")
    render = str(build.get("render", "")).lower() if isinstance(build, dict) else ""
    return render in ("never", "false", "link")


def _keeps_from_readers(values: Mapping[str, Any]) -> bool:
    return _is_never_rendered(values) or str(values.get("draft", "")).lower() == "true"


def _stem(path: str) -> str:
    """Return the name of a file without its language and its suffix."""
    return PurePosixPath(path).stem.split(".")[0]


def read_redirects(archive: Archive, name: str) -> Iterator[tuple[str, str]]:
    """Yield old paths and their targets from a `_redirects` file: one rule on a line."""
    if name not in archive:
        return
    for line in archive.read(name).decode("utf-8", "replace").split("\n"):
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if len(words) >= 2 and words[0].startswith("/"):
            yield words[0], words[1]


def slug_of_path(path: str) -> str:
    """Return a slug from the last part of a path."""
    return slugify(PurePosixPath(path).stem)
