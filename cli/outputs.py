"""`nightdesk outputs` and `nightdesk env`."""

from __future__ import annotations

import argparse
import shlex

from .connect import connect
from .console import result


def outputs(args: argparse.Namespace) -> int:
    """List the stack's outputs."""
    found = dict(connect(args.stack).outputs)
    width = max(map(len, found))
    result(found, args.json, "\n".join(f"{name:{width}}  {value}" for name, value in sorted(found.items())))
    return 0


def env(args: argparse.Namespace) -> int:
    """Print shell exports."""
    found = connect(args.stack).environment()
    result(found, args.json, "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items()))
    return 0


COMMANDS = {
    "outputs": lambda parser: parser.set_defaults(run=outputs),
    "env": lambda parser: parser.set_defaults(run=env),
}
