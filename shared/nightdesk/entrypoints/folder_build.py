"""Build: the same stages over folders, with no cloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from nightdesk.adapters.memory import memory_ports
from nightdesk.adapters.pagefind import index_pages
from nightdesk.domain.documents import REJECTED
from nightdesk.domain.problems import Problem
from nightdesk.entrypoints.build_output import write_site
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.local_files import LocalFiles, beside, find_files, is_newsroom
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.articles_table import draft_records
from nightdesk.repositories.private_bucket import IMAGE_TYPES
from nightdesk.usecases.editors.status import draft_status
from nightdesk.usecases.pipeline.build_site import Progress, build_site
from nightdesk.usecases.pipeline.search_archive import rebuild_archive
from nightdesk.usecases.ticker.pages import refresh as refresh_ticker
from nightdesk.usecases.ticker.update_files import process_file

Reports = dict[str, list[dict[str, Any]]]
"""Problems or warnings by the keys of their files."""


class Built(NamedTuple):
    """What a build made.

    Attributes:
        states: the slugs of the articles in each state.
        rejected: the problems of each rejected file, by key.
        warnings: the warnings of each other file that has any, by key.
        files: the files that were read, by key.
        left: the files that are not published, with the reason.
        objects: how many files the site has.
    """

    states: dict[str, list[str]]
    rejected: Reports
    warnings: Reports
    files: dict[str, Path]
    left: dict[Path, Problem]
    objects: int


class Options(NamedTuple):
    """How to build.

    Attributes:
        base_url: the site's address, where its settings name none.
        progress: told how many files of how many are done.
        pictures: makes them; without, pages have only the space for them.
    """

    base_url: str = ""
    progress: Progress | None = None
    pictures: FolderPictures | None = None


_DEFAULTS = Options()


def read_folder(folder: Path) -> LocalFiles:
    """Return the files of a folder that is laid out like the drafts bucket, or that holds only drafts.

    A folder of drafts may have its siblings `authors`, `topics`, `pages`, `updates` and `site.yaml` beside it.
    """
    return find_files([folder]) if is_newsroom(folder) else find_files(beside(folder), is_drafts=True)


def _make_pictures(pictures: FolderPictures, ports: Ports, theme: Theme) -> None:
    pictures.derive(ports)
    pictures.draw(ports, theme)


def build(
    drafts: Path,
    out: Path,
    theme: Theme,
    now: datetime,
    options: Options = _DEFAULTS,
) -> Built:
    """Write every page of every tier as files: those of a site on which readers can sign in and pay.

    Args:
        drafts: a folder in the form that `read_folder` accepts.
        out: where to; made if it is missing. See `write_site`.
    """
    pictures = options.pictures
    ports = replace(memory_ports(options.base_url, lambda: now), can_pay=True)
    files, left = read_folder(drafts)
    for key, path in files.items():
        ports.drafts.put(Output(key, path.read_bytes(), IMAGE_TYPES.get(path.suffix.lower(), "text/markdown")), ANY)
    if pictures:
        pictures.inspect(files, ports)
    make = partial(_make_pictures, pictures, ports, theme) if pictures else None
    states, rejected = build_site(files, ports, theme, options.progress, make)
    if pictures:
        pictures.draw_lists(ports, theme)
    for key in files:
        if process_file(key, ports) == REJECTED:
            rejected[key] = []
    refresh_ticker(ports, theme, everything=True)
    rebuild_archive(ports, theme, index_pages)
    warnings: Reports = {}
    for key, record in zip(files, draft_records(ports.articles, files), strict=True):
        if record and record.state == REJECTED:
            rejected[key] = record.problems
        elif record and (found := draft_status(key, record, ports, now)["warnings"]):
            warnings[key] = found
    outputs: dict[str, Output] = ports.site.outputs  # type: ignore[attr-defined]  # memory_ports gives MemoryObjects
    write_site({key: output.body for key, output in outputs.items()}, out)
    return Built(states, rejected, warnings, files, left, len(outputs))
