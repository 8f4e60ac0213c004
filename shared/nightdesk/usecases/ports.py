"""What the use cases need of the world. `adapters` has each of these on AWS and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from nightdesk.domain.updates import Entry

from nightdesk.domain.mail import Mail
from nightdesk.domain.payments import Subscription

ANY: Final = "*"
"""In place of an expected version: write whatever is there."""


class Stat(NamedTuple):
    """What is known of a stored object without reading it. `version` is unique to each write, `etag` is what a conditional write names."""

    key: str
    version: str
    etag: str
    metadata: Mapping[str, str]


class Blob(NamedTuple):
    """A stored object. `modified` is when this version was written."""

    body: bytes
    version: str
    etag: str
    modified: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Output:
    """An object to be stored: its bytes, and the headers and metadata that it is served with."""

    key: str
    body: bytes
    content_type: str
    cache_control: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Write(NamedTuple):
    """One write of a key or its removal: `version` is unique to it, `modified` is when it was. The newest is `latest`."""

    key: str
    version: str
    modified: datetime
    latest: bool
    removal: bool


class Objects(Protocol):
    """A versioned bucket. Reads are strongly consistent."""

    def get(self, key: str, version: str = "") -> Blob | None:
        """A version, by default the newest; None where there is none."""

    def stat(self, key: str) -> Stat | None:
        """The newest version without its bytes."""

    def put(self, output: Output, expected: str | None) -> None:
        """Store an object over the version whose etag is `expected` (None: over nothing; `ANY`: over anything).

        Raises:
            Conflict: something else is there.
        """

    def delete(self, key: str) -> None:
        """Remove an object; removing what is not there is no error."""

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        """Key and etag of each object under `prefix`, in order of keys."""

    def writes(self, prefix: str) -> Sequence[Write]:
        """Every write and removal that the bucket remembers of keys under `prefix`: keys in order, of each the newest first."""


Item = dict[str, Any]
"""A table's item: `pk`, `sk`, `version` (a whole number that each write raises), and its own attributes."""


class Change(NamedTuple):
    """One write among several that happen together: an item, or None to remove what is at (pk, sk).

    `expected` is the version that must be there: None for nothing, `ANY` for whatever.
    """

    pk: str
    sk: str
    item: Item | None
    expected: int | str | None


class Table(Protocol):
    """A table of items by partition and sort key. Reads are strongly consistent."""

    def get(self, pk: str, sk: str) -> Item | None:
        """One item."""

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        after: str = "",
        before: str = "",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """Items of a partition in order of their sort keys; `after` and `before` exclude themselves."""

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        """Several items, each by its `pk` and `sk`, in the order asked for; they need not be of one moment."""

    def write(self, changes: Sequence[Change]) -> None:
        """All of the changes, or none.

        Raises:
            Conflict: a version was not the expected one.
        """

    def count(self, pk: str, sk: str, until: int) -> int:
        """Raise a counter by one; what it then is. After `until`, in Unix seconds, it may be forgotten."""


class Event(NamedTuple):
    """A fact for the bus: a detail-type of `nightdesk.events`, and a detail that carries identity only."""

    type: str
    detail: Mapping[str, Any]


class Bus(Protocol):
    """Where stages say what they did."""

    def emit(self, events: Iterable[Event]) -> None:
        """Put events on the bus; returns when all of them are accepted."""


class Cdn(Protocol):
    """The cache before the site."""

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        """Forget cached answers by path, or by tag (`#tag`); a repeated `reference` with the same paths does nothing more."""


class Alarm(Protocol):
    """What brings an article back to attention when time alone has changed it."""

    def wake(self, slug: str, moment: datetime) -> None:
        """Have an article looked at at `moment` or soon after. Asking again is no error, and a look too many does no harm."""


class Timer(Protocol):
    """What lets the ticker look again at a moment of its own."""

    def wake(self, seconds: int) -> None:
        """Ask for a look in so many seconds, 900 at most."""


class Ask(NamedTuple):
    """A feed to be read: its address, and what tells whether it changed since it was read last (empty at first)."""

    url: str
    etag: str = ""
    modified: str = ""
    digest: str = ""


class Reading(NamedTuple):
    """What was read of a feed. `entries` is None where it had not changed; `problem` says why nothing could be read.

    `retry_after` is how many seconds the feed's server asked to be left alone for, or 0.
    """

    url: str
    entries: tuple[Entry, ...] | None = None
    etag: str = ""
    modified: str = ""
    digest: str = ""
    problem: str = ""
    retry_after: int = 0


class Feeds(Protocol):
    """Other people's feeds."""

    def read(self, asks: Sequence[Ask]) -> Iterator[Reading]:
        """Read feeds side by side; each is given as soon as it is there, and all are within a few seconds."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a stage may touch, handed in by its handler. `base_url` serves a site whose settings name none;
    `can_sign_in` says whether pages have forms to sign in with, `can_pay` whether they have buttons to pay by."""

    drafts: Objects
    work: Objects
    site: Objects
    articles: Table
    bus: Bus
    cdn: Cdn
    alarm: Alarm
    updates: Table
    base_url: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    can_sign_in: bool = True
    can_pay: bool = False


class Mailer(Protocol):
    """Sends mail from the address that the stack was given for it."""

    def send(self, mail: Mail) -> None:
        """Hand a message over for delivery.

        Raises:
            Permanent: it will never be taken.
            Transient: it was not taken now.
        """


class Jobs(Protocol):
    """Work that is done after the answer, so that its length and outcome do not show in it."""

    def start(self, job: Mapping[str, Any]) -> None:
        """Have a job done soon, at least once."""


class Journal(Protocol):
    """The audit log: entries are added, and none is ever changed or taken away."""

    def append(self, subject: str, place: str, entry: Mapping[str, Any]) -> None:
        """Add an entry to the log, and to the log of what it is about.

        Args:
            place: its place in the order of all entries, which no other entry has.
        """

    def read(self, subject: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Entries with their places, newest first: of a subject, or all where that is empty.

        Args:
            before: the place that they come before; empty for the newest.
        """


class Upload(NamedTuple):
    """How to put one file into the drafts bucket without permissions of one's own: POST `fields` and then `file` to `url`, as
    multipart/form-data, before `until` (ISO 8601)."""

    url: str
    fields: Mapping[str, str]
    until: str


class Uploads(Protocol):
    """Lets somebody put a file into the drafts bucket."""

    def permit(self, key: str, content_type: str, size: int, until: datetime) -> Upload:
        """Permit one file of just this key, type and size in bytes."""


class Order(NamedTuple):
    """What a reader is about to pay for.

    Attributes:
        price: its id; of a membership it recurs, and `tier` is what it opens; a contribution (no tier) is paid once.
        customer: of a reader whom the provider knows already; else `email` may be filled in for a contribution.
        done: the address to come back to when it is paid, and `back` when it is not.
    """

    price: str
    tier: str
    member: str
    customer: str
    email: str
    done: str
    back: str


class Notice(NamedTuple):
    """An event of the payment provider. It only says whose affairs to look at: those of `customer`, or of whoever paid `charge`."""

    id: str
    type: str
    customer: str
    charge: str


class Payments(Protocol):
    """A payment provider: it takes the money, on pages of its own, and knows who has paid.

    Each method raises Transient when the provider is out of reach, or does not do what it was asked for.
    """

    def customer(self, member: str, email: str, key: str) -> str:
        """Make a customer of a reader; its id. The same `key` within a day gives the same one."""

    def checkout(self, order: Order) -> str:
        """The address of a page on which an order is paid. Earlier ones of the same customer can be paid no more.

        Raises:
            Conflict: the customer is no more.
        """

    def portal(self, customer: str, back: str) -> str:
        """The address of a page on which a customer sees and ends what is paid for; it leads `back`."""

    def subscriptions(self, customer: str) -> Sequence[Subscription]:
        """A customer's subscriptions that have not ended, as they are now; none of a customer who is no more."""

    def payer(self, charge: str) -> str:
        """The customer who paid a charge, or nothing."""

    def notice(self, body: bytes, signature: str) -> Notice:
        """An event that the provider has sent.

        Raises:
            Permanent: it was not the provider who sent it, or it was sent too long ago.
        """

    def forget(self, customer: str) -> None:
        """Delete a customer, and end all subscriptions at once; one who is no more is no error."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many sign-ins may be asked for within an hour."""

    per_address: int = 10
    per_network: int = 60
    overall: int = 3000


@dataclass(frozen=True, slots=True)
class ReaderPorts:
    """Everything that the readers' API may touch.

    Attributes:
        work: the private bucket, of which it may read the settings alone.
        keys: the edge's secrets by key id, read when they are needed.
        key_id: of the key that signs; the others are still believed.
        base_url: the site's address, for settings that name none.
        can_mail: whether the stack was given a sender; without one nobody can sign in by mail.
        payments: None where the stack was given no keys to a payment provider; then nothing is sold.
        grace: how long a reader keeps access while a payment that failed is tried again.
    """

    memberships: Table
    work: Objects
    bus: Bus
    mailer: Mailer
    jobs: Jobs
    keys: Mapping[str, str]
    key_id: str
    base_url: str
    can_mail: bool
    limits: Limits
    payments: Payments | None = None
    grace: timedelta = timedelta(days=14)

    @property
    def can_pay(self) -> bool:
        """Whether anything is sold."""
        return self.payments is not None
