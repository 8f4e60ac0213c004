"""Eleventy: a site's folder. Its configuration is a program, so only what can be read from it without running it counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.text import date_of_filename

from .archives import Archive, ImportRefused
from .configs import data_values
from .eleventy_addresses import UnknownAddress, default_address, fill_permalink, page_values
from .eleventy_config import read_eleventy_config
from .eleventy_data import EleventyData, as_list
from .front_matter import Matter, decode_leniently, read_matter
from .html_text import html_to_markdown
from .hugo import read_redirects, zone_of
from .liquid import is_template, replace_liquid
from .matter_posts import common_post, keep_rest, says_much, settle_page, tier_of
from .permalinks import date_tokens
from .plain_scripts import plain_script
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import LOST, SKIPPED, Report

_TEXTS = (".md", ".markdown", ".html", ".htm")
_TEMPLATES = (".njk", ".liquid", ".hbs", ".ejs", ".pug", ".webc", ".11ty.js", ".mdx")
_POST_FOLDERS = frozenset(["posts", "post", "blog", "articles", "article", "news", "_posts"])
_POST_TAGS = frozenset(["post", "posts", "blog", "article", "articles", "news"])
_COLLECTIONS = _POST_TAGS | {"all", "nav", "page", "pages"}
_PASSED_OVER = frozenset(["_includes", "_layouts", "_data", "_components"])


_SCRIPT = re.compile(
    rb"(?:\xef\xbb\xbf)?---(?:js|javascript)[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


class EleventyReader:
    """Reads an Eleventy site.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._fallback, self._permalink = archive, report, fallback, hints.permalink
        self._config = read_eleventy_config(archive, report)
        self._root = self._config.input
        if not any(name.endswith(_TEXTS) for name in archive.under(self._root)):
            raise ImportRefused(f"{archive.path}: this is no Eleventy site; it holds no text in {self._root or 'it'}")
        self._data = EleventyData(archive, report)
        facts = self._site_data()
        self.site = SiteFacts(
            name=str(facts.get("title") or facts.get("name") or ""),
            base_url=(hints.base_url or str(facts.get("url") or "")).rstrip("/"),
            language=str(facts.get("language") or facts.get("lang") or ""),
            timezone=hints.timezone or str(facts.get("timezone") or ""),
        )
        if not self.site.base_url.startswith("http"):
            self.site.base_url = ""
        self._facts = {"url": self.site.base_url, "title": self.site.name}
        self._files = data_values(archive, self._config.data)
        self._zone = zone_of(self.site.timezone or fallback.timezone, report)

    def _site_data(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in (f"{self._config.data}/{each}.json" for each in ("metadata", "site", "meta")):
            if name in self._archive:
                found |= self._data.json(name) or {}
        return found

    def _texts(self) -> Iterator[tuple[str, str]]:
        for name in self._archive.under(self._root):
            path = name.removeprefix(f"{self._root}/") if self._root else name
            if set(path.split("/")[:-1]) & _PASSED_OVER or self._config.is_template(name):
                continue
            if name.endswith(_TEXTS) and self._config.ignores(name):
                self._report.add(SKIPPED, name, 0, "a text that Eleventy ignores is left out")
            elif name.endswith(_TEXTS):
                yield name, path
            elif name.endswith(_TEMPLATES):
                self._report.add(SKIPPED, name, 0, "a template is left out")

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        yield from self._posts(with_body=False)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        yield from self._posts(with_body=True)

    def _posts(self, with_body: bool) -> Iterator[ImportedPost]:
        for name, path in self._texts():
            try:
                matter = self._matter(name, path)
                if matter is None:
                    continue
                is_front = PurePosixPath(path).stem in ("index", "404") and path.count("/") == 0
                is_titled = (
                    matter.text("title") or self._is_post(path, matter) or (not is_front and says_much(matter.body))
                )
                if not is_titled or matter.values.get("pagination"):
                    self._report.add(SKIPPED, name, 0, "a page that makes lists, or has no title, is left out")
                    continue
                yield self._post(name, path, matter, with_body)
            except Permanent as error:
                self._report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)

    def _is_post(self, path: str, matter: Matter) -> bool:
        tags = set(as_list(matter.values.get("tags")))
        parts = PurePosixPath(path).parts
        is_dated = bool(matter.values.get("date") or date_of_filename(PurePosixPath(path).stem))
        is_index = PurePosixPath(path).stem in ("index", "404") and len(parts) <= 2
        return bool(is_dated or tags & _POST_TAGS or (set(parts[:-1]) & _POST_FOLDERS and not is_index))

    def _matter(self, name: str, path: str) -> Matter | None:
        raw = self._archive.read(name)
        has_matter = re.match(rb"(\xef\xbb\xbf)?\s*(---|\+\+\+)", raw)
        if script := _SCRIPT.match(raw):
            values = plain_script(script[1].decode("utf-8", "replace"))
            if values is None:
                self._report.add(LOST, name, 1, "a file cannot be read", "its front matter is a program", post=True)
                return None
            raw = b"---json\n" + json.dumps(values).encode() + b"\n---\n" + raw[script.end() :]
        raw = re.sub(
            rb"^((?:\xef\xbb\xbf)?)---json[ \t]*\r?\n(.*?)^---[ \t]*$",
            rb"\1\2",
            raw,
            count=1,
            flags=re.DOTALL | re.MULTILINE,
        )
        matter = read_matter(raw, name, self._report) if has_matter else self._bare(raw, name)
        if matter is None:
            return None
        shared = self._data.of_text(name)
        tags = [*as_list(shared.get("tags")), *as_list(matter.values.get("tags"))]
        for key, value in shared.items():
            matter.values.setdefault(key, value)
            matter.lines.setdefault(key, 0)
        if tags:
            matter.values["tags"] = tags
        if not has_matter and (name.endswith((".html", ".htm")) or not self._is_post(path, matter)):
            self._report.add(SKIPPED, name, 0, "a file without front matter is left out")
            return None
        return matter

    def _bare(self, raw: bytes, name: str) -> Matter:
        """Return a text without front matter, whose keys may all stand in the files beside it."""
        return Matter({}, {}, decode_leniently(raw, name, self._report), 1, name, self._report, set())

    def _post(self, name: str, path: str, matter: Matter, with_body: bool) -> ImportedPost:
        place = PurePosixPath(path)
        is_index = place.stem == "index" and len(place.parts) > 1
        file_name = place.parent.name if is_index else place.stem
        if matter.text("date").lower() in ("last modified", "created", "git last modified", "git created"):
            matter.values.pop("date")
        is_post = self._is_post(path, matter)
        post = common_post(matter, name, file_name, self._zone)
        post.kind = post.kind if is_post or post.date else PAGE
        if kept := [tag for tag in post.matter.pop("tags", []) if tag not in _COLLECTIONS]:
            post.matter["tags"] = kept
        permalink = _permalink_of(matter)
        post.draft |= permalink == "false"
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of("paid", self._fallback.tiers)
        post.folder = str(PurePosixPath(name).parent)
        post.address = "" if permalink == "false" else self._address(post, permalink, place, matter)
        stem = path.rpartition(".")[0]
        post.names = [stem, f"/{stem}", file_name]
        settle_page(post, matter)
        if with_body:
            self._read_body(post, name, matter)
        return post

    def _address(self, post: ImportedPost, permalink: str, place: PurePosixPath, matter: Matter) -> str:
        """Return the path at which Eleventy served a text; empty if only its program knows."""
        page, date = page_values(place), date_tokens(post.date)
        if permalink:
            values = {"site": self._facts, "metadata": self._facts, **self._files, **matter.values, "page": page}
            try:
                return fill_permalink(permalink, {**values, "title": post.title}, date)
            except UnknownAddress as error:
                what = "a permalink is computed, so the old address is not known; --permalink can say it"
                line = matter.lines.get(matter.key_of("permalink"), 0)
                if not self._permalink or post.kind == PAGE:
                    self._report.add(LOST, post.source, line, what, str(error))
                    return ""
        if not self._permalink or post.kind == PAGE:
            return default_address(place)
        tokens = {**date, "slug": post.slug, "title": post.title}
        filled = re.sub(r":(\w+)", lambda found: str(tokens.get(found[1], found[0])), self._permalink)
        try:
            return fill_permalink(filled, {"page": page, **tokens}, date)
        except UnknownAddress:
            return ""

    def _read_body(self, post: ImportedPost, name: str, matter: Matter) -> None:
        first = post.line

        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, first + max(line, 1) - 1, kind, detail)

        page = {"url": post.address, "fileSlug": post.slug, "date": post.date}
        variables = {
            "site": self._facts,
            "metadata": self._facts,
            **self._files,
            **matter.values,
            "title": post.title,
            "page": page,
        }
        is_html = name.endswith((".html", ".htm"))
        if is_template(matter):
            post.body, post.lines = replace_liquid(post.body, variables, note, includes=self._include, is_html=is_html)
        if is_html:
            post.body, post.lines = html_to_markdown(post.body, note), FirstLine()
        keep_rest(matter, post)

    def _include(self, name: str) -> str:
        """Return the text of a file of `_includes`; empty if there is none."""
        for ending in ("", ".liquid", ".njk", ".html", ".md"):
            path = f"{self._config.includes}/{name}{ending}"
            if path in self._archive:
                return self._archive.read(path).decode("utf-8", "replace")
        return ""

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield nothing: Eleventy has no profiles."""
        return iter(())

    def members(self) -> Iterator[ImportedMember]:
        """Yield nothing: a static site has no members."""
        return iter(())

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return where an image lies: beside the text, or in one of the usual folders of files."""
        path = address.partition("?")[0].partition("#")[0]
        start = f"{self._root}/" if self._root else ""
        beside = [f"{post.folder}/{path}".removeprefix("./")] if not path.startswith("/") else []
        return [
            *beside,
            *(
                f"{place}{path.lstrip('/')}"
                for place in (start, f"{start}public/", f"{start}static/", "public/", "static/")
            ),
        ]

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of `_redirects`, the file of some hosts."""
        for name in self._archive.names:
            if PurePosixPath(name).name == "_redirects":
                yield from read_redirects(self._archive, name)


def _permalink_of(matter: Matter) -> str:
    """Return the pattern of a text's address: `false` if Eleventy writes no page, empty if there is none."""
    permalink = matter.get("permalink")
    computed = matter.values.get("eleventyComputed")
    if isinstance(computed, dict) and computed.get("permalink"):
        permalink = computed["permalink"]
    if isinstance(permalink, dict):
        permalink = permalink.get("build")
    plain = str(permalink or "")
    return plain.lower() if plain.lower() == "false" else "" if plain.lower() == "true" else plain
