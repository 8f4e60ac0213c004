"""An import from its archive to its report."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.text import plain_cell
from nightdesk.usecases.editors.check import FolderImages, Surroundings, check

from .archives import Archive
from .completion import Completion, Finished
from .copies import Copies
from .directory import Directory
from .expiry import Expiry
from .media import Media
from .records import PAGE, POST, ImportedMember, ImportedPost, ImportedProfile, Reader
from .report import CHANGED, LOST, NOTED, SKIPPED, Report
from .writer import Folder

SITE, MEMBERS = "site.yaml", "members.csv"
Progress = Callable[[int, int], None]


class Options(NamedTuple):
    """How to import.

    Attributes:
        out: the folder to write.
        base_url: the old site's address, for archives that do not name it.
        timezone: for dates without an offset, in archives that do not name it.
        permalink: the pattern of old addresses, for archives that do not name it.
    """

    out: Path
    dry_run: bool = False
    keep_expiry: bool = False
    base_url: str = ""
    timezone: str = ""
    permalink: str = ""
    media: tuple[Path, ...] = ()


def site_in(folder: Path) -> Site:
    """Return the settings of a folder; the defaults if it has none, or if they are broken."""
    try:
        return parse_site((folder / SITE).read_bytes())[0]
    except (FileNotFoundError, NotADirectoryError, Rejected):
        return Site()


class Import:
    """Runs an import.

    Args:
        archive: what `reader` reads.
        progress: is called with how many posts of how many are done.
    """

    def __init__(
        self, archive: Archive, reader: Reader, options: Options, report: Report, now: datetime, progress: Progress
    ) -> None:
        self._reader, self._options, self._report, self._now = reader, options, report, now
        self._archive, self._progress = archive, progress
        self._site = site_in(options.out)
        self._folder = Folder(options.out, options.dry_run, report, now)
        self._directory = Directory(reader.site, report)
        media = Media([archive, *(Archive(path, report) for path in options.media)])
        expiry = Expiry(options.keep_expiry, self._folder.started)
        self._completion = Completion(reader, self._directory, media, self._site, report, expiry)
        self._copies = Copies(report)
        self._profiles: set[str] = set()
        self._public: dict[tuple[str, str], str] = {}
        self._left_out: set[tuple[str, str]] = set()
        self._holders: dict[str, str] = {}

    def run(self) -> None:
        """Import everything."""
        # Nothing is written before everything was read once, so that a damaged archive leaves nothing behind.
        profiles = [(profile, self._directory.add_profile(profile)) for profile in self._reader.profiles()]
        total = 0
        for outline in self._read(self._copies.choose(self._reader.outlines())):
            self._note_public(outline)
            self._directory.add(outline)
            total += 1
        self._directory.settle(self._reader.redirects())
        self._write_site()
        for profile, identifier in profiles:
            self._write_profile(profile, identifier)
        for number, post in enumerate(self._read(self._copies.pick(self._reader.posts())), 1):
            self._write_post(post)
            self._progress(number, total)
        for key, name in getattr(self._reader, "plain_files", tuple)():
            with self._archive.open(name) as file:
                self._folder.put(key, file.read(), name)
        self._write_names()
        self._write_members()
        self._folder.report_gone()

    def _read(self, posts: Iterable[ImportedPost]) -> Iterator[ImportedPost]:
        return _with_due_drafts(posts, self._now, self._report)

    def _note_public(self, outline: ImportedPost) -> None:
        """Remember whom and what a public article names: what drafts alone name must have no public page."""
        date = str(outline.matter.get("publish_at") or outline.date)
        if outline.kind == POST and not outline.draft and not (date and datetime.fromisoformat(date) > self._now):
            self._public |= {("author", typed): name for typed, name in outline.authors}
            self._public |= {("topic", typed): name for typed, name in outline.topics}

    def _write_site(self) -> None:
        """Write the settings that the archive names, unless the folder has settings."""
        facts = self._reader.site
        given = {"name": facts.name, "tagline": facts.tagline, "language": facts.language, "timezone": facts.timezone}
        text = yaml.safe_dump(
            {key: value for key, value in given.items() if value}, allow_unicode=True, sort_keys=False
        )
        raw = b"" if text.strip() == "{}" else text.encode()
        raw = getattr(self._reader, "site_file", lambda: b"")() or raw
        if not raw:
            return
        try:
            site = parse_site(raw)[0]
        except Rejected as error:
            self._report.add(LOST, SITE, 0, "the settings of the old site cannot be used", str(error))
            return
        state = self._folder.put(SITE, raw, "the archive")
        self._site = site if self._options.dry_run and state != "kept" else site_in(self._options.out)

    def _write_profile(self, profile: ImportedProfile, identifier: str) -> None:
        if not identifier:
            return
        if profile.needs_posts and (profile.kind, profile.id) not in self._public:
            what = "an author or topic of no public post is left out, because the old site did not show it"
            self._report.add(SKIPPED, profile.source, profile.line, what, profile.name)
            self._left_out.add((profile.kind, identifier))
            return
        finished = self._completion.profile(profile, identifier)
        if finished.key in self._profiles:
            self._report.add(LOST, profile.source, 0, "a second profile for one id is not imported", finished.key)
            return
        self._profiles.add(finished.key)
        self._put(finished, profile.source)
        self._check(finished, profile.source)
        self._report.counts[f"{profile.kind}s"] += 1

    def _write_post(self, post: ImportedPost) -> None:
        finished = self._completion.post(post)
        state = self._put(finished, post.source)
        is_fine = self._check(finished, post.source)
        self._report.counts["pages" if post.kind == PAGE else "articles"] += 1
        result = state if is_fine else f"{state}, to be corrected"
        self._report.articles.append(
            {"source": post.source, "key": finished.key, "state": result, "id": post.id, "title": post.title}
        )

    def _put(self, finished: Finished, source: str) -> str:
        for key, found in finished.images.items():
            if self._folder.put_image(key, found, source):
                self._report.counts["attachments" if is_attachment(key) else "images"] += 1
        return self._folder.put(finished.key, finished.raw, source)

    def _check(self, finished: Finished, source: str) -> bool:
        """Check a file with the product's own parser, and report what it says. Return False if it would be rejected."""
        profiles = {key.replace(".md", ".json") for key in self._profiles}
        images = FolderImages({key: partial(found.store.read, found.name) for key, found in finished.images.items()})
        around = Surroundings(self._site, profiles, images, self._now, lambda slug: self._holders.get(slug, ""))
        checked = check(finished.key, finished.raw, around)
        if finished.key.startswith("drafts/") and not checked.problems:
            self._holders.setdefault(checked.slug, finished.key)
        file = f"{finished.key} (from {source})"
        for problem in checked.problems:
            what = "Nightdesk would reject the file; correct it before you publish"
            self._report.add(LOST, file, problem["line"], what, _said(problem))
        for problem in checked.warnings:
            if not _is_reported(problem, finished):
                self._report.add(NOTED, file, problem["line"], "Nightdesk will warn of this", _said(problem))
        return not checked.problems

    def _write_names(self) -> None:
        """Write a profile for each author and topic that has none and was named; report those of which only an id is known."""
        public = {(kind, self._directory.id_of(kind, typed, name, "")) for (kind, typed), name in self._public.items()}
        for kind, identifier, name in self._directory.people():
            if f"{kind}s/{identifier}.md" in self._profiles or (kind, identifier) in self._left_out:
                continue
            if (kind, identifier) not in public:
                what = "an author or topic that no public article names gets no profile, which would be public"
                self._report.add(SKIPPED, f"{kind}s/{identifier}.md", 0, what, name or identifier)
            elif name:
                self._write_profile(ImportedProfile(kind, identifier, name, "names in the posts"), identifier)
            else:
                what = f"an {kind} has no profile, so the name is made from the id".replace("an topic", "a topic")
                self._report.add(NOTED, f"{kind}s/{identifier}.md", 0, what, identifier)

    def _write_members(self) -> None:
        rows = io.StringIO()
        table = csv.writer(rows, lineterminator="\n")
        table.writerow(("email", "name", "tier", "until", "created", "newsletter"))
        count = 0
        for member in _safe_members(self._reader.members()):
            table.writerow((*member[:5], "true" if member.newsletter else "false"))
            count += 1
        if count:
            self._folder.put(MEMBERS, rows.getvalue().encode(), "the archive")
            if not self._options.dry_run:
                (self._options.out / MEMBERS).chmod(0o600)
            self._report.counts["members"] = count


def _with_due_drafts(posts: Iterable[ImportedPost], now: datetime, report: Report) -> Iterator[ImportedPost]:
    """Make a scheduled post a draft if its date has passed or is unknown: nobody can tell whether it ever appeared."""
    for post in posts:
        if post.scheduled and not post.draft and not (post.date and datetime.fromisoformat(post.date) > now):
            post.draft = True
            what = "a scheduled post becomes a draft, because its date has passed or is not known"
            report.add(CHANGED, post.source, post.line, what, post.date)
        yield post


def _safe_members(members: Iterator[ImportedMember]) -> Iterator[ImportedMember]:
    """Yield each member once, with texts that no spreadsheet takes for formulas."""
    seen: set[str] = set()
    for member in members:
        if member.email.casefold() in seen:
            continue
        seen.add(member.email.casefold())
        yield member._replace(name=plain_cell(member.name))


def _is_reported(problem: dict[str, Any], finished: Finished) -> bool:
    """Return True for a warning about something of which the import itself says more."""
    message = str(problem["message"])
    if problem["key"] == "link":
        return any(message.startswith(f"{address} ") for address in finished.dead)
    if problem["key"] == "image":
        return "is not in the draft's folder" in message or "is not a kind of file that browsers show" in message
    return problem["key"] == "imported" or "does not exist; the name is made" in message


def _said(problem: dict[str, Any]) -> str:
    return f"{problem['key']}: {problem['message']}" if problem["key"] else problem["message"]
