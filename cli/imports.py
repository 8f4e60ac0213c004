"""`nightdesk import`."""

from __future__ import annotations

import argparse
import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightdesk.domain.errors import Permanent

from .console import Progress, result, say

if TYPE_CHECKING:
    from .importing.records import Reader

READERS = {
    "hugo": ("hugo", "HugoReader"),
    "jekyll": ("jekyll", "JekyllReader"),
    "eleventy": ("eleventy", "EleventyReader"),
    "pelican": ("pelican", "PelicanReader"),
    "ghost": ("ghost", "GhostReader"),
    "wordpress": ("wordpress", "WordPressReader"),
    "substack": ("substack", "SubstackReader"),
}
"""The module and the class that read each system's archive."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("system", choices=tuple(READERS), metavar="SYSTEM", help=", ".join(READERS))
    parser.add_argument("path", type=Path, metavar="PATH", help="the archive: a folder, a zip file or an exported file")
    parser.add_argument(
        "--out", type=Path, default=Path("imported"), metavar="DIR", help="the folder to write (default: imported)"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing, and report what would be imported")
    parser.add_argument("--keep-expiry", action="store_true", help="withdraw articles whose expiry has passed")
    parser.add_argument(
        "--media", action="append", type=Path, default=[], metavar="PATH", help="a folder or zip file of images"
    )
    parser.add_argument(
        "--base-url", default="", metavar="URL", help="the old site's address, if the archive does not name it"
    )
    parser.add_argument(
        "--timezone", default="", metavar="ZONE", help="for dates without an offset, such as Europe/Oslo"
    )
    parser.add_argument(
        "--permalink", default="", metavar="PATTERN", help="old addresses of articles, such as /:year/:month/:slug/"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="where to write the HTML report (default: DIR-report.html)"
    )
    parser.add_argument("--publish", action="store_true", help="publish the folder once everything is imported")
    parser.set_defaults(run=run)


COMMANDS = {"import": _arguments}


def run(args: argparse.Namespace) -> int:
    """Import an archive; exit with status 1 if a post could not be imported, with 2 if the archive cannot be read."""
    from .importing.archives import Archive
    from .importing.report import Report
    from .importing.runner import Import, Options

    report = Report()
    options = Options(
        args.out,
        args.dry_run,
        args.keep_expiry,
        args.base_url.rstrip("/"),
        args.timezone,
        args.permalink,
        tuple(args.media),
    )
    try:
        archive = Archive(args.path, report)
        reader = make_reader(args.system, archive, report, options)
        Import(archive, reader, options, report, datetime.now(UTC), Progress("Importing")).run()
    except Permanent as error:
        say(error)
        return 2
    page = args.report or (None if args.dry_run else args.out.with_name(f"{args.out.resolve().name}-report.html"))
    if page:
        page.write_text(report.to_html(f"Import of {args.path.name} from {args.system}"), "utf-8")
    text = report.to_text() + (f"\n\nThe whole report: {page}" if page else "")
    has_faults = bool(report.failed_posts) or any("to be corrected" in each["state"] for each in report.articles)
    if args.publish and not args.dry_run:
        say(text)
        return _publish(args) or int(has_faults)
    result({**report.to_json(), "report": str(page or ""), "dry_run": args.dry_run}, args.json, text)
    return int(has_faults)


def make_reader(system: str, archive: Any, report: Any, options: Any) -> Reader:
    """Return the reader of a system's archive.

    Raises:
        ImportRefused: the archive is not what it was said to be.
    """
    from .importing.records import Hints
    from .importing.runner import site_in

    module, name = READERS[system]
    make = getattr(importlib.import_module(f"{__package__}.importing.{module}"), name)
    hints = Hints(options.base_url, options.timezone, options.permalink)
    reader: Reader = make(archive, report, site_in(options.out), hints)
    return reader


def _publish(args: argparse.Namespace) -> int:
    from .publish import publish

    return publish(argparse.Namespace(paths=[args.out], wait=True, json=args.json, stack=args.stack))
