"""Pelican: a site's folder with `pelicanconf.py`, which is read and never run, or its content folder alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from bs4 import Tag
from nightdesk.domain.errors import Permanent, Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.timestamps import InvalidTimestamp

from .addresses import below
from .archives import Archive, ImportRefused, decode_text, looks_like, other_system
from .directory import REFERENCE
from .front_matter import Matter, decode_leniently, read_date, read_matter
from .html_text import html_to_markdown
from .html_trees import parse_html
from .hugo import zone_of
from .liquid import replace_liquid
from .matter_posts import common_post, keep_rest, settle_page, tier_of
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import LOST, SKIPPED, Report
from .restructured import read_restructured

_TEXTS = (".md", ".markdown", ".mkd", ".mdown", ".rst", ".html", ".htm")
_TAGS = frozenset(
    ["img", "b64img", "video", "audio", "youtube", "vimeo", "soundcloud", "include_code", "notebook", "gist", "flickr", "giphy",
     "tweet", "gram", "speakerdeck", "literal", "graphviz", "diag", "codeblock", "blockquote", "pullquote"]
)  # fmt: skip
"""What Pelican's plug-in `liquid_tags` knows, as Octopress did; all else in braces is text."""
_INCLUDED = re.compile(r"\{%-?\s*include_code\s+([\w./-]+)[^%]*%\}")
_HEADER = re.compile(r"([A-Za-z][\w-]*):[ \t]*(.*)")
_PLACE = re.compile(r"[{|](filename|static|attach|author|category|tag|index)[}|]")
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_DEFAULTS = {
    "ARTICLE_URL": "{slug}.html", "ARTICLE_LANG_URL": "{slug}-{lang}.html", "PAGE_URL": "pages/{slug}.html",
    "PAGE_LANG_URL": "pages/{slug}-{lang}.html", "DEFAULT_LANG": "en", "PATH": "content", "SLUGIFY_SOURCE": "title",
}  # fmt: skip
"""Pelican's own (docs.getpelican.com/en/latest/settings.html)."""


class PelicanReader:
    """Reads a Pelican site.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._fallback = archive, report, fallback
        self._settings: dict[str, Any] = {**_DEFAULTS, **self._read_settings()}
        if hints.permalink:
            self._settings["ARTICLE_URL"] = hints.permalink
        self._content = self._find_content()
        self.site = SiteFacts(
            name=str(self._settings.get("SITENAME") or ""),
            tagline=str(self._settings.get("SITESUBTITLE") or ""),
            base_url=(hints.base_url or str(self._settings.get("SITEURL") or "")).rstrip("/"),
            language=str(self._settings["DEFAULT_LANG"]),
            timezone=hints.timezone or str(self._settings.get("TIMEZONE") or ""),
        )
        if not self.site.base_url.startswith("http"):
            self.site.base_url = ""
        self._zone = zone_of(self.site.timezone or fallback.timezone, report)

    def _read_settings(self) -> dict[str, Any]:
        """Return the settings that are plain values; the ones of `publishconf.py` count before the others."""
        found: dict[str, Any] = {}
        names = sorted(
            (n for n in self._archive.names if PurePosixPath(n).name in ("pelicanconf.py", "publishconf.py")), key=len
        )
        for name in sorted(names, key=lambda n: "publishconf" in n):
            try:
                tree = ast.parse(decode_text(self._archive.read(name), name))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise ImportRefused(f"{name}: the settings do not parse as Python") from error
            for node in tree.body:
                if (
                    isinstance(node, ast.Assign)
                    and len(node.targets) == 1
                    and isinstance(target := node.targets[0], ast.Name)
                ):
                    try:
                        found[target.id] = ast.literal_eval(node.value)
                    except (ValueError, TypeError, RecursionError):
                        self._report.add(
                            LOST, name, node.lineno, "a setting is computed, so its value is not known here", target.id
                        )
        self._settings_found = bool(names)
        self._root = names[0].rpartition("/")[0] if names else ""
        return found

    def _find_content(self) -> str:
        folder = "/".join(part for part in (self._root, str(self._settings["PATH"]).strip("./")) if part)
        content = folder if self._archive.under(folder) else self._root
        other = other_system(self._archive.names) if not self._settings_found else ""
        if other not in ("", "Pelican"):
            raise looks_like(self._archive.path, other)
        if not any(name.endswith(_TEXTS) for name in self._archive.under(content)):
            raise ImportRefused(f"{self._archive.path}: this is no Pelican site; it holds no text that Pelican reads")
        return content

    def _texts(self) -> Iterator[tuple[str, str]]:
        for name in self._archive.under(self._content):
            path = name.removeprefix(f"{self._content}/") if self._content else name
            if name.endswith(_TEXTS):
                yield name, path
            elif name.endswith(".ipynb"):
                self._notebook(name)
            elif name.endswith((".asc", ".adoc", ".org")):
                self._report.add(
                    LOST,
                    name,
                    0,
                    "a text that is neither Markdown, reStructuredText nor HTML is not imported",
                    name,
                    post=True,
                )

    def _notebook(self, name: str) -> None:
        """Report a notebook: a post if its keys stand in a file beside it, as Pelican's plug-in for notebooks wants them."""
        stem = name.removesuffix(".ipynb")
        is_post = any(f"{stem}{end}" in self._archive for end in (".nbdata", ".ipynb-meta"))
        what = "a notebook is not imported; save it as Markdown"
        self._report.add(LOST if is_post else SKIPPED, name, 0, what, name, post=is_post)

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        yield from self._posts(with_body=False)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        yield from self._posts(with_body=True)

    def _posts(self, with_body: bool) -> Iterator[ImportedPost]:
        for name, path in self._texts():
            try:
                matter = self._matter(name)
                if matter is not None:
                    yield self._post(name, path, matter, with_body)
            except Permanent as error:
                self._report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)

    def _matter(self, name: str) -> Matter | None:
        raw = self._archive.read(name)
        if name.endswith((".html", ".htm")):
            return _html_matter(decode_leniently(raw, name, self._report), name, self._report)
        if name.endswith(".rst"):
            return self._rst_matter(raw, name)
        if re.match(rb"(\xef\xbb\xbf)?\s*(---|\+\+\+)[ \t]*\r?\n", raw):
            return read_matter(raw, name, self._report)
        try:
            text = decode_leniently(raw, name, self._report)
        except Rejected as error:
            problem = error.problems[0]
            self._report.add(LOST, name, problem.line, "a file cannot be read", problem.text, post=True)
            return None
        values, lines, end = read_header(text)
        if not values:
            self._report.add(
                LOST, name, 1, "a file cannot be read", "it does not begin with lines such as “Title: …”", post=True
            )
            return None
        body = text.split("\n", end)[end] if text.count("\n") >= end else ""
        return Matter(values, lines, body, end + 1, name, self._report, set())

    def _rst_matter(self, raw: bytes, name: str) -> Matter:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, max(line, 1), kind, detail)

        values, body = read_restructured(decode_leniently(raw, name, self._report), note)
        return Matter(dict(values), dict.fromkeys(values, 1), body, 1, name, self._report, set())

    def _post(self, name: str, path: str, matter: Matter, with_body: bool) -> ImportedPost:
        stem = PurePosixPath(path).stem
        post = common_post(matter, name, stem, self._zone)
        if not post.date and (dated := re.match(r"\d{4}-\d{2}-\d{2}", stem)):  # FILENAME_METADATA, as it is by default
            with suppress(InvalidTimestamp):
                post.date = read_date(dated[0], self._zone)
        folders = PurePosixPath(path).parts[:-1]
        post.kind = PAGE if folders[:1] == ("pages",) else post.kind
        if not matter.text("slug"):
            source = stem if self._settings["SLUGIFY_SOURCE"] == "basename" else post.title
            post.slug = slugify(re.sub(r"^\d{4}-\d{2}-\d{2}-", "", source)) or slugify(stem)
        default = self._settings.get("DEFAULT_CATEGORY")
        post.topics = post.topics or [
            (each, each) for each in (folders[:1] if post.kind != PAGE else ()) or ([default] if default else [])
        ]
        author = self._settings.get("AUTHOR")
        post.authors = self._people(matter) or ([(str(author), str(author))] if author and post.kind != PAGE else [])
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of("paid", self._fallback.tiers)
        post.folder = str(PurePosixPath(name).parent)
        language = matter.text("lang")
        is_translation = bool(language) and language != self._settings["DEFAULT_LANG"]
        post.address = below(self.site.base_url, self._address(matter, post, language if is_translation else ""))
        post.versions = post.slug
        if is_translation:
            post.language = language
            post.slug += f"-{slugify(language)}"
        plain = path.rpartition(".")[0]
        post.names = [plain, f"/{plain}", stem]
        settle_page(post, matter)
        if with_body:
            self._read_body(post, name, matter)
        return post

    def _people(self, matter: Matter) -> list[tuple[str, str]]:
        names = matter.texts("authors", "author", split=r"[;,]")
        parts = [" ".join(reversed(each.split("\0"))) for each in names]
        return [(each, each) for each in parts]

    def _address(self, matter: Matter, post: ImportedPost, language: str) -> str:
        """Return the path at which Pelican served a text."""
        if given := matter.text("url", "save_as"):
            return f"/{given.lstrip('/')}"
        kind = "PAGE" if post.kind == PAGE else "ARTICLE"
        pattern = str(self._settings[f"{kind}_LANG_URL" if language else f"{kind}_URL"])
        date = datetime.fromisoformat(post.date) if post.date else None
        category = slugify(post.topics[0][0]) if post.topics else "misc"
        author = slugify(post.authors[0][0]) if post.authors else ""
        values = {"slug": post.slug, "lang": language, "category": category, "author": author}

        def fill(found: re.Match[str]) -> str:
            if found[1] == "date":
                return f"{date:{found[2] or '%Y-%m-%d'}}" if date else ""
            return values.get(found[1], "")

        return f"/{_FIELD.sub(fill, pattern).lstrip('/')}"

    def _read_body(self, post: ImportedPost, name: str, matter: Matter) -> None:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, post.line + max(line, 1) - 1, kind, detail)

        post.body = _PLACE.sub(_place, post.body)
        if re.search(r"\{%-?\s*[a-z_]+", post.body):
            post.body = _INCLUDED.sub(self._code, post.body)
            post.body, post.lines = replace_liquid(post.body, {}, note, only=_TAGS)
        if name.endswith((".rst", ".html", ".htm")):
            post.body, post.lines = html_to_markdown(post.body, note), FirstLine()
        keep_rest(matter, post)

    def _code(self, found: re.Match[str]) -> str:
        """Return the file that a text shows as code; the tag itself if it is not in the archive."""
        ending = f"/{found[1]}"
        name = next((n for n in self._archive.under(self._content) if f"/{n}".endswith(ending)), "")
        try:
            text = decode_text(self._archive.read(name), name) if name else ""
        except Permanent:
            text = ""
        language = re.search(r"lang:(\w+)", found[0])
        ticks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
        return (
            f"\n\n{ticks}{language[1] if language else ''}\n{text.rstrip()}\n{ticks}\n\n" if text.strip() else found[0]
        )

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield nothing: Pelican has no profiles."""
        return iter(())

    def members(self) -> Iterator[ImportedMember]:
        """Yield nothing: a static site has no members."""
        return iter(())

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return where an image lies: beside the text, or within the content folder."""
        path = address.removeprefix(REFERENCE).partition("?")[0].partition("#")[0]
        inside = f"{self._content}/{path.lstrip('/')}".lstrip("/")
        return [inside] if path.startswith("/") else [f"{post.folder}/{path}".removeprefix("./"), inside]

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield nothing: Pelican has no redirects."""
        return iter(())


def _place(found: re.Match[str]) -> str:
    """Return the beginning of an address for Pelican's own: a text is found by its name, a file by its path."""
    if found[1] == "filename":
        return REFERENCE
    return {"author": "/author/", "category": "/topics/", "tag": "/tag/", "index": "/"}.get(found[1], "")


def read_header(text: str) -> tuple[dict[str, Any], dict[str, int], int]:
    """Return keys, their lines, and how many lines the header has: lines of `Key: value` up to the first empty one."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    key = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            return values, lines, number
        found = _HEADER.match(line)
        if found:
            key = found[1].lower()
            values[key] = found[2].strip()
            lines[key] = number
        elif key and line[:1] in " \t":
            values[key] = f"{values[key]} {line.strip()}".strip()
        else:
            return values, lines, number - 1
    return values, lines, text.count("\n") + 1


def _html_matter(text: str, name: str, report: Report) -> Matter | None:
    soup = parse_html(text)
    values: dict[str, Any] = {}
    if isinstance(soup.title, Tag):
        values["title"] = soup.title.get_text(strip=True)
    for meta in soup.find_all("meta"):
        if meta.get("name") and meta.get("content"):
            values[str(meta["name"]).lower()] = str(meta["content"])
    body = soup.body.decode_contents() if isinstance(soup.body, Tag) else ""
    if not values.get("title") or not body.strip():
        report.add(LOST, name, 1, "a file cannot be read", "an HTML text needs a title and a body", post=True)
        return None
    return Matter(values, dict.fromkeys(values, 1), body, 1, name, report, set())
