"""`nightdesk check`: all that is wrong with drafts, offline."""

from __future__ import annotations

import argparse
from collections.abc import Container
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.domain.drafts import classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.text import slugify
from nightdesk.usecases.check import EVERYTHING, Checked, check

from .console import result, say
from .publish import keys_of


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="all that is wrong with drafts, as file:line, offline")
    parser.add_argument("paths", nargs="+", type=Path, metavar="DRAFT", help="a draft, a profile, or a folder of them")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; 1 if anything would be rejected. Files that are no drafts are passed over: a hook names whatever changed."""
    try:
        files = {key: path for key, path in keys_of(args.paths).items() if classify(key)}
    except FileNotFoundError as error:
        say(f"{error}: no such file or folder")
        return 2
    taken: dict[str, str] = {}
    found = {}
    for key, path in files.items():
        found[path] = _check(key, path, taken)
        if not found[path].problems and key.startswith("drafts/"):
            taken.setdefault(found[path].slug, key)
    lines = [
        f"{path}:{max(one['line'], 1)}: {mark}{one['key'] + ': ' if one['key'] else ''}{one['message']}"
        for path, checked in found.items()
        for mark, some in (("", checked.problems), ("warning: ", checked.warnings))
        for one in some
    ]
    told = [{"path": str(path), **checked._asdict()} for path, checked in found.items()]
    result(told, args.json, "\n".join(lines) or f"{len(found)} files, nothing to mend")
    return 1 if any(checked.problems for checked in found.values()) else 0


def _check(key: str, path: Path, taken: dict[str, str]) -> Checked:
    """Check one file in the light of what lies around it.

    Args:
        taken: slugs of drafts that were checked before, with their keys.
    """
    root = path.resolve().parents[key.count("/")]
    filed = classify(key)
    folder = filed.folder if filed else ""
    images = [f"{folder}{image.name}" for image in path.resolve().parent.iterdir()] if folder else []
    now = datetime.now(UTC)
    return check(key, path.read_bytes(), _site(root), _profiles(root), images, now, lambda slug: taken.get(slug, ""))


def _site(root: Path) -> Site:
    """The settings that lie there; the defaults where there are none, or where they are broken, which their own check says."""
    try:
        return parse_site((root / "site.yaml").read_bytes())[0]
    except (FileNotFoundError, Rejected):
        return Site()


def _profiles(root: Path) -> Container[str]:
    """Keys of the profiles that lie there; where there are none, those that are named may be elsewhere."""
    found = {f"{kind}/{slugify(f.stem)}.json" for kind in ("authors", "topics") for f in (root / kind).glob("*.m*d*")}
    return found or EVERYTHING
