"""Render: drafts, profiles and settings into private documents."""

from __future__ import annotations

from nightdesk.events import DraftTouched, ObjectEvent
from nightdesk.stages import Note, silent
from nightdesk.usecases.ports import Ports
from nightdesk.usecases.render import render


class RenderBatch:
    """Each message is looked at for itself."""

    def __init__(self, ports: Ports, note: Note = silent) -> None:
        self._ports = ports
        self._note = note

    def work(self, detail: object) -> None:
        """Look at the key that a message names."""
        bulk = ""
        if isinstance(detail, ObjectEvent):
            key = detail.object.key
        elif isinstance(detail, DraftTouched):
            key, bulk = detail.key, detail.bulk
        else:
            raise TypeError(f"render has no use for {type(detail).__name__}")
        for done in render(key, self._ports, bulk):
            self._note("rendered", slug=done.slug, revision=done.revision, state=done.state)

    def finish(self) -> None:
        """Nothing is left to do."""
