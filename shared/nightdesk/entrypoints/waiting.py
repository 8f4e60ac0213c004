"""Waits, at the command line and in benchmarks, until the pipeline has dealt with something."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from nightdesk.domain.documents import REJECTED
from nightdesk.ports import Ports, Queues
from nightdesk.repositories import articles_table
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.editors.status import draft_status, is_finished, status

Report = dict[str, Any]
"""A draft's status, as `nightdesk status` reports it."""

_QUIET_SECONDS = 600.0
_QUIET_FOR = 0.9
"""Seconds without a message after which exact counts are believed: a stage sends its events before it deletes its message."""
_STALLED_SECONDS = 240.0
_IDLE_SECONDS = 20.0
_COUNT_SECONDS = 3.0
_POLL_SECONDS = 0.2
_STUCK_SECONDS = 20.0
_AT_ONCE = 25
"""How many files a poll asks about, so that it is short while hundreds are on their way."""


def is_rejected(report: Report) -> bool:
    """Return True for a rejected draft, be it a new one or an update of a live article."""
    return report["state"] == REJECTED or bool(report.get("rejected"))


def in_flight(queues: Queues) -> int:
    """Return how many messages all stages together hold."""
    return sum(queues.in_flight().values())


def wait_until_quiet(queues: Queues) -> None:
    """Wait until no count has found a message for as long as counts may be wrong, or ten minutes have passed."""
    now = time.monotonic()
    until, busy, needed = now + _QUIET_SECONDS, now, max(_QUIET_FOR, queues.settles.total_seconds())
    while now < min(until, busy + needed):
        time.sleep(_QUIET_FOR / 3)
        now = time.monotonic()
        if in_flight(queues):
            busy = now


def wait_for_article(slug: str, ports: Ports) -> Report | None:
    """Wait until an article's pages, lists and cache agree with the latest decision, and return its status."""
    until = time.monotonic() + _STALLED_SECONDS
    while time.monotonic() < until:
        report = status(slug, ports, datetime.now(UTC))
        if report is None or report["settled"]:
            break
        time.sleep(_POLL_SECONDS)
    return report


def wait_for_drafts(
    etags: Mapping[str, str],
    ports: Ports,
    queues: Queues,
    progress: Callable[[int, int], None] = lambda *_: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Report | None]:
    """Wait until the pipeline has dealt with files that were put into the drafts bucket.

    Args:
        etags: the ETag of each file's version, by key.
        progress: called with how many files are finished, and how many there are.
        is_stopped: asked again and again whether to give up waiting.

    Returns:
        The status of each file, by key; None for those still unfinished when the pipeline stalled or waiting was given up.
    """
    finished: dict[str, DraftRecord] = {}
    waiting, stall = deque(etags), _StallDetector(queues)
    while waiting and not is_stopped():
        started = time.monotonic()
        some = [waiting.popleft() for _ in range(min(_AT_ONCE, len(waiting)))]
        found = _finished({key: etags[key] for key in some}, ports)
        finished |= found
        waiting.extend(key for key in some if key not in found)
        if found:
            progress(len(etags) - len(waiting), len(etags))
            stall = _StallDetector(queues)
        elif stall.is_stalled():
            break
        if len(found) < len(some):
            # Poll for a fifth of the time at most: on a laptop, each poll competes with the pipeline itself.
            time.sleep(max(0.05, 4 * (time.monotonic() - started)))
    # At the end, because a file may link to one that was published with it.
    now = datetime.now(UTC)
    known = ports.in_parallel(lambda each: draft_status(*each, ports, now), finished.items())
    return dict.fromkeys(etags) | dict(zip(finished, known, strict=True))


def _finished(waiting: Mapping[str, str], ports: Ports) -> dict[str, DraftRecord]:
    """Return the records of those files whose current version was read and is live, or as far as it will get."""
    records = dict(zip(waiting, articles_table.draft_records(ports.articles, waiting), strict=True))
    read = {key: record for key, record in records.items() if record and record.etag == waiting[key]}
    articles = articles_table.article_records(ports.articles, [record.slug for record in read.values()])
    complete = {
        key: record
        for (key, record), article in zip(read.items(), articles, strict=True)
        if record.kind != "draft" or not article or article.is_complete
    }
    now = datetime.now(UTC)
    done = ports.in_parallel(lambda record: is_finished(record, ports, now), complete.values())
    return {key: record for (key, record), is_done in zip(complete.items(), done, strict=True) if is_done}


class Pace:
    """Keeps about a second's work in the queues of `render` and `gate` while many drafts are uploaded, and no more.

    What others publish meanwhile enters the same queues: behind two thousand posts, breaking news would be minutes late. Nobody knows
    in advance how fast the pipeline is, so drafts are uploaded in groups: after one that it processed quickly, the next is twice as
    large, and after any other half as large. SQS's counts lag, so on AWS the queues can be longer than this, but many functions work
    on them in parallel.

    Attributes:
        room: how many drafts the next group has. The one after it waits until half of them are processed.
    """

    FEWEST, MOST = 5, 200
    _SECONDS = 0.5
    """A group that takes less than this was processed quickly. With half of the one before, the queues then hold about a second's work."""

    def __init__(self, queues: Queues) -> None:
        self.room = 2 * self.FEWEST
        self._queues = queues
        self._uploaded = 0
        self._counted = time.monotonic()
        self._stuck = False
        self._patience = max(_STUCK_SECONDS, queues.settles.total_seconds())

    def uploaded(self) -> None:
        """Count an upload, and wait until the queues have room. If they do not move, stop waiting: a stuck pipeline must not block uploads."""
        self._uploaded += 1
        if self._uploaded < self.room or self._stuck:
            return
        fewest, moved = self._waiting(), time.monotonic()
        while fewest > self.room / 2 and not self._stuck:
            time.sleep(_POLL_SECONDS)
            count, now = self._waiting(), time.monotonic()
            if count < fewest:
                fewest, moved = count, now
            self._stuck = now - moved > self._patience
        now = time.monotonic()
        faster = now - self._counted < self._SECONDS
        self.room = min(self.MOST, 2 * self.room) if faster else max(self.FEWEST, self.room // 2)
        self._uploaded, self._counted = 0, now

    def _waiting(self) -> int:
        return sum(self._queues.in_flight(("render", "gate")).values())


class _StallDetector:
    """Detects that the pipeline has been idle, or stuck at the same number of messages, for too long."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._count = -1
        self._counted = self._changed = time.monotonic()

    def is_stalled(self) -> bool:
        """Return True if waiting longer is pointless."""
        now = time.monotonic()
        if now - self._counted > _COUNT_SECONDS:
            self._counted = now
            count = in_flight(self._queues)
            if count != self._count:
                self._count, self._changed = count, now
        return now - self._changed > (_STALLED_SECONDS if self._count else _IDLE_SECONDS)
