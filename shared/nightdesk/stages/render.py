"""Render: makes private documents from drafts, profiles and settings."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.drafts_bucket import has_control_characters
from nightdesk.domain.events import ImageInspected, ObjectChanged, RenderRequested
from nightdesk.ports import Ports
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.render import render


class RenderBatch:
    """Renders each message's file by itself."""

    handles: ClassVar[tuple[type[Detail], ...]] = (ObjectChanged, RenderRequested, ImageInspected)

    def __init__(self, ports: Ports, note: Note = silent) -> None:
        self._ports = ports
        self._note = note

    def handle(self, detail: ObjectChanged | RenderRequested | ImageInspected) -> None:
        """Render the file that a message names, or those of the folder of an image."""
        key = (detail.key or detail.folder) if isinstance(detail, ImageInspected) else detail.key
        if has_control_characters(key):
            self._note("ignored: the key contains a control character", key=ascii(key), state="ignored")
            return
        bulk = detail.bulk if isinstance(detail, RenderRequested) else ""
        put = detail if isinstance(detail, ObjectChanged) else None
        for done in render(key, self._ports, bulk, put):
            self._note("rendered", slug=done.slug, revision=done.revision, state=done.state)

    def finish(self) -> None:
        """Do nothing: each message was completed by itself."""
