"""Batches of messages for functions, as their event sources ask for them; MiniStack takes what is there, ten at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from nightdesk_local.patching import require

_LULL, _SHARE = 0.1, 0.1
"""A window ends early when nothing has come for so many seconds and this share of the window: people at a laptop wait."""
_RUSH, _RECENT = 10, 5.0
"""But a source that took more messages than this within so many seconds waits for its whole window, as on AWS: so a burst costs few runs."""
_SOON = 10.0


def patch_batches(sqs: Any, functions: Any) -> None:
    """Give functions batches of the size, and after the window, of their event source."""
    require(sqs, "_receive_messages_for_esm", "_queues_lock", "_get_q", "_collect_msgs")
    require(sqs, "_expire_retained", "_dlq_sweep", "_ensure_msg_fields")
    require(functions, "_esms", "_esm_wake")
    sqs._receive_messages_for_esm = Batches(sqs, functions).take


def seconds_to_wait(visible: Sequence[float], size: int, window: float, now: float, rush: bool = False) -> float:
    """Return how long an event source waits before it takes messages; 0 to take them now, or if there are none.

    Args:
        visible: when each message can be received, in seconds like `now`.
        size: of a batch.
        window: the longest that a message waits for others.
        rush: whether to wait for the whole window.
    """
    ready = [moment for moment in visible if moment <= now]
    if not ready:
        return min(visible, default=now) - now
    if not window or len(ready) >= size:
        return 0
    end = min(ready) + window
    return max(0, (end if rush else min(end, max(ready) + _LULL + _SHARE * window)) - now)


class Batches:
    """Takes batches out of MiniStack's queues.

    Args:
        sqs: MiniStack's module of queues.
        functions: its module of functions, whose poller looks at each queue once a second, or when it is woken.
        start: starts what is done some seconds later.
    """

    def __init__(
        self, sqs: Any, functions: Any, start: Callable[[float, Callable[[], None]], None] | None = None
    ) -> None:
        self._sqs = sqs
        self._functions = functions
        self._start = start or _start
        self._waking: set[str] = set()
        self._taken: dict[str, list[float]] = {}

    def take(self, url: str, size: int) -> list[Any]:
        """Return the messages that an event source takes now, and have the poller look again when there will be others."""
        sqs = self._sqs
        with sqs._queues_lock:
            queue = sqs._get_q(url)
            sqs._expire_retained(queue)
            sqs._dlq_sweep(queue)
            for message in queue["messages"]:
                sqs._ensure_msg_fields(message)
            visible = [message["visible_at"] for message in queue["messages"]]
            now, window = time.time(), self._window(queue["attributes"]["QueueArn"])
            recent = [moment for moment in self._taken.get(url, ()) if moment > now - _RECENT]
            wait = seconds_to_wait(visible, size, window, now, rush=len(recent) > _RUSH)
            if wait > 0:
                self._wake_in(url, wait)
                return []
            taken: list[Any] = sqs._collect_msgs(queue, int(size), int(queue["attributes"]["VisibilityTimeout"]))
            self._taken[url] = [*recent, *[now] * len(taken)]
            return taken

    def _window(self, arn: str) -> float:
        sources = [each for each in list(self._functions._esms._data.values()) if each.get("EventSourceArn") == arn]
        return max((each.get("MaximumBatchingWindowInSeconds") or 0 for each in sources), default=0)

    def _wake_in(self, url: str, seconds: float) -> None:
        """Wake the poller in so many seconds, unless that is far off or it will be woken for this queue anyway."""
        if seconds > _SOON or url in self._waking:
            return
        self._waking.add(url)

        def wake() -> None:
            self._waking.discard(url)
            self._functions._esm_wake.set()

        self._start(seconds, wake)


def _start(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
