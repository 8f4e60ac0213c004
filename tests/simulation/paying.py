"""Histories of readers who pay: on Stripe's pages, back from them, and by events that come as they like.

What runs is the deployed adapter with Stripe's own library, the real use cases, and the stand-in's books; each call on the
table, and each request to Stripe, is a moment at which somebody else may go on or something may fail. Events are delivered in
any order, late, more than once, and again when they were not taken.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable
from nightdesk.adapters.stripe import StripePayments
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.payments import paid_by
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.usecases import members, payments
from nightdesk.usecases.ports import ANY, Change, Limits, ReaderPorts
from nightdesk.usecases.sessions import Reader
from nightdesk_local.stripe_books import DAY, Books, Declined, Object, Refused
from nightdesk_local.stripe_server import API_KEY
from stripe_in_process import BEGAN, MONTH, PATRON, SECRET, YEAR, InProcess, sent

from .interleaved import Died, Interleaved, Wire

READERS = ("ada@news.example", "bo@news.example")
PRICES = (MONTH, YEAR, PATRON)
SITE = Site(
    tiers=("public", "subscriber", "member", "patron"),
    offers=(
        Offer("member", "Member", (Price("month", MONTH, "€8"), Price("year", YEAR, "€80"))),
        Offer("patron", "Patron", (Price("month", PATRON, "€25"),)),
    ),
)
GRACE = timedelta(days=14)
_ACTS = 16
"""At most as many acts has a history, after its first."""


class Line(InProcess):
    """Stripe's library's way to Stripe, on which requests and answers get lost."""

    def __init__(self, books: Books, hub: Interleaved) -> None:
        super().__init__(books)
        self._hub = hub

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        try:
            return self._hub.call(f"stripe {method} {url[22:]}", lambda: self._plain(method, url, headers, post_data))
        except Transient as error:
            raise stripe.APIConnectionError(str(error), should_retry=True) from None

    def _plain(self, *asked: Any) -> tuple[str, int, Any]:
        return super().request(*asked)

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0


class Paying:
    """One history.

    Attributes:
        wrong: what should not have happened.
        given: the complimentary access that each reader was given last.
    """

    def __init__(self, seed: int, faulty: float = 0.3) -> None:
        self.chance = random.Random(seed)
        self.hub = Interleaved(self.chance, faulty)
        self.wrong: list[str] = []
        self.given: dict[str, Any] = {}
        self.left: set[str] = set()
        self.waiting: list[Object] = []
        self.delivered: list[Object] = []
        self.sessions: list[str] = []
        self.planned: list[Callable[[str], None]] = []
        self.books = Books(BEGAN, "https://pay.example", API_KEY, self.waiting.append)
        self.books.flexible = self.chance.random() < 0.5
        self.books.gives_up = self.chance.choice(("canceled", "unpaid"))
        self.table = MemoryTable()
        self.ports = ReaderPorts(
            memberships=Wire("table", self.table, self.hub),
            work=MemoryObjects(),
            bus=MemoryBus(),
            mailer=None,  # type: ignore[arg-type]  # nobody signs in
            jobs=None,  # type: ignore[arg-type]
            keys={},
            key_id="1",
            base_url="https://news.example",
            can_mail=False,
            limits=Limits(),
            payments=StripePayments(lambda: SECRET, http=Line(self.books, self.hub)),
            grace=GRACE,
        )
        for address in READERS:
            self._come(address)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.books.now, UTC)

    def _come(self, address: str) -> None:
        self.given[address] = None
        came = Membership(address, confirmed=self.now.isoformat())
        self.table.write([Change(f"member#{member_id(address)}", "membership", came.to_item(), ANY)])

    def membership(self, address: str) -> tuple[Membership, int] | None:
        return members.membership_of(member_id(address), self.table)

    # --- The course of things ---

    def play(self) -> list[str]:
        """All acts, and all events, until all is quiet; what is wrong then."""
        acts = self.chance.randint(0, _ACTS)
        self._first_acts()
        while acts or self.hub.running or self.waiting:
            choices: list[tuple[int, Callable[[], None]]] = []
            if acts:
                choices.append((2, self._act))
            if self.hub.running:
                choices.append((4, self.hub.go_on))
            if self.waiting:
                choices.append((2, self._deliver))
            if self.delivered and acts:
                choices.append((1, self._deliver_again))
            [chosen] = self.chance.choices([c for _, c in choices], [w for w, _ in choices])
            acts -= chosen == self._act
            chosen()
        self._compare()
        return self.wrong

    def _first_acts(self) -> None:
        """Some readers pay before the history begins; what Stripe tells of it is under way, or has been heard."""
        for address in READERS:
            if self.chance.random() < 0.8:
                found = self.membership(address)
                assert found
                reader, price = Reader(member_id(address), *found, ""), self.chance.choice(PRICES)
                ports = replace(self.ports, memberships=self.table)
                url = payments.subscribe(reader, price, "", "https://news.example", SITE, ports, self.now)
                self.books.pay(url.rpartition("/")[2], self.chance.choice(("works", "fails later")))
        while self.waiting and self.chance.random() < 0.95:
            payments.hear(*sent(self.waiting.pop()), SITE, replace(self.ports, memberships=self.table), self.now)

    def _deliver(self) -> None:
        event = self.waiting.pop(self.chance.randrange(len(self.waiting)))
        self._hear(event)

    def _deliver_again(self) -> None:
        self._hear(self.chance.choice(self.delivered))

    def _hear(self, event: Object) -> None:
        body, signature = sent(event)

        def ended(outcome: Any) -> None:
            if isinstance(outcome, BaseException):
                self.waiting.append(event)  # not answered with a 2xx, so it comes again
                self._expected(outcome, Transient)
            elif event["type"] in payments.EVENTS:
                self.delivered.append(event)

        self.hub.begin(
            f"event {event['id'][-3:]} {event['type']}",
            lambda: payments.hear(body, signature, SITE, self.ports, self.now),
            ended,
        )

    def _expected(self, outcome: Any, *kinds: type[BaseException]) -> None:
        if isinstance(outcome, BaseException) and not isinstance(outcome, (Died, *kinds)):
            self.wrong.append(f"failed with {outcome!r}")

    # --- What readers, editors, banks and time do ---

    def _act(self) -> None:
        act = self.planned.pop() if self.planned else self.chance.choice(
            (
                self._subscribe, self._subscribe, self._pay, self._pay, self._come_back, self._at_stripe, self._at_stripe,
                self._at_stripe, self._at_stripe, self._at_stripe, self._time, self._give, self._choose, self._leave,
            )
        )  # fmt: skip
        try:
            act(self.chance.choice(READERS))
        except (Refused, Declined) as refused:
            self.hub.story.append(f"{act.__name__}: Stripe refuses, {refused}")

    def _subscribe(self, address: str) -> None:
        if not (found := self.membership(address)):
            self._come(address)
            return
        # What the browser's tab knows may be old by now; the use case looks again.
        reader, price = Reader(member_id(address), *found, ""), self.chance.choice(PRICES)

        def ended(outcome: Any) -> None:
            if isinstance(outcome, str):
                self.sessions.append(outcome.rpartition("/")[2])
            self._expected(outcome, Transient, payments.AlreadyPays, members.NoSuchReader)

        self.hub.begin(
            f"{address[:3]} subscribes by {price}",
            lambda: payments.subscribe(reader, price, "", "https://news.example", SITE, self.ports, self.now),
            ended,
        )

    def _pay(self, _: str) -> None:
        if self.sessions:
            session = self.chance.choice(self.sessions)
            self.books.pay(session, self.chance.choice(("works", "works", "fails later", "declines")))
            self.hub.story.append(f"{session} is paid")
            customer = self.books.find("sessions", session)["customer"]
            for address in READERS:
                if (found := self.membership(address)) and found[0].customer == customer and self.chance.random() < 0.7:
                    self._come_back(address)

    def _come_back(self, address: str) -> None:
        self.hub.begin(
            f"{address[:3]} comes back",
            lambda: payments.rewrite(member_id(address), SITE, self.ports),
            lambda outcome: self._expected(outcome, Transient, members.NoSuchReader),
        )

    def _at_stripe(self, _: str) -> None:
        """On Stripe's pages, by the reader or by the newsroom; or by the reader's bank."""
        books, choose = self.books, self.chance.choice
        kinds = {kind: list(books.kept.get(kind, {})) for kind in ("subscriptions", "charges", "disputes", "customers")}
        alive = [s for s in kinds["subscriptions"] if books.kept["subscriptions"][s]["status"] != "canceled"]
        open_disputes = [d for d in kinds["disputes"] if books.kept["disputes"][d]["status"] == "needs_response"]
        acts: list[tuple[Any, ...]] = []
        if alive:
            one = choose(alive)
            payer = books.kept["subscriptions"][one]["customer"]
            acts += [
                (f"{one} is to end", lambda: books.end(one), lambda: books.go_on(one)),
                (f"{one} ends", lambda: books.end(one, at_once=True)),
                (f"{one} goes on", lambda: books.go_on(one)),
                (f"{one} is changed", lambda: books.switch(one, choose(PRICES))),
                (f"{payer}'s card fails from now on", lambda: books.use_card(payer, "fails later")),
                (f"{payer}'s card works", lambda: books.use_card(payer, "works")),
            ]
        if kinds["charges"]:
            charge = kinds["charges"][-1]
            acts += [(f"{charge} is refunded", lambda: books.refund(charge))]
            acts += [(f"{charge} is disputed", lambda: books.dispute(charge), lambda: self._win(charge))]
        if open_disputes:
            dispute, end = choose(open_disputes), choose(("won", "lost"))
            acts += [(f"{dispute} is {end}", lambda: books.close(dispute, end))] * 2
        if kinds["customers"] and self.chance.random() < 0.1:
            customer = choose(kinds["customers"])
            acts = [(f"{customer} is deleted", lambda: books.delete_customer(customer))]
        if acts:
            self._do_at_stripe(*choose(acts))

    def _do_at_stripe(self, name: str, do: Callable[[], object], undo: Callable[[], object] | None = None) -> None:
        self.hub.story.append(f"at Stripe, {name}")
        do()
        if undo and self.chance.random() < 0.8:
            self.planned.append(lambda _: self._do_at_stripe("it is undone", undo))

    def _win(self, charge: str) -> None:
        for each in self.books.kept["disputes"].values():
            if each["charge"] == charge and each["status"] == "needs_response":
                self.books.close(each["id"], "won")

    def _time(self, _: str) -> None:
        days = self.chance.choice((1, 3, 8, 30, 31))
        self.hub.story.append(f"{days} days pass")
        self.books.let_pass(days * DAY)

    def _give(self, address: str) -> None:
        if self.membership(address):
            tier, ends = self.chance.choice(("member", "patron")), self.chance.choice((0, 10, 400))
            until = (self.now + timedelta(days=ends)).isoformat() if ends else ""
            members.grant(address, tier, until, SITE, self.table, self.ports.bus)
            self.given[address] = {"tier": tier, "until": until}
            self.hub.story.append(f"{address[:3]} is given {tier} until {until or 'for ever'}")

    def _choose(self, address: str) -> None:
        if self.membership(address):
            wanted = {"newsletter": self.chance.random() < 0.5}
            members.choose(member_id(address), wanted, self.table, self.ports.bus)
            self.hub.story.append(f"{address[:3]} chooses newsletters")

    def _leave(self, address: str) -> None:
        if self.chance.random() < 0.5:
            return

        def ended(outcome: Any) -> None:
            self._expected(outcome, Transient, Permanent)

        self.hub.begin(
            f"{address[:3]} leaves",
            lambda: payments.leave(member_id(address), SITE, self.ports, self.now),
            ended,
        )

    # --- What must be so when all is quiet ---

    def _compare(self) -> None:
        customers = {}
        for address in READERS:
            found = self.membership(address)
            if not found:
                continue
            membership = found[0]
            if membership.customer:
                customers[membership.customer] = member_id(address)
            plain = StripePayments(lambda: SECRET, http=InProcess(self.books))
            now_paid = plain.subscriptions(membership.customer) if membership.customer else ()
            truth = paid_by(now_paid, SITE, GRACE)
            if membership.paid != truth:
                self.wrong.append(f"{address} has {membership.paid} and pays for {truth}")
            if membership.complimentary != self.given[address]:
                self.wrong.append(f"{address} was given {self.given[address]} and has {membership.complimentary}")
        rows = {pk.partition("#")[2]: sk for pk, sk in self.table._items.items() if pk.startswith("customer#") and sk}
        known = {customer: row["member"]["member"] for customer, row in rows.items()}
        if known != customers:
            self.wrong.append(f"customers lead to {known} and are {customers}")
        for each in self.books.kept.get("subscriptions", {}).values():
            if each["status"] != "canceled" and each["customer"] not in customers:
                self.wrong.append(f"{each['id']} is paid for by {each['customer']}, who is nobody here")


def story_of(seed: int) -> str:
    """A history, told call by call."""
    paying = Paying(seed)
    paying.play()
    return "\n".join([*paying.hub.story, *paying.wrong])


def first_wrong(seeds: range) -> int | None:
    """The first history that goes wrong; None where all end well."""
    return next((seed for seed in seeds if Paying(seed).play()), None)


__all__ = ["Paying", "first_wrong", "replace", "story_of"]
