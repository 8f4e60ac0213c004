"""A smoke test: one test article through the whole product, as writers, editors and readers would take it.

It goes out dated in the year 2000, so that it stays off the front page and the newest feed items, and it is taken down and
deleted at the end, whatever happened. Its address answers 410 from then on, so each run uses another one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nightdesk.domain.documents import LIVE
from nightdesk.domain.errors import NightdeskError, Permanent
from nightdesk.domain.site import PUBLIC
from nightdesk.ports import Output
from nightdesk.repositories.private_bucket import load_site

if TYPE_CHECKING:
    from nightdesk.domain.site import Site
    from nightdesk.usecases.editors.operations import EditorService

Wait = Callable[[str], dict[str, Any] | None]
"""Waits until an article's pages, lists and cache are current, and returns its status (`waiting.wait_for_article`)."""

_PAUSE = 0.5
_DATE = "2000-01-01T00:00:00Z"
_APPROVER = "Smoke test"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a smoke test.

    Attributes:
        seconds: how long it took.
        problem: what went wrong; empty for a step that succeeded.
    """

    name: str
    seconds: float
    problem: str


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """The outcome of a smoke test. Steps after one that failed are missing, except for the clean-up."""

    slug: str
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether every step succeeded."""
        return not any(step.problem for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"slug": self.slug, "passed": self.passed, "steps": [asdict(step) for step in self.steps]}


class _Failed(Exception):
    """A step found something wrong; the message says what."""


def smoke(
    service: EditorService, wait: Wait, timeout: float = 120.0, progress: Callable[[str], None] = lambda name: None
) -> SmokeReport:
    """Publish a test article, read it at every tier, correct it, withdraw it, and clean up.

    Args:
        timeout: seconds for each step.
        progress: called with the name of each step as it begins.
    """
    run = _Run(service, wait, timeout)
    steps: list[Step] = []
    try:
        steps += _run(run.steps(), progress)
    finally:
        steps += _run([("clean up", run.clean_up)], progress)
    return SmokeReport(run.slug, tuple(steps))


def require_passed(report: SmokeReport) -> None:
    """Check that every step succeeded.

    Raises:
        Permanent: one did not; the message names each that failed, and why.
    """
    if failed := [f"{step.name}: {step.problem}" for step in report.steps if step.problem]:
        raise Permanent(f"the smoke test of {report.slug} failed: {'; '.join(failed)}")


def _run(steps: list[tuple[str, Callable[[], None]]], progress: Callable[[str], None]) -> Iterator[Step]:
    for name, act in steps:
        progress(name)
        started, problem = time.monotonic(), ""
        try:
            act()
        except (_Failed, NightdeskError) as error:
            problem = str(error)
        yield Step(name, round(time.monotonic() - started, 1), problem)
        if problem:
            return


class _Run:
    """One test article, and what is expected of it."""

    def __init__(self, service: EditorService, wait: Wait, timeout: float) -> None:
        self._service = service
        self._ports = service.ports.pipeline
        self._wait = wait
        self._timeout = timeout
        self._site: Site = load_site(self._ports)
        self._readers = service.ports.readers()
        now: datetime = self._ports.clock()
        self.slug = f"smoke-test-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        self._key = f"drafts/{self.slug}.md"
        self._words = {tier: f"words-for-{tier}-{secrets.token_hex(6)}" for tier in self._site.tiers}
        self._correction = f"A correction, {secrets.token_hex(6)}."

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the steps in order, each with its name."""
        return [
            ("publish", self._publish),
            ("read at every tier", self._read),
            ("correct", self._correct),
            ("withdraw", self._withdraw),
        ]

    def _publish(self) -> None:
        gates = [
            f'::: gate tier={tier} teaser="A test of the gate for {tier}."\n{words}\n:::\n'
            for tier, words in self._words.items()
            if tier != PUBLIC
        ]
        head = f"---\ntitle: Smoke test, please ignore\nslug: {self.slug}\ndate: {_DATE}\n---\n"
        text = "\n".join([f"{head}\n{self._words[PUBLIC]}\n", *gates])
        self._ports.drafts.put(Output(self._key, text.encode(), "text/markdown"), None)
        self._until(self._is_live_once_approved, "the article is not live")

    def _is_live(self) -> bool:
        report = self._wait(self.slug)
        return report is not None and report["state"] == LIVE

    def _is_live_once_approved(self) -> bool:
        """Return True if the article is live; approve it, as an editor would, if it needs that (`require_approval`)."""
        report = self._wait(self.slug)
        if report and any(problem["key"] == "approval" for problem in report["problems"]):
            self._service.approve(self.slug, _APPROVER)
        return report is not None and report["state"] == LIVE

    def _read(self) -> None:
        self._until(lambda: all(not self._wrong_at(tier) for tier in self._site.tiers), self._what_readers_get)

    def _what_readers_get(self) -> str:
        return "; ".join(filter(None, map(self._wrong_at, self._site.tiers)))

    def _wrong_at(self, tier: str) -> str:
        """Return what is wrong with the page that readers of a tier get; empty if it is right."""
        status, text = self._readers.get(f"/articles/{self.slug}/", tier)
        if status != 200:
            return f"readers of tier {tier} get status {status}"
        allowed = set(self._site.tiers[: self._site.tiers.index(tier) + 1])
        shown = {name for name, words in self._words.items() if words in text}
        if leaked := shown - allowed:
            return f"readers of tier {tier} see the text for {', '.join(sorted(leaked))}"
        if missing := allowed - shown:
            return f"readers of tier {tier} miss the text for {', '.join(sorted(missing))}"
        return ""

    def _correct(self) -> None:
        self._service.correct(self.slug, self._correction)
        self._until(
            lambda: all(
                self._correction in self._readers.get(f"/articles/{self.slug}/", tier)[1] for tier in self._site.tiers
            ),
            "the correction is not on every tier's page",
        )

    def _withdraw(self) -> None:
        report = self._service.withdraw(self.slug, timeout=self._timeout)
        if left := [surface.path for surface in report.surfaces if not surface.gone]:
            raise _Failed(f"the withdrawn article is still on {', '.join(left[:5])}")

    def clean_up(self) -> None:
        """Take the article down if a step before that failed, and delete its draft."""
        try:
            if self._is_live():
                self._withdraw()
        finally:
            self._ports.drafts.delete(self._key)
            self._wait(self.slug)

    def _until(self, condition: Callable[[], bool], problem: str | Callable[[], str]) -> None:
        """Poll until a condition holds.

        Raises:
            _Failed: it did not hold in time.
        """
        until = time.monotonic() + self._timeout
        while not condition():
            if time.monotonic() > until:
                raise _Failed(f"{problem if isinstance(problem, str) else problem()} after {self._timeout:.0f} s")
            time.sleep(_PAUSE)
