"""Ports: what the use cases need from the outside world. `adapters` implements each of them on AWS, and most in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from nightdesk.domain.languages import INTERFACE_LANGUAGES
from nightdesk.ports.objects import ANY as ANY
from nightdesk.ports.objects import Blob as Blob
from nightdesk.ports.objects import Fingerprint as Fingerprint
from nightdesk.ports.objects import Listed as Listed
from nightdesk.ports.objects import Objects as Objects
from nightdesk.ports.objects import ObjectVersion as ObjectVersion
from nightdesk.ports.objects import Output as Output
from nightdesk.ports.objects import Stat as Stat

if TYPE_CHECKING:
    from nightdesk.domain.events import Event
    from nightdesk.domain.feeds import FeedRequest, FeedResult
    from nightdesk.domain.mail import Mail
    from nightdesk.domain.payments import CheckoutOrder, PaymentEvent, Subscription
    from nightdesk.domain.pictures import PictureMaker
    from nightdesk.domain.uploaders import NewFile, PresignedUpload

Given = TypeVar("Given")
Result = TypeVar("Result")

# --- Tables, events, the cache ---


Item = dict[str, Any]
"""An item of a table: `pk`, `sk`, `version` (an integer that each write increases), and its own attributes."""


class Change(NamedTuple):
    """One write of a transaction.

    Attributes:
        item: what to store at (`pk`, `sk`); None to delete what is stored there.
        expected: the version that must be stored there; None for nothing, `ANY` for whatever there is.
    """

    pk: str
    sk: str
    item: Item | None
    expected: int | str | None


class KeyRange(NamedTuple):
    """A range of sort keys: those with a prefix, after a key, or before a key (both exclusive). Empty bounds do not count.

    With a prefix and another bound, the bound must have the prefix.
    """

    prefix: str = ""
    after: str = ""
    before: str = ""


ALL_KEYS: Final = KeyRange()


class Table(Protocol):
    """A table of items by partition and sort key. Reads are strongly consistent."""

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item."""

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        """Return items of a partition, ordered by sort key."""

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        """Return several items by `pk` and `sk`, in the order of `keys`. They are not a snapshot of one moment."""

    def write(self, changes: Sequence[Change]) -> None:
        """Apply all changes, or none.

        Raises:
            Conflict: a stored version was not the expected one.
        """

    def increment(self, pk: str, sk: str, until: int) -> int:
        """Increase a counter by one and return it. It may be deleted after `until`, in Unix seconds."""


class Bus(Protocol):
    """The event bus."""

    def emit(self, events: Iterable[Event]) -> None:
        """Put events on the bus. Returns when all of them are accepted."""


class Cdn(Protocol):
    """The cache in front of the site bucket."""

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        """Drop cached responses by path, or by tag (`#tag`). Returns the id of the invalidation.

        Args:
            reference: identifies the request; a second one with the same reference and paths has no effect.
        """

    def is_complete(self, invalidation: str) -> bool:
        """Return True if every edge location has dropped what an invalidation names."""


class ArticleSchedules(Protocol):
    """One-time schedules that send `ArticleDue` when time alone changes an article."""

    def wake_at(self, slug: str, moment: datetime) -> None:
        """Have an article gated at `moment` or soon after. Repeated and superseded schedules do no harm."""


class TickerTimer(Protocol):
    """Sends `UpdateEnded` to the updates stage after a delay."""

    def wake_in(self, seconds: int) -> None:
        """Have the ticker refreshed in `seconds` seconds, at most 900."""


class Feeds(Protocol):
    """RSS and Atom feeds on the web."""

    def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
        """Read feeds concurrently. Yields each result as soon as it is there; all of them within a few seconds."""


class InParallel(Protocol):
    """Makes calls that do not depend on each other, so that their waiting times do not add up."""

    def __call__(self, call: Callable[[Given], Result], values: Iterable[Given]) -> list[Result]:
        """Return the results in the order of the values. Raises the first failure among them, once all calls have ended."""


def one_by_one(call: Callable[[Given], Result], values: Iterable[Given]) -> list[Result]:
    """Make calls one after another, where nothing is gained by waiting for several at once."""
    return [call(value) for value in values]


def answer(asked: Callable[[], Any]) -> Any:
    """Return what a call returns, one of several different ones that are made in parallel."""
    return asked()


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a stage may use.

    Attributes:
        in_parallel: how calls on the other ports are made that do not depend on each other.
        base_url: the address of a site whose settings name none.
        can_sign_in: whether pages have sign-in forms.
        can_pay: whether pages have buttons to pay.
        languages: those in which the theme speaks to readers.
        pictures: makes pictures; None to make none.
    """

    drafts: Objects
    private: Objects
    site: Objects
    articles: Table
    bus: Bus
    cdn: Cdn
    schedules: ArticleSchedules
    updates: Table
    base_url: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    can_sign_in: bool = True
    can_pay: bool = False
    in_parallel: InParallel = one_by_one
    languages: tuple[str, ...] = INTERFACE_LANGUAGES
    pictures: PictureMaker | None = None


# --- The readers' API ---


class Mailer(Protocol):
    """Sends mail from the stack's sender address."""

    def send(self, mail: Mail) -> None:
        """Hand over a message for delivery.

        Raises:
            Permanent: it will never be accepted.
            Transient: it was not accepted now.
        """


class Jobs(Protocol):
    """Work that runs after the response, so that neither its duration nor its outcome shows in the response."""

    def start(self, job: Mapping[str, Any]) -> None:
        """Have a job run soon, at least once."""


class Payments(Protocol):
    """A payment provider: it hosts the pages on which readers pay, and knows who has paid.

    Each method raises Transient if the provider cannot be reached or does not do what it is asked.
    """

    def create_customer(self, member: str, email: str, key: str) -> str:
        """Create a customer for a reader and return the id. The same `key` within a day returns the same customer."""

    def create_checkout(self, order: CheckoutOrder) -> str:
        """Return the URL of a page on which to pay for an order. Closes earlier ones of the same customer.

        Raises:
            Conflict: the customer no longer exists.
        """

    def create_portal(self, customer: str, return_url: str) -> str:
        """Return the URL of a page on which a customer reviews and cancels subscriptions. It links to `return_url`."""

    def subscriptions(self, customer: str) -> Sequence[Subscription]:
        """Return a customer's current subscriptions that have not ended; none if the customer no longer exists."""

    def customer_of_charge(self, charge: str) -> str:
        """Return the customer who paid a charge, or an empty string."""

    def verify_event(self, body: bytes, signature: str) -> PaymentEvent:
        """Verify and return a webhook event.

        Raises:
            Permanent: the signature is not the provider's, or is too old.
        """

    def delete_customer(self, customer: str) -> None:
        """Delete a customer and end all subscriptions immediately. It is no error if the customer no longer exists."""


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How many sign-in mails may be requested within an hour.

    Attributes:
        per_address: for one address by one network.
        per_network: by one network for all addresses.
        overall: by all networks; beyond that, each of them may request fewer.
    """

    per_address: int = 10
    per_network: int = 60
    overall: int = 3000


@dataclass(frozen=True, slots=True)
class ReaderPorts:
    """Everything that the readers' API may use.

    Attributes:
        private: the private bucket, of which the API may read only the settings.
        keys: the edge's secrets by key id, each read when it is first needed.
        key_id: the key that signs; signatures by the others are still accepted.
        base_url: the address of a site whose settings name none.
        can_sign_in: whether the stack has a sender address. Without one no reader can sign in by mail.
        payments: None if the stack has no payment provider; nothing is sold then.
        grace: how long a reader keeps access while a failed payment is retried.
        articles: the Articles table, of which the API may read which draft holds a slug. Without it, links lead nowhere.
        editions: the Editions table, of which the API may read and count the links of newsletters; None without newsletters.
        site: the site bucket, of which the API may read the feed of all articles and the articles' pages; without it, no reader has a feed.
        in_parallel: how reads of it are made that do not depend on each other.
    """

    memberships: Table
    private: Objects
    bus: Bus
    mailer: Mailer
    jobs: Jobs
    keys: Mapping[str, str]
    key_id: str
    base_url: str
    can_sign_in: bool
    limits: SignInLimits
    payments: Payments | None = None
    grace: timedelta = timedelta(days=14)
    articles: Table | None = None
    editions: Table | None = None
    site: Objects | None = None
    in_parallel: InParallel = one_by_one

    @property
    def can_pay(self) -> bool:
        """Whether anything is sold."""
        return self.payments is not None


# --- The editors' API ---


class AuditLog(Protocol):
    """The audit table: items are added, and never changed or removed."""

    def append(self, partitions: Sequence[str], sk: str, item: Mapping[str, Any]) -> None:
        """Add the same item to several partitions: to all of them, or to none.

        Args:
            sk: its sort key, which no other item of these partitions has.
        """

    def query(self, pk: str, before: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return up to `limit` items of a partition with their sort keys, newest first.

        Args:
            before: the sort key that they precede; empty for the newest.
        """


class Uploads(Protocol):
    """Uploads to the drafts bucket."""

    def presign(self, file: NewFile, until: datetime) -> PresignedUpload:
        """Return a form that accepts one file with exactly this key, type, size and metadata."""


class DeadLetter(NamedTuple):
    """A message in a dead-letter queue. `since` is when it was first sent, ISO 8601."""

    message: str
    body: str
    since: str


class Queues(Protocol):
    """The queues of all stages, by name, and their dead-letter queues. SQS's counts are approximate.

    Attributes:
        settles: for how long a count of no messages may be wrong, after the last one was sent.
    """

    settles: timedelta

    def in_flight(self, among: Collection[str] = ()) -> Mapping[str, int]:
        """Return how many messages each queue holds, including those being processed and those delayed.

        Args:
            among: the names of the queues to count; none for all.
        """

    def dead_letters(self) -> Mapping[str, int]:
        """Return how many messages each dead-letter queue holds."""

    def peek(self, limit: int) -> Sequence[tuple[str, DeadLetter]]:
        """Return up to `limit` dead letters of each queue, with the queue's name, and leave them there."""

    def redrive(self, limit: int) -> int:
        """Move up to `limit` dead letters back to the queues that they came from, and return how many were moved."""
