"""`nightdesk build`: the pipeline over folders, with no cloud."""

from __future__ import annotations

import argparse
import gc
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.rendering.environment import Theme
from nightdesk.usecases.build import build

from .console import Progress, result, say

ROOT = Path(__file__).resolve().parent.parent
THEME = ROOT / "layers" / "theme"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("build", help="write every page of every tier as files, with no cloud")
    parser.add_argument(
        "--drafts", required=True, type=Path, metavar="DIR", help="drafts, or a folder that holds drafts/, authors/ …"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--base-url",
        default="http://localhost:8080",
        metavar="URL",
        help="the site's address, where site.yaml names none",
    )
    parser.add_argument("--theme", type=Path, default=THEME, metavar="DIR")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build; non-zero if a draft was rejected."""
    if not args.drafts.is_dir():
        say(f"{args.drafts}: no such folder")
        return 2
    gc.disable()  # a short run makes no cycles worth looking for
    theme = Theme(args.theme, cache=ROOT / "build" / "templates")
    built = build(args.drafts, args.out, theme, datetime.now(UTC), args.base_url, Progress("building"))
    for key, problems in built.rejected.items():
        for problem in problems:
            say(f"{args.drafts.parent / key}:{problem['line']}: {problem['key']}: {problem['message']}")
    counts = {state: len(slugs) for state, slugs in sorted(built.states.items())} | {"rejected": len(built.rejected)}
    text = f"{built.objects} files in {args.out}: " + ", ".join(f"{n} {state}" for state, n in counts.items())
    result({"files": built.objects, "states": counts, "rejected": built.rejected}, args.json, text)
    return 1 if built.rejected else 0
