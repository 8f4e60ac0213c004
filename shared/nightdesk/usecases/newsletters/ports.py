"""What newsletters need of the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nightdesk.domain.mail import Mail
from nightdesk.ports import Ports, Table
from nightdesk.repositories.memberships_table import ScannedTable


class ReadersTable(Table, ScannedTable, Protocol):
    """The Memberships table, which planning reads as a whole."""


class EditionMailer(Protocol):
    """Sends newsletters. Unlike `Mailer`, it never repeats a request by itself, since a lost answer may mean a sent mail."""

    def send(self, mail: Mail) -> str:
        """Hand over a message for delivery and return the provider's id of it.

        Raises:
            Permanent: the provider will never take this mail.
            NotAccepted: it did not take it now.
            Deferred: it did not take it now, but may take those to other readers.
            SendingStopped: it takes no mail of this account.
            Transient: the answer was lost, so the mail may be on its way.
        """

    def rate(self) -> float:
        """Return how many mails a second the provider takes."""


@dataclass(frozen=True, slots=True)
class NewsletterPorts:
    """Everything that newsletters use.

    Attributes:
        mailer: None where the stack has no sender address.
        postal_address: the newsroom's, where `site.yaml` names none.
    """

    pipeline: Ports
    memberships: ReadersTable
    editions: Table
    mailer: EditionMailer | None = None
    postal_address: str = ""
