"""`nightdesk export`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.domain.errors import Permanent

from .console import result, say


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder to write, in the form of a Hugo site")
    parser.add_argument(
        "--drafts", type=Path, metavar="DIR", help="export this folder of drafts instead of the drafts bucket"
    )
    parser.set_defaults(run=run)


COMMANDS = {"export": _arguments}


def run(args: argparse.Namespace) -> int:
    """Export everything; exit with status 1 if a file could not be exported as an article."""
    from nightdesk.domain.site_file import parse_site
    from nightdesk.rendering.markdown import to_html

    from .importing.export import Exporter
    from .importing.report import Report
    from .importing.writer import Folder

    report = Report()
    try:
        files, withdrawn = _from_folder(args.drafts) if args.drafts else _from_bucket(args.stack)
        site = parse_site(files["site.yaml"]())[0] if "site.yaml" in files else parse_site(b"")[0]
        folder = Folder(args.folder, False, report, datetime.now(UTC))
        Exporter(lambda key: files[key](), site, to_html, folder, report, withdrawn).run(files)
    except Permanent as error:
        say(error)
        return 2
    result(report.to_json(), args.json, report.to_text())
    return 1 if report.with_outcome("lost") else 0


Files = dict[str, Callable[[], bytes]]


def _from_folder(folder: Path) -> tuple[Files, set[str]]:
    from .files import folder_keys

    found = folder_keys(folder)
    if not found:
        from .importing.archives import ImportRefused

        raise ImportRefused(f"{folder}: this folder holds no drafts/, authors/, topics/, pages/ or site.yaml")
    return {key: path.read_bytes for key, path in found.items()}, set()


def _from_bucket(stack: str | None) -> tuple[Files, set[str]]:
    """Return the objects of the drafts bucket, and the slugs of the articles that were taken down."""
    from nightdesk.entrypoints.operator_ports import operator_ports
    from nightdesk.usecases.editors import queries

    from .connect import connect

    ports = operator_ports(connect(stack))

    def reader(key: str) -> Callable[[], bytes]:
        def read() -> bytes:
            blob = ports.drafts.get(key)
            return blob.body if blob else b""

        return read

    withdrawn: set[str] = set()
    cursor = ""
    while True:
        page = queries.articles(queries.ArticleFilter("withdrawn", "", "", "", ""), cursor, 100, ports)
        withdrawn |= {row.slug for row in page.articles}
        cursor = page.cursor
        if not cursor:
            break
    return {key: reader(key) for key, _ in ports.drafts.list("")}, withdrawn
