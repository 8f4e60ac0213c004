"""Jekyll: a site's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.text import date_of_filename, slugify

from .archives import Archive, ImportRefused
from .configs import data_values, read_config
from .front_matter import Matter, plain_yaml, read_matter
from .html_text import html_to_markdown
from .hugo import read_redirects, zone_of
from .liquid import replace_liquid
from .matter_posts import common_post, keep_rest, says_much, settle_page, tier_of
from .permalinks import date_tokens, fill
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import CHANGED, LOST, SKIPPED, Report

_TEXTS = (".md", ".markdown", ".mkd", ".mkdown", ".html", ".htm")
_OTHER_TEXTS = (".textile", ".org", ".adoc", ".asciidoc", ".rst")
_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
"""Jekyll's named styles (jekyllrb.com/docs/permalinks)."""
_AUTHORS = ("authors", "author", "people")


class JekyllReader:
    """Reads a Jekyll site.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._fallback = archive, report, fallback
        self._root = self._find_root()
        self._config: dict[str, Any] = {}
        self._values: dict[str, Any] = {}
        for name in ("_config.yml", "_config.yaml", "_config.toml"):
            if f"{self._root}{name}" in archive:
                self._config |= read_config(archive, f"{self._root}{name}")
        self._permalink = hints.permalink or str(self._config.get("permalink") or "date")
        path = str(self._config.get("baseurl") or "").strip("/")
        self.site = SiteFacts(
            name=str(self._config.get("title") or self._config.get("name") or ""),
            tagline=str(self._config.get("tagline") or ""),
            base_url=(hints.base_url or str(self._config.get("url") or "")).rstrip("/"),
            language=str(self._config.get("lang") or self._config.get("locale") or "")[:5].replace("_", "-"),
            timezone=hints.timezone or str(self._config.get("timezone") or ""),
            path=f"/{path}" if path else "",
        )
        self._zone = zone_of(self.site.timezone or fallback.timezone, report)

    def _find_root(self) -> str:
        tops = {name.rpartition("_posts/")[0] for name in self._archive.names if "_posts/" in name}
        configs = {
            name.rpartition("/")[0] for name in self._archive.names if PurePosixPath(name).name.startswith("_config.")
        }
        roots = sorted({f"{folder}/" if folder else "" for folder in configs} or tops, key=len)
        if not roots:
            raise ImportRefused(f"{self._archive.path}: this is no Jekyll site; it has neither _config.yml nor _posts")
        return roots[0]

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield each text: its name, its path within the site, and its collection (`posts`, `drafts`, `pages` …)."""
        known = self._config.get("collections")
        others = set(known) if isinstance(known, dict | list) else set()
        for name in self._archive.under(self._root):
            path = name.removeprefix(self._root)
            folders = path.split("/")[:-1]
            kind = next((part[1:] for part in folders if part.startswith("_")), "pages")
            if name.endswith(_OTHER_TEXTS) and kind in ("posts", "drafts", "pages"):
                self._report.add(
                    LOST, name, 0, "a text that is neither Markdown nor HTML is not imported", name, post=True
                )
            if not name.endswith(_TEXTS) or kind in _AUTHORS:
                continue
            if kind in ("posts", "drafts") or kind in others or kind == "pages":
                yield name, path, kind

    def _matter(self, name: str, kind: str) -> Matter | None:
        try:
            raw = self._archive.read(name)
        except Permanent as error:
            self._report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)
            return None
        if kind == "pages" and not raw.lstrip(b"\xef\xbb\xbf").startswith(b"---"):
            return None  # copied by Jekyll as it is, such as README.md
        if re.fullmatch(rb"\s*---\s*\n---\s*(\n.*)?", raw, re.DOTALL) and kind == "pages":
            self._report.add(SKIPPED, name, 0, "a page without a title is left out; it is a template")
            return None
        return read_matter(raw, name, self._report)

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        yield from self._posts(with_body=False)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        yield from self._posts(with_body=True)

    def _posts(self, with_body: bool) -> Iterator[ImportedPost]:
        for name, path, kind in self._texts():
            matter = self._matter(name, kind)
            if matter is None:
                continue
            self._add_defaults(matter, path, kind)
            is_list = PurePosixPath(path).name.startswith(("404", "index")) or not (
                matter.text("title") or says_much(matter.body)
            )
            if kind == "pages" and is_list:
                self._report.add(SKIPPED, name, 0, "a page that makes lists, or has no title, is left out")
                continue
            yield self._post(name, path, kind, matter, with_body)

    def _add_defaults(self, matter: Matter, path: str, kind: str) -> None:
        """Add the values that the configuration gives to files of a folder or a kind."""
        for name in ("categories", "tags"):  # Jekyll splits a single text at its blanks
            value = matter.values.get(name)
            if isinstance(value, str) and "," not in value:
                matter.values[name] = value.split()
        defaults = self._config.get("defaults")
        for each in defaults if isinstance(defaults, list) else ():
            scope, values = each.get("scope", {}), each.get("values", {})
            if not isinstance(scope, dict) or not isinstance(values, dict):
                continue
            under, wanted = str(scope.get("path") or ""), str(scope.get("type") or "")
            if path.startswith(under) and wanted in ("", kind):
                for key, value in values.items():
                    matter.values.setdefault(key, value)
                    matter.lines.setdefault(key, 0)

    def _post(self, name: str, path: str, kind: str, matter: Matter, with_body: bool) -> ImportedPost:
        stem = PurePosixPath(path).stem
        post = common_post(matter, name, stem, self._zone)
        post.kind = PAGE if kind == "pages" else post.kind
        is_shown = kind in ("posts", "pages") or self._is_shown(kind)
        if not is_shown and kind != "drafts" and not post.draft:
            what = "a text of a collection that has no pages of its own becomes a draft"
            self._report.add(CHANGED, name, 0, what, post.title)
        post.draft = post.draft or not is_shown
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of("paid", self._fallback.tiers)
        post.folder = str(PurePosixPath(name).parent)
        folders = [part for part in PurePosixPath(path).parts[:-1] if not part.startswith("_")]
        if kind != "pages":
            post.topics = post.topics or [(folder, folder) for folder in folders]
        post.address = self.site.path + self._address(matter, post, path, kind, folders)
        if not is_shown:
            post.address = ""
        plain = re.sub(r"^\d{4}-\d{1,2}-\d{1,2}-", "", stem)
        post.names = [stem, path.rpartition(".")[0], *([plain] if plain != stem else [])]
        post.aliases = [f"{self.site.path}{alias}" if alias.startswith("/") else alias for alias in post.aliases]
        settle_page(post, matter)
        if with_body:
            self._read_body(post, name, matter)
        return post

    def _read_body(self, post: ImportedPost, name: str, matter: Matter) -> None:
        first = post.line

        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, first + line - 1, kind, detail)

        page = {**matter.values, "title": post.title, "url": post.address, "date": post.date}
        post.body, post.lines = replace_liquid(
            post.body, {"site": self._site_values(), "page": page}, note, includes=self._include
        )
        if name.endswith((".html", ".htm")):
            post.body, post.lines, post.line = html_to_markdown(post.body, note), FirstLine(), post.line
        keep_rest(matter, post)

    def _include(self, name: str) -> str:
        """Return the text of a file of `_includes`; empty if there is none."""
        path = f"{self._root}_includes/{name}"
        return self._archive.read(path).decode("utf-8", "replace") if path in self._archive else ""

    def _site_values(self) -> dict[str, Any]:
        """Return what `site` stands for in texts: the configuration, and the files of `_data`."""
        if not self._values:
            facts = {"url": self.site.base_url, "baseurl": self.site.path, "title": self.site.name}
            self._values = {**self._config, **facts, "data": data_values(self._archive, f"{self._root}_data")}
        return self._values

    def _address(self, matter: Matter, post: ImportedPost, path: str, kind: str, folders: list[str]) -> str:
        """Return the path at which Jekyll served a text."""
        stem = PurePosixPath(path).stem
        plain = re.sub(r"^\d{4}-\d{1,2}-\d{1,2}-", "", stem) if kind in ("posts", "drafts") else stem
        pattern = matter.text("permalink") or (self._permalink if kind == "posts" else self._collection_pattern(kind))
        pattern = _STYLES.get(pattern, pattern)
        if kind == "pages" and not matter.values.get("permalink"):
            is_pretty = self._permalink == "pretty" or self._permalink.endswith("/")
            pattern = "/:path/" if is_pretty else "/:path.html"
            plain = stem
        date = (date_of_filename(stem) and post.date) or post.date
        tokens = date_tokens(date)
        categories = [slugify(each) for each, _ in post.topics] if kind == "posts" else folders
        tokens |= {"title": matter.text("slug") or plain, "slug": matter.text("slug") or slugify(plain), "name": plain}
        tokens |= {"categories": "/".join(categories), "output_ext": ".html", "collection": kind}
        tokens |= {"path": "/".join([*folders, plain]), "basename": plain}
        return fill(pattern, tokens)

    def _is_shown(self, collection: str) -> bool:
        """Return True if Jekyll makes a page of each text of a collection."""
        known = self._config.get("collections")
        settings = known.get(collection) if isinstance(known, dict) else None
        return isinstance(settings, dict) and str(settings.get("output")).lower() == "true"

    def _collection_pattern(self, kind: str) -> str:
        known = self._config.get("collections")
        settings = known.get(kind) if isinstance(known, dict) else None
        given = settings.get("permalink") if isinstance(settings, dict) else None
        return str(given or "/:collection/:path:output_ext")

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the authors of `_authors` and of `_data/authors.yml`."""
        for name in self._archive.under(self._root):
            path = PurePosixPath(name.removeprefix(self._root))
            if path.parts[0] in ("_authors", "_people") and path.suffix in (".md", ".markdown", ".html"):
                matter = self._matter(name, "authors")
                if matter is not None:
                    identifier = matter.text("short_name", "username", "slug") or path.stem
                    shown = matter.text("name", "display_name", "title") or identifier
                    profile = ImportedProfile("author", identifier, shown, name, matter.body_line, body=matter.body)
                    profile.portrait, profile.folder = (
                        matter.text("avatar", "image", "photo"),
                        str(PurePosixPath(name).parent),
                    )
                    yield profile
        for name in ("_data/authors.yml", "_data/authors.yaml", "_data/authors.json", "_data/people.yml"):
            if f"{self._root}{name}" in self._archive:
                yield from self._data_authors(f"{self._root}{name}")

    def _data_authors(self, name: str) -> Iterator[ImportedProfile]:
        try:
            known = plain_yaml(self._archive.read(name).decode("utf-8", "replace"))
        except Permanent as error:
            self._report.add(LOST, name, 0, "a file cannot be read", str(error))
            return
        for key, value in known.items():
            if isinstance(value, dict):
                bio = value.get("bio") or value.get("description") or ""
                shown = value.get("name") or value.get("display_name") or key
                portrait = value.get("avatar") or value.get("image") or value.get("photo") or ""
                yield ImportedProfile("author", key, str(shown), name, body=str(bio), portrait=str(portrait))

    def members(self) -> Iterator[ImportedMember]:
        """Yield nothing: a static site has no members."""
        return iter(())

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return where Jekyll serves an image from: its path within the site."""
        path = address.partition("?")[0].partition("#")[0]
        path = (
            path.removeprefix(self.site.base_url).removeprefix(self.site.path)
            if self.site.path or self.site.base_url
            else path
        )
        beside = [f"{post.folder}/{path}"] if not path.startswith("/") else []
        return [f"{self._root}{path.lstrip('/')}", *beside, f"{self._root}assets/images/{path.lstrip('/')}"]

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of `_redirects`, the file of some hosts."""
        yield from read_redirects(self._archive, f"{self._root}_redirects")
