"""Hugo: a site's folder, or its content folder alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightdesk.domain.drafts_bucket import FOLDERS, classify
from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site

from .addresses import below
from .archives import Archive, ImportRefused, looks_like, other_system
from .front_matter import Matter, read_matter
from .html_text import html_to_markdown
from .hugo_addresses import HugoAddresses, netlify_redirects
from .hugo_config import CONFIGS, HugoConfig, names_text_folders
from .hugo_hidden import Cascade, Ignored, apply, cascades_in, is_never_rendered
from .hugo_profiles import NOT_SHOWN, TERMS, data_profiles, hides_profile, profile_kind, profile_of, stem_of
from .markdown_text import split_at_divider
from .matter_posts import common_post, keep_rest, settle_page, tier_of
from .own import own_post
from .records import PAGE, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import CHANGED, LOST, SKIPPED, Report
from .shortcodes import has_gate, replace_shortcodes

_Text = tuple[str, str, str]
"""A file, its path within the site's texts, and the language of its folder."""
DATA = "data/nightdesk"
"""Where an export of Nightdesk's keeps what Hugo has no place for: `site.yaml`, updates, and files that cannot be published."""
_TEXTS = (".md", ".markdown", ".mdown")
_HTML = (".html", ".htm")
_OTHER_TEXTS = (".org", ".adoc", ".rst", ".pandoc")
_DEMO = re.compile(r"(?:^|/)(?:themes|exampleSite)/")
_FENCED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:---|\+\+\+)[ \t]*\r?\n")


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
        self._archive, self._report, self._fallback = archive, report, fallback
        self._root, content = self._find_content()
        self._config = config = HugoConfig(archive, self._root)
        self._folders = config.text_folders(content)
        self._texts = list(self._find_texts())
        self._bundles = {
            str(PurePosixPath(name).parent) for name, path, _ in self._texts if "/" in path and stem_of(path) == "index"
        }
        sections = {path.rpartition("/")[0] for _, path, _ in self._texts if stem_of(path) == "_index"}
        self._addresses = HugoAddresses(config, sections, hints.permalink)
        self._ignored = Ignored(config.values.get("ignorefiles"))
        self._cascades = list(self._find_cascades())
        self.site = SiteFacts(
            name=config.text("title"),
            base_url=(hints.base_url or config.text("baseurl")).rstrip("/"),
            language=config.text("languagecode") or config.text("defaultcontentlanguage"),
            timezone=hints.timezone or config.text("timezone"),
            terms=TERMS,
        )
        if not self.site.base_url.startswith("http"):
            self.site.base_url = ""
        self._zones = {
            code: zone_of(hints.timezone or config.text("timezone", code) or fallback.timezone, report)
            for code in ("", *config.languages)
        }

    def _find_content(self) -> tuple[str, str]:
        """Return the site's folder and the folder of its texts, within the archive."""
        names = self._archive.names
        sites = {name.rpartition("/")[0] for name in names if PurePosixPath(name).name in CONFIGS}
        sites = {re.sub(r"(?:^|/)config/(?:_default|production)$", "", folder) for folder in sites}
        site = min((f"{folder}/" if folder else "" for folder in sites), key=len, default="")
        if sites and names_text_folders(self._archive, site):
            return site, f"{site}content"
        tops = sorted(
            {name.partition("content/")[0] for name in names if f"/{name}".count("/content/")},
            key=lambda top: (bool(_DEMO.search(top)), len(top)),
        )
        other = other_system(names) if not tops else ""
        if other not in ("", "Hugo"):
            raise looks_like(self._archive.path, other)
        root = tops[0] if tops and (not tops[0] or tops[0].endswith("/")) else ""
        if not any(name.lower().endswith(_TEXTS) for name in names):
            raise ImportRefused(f"{self._archive.path}: this is no Hugo site; it holds no Markdown file")
        return root, f"{root}content" if tops else ""

    # Files

    def _find_texts(self) -> Iterator[_Text]:
        """Yield each file of a folder of texts, its path within the site's texts, and the folder's language."""
        seen: set[str] = set()
        for folder in self._folders:
            start = f"{folder.name}/" if folder.name else ""
            for name in [folder.name] if folder.name in self._archive else self._archive.under(folder.name):
                if name in seen:
                    continue
                seen.add(name)
                plain = name.lower()
                if plain.endswith(_TEXTS) or (plain.endswith(_HTML) and _FENCED.match(self._read(name))):
                    rest = name.removeprefix(start) if name != folder.name else ""
                    yield name, f"{folder.prefix}{rest}".rstrip("/"), folder.language
                elif plain.endswith(_OTHER_TEXTS):
                    self._report.add(LOST, name, 0, "a text that is not Markdown is not imported", name, post=True)
                elif plain.endswith(_HTML):
                    self._report.add(
                        SKIPPED, name, 0, "HTML without front matter, which Hugo copies as it is, is left out"
                    )

    def _find_cascades(self) -> Iterator[Cascade]:
        yield from cascades_in(self._config.values.get("cascade"), "", "the configuration")
        for code, values in self._config.languages.items():
            for each in cascades_in(values.get("cascade"), "", "the configuration"):
                yield each._replace(target={**each.target, "lang": code})
        for name, path, _ in self._texts:
            if stem_of(path) == "_index" and b"cascade" in self._read(name):
                matter = self._matter(name, Report())
                value = matter.values.get(matter.key_of("cascade")) if matter else None
                yield from cascades_in(value, str(PurePosixPath(name).parent), name)

    def _why_hidden(self, name: str, language: str) -> str:
        """Return why Hugo made no page of a file, whatever its front matter says; empty if it made one."""
        if self._config.is_disabled(language):
            return "its language is disabled"
        if name in self._ignored:
            return "ignoreFiles names it"
        is_mounted = next(
            (each.is_mounted for each in self._folders if name == each.name or name.startswith(f"{each.name}/")), True
        )
        return "" if is_mounted else "the settings mount other folders in place of its own"

    def _read(self, name: str) -> bytes:
        try:
            return self._archive.read(name)
        except Permanent:
            return b""

    def _matter(self, name: str, report: Report | None = None) -> Matter | None:
        report = report or self._report
        try:
            return read_matter(self._archive.read(name), name, report, bare=True)
        except Permanent as error:
            report.add(LOST, name, 0, "a file cannot be read", str(error), post=True)
            return None

    def _read_texts(self, texts: Iterable[_Text]) -> Iterator[tuple[str, str, str, Matter, str]]:
        """Yield each text that can be read: file, path, language, front matter, and whose page it is if it is a profile."""
        for name, path, language in texts:
            if matter := self._matter(name):
                if named := self._config.language_in(PurePosixPath(path).stem):
                    language = self._config.foreign(named)
                self._config.settle_dates(matter)
                for added in apply(self._cascades, matter, path, language or self._config.default):
                    self._report.add(CHANGED, name, 0, "a section or the settings decide who may read a text", added)
                yield name, path, language, matter, profile_kind(path, matter)

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        yield from self._posts(with_body=False)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        yield from self._posts(with_body=True)

    def _posts(self, with_body: bool) -> Iterator[ImportedPost]:
        for name, path, language, matter, profile in self._read_texts(self._texts):
            if profile:
                continue
            if stem_of(path) == "_index":
                self._report.add(
                    SKIPPED, name, 0, "the page of a section is left out; Nightdesk makes its lists itself"
                )
                continue
            yield self._post(name, path, language, matter, with_body)

    def _post(self, name: str, path: str, language: str, matter: Matter, with_body: bool) -> ImportedPost:
        place = PurePosixPath(path)
        is_bundle = place.stem.split(".")[0] == "index"
        file_name = place.parent.name if is_bundle else place.stem
        if self._config.language_in(place.stem) and not is_bundle:
            file_name = file_name.rpartition(".")[0]
        if own := own_post(matter, name, file_name):
            own.folder = str(PurePosixPath(name).parent)
            start = f"{own.folder}/" if is_bundle else "\0"
            beside = [n for n in self._archive.under(start) if not n.endswith(".md")]
            own.beside = {n.removeprefix(start): n for n in beside}
            return own
        section = place.parts[0] if len(place.parts) > (2 if is_bundle else 1) else ""
        post = common_post(matter, name, file_name or "index", self._zones[language.casefold()])
        post.kind = PAGE if not section and not post.date else post.kind
        post.folder = str(PurePosixPath(name).parent)
        post.draft = post.draft or is_never_rendered(matter.values) or matter.flag("headless")
        if (why := self._why_hidden(name, language)) and not post.draft:
            post.draft = True
            self._report.add(CHANGED, name, 0, "the site did not show a text, so it becomes a draft", why)
        if self._is_part(name, path) and not post.draft:
            post.draft = True
            what = "a text in the folder of an article was a part of it and no page, so it becomes a draft"
            self._report.add(CHANGED, name, 0, what, post.title)
        post.access = tier_of(post.access, self._fallback.tiers)
        is_paid = bool(matter.key_of("paywall")) and not matter.is_off("paywall")
        post.hidden_tier = tier_of(matter.text("paywall") if is_paid else "paid", self._fallback.tiers)
        hides_part = split_at_divider(post.body) is not None or has_gate(post.body)
        if is_paid and not hides_part:
            post.access = post.access or post.hidden_tier
            self._report.add(
                CHANGED, name, matter.lines.get("paywall", 0), "a paywall without a place hides all of a text"
            )
        base = self.site.base_url
        post.language = language
        post.address = self._addresses.of(matter, post, place, file_name, language)
        post.aliases = [below(base, alias) for alias in self._addresses.aliases(post)]
        post.address = below(base, post.address)
        stem = str(place.parent if is_bundle else place.with_name(file_name)).casefold()
        post.versions = matter.text("translationKey") or str(place.parent if is_bundle else place.with_name(file_name))
        if language and not matter.text("slug"):
            post.slug += f"-{language.lower()}"
        post.names = [stem, PurePosixPath(stem).name, *([f"/{stem}"] if stem else [])]
        settle_page(post, matter, hides_part)
        if with_body:
            replaced = replace_shortcodes(post.body, self._noter(name, post.line))
            post.body, post.lines, post.directives = replaced
            if name.lower().endswith(_HTML):
                if "<!--nightdesk-gate" in post.body:  # comments are not kept, and a gate must never be lost
                    post.access = tier_of("paid", self._fallback.tiers)
                    self._report.add(CHANGED, name, 0, "a text in HTML with a gate is hidden as a whole")
                post.body, post.lines = html_to_markdown(post.body, self._noter(name, post.line)), FirstLine()
            keep_rest(matter, post)
        return post

    def _is_part(self, name: str, path: str) -> bool:
        """Return True for a text that lies in the folder of another one, whose resource it is."""
        folders = list(map(str, PurePosixPath(name).parents))
        return bool(self._bundles & set(folders[1:] if stem_of(path) == "index" else folders))

    def _noter(self, name: str, first_line: int) -> Any:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, name, first_line + line - 1, kind, detail)

        return note

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the pages of authors and topics."""
        seen: set[tuple[str, str]] = set()
        in_folders = (each for each in self._texts if each[1].partition("/")[0] in TERMS)
        found = [each for each in self._read_texts(in_folders) if each[-1]]
        for name, path, language, matter, kind in sorted(found, key=lambda each: bool(each[2])):
            folder = PurePosixPath(path).parts[1] if path.count("/") > 1 else stem_of(path)
            if why := self._why_hidden(name, language) or hides_profile(matter, self._zones[""]):
                self._report.add(SKIPPED, name, 0, NOT_SHOWN, why)
            elif (kind, folder) in seen:
                self._report.add(SKIPPED, name, 0, "a profile in another language is left out", language)
            else:
                seen.add((kind, folder))
                profile = profile_of(kind, folder, path, matter, self._noter(name, matter.body_line))
                if self._config.is_on("defaultcontentlanguageinsubdir"):
                    profile.address = f"/{(language or self._config.default).lower()}{profile.address}"
                profile.address = below(self.site.base_url, profile.address)
                yield profile
        for profile in data_profiles(self._archive, self._root, self._report):
            if ("author", profile.id) not in seen:
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
        """Yield the lines of `_redirects` and the rules of `netlify.toml`, the files of some hosts."""
        yield from read_redirects(self._archive, f"{self._root}static/_redirects")
        yield from netlify_redirects(self._archive, f"{self._root}netlify.toml", self._report)

    def site_file(self) -> bytes:
        """Return the settings that Nightdesk's own export put into the folder."""
        name = f"{self._root}{DATA}/site.yaml"
        return self._archive.read(name) if name in self._archive else b""

    def plain_files(self) -> Iterator[tuple[str, str]]:
        """Yield key and name of the files that Nightdesk's own export kept beside the site."""
        start = f"{self._root}{DATA}/"
        for name in self._archive.under(start):
            key = name.removeprefix(start).removeprefix("rejected/")
            if key != "site.yaml" and (classify(key) or key.partition("/")[0] in FOLDERS):
                yield key, name


def read_redirects(archive: Archive, name: str) -> Iterator[tuple[str, str]]:
    """Yield old paths and their targets from a `_redirects` file: one rule on a line."""
    if name not in archive:
        return
    for line in archive.read(name).decode("utf-8", "replace").split("\n"):
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if len(words) >= 2 and words[0].startswith("/"):
            yield words[0], words[1]
