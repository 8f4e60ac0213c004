"""The command line. A module of this package holds a group of commands, and adds them with its `register`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

_COMMANDS = {
    "up": ("up", "down", "outputs", "env"),
    "build": ("build",),
    "publish": ("publish", "status"),
    "pipeline": ("redrive", "reconcile"),
    "check": ("check",),
    "articles": ("withdraw", "schedule", "rollback", "correct", "approve", "access", "link", "rebuild"),
    "records": ("articles", "revisions", "audit"),
    "members": ("members",),
    "updates": ("update", "updates"),
    "editors": ("editors",),
    "completion": ("completion",),
}
"""Module -> its commands. Only the module of the command at hand is imported: the AWS SDK takes a while."""


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser with all commands, or with those of the module that has `command`.

    Each takes `--json`, and `--stack` for one on AWS.
    """
    parser = argparse.ArgumentParser(prog="nightdesk", description="A publishing backend: drafts in, gated pages out.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    wanted = [name for name, names in _COMMANDS.items() if command in names] or list(_COMMANDS)
    for name in wanted:
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
    words = list(sys.argv[1:] if arguments is None else arguments)
    args = make_parser(words[0] if words else "").parse_args(words)
    try:
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
