"""When the local cloud gives a function its messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk_local.emulator_batches import Batches, seconds_to_wait


@pytest.mark.parametrize(
    ("visible", "size", "window", "wait"),
    [
        ([], 10, 1, 0),
        ([100.0], 10, 0, 0),
        ([100.0], 10, 1, 0.2),
        ([99.0], 10, 1, 0),
        ([99.7], 10, 1, 0),
        ([98.2, 99.9], 10, 2, 0.2),
        ([97.9, 99.9], 10, 2, 0),
        ([99.9, 99.9], 2, 2, 0),
        ([102.5], 10, 1, 2.5),
    ],
    ids=["none", "no window", "new", "waited its window", "lull", "still coming", "long enough", "full", "delayed"],
)
def test_a_batch_is_taken_when_it_is_full_or_nothing_more_comes(
    visible: list[float], size: int, window: float, wait: float
) -> None:
    assert seconds_to_wait(visible, size, window, 100.0) == pytest.approx(wait)


def test_in_a_rush_the_whole_window_is_waited_for() -> None:
    assert seconds_to_wait([98.5, 98.6], 10, 2, 100.0) == 0
    assert seconds_to_wait([98.5, 98.6], 10, 2, 100.0, rush=True) == pytest.approx(0.5)


def batches(visible_at: float) -> tuple[Batches, list[tuple[float, Callable[[], None]]], threading.Event]:
    """Return a queue with one message and a window of two seconds, the calls that are to be made, and the poller's bell."""
    queue = {"messages": [{"visible_at": visible_at}], "attributes": {"QueueArn": "arn", "VisibilityTimeout": "30"}}
    sqs = SimpleNamespace(
        _queues_lock=threading.Lock(), _get_q=lambda url: queue,
        _expire_retained=lambda queue: None, _dlq_sweep=lambda queue: None, _ensure_msg_fields=lambda message: None,
        _collect_msgs=lambda queue, size, seconds: queue["messages"][:size],
    )  # fmt: skip
    esms = SimpleNamespace(_data={"a": {"EventSourceArn": "arn", "MaximumBatchingWindowInSeconds": 2}})
    bell, calls = threading.Event(), list[tuple[float, Callable[[], None]]]()
    functions: Any = SimpleNamespace(_esms=esms, _esm_wake=bell)
    return Batches(sqs, functions, lambda seconds, call: calls.append((seconds, call))), calls, bell


def test_the_poller_is_woken_once_for_messages_that_wait() -> None:
    taking, calls, bell = batches(time.time())
    assert taking.take("u", 10) == [] == taking.take("u", 10)
    [(seconds, wake)] = calls
    assert 0 < seconds <= 0.3
    wake()
    assert bell.is_set()
    assert taking.take("u", 10) == [], "it is looked at again, and waits on"
    assert len(calls) == 2


def test_messages_that_have_waited_are_taken() -> None:
    taking, calls, _ = batches(time.time() - 1)
    assert len(taking.take("u", 10)) == 1
    assert not calls


def test_who_took_many_messages_just_now_is_in_a_rush() -> None:
    taking, calls, _ = batches(time.time() - 1)
    for _ in range(11):
        assert len(taking.take("u", 10)) == 1
    assert taking.take("u", 10) == []
    [(seconds, _)] = calls
    assert 0.5 < seconds <= 1


def test_a_message_that_is_hidden_for_long_wakes_nobody() -> None:
    taking, calls, _ = batches(time.time() + 400)
    assert taking.take("u", 10) == []
    assert not calls
