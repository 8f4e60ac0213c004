"""Ghost: an export as JSON, alone or in a folder or zip file with `content/images`, members, redirects and routes."""

from __future__ import annotations

import codecs
import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any

import ijson
from nightdesk.domain.errors import Permanent
from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import InvalidTimestamp

from .addresses import below
from .archives import Archive, ImportRefused, decode_text
from .epochs import read_moment
from .front_matter import plain_yaml
from .gated_blocks import HIDING
from .gates import OPEN
from .ghost_routes import Routes
from .html_text import any_of, html_to_markdown, plain_text
from .html_trees import UnreadableHtml
from .lexical import lexical_to_html, mobiledoc_to_html
from .matter_posts import guard_hidden, make_draft_article, tier_of
from .member_tables import member_rows
from .records import PAGE, POST, Hints, ImportedMember, ImportedPost, ImportedProfile, SiteFacts
from .report import ASKED, CHANGED, LOST, NOTED, SKIPPED, Report

_URL = "__GHOST_URL__"
_NOT_EXPORTS = ("redirects.json", "package.json", "routes.json")
_PUBLIC_STATES = ("published", "scheduled")
_MEMBERS = re.compile(r"members.*\.csv$", re.IGNORECASE)
_EXPORTED_ON = re.compile(rb'"exported_on"\s*:\s*(\d{1,15})')
_REGEX = re.compile(r"[\\^$.*+?()\[\]{}|]")

Row = dict[str, Any]


class GhostReader:
    """Reads a Ghost export.

    Args:
        fallback: the settings of the folder that is written, for the tiers.
    """

    def __init__(self, archive: Archive, report: Report, fallback: Site, hints: Hints) -> None:
        self._archive, self._report, self._tiers = archive, report, fallback.tiers
        self._export = self._find_export()
        self._base = self._find_tables()
        settings = {any_of(row.get("key")): any_of(row.get("value")) for row in self._rows("settings")}
        self.site = SiteFacts(
            name=settings.get("title", ""),
            tagline=settings.get("description", ""),
            base_url=hints.base_url,
            language=settings.get("locale") or settings.get("lang") or "",
            timezone=hints.timezone or settings.get("timezone") or settings.get("activeTimezone") or "",
        )
        self._users = {any_of(row.get("id")): row for row in self._rows("users")}
        self._tags = {any_of(row.get("id")): row for row in self._rows("tags")}
        self._authors_of = self._relations("posts_authors", "author_id")
        self._tags_of = self._relations("posts_tags", "tag_id")
        self._meta = {any_of(row.get("post_id")): row for row in self._rows("posts_meta")}
        self._routes = Routes(archive, report, hints.permalink, self.site.timezone)

    # Reading

    def _find_export(self) -> str:
        names = [
            n for n in self._archive.names if n.lower().endswith(".json") and PurePosixPath(n).name not in _NOT_EXPORTS
        ]
        found: dict[str, int] = {}
        for name in sorted(names, key=lambda n: ("ghost" not in n.lower(), n.count("/"), n)):
            with self._archive.open(name) as file:
                head = file.read(65536)
            if re.search(rb'"(?:db|data)"\s*:', head):
                exported = _EXPORTED_ON.search(head)
                found[name] = int(exported[1]) if exported else 0
        if not found:
            what = "this is no Ghost export; there is no JSON file with Ghost's tables"
            raise ImportRefused(f"{self._archive.path}: {what}")
        newest = max(found, key=lambda name: found[name])
        for name in found:
            if name != newest and found[name]:
                self._report.add(SKIPPED, name, 0, "an older export is left out, because a newer one is there", newest)
        return newest

    @contextmanager
    def _open_export(self) -> Iterator[IO[bytes]]:
        """Open the export, past the mark that some editors put at the head of a file."""
        with self._archive.open(self._export) as file:
            if file.read(3) != codecs.BOM_UTF8:
                file.seek(0)
            yield file

    def _find_tables(self) -> str:
        """Return where the tables are within the JSON."""
        with self._open_export() as file:
            try:
                for prefix, event, _ in ijson.parse(file):
                    if event == "start_map" and prefix in ("db.item.data", "data"):
                        return str(prefix)
            except (ijson.JSONError, UnicodeDecodeError) as error:
                raise self._incomplete() from error
        raise ImportRefused(f"{self._export}: this is no Ghost export; it has no tables")

    def _incomplete(self) -> ImportRefused:
        return ImportRefused(
            f"{self._export}: the export is damaged or not complete; nothing was imported. Export it again"
        )

    def _rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table, one at a time."""
        with self._open_export() as file:
            try:
                for row in ijson.items(file, f"{self._base}.{table}.item", use_float=True):
                    if isinstance(row, dict):
                        yield row
            except (ijson.JSONError, UnicodeDecodeError) as error:
                raise self._incomplete() from error

    def _relations(self, table: str, key: str) -> dict[str, list[str]]:
        rows: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for row in self._rows(table):
            order = row.get("sort_order")
            rows[any_of(row.get("post_id"))].append(
                (order if isinstance(order, int | float) else 0, any_of(row.get(key)))
            )
        return {post: [identifier for _, identifier in sorted(each)] for post, each in rows.items()}

    # Posts

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post without its body."""
        for row in self._rows("posts"):
            yield self._post(row)

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post."""
        for row in self._rows("posts"):
            post = self._post(row)
            try:
                self._read_body(post, row)
            except UnreadableHtml as error:
                self._report.add(LOST, post.source, 0, "a post cannot be read", str(error), post=True)
                continue
            yield post

    def _post(self, row: Row) -> ImportedPost:
        identifier = any_of(row.get("id")) or any_of(row.get("uuid"))
        slug = any_of(row.get("slug"))
        post = ImportedPost(identifier, f"{self._export}#{slug or identifier}", slug=slug)
        meta = self._meta.get(identifier, {})
        is_page = row.get("type") == "page" or bool(row.get("page"))
        post.kind = PAGE if is_page else POST
        post.title = any_of(row.get("title")).strip() or slug or identifier
        self._dates(post, row)
        status = any_of(row.get("status")) or "draft"
        post.scheduled = status == "scheduled"
        post.draft = status not in _PUBLIC_STATES or bool(row.get("email_only") or meta.get("email_only"))
        if status == "sent" or (post.draft and status in _PUBLIC_STATES):
            what = "a post that was only mailed becomes a draft, because it was never on the site"
            self._report.add(CHANGED, post.source, 0, what)
        self._access(post, any_of(row.get("visibility")), row)
        if is_page and (post.draft or post.scheduled or post.access or post.hidden_tier or _hides_blocks(row)):
            make_draft_article(post, self._report)
        post.authors = self._people(identifier, row)
        post.topics = self._topics(identifier)
        post.address = below(self.site.base_url, f"/{slug}/" if is_page else self._address(post, row))
        post.names = [slug] if slug else []
        return post

    def _dates(self, post: ImportedPost, row: Row) -> None:
        for attribute, value in (("date", row.get("published_at")), ("lastmod", row.get("updated_at"))):
            try:
                moment = read_moment(value)
            except InvalidTimestamp:
                self._report.add(LOST, post.source, 0, "a date cannot be read", any_of(value))
                continue
            if attribute == "date":
                post.date = moment
            elif moment and post.date:
                post.matter["lastmod"] = moment

    def _access(self, post: ImportedPost, visibility: str, row: Row) -> None:
        """Take the tier of the whole post, or of what follows its divider."""
        tier = tier_of(visibility, self._tiers)
        text = any_of(row.get("html")) or any_of(row.get("lexical")) or any_of(row.get("mobiledoc"))
        if re.search(r'<!--\s*members-only\s*-->|"paywall"', text):
            post.hidden_tier = tier
        else:
            post.access = tier

    def _people(self, identifier: str, row: Row) -> list[tuple[str, str]]:
        ids = self._authors_of.get(identifier) or [any_of(row.get("author_id"))]
        users = [self._users[each] for each in ids if each in self._users]
        return [(any_of(user.get("slug")), any_of(user.get("name"))) for user in users]

    def _topics(self, identifier: str) -> list[tuple[str, str]]:
        tags = [self._tags[each] for each in self._tags_of.get(identifier, ()) if each in self._tags]
        return [(any_of(tag.get("slug")), any_of(tag.get("name"))) for tag in tags if _is_public(tag)]

    def _address(self, post: ImportedPost, row: Row) -> str:
        tags = [self._tags[each] for each in self._tags_of.get(post.id, ()) if each in self._tags]
        authors = [author for author, _ in post.authors]
        facts = {
            "tag": [any_of(tag.get("slug")) for tag in tags],
            "primary_tag": [any_of(tag.get("slug")) for tag in tags[:1] if _is_public(tag)],
            "author": authors,
            "primary_author": authors[:1],
            "featured": ["true" if row.get("featured") else "false"],
            "visibility": [any_of(row.get("visibility")) or "public"],
            "slug": [post.slug],
            "id": [post.id],
        }
        return self._routes.post(facts, post.date)

    def _read_body(self, post: ImportedPost, row: Row) -> None:
        meta = self._meta.get(post.id, {})

        def note(outcome: str, kind: str, detail: str, line: int) -> None:
            self._report.add(outcome, post.source, 0, kind, detail)

        source = _with_paths(any_of(row.get("html")))
        if not source.strip() and any_of(row.get("markdown")).strip():  # Ghost's first versions
            source = f"<ndmarkdown>{html.escape(any_of(row['markdown']))}</ndmarkdown>"
        if not source.strip() and (row.get("lexical") or row.get("mobiledoc")):
            source = lexical_to_html(any_of(row.get("lexical"))) or mobiledoc_to_html(any_of(row.get("mobiledoc")))
            source = _with_paths(source)
        if not source.strip() and (row.get("lexical") or row.get("mobiledoc")):
            self._report.add(
                LOST, post.source, 0, "a post has no HTML in the export, so its text is empty; save it in Ghost again"
            )
        post.body = html_to_markdown(source, note)
        guard_hidden(post)
        if HIDING.search(source) and OPEN not in post.body:
            post.access = self._tiers[-1]  # the mark of a hidden block got lost
        dek = any_of(row.get("custom_excerpt")) or any_of(meta.get("meta_description"))
        if dek.strip():
            post.matter["dek"] = " ".join(dek.split())  # a text, not HTML
        if image := any_of(row.get("feature_image") or row.get("image")).replace(_URL, ""):
            caption = plain_text(any_of(meta.get("feature_image_caption")))
            post.hero = {"src": image, "alt": any_of(meta.get("feature_image_alt")), "caption": caption}
        canonical = any_of(row.get("canonical_url"))
        if canonical:
            post.matter["imported"] = {"canonical_url": _with_paths(canonical)}
        for key in ("codeinjection_head", "codeinjection_foot"):
            if any_of(row.get(key)).strip():
                self._report.add(
                    LOST, post.source, 0, "code that Ghost put into the page was taken out", any_of(row[key])[:160]
                )

    # The rest

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the authors, without their e-mail addresses, and the public tags."""
        for user in self._users.values():
            slug = any_of(user.get("slug"))
            profile = ImportedProfile("author", slug, any_of(user.get("name")) or slug, f"{self._export}#users/{slug}")
            profile.address = below(self.site.base_url, self._routes.profile("author", slug))
            profile.needs_posts = True
            profile.body = any_of(user.get("bio"))
            profile.portrait = any_of(user.get("profile_image") or user.get("image")).replace(_URL, "")
            yield profile
        for tag in self._tags.values():
            if _is_public(tag):
                slug = any_of(tag.get("slug"))
                profile = ImportedProfile("topic", slug, any_of(tag.get("name")) or slug, f"{self._export}#tags/{slug}")
                profile.address = below(self.site.base_url, self._routes.profile("tag", slug))
                profile.needs_posts = True
                if tag.get("description"):
                    profile.matter["summary"] = any_of(tag["description"])
                yield profile
            else:
                self._report.add(
                    SKIPPED, f"{self._export}#tags", 0, "an internal tag is left out", any_of(tag.get("name"))
                )

    def members(self) -> Iterator[ImportedMember]:
        """Yield the members of the export, and of `members.csv`."""
        seen: set[str] = set()
        for row in (*self._rows("members"), *self._listed_members()):
            email = any_of(row.get("email")).strip()
            if "@" not in email or email.lower() in seen or row.get("deleted_at"):
                continue
            seen.add(email.lower())
            is_paying = (
                any_of(row.get("status")) in ("paid", "comped")
                or any_of(row.get("complimentary_plan")).lower() == "true"
            )
            is_paying = is_paying or bool(row.get("tiers"))
            tier = self._tiers[-1] if is_paying else self._tiers[min(1, len(self._tiers) - 1)]
            wants = any_of(row.get("subscribed_to_emails") or row.get("subscribed")).lower() in ("true", "1")
            yield ImportedMember(email, any_of(row.get("name")), tier, "", any_of(row.get("created_at")), wants)
        if seen:
            what = "members.csv names the readers and their tiers; payments stay with Stripe, and are not moved"
            self._report.add(NOTED, self._export, 0, what)

    def _listed_members(self) -> Iterator[Row]:
        """Yield the rows of the members' tables; those of Ghost's earlier versions do not say who pays."""
        unsure: Counter[str] = Counter()
        for name, row in member_rows(self._archive, _MEMBERS, self._report):
            unsure[name] += "tiers" not in row and bool(row.get("stripe_customer_id"))
            yield row
        for name, count in unsure.items():
            if count:
                what = "a list of readers does not say who still pays; give them their tier in members.csv"
                detail = f"{count:,} readers with an account at Stripe were imported without a paid tier"
                self._report.add(ASKED, name, 0, what, detail)

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return where an export keeps an image."""
        path = re.sub(r"/size/w\d+(?:h\d+)?/", "/", address.partition("?")[0])
        found = re.search(r"content/(?:images|media|files)/.+$", path)
        return [name for name in self._archive.names if found and name.endswith(found[0])][:1] if found else []

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield the rules of `redirects.json` and `redirects.yaml`."""
        for name in self._archive.names:
            for old, new in self._rules(name):
                yield self._below(_plain(old)), self._below(new)

    def _below(self, address: str) -> str:
        """Return an address of a rule, which leaves out the path of a site below one."""
        root = below(self.site.base_url, "/")
        return address if address.startswith(("//", root)) else below(self.site.base_url, address)

    def _rules(self, name: str) -> list[tuple[str, str]]:
        """Return old and new addresses of a file of redirects; nothing for another file, or, with a report, a broken one."""
        file = PurePosixPath(name).name
        try:
            if file == "redirects.json":
                rules = json.loads(decode_text(self._archive.read(name), name))
                return [(any_of(r.get("from")), any_of(r.get("to"))) for r in rules if isinstance(r, dict)]
            if file in ("redirects.yaml", "redirects.yml"):
                groups = plain_yaml(decode_text(self._archive.read(name), name)).values()
                return [(str(old), str(new)) for g in groups if isinstance(g, dict) for old, new in g.items()]
        except (ValueError, TypeError, RecursionError, Permanent) as error:
            said = str(error) if isinstance(error, Permanent) else "the JSON does not parse"
            self._report.add(LOST, name, 0, "a file of redirects cannot be read", said)
        return []


def _with_paths(text: str) -> str:
    """Return a text with addresses of the site itself as paths; that of the front page stands there without a slash."""
    return re.sub(rf"{_URL}(?![/\w])", "/", text).replace(_URL, "")


def _hides_blocks(row: Row) -> bool:
    """Return True if a post has blocks that only some readers see."""
    text = any_of(row.get("html")) or any_of(row.get("lexical")) or any_of(row.get("mobiledoc"))
    return bool(HIDING.search(text) or re.search(r'"nonMember"\s*:\s*false', text))


def _is_public(tag: Row) -> bool:
    return any_of(tag.get("visibility")) != "internal" and not any_of(tag.get("name")).startswith("#")


def _plain(pattern: str) -> str:
    """Return the path that a simple pattern stands for, such as `^/old/?$`; others stay patterns."""
    path = (
        re.sub(r"/\?\$?$", "/", pattern.removeprefix("^"))
        .removesuffix("$")
        .replace("\\/", "/")
        .replace("\\.", ".")
        .replace("\\-", "-")
    )
    return pattern if _REGEX.search(path.replace(".", "")) else path
