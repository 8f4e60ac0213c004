"""Histories of newsletters: planners and mailers that run at once, call by call, die, fail, lose answers and get messages twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from nightdesk.domain import warm_up
from nightdesk.domain.errors import NightdeskError, Permanent
from nightdesk.domain.events import BatchPlanned, EditionRequested, Event, NewslettersDue
from nightdesk.rendering.environment import Theme
from nightdesk.stages.mailer import MailerBatch
from nightdesk.stages.newsletter import NewsletterBatch
from nightdesk.usecases.newsletters import planning
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from support.default_theme import default_theme
from support.effort import amount
from support.letters import SITE, LetterRoom

from .interleaved import Interleaved, InterleavedPort, Killed

HISTORIES = amount("MAILINGS", 30, 3000)
READERS = 9
_MOST_STEPS = 6_000
EDITION = "article-harbour/2026-11-23"


@pytest.fixture(scope="module")
def theme() -> Theme:
    return default_theme()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(planning, "_PAGE_SIZE", 4)
    monkeypatch.setattr(planning, "_BATCH_SIZE", 3)
    monkeypatch.setattr(planning, "_STEPS", 2)


class Mailing:
    """One history; `warm_up`: of a new sender, on days each of which has a limit, so that it ends on the third at the earliest.

    `left` holds the readers who unsubscribed while nothing ran, and how many mails they had had; `days` how many mails were sent on each day.
    """

    def __init__(self, seed: int, theme: Theme, resend: bool, warm_up: bool = False) -> None:
        self.chance = random.Random(seed)
        settings = ("resend_unsure: true\n" if resend else "") + ("warm_up: 2026-11-23\n" if warm_up else "")
        self.room = LetterRoom(theme, SITE + settings)
        self.days: Counter[date] = Counter()
        for number in range(READERS):
            self.room.add(f"r{number}")
        self.room.upload("drafts/harbour.md", b"---\ntitle: T\nnewsletter: true\ndate: 2026-11-23\n---\nText.\n")
        while self.room.queue[0].stage != "newsletter":
            self.room.process_next()
        self.hub = Interleaved(self.chance, self.chance.choice((0.0, 0.2, 0.5)))
        ports = self.room.newsletters
        inner: dict[str, Any] = {
            "memberships": ports.memberships,
            "editions": ports.editions,
            "mailer": ports.mailer,
        }
        wrapped = {name: InterleavedPort(name, port, self.hub) for name, port in inner.items()}
        self.ports: NewsletterPorts = replace(ports, **wrapped)
        mine = [message for message in self.room.queue if message.stage == "newsletter"]
        self.queue: list[Event] = [message.detail for message in mine]  # type: ignore[misc]
        self.room.queue.clear()
        self.left: dict[str, int] = {}
        self.wrong: list[str] = []

    def play(self) -> None:
        for _ in range(_MOST_STEPS):
            self._take_events()
            self.days[self.room.now.date()] += len(self.room.sent) - self.days.total()
            self.room.now += timedelta(seconds=self.chance.choice((0, 0, 1)))
            if not self.queue and not self.hub.running:
                if self.room.editions[0].state == "sent":
                    return
                waits = not self.room.editions[0].is_due(self.room.now)
                self.room.now += timedelta(hours=12) if waits else timedelta(minutes=5)
                self.queue.append(NewslettersDue())
            if not self.hub.running and self.chance.random() < 0.1:
                self._unsubscribe()
            if self.queue and (not self.hub.running or self.chance.random() < 0.3):
                self._start()
            else:
                self.hub.resume()
        self.wrong.append("the history does not end")

    def _take_events(self) -> None:
        events = self.room.ports.bus.events  # type: ignore[attr-defined]
        self.queue += [event for event in events if isinstance(event, BatchPlanned | EditionRequested)]
        events.clear()

    def _unsubscribe(self) -> None:
        name = f"r{self.chance.randrange(READERS)}"
        self.room.add(name, [])
        self.left.setdefault(name, len(self.copies_of(name)))

    def _start(self) -> None:
        event = self.queue.pop(self.chance.randrange(len(self.queue)))
        if self.chance.random() < 0.15:
            self.queue.append(event)  # SQS delivers it twice

        def ended(outcome: object) -> None:
            if isinstance(outcome, Killed | NightdeskError) and not isinstance(outcome, Permanent):
                self.queue.append(event)
            elif isinstance(outcome, BaseException):
                self.wrong.append(f"{event}: {outcome!r}")

        self.hub.start(str(event), self._work(event), ended)

    def _work(self, event: Event) -> Callable[[], None]:
        make = MailerBatch if isinstance(event, BatchPlanned) else NewsletterBatch

        def work() -> None:
            batch = make(self.ports, self.room.theme)
            batch.handle(event)  # type: ignore[arg-type]
            batch.finish()

        return work

    def copies_of(self, name: str) -> list[str]:
        return [found for found, _ in self.room.sent if found == name]

    def violations(self, resend: bool) -> list[str]:
        found = list(self.wrong)
        edition = self.room.editions[0]
        if sum(edition.counts.values()) != edition.recipients:
            found.append(f"counted {dict(edition.counts)} of {edition.recipients}")
        for name in (f"r{number}" for number in range(READERS)):
            copies, record = self.copies_of(name), self.room.copy_of(EDITION, name)
            if len(copies) > 1 and not resend:
                found.append(f"{name} got {len(copies)} copies")
            if name in self.left:
                if len(copies) > self.left[name]:
                    found.append(f"{name} got one after unsubscribing")
                continue
            if not record:
                found.append(f"{name} was left out")
            elif record.state == "mailed" and not copies:
                found.append(f"{name} is said to have one")
            elif record.state not in ("mailed", "unsure"):
                found.append(f"{name}: {record}")
            if resend and not copies:
                found.append(f"{name} got none, although lost ones are sent again")
        return found


@pytest.mark.parametrize("resend", [False, True], ids=["rather none", "rather two"])
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nobody_gets_two_and_nobody_is_left_out(theme: Theme, seed: int, resend: bool) -> None:
    history = Mailing(seed, theme, resend)
    history.play()
    assert history.violations(resend) == [], "\n".join(history.hub.log[-200:])


@pytest.mark.parametrize("seed", range(HISTORIES // 2))
def test_a_new_sender_keeps_to_the_limit_of_each_day_and_leaves_nobody_out(
    theme: Theme, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "FIRST_DAY", 3)
    history = Mailing(seed, theme, resend=False, warm_up=True)
    history.play()
    assert history.violations(resend=False) == [], "\n".join(history.hub.log[-200:])
    first = min(history.days)
    assert all(number <= 3 * 2 ** (day - first).days for day, number in history.days.items()), history.days


def test_a_mailer_that_records_nothing_before_sending_is_found_out(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The net has no hole where it matters most."""
    from nightdesk.usecases.newsletters import sending

    monkeypatch.setattr(sending._Run, "_claim", lambda self, member, state, note: (False, 1))
    monkeypatch.setattr(
        sending._Run,
        "_record_mailed",
        lambda self, member, version: self._record(member, self._recipient("mailed", ""), None),
    )

    def fails(seed: int) -> bool:
        history = Mailing(seed, theme, resend=False)
        history.play()
        return any("copies" in found or "Conflict" in found for found in history.violations(False))

    assert any(fails(seed) for seed in range(30))
