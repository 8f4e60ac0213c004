"""A batch whose end fails: what is done again together, and what alone."""

from __future__ import annotations

import pytest
from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.stages.batch import Runtime, process_batch


class _Stage:
    """A stage whose batches fail at the end, with the next of some errors each."""

    handles = (str,)

    def __init__(self, errors: list[Exception], ends: list[list[str]]) -> None:
        self._errors = errors
        self._ends = ends
        self._given: list[str] = []

    def handle(self, detail: str) -> None:
        self._given.append(detail)

    def finish(self) -> None:
        self._ends.append(self._given)
        if self._errors:
            raise self._errors.pop(0)


def ends_of(messages: list[str], *errors: Exception) -> tuple[list[list[str]], list[str]]:
    """Return what each end of a batch was given, and the messages that failed."""
    remaining, ends = list(errors), list[list[str]]()
    runtime = Runtime(lambda redelivered: _Stage(remaining, ends), lambda message: message, lambda error: None)
    return ends, [message for message, _ in process_batch(messages, False, runtime)]


@pytest.mark.parametrize("error", [Conflict("x"), Transient("x")])
def test_messages_that_met_another_run_are_processed_together_once_more(error: Exception) -> None:
    assert ends_of(["a", "b"], error) == ([["a", "b"], ["a", "b"]], [])


def test_if_that_fails_too_each_is_processed_alone() -> None:
    both = ["a", "b"]
    assert ends_of(both, Transient("x"), Transient("x"), Transient("x")) == ([both, both, ["a"], ["b"]], ["a"])


@pytest.mark.parametrize("error", [Permanent("x"), KeyError("x")])
def test_messages_of_which_one_is_at_fault_are_processed_alone(error: Exception) -> None:
    assert ends_of(["a", "b"], error) == ([["a", "b"], ["a"], ["b"]], [])


def test_a_message_that_was_alone_fails() -> None:
    assert ends_of(["a"], Conflict("x")) == ([["a"]], ["a"])
