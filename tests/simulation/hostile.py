"""A hostile writer: one who files, renames, aliases, copies, deletes and restores drafts to undo what editors withdrew.

The histories are played with all the disorder of the others. At every quiet moment, no article may be public that an editor
withdrew, and no withdrawn address may answer with anything but 410 or 404.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.decisions import text_digest
from nightdesk.domain.documents import LIVE, Document, parse_json
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Permanent
from nightdesk.repositories.drafts_bucket import current_versions
from nightdesk.repositories.private_bucket import decisions_from, decisions_key

from .actions import Action, slug_of
from .oracle import current_state, violations
from .schedule import RandomSchedule
from .world import World

_NAMES = ("a", "b")
_FORMS = ("drafts/{}.md", "drafts/{}/index.md", "drafts/{}.markdown", "drafts/2026-11-20-{}.md", "drafts/copy-of-{}.md")
_SLUGS = ("", "", "a", "b", "shared", "moved")
_ALIASES = ("", "", "[/articles/a/]", "[/articles/shared/, /old/]", "[/articles/Moved/, /OLD]", "[/articles/b/]")
_LIFTS = ("publish", "schedule")


def draw_hostile(rnd: random.Random) -> list[Action]:
    """Return the actions of a history: mostly the writer's, with an editor's takedowns between them."""
    actions: list[Action] = []
    for number in range(1, rnd.randrange(6, 15)):
        filed = [action for action in actions if action.kind == "put" and "slug" in action.values]
        before = [action for action in actions if action.kind == "put"]
        kind = rnd.choices(("put", "remove", "withdraw", "publish", "approve", "rollback"), (50, 14, 24, 4, 5, 3))[0]
        if kind == "put" or not before:
            actions.append(_draw_put(number, rnd))
        elif kind == "remove":
            actions.append(Action(number, "remove", rnd.choice(before).subject))
        else:
            values = {"revision": "1"} if kind == "rollback" else {}
            actions.append(Action(number, kind, slug_of(rnd.choice(filed or before)), values))
    return actions


def _draw_put(number: int, rnd: random.Random) -> Action:
    name = rnd.choice(_NAMES)
    key = rnd.choice(_FORMS).format(name)
    values = {"title": rnd.choice("XYZ"), "date": "2026-01-02"}
    for option, choices in (("slug", _SLUGS), ("aliases", _ALIASES)):
        if chosen := rnd.choice(choices):
            values[option] = chosen
    more = " And more of it." if rnd.random() < 0.2 else ""
    secret = f"What {name} withheld from the inquiry for eleven months, and why the ministry knew of it all along."
    return Action(number, "put", key, {**values, "body": f"{secret}{more}\n"})


class HostileWorld(World):
    """A world that remembers what editors withdrew, until one of them publishes anything.

    Attributes:
        withdrawn_drafts: ids of drafts, with the moment.
        withdrawn_texts: digests of texts, with the draft and the moment.
        withdrawn_slugs: addresses.
    """

    def __init__(self, seed: int) -> None:
        self.withdrawn_drafts: set[str] = set()
        self.withdrawn_texts: dict[str, tuple[str, datetime]] = {}
        self.withdrawn_slugs: set[str] = set()
        super().__init__(draw_hostile(random.Random(f"hostile {seed}")), RandomSchedule(seed))

    def _perform(self, action: Action) -> None:
        if not self.running and not self.queue:
            self.check_takedowns()
        super()._perform(action)

    def _action_ended(self, action: Action, refused: Permanent | None) -> None:
        super()._action_ended(action, refused)
        decided = decisions_from(self.private.get(decisions_key(action.subject)))
        if action.kind in _LIFTS:
            self.withdrawn_drafts.clear()
            self.withdrawn_texts.clear()
            self.withdrawn_slugs.clear()
        elif action.kind == "withdraw" and not refused and decided.withdrawn and decided.taken_from:
            self.withdrawn_slugs.add(action.subject)
            self.withdrawn_drafts.add(decided.taken_from)
            for key, _ in self.private.list("editorial/texts/"):
                blob = self.private.get(key)
                if blob and parse_json(blob.body)["draft"] == decided.taken_from:
                    digest = key.removeprefix("editorial/texts/").removesuffix(".json")
                    self.withdrawn_texts[digest] = decided.taken_from, blob.modified

    def check_takedowns(self) -> None:
        """Note each withdrawn draft, text or address that readers get."""
        for key, output in self.private.outputs.items():
            document = Document.from_bytes(output.body) if key.startswith("articles/") else None
            if document and self._is_withdrawn(document) and current_state(document.slug, self) == LIVE:
                self.violations.append(f"a takedown was undone: {document.file} at {document.slug}")
        for slug in self.withdrawn_slugs:
            page = self.site.outputs.get(f"articles/{slug}/~public/index.html")
            if page and page.metadata.get("status") != "410":
                self.violations.append(f"a withdrawn address answers: {slug}")

    def _is_withdrawn(self, document: Document) -> bool:
        draft, text = draft_id(document.file), text_digest(document)
        if draft in self.withdrawn_drafts:
            return True
        taken_from, moment = self.withdrawn_texts.get(text, ("", self.now))
        versions = current_versions(document.file, replace(memory_ports(), drafts=self.drafts)) if taken_from else []
        return bool(versions) and taken_from != draft and versions[-1].modified > moment


def failing_hostile(seeds: Iterable[int]) -> dict[int, list[str]]:
    """Return the seeds whose histories lose a takedown or do not converge, and how."""
    found = {}
    for seed in seeds:
        world = HostileWorld(seed)
        world.play()
        world.check_takedowns()
        if wrong := violations(world):
            found[seed] = wrong
    return found
