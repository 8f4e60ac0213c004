"""A newsroom in memory: every upload goes through all stages before the next one, and all events are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.events import ArticleDue, Event, ObjectChanged, SiteChanged
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.editors.status import status
from simulation.reference import ReferenceWorld

Kind = TypeVar("Kind", bound=Event)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Newsroom(ReferenceWorld):
    """A newsroom whose clock shows `NOW` until a test changes it.

    Attributes:
        events: all that was emitted since the last call of `emitted`.
        bare: the ports without anything that a test has wrapped around them.
    """

    def __init__(self, theme: Theme) -> None:
        self.events: list[Event | ObjectChanged] = []
        self.now = NOW
        super().__init__(theme, lambda: self.now)
        self.bare = self.ports
        self.site: MemoryObjects = self.ports.site  # type: ignore[assignment]  # memory_ports makes it
        self.deliver([SiteChanged()])
        self.process_all()

    def deliver(self, events: Iterable[Event | ObjectChanged]) -> None:
        emitted = list(events)
        self.events += emitted
        super().deliver(emitted)

    def file(self, key: str, text: str | None) -> None:
        """Upload a text, or delete the file (None), and run all stages."""
        self.upload(key, text.encode() if text is not None else None)
        self.process_all()

    def publish(self, name: str, title: str = "T", body: str = "Text.", **matter: Any) -> None:
        """Upload the draft `drafts/<name>.md` with some front matter."""
        head = {"title": title, "date": "2026-11-01", "topics": ["energy"], "authors": ["ada"], **matter}
        lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
        self.file(f"drafts/{name}.md", f"---\n{lines}---\n{body}\n")

    def page(self, path: str) -> str:
        """Return what a public reader gets at a path; empty if there is nothing."""
        key = re.sub(r"^articles/([^/]+)/$", r"articles/\1/~public/", path.lstrip("/"))
        output = self.site.outputs.get(key + ("index.html" if path.endswith("/") else ""))
        return output.body.decode() if output else ""

    def state(self, slug: str) -> dict[str, Any]:
        """Return an article's status."""
        found = status(slug, self.bare, self.now)
        assert found
        return found

    def fire_schedule(self, slug: str) -> None:
        """Fire the schedule of an article, and run all stages."""
        self.deliver([ArticleDue(slug)])
        self.process_all()

    @property
    def schedules(self) -> set[tuple[datetime, str]]:
        """The schedules that were created: a moment and an article's slug each."""
        return self.ports.schedules.requested  # type: ignore[attr-defined, no-any-return]  # memory_ports makes it

    def emitted(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of a type since the last call of this."""
        found = [event for event in self.events if isinstance(event, kind)]
        self.events.clear()
        return found
