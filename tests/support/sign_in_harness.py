"""The readers' ports in memory, with sign-in mails delivered at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable
from nightdesk.domain.mail import Mail
from nightdesk.ports import ReaderPorts, SignInLimits
from nightdesk.repositories import articles_table
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.readers import sessions, sign_in, sign_in_mail
from nightdesk.usecases.readers.sign_in import SignedIn
from nightdesk.usecases.readers.sign_in_mail import SignInJob, SignInRequest

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
KEYS = {"1": "a" * 48, "2": "b" * 48}
ADA = "ada@news.example"
SITE_URL = "https://news.example"


class SignInHarness:
    """Runs sign-in over ports in memory, and is the mailer and job queue of its ports.

    Attributes:
        mails: all mails that were sent, oldest first.
        now: the time of every call.
    """

    def __init__(self, limits: SignInLimits | None = None, can_sign_in: bool = True) -> None:
        self.table, self.bus = MemoryTable(), MemoryBus()
        self.articles = MemoryTable()
        self.mails: list[Mail] = []
        self.now = NOW
        self._jobs: list[Mapping[str, Any]] = []
        self.ports = ReaderPorts(
            memberships=self.table,
            private=MemoryObjects(),
            bus=self.bus,
            mailer=self,
            jobs=self,
            keys=KEYS,
            key_id="1",
            base_url=SITE_URL,
            can_sign_in=can_sign_in,
            limits=limits or SignInLimits(),
            articles=self.articles,
        )

    def hold(self, draft: str, slug: str) -> None:
        """Give a draft's article a slug, as `render` does, even if another draft held it."""
        record = articles_table.draft_record(self.articles, draft)
        fresh = DraftRecord("draft", slug, "accepted", "e", [slug], [], [], [])
        changes = articles_table.draft_changes(draft, fresh, record.version if record else None)
        self.articles.write(changes)
        articles_table.claim_slug(self.articles, slug, draft, lambda _: True)

    def release(self, slug: str) -> None:
        """Release a slug, as `render` does when its draft is deleted."""
        if claim := articles_table.claim_of(self.articles, slug):
            articles_table.release_slug(self.articles, slug, claim)

    def send(self, mail: Mail) -> None:
        """Keep a mail (the port `Mailer`)."""
        self.mails.append(mail)

    def start(self, job: Mapping[str, Any]) -> None:
        """Queue a job (the port `Jobs`)."""
        self._jobs.append(json.loads(json.dumps(job)))

    def start_request(self, address: str = ADA, caller: str = "192.0.2.1", **more: Any) -> str:
        """Request a mail without sending it yet, and return the browser's cookie."""
        more = {"newsletter": False, "return_to": "/", **more}
        request = SignInRequest(address=address, caller=caller, base_url=SITE_URL, **more)
        return sign_in_mail.request_sign_in(request, self.ports, self.now)

    def request(self, address: str = ADA, caller: str = "192.0.2.1", **more: Any) -> str:
        """Request a mail, send it, and return the browser's cookie."""
        cookie = self.start_request(address, caller, **more)
        self.run_jobs()
        return cookie

    def run_jobs(self) -> None:
        """Run the queued jobs."""
        while self._jobs:
            job = SignInJob.from_json(self._jobs.pop(0))
            sign_in_mail.send_sign_in_mail(job, self._write_mail, self.ports, self.now)

    def _write_mail(self, email: str, link: str, code: str) -> Mail:
        return Mail(email, "News", "", link, code)

    def newest_mail(self) -> tuple[str, str]:
        """Return the token and the code of the newest mail."""
        mail = self.mails[-1]
        return mail.text.partition("token=")[2], mail.html

    def inspect(self, token: str, *cookies: str) -> sign_in.LinkState | None:
        return sign_in.inspect_link(token, cookies, self.table, self.now)

    def by_link(self, token: str, *cookies: str, other_browser: str = "") -> SignedIn | None:
        return sign_in.sign_in_by_link(token, cookies, other_browser, self.ports, self.now)

    def by_code(self, code: str, *cookies: str, caller: str = "192.0.2.1") -> SignedIn | None:
        return sign_in.sign_in_by_code(code, cookies, caller, self.ports, self.now)

    def sign_in(self, address: str = ADA) -> SignedIn:
        """Sign a reader in with a mailed link."""
        cookie = self.request(address)
        signed_in = self.by_link(self.newest_mail()[0], cookie)
        assert signed_in
        return signed_in

    def authenticate(self, session: str = "", renewal: str = "") -> sessions.Reader | None:
        """Return the reader whom a session token or a renewal cookie belongs to."""
        cookies = {sessions.SESSION_COOKIE: session, sessions.RENEWAL_COOKIE: renewal}
        sent = {name: [value] for name, value in cookies.items() if value}
        return sessions.authenticate(sent, self.ports, self.now)
