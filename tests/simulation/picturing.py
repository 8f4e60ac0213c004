"""Histories of pictures: uploaded before, after or without the draft that shows them, replaced, broken, mended and deleted.

Whatever the disorder, the site ends as that of the final files, no byte of an original is ever written for readers, and what is
behind a gate is never written where those below its tier can get it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from nightdesk.domain.documents import digest
from nightdesk.ports import Output

from .actions import Action
from .oracle import violations
from .schedule import RandomSchedule
from .world import World

FREE, GATED, FACE = "drafts/d/free.png", "drafts/d/in/gated.png", "authors/u.png"
_DRAFTS = ("drafts/d/index.md", "drafts/d.md")
_AUTHOR = "authors/u.md"
_BODIES = (
    "![Free](free.png)\n\n::: gate tier=member\n![Gated](in/gated.png)\n:::\n",
    "::: gate tier=member\n![Gated](in/gated.png) ![Free](free.png)\n:::\n",
    "![Both](in/gated.png)\n\n::: gate tier=member\n![Both](in/gated.png)\n:::\n",
    '![Free](free.png)\n\n::: gate tier=member\n::: figure src=free.png alt=F credit="Behind the gate"\n:::\n:::\n',
    "None.\n",
)
_HEROES = ("{src: free.png, alt: A}", "{src: free.png, alt: A, credit: Wire, source_type: trainedAlgorithmicMedia}")
_CONTENTS = ("original", "original", "broken", "hollow", "original credit:Ann")


def draw(rnd: random.Random) -> list[Action]:
    """Return the actions of a history. Each image has its number in it, or that of an earlier one."""
    actions = [_draw_action(1, rnd), _put_draft(2, rnd)]
    return actions + [_draw_action(number, rnd) for number in range(3, rnd.randrange(5, 12))]


def _draw_action(number: int, rnd: random.Random) -> Action:
    kinds = {"image": 9, "draft": 5, "author": 2, "remove": 3, "approve": 2, "withdraw": 1, "publish": 1, "settings": 1}
    [kind] = rnd.choices(list(kinds), list(kinds.values()))
    if kind == "image":
        text = f"{rnd.choice(_CONTENTS)} {rnd.choice((number, 1))}"
        return Action(number, "put", rnd.choice((FREE, GATED, FACE)), {"text": text})
    if kind == "draft":
        return _put_draft(number, rnd)
    if kind == "author":
        return Action(number, "put", _AUTHOR, {"text": "---\nname: Una\nportrait: u.png\n---\nBio. ![Me](u.png)\n"})
    if kind == "settings":
        texts = ("require_approval: [human]\n", "tiers: [public, member]\n")
        return Action(number, "put", "site.yaml", {"text": rnd.choice(texts)})
    if kind == "remove":
        return Action(number, "remove", rnd.choice((*_DRAFTS, FREE, GATED, FACE, _AUTHOR)))
    return Action(number, kind, "d")


def _put_draft(number: int, rnd: random.Random) -> Action:
    values = {"title": "T", "date": "2026-01-01", "authors": "[u]", "body": f"Text {number}.\n\n{rnd.choice(_BODIES)}"}
    if rnd.random() < 0.4:
        values["hero"] = rnd.choice(_HEROES)
    return Action(number, "put", rnd.choices(_DRAFTS, (9, 1))[0], values)


def world_of(seed: int) -> World:
    """Play the history of a seed."""
    world = World(draw(random.Random(f"pictures {seed}")), RandomSchedule(seed))
    world.site.watch = lambda output: _leaked(output, world)
    world.play()
    return world


def _leaked(output: Output, world: World) -> str:
    """Return what is wrong with an object that is written for readers; empty for nothing."""
    uploaded = world.private.outputs.get(f"images/{digest(output.body)}")
    if uploaded and b"credit:" in output.body:
        return f"readers get an original: {output.key}"
    folder, _, name = output.key.rpartition("/")
    if b"Behind the gate" in output.body and folder.startswith("articles/") and not folder.endswith("/~member"):
        return f"readers below its tier get what is said of a figure: {output.key}"
    is_picture = folder.startswith("articles/") and name != "index.html"
    if is_picture and (".public." in name) != folder.endswith("/~public"):
        return f"a picture is not where the edge looks for it: {output.key}"
    return ""


def failing(seeds: Iterable[int]) -> Iterator[tuple[int, list[str]]]:
    """Yield the seeds whose histories go wrong, with what goes wrong."""
    return ((seed, found) for seed in seeds if (found := violations(world_of(seed))))
