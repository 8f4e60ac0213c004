"""Histories of a few drafts that take each other's old slugs, hidden or not, converge, and planted bugs are found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest
from nightdesk.ports import Ports
from nightdesk.repositories.records import Claim
from nightdesk.usecases.pipeline import slug_claims
from support.effort import amount

from simulation.actions import Action
from simulation.history import small_world
from simulation.oracle import violations
from simulation.schedule import RandomSchedule
from simulation.world import World

HISTORIES = amount("MOVING_HISTORIES", test=60, soak=900)
_DRAFTS = {
    "drafts/a.md": (50, ("new", "newer", "newer", "old"), 0.1),
    "drafts/b.md": (40, ("old", "old", "b"), 0.6),
    "drafts/a/index.md": (10, ("new",), 0.1),
}
"""For each draft how often it is put, the slugs that it asks for, and how often readers do not get it yet."""
_EMBARGO = "2026-11-23T05:00:00Z"


_MOVED = tuple(
    Action(number, "put", "drafts/a.md", {"title": "X", "date": "2026-01-01", "slug": slug, "body": "Text.\n"})
    for number, slug in ((1, "old"), (2, "new"))
)


def actions_of(seed: int) -> tuple[Action, ...]:
    """Return what happens to the drafts once `a` has moved: mostly they are put, with one slug or another, often hidden."""
    rnd = random.Random(f"moving {seed}")
    actions = []
    for number in range(3, rnd.randrange(6, 10)):
        key = rnd.choices(list(_DRAFTS), [weight for weight, _, _ in _DRAFTS.values()])[0]
        _, slugs, hidden = _DRAFTS[key]
        slug = rnd.choice(slugs)
        values = {"title": "X", "date": "2026-01-01", "slug": slug, "body": "Text.\n"}
        if rnd.random() < hidden:
            values |= rnd.choice(({"draft": "true"}, {"publish_at": _EMBARGO}))
        if key == "drafts/b.md" and rnd.random() < 0.15:
            values |= {"slug": "b", "aliases": "[/articles/old/]"}
        kind = rnd.choices(("put", "remove", "withdraw", "wait"), (75, 12, 8, 5))[0]
        subject = {"withdraw": slug, "wait": _EMBARGO}.get(kind, key)
        actions.append(Action(number, kind, subject, values if kind == "put" else {}))
    return tuple(actions)


def failing(seeds: range, plant: Callable[[pytest.MonkeyPatch], None] = lambda _: None) -> Iterator[tuple[int, str]]:
    """Yield the seeds whose histories do not converge, and what is wrong, with a bug planted in all stages but the oracle."""
    with small_world():
        for seed in seeds:
            with pytest.MonkeyPatch.context() as patch:
                plant(patch)
                world = World((), RandomSchedule(seed), recording=False)
                for some in ([_MOVED[0]], [_MOVED[1]], actions_of(seed)):
                    world.actions.extend(some)
                    world.play()
            if wrong := violations(world):
                yield seed, "; ".join(wrong)


def test_histories_of_moving_articles_converge() -> None:
    assert list(failing(range(HISTORIES))) == []


def test_a_holder_does_not_hear_that_the_article_before_it_moved_on() -> None:
    leave = slug_claims.leave_to_holder

    def forgetful(slug: str, claim: Claim, article: str, keys: Sequence[str], ports: Ports) -> None:
        leave(slug, claim, claim.leads_to, keys, ports)

    bug = failing(range(HISTORIES), lambda patch: patch.setattr(slug_claims, "leave_to_holder", forgetful))
    assert any("a former address" in wrong for _, wrong in bug)


def test_a_slug_that_nobody_holds_does_not_follow_its_article() -> None:
    bug = failing(range(HISTORIES), lambda patch: patch.setattr(slug_claims, "lead_on", lambda *_: None))
    assert any("an earlier address leads to another article" in wrong for _, wrong in bug)
