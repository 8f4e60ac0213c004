"""Histories of two writers, an editor, and a site on which everything must be approved.

The writers upload drafts and images over each other's, through forms that may be older than a hand-over, while the editor approves,
hands over, withdraws and publishes. Whatever the disorder, each object of an article that is ever written for readers must
belong to one form of it that an editor approved.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator

from nightdesk.domain.documents import Document, digest, parse_json
from nightdesk.ports import ANY, Output, Ports
from nightdesk.usecases.pipeline.render import render

from .actions import AGENCY, Action
from .oracle import violations
from .schedule import RandomSchedule
from .world import World

SETTINGS = {
    "own": b"require_approval: [ai, human]\n",
    "any": b"require_approval: [ai, human]\nwriters: any\n",
}
WRITERS = ("writer-wren", "writer-finch")
_UPLOADERS = (*WRITERS, "editor-elif", AGENCY, "")
_CARD = b"card "
_TEXT = re.compile(rb"Text (\d+)\.")
_SLUGS = ("d", "e")
_KEYS = ("drafts/d/index.md", "drafts/e.md")


def draw(rnd: random.Random) -> list[Action]:
    """Return the actions of a history. Each draft and each image has its number in it."""
    actions = [_put_draft(1, rnd, _KEYS[0]), _approve(2, "d")]
    for number in range(3, rnd.randrange(6, 14)):
        [kind] = rnd.choices(
            ("draft", "image", "approve", "hand over", "withdraw", "publish", "remove"), (6, 4, 6, 3, 1, 1, 1)
        )
        slug = rnd.choice(_SLUGS)
        if kind == "draft":
            actions.append(_put_draft(number, rnd, rnd.choice(_KEYS)))
        elif kind == "image":
            text = {"text": f"image {number}"} | _by(rnd)
            actions.append(Action(number, "put", "drafts/d/img/a.png", text))
        elif kind == "approve":
            actions.append(_approve(number, slug))
        elif kind == "hand over":
            actions.append(Action(number, "hand over", slug, {"owner": rnd.choice(WRITERS)}))
        elif kind == "remove":
            actions.append(Action(number, "remove", rnd.choice((*_KEYS, "drafts/d/img/a.png"))))
        else:
            actions.append(Action(number, kind, slug))
    return actions


def _by(rnd: random.Random) -> dict[str, str]:
    by = rnd.choice(_UPLOADERS)
    return {"by": by} if by else {}


def _approve(number: int, slug: str) -> Action:
    return Action(number, "approve", slug)


def _put_draft(number: int, rnd: random.Random, key: str) -> Action:
    values = {"title": "T", "date": "2026-01-01"} | _by(rnd)
    values["body"] = f"Text {number}.\n\n![Seen](img/a.png)\n"
    return Action(number, "put", key, values)


def world_of(seed: int, writers: str) -> World:
    """Play the history of a seed on a site that lets writers upload over their own drafts, or over any."""
    rnd = random.Random(f"uploads {seed}")
    world = World(draw(rnd), RandomSchedule(seed))
    # The settings are in force before the history begins: what was live without an approval before that may stay for a while.
    world.drafts.put(Output("site.yaml", SETTINGS[writers], "text/yaml"), ANY)
    render("site.yaml", _unscheduled(world))
    world.site.watch = lambda output: _unapproved(output, world)
    world.play()
    return world


def _unscheduled(world: World) -> Ports:
    """Return the world's ports without its schedule, to prepare something before the history begins."""
    return Ports(
        **{name: getattr(world.ports, name)._inner for name in ("drafts", "private", "site", "articles", "updates")},
        **{name: getattr(world.ports, name)._inner for name in ("bus", "cdn", "schedules")},
        clock=world.clock,
    )


def _unapproved(output: Output, world: World) -> str:
    """Return what is wrong with an object that is written for readers; empty for nothing."""
    if not output.key.startswith("articles/") or not output.body or "status" in output.metadata:
        return ""
    approved = approved_forms(world)
    if not output.key.endswith("/index.html"):
        known = {asset.sha256 for document in approved for asset in document.assets}
        if output.body.startswith(_CARD):
            order = parse_json(output.body.removeprefix(_CARD))
            is_approved = order["headline"] in {document.title for document in approved} and order["lead"] in {
                "",
                *known,
            }
            return "" if is_approved else f"readers get a card that was not approved: {output.body!r}"
        original = output.body.rpartition(b"|")[2]
        return "" if digest(original) in known else f"readers get an image that was not approved: {output.body!r}"
    shown = set(_TEXT.findall(output.body))
    names = set(re.findall(rb"a\.[0-9a-f]{64}-720\.public\.png", output.body))
    # A run that was overtaken may have removed an image since this one copied it; then nobody gets its bytes.
    found = (world.site.outputs.get(f"articles/d/~public/{name.decode()}") for name in names)
    images = {digest(image.body).encode() for image in found if image}
    for document in approved:
        text = b"".join(block.html.encode() for block in document.blocks)
        if shown == set(_TEXT.findall(text)) and images <= {asset.sha256.encode() for asset in document.assets}:
            return ""
    return f"readers get a form that was not approved: {output.key}, {shown}, {images}"


def approved_forms(world: World) -> list[Document]:
    """Return every document that an editor's decision has ever approved, from all versions of the decisions."""
    digests = set()
    for key, history in world.private._history.items():
        for _, output in history if key.startswith("editorial/") else ():
            approval = output and parse_json(output.body).get("approval")
            if approval:
                digests.add(approval["sha256"])
    found = (world.private.outputs.get(f"approved/{sha256}.json") for sha256 in sorted(digests))
    return [Document.from_bytes(output.body) for output in found if output]


def failing(seeds: Iterable[int], writers: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the seeds whose histories go wrong, with what goes wrong."""
    return ((seed, found) for seed in seeds if (found := violations(world_of(seed, writers))))
