"""`nightdesk build`."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.domain.documents import digest
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk_local.cloud import home
from nightdesk_local.themes import open_theme

from .arguments import add_theme, whole_number
from .console import Progress, problem_lines, result, say
from .files import refused, say_left


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drafts",
        required=True,
        type=Path,
        metavar="DIR",
        help="a folder of drafts, or one that holds drafts/, authors/ …",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write the site")
    parser.add_argument(
        "--base-url",
        default="http://localhost:8080",
        metavar="URL",
        help="the site's URL, unless site.yaml sets base_url (default: http://localhost:8080)",
    )
    add_theme(parser)
    parser.add_argument(
        "--no-images", action="store_true", help="make no pictures: pages have only the space for them, which is faster"
    )
    parser.add_argument(
        "--full", action="store_true", help="make everything again, also what did not change since the last build"
    )
    parser.add_argument(
        "--jobs",
        type=whole_number,
        default=0,
        metavar="N",
        help="how many processes share the work (default: one for each processor); the site is the same",
    )
    parser.set_defaults(run=run)


COMMANDS = {"build": _arguments}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Turn garbage collection off: the process ends before it would pay off."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _state(out: Path) -> Path:
    """Return where the state of builds into a folder is kept: not there, because it holds text that readers may pay for."""
    return home() / "builds" / f"{digest(str(out.resolve()).encode())[:32]}.sqlite"


def run(args: argparse.Namespace) -> int:
    """Build the site; exit with status 1 if a draft was rejected."""
    if not args.drafts.is_dir():
        say(f"{args.drafts}: there is no such folder")
        return 2
    try:
        theme = open_theme(args.theme)
    except (FileNotFoundError, ValueError) as error:
        say(str(error))
        return 2
    pictures = None if args.no_images else FolderPictures(picture_maker(), home() / "pictures")
    options = Options(args.base_url, Progress("Building"), pictures, _state(args.out), args.full, args.jobs)
    with _no_garbage_collection():
        built = build(args.drafts, args.out, theme, datetime.now(UTC), options)
    for key, path in built.files.items():
        report = {"problems": built.rejected.get(key, ()), "warnings": built.warnings.get(key, ())}
        for line in problem_lines(path, report):
            say(line)
    say_left(built.left)
    counts = {state: len(slugs) for state, slugs in sorted(built.states.items())} | {"rejected": len(built.rejected)}
    text = f"{built.objects} files in {args.out}: " + ", ".join(f"{n} {state}" for state, n in counts.items())
    if built.changed < len(built.files):
        text += f" ({built.changed} of {len(built.files)} files changed)"
    data = {"files": built.objects, "states": counts, "rejected": built.rejected, "warnings": built.warnings}
    data["changed"] = built.changed
    data["left"] = {str(path): problem.text for path, problem in built.left.items()}
    result(data, args.json, text)
    return 1 if built.rejected or refused(built.left) else 0
