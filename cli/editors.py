"""`nightdesk editors`: who may use the API, as what, and tokens for it."""

from __future__ import annotations

import argparse

from nightdesk.adapters.cognito import CognitoEditors, Editor
from nightdesk.domain.editorial import ROLES
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import normalise
from nightdesk.domain.text import name_of_id, slugify

from .connect import Cloud, cli_desk, connect
from .console import result, say


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    group = commands.add_parser("editors", help="who may use the editors' API").add_subparsers(required=True)
    parser = group.add_parser("add", help="let somebody use the API, or change the role of one who does")
    parser.add_argument("email")
    parser.add_argument("--role", required=True, choices=ROLES)
    parser.add_argument("--name", default="", help="as readers see it under what this editor approves")
    parser.set_defaults(run=add)
    parser = group.add_parser("token", help="a bearer token for the API, good for an hour, alone on standard output")
    parser.add_argument("email")
    parser.set_defaults(run=token)
    parser = group.add_parser("list", help="who may use the API, and as what")
    parser.set_defaults(run=show)
    parser = group.add_parser("remove", help="let somebody use the API no longer")
    parser.add_argument("email")
    parser.set_defaults(run=remove)


def _editors(cloud: Cloud) -> CognitoEditors:
    names = cloud.outputs
    return CognitoEditors(cloud.session().client("cognito-idp"), names["EditorsPool"], names["EditorsClient"])


def _refused(error: Exception) -> int:
    say(error)
    return 2


def add(args: argparse.Namespace) -> int:
    """Make somebody an editor."""
    cloud = connect(args.stack)
    desk, editors = cli_desk(cloud), _editors(cloud)
    try:
        email = normalise(args.email)
        known = editors.find(email)
        name = args.name or (known.name if known else "") or name_of_id(slugify(email.partition("@")[0]))
        given = {"role": args.role, "name": name}
        change = lambda after: (_told(known), _told(after))  # noqa: E731
        save = lambda: editors.save(email, name, args.role)  # noqa: E731
        made = desk.record("editor", f"editor:{known.id if known else 'new'}", given, save, change)
    except Permanent as error:
        return _refused(error)
    result(made._asdict(), args.json, f"{made.name} <{made.email}> is {made.role}")
    return 0


def _told(editor: Editor | None) -> dict[str, str] | None:
    """What the audit log says of an editor: no address."""
    return {"id": editor.id, "name": editor.name, "role": editor.role} if editor else None


def token(args: argparse.Namespace) -> int:
    """Print a token."""
    try:
        text, seconds = _editors(connect(args.stack)).token(normalise(args.email))
    except Permanent as error:
        return _refused(error)
    result({"token": text, "expires_in": seconds}, args.json, text)
    return 0


def show(args: argparse.Namespace) -> int:
    """List editors."""
    found = [editor._asdict() for editor in _editors(connect(args.stack)).everybody()]
    result(found, args.json, "\n".join(f"{e['role']:<8}{e['name']} <{e['email']}>" for e in found))
    return 0


def remove(args: argparse.Namespace) -> int:
    """Let somebody be no editor any more."""
    cloud = connect(args.stack)
    desk, editors = cli_desk(cloud), _editors(cloud)
    try:
        email = normalise(args.email)
        known = editors.find(email)
        subject = f"editor:{known.id if known else 'unknown'}"
        desk.record("editor", subject, {"role": ""}, lambda: editors.remove(email), lambda _: (_told(known), None))
    except Permanent as error:
        return _refused(error)
    result({"email": email}, args.json, f"{email} is no editor any more; a token that is out ends within the hour")
    return 0
