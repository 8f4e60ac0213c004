"""`nightdesk completion`."""

from __future__ import annotations

import argparse
from pathlib import Path

import shtab

from .console import result


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="the shell to print a script for")
    parser.set_defaults(run=run)


COMMANDS = {"completion": _arguments}


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from .main import COMMANDS as ALL
    from .main import build_parser

    parser = build_parser(ALL)
    _complete_paths(parser)
    script = shtab.complete(parser, shell=args.shell)
    result({"script": script}, args.json, script)
    return 0


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Mark the arguments that are paths, so that the shell offers files or folders for them."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_paths(command)
        elif action.type is Path:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
