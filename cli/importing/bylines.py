"""The authors of a WordPress export: users, and the guests of Co-Authors Plus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from nightdesk.domain.text import slugify

from .html_text import plain_text
from .records import ImportedProfile
from .report import CHANGED, Report
from .wxr import Record

_MAIL = re.compile(r"[^\s@]+@[^\s@]+")


class Bylines:
    """Names the authors of posts, without the e-mail addresses with which they signed in."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._users: dict[str, tuple[str, str]] = {}
        self._logins: dict[str, str] = {}
        self._guests: dict[str, tuple[str, str]] = {}
        self._sources: dict[str, str] = {}

    def add_user(self, record: Record, name: str) -> None:
        """Add a user of the site."""
        login, shown = record.get("wp:author_login"), plain_text(record.get("wp:author_display_name"))
        full = f"{record.get('wp:author_first_name')} {record.get('wp:author_last_name')}".strip()
        if not shown or "@" in shown:
            shown = full if full and "@" not in full else ""
        self._users[login] = self._person(login, shown, name, record.line)
        self._logins.setdefault(slugify(login), login)
        self._sources.setdefault(login, name)

    def add_guest(self, record: Record) -> None:
        """Add a guest, who may stand for a user."""
        nicename = record.get("wp:post_name").removeprefix("cap-")
        shown = plain_text(record.setting("cap-display_name")) or plain_text(record.get("title"))
        if shown and "@" not in shown:
            keys = (nicename, record.setting("cap-user_login"), record.setting("cap-linked_account"))
            self._guests |= {slugify(key): (nicename, shown) for key in keys if key}

    def of(self, record: Record, name: str) -> list[tuple[str, str]]:
        """Return the authors of a post: those of its byline, or else the user who wrote it."""
        coauthors = [term for term in record.categories if term.domain == "author"]
        if not coauthors:
            login = record.get("dc:creator")
            return [self._user(login, name, record.line)] if login else []
        people = []
        for term in coauthors:
            nicename = unquote(term.nicename).removeprefix("cap-") or term.name
            keys = (slugify(nicename), slugify(term.name))
            guest = next((self._guests[key] for key in keys if key in self._guests), None)
            login = next((self._logins[key] for key in keys if key in self._logins), term.name or nicename)
            people.append(guest or self._user(login, name, record.line))
        return people

    def _user(self, login: str, name: str, line: int) -> tuple[str, str]:
        return self._users.get(login) or self._person(login, "", name, line)

    def _person(self, login: str, shown: str, name: str, line: int) -> tuple[str, str]:
        """Return the id and the name of a user; a login that is an e-mail address stays behind."""
        if not shown and _MAIL.fullmatch(login):
            shown = login.partition("@")[0]
            what = "an author has no name but an e-mail address; the part before the @ was kept"
            self._report.add(CHANGED, name, line, what, shown)
        shown = shown or login
        return (slugify(shown) or slugify(login.partition("@")[0]), shown)

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the users, without their logins and e-mail addresses."""
        for login, (identifier, shown) in self._users.items():
            profile = ImportedProfile("author", identifier, shown, self._sources[login])
            profile.address = f"/author/{slugify(login)}/"
            yield profile
