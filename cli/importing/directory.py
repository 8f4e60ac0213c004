"""The directory of an import: which slug each post gets, and where old addresses lead now."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.path_owners import can_be_page
from nightdesk.domain.site import Site
from nightdesk.domain.text import SLUG_LENGTH, slugify
from nightdesk.domain.timestamps import iso_utc_seconds

from .addresses import alias_of, host_of, normal, own_path, parts_of
from .records import PAGE, ImportedPost, ImportedProfile, SiteFacts
from .report import CHANGED, LOST, Report

MAX_ALIASES = 24
"""As many as a draft may have."""
REFERENCE = "nightdesk-ref:"
"""Begins the address of a link that names a file of the archive, as `ref`, `post_url` and `{filename}` do."""
_FILE_END = re.compile(r"(?:/_?index)?(?:\.([a-z]{2}(?:-[a-z]{2,4})?))?\.(?:md|markdown|html|rst)$")
"""The end of a file's name, with its language."""
_MAX_HOPS = 10
"""Over so many redirects an old address may lead to a post."""
_SITE = Site()
_FOLDERS = {"author": "authors", "topic": "topics"}


class Place(NamedTuple):
    """Where a post goes: its slug, its new path, and the old paths that lead there."""

    slug: str
    path: str
    aliases: list[str]


class Directory:
    """Gives out slugs, ids and aliases.

    Args:
        site: for the hosts whose addresses count as the site's own.
    """

    def __init__(self, site: SiteFacts, report: Report) -> None:
        self.site = site
        self._report = report
        self.hosts = {host_of(f"https://{host}") for host in site.hosts if host}
        if site.base_url:
            self.hosts.add(host_of(site.base_url))
        self.root = site.path or parts_of(site.base_url).path.rstrip("/")
        self._outlines: list[ImportedPost] = []
        self._places: dict[str, Place] = {}
        self._paths: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._foreign_names: dict[tuple[str, str], str] = {}
        self._sources: dict[str, str] = {}
        self._originals: dict[str, str] = {}
        self._terms: dict[tuple[str, str], str] = {}
        self._named: set[tuple[str, str]] = set()
        self._people: dict[tuple[str, str], str] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def add(self, outline: ImportedPost) -> None:
        """Add a post, of which only its names and addresses are kept."""
        if not outline.draft:
            self._named |= {("author", slugify(typed)) for typed, _ in outline.authors}
            self._named |= {("topic", slugify(typed)) for typed, _ in outline.topics}
        outline.body, outline.matter, outline.verbatim = "", {}, {}
        self._outlines.append(outline)

    def settle(self, redirects: Iterable[tuple[str, str]]) -> None:
        """Give each post its slug and aliases: what is public first, then the oldest, so that each import decides likewise."""
        order = sorted(self._outlines, key=lambda o: (o.draft, iso_utc_seconds(o.date) if o.date else "9", o.id))
        taken: set[tuple[str, str]] = set()
        for outline in order:
            slug = self._free_slug(outline, taken)
            path = f"/{slug}/" if outline.kind == PAGE else f"/articles/{slug}/"
            self._places[outline.id] = Place(slug, path, [])
            self._paths[normal(path)] = outline.id
        for outline in order:
            for number, typed in enumerate([outline.address, *outline.aliases]):
                if typed:
                    self._claim(outline, typed, is_main=number == 0)
        # A reference leads to the site's language, whatever the order of the articles.
        for outline in sorted(order, key=lambda o: bool(o.language)):
            if outline.versions and not outline.language and outline.kind != PAGE:
                self._originals.setdefault(outline.versions, self._places[outline.id].slug)
            self._sources.setdefault(outline.source.casefold(), self._places[outline.id].path)
            for name in outline.names:
                self._names.setdefault(name.casefold(), self._places[outline.id].path)
                if outline.language:
                    named = (outline.language.casefold(), name.casefold())
                    self._foreign_names.setdefault(named, self._places[outline.id].path)
        self._add_redirects(redirects, {outline.id: outline for outline in order})
        self._outlines.clear()

    def place(self, post: ImportedPost) -> Place:
        """Return where a post goes."""
        return self._places[post.id]

    def original_of(self, post: ImportedPost) -> str:
        """Return the slug of the article in the site's language that a post is a translation of; empty if there is none."""
        return self._originals.get(post.versions, "") if post.language and post.versions else ""

    def _free_slug(self, outline: ImportedPost, taken: set[tuple[str, str]]) -> str:
        wanted = slugify(outline.slug) or slugify(outline.title) or slugify(outline.id) or "untitled"
        if outline.kind == PAGE and not can_be_page(wanted):
            self._report.add(
                CHANGED, outline.source, 0, "a page got another address, because the site itself owns it", f"/{wanted}/"
            )
            wanted += "-page"
        slug, number = wanted, 1
        while (outline.kind, slug) in taken:
            number += 1
            slug = f"{wanted[: SLUG_LENGTH - 5]}-{number}"
        if slug != wanted:
            detail = f"the slug “{wanted}” is used twice; this one is now “{slug}”"
            self._report.add(CHANGED, outline.source, 0, "a slug that was used twice got a number", detail)
        taken.add((outline.kind, slug))
        return slug

    def _claim(self, outline: ImportedPost, typed: str, is_main: bool) -> None:
        """Let an old address lead to a post, if nothing else does."""
        place = self._places[outline.id]
        path = own_path(re.sub(r"^/{2,}", "/", typed), self.hosts)
        alias = alias_of(path) if path is not None else ""
        if path is None or not alias:
            if path != "/":
                self._report.add(LOST, outline.source, 0, "an old address cannot be an alias", typed)
            return
        holder = self._paths.setdefault(normal(path), outline.id)
        if holder != outline.id:
            there = self._places[holder].path if holder in self._places else holder
            detail = f"{typed} leads to {there} already"
            self._report.add(LOST, outline.source, 0, "an old address leads to another post", detail)
        elif normal(path) != normal(place.path) and alias not in place.aliases:
            self._add_alias(outline, place, alias, is_main)

    def _add_alias(self, outline: ImportedPost, place: Place, alias: str, is_main: bool) -> None:
        if outline.kind == PAGE:
            if is_main:
                detail = f"{alias} does not lead to {place.path}"
                self._report.add(LOST, outline.source, 0, "a page cannot keep its old address", detail)
        elif len(place.aliases) >= MAX_ALIASES:
            self._report.add(LOST, outline.source, 0, f"a draft may have {MAX_ALIASES} aliases, and no more", alias)
        elif refusal := _refusal(alias):
            self._report.add(LOST, outline.source, 0, "Nightdesk cannot redirect an old address", f"{alias}: {refusal}")
        else:
            place.aliases.append(alias)
            self._report.counts["old addresses"] += 1

    def _add_redirects(self, redirects: Iterable[tuple[str, str]], outlines: dict[str, ImportedPost]) -> None:
        rules = list(redirects)
        onward: dict[str, str] = {}
        for old, target in rules:
            onward.setdefault(normal(old), target)
        for old, target in rules:
            holder = self._end_of(target, onward)
            outline = outlines.get(holder or "")
            if not holder:
                what = "a redirect leads to nothing that was imported"
            elif re.search(r"[*^$]|:[a-z]", old):
                what = "a redirect is a pattern, and only single addresses are kept"
            elif not outline or outline.kind == PAGE:
                what = "a redirect leads to a page or a list, and only articles keep old addresses"
            else:
                self._claim(outline, old, is_main=False)
                continue
            self._report.add(LOST, "redirects", 0, what, f"{old} → {target}")

    def _end_of(self, target: str, onward: dict[str, str]) -> str | None:
        """Return what holds the address to which a redirect leads, over other redirects if need be; None for nothing."""
        for _ in range(_MAX_HOPS):
            path = own_path(target, self.hosts)
            if path is None:
                return None
            if holder := self._paths.get(normal(path)):
                return holder
            target = onward.get(normal(path), "")
        return None

    def find(self, address: str, base: str = "/", language: str = "") -> str | None:
        """Return the new path for an address that was found in a text; None if it is not one of this archive's.

        Args:
            language: of the text, if it is not the site's: a name leads to the article in that language, if there is one.
        """
        plain, mark, fragment = address.partition("#")
        if plain.startswith(REFERENCE):
            found = self._find_name(plain.removeprefix(REFERENCE), base, language)
        else:
            path = own_path(plain, self.hosts, base) if plain else None
            holder = self._holder_of(path) if path is not None else None
            found = self._places[holder].path if holder in self._places else holder
            if path is not None and path in ("/", self.root, f"{self.root}/"):
                found = "/"
        return f"{found}{mark}{fragment}" if found else None

    def _holder_of(self, path: str) -> str | None:
        """Return what holds an old path; texts of a site below a path often leave that out."""
        below = self._paths.get(normal(self.root + path)) if self.root else None
        return self._paths.get(normal(path)) or below or self._term_at(path)

    def _term_at(self, path: str) -> str | None:
        """Return the new path of an author or a topic whose page had no file, as Hugo's pages of terms have none."""
        *_, folder, name = ["", "", *normal(path).split("/")]
        kind, slug = self.site.terms.get(folder, ""), slugify(name)
        identifier = self._terms.get((kind, slug)) or (slug if (kind, slug) in self._named else "")
        return f"/{_FOLDERS[kind]}/{identifier}/" if identifier else None

    def old_address(self, path: str) -> str:
        """Return the address of a path on the old site."""
        base = self.site.base_url
        return (base.removesuffix(self.root) if self.root and f"{path}/".startswith(f"{self.root}/") else base) + path

    def find_file(self, address: str, folder: str, language: str = "") -> str | None:
        """Return the new path for a link that names the file of another post, as repositories show them; None if none has it.

        Args:
            folder: where the post lies that has the link.
            language: as for `find`.
        """
        plain, mark, fragment = address.partition("#")
        path = unquote(plain.partition("?")[0]).casefold()
        if not path or ":" in path:
            return None
        if re.search(r"\.(md|markdown|rst)$", path) and (named := self._find_name(path, "/", language)):
            return f"{named}{mark}{fragment}"
        name = posixpath.normpath(posixpath.join(folder.casefold(), path))
        bare = re.sub(r"\.(html?|md|markdown|rst)$", "", name)
        for candidate in (name, *(f"{bare}{end}" for end in (".md", ".markdown", ".rst", ".html", "/index.md"))):
            if found := self._sources.get(candidate):
                return f"{found}{mark}{fragment}"
        return None

    def _find_name(self, name: str, base: str, language: str) -> str | None:
        plain = name.strip().casefold()
        if ending := _FILE_END.search(plain):
            plain, language = plain[: ending.start()], ending[1] or language
        candidates = (plain, plain.strip("/"), plain.rpartition("/")[2])
        foreign = [self._foreign_names.get((language.casefold(), each)) for each in candidates if language]
        for found in (*foreign, *map(self._names.get, candidates)):
            if found:
                return found
        path = own_path(plain, self.hosts, base)
        holder = self._paths.get(normal(path)) if path is not None else None
        return self._places[holder].path if holder in self._places else holder

    def add_profile(self, profile: ImportedProfile) -> str:
        """Add a profile, with the addresses at which it was found, and return its id."""
        identifier = self.id_of(profile.kind, profile.id, profile.name, profile.source)
        path = f"/{_FOLDERS[profile.kind]}/{identifier}/"
        if profile.is_term:
            self._terms[profile.kind, slugify(profile.id)] = identifier
        for old in (profile.address, path):
            if old:
                self._paths.setdefault(normal(old), path)
        return identifier

    def id_of(self, kind: str, typed: str, name: str, source: str) -> str:
        """Return the id of an author or a topic; the same for the same spelling, another for another person."""
        key = (kind, typed)
        if key in self._ids:
            return self._ids[key]
        wanted = slugify(typed) or slugify(name)
        if (term := self._terms.get((kind, wanted))) is not None:
            self._ids[key] = term
            return term
        if not wanted:
            self._report.add(LOST, source, 0, f"no id can be made for an {kind}", typed or name)
            return ""
        shown, identifier, number = name or typed, wanted, 1
        while not _same(self._people.get((kind, identifier), shown), shown, identifier):
            number += 1
            identifier = f"{wanted}-{number}"
        if identifier != wanted:
            self._report.add(CHANGED, source, 0, f"two {_FOLDERS[kind]} had one id", f"{shown} is now {identifier}")
        if not _is_id(self._people.get((kind, identifier), ""), identifier):
            shown = self._people[kind, identifier]
        self._people[kind, identifier] = shown
        self._ids[key] = identifier
        return identifier

    def people(self) -> list[tuple[str, str, str]]:
        """Return kind, id and name of each author and topic; the name is empty if only the id was ever typed."""
        return sorted(
            (kind, identifier, "" if _is_id(name, identifier) else name)
            for (kind, identifier), name in self._people.items()
        )


def _refusal(alias: str) -> str:
    """Return why a draft with an alias would be rejected; empty if it would not: one old address must not cost an article."""
    raw = f"---\ntitle: x\naliases: [{json.dumps(alias)}]\n---\n".encode()
    try:
        parse_draft(raw, "x", _SITE, str)
    except Rejected as error:
        return error.problems[0].message
    return ""


def _spelling(name: str) -> str:
    return " ".join(re.split(r"[-_\s]+", name.casefold())).strip()


def _is_id(name: str, identifier: str) -> bool:
    """Return True if a name says no more than the id."""
    return not name or name == identifier


def _same(known: str, name: str, identifier: str) -> bool:
    """Return True if two names with one id mean the same person or topic."""
    return _spelling(known) == _spelling(name) or _is_id(known, identifier) or _is_id(name, identifier)
