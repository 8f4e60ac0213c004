"""A newsroom in memory with readers, whose newsletters are sent to a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.events import NewslettersDue
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.newsletters import Edition
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.editions_table import Recipient
from nightdesk.usecases.newsletters.ports import NewsletterPorts

from .memory_newsroom import Newsroom

ADDRESS = "Harbour Street 1, 1010 Vienna"
SITE = f"name: The Quay\nbase_url: https://quay.example\npostal_address: {ADDRESS}\n"


class FakeProvider:
    """A mail provider. `answers` holds, by address, the errors that it raises before it takes a mail; `lost` those after."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: dict[str, list[Exception]] = {}
        self.lost: dict[str, list[Exception]] = {}

    def send(self, mail: Mail) -> str:
        if self.answers.get(mail.to):
            raise self.answers[mail.to].pop(0)
        self.mails.append(mail)
        if self.lost.get(mail.to):
            raise self.lost[mail.to].pop(0)
        return str(len(self.mails))

    def rate(self) -> float:
        return 1e9


class LetterRoom(Newsroom):
    """A newsroom with newsletters."""

    def __init__(self, theme: Theme, settings: str = SITE) -> None:
        super().__init__(theme)
        self.provider, self.members, self.editions_table = FakeProvider(), MemoryTable(), MemoryTable()
        self.newsletters = NewsletterPorts(self.ports, self.members, self.editions_table, self.provider)
        self.file("site.yaml", settings)

    def add(self, name: str, newsletters: Iterable[str] = ("newsletter",), tier: str = "", **more: Any) -> str:
        """Add a reader with a confirmed address, and return the id."""
        address = f"{name}@readers.example"
        given: Mapping[str, Any] | None = {"tier": tier, "until": ""} if tier else None
        membership = Membership(
            address,
            **{"confirmed": "2026-11-01T00:00:00+00:00", "unsubscribe": f"key-{name}", **more},
            complimentary=given,
            newsletters=tuple(newsletters),
        )
        member = member_id(address)
        stored = memberships_table.find_membership(self.members, member)
        self.members.write([memberships_table.membership_change(member, membership, stored)])
        return member

    def tick(self, now: str = "") -> None:
        """Let the schedule of newsletters fire, at a moment (ISO 8601)."""
        if now:
            self.now = datetime.fromisoformat(now)
        self.deliver([NewslettersDue()])
        self.process_all()

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Name and subject of each mail, in their order."""
        return [(mail.to.partition("@")[0], mail.subject) for mail in self.provider.mails]

    def mail_to(self, name: str) -> Mail:
        """The only mail to a reader."""
        [mail] = [mail for mail in self.provider.mails if mail.to.startswith(f"{name}@")]
        return mail

    @property
    def editions(self) -> list[Edition]:
        """All editions, the newest first."""
        return [stored.edition for stored in editions_table.editions(self.editions_table)]

    def copy_of(self, edition: str, name: str) -> Recipient | None:
        """What became of a reader's copy."""
        return editions_table.find_recipient(self.editions_table, edition, member_id(f"{name}@readers.example"))
