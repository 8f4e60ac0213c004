"""The command line. Each module of this package that has a `register` adds its commands."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

_MODULES = ("up", "build", "publish", "members")


def make_parser() -> argparse.ArgumentParser:
    """The parser with all commands; each takes `--json`, and `--stack` for one on AWS."""
    parser = argparse.ArgumentParser(prog="nightdesk", description="A publishing backend: drafts in, gated pages out.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in _MODULES:
        importlib.import_module(f"{__package__}.{name}").register(commands)
    _add_common(parser)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for command in action.choices.values():
            _add_common(command)
    if not nested:
        known = parser._option_string_actions
        if "--json" not in known:
            parser.add_argument("--json", action="store_true", help="the result as JSON")
        if "--stack" not in known:
            parser.add_argument("--stack", metavar="NAME", help="a stack on AWS, instead of the local cloud")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    args = make_parser().parse_args(arguments)
    try:
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
