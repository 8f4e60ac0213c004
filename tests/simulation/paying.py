"""Random histories of readers who pay: on Stripe's pages, back from them, and through webhook events.

The deployed adapter with Stripe's own library and the real use cases run over a fake Stripe account. At each call of the
table and each request to Stripe, other work may continue or a fault may occur. Events are delivered in any order, late, more
than once, and again if they were not accepted.
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
from nightdesk.domain.payments import paid_membership
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.ports import ANY, Change, ReaderPorts, SignInLimits
from nightdesk.repositories.memberships_table import StoredMembership, find_membership
from nightdesk.usecases.readers import members, payments
from nightdesk.usecases.readers.members import Grant
from nightdesk.usecases.readers.payments import CheckoutRequest
from nightdesk.usecases.readers.sessions import Reader
from nightdesk_local.stripe_account import DAY, ApiError, CardDeclined, Object, StripeAccount
from nightdesk_local.stripe_api import StripeApi
from nightdesk_local.stripe_server import API_KEY
from support.stripe_in_process import MONTH, PATRON, SECRET, STARTED, YEAR, InProcessClient, webhook_request

from .interleaved import Interleaved, InterleavedPort, Killed

SITE_URL = "https://news.example"
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
_MAX_ACTIONS = 16
"""The most actions of a history, besides the first payments."""


class FaultyClient(InProcessClient):
    """The HTTP client of Stripe's library, with requests and responses that get lost."""

    def __init__(self, api: StripeApi, hub: Interleaved) -> None:
        super().__init__(api)
        self._hub = hub

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        try:
            return self._hub.call(f"stripe {method} {url[22:]}", lambda: self._plain(method, url, headers, post_data))
        except Transient as error:
            raise stripe.APIConnectionError(str(error), should_retry=True) from None

    def _plain(self, *arguments: Any) -> tuple[str, int, Any]:
        return super().request(*arguments)

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0


class PaymentHistory:
    """One history.

    Attributes:
        errors: violations that were found.
        granted: the complimentary access that each reader was granted last.
    """

    def __init__(self, seed: int, fault_rate: float = 0.3) -> None:
        self.chance = random.Random(seed)
        self.hub = Interleaved(self.chance, fault_rate)
        self.errors: list[str] = []
        self.granted: dict[str, Any] = {}
        self.undelivered: list[Object] = []
        self.delivered: list[Object] = []
        self.sessions: list[str] = []
        self.planned: list[Callable[[str], None]] = []
        self.stripe = StripeAccount(STARTED, "https://pay.example", self.undelivered.append)
        self.api = StripeApi(self.stripe, API_KEY)
        self.stripe.flexible = self.chance.random() < 0.5
        self.stripe.after_last_retry = self.chance.choice(("canceled", "unpaid"))
        self.table = MemoryTable()
        self.ports = ReaderPorts(
            memberships=InterleavedPort("table", self.table, self.hub),
            private=MemoryObjects(),
            bus=MemoryBus(),
            mailer=None,  # type: ignore[arg-type]  # unused: no reader signs in
            jobs=None,  # type: ignore[arg-type]
            keys={},
            key_id="1",
            base_url=SITE_URL,
            can_sign_in=False,
            limits=SignInLimits(),
            payments=StripePayments(lambda: SECRET, http=FaultyClient(self.api, self.hub)),
            grace=GRACE,
        )
        for address in READERS:
            self._add_reader(address)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.stripe.now, UTC)

    def _add_reader(self, address: str) -> None:
        self.granted[address] = None
        new = Membership(address, confirmed=self.now.isoformat())
        self.table.write([Change(f"member#{member_id(address)}", "membership", new.to_item(), ANY)])

    def membership(self, address: str) -> StoredMembership | None:
        return find_membership(self.table, member_id(address))

    # --- The run ---

    def play(self) -> list[str]:
        """Run all actions, deliver all events, and return the errors of the final state."""
        actions = self.chance.randint(0, _MAX_ACTIONS)
        self._first_actions()
        while actions or self.hub.running or self.undelivered:
            choices: list[tuple[int, Callable[[], None]]] = []
            if actions:
                choices.append((2, self._action))
            if self.hub.running:
                choices.append((4, self.hub.resume))
            if self.undelivered:
                choices.append((2, self._deliver))
            if self.delivered and actions:
                choices.append((1, self._redeliver))
            [chosen] = self.chance.choices([c for _, c in choices], [w for w, _ in choices])
            actions -= chosen == self._action
            chosen()
        self._check_final_state()
        return self.errors

    def _first_actions(self) -> None:
        """Let some readers pay before the history starts; most of the resulting events are handled at once."""
        for address in READERS:
            if self.chance.random() < 0.8:
                found = self.membership(address)
                assert found
                reader, price = Reader(member_id(address), *found, ""), self.chance.choice(PRICES)
                ports = replace(self.ports, memberships=self.table)
                url = payments.subscribe(reader, CheckoutRequest(price, "", SITE_URL), SITE, ports, self.now)
                self.stripe.pay(url.rpartition("/")[2], self.chance.choice(("works", "fails later")))
        while self.undelivered and self.chance.random() < 0.95:
            payments.handle_webhook(
                *webhook_request(self.undelivered.pop()), SITE, replace(self.ports, memberships=self.table), self.now
            )

    def _deliver(self) -> None:
        event = self.undelivered.pop(self.chance.randrange(len(self.undelivered)))
        self._handle(event)

    def _redeliver(self) -> None:
        self._handle(self.chance.choice(self.delivered))

    def _handle(self, event: Object) -> None:
        body, signature = webhook_request(event)

        def on_end(outcome: Any) -> None:
            if isinstance(outcome, BaseException):
                self.undelivered.append(event)  # not answered with a 2xx, so Stripe sends it again
                self._check_outcome(outcome, Transient)
            elif event["type"] in payments.HANDLED_EVENTS:
                self.delivered.append(event)

        self.hub.start(
            f"event {event['id'][-3:]} {event['type']}",
            lambda: payments.handle_webhook(body, signature, SITE, self.ports, self.now),
            on_end,
        )

    def _check_outcome(self, outcome: Any, *kinds: type[BaseException]) -> None:
        if isinstance(outcome, BaseException) and not isinstance(outcome, (Killed, *kinds)):
            self.errors.append(f"failed with {outcome!r}")

    # --- Acts of readers, editors, banks and time ---

    def _action(self) -> None:
        action = self.planned.pop() if self.planned else self.chance.choice(
            (
                self._subscribe, self._subscribe, self._pay, self._pay, self._return_from_checkout, self._change_at_stripe, self._change_at_stripe,
                self._change_at_stripe, self._change_at_stripe, self._change_at_stripe, self._advance, self._grant, self._choose_newsletters, self._delete_account,
            )
        )  # fmt: skip
        try:
            action(self.chance.choice(READERS))
        except (ApiError, CardDeclined) as refused:
            self.hub.log.append(f"{action.__name__}: Stripe refuses, {refused}")

    def _subscribe(self, address: str) -> None:
        if not (found := self.membership(address)):
            self._add_reader(address)
            return
        # The browser tab may be out of date; the use case reads the membership again.
        reader, price = Reader(member_id(address), *found, ""), self.chance.choice(PRICES)

        def on_end(outcome: Any) -> None:
            if isinstance(outcome, str):
                self.sessions.append(outcome.rpartition("/")[2])
            self._check_outcome(outcome, Transient, payments.AlreadyPays, members.NoSuchReader)

        self.hub.start(
            f"{address[:3]} subscribes by {price}",
            lambda: payments.subscribe(reader, CheckoutRequest(price, "", SITE_URL), SITE, self.ports, self.now),
            on_end,
        )

    def _pay(self, _: str) -> None:
        if self.sessions:
            session = self.chance.choice(self.sessions)
            self.stripe.pay(session, self.chance.choice(("works", "works", "fails later", "declines")))
            self.hub.log.append(f"{session} is paid")
            customer = self.stripe.find("sessions", session)["customer"]
            for address in READERS:
                if (found := self.membership(address)) and found[0].customer == customer and self.chance.random() < 0.7:
                    self._return_from_checkout(address)

    def _return_from_checkout(self, address: str) -> None:
        self.hub.start(
            f"{address[:3]} returns from checkout",
            lambda: payments.refresh_membership(member_id(address), SITE, self.ports),
            lambda outcome: self._check_outcome(outcome, Transient, members.NoSuchReader),
        )

    def _change_at_stripe(self, _: str) -> None:
        """Change something at Stripe, as the reader, the newsroom or the reader's bank does."""
        account, choose = self.stripe, self.chance.choice
        kinds = {
            kind: list(account.objects.get(kind, {})) for kind in ("subscriptions", "charges", "disputes", "customers")
        }
        alive = [s for s in kinds["subscriptions"] if account.objects["subscriptions"][s]["status"] != "canceled"]
        open_disputes = [d for d in kinds["disputes"] if account.objects["disputes"][d]["status"] == "needs_response"]
        actions: list[tuple[Any, ...]] = []
        if alive:
            one = choose(alive)
            payer = account.objects["subscriptions"][one]["customer"]
            actions += [
                (
                    f"{one} is cancelled at the end of its period",
                    lambda: account.cancel(one),
                    lambda: account.resume(one),
                ),
                (f"{one} is cancelled at once", lambda: account.cancel(one, at_once=True)),
                (f"{one} is resumed", lambda: account.resume(one)),
                (f"{one} changes its price", lambda: account.change_price(one, choose(PRICES))),
                (f"{payer}'s card fails from now on", lambda: account.set_card(payer, "fails later")),
                (f"{payer}'s card works", lambda: account.set_card(payer, "works")),
            ]
        if kinds["charges"]:
            charge = kinds["charges"][-1]
            actions += [(f"{charge} is refunded", lambda: account.refund(charge))]
            actions += [
                (f"{charge} is disputed", lambda: account.open_dispute(charge), lambda: self._win_dispute(charge))
            ]
        if open_disputes:
            dispute, end = choose(open_disputes), choose(("won", "lost"))
            actions += [(f"{dispute} is {end}", lambda: account.close_dispute(dispute, end))] * 2
        if kinds["customers"] and self.chance.random() < 0.1:
            customer = choose(kinds["customers"])
            actions = [(f"{customer} is deleted", lambda: account.delete_customer(customer))]
        if actions:
            self._do_change(*choose(actions))

    def _do_change(self, name: str, do: Callable[[], object], undo: Callable[[], object] | None = None) -> None:
        self.hub.log.append(f"at Stripe: {name}")
        do()
        if undo and self.chance.random() < 0.8:
            self.planned.append(lambda _: self._do_change("undone", undo))

    def _win_dispute(self, charge: str) -> None:
        for each in self.stripe.objects["disputes"].values():
            if each["charge"] == charge and each["status"] == "needs_response":
                self.stripe.close_dispute(each["id"], "won")

    def _advance(self, _: str) -> None:
        days = self.chance.choice((1, 3, 8, 30, 31))
        self.hub.log.append(f"{days} days pass")
        self.stripe.advance(days * DAY)

    def _grant(self, address: str) -> None:
        if self.membership(address):
            tier, ends = self.chance.choice(("member", "patron")), self.chance.choice((0, 10, 400))
            until = (self.now + timedelta(days=ends)).isoformat() if ends else ""
            members.grant_to_address(address, Grant(tier, until), SITE, replace(self.ports, memberships=self.table))
            self.granted[address] = {"tier": tier, "until": until}
            self.hub.log.append(f"{address[:3]} is granted {tier}{f' until {until}' if until else ''}")

    def _choose_newsletters(self, address: str) -> None:
        if self.membership(address):
            wanted = {"newsletter": self.chance.random() < 0.5}
            members.choose_newsletters(member_id(address), wanted, replace(self.ports, memberships=self.table))
            self.hub.log.append(f"{address[:3]} chooses newsletters")

    def _delete_account(self, address: str) -> None:
        if self.chance.random() < 0.5:
            return

        def on_end(outcome: Any) -> None:
            self._check_outcome(outcome, Transient, Permanent)

        self.hub.start(
            f"{address[:3]} deletes the account",
            lambda: payments.delete_account(member_id(address), SITE, self.ports, self.now),
            on_end,
        )

    # --- The final state ---

    def _check_final_state(self) -> None:
        customers = {}
        for address in READERS:
            found = self.membership(address)
            if not found:
                continue
            membership = found[0]
            if membership.customer:
                customers[membership.customer] = member_id(address)
            plain = StripePayments(lambda: SECRET, http=InProcessClient(self.api))
            now_paid = plain.subscriptions(membership.customer) if membership.customer else ()
            expected = paid_membership(now_paid, SITE, GRACE)
            if membership.paid != expected:
                self.errors.append(f"{address} has {membership.paid} but pays for {expected}")
            if membership.complimentary != self.granted[address]:
                self.errors.append(f"{address} was granted {self.granted[address]} but has {membership.complimentary}")
        rows = {pk.partition("#")[2]: sk for pk, sk in self.table._items.items() if pk.startswith("customer#") and sk}
        known = {customer: row["member"]["member"] for customer, row in rows.items()}
        if known != customers:
            self.errors.append(f"the customers' rows say {known}, the memberships {customers}")
        for each in self.stripe.objects.get("subscriptions", {}).values():
            if each["status"] != "canceled" and each["customer"] not in customers:
                self.errors.append(f"{each['id']} is paid by {each['customer']}, who has no membership")


def log_of(seed: int) -> str:
    """Return a log of a history, call by call, and its errors."""
    history = PaymentHistory(seed)
    history.play()
    return "\n".join([*history.hub.log, *history.errors])
