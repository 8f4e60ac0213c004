"""Histories of articles and their translations converge, and each of two shortcuts is found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from nightdesk.ports import Ports
from nightdesk.usecases.pipeline import index
from nightdesk.usecases.pipeline.lists import Shared

from simulation.actions import Action
from simulation.history import small_world
from simulation.oracle import violations
from simulation.remembered import Memory, using
from simulation.schedule import RandomSchedule
from simulation.world import World

HISTORIES = 25
_SUBJECTS = {
    "drafts/a.md": {"title": "X"},
    "drafts/b.md": {"title": "Y", "language": "de", "translation_of": "a"},
    "drafts/d/index.md": {"title": "Z", "language": "ar", "translation_of": "a"},
}


def actions_of(seed: int) -> tuple[Action, ...]:
    """Return what happens to an article and two translations: mostly they are put, with one slug or another."""
    rnd = random.Random(f"translations {seed}")
    actions = []
    for number in range(1, rnd.randrange(4, 8)):
        key = rnd.choice(list(_SUBJECTS))
        values = {**_SUBJECTS[key], "date": f"2026-01-0{rnd.randrange(1, 4)}", "body": "Text.\n"}
        if rnd.random() < 0.25:
            values["slug"] = f"{key[7]}-two"
        for name, value, chance in (
            ("expires", "2026-11-23T05:00:00Z", 0.1), ("language", "fr", 0.15), ("draft", "true", 0.1),
        ):  # fmt: skip
            if rnd.random() < chance:
                values[name] = value
        kind = rnd.choices(("put", "remove", "withdraw", "wait"), (75, 10, 10, 5))[0]
        subject = {"withdraw": key[7], "wait": "2026-11-23T05:00:00Z"}.get(kind, key)
        actions.append(Action(number, kind, subject, values if kind == "put" else {}))
    return tuple(actions)


def failing(seeds: range, plant: Callable[[pytest.MonkeyPatch], None] = lambda _: None) -> Iterator[int]:
    """Yield the seeds whose histories do not converge, with a bug planted in all stages but the oracle."""
    planted = Memory()
    with small_world():
        for seed in seeds:
            with pytest.MonkeyPatch.context() as patch, using(planted):
                plant(patch)
                world = World(actions_of(seed), RandomSchedule(seed), recording=False)
                world.play()
            if violations(world):
                yield seed


def test_histories_of_translations_converge() -> None:
    assert list(failing(range(HISTORIES))) == []


def test_nobody_tells_the_other_versions() -> None:
    """Leave the pages of the others alone when a translation comes, moves or goes."""
    bug = failing(range(HISTORIES), lambda patch: patch.setattr(index, "slugs_around", lambda name, ports: set()))
    assert next(bug, None) is not None


def test_a_page_that_was_made_too_early_stays() -> None:
    """Do not compare what a page shows of its translations with what they are when it is listed."""
    check = index.to_be_shown

    def forgetful(slug: str, shows: Mapping[str, Any], shared: Shared, ports: Ports) -> str:
        return check(slug, {name: value for name, value in shows.items() if name != "translations"}, shared, ports)

    bug = failing(range(210, 900), lambda patch: patch.setattr(index, "to_be_shown", forgetful))  # first found by 224
    assert next(bug, None) is not None
