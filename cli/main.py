"""The command line.

Each command lives in a module of this package, which is imported only when the command is called: the AWS SDK and the
pipeline's code take longer to load than most commands to run.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from collections.abc import Collection, Sequence
from typing import NamedTuple

from .console import say
from .parser import Parser


class Command(NamedTuple):
    """A command's module, its line in the help text, and whether it never works on a stack on AWS.

    The module's `COMMANDS` holds for each command a function that adds its arguments to a parser and sets `run`.
    """

    module: str
    help: str
    offline: bool = False


COMMANDS = {
    "up": Command("up", "Start the local cloud, and publish what changes in content/", offline=True),
    "down": Command("up", "Stop the local cloud; articles and readers are kept", offline=True),
    "outputs": Command("outputs", "List the stack's outputs: URLs and the names of buckets, tables and queues"),
    "env": Command("outputs", "Print shell exports that point any AWS tool at the local cloud"),
    "publish": Command("publish", "Upload drafts and their images to the drafts bucket"),
    "status": Command("status", "Show the state of an article; without a slug, the state of the pipeline"),
    "check": Command("check", "Check drafts for problems without publishing them; works offline", offline=True),
    "build": Command("build", "Write every page of every tier as files; needs no cloud", offline=True),
    "preview": Command(
        "preview", "Show a theme and drafts in the browser, and again whenever one is saved", offline=True
    ),
    "import": Command("imports", "Import an archive of another system into a folder of drafts, with a report"),
    "export": Command("exports", "Export every draft, profile and page as the folder of a Hugo site"),
    "articles": Command("records", "List articles, newest first"),
    "revisions": Command("records", "List an article's revisions, newest first, with what each one changed"),
    "audit": Command("records", "List who did what, newest first"),
    "withdraw": Command("articles", "Take an article down and confirm that it is gone everywhere"),
    "schedule": Command("articles", "Set when an article goes live"),
    "rollback": Command("articles", "Restore an older revision of an article as a new one"),
    "correct": Command("articles", "Add a dated correction to an article"),
    "approve": Command("articles", "Take editorial responsibility for the current draft of an article"),
    "access": Command("articles", "Set which tier may read an article or one of its gates, without a new draft"),
    "owner": Command("articles", "Hand a draft over to another writer or editor"),
    "link": Command("articles", "Create or revoke your preview link or gift link to an article"),
    "rebuild": Command("articles", "Render pages again: all of them, or those of one topic or author"),
    "redrive": Command("pipeline", "Retry the messages that the pipeline gave up on"),
    "reconcile": Command("pipeline", "Compare the site with its drafts, and repair what differs"),
    "doctor": Command("doctor", "Find mistakes in the set-up and what is stuck, each with its remedy"),
    "smoke": Command("smoke", "Take a test article through everything: publish, read at every tier, correct, withdraw"),
    "update": Command("updates", "Post an update to the ticker"),
    "updates": Command("updates", "List, remove or approve the ticker's updates"),
    "members": Command("members", "Manage readers: complimentary tiers, sign-in links, blocked addresses"),
    "newsletter": Command("newsletter", "List, preview, test, send, hold or cancel editions of newsletters"),
    "webhooks": Command("webhooks", "List webhooks, or print the secrets that sign the notices to one of them"),
    "editors": Command("editors", "Manage who may use the editors' API, and create tokens for it"),
    "login": Command("login", "Sign in to the editors' API through the browser, or print a token for it"),
    "completion": Command(
        "completion", "Print a shell script that completes commands, options and paths", offline=True
    ),
}


class _Version(argparse.Action):
    """Prints the version of the installed package. Reading it takes a while, so it is read only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"nightdesk {_version()}")
        parser.exit()


def _version() -> str:
    from importlib.metadata import version

    return version("nightdesk")


def build_parser(load: Collection[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Args:
        load: the commands whose arguments are added, which imports their modules. The others have their help text alone.
    """
    parser = Parser(
        prog="nightdesk",
        description="Publish articles from drafts: render, gate by tier, and keep the CDN fresh.",
        epilog="“nightdesk COMMAND --help” explains a command. Exit status: 0 for done; 1 if something was rejected or left "
        "undone; 2 if what was named was not found, or the command or the set-up was wrong.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.help, description=f"{command.help}.")
        if name in load:
            importlib.import_module(f"{__package__}.{command.module}").COMMANDS[name](added)
            _add_common(added, command.offline)
    return parser


def _add_common(parser: argparse.ArgumentParser, offline: bool) -> None:
    """Add the options that every command takes, and those of the ones that work on a stack; in a group, to each command."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for command in action.choices.values():
            _add_common(command, offline)
    if not nested:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
    if not nested and not offline:
        parser.add_argument("--stack", metavar="NAME", help="use this stack on AWS instead of the local cloud")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know a headline's characters
    if sorted(words) == ["--json", "--version"]:
        print(json.dumps({"version": _version()}))
        return 0
    if words and words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        say(_unknown(words[0]))
        return 2
    try:
        args = build_parser(words[:1]).parse_args(words)
        return int(args.run(args) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        from .failures import describe

        message, status = describe(error)
        say(message)
        return status


def _unknown(word: str) -> str:
    if word.startswith("-"):
        return f"“{word}” stands before the command; options come after it, as in “nightdesk status --json”"
    from nightdesk.domain.suggestions import closest

    near = closest(word, COMMANDS)
    hint = f"did you mean “nightdesk {near}”?" if near else "“nightdesk --help” lists all commands."
    return f"There is no command “{word}”; {hint}"


if __name__ == "__main__":
    sys.exit(main())
