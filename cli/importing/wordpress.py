"""WordPress: one or several export files (WXR), with the folder of uploads if there is one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.timestamps import InvalidTimestamp

from .addresses import below, host_of, parts_of
from .archives import Archive, ImportRefused
from .blocks import drop_hidden_blocks, fill_blocks, has_dividers, mark_dividers
from .bylines import Bylines
from .classic import Shortcodes
from .epochs import local_moment
from .html_text import html_to_markdown, plain_text
from .html_trees import UnreadableHtml
from .hugo import zone_of
from .markdown_text import DIVIDER, split_at_divider
from .matter_posts import guard_hidden, make_draft_article, tier_of
from .media import is_image
from .memberpress import MemberPressRules
from .paragraphs import add_paragraphs
from .post_types import PARTS, is_for_readers, is_record
from .records import PAGE, POST, FirstLine, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import ASKED, CHANGED, LOST, NOTED, SKIPPED, Report
from .restrictions import restricting_key
from .wxr import Record, read_records

_PUBLIC_STATES = ("publish", "future")
_GONE_STATES = ("trash", "auto-draft", "inherit")
_OTHER_DOMAINS = ("category", "author", "nav_menu", "post_format", "post_translations")
"""Terms that are no topics of a post."""


class WordPressReader:
    """Reads a WordPress export.

    Args:
        fallback: the settings of the folder that is written, for a time zone and the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._tiers = archive, report, fallback.tiers
        self._zone = zone_of(hints.timezone or fallback.timezone, report)
        self._exports = self._find_exports()
        self.site = SiteFacts(base_url=hints.base_url, timezone=hints.timezone)
        self._bylines = Bylines(report)
        self._terms: list[ImportedProfile] = []
        self._parents: dict[str, str] = {}
        self._attachments: dict[str, tuple[str, str, str]] = {}
        self._attached: dict[str, list[str]] = {}
        self._blocks: dict[str, str] = {}
        self._rules = MemberPressRules(report)
        self._binned: dict[tuple[str, str], str] = {}
        self._read_parts()

    def _find_exports(self) -> list[str]:
        names = []
        for name in self._archive.names:
            if name.lower().endswith(".xml") or self._archive.is_single:
                with self._archive.open(name) as file:
                    if b"wordpress.org/export" in file.read(65536).replace(b"\0", b""):
                        names.append(name)
        if not names:
            raise ImportRefused(
                f"{self._archive.path}: this is no WordPress export; no XML file in it says that it is one"
            )
        return names

    def _records(self) -> Iterator[tuple[str, Record]]:
        for name in self._exports:
            with self._archive.open(name) as file:
                for record in read_records(file, name, self._report):
                    yield name, record

    def _read_parts(self) -> None:
        """Read what posts refer to: the site, authors, terms, attachments and reusable blocks."""
        for name, record in self._records():
            if record.name == "channel":
                self._read_channel(record)
            elif record.name == "wp:author":
                self._bylines.add_user(record, name)
            elif record.name == "wp:category":
                slug = unquote(record.get("wp:category_nicename"))
                profile = ImportedProfile(
                    "topic", slug, plain_text(record.get("wp:cat_name")) or slug, name, record.line
                )
                self._parents[slug] = unquote(record.get("wp:category_parent"))
                if summary := plain_text(record.get("wp:category_description")):
                    profile.matter["summary"] = summary
                self._terms.append(profile)
                self._rules.add_term("category", record.get("wp:term_id"), record.get("wp:category_nicename"))
            elif record.name == "wp:tag":
                self._rules.add_term("post_tag", record.get("wp:term_id"), record.get("wp:tag_slug"))
            elif record.name == "item":
                self._read_part(record, name)

    def _read_channel(self, record: Record) -> None:
        self.site.name = self.site.name or plain_text(record.get("title"))
        self.site.tagline = self.site.tagline or plain_text(record.get("description"))
        self.site.language = self.site.language or record.get("language")
        # The address of the network, `wp:base_site_url`, may be that of a host with millions of other sites.
        for key in ("link", "wp:base_blog_url"):
            if address := record.get(key).rstrip("/"):
                self.site.base_url = self.site.base_url or address
                self.site.hosts.add(host_of(address))

    def _read_part(self, record: Record, name: str) -> None:
        kind, identifier = record.get("wp:post_type"), record.get("wp:post_id")
        if kind == "attachment":
            alt = plain_text(record.setting("_wp_attachment_image_alt"))
            self._attachments[identifier] = (
                record.get("wp:attachment_url"),
                alt,
                plain_text(record.get("excerpt:encoded")),
            )
            if is_image(parts_of(record.get("wp:attachment_url")).path):
                self._attached.setdefault(record.get("wp:post_parent"), []).append(identifier)
        elif kind == "wp_block" and record.get("wp:status") == "publish" and not record.get("wp:post_password"):
            self._blocks[identifier] = record.values.get("content:encoded", "")
        elif kind == "guest-author":
            self._bylines.add_guest(record)
        elif kind == "memberpressrule":
            self._rules.add(record, name)
        elif record.get("wp:status") == "trash":
            key = (identifier, record.get("wp:post_date"))
            self._binned[key] = max(self._binned.get(key, ""), _changed(record))

    # Posts

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        for name, record in self._records():
            if (post := self._post(name, record)) is not None:
                yield post

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        for name, record in self._records():
            post = self._post(name, record)
            if post is None:
                continue
            try:
                self._read_body(post, record)
            except UnreadableHtml as error:
                self._report.add(LOST, name, record.line, "a post cannot be read", str(error), post=True)
                continue
            yield post

    def _post(self, name: str, record: Record) -> ImportedPost | None:
        kind, status = record.get("wp:post_type"), record.get("wp:status")
        if record.name != "item" or kind in PARTS:
            return None
        title = plain_text(record.get("title"))
        if is_record(kind):
            what = f"a record of a plug-in, of the type “{kind}”, is left out"
            self._report.add(SKIPPED, name, record.line, what, post=True)
            return None
        if status in _GONE_STATES:
            self._report.add(
                SKIPPED,
                name,
                record.line,
                "a post in the bin, or one that was never saved, is left out",
                title,
                post=True,
            )
            return None
        identifier = record.get("wp:post_id") or f"line {record.line}"
        post = ImportedPost(identifier, name, line=record.lines.get("content:encoded", record.line))
        post.slug = unquote(record.get("wp:post_name"))
        post.title = title or post.slug or f"Post {identifier}"
        if not title:
            self._report.add(CHANGED, name, record.line, "a missing title was made from the slug", post.title)
        post.kind = PAGE if kind == "page" else POST
        self._dates(post, record, name)
        self._access(post, record, name, status)
        self._guard_kind(post, record, name)
        self._terms_of(post, record)
        self._addresses(post, record)
        return post

    def _guard_kind(self, post: ImportedPost, record: Record, name: str) -> None:
        """Make a text of a type that readers may never have seen a draft."""
        kind = record.get("wp:post_type")
        if not post.draft and not is_for_readers(kind, record.get("link")):
            post.draft = True
            what = f"a text of the type “{kind}” became a draft; publish it if readers could see it"
            self._report.add(ASKED, name, record.line, what, post.title)
        elif kind not in ("post", "page"):
            self._report.add(NOTED, name, record.line, f"a text of the type “{kind}” became an article", post.title)

    def _dates(self, post: ImportedPost, record: Record, name: str) -> None:
        try:
            post.date = local_moment(record.get("wp:post_date"), record.get("wp:post_date_gmt"), self._zone)
            changed = local_moment(record.get("wp:post_modified"), record.get("wp:post_modified_gmt"), self._zone)
        except InvalidTimestamp:
            self._report.add(LOST, name, record.line, "a date cannot be read", record.get("wp:post_date"))
            return
        if changed and changed != post.date:
            post.matter["lastmod"] = changed

    def _access(self, post: ImportedPost, record: Record, name: str, status: str) -> None:
        post.scheduled = status == "future"
        post.draft = status not in _PUBLIC_STATES or bool(record.values.get("wp:post_password", "").strip())
        if status == "private" or (post.draft and status in _PUBLIC_STATES):
            what = "a private post, or one behind a password, becomes a draft"
            self._report.add(CHANGED, name, record.line, what, post.title)
        binned = self._binned.get((record.get("wp:post_id"), record.get("wp:post_date")), "")
        if not post.draft and binned and binned >= _changed(record):
            post.draft = True
            self._report.add(CHANGED, name, record.line, "a post that was binned later becomes a draft", post.title)
        text = record.values.get("content:encoded", "")
        letter = record.setting("_jetpack_newsletter_access")
        tier = tier_of({"subscribers": "members", "everybody": ""}.get(letter, letter), self._tiers)
        if key := restricting_key(record.meta) or ("a rule of MemberPress" if self._rules.hide(record) else ""):
            tier = self._tiers[-1]
            self._report.add(CHANGED, name, record.line, "a post that a plug-in keeps for members is for members", key)
        post.hidden_tier = tier or self._tiers[-1]
        hides_part = has_dividers(text)
        if key or not hides_part:
            post.access = tier
        if post.kind == PAGE and (post.draft or post.scheduled or post.access or hides_part):
            make_draft_article(post, self._report)

    def _terms_of(self, post: ImportedPost, record: Record) -> None:
        post.authors = self._bylines.of(record, post.source)
        tags: list[str] = []
        others: dict[str, list[str]] = {}
        for domain, nicename, term in record.categories:
            if domain == "category" and nicename != "uncategorized":
                post.topics.append((unquote(nicename) or slugify(term), plain_text(term)))
            elif domain == "post_tag":
                tags.append(plain_text(term))
            elif domain not in _OTHER_DOMAINS:
                others.setdefault(domain, []).append(plain_text(term))
        if tags:
            post.matter["tags"] = list(dict.fromkeys(tags))
        if others:
            post.matter["imported"] = others
        if record.get("wp:is_sticky") == "1":
            post.matter["featured"] = True

    def _addresses(self, post: ImportedPost, record: Record) -> None:
        """Take the address that WordPress gave the post, and its plain form `?p=ID`."""
        link, identifier = record.get("link"), record.get("wp:post_id")
        plain = f"/?{'page_id' if record.get('wp:post_type') == 'page' else 'p'}={identifier}"
        parts = parts_of(link)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if not post.draft or "?" not in path:
            post.address = path
        if identifier.isdigit() and not (post.draft and not post.address):
            post.aliases = [below(self.site.base_url, plain)]
        for old in record.meta.get("_wp_old_slug", ()):
            if renamed := _with_slug(post.address, post.slug, unquote(old.strip())):
                post.aliases.append(renamed)

    def _read_body(self, post: ImportedPost, record: Record) -> None:
        line = record.lines.get("content:encoded", record.line)

        def note(outcome: str, kind: str, detail: str, _: int) -> None:
            self._report.add(outcome, post.source, line, kind, detail)

        typed = record.values.get("content:encoded", "")
        text = mark_dividers(drop_hidden_blocks(fill_blocks(typed, self._blocks, note), note))
        attached = self._attached.get(record.get("wp:post_id"), ())
        text = Shortcodes(self._attachments, note, attached).replace(text)
        if "<!-- wp:" not in typed:
            text = add_paragraphs(text)
        post.body = html_to_markdown(text, note, self._footnotes(record))
        post.lines = FirstLine()
        if DIVIDER in text and post.kind == PAGE:
            post.body = post.body.partition(DIVIDER)[0] if split_at_divider(post.body) else ""
            note(LOST, "a page hides a part of its text, which standing pages cannot; the part was taken out", "", 0)
        elif DIVIDER in text:
            guard_hidden(post)
        described = record.setting("_yoast_wpseo_metadesc")
        if "%%" in described:  # a pattern, which Yoast fills in
            described = ""
        if dek := plain_text(record.get("excerpt:encoded")) or plain_text(described):
            post.matter["dek"] = dek
        hero = self._attachments.get(record.setting("_thumbnail_id"))
        if hero and hero[0]:
            post.hero = dict(zip(("src", "alt", "caption"), hero, strict=True))
        if record.comments:
            self._report.add(
                LOST, post.source, record.line, "comments are not imported", f"{record.comments} of “{post.title}”"
            )

    def _footnotes(self, record: Record) -> dict[str, str]:
        try:
            notes = json.loads(record.setting("footnotes") or "[]")
        except ValueError:
            return {}
        return (
            {str(n.get("id")): str(n.get("content") or "") for n in notes if isinstance(n, dict)}
            if isinstance(notes, list)
            else {}
        )

    # The rest

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the authors, without their logins and e-mail addresses, and the categories."""
        for profile in self._bylines.profiles():
            profile.address = below(self.site.base_url, profile.address)
            yield profile
        seen = set()
        for term in self._terms:
            if term.id not in seen and term.id != "uncategorized":
                seen.add(term.id)
                term.address = below(self.site.base_url, self._address_of(term.id))
                yield term

    def _address_of(self, category: str) -> str:
        """Return the path of a category, which begins with the categories that it belongs to."""
        slugs = [category]
        while (parent := self._parents.get(slugs[0])) and parent not in slugs:
            slugs.insert(0, parent)
        return f"/category/{'/'.join(slugs)}/"

    def members(self) -> Iterator[ImportedMember]:
        """Yield nothing: an export of texts has no members."""
        return iter(())

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return nothing: the uploads are found by the end of their paths."""
        return [re.sub(r"^/", "", parts_of(address).path)] if address.startswith("/") else []

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield nothing: redirects are kept by plug-ins, and are not exported."""
        return iter(())


def _with_slug(address: str, slug: str, old: str) -> str:
    """Return an address with an old slug in the place of the slug, which is its last part; empty if it has no such part."""
    folder, _, last = unquote(address.partition("?")[0]).rstrip("/").rpartition("/")
    stem, dot, suffix = last.partition(".")
    if not old or not slug or stem != slug:
        return ""
    return f"{folder}/{old}{dot}{suffix}" + ("/" if address.endswith("/") else "")


def _changed(record: Record) -> str:
    """Return when a post was changed last; texts of such times have the order of the times."""
    return record.get("wp:post_modified_gmt") or record.get("wp:post_modified")
