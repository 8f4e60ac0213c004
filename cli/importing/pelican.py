"""Pelican: a site's folder with `pelicanconf.py`, which is read and never run, or its content folder alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from bs4 import Tag
from nightdesk.domain.errors import Permanent, Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify

from .addresses import below
from .archives import Archive, ImportRefused, decode_text, looks_like, other_system
from .directory import REFERENCE
from .front_matter import Matter, decode_leniently, read_matter
from .html_text import html_to_markdown
from .html_trees import parse_html
from .hugo import zone_of
from .liquid import replace_liquid
from .matter_posts import common_post, keep_rest, settle_page, tier_of
from .pelican_settings import ARTICLE, PAGES, PelicanSettings
from .python_markdown import without_extensions
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, LineMap, SiteFacts
from .report import ASKED, CHANGED, LOST, SKIPPED, Report
from .restructured import read_restructured

_TEXTS = (".md", ".markdown", ".mkd", ".mdown", ".rst", ".html", ".htm")
_STATES = frozenset(["draft", "hidden", "skip"])
_TAGS = frozenset(
    ["img", "b64img", "video", "audio", "youtube", "vimeo", "soundcloud", "include_code", "notebook", "gist", "flickr", "giphy",
     "tweet", "gram", "speakerdeck", "literal", "graphviz", "diag", "codeblock", "blockquote", "pullquote"]
)  # fmt: skip
"""What Pelican's plug-in `liquid_tags` knows, as Octopress did; all else in braces is text."""
_INCLUDED = re.compile(r"\{%-?\s*include_code\s+([\w./-]+)[^%]*%\}")
_HEADER = re.compile(r" {0,3}([A-Za-z0-9_-]+):[ \t]*(.*)")
_PLACE = re.compile(r"[{|](filename|static|attach|index)[}|]")
_LISTED = re.compile(r"[{|](author|category|tag)[}|]([^()<>\"'`#|{}\n]+)")
_REFERRING = re.compile(r"\[([^\[\]]*)\]\([{|](?:filename|static|attach|author|category|tag|index)[}|][^()]*\)")
"""A link in a summary, which is plain text."""
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")


class PelicanReader:
    """Reads a Pelican site.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._fallback = archive, report, fallback
        self._settings = PelicanSettings(archive, report)
        values = self._settings.values
        if hints.permalink:
            values["ARTICLE_URL"] = hints.permalink
        self._content = self._find_content()
        self.site = SiteFacts(
            name=str(values.get("SITENAME") or ""),
            tagline=str(values.get("SITESUBTITLE") or ""),
            base_url=(hints.base_url or str(values.get("SITEURL") or "")).rstrip("/"),
            language=str(values["DEFAULT_LANG"]),
            timezone=hints.timezone or str(values.get("TIMEZONE") or ""),
        )
        if not self.site.base_url.startswith("http"):
            self.site.base_url = ""
        self._zone = zone_of(self.site.timezone or fallback.timezone, report)

    def _find_content(self) -> str:
        folder = "/".join(
            part for part in (self._settings.root, str(self._settings.values["PATH"]).strip("./")) if part
        )
        content = folder if self._archive.under(folder) else self._settings.root
        other = other_system(self._archive.names) if not self._settings.found else ""
        if other not in ("", "Pelican"):
            raise looks_like(self._archive.path, other)
        if not any(name.endswith(_TEXTS) for name in self._archive.under(content)):
            raise ImportRefused(f"{self._archive.path}: this is no Pelican site; it holds no text that Pelican reads")
        return content

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield each text: its name, its path within the content folder, and its kind."""
        for name in self._archive.under(self._content):
            path = name.removeprefix(f"{self._content}/") if self._content else name
            kind = self._settings.kind_of(path)
            if name.endswith(_TEXTS) and not kind:
                self._report.add(SKIPPED, name, 0, "a text that Pelican does not read, by its settings, is left out")
            elif name.endswith(_TEXTS):
                yield name, path, kind
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
        for name, path, kind in self._texts():
            try:
                matter = self._matter(name)
                if matter is not None:
                    self._add_metadata(matter, path, kind)
                    yield self._post(name, path, kind, matter, with_body)
            except Permanent as error:
                self._report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)

    def _matter(self, name: str) -> Matter | None:
        raw = self._archive.read(name)
        if name.endswith((".html", ".htm")):
            return _html_matter(decode_leniently(raw, name, self._report), name, self._report)
        if name.endswith(".rst"):
            return self._rst_matter(raw, name)
        if re.match(rb"(\xef\xbb\xbf)?\s*(---|\+\+\+)[ \t]*\r?\n", raw):
            return self._fenced_matter(raw, name)
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

    def _fenced_matter(self, raw: bytes, name: str) -> Matter | None:
        """Read front matter between lines of `---`: as YAML, or else line by line, as Pelican does."""
        said = Report()
        matter = read_matter(raw, name, said)
        text = "" if matter else decode_leniently(raw, name, said).lstrip()
        if text.startswith("---"):
            skipped = text.partition("\n")[2]
            values, lines, end = read_header(skipped)
            rest = skipped.split("\n")[end:]
            if rest and re.match(r"(---|\.\.\.)\s*$", rest[0]):
                end, rest = end + 1, rest[1:]
            if values:
                what = "front matter that is no YAML was read line by line, as Pelican reads it"
                self._report.add(CHANGED, name, 1, what)
                lines = {key: line + 1 for key, line in lines.items()}
                return Matter(values, lines, "\n".join(rest), end + 2, name, self._report, set())
        for note in said.notes:
            self._report.add(*note)
        return matter

    def _rst_matter(self, raw: bytes, name: str) -> Matter:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, max(line, 1), kind, detail)

        values, body = read_restructured(decode_leniently(raw, name, self._report), note)
        return Matter(dict(values), dict.fromkeys(values, 1), body, 1, name, self._report, set())

    def _add_metadata(self, matter: Matter, path: str, kind: str) -> None:
        """Add what the settings say of a text, where its own header says nothing."""
        for key, value in self._settings.metadata_of(path, kind).items():
            if not matter.key_of(key):
                matter.values[key] = value
                matter.lines.setdefault(key, 0)
        for key, value in matter.values.items():
            if isinstance(value, str) and key.casefold() in ("tags", "authors"):
                matter.values[key] = [each.strip() for each in value.split(";" if ";" in value else ",")]
            elif isinstance(value, str) and key.casefold() in ("category", "author"):
                matter.values[key] = [value]

    def _reason_to_hide(self, matter: Matter, kind: str) -> str:
        """Return why Pelican makes no public page of a text; empty if it makes one."""
        status = matter.text("status").lower()
        if status not in ("", "published"):
            return "" if status in _STATES else f"Pelican does not know the status “{status}”"
        if not matter.key_of("title"):
            return "Pelican finds no title in it"
        settings = self._settings.values
        has_date = matter.key_of("date") or "DEFAULT_DATE" in settings or "DEFAULT_DATE" in self._settings.computed
        if kind == ARTICLE and not has_date:
            return "Pelican finds no date in it"
        unsaved = [key for key, value in matter.values.items() if key.casefold() == "save_as" and not value]
        is_saved = settings.get(f"{kind}_SAVE_AS") != "" or matter.key_of("save_as")
        return "Pelican writes no page of it, because “save_as” is empty" if unsaved or not is_saved else ""

    def _post(self, name: str, path: str, kind: str, matter: Matter, with_body: bool) -> ImportedPost:
        stem = PurePosixPath(path).stem
        settings = self._settings.values
        post = common_post(matter, name, stem, self._zone)
        if reason := self._reason_to_hide(matter, kind):
            self._report.add(ASKED, name, 1, "a text that Pelican does not publish became a draft", reason)
            post.draft = True
        post.draft |= matter.text("status").lower() not in ("", "published")
        post.kind = PAGE if kind == PAGES else post.kind
        source = stem if settings["SLUGIFY_SOURCE"] == "basename" else post.title
        old_slug = matter.text("slug") or self._settings.slug(source)
        if not matter.text("slug"):
            post.slug = slugify(re.sub(r"^\d{4}-\d{2}-\d{2}-", "", source)) or slugify(stem)
        if (default := settings.get("DEFAULT_CATEGORY")) and not post.topics and post.kind != PAGE:
            post.topics = [(str(default), str(default))]
        author = settings.get("AUTHOR")
        if author and not post.authors and post.kind != PAGE:
            post.authors = [(str(author), str(author))]
        if dek := post.matter.get("dek"):
            post.matter["dek"] = _REFERRING.sub(r"\1", dek)
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of("paid", self._fallback.tiers)
        post.folder = str(PurePosixPath(name).parent)
        language = matter.text("lang")
        is_translation = bool(language) and language != settings["DEFAULT_LANG"]
        address = self._address(matter, post, old_slug, language if is_translation else "")
        post.address = below(self.site.base_url, address)
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

    def _address(self, matter: Matter, post: ImportedPost, slug: str, language: str) -> str:
        """Return the path at which Pelican served a text."""
        if given := matter.text("url", "save_as"):
            return f"/{given.lstrip('/')}"
        kind = PAGES if post.kind == PAGE else ARTICLE
        pattern = str(self._settings.values[f"{kind}_LANG_URL" if language else f"{kind}_URL"])
        date = datetime.fromisoformat(post.date) if post.date else None
        category = self._settings.slug(post.topics[0][0]) if post.topics else "misc"
        author = self._settings.slug(post.authors[0][0]) if post.authors else ""
        values = {"slug": slug, "lang": language, "category": category, "author": author}

        def fill(found: re.Match[str]) -> str:
            if found[1] == "date":
                return f"{date:{found[2] or '%Y-%m-%d'}}" if date else ""
            return values.get(found[1], "")

        return f"/{_FIELD.sub(fill, pattern).lstrip('/')}"

    def _read_body(self, post: ImportedPost, name: str, matter: Matter) -> None:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, post.line + max(line, 1) - 1, kind, detail)

        post.body = _PLACE.sub(_place, _LISTED.sub(self._list_address, post.body))
        earlier: LineMap | None = None
        if not name.endswith((".rst", ".html", ".htm")):
            post.body, earlier = without_extensions(post.body)
            post.lines = earlier
        if re.search(r"\{%-?\s*[a-z_]+", post.body):
            post.body = _INCLUDED.sub(self._code, post.body)
            post.body, lines = replace_liquid(post.body, {}, note, only=_TAGS)
            post.lines = lines.after(earlier) if earlier else lines
        if name.endswith((".rst", ".html", ".htm")):
            post.body, post.lines = html_to_markdown(post.body, note), FirstLine()
        keep_rest(matter, post)

    def _list_address(self, found: re.Match[str]) -> str:
        """Return the path at which Pelican served the list of an author, a category or a tag."""
        slug = self._settings.slug(unquote(found[2]))
        pattern = str(self._settings.values[f"{found[1].upper()}_URL"])
        return below(self.site.base_url, "/" + pattern.replace("{slug}", slug).lstrip("/"))

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
    return "/" if found[1] == "index" else ""


def read_header(text: str) -> tuple[dict[str, Any], dict[str, int], int]:
    """Return keys, their lines, and how many lines the header has: lines of `Key: value` up to the first empty one."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    key = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            return values, lines, number
        found = _HEADER.match(line)
        if found and found[1].lower() in values:
            key = ""  # Pelican takes the first of two
        elif found:
            key = found[1].lower()
            values[key] = found[2].strip()
            lines[key] = number
        elif not key and values and line[:1] in " \t":
            continue
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
        if meta.get("name") and meta.get("content") is not None:
            values[str(meta["name"]).lower()] = str(meta["content"])
    body = soup.body.decode_contents() if isinstance(soup.body, Tag) else ""
    if not values.get("title") or not body.strip():
        report.add(LOST, name, 1, "a file cannot be read", "an HTML text needs a title and a body", post=True)
        return None
    return Matter(values, dict.fromkeys(values, 1), body, 1, name, report, set())
