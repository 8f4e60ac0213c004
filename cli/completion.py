"""`nightdesk completion`: a script that lets a shell complete commands, options and paths."""

from __future__ import annotations

import argparse
from pathlib import Path

import shtab

from .console import result


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("completion", help="completion for a shell: eval what this prints")
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from .main import make_parser

    parser = make_parser()
    _complete_paths(parser)
    script = shtab.complete(parser, shell=args.shell)
    result({"script": script}, args.json, script)
    return 0


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_paths(command)
        elif action.type is Path:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
