"""`nightdesk preview`: the site of a folder in the browser, made again whenever the theme or a draft is saved."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.domain.drafts_bucket import SITE_FILE
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.folder_site import FolderSite, Report
from nightdesk.entrypoints.local_files import beside, is_newsroom
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.ports import Output
from nightdesk.rendering.environment import TEMPLATES, Theme, forget_themes
from nightdesk.rendering.theme_overlay import lay_over, source_of
from nightdesk_local.cloud import ROOT, home
from nightdesk_local.preview_server import PreviewServer
from nightdesk_local.theme_errors import ThemeFault, fault_of
from nightdesk_local.themes import DEFAULT

from .arguments import add_theme, whole_number
from .console import problem_lines, say

_PORT = 8090


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drafts",
        type=Path,
        default=ROOT / "examples",
        metavar="DIR",
        help="a folder of drafts, or one that holds drafts/, authors/ … (default: examples)",
    )
    add_theme(parser)
    parser.add_argument(
        "--port", type=whole_number, default=_PORT, metavar="N", help=f"where to serve it (default: {_PORT})"
    )
    parser.set_defaults(run=run)


COMMANDS = {"preview": _arguments}


class Preview:
    """A site that follows a folder of drafts and a theme.

    Args:
        overlay: the theme's files; None for the default theme.
        scratch: an empty folder.
    """

    def __init__(self, drafts: Path, overlay: Path | None, scratch: Path, pictures: FolderPictures | None) -> None:
        self._drafts = drafts
        self._overlay = overlay if overlay and overlay.resolve() != DEFAULT else None
        self._whole, self._bytecode = scratch / "theme", scratch / "bytecode"
        self._pictures = pictures
        self._site: FolderSite | None = None
        self._languages: tuple[str, ...] = ()
        self._unread: dict[str, None] = {}
        """The keys of the files that are not rendered yet."""
        self.reports: dict[str, Report] = {}
        """The problems and warnings of the files that were read last, by key."""

    @property
    def watched(self) -> list[Path]:
        """The folders and files on which the site depends."""
        drafts = [self._drafts] if is_newsroom(self._drafts) else beside(self._drafts)
        return [*drafts, DEFAULT, *([self._overlay] if self._overlay else [])]

    @property
    def tiers(self) -> tuple[str, ...]:
        """Those of the site."""
        return self._site.tiers if self._site else ()

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that were read, by key."""
        return self._site.files if self._site else {}

    def refresh(self, changed: Iterable[Path] = ()) -> Mapping[str, Output] | ThemeFault:
        """Make the site again.

        Args:
            changed: the files that may have changed; none for the first time.

        Returns:
            The objects of the site by key, or what is wrong with the theme.
        """
        try:
            theme = self._theme()
            site = self._read({path.resolve() for path in changed})
            if self._languages not in ((), theme.languages) and SITE_FILE in site.files:
                self._unread[SITE_FILE] = None  # which may be warned of its language
            self._languages = theme.languages
            site.publish(list(self._unread), theme)
            if not changed:
                site.index(theme)
        except Exception as error:  # whatever a template may do
            fault = fault_of(error, self._whole / TEMPLATES, self._written_at)
            if not fault.path and not isinstance(error, FileNotFoundError | ValueError):
                raise
            return fault
        self.reports = site.reports(self._unread)
        self._unread = {}
        return {**site.outputs, **site.previews}

    def _theme(self) -> Theme:
        shutil.rmtree(self._whole, ignore_errors=True)
        if self._overlay:
            lay_over(self._overlay, DEFAULT, self._whole)
        else:
            shutil.copytree(DEFAULT, self._whole)
        forget_themes()
        return Theme(self._whole, cache=self._bytecode)

    def _read(self, changed: set[Path]) -> FolderSite:
        """Read what changed. After a deletion that is everything."""
        fresh = FolderSite(self._drafts, datetime.now(UTC), self._pictures)
        if self._site is None or self._site.files.keys() - fresh.files.keys():
            self._site, keys = fresh, list(fresh.files)
        else:
            self._site.files.update(fresh.files)
            keys = [key for key, path in fresh.files.items() if path.resolve() in changed]
        self._site.read(keys)
        self._unread |= dict.fromkeys(keys)
        return self._site

    def _written_at(self, path: Path) -> Path:
        return source_of(path, self._whole, self._overlay or DEFAULT, DEFAULT)


def run(args: argparse.Namespace) -> int:
    """Serve the site until Ctrl-C."""
    if not args.drafts.is_dir():
        say(f"{args.drafts}: there is no such folder")
        return 2
    with tempfile.TemporaryDirectory(prefix="nightdesk-preview-") as scratch:
        pictures = FolderPictures(picture_maker(), home() / "pictures")
        preview = Preview(args.drafts, args.theme, Path(scratch).resolve(), pictures)
        try:
            server = PreviewServer(args.port)
        except OSError:
            say(f"port {args.port} is in use; choose another one with --port")
            return 2
        _show(preview, server, ())
        site = f"http://localhost:{server.port}"
        say("\n".join([f"Preview: {site}/", *(f"  as {tier}: {site}/_preview/{tier}" for tier in preview.tiers)]))
        say("Save a file of the theme or a draft, and the page shows it. Press Ctrl-C to stop.")
        try:
            _follow(preview, server)
        except KeyboardInterrupt:
            pass
        finally:
            server.stop()
    return 0


def _follow(preview: Preview, server: PreviewServer) -> None:
    from watchfiles import watch

    for changes in watch(*preview.watched, debounce=60, step=15, raise_interrupt=True):
        _show(preview, server, [Path(name) for _, name in changes])


def _show(preview: Preview, server: PreviewServer, changed: Iterable[Path]) -> None:
    """Make the site again, serve it, and say what is wrong with it."""
    started = time.perf_counter()
    shown = preview.refresh(changed)
    if isinstance(shown, ThemeFault):
        server.show_problem(shown.to_html())
        say(shown)
        return
    server.show(shown, preview.tiers)
    for key, report in preview.reports.items():
        for line in problem_lines(preview.files[key], report):
            say(line)
    say(f"Made in {time.perf_counter() - started:.2f} s")
