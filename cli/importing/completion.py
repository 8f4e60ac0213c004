"""Completing a post: its addresses, images, gate and front matter, up to the bytes of a draft."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import yaml
from nightdesk.domain.attachments import ATTACHMENT_TYPES, is_attachment
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Permanent, Rejected
from nightdesk.domain.site import Site
from nightdesk.imaging.formats import format_of
from nightdesk.imaging.limits import ImageRefused

from .addresses import is_path, own_path
from .directory import REFERENCE, Directory
from .expiry import Expiry
from .gates import mark_elements, mark_rest, write_gates
from .html_gates import hides_rest
from .markdown_text import (
    Image,
    embeds_to_links,
    escape_directives,
    rewrite_addresses,
    split_at_divider,
)
from .matter_posts import GIVEN
from .media import Found, ImageNames, Media, inline_image, is_image
from .records import PAGE, ImportedPost, ImportedProfile, LineMap, Reader
from .report import CHANGED, LOST, NOTED, Report

_MATTER_ORDER = (
    "title",
    "dek",
    "slug",
    "date",
    "lastmod",
    "authors",
    "topics",
    "tags",
    "draft",
    "publish_at",
    "expires",
)
_REFERENCES = re.compile(rf"{REFERENCE}(?:[^\s\"'<>()]*[^\s\"'<>().,;:!?])?")
_FOREIGN_PARTS = 3
"""How alike the path of an image on another site, such as that of a content network, must be to that of a file here."""
_HEAD = 16384
"""So many bytes tell what kind of file an image is."""
_LONGEST_TITLE, _LONGEST_DEK = 300, 2000
_MAX = {"authors": 12, "topics": 24}


class Finished(NamedTuple):
    """A file of the drafts folder.

    Attributes:
        images: those that lie beside it, and its attachments, by key.
        dead: the addresses that lead nowhere, which were reported.
    """

    key: str
    raw: bytes
    images: dict[str, Found]
    dead: frozenset[str] = frozenset()


class Completion:
    """Completes posts and profiles."""

    def __init__(
        self, reader: Reader, directory: Directory, media: Media, site: Site, report: Report, expiry: Expiry
    ) -> None:
        self._reader, self._directory, self._media = reader, directory, media
        self._site, self._report, self._expiry = site, report, expiry

    def post(self, post: ImportedPost) -> Finished:
        """Return the draft or the standing page for a post."""
        place = self._directory.place(post)
        if post.verbatim:
            found = {f"drafts/{place.slug}/{name}": self._media.at(path) for name, path in post.beside.items()}
            raw = _file({**post.verbatim, "slug": place.slug}, post.body, keep_empty=True)
            return Finished(f"drafts/{place.slug}/index.md", raw, found)
        addresses = _PostAddresses(post, self._reader, self._directory, self._media, self._report)
        body = self._body(post, addresses)
        if post.kind == PAGE:
            self._fit(post)
            self._report_dropped(post, addresses)
            matter = {"title": post.title, "summary": post.matter.get("dek", "")}
            return Finished(f"pages/{place.slug}.md", _file(matter, body), {})
        if not post.date and not post.draft and "publish_at" not in post.matter:
            self._report.add(NOTED, post.source, 0, "an article has no date, and gets that of its publication")
        self._fit(post)
        matter = {**post.matter, "title": post.title, "slug": place.slug, "date": post.date}
        matter["authors"] = self._ids("author", post)
        matter["topics"] = self._ids("topic", post)
        matter |= {"draft": post.draft, "access": post.access, "aliases": place.aliases}
        matter |= {"language": post.language, "translation_of": self._directory.original_of(post)}
        matter["expires"] = self._expiry.of(post, self._report)
        if post.hero.get("src"):
            matter["hero"], above = self._hero(post, addresses)
            body = above + body
        images = {f"drafts/{place.slug}/{name}": found for name, found in addresses.images.items()}
        return Finished(f"drafts/{place.slug}/index.md", _file(matter, body), images, frozenset(addresses.dead))

    def _fit(self, post: ImportedPost) -> None:
        """Shorten what is longer than a draft may have, and set aside keys that have another meaning in the archive."""
        post.title = self._shortened(post.title, _LONGEST_TITLE, post.source, "title")
        if isinstance(dek := post.matter.get("dek"), str):
            post.matter["dek"] = self._shortened(dek, _LONGEST_DEK, post.source, "dek")
        for name in [name for name in GIVEN if name in post.matter]:
            try:
                parse_draft(_file({"title": "x", name: post.matter[name]}, "x"), "x", self._site, lambda text: text)
            except Rejected:
                value = post.matter.pop(name)
                post.matter["imported"] = {name: value, **post.matter.get("imported", {})}
                what = "a key means something else in the archive than here, and is kept below “imported”"
                self._report.add(CHANGED, post.source, 0, what, name)

    def _shortened(self, text: str, limit: int, source: str, key: str) -> str:
        """Return a text of one line without control characters, and not longer than is allowed."""
        plain = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
        if len(plain) > limit:
            self._report.add(CHANGED, source, 0, "a text was shortened to what is allowed", f"{key}: {plain[:80]} …")
            plain = plain[: limit - 2].rpartition(" ")[0] or plain[: limit - 2]
            plain += " …"
        return plain

    def profile(self, profile: ImportedProfile, identifier: str) -> Finished:
        """Return the file of an author or a topic."""
        folder = f"{profile.kind}s"
        name = self._shortened(profile.name or identifier, _LONGEST_TITLE, profile.source, "name")
        matter: dict[str, Any] = {"name": name, **profile.matter}
        post = ImportedPost(profile.id, profile.source, PAGE, profile.line, folder=profile.folder, address="/")
        images: dict[str, Found] = {}
        if profile.portrait and profile.kind == "author":
            names = self._reader.image_names(profile.portrait, post)
            found = self._media.find(profile.portrait, names)
            if found:
                suffix = found.name.rpartition(".")[2].lower()
                matter["portrait"] = f"{identifier}.{suffix}"
                images[f"authors/{identifier}.{suffix}"] = found
            else:
                self._report.add(LOST, profile.source, 0, "an image is not in the archive", profile.portrait)
        addresses = _PostAddresses(post, self._reader, self._directory, self._media, self._report)
        post.body, post.line = profile.body, profile.line
        return Finished(f"{folder}/{identifier}.md", _file(matter, self._body(post, addresses)), images)

    def _body(self, post: ImportedPost, addresses: _PostAddresses) -> str:
        lines: LineMap | None = post.lines

        def note(element: str, address: str, line: int) -> None:
            where = post.line + (lines.source_line(line) if lines else line) - 1 if post.line else 0
            if address and element != "script":
                self._report.add(CHANGED, post.source, where, f"<{element}> became a link", address)
            elif element != "style":
                self._report.add(LOST, post.source, where, f"<{element}> was taken out", address)

        def all_hidden() -> None:
            what = "a text is hidden as a whole, because a hidden part of it begins inside code"
            self._report.add(CHANGED, post.source, post.line, what)

        body, marks = mark_elements(post.body, self._gate_noter(post), hides_rest)
        lines = marks.after(lines) if lines else marks
        body, edits = embeds_to_links(body, note)
        addresses.lines = edits.after(lines)
        body = rewrite_addresses(body, addresses)
        # What is left stands in Markdown that is broken, such as a link that is never closed.
        body = _REFERENCES.sub(lambda found: addresses.link(found[0], 0), body)
        body = escape_directives(body, lambda line: post.kind != PAGE and line in post.directives)
        if split_at_divider(body) is not None:
            if post.hidden_tier and post.kind != PAGE:
                return write_gates(mark_rest(body, post.hidden_tier), self._site.tiers, all_hidden)
            self._report.add(
                NOTED, post.source, post.line, "a members-only divider in a public post hides nothing, there as here"
            )
            while parts := split_at_divider(body):
                body = "".join(parts)
        return write_gates(body, self._site.tiers, all_hidden)

    def _gate_noter(self, post: ImportedPost) -> Callable[[str, int], None]:
        def note(element: str, line: int) -> None:
            where = post.line + (post.lines.source_line(line) if post.lines else line) - 1 if post.line else 0
            hides = (
                "a comment that hides what follows it"
                if element.startswith("<!--")
                else "an element that hides its content"
            )
            self._report.add(CHANGED, post.source, where, f"{hides} became a gate", element)

        return note

    def _ids(self, kind: str, post: ImportedPost) -> list[str]:
        typed = post.authors if kind == "author" else post.topics
        ids = [self._directory.id_of(kind, each, name, post.source) for each, name in typed]
        ids = list(dict.fromkeys(identifier for identifier in ids if identifier))
        limit = _MAX[f"{kind}s"]
        if len(ids) > limit:
            what = f"a draft may have {limit} {kind}s, and no more"
            self._report.add(LOST, post.source, 0, what, ", ".join(ids[limit:]))
        return ids[:limit]

    def _report_dropped(self, post: ImportedPost, addresses: _PostAddresses) -> None:
        """Report what an article would keep and a standing page has no place for."""
        if post.hero.get("src"):
            addresses.image(post.hero["src"], 0)
        rest = {**post.matter, **post.matter.get("imported", {})}
        if dropped := [name for name in rest if name not in ("dek", "lastmod", "imported")]:
            what = "standing pages keep their title, summary and text alone; other keys were removed"
            self._report.add(LOST, post.source, 0, what, ", ".join(dropped))

    def _hero(self, post: ImportedPost, addresses: _PostAddresses) -> tuple[dict[str, str], str]:
        """Return the lead image, or none and what stands above the text instead: a link to an image of another site."""
        hero = {name: html.unescape(text) for name, text in post.hero.items() if text}
        image = addresses.image(hero["src"], 0)
        if image.form == "image":
            return {**hero, "src": image.address}, ""
        caption = hero.get("caption", "")
        if image.form != "link":
            if caption:
                self._report.add(LOST, post.source, post.line, "the caption of a lost lead image was left out", caption)
            return {}, ""
        label = _escaped(hero.get("alt") or caption or image.address)
        words = [f"[{label}](<{image.address}>)", *([_escaped(caption)] if hero.get("alt") and caption else [])]
        return {}, escape_directives("".join(f"{each}\n\n" for each in words))


class _PostAddresses:
    """Decides about the addresses in one post.

    Attributes:
        images: those found so far, and attachments, by their names beside the draft.
        dead: addresses that lead nowhere.
    """

    def __init__(self, post: ImportedPost, reader: Reader, directory: Directory, media: Media, report: Report) -> None:
        self._post, self._reader, self._directory = post, reader, directory
        self._media, self._report = media, report
        self._names = ImageNames()
        self.images: dict[str, Found] = {}
        self.dead: set[str] = set()
        self.lines: LineMap | None = None

    def _add(self, outcome: str, line: int, kind: str, detail: str) -> None:
        line = self.lines.source_line(line) if self.lines and line else line
        where = self._post.line + line - 1 if self._post.line and line else 0
        self._report.add(outcome, self._post.source, where, kind, detail.removeprefix(REFERENCE))

    def link(self, address: str, line: int) -> str:
        """Return where a link leads now."""
        address = _from_reference(address)
        if not address or address.startswith(("#", "mailto:", "tel:")):
            return address
        if found := self._directory.find(address, self._post.address or "/", self._post.language):
            return found
        if named := self._directory.find_file(address, self._post.folder, self._post.language):
            return named
        if attached := self._attachment(address):
            return attached
        if address.startswith(REFERENCE):
            return self._lost_reference(address.removeprefix(REFERENCE), line)
        if not is_path(address) or address.startswith("//"):
            if own_path(address, self._directory.hosts) is not None:
                what = "a link leads to the old site, because its target was not imported"
                self._add(NOTED, line, what, address)
            return _clean(address)
        path = own_path(address, self._directory.hosts, self._post.address or "/")
        if path is None:
            return address
        base = self._directory.site.base_url
        fragment = "#" + address.partition("#")[2] if "#" in address else ""
        if base:
            self._add(NOTED, line, "a link leads to the old site, because its target was not imported", path)
            return f"{self._directory.old_address(path)}{fragment}"
        self._add(LOST, line, "a link leads to something that was not imported", address)
        return f"{path}{fragment}"

    def _attachment(self, address: str) -> str:
        """Return the name beside the draft of the file that a link offers; empty if it offers none that the archive holds."""
        typed = address.removeprefix(REFERENCE)
        if self._post.kind == PAGE or not is_attachment(typed.partition("?")[0].partition("#")[0]):
            return ""
        own = own_path(typed, self._directory.hosts, self._post.address or "/")
        names = self._reader.image_names(typed, self._post)
        found = self._media.find(typed, names, 1 if own is not None else _FOREIGN_PARTS, ATTACHMENT_TYPES)
        found = found or (self._media.find_by_name(typed, ATTACHMENT_TYPES) if own is None else None)
        if not found:
            return ""
        name = self._names.name(f"{found.store.path}:{found.name}")
        self.images[name] = found
        return name

    def _lost_reference(self, name: str, line: int) -> str:
        base = self._directory.site.base_url
        path = own_path(name.rsplit(".md", 1)[0].removesuffix("/_index"), (), self._post.address or "/")
        if base and name.startswith("/") and path:
            self._add(NOTED, line, "a link leads to the old site, because its target was not imported", name)
            return self._directory.old_address(path)
        self._add(LOST, line, "a reference leads to something that is not in the archive; its text stays", name)
        self.dead.add(dead := name.lstrip("/") or "missing")
        return dead

    def image(self, address: str, line: int) -> Image:
        """Return what becomes of an image."""
        address = _from_reference(address)
        if address.startswith("data:"):
            if self._post.kind != PAGE and (inline := inline_image(address)):
                self._add(CHANGED, line, "an image inside the text became a file beside the draft", inline.name)
                self.images[inline.name] = inline
                return Image("image", inline.name)
            self._add(LOST, line, "an image inside the text was taken out; save it as a file", address[:60])
            return Image("text", "")
        own = own_path(address.removeprefix(REFERENCE), self._directory.hosts, self._post.address or "/")
        names = self._reader.image_names(address, self._post)
        found = self._media.find(address, names, 1 if own is not None else _FOREIGN_PARTS)
        found = found or (self._media.find_by_name(address) if own is None else None)
        if self._post.kind == PAGE:
            self._add(LOST, line, "standing pages cannot contain images; the image was removed", address)
            return Image("text", "")
        if found:
            name = self._names.name(f"{found.store.path}:{found.name}")
            if name not in self.images and (refusal := _refusal(found)):
                self._add(LOST, line, "a file is not the image that its name says, and will not be shown", refusal)
            self.images[name] = found
            return Image("image", name)
        if own is None:
            self._add(CHANGED, line, "an image on another site became a link", address)
            return Image("link", _clean(address))
        if not is_image(own):
            self._add(LOST, line, "an image is not in the archive", address)
            return Image("text", "")
        self._add(LOST, line, "an image is not in the archive", address)
        return Image("image", self._names.name(own))


def _escaped(text: str) -> str:
    """Return plain text as Markdown of one line."""
    return re.sub(r"([\\`*_\[\]<>&#])", r"\\\1", " ".join(text.split()))


def _refusal(found: Found) -> str:
    """Return why a file is no image, from its first bytes; empty if it is one."""
    try:
        with found.store.open(found.name) as file:
            format_of(file.read(_HEAD))
    except ImageRefused as error:
        return f"{found.name} {error}"
    except Permanent:
        return ""  # The file is damaged, which is reported when it is read as a whole.
    return ""


def _from_reference(address: str) -> str:
    """Return an address without the base of the site that stands before a reference, which names a file by itself."""
    return address[max(0, address.find(REFERENCE)) :]


def _clean(address: str) -> str:
    """Return an address of another site as Nightdesk accepts it: with a scheme, and without blanks and quotes."""
    address = f"https:{address}" if address.startswith("//") else address.strip()
    return re.sub(r"[\s\"'<>\\]", lambda found: quote(found[0]), address)


class _Dumper(yaml.SafeDumper):
    """Writes YAML without aliases, which drafts may not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _file(matter: dict[str, Any], body: str, keep_empty: bool = False) -> bytes:
    """Return a file with its front matter; keys without a value are left out, unless they are to be kept."""
    given = {key: value for key, value in matter.items() if keep_empty or value not in ("", None, [], {}, False)}
    last = {key: given.pop(key) for key in ("imported",) if key in given}  # where an export puts it, too
    ordered = {key: given.pop(key) for key in _MATTER_ORDER if key in given} | given | last
    text = yaml.dump(ordered, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1 << 20)
    return f"---\n{text}---\n\n{body.strip(chr(10))}\n".encode()
