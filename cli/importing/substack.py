"""Substack: the zip file of an export, with `posts.csv`, a page for each post, and the list of readers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.timestamps import InvalidTimestamp

from .addresses import host_of
from .archives import Archive, ImportRefused
from .epochs import read_moment
from .front_matter import decode_leniently
from .html_text import html_to_markdown
from .html_trees import new_tag, parse_html
from .markdown_text import DIVIDER, split_at_divider
from .matter_posts import guard_hidden, make_draft_article, tier_of
from .member_tables import member_rows
from .records import PAGE, POST, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import CHANGED, LOST, SKIPPED, Report
from .shortcodes import Note

_PAYWALL = re.compile(r"paywall-jump|PaywallToDOM")
_READERS = re.compile(r"(?:email_list|subscribers).*\.csv$", re.IGNORECASE)
_OWN_PARTS = re.compile(r"%%\w+%%|preformatted-block|instagram_id|open\.substack\.com/pub/|/i/\d")
_FILLED_IN = re.compile(r"%%\w+%%")
_IN_APP = re.compile(r"https?://open\.substack\.com/pub/([\w-]+)/p/([\w-]+)")
_BY_NUMBER = re.compile(r"https?://(?:www\.)?([\w.-]+)/i/(\d+)(?:/([\w-]+))?/?(?:\?.*)?$")
_NEEDED = {"post_id", "title", "is_published"}


class SubstackReader:
    """Reads a Substack export.

    Args:
        fallback: the settings of the folder that is written, for the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._tiers = archive, report, fallback.tiers
        tables = [name for name in archive.names if PurePosixPath(name).name == "posts.csv"]
        if not tables:
            raise ImportRefused(f"{archive.path}: this is no Substack export; it has no posts.csv")
        self._table = tables[0]
        root = self._table.removesuffix("posts.csv")
        self._files = {
            PurePosixPath(name).stem.partition(".")[0]: name for name in archive.under(root) if name.endswith(".html")
        }
        lists = (re.search(r"email_list\.([\w-]+)\.csv$", name) for name in archive.names)
        publication = next((found[1] for found in lists if found), "")
        self.site = SiteFacts(base_url=hints.base_url or (f"https://{publication}.substack.com" if publication else ""))
        self.site.timezone = hints.timezone
        if publication:
            self.site.hosts.add(f"{publication}.substack.com")
        self._rows = self._read_rows()
        ids = (row["post_id"].partition(".") for _, row in self._rows)
        self._slugs = {identifier: slug for identifier, _, slug in ids}

    def _read_rows(self) -> list[tuple[int, dict[str, str]]]:
        """Return the rows of `posts.csv`, which hold no text, each with its line."""
        text = decode_leniently(self._archive.read(self._table), self._table, self._report)
        reader = csv.DictReader(io.StringIO(text))
        if not set(reader.fieldnames or ()) >= _NEEDED:
            raise ImportRefused(f"{self._table}:1: the table has not the columns of a Substack export")
        rows, line = [], 1
        try:
            for row in reader:
                rows.append(
                    (
                        line + 1,
                        {
                            key: value or ""
                            for key, value in row.items()
                            if isinstance(key, str) and not isinstance(value, list)
                        },
                    )
                )
                line = reader.line_num
        except csv.Error as error:
            raise ImportRefused(f"{self._table}:{line}: the table is damaged; export it again") from error
        listed = {row["post_id"].partition(".")[0] for _, row in rows}
        for identifier, name in self._files.items():
            if identifier not in listed:
                self._report.add(
                    LOST,
                    name,
                    0,
                    "a text is not listed in posts.csv, so it is unknown whether it is public",
                    post=True,
                )
        return rows

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        for line, row in self._rows:
            if (post := self._post(line, row)) is not None:
                yield post

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        for line, row in self._rows:
            post = self._post(line, row)
            if post is None:
                continue
            try:
                self._read_body(post, row)
            except Permanent as error:
                self._report.add(LOST, post.source, 0, "a post cannot be read", str(error), post=True)
                continue
            yield post

    def _post(self, line: int, row: dict[str, str]) -> ImportedPost | None:
        identifier, _, slug = row["post_id"].partition(".")
        name = self._files.get(identifier)
        is_live = row["is_published"].lower() == "true"
        if name is None:
            outcome, what = (
                (LOST, "a post has no text in the export")
                if is_live
                else (SKIPPED, "a draft without a text is left out")
            )
            self._report.add(outcome, self._table, line, what, row["post_id"], post=True)
            return None
        title = row["title"].strip()
        post = ImportedPost(identifier, name, title=title or "Untitled", slug=slug or slugify(title))
        if not title:
            self._report.add(CHANGED, self._table, line, "a post without a title is called “Untitled”", row["post_id"])
        try:
            post.date = read_moment(row.get("post_date", ""))
        except InvalidTimestamp:
            self._report.add(LOST, self._table, line, "a date cannot be read", row.get("post_date", ""))
        post.kind = PAGE if row.get("type") == "page" else POST
        post.draft = not is_live
        tier = tier_of(row.get("audience", ""), self._tiers)
        if tier and self._has_paywall(name):
            post.hidden_tier = tier
        else:
            post.access = tier
        if post.kind == PAGE and (post.draft or tier):
            make_draft_article(post, self._report)
        post.address = f"/p/{slug}" if slug and is_live else ""
        return post

    def _has_paywall(self, name: str) -> bool:
        try:
            return bool(_PAYWALL.search(self._archive.read(name).decode("utf-8", "replace")))
        except Permanent:
            return False

    def _read_body(self, post: ImportedPost, row: dict[str, str]) -> None:
        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, post.source, 0, kind, detail)

        text = decode_leniently(self._archive.read(post.source), post.source, self._report)
        post.body = html_to_markdown(self._prepared(text, note), note)
        guard_hidden(post)
        if subtitle := " ".join(row.get("subtitle", "").split()):
            post.matter["dek"] = subtitle  # a text, not HTML
        if audio := row.get("podcast_url", "").strip():
            post.body = _with_audio(post, audio)
            self._report.add(CHANGED, post.source, 0, "a podcast became a link at the head of the text", audio)
        kind = row.get("type", "")
        if kind == "thread":
            self._report.add(LOST, post.source, 0, "the answers to a thread are not in the export")

    def _prepared(self, text: str, note: Note) -> str:
        """Return a text without what Substack alone fills in or shows, and with its own addresses as those of the posts."""
        if not _OWN_PARTS.search(text):
            return text
        soup = parse_html(text)
        for label in soup.select(".preformatted-block label"):
            label.decompose()
        for card in soup.select("[data-attrs*=instagram_id]"):
            if found := re.search(r'"instagram_id":\s*"([\w-]+)"', str(card["data-attrs"])):
                address = f"https://www.instagram.com/p/{found[1]}/"
                paragraph = new_tag("p")
                paragraph.append(new_tag("a", address, href=address))
                card.replace_with(paragraph)
                note(CHANGED, "an embedded page became a link", address, 0)
        for anchor in soup.find_all("a", href=True):
            if anchor.decomposed:
                continue
            href = str(anchor["href"])
            if _FILLED_IN.search(href):
                note(LOST, "a button of Substack, such as one to share a post, was taken out", anchor.get_text(), 0)
                (anchor.find_parent(class_="button-wrapper") or anchor).decompose()
            else:
                anchor["href"] = self._address_of_post(href)
        return str(soup)

    def _address_of_post(self, href: str) -> str:
        """Return the address of a post to which a link leads by its number, or through Substack's app; others as they are."""
        if found := _IN_APP.match(href):
            return f"/p/{found[2]}" if f"{found[1]}.substack.com" in self.site.hosts else href
        found = _BY_NUMBER.match(href)
        slug = self._slugs.get(found[2], "") if found else ""
        if not found or not slug or found[1].lower() not in {*self.site.hosts, host_of(self.site.base_url)}:
            return href
        return f"/p/{slug}" + (f"#{found[3]}" if found[3] else "")

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield nothing: an export names no authors."""
        return iter(())

    def members(self) -> Iterator[ImportedMember]:
        """Yield the readers of the list of subscribers."""
        for _, row in member_rows(self._archive, _READERS, self._report):
            is_paying = row.get("active_subscription", "").lower() == "true"
            tier = self._tiers[-1] if is_paying else self._tiers[min(1, len(self._tiers) - 1)]
            wants = row.get("email_disabled", "").lower() != "true"
            until = row.get("expiry", "") if is_paying else ""
            yield ImportedMember(row["email"], row.get("name", ""), tier, until, row.get("created_at", ""), wants)

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return nothing: an export holds no images, but a folder given with --media may."""
        return []

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield nothing."""
        return iter(())


def _with_audio(post: ImportedPost, audio: str) -> str:
    """Return a text with a link to its podcast at the head; behind its paywall if it has one."""
    link = f"[{audio}]({audio})"
    parts = split_at_divider(post.body) if post.hidden_tier else None
    return f"{parts[0]}{DIVIDER}\n\n{link}\n\n{parts[1].lstrip()}" if parts else f"{link}\n\n{post.body}"
