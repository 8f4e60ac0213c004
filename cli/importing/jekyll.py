"""Jekyll: a site's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify

from .archives import Archive, ImportRefused
from .configs import data_values, read_config
from .directory import REFERENCE
from .front_matter import Matter, plain_yaml, read_matter
from .html_text import html_to_markdown
from .hugo import read_redirects, zone_of
from .jekyll_rules import Rules, Text, dated_name
from .kramdown import plain_kramdown
from .liquid import is_template, replace_liquid
from .matter_posts import common_post, keep_rest, says_much, settle_page, tier_of
from .permalinks import date_tokens, fill
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, LineMap, SiteFacts
from .report import CHANGED, LOST, SKIPPED, Report

_OTHER_TEXTS = (".textile", ".org", ".adoc", ".asciidoc", ".rst")
_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
"""Jekyll's named styles (jekyllrb.com/docs/permalinks)."""


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
        self._redirects: dict[str, str] = {}
        for name in ("_config.yml", "_config.yaml", "_config.toml"):
            if f"{self._root}{name}" in archive:
                self._config |= read_config(archive, f"{self._root}{name}")
        source = str(self._config.get("source") or "").removeprefix(".").strip("/")
        self._root += f"{source}/" if source and self._archive.under(f"{self._root}{source}") else ""
        self._rules = Rules(self._config)
        self._hinted = hints.permalink
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

    def _texts(self) -> Iterator[Text]:
        for name in self._archive.under(self._root):
            path = name.removeprefix(self._root)
            suffix = PurePosixPath(name).suffix.lower()
            if suffix not in (*self._rules.suffixes, *_OTHER_TEXTS) or self._rules.is_foreign(path):
                continue
            text = self._rules.text(name, path)
            if text is None:
                continue
            if not text.kind:
                self._report.add(SKIPPED, name, 0, "a text in a folder that Jekyll does not read is left out")
            elif self._rules.is_excluded(path):
                self._report.add(SKIPPED, name, 0, "a text that the site excludes is left out")
            elif suffix in self._rules.suffixes:
                yield text
            elif text.kind in ("posts", "drafts", "pages"):
                what = "a text that is neither Markdown nor HTML is not imported"
                self._report.add(LOST, name, 0, what, name, post=True)

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
        for text in self._texts():
            matter = self._matter(text.name, text.kind)
            if matter is None:
                continue
            self._add_defaults(matter, text)
            is_list = PurePosixPath(text.path).name.startswith(("404", "index")) or not (
                matter.text("title") or says_much(matter.body)
            )
            if text.kind == "pages" and is_list:
                self._report.add(SKIPPED, text.name, 0, "a page that makes lists, or has no title, is left out")
                continue
            yield self._post(text, matter, with_body)

    def _add_defaults(self, matter: Matter, text: Text) -> None:
        """Add the values that the configuration gives to files of a folder or a kind, and the categories of a post's folders."""
        shared = self._rules.defaults(text)
        for name in ("categories", "tags"):  # Jekyll splits a single text at its blanks
            for values in (shared, matter.values):
                value = values.get(name)
                if isinstance(value, str) and "," not in value:
                    values[name] = value.split()
        given = [each for each in (shared.get("categories"), matter.values.get("categories")) if isinstance(each, list)]
        for key, value in shared.items():
            matter.values.setdefault(key, value)
            matter.lines.setdefault(key, 0)
        if text.folders or len(given) > 1:
            matter.values["categories"] = list(
                dict.fromkeys([*text.folders, *(each for some in given for each in some)])
            )

    def _post(self, text: Text, matter: Matter, with_body: bool) -> ImportedPost:
        stem = PurePosixPath(text.path).stem
        date, plain = dated_name(stem) if text.kind != "pages" else ("", stem)
        post = common_post(matter, text.name, f"{date}-{plain}" if date else stem, self._zone)
        post.kind = PAGE if text.kind == "pages" else post.kind
        if text.kind != "pages" and not matter.key_of("topics", "topic"):
            post.topics = [(each, each) for each in self._categories(matter)]
        is_shown = not text.is_hidden and (text.kind in ("posts", "pages") or self._rules.is_shown(text.kind))
        if not is_shown and text.kind != "drafts" and not post.draft:
            what = "a text of a collection that has no pages of its own becomes a draft"
            if text.is_hidden:
                what = "a text that Jekyll leaves out because of its name or folder becomes a draft"
            self._report.add(CHANGED, text.name, 0, what, post.title)
        post.draft = post.draft or not is_shown
        post.access = tier_of(post.access, self._fallback.tiers)
        post.hidden_tier = tier_of("paid", self._fallback.tiers)
        post.folder = str(PurePosixPath(text.name).parent)
        post.address = self.site.path + self._address(matter, post, text) if is_shown else ""
        post.names = [stem, text.path, text.path.rpartition(".")[0], *([plain] if plain != stem else [])]
        post.aliases = [f"{self.site.path}{alias}" if alias.startswith("/") else alias for alias in post.aliases]
        self._leave_redirect(post, matter)
        settle_page(post, matter)
        if with_body:
            self._read_body(post, text.name, matter)
        return post

    def _leave_redirect(self, post: ImportedPost, matter: Matter) -> None:
        """Make a text a draft that readers never saw, because its address led elsewhere (jekyll-redirect-from)."""
        target = next(iter(matter.texts("redirect_to")), "")
        if not target:
            return
        what = "a text whose address led elsewhere becomes a draft"
        self._report.add(CHANGED, post.source, matter.lines.get(matter.key_of("redirect_to"), 0), what, target)
        if target.startswith("/") and not f"{target}/".startswith(f"{self.site.path}/"):
            target = self.site.path + target
        for old in (post.address, *post.aliases):
            if old:
                self._redirects[old] = target
        post.draft, post.address, post.aliases = True, "", []

    def _categories(self, matter: Matter) -> list[str]:
        """Return the categories of a post, those of its folders first."""
        given = [*matter.texts("categories", split=","), *matter.texts("category")]
        return list(dict.fromkeys(given))

    def _read_body(self, post: ImportedPost, name: str, matter: Matter) -> None:
        page = {**matter.values, "title": post.title, "url": post.address, "date": post.date}
        post.body, post.lines = self._markdown(matter, name, page)
        keep_rest(matter, post)

    def _markdown(self, matter: Matter, name: str, page: dict[str, Any]) -> tuple[str, LineMap]:
        """Return a body as Markdown without template code.

        Args:
            page: what `page` stands for in it.
        """
        first = matter.body_line

        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, first + line - 1, kind, detail)

        is_html = PurePosixPath(name).suffix.lower() in (".html", ".htm")
        body, lines = matter.body, LineMap([(1, 1)])
        if is_template(matter):
            variables = {"site": self._site_values(), "page": page}
            body, lines = replace_liquid(body, variables, note, includes=self._include, is_html=is_html)
        elif not is_html:
            body, lines = plain_kramdown(body, lines, note)
        return (html_to_markdown(body, note), FirstLine()) if is_html else (body, lines)

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

    def _address(self, matter: Matter, post: ImportedPost, text: Text) -> str:
        """Return the path at which Jekyll served a text."""
        path = "/".join(text.path.split("/")[len(text.folders) + (text.kind != "pages") :])
        stem = PurePosixPath(path).stem
        plain = stem if text.kind == "pages" else dated_name(stem)[1]
        pattern = matter.text("permalink") or self._pattern(text.kind)
        tokens = date_tokens(self._local(post.date))
        title = re.sub(r"[\s\-:#%?*/\"<>]+", "-", matter.text("slug") or plain).strip("-")
        tokens |= {
            "title": title,
            "slug": slugify(title),
            "name": stem,
            "basename": stem,
            "path": path.rpartition(".")[0],
        }
        categories = self._categories(matter)
        lower = "/".join(dict.fromkeys(each.lower() for each in categories))
        tokens |= {"categories": re.sub(r"[\s#?]", lambda found: quote(found[0]), lower)}
        tokens |= {
            "slugified_categories": "/".join(map(slugify, categories)),
            "output_ext": ".html",
            "collection": text.kind,
        }
        return fill(_STYLES.get(pattern, pattern), tokens)

    def _local(self, date: str) -> str:
        """Return a date in the time zone that the site names, whose days are those of its addresses."""
        return datetime.fromisoformat(date).astimezone(self._zone).isoformat() if date and self.site.timezone else date

    def _pattern(self, kind: str) -> str:
        """Return the pattern of the addresses of a kind of texts."""
        if kind == "posts":
            return self._hinted or self._rules.pattern_of(kind) or self._permalink
        suffix = {"pretty": "/"}.get(self._permalink, ":output_ext" if self._permalink in _STYLES else "")
        suffix = next((each for each in ("/", ":output_ext") if self._permalink.endswith(each)), suffix)
        return self._rules.pattern_of(kind) or f"{'' if kind == 'pages' else '/:collection'}/:path{suffix}"

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the authors of `_authors` and of `_data/authors.yml`."""
        for name in self._archive.under(self._root):
            path = PurePosixPath(name.removeprefix(self._root))
            if path.parts[0] in ("_authors", "_people") and path.suffix in (".md", ".markdown", ".html"):
                matter = self._matter(name, "authors")
                if matter is not None:
                    identifier = matter.text("short_name", "username", "slug") or path.stem
                    shown = matter.text("name", "display_name", "title") or identifier
                    body = self._markdown(matter, name, matter.values)[0]
                    profile = ImportedProfile("author", identifier, shown, name, matter.body_line, body=body)
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
        path = address.removeprefix(REFERENCE).partition("?")[0].partition("#")[0]
        path = (
            path.removeprefix(self.site.base_url).removeprefix(self.site.path)
            if self.site.path or self.site.base_url
            else path
        )
        beside = [f"{post.folder}/{path}"] if not path.startswith("/") else []
        return [f"{self._root}{path.lstrip('/')}", *beside, f"{self._root}assets/images/{path.lstrip('/')}"]

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield where texts led that had an address alone, and the lines of `_redirects`, the file of some hosts."""
        yield from self._redirects.items()
        yield from read_redirects(self._archive, f"{self._root}_redirects")
