"""The site of a folder, in memory, which follows what changes in the folder and in the theme."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nightdesk.adapters.memory import memory_ports
from nightdesk.adapters.pagefind import index_pages
from nightdesk.domain.documents import REJECTED
from nightdesk.entrypoints.folder_build import read_folder
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.local_files import type_of
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.articles_table import draft_records
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors.status import draft_status
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk.usecases.pipeline.search_archive import rebuild_archive
from nightdesk.usecases.ticker.pages import refresh as refresh_ticker
from nightdesk.usecases.ticker.update_files import process_file

Report = dict[str, list[dict[str, Any]]]
"""The `problems` and `warnings` of a file."""


class FolderSite:
    """The site of a folder, in memory: that of a stack on which readers can sign in and pay.

    Args:
        drafts: a folder in the form that `read_folder` accepts.
        now: the time at which the site is shown.
        pictures: makes them; without, pages have only the space for them.

    Attributes:
        files: the files that were read, by key.
        left: the files that are not published, with the reason.
    """

    def __init__(self, drafts: Path, now: datetime, pictures: FolderPictures | None = None) -> None:
        self._pictures = pictures
        self._now = now
        maker = pictures.maker if pictures else None
        self._ports = replace(memory_ports(clock=lambda: now, pictures=maker), can_pay=True)
        self.files, self.left = read_folder(drafts)

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers of the site, the public one first."""
        return load_site(self._ports).tiers

    @property
    def outputs(self) -> dict[str, Output]:
        """The objects of the site, by key."""
        return self._ports.site.outputs  # type: ignore[attr-defined,no-any-return]  # memory_ports gives MemoryObjects

    @property
    def previews(self) -> dict[str, Output]:
        """The pages of what is not public yet, by the key at which the edge serves them."""
        stored: dict[str, Output] = self._ports.private.outputs  # type: ignore[attr-defined]  # likewise
        return {key: output for key, output in stored.items() if key.startswith("preview/")}

    def read(self, keys: Iterable[str]) -> None:
        """Put files into the drafts bucket, and inspect the images among them."""
        for key in keys:
            path = self.files[key]
            self._ports.drafts.put(Output(key, path.read_bytes(), type_of(path)), ANY)
        if self._pictures:
            self._pictures.inspect(keys, self._ports)

    def publish(self, keys: Iterable[str], theme: Theme) -> None:
        """Render files that were read, and make every page.

        Args:
            keys: of the files; none if only the theme changed.
        """
        self._ports = replace(self._ports, languages=theme.languages)
        keys, ports = list(keys), self._ports
        pictures = self._pictures if keys else None
        ports.bus.events.clear()  # type: ignore[attr-defined]  # memory_ports gives MemoryBus

        def make_pictures() -> None:
            if pictures:
                pictures.derive(ports)
                pictures.draw(ports, theme)

        build_site(keys, ports, theme, make_pictures=make_pictures)
        for key in keys:
            process_file(key, ports)
        refresh_ticker(ports, theme, everything=True)

    def index(self, theme: Theme) -> None:
        """Make what the search finds things in."""
        rebuild_archive(self._ports, theme, index_pages)

    def reports(self, keys: Iterable[str]) -> dict[str, Report]:
        """Return the problems and warnings of those files that have any, by key."""
        known = list(keys)
        found: dict[str, Report] = {}
        for key, record in zip(known, draft_records(self._ports.articles, known), strict=True):
            if record and record.state == REJECTED:
                found[key] = {"problems": record.problems, "warnings": []}
            elif record and (warnings := draft_status(key, record, self._ports, self._now)["warnings"]):
                found[key] = {"problems": [], "warnings": warnings}
        return found
