"""Build: the same stages over folders, with no cloud."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nightdesk.adapters.pagefind import index_pages
from nightdesk.domain.documents import REJECTED
from nightdesk.domain.problems import Problem
from nightdesk.entrypoints.build_state import BuildState, SourceFile, fingerprint, read_sources
from nightdesk.entrypoints.build_workers import BuildWorkers
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.folder_update import Report, Reports, put_file, update, warnings_of
from nightdesk.entrypoints.local_files import LocalFiles, beside, find_files, is_newsroom
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.articles_table import draft_records
from nightdesk.usecases.pipeline.build_site import Progress, build_site
from nightdesk.usecases.pipeline.search_archive import rebuild_archive
from nightdesk.usecases.ticker.pages import refresh as refresh_ticker
from nightdesk.usecases.ticker.update_files import process_file


class Built(NamedTuple):
    """What a build made.

    Attributes:
        states: the slugs of the articles in each state.
        rejected: the problems of each rejected file, by key.
        warnings: the warnings of each other file that has any, by key.
        files: the files that were read, by key.
        left: the files that are not published, with the reason.
        objects: how many files the site has.
        changed: how many files were read anew; all of them in a full build.
    """

    states: dict[str, list[str]]
    rejected: Reports
    warnings: Reports
    files: dict[str, Path]
    left: dict[Path, Problem]
    objects: int
    changed: int


class Options(NamedTuple):
    """How to build.

    Attributes:
        base_url: the site's address, where its settings name none.
        progress: told how many files of how many are done.
        pictures: makes them; without, pages have only the space for them.
        state: where the state of this build is kept, so that the next one makes only what changed; None to keep none.
        full: make everything again.
        processes: how many may share the work; 0 for one for each processor. The site is the same.
    """

    base_url: str = ""
    progress: Progress | None = None
    pictures: FolderPictures | None = None
    state: Path | None = None
    full: bool = False
    processes: int = 0


_DEFAULTS = Options()


def read_folder(folder: Path) -> LocalFiles:
    """Return the files of a folder that is laid out like the drafts bucket, or that holds only drafts.

    A folder of drafts may have its siblings `authors`, `topics`, `pages`, `updates` and `site.yaml` beside it.
    """
    return find_files([folder]) if is_newsroom(folder) else find_files(beside(folder), is_drafts=True)


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
        out: where to; made if it is missing. See `SiteFolder`.
    """
    found = read_folder(drafts)
    job = _Job(found.files, out, theme, now, options)
    built = None if options.full else _update(job)
    report, objects, changed = built or _build_all(job)
    states: dict[str, list[str]] = defaultdict(list)
    for slug, state in sorted(report.states.items()):
        states[state].append(slug)
    return Built(dict(states), report.rejected, report.warnings, found.files, found.left, objects, changed)


class _Job(NamedTuple):
    """What is to be built."""

    files: Mapping[str, Path]
    out: Path
    theme: Theme
    now: datetime
    options: Options

    def open(self, path: Path | None) -> BuildState:
        """Return the state that is kept at a path, or a new one."""
        state = BuildState(path, self.out, self.options.base_url, lambda: self.now)
        maker = self.options.pictures.maker if self.options.pictures else None
        state.ports = replace(state.ports, languages=self.theme.languages, pictures=maker)
        return state

    @property
    def fingerprint(self) -> str:
        """A digest of all that the site depends on besides the files."""
        recipe = self.options.pictures.maker.recipe if self.options.pictures else ""
        return fingerprint(self.theme, self.options.base_url, recipe)


_Outcome = tuple[Report, int, int]
"""What was built, how many files the site has, and how many were read anew."""


def _update(job: _Job) -> _Outcome | None:
    """Build only what changed since the last build; None if that cannot be done."""
    path = job.options.state
    if not path or not path.is_file():
        return None
    # Whatever is wrong with the state, a full build is right, and says what is wrong with anything else.
    with suppress(Exception), closing(job.open(path)) as state:
        known = state.sources()
        is_newer = datetime.fromisoformat(state.store.fact("built")) <= job.now
        if state.store.fact("fingerprint") != job.fingerprint or known.keys() - job.files.keys() or not is_newer:
            return None
        sources, changed = read_sources(job.files, known)
        if not state.site.is_unchanged():
            return None
        report = update(job.files, changed, state, job.theme, job.options.pictures)
        objects = state.site.finish(complete=False)
        _save(report, sources, state, job)
        return report, objects, len(changed)
    return None


def _build_all(job: _Job) -> _Outcome:
    """Build everything."""
    path = job.options.state
    fresh = path.with_name(f"{path.name}.{os.getpid()}") if path else None
    if path and fresh:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_state(fresh)
        fresh.touch(0o600)  # it holds text that readers may pay for; SQLite gives the files beside it the same mode
    sources, _ = read_sources(job.files, {})
    try:
        with closing(job.open(fresh)) as state:
            report = _make_site(job, state.ports, BuildWorkers(state, fresh, job.options.processes))
            objects = state.site.finish(complete=True)
            _save(report, sources, state, job)
        if path and fresh:
            fresh.replace(path)
    finally:
        if fresh:
            _remove_state(fresh)
    return report, objects, len(job.files)


def _remove_state(path: Path) -> None:
    """Remove the files of a state, if there are any."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _save(report: Report, sources: Mapping[str, SourceFile], state: BuildState, job: _Job) -> None:
    state.store.set_fact("built", job.now.isoformat())
    state.store.set_fact("states", report.states)
    state.store.set_fact("rejected", report.rejected)
    state.store.set_fact("warnings", report.warnings)
    state.save(job.fingerprint, sources)


def _make_site(job: _Job, ports: Ports, workers: BuildWorkers) -> Report:
    files, pictures = job.files, job.options.pictures
    for key, path in files.items():
        put_file(key, path, ports)
    if pictures:
        pictures.inspect(files, ports)
    make = partial(_make_pictures, pictures, ports, job.theme) if pictures else None
    states, rejected = build_site(files, ports, job.theme, job.options.progress, make, workers)
    for key in files:
        if process_file(key, ports) == REJECTED:
            rejected[key] = []
    refresh_ticker(ports, job.theme, everything=True)
    rebuild_archive(ports, job.theme, index_pages)
    for key, record in zip(files, draft_records(ports.articles, files), strict=True):
        if record and record.state == REJECTED:
            rejected[key] = record.problems
    warnings = warnings_of(list(files), ports, job.now)
    return Report({slug: state for state, slugs in states.items() for slug in slugs}, rejected, warnings)


def _make_pictures(pictures: FolderPictures, ports: Ports, theme: Theme) -> None:
    pictures.derive(ports)
    pictures.draw(ports, theme)
