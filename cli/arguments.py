"""What the commands' arguments have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

Run = Callable[[argparse.Namespace], int]
AddArguments = Callable[[argparse.ArgumentParser], None]
if TYPE_CHECKING:
    Group = argparse._SubParsersAction[argparse.ArgumentParser]
MOST_DIGITS = 9
"""Of a whole number; larger ones do not fit into requests to AWS."""


def add_group(parser: argparse.ArgumentParser) -> Group:
    """Make a command a group of commands."""
    return parser.add_subparsers(required=True, metavar="COMMAND")


def add_to(group: Group, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    """Add a command to a group, with its line in the help text."""
    parser = group.add_parser(name, help=text, description=f"{text}.")
    parser.set_defaults(run=run)
    return parser


def add_limit(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `--limit`."""
    parser.add_argument(
        "--limit", type=whole_number, default=default, metavar="N", help=f"list at most N (default: {default})"
    )


def add_theme(parser: argparse.ArgumentParser, purpose: str = "") -> None:
    """Add `--theme`.

    Args:
        purpose: words to add to the help text, such as “, for its languages”.
    """
    from nightdesk_local.cloud import chosen_theme  # late, because every command loads this module

    parser.add_argument(
        "--theme",
        type=Path,
        default=chosen_theme(),
        metavar="DIR",
        help=f"a folder with files that lie over those of the default theme{purpose} (default: NIGHTDESK_THEME)",
    )


def whole_number(text: str) -> int:
    """Return an argument as a whole number.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number; type digits only, such as 20")
    if len(text.strip()) > MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text[:20]}… is too large; at most {MOST_DIGITS} digits are accepted")
    return int(text)
