"""Turns: a run reads its inputs again unless it knows that it was alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.ports import Change, Ports, Stat
from nightdesk.repositories.turns import read_turns
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.turns import LastTurn, Turns, in_turn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = Stat("index.html", "7", "etag", {"digest": "d"})


class Inputs:
    """Inputs that count how often they are read, and change when they are told to."""

    def __init__(self) -> None:
        self.value = 1
        self.reads = 0

    def read(self) -> int:
        self.reads += 1
        return self.value


@pytest.fixture
def ports() -> Ports:
    return memory_ports(clock=lambda: NOW)


def make(turns: Turns, inputs: Inputs, meanwhile: Callable[[], object] = lambda: None) -> set[str]:
    """Make the list `all` in a run; return what must be made again."""

    def apply(value: int) -> tuple[int, bool]:
        meanwhile()
        return value, True

    turns.at("all")(inputs.read, apply)
    return turns.changed()


def entered(ports: Ports, *names: str) -> Turns:
    turns = Turns(names or ("all",), ports)
    turns.enter()
    return turns


def test_a_run_that_is_alone_reads_once(ports: Ports) -> None:
    inputs = Inputs()
    assert make(entered(ports), inputs) == set()
    assert inputs.reads == 1


@pytest.mark.parametrize("changes", [False, True])
def test_a_run_reads_again_if_another_one_was_at_work_when_it_began(ports: Ports, changes: bool) -> None:
    entered(ports)
    inputs = Inputs()
    found = make(entered(ports), inputs, lambda: setattr(inputs, "value", 1 + changes))
    assert (found, inputs.reads) == ({"all"} if changes else set(), 2)


def test_a_run_reads_again_if_another_one_came_and_went(ports: Ports) -> None:
    inputs = Inputs()
    make(entered(ports), inputs, lambda: entered(ports).leave())
    assert inputs.reads == 2


def test_a_run_at_another_list_does_not_count(ports: Ports) -> None:
    inputs = Inputs()
    entered(ports, "topic:energy")
    make(entered(ports), inputs)
    assert inputs.reads == 1


def test_a_change_of_a_common_input_counts_for_all_lists(ports: Ports) -> None:
    entered(ports)
    turns = entered(ports, "all", "topic:energy")
    for name in ("all", "topic:energy"):
        turns.at(name)(lambda: 1, lambda value: (value, True))
    assert turns.changed(lambda: True) == {"all", "topic:energy"}


def test_a_run_that_wrote_nothing_does_not_look(ports: Ports) -> None:
    entered(ports)
    turns = entered(ports)
    turns.at("all")(lambda: 1, lambda value: (value, False))
    assert turns.changed(lambda: True) == set()


def test_a_run_that_died_counts_for_a_day(ports: Ports) -> None:
    entered(ports)
    inputs = Inputs()
    make(entered(replace(ports, clock=lambda: NOW + timedelta(days=2))), inputs)
    assert inputs.reads == 1


def test_a_run_that_fails_leaves(ports: Ports) -> None:
    with pytest.raises(Transient), Turns(["all"], ports):
        raise Transient("S3 is slow")
    assert not read_turns(ports.articles, ["all"])[0].runs


def test_a_run_that_was_alone_leaves_what_it_wrote(ports: Ports) -> None:
    turns = entered(ports)
    turns.pages["all"][PAGE.key] = PAGE
    assert turns.leave()
    assert entered(ports).pages == {"all": {PAGE.key: PAGE}}


def test_nothing_is_left_while_another_run_is_at_work(ports: Ports) -> None:
    first = entered(ports)
    second = entered(ports)
    second.pages["all"][PAGE.key] = PAGE
    assert not second.leave()
    assert read_turns(ports.articles, ["all"])[0].pages == {}
    first.leave()
    assert entered(ports).pages == {"all": {}}


def test_a_run_of_a_whole_list_leaves_nothing(ports: Ports) -> None:
    turns = entered(ports)
    turns.pages["all"][PAGE.key] = PAGE
    turns.leave()
    in_turn("all", ports)(lambda: 1, lambda value: (value, True))
    assert entered(ports).pages == {"all": {}}


def test_a_run_that_loses_a_write_asks_what_is_stored(ports: Ports) -> None:
    turns = entered(ports)
    turns.pages["all"][PAGE.key] = PAGE
    seen = []

    def apply(value: int) -> tuple[int, bool]:
        seen.append(dict(turns.pages["all"]))
        if len(seen) == 1:
            raise Conflict("index.html")
        return value, True

    turns.at("all")(lambda: 1, apply)
    assert seen == [{PAGE.key: PAGE}, {}]


def test_a_run_that_loses_a_write_still_minds_the_common_inputs(ports: Ports) -> None:
    """Made again at once, the list is made of its newest inputs, but of the settings that the run began with."""
    turns, attempts = entered(ports), iter([Conflict("index.html")])

    def apply(value: int) -> tuple[int, bool]:
        for conflict in attempts:
            raise conflict
        return value, True

    turns.at("all")(Inputs().read, apply)
    assert turns.changed(lambda: False) == set()
    assert turns.changed(lambda: True) == {"all"}


def test_other_changes_are_written_with_the_end(ports: Ports) -> None:
    turns = entered(ports)
    assert turns.leave([Change("article#a", "record", {"x": 1}, None)])
    assert ports.articles.get("article#a", "record")
    conflicting = entered(ports)
    assert not conflicting.leave([Change("article#a", "record", {"x": 2}, None)])
    assert not read_turns(ports.articles, ["all"])[0].runs


@pytest.mark.parametrize("another", [False, True])
def test_gate_reads_again_only_if_another_run_began(ports: Ports, another: bool) -> None:
    inputs = Inputs()

    def apply(value: int) -> tuple[int, bool]:
        if another:
            LastTurn("article:a", ports).take()
        return value, True

    converge(inputs.read, apply, LastTurn("article:a", ports))
    assert inputs.reads == 1 + another
