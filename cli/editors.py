"""`nightdesk editors`: who may use the editors' API, and tokens for it."""

from __future__ import annotations

import argparse

from nightdesk.adapters.cognito import Editor
from nightdesk.domain.decisions import ROLES
from nightdesk.domain.memberships import normalise_address
from nightdesk.domain.text import display_name, slugify
from nightdesk.entrypoints.operator_ports import editor_accounts

from .arguments import add_group, add_to
from .connect import connect, editor_service
from .console import result
from .retries import retry_conflicts

_EMAIL = "the editor's email address"


def _arguments(parser: argparse.ArgumentParser) -> None:
    group = add_group(parser)
    command = add_to(group, "add", add, "Let someone use the editors' API, or change their role")
    command.add_argument("email", help=_EMAIL)
    command.add_argument("--role", required=True, choices=ROLES, help="what the editor may do")
    command.add_argument("--name", default="", help="the name that readers see on what this editor approves")
    command = add_to(
        group, "token", token, "Print a token for a machine, valid for 15 minutes on AWS; people use “nightdesk login”"
    )
    command.add_argument("email", help=_EMAIL)
    add_to(group, "list", show, "List editors and their roles")
    command = add_to(group, "remove", remove, "End someone's use of the editors' API")
    command.add_argument("email", help=_EMAIL)


COMMANDS = {"editors": _arguments}


@retry_conflicts
def add(args: argparse.Namespace) -> int:
    """Add an editor or change one."""
    cloud = connect(args.stack)
    accounts = editor_accounts(cloud)
    email = normalise_address(args.email)
    known = accounts.find(email)
    name = args.name or (known.name if known else "") or display_name(slugify(email.partition("@")[0]))

    def change(after: Editor) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        return _recorded(known), _recorded(after)

    made = editor_service(cloud).record(
        "editor",
        f"editor:{known.id if known else 'new'}",
        {"role": args.role, "name": name},
        lambda: accounts.save(email, name, args.role),
        change,
    )
    hint = "" if known else "; they set a password by “Forgot your password?” on the page of “nightdesk login”"
    result(made._asdict(), args.json, f"{made.name} <{made.email}> is {made.role}{hint}")
    return 0


def _recorded(editor: Editor | None) -> dict[str, str] | None:
    """Return what the audit log keeps of an editor, which includes no address."""
    return {"id": editor.id, "name": editor.name, "role": editor.role} if editor else None


@retry_conflicts
def token(args: argparse.Namespace) -> int:
    """Print a token."""
    text, seconds = editor_accounts(connect(args.stack)).token(normalise_address(args.email))
    result({"token": text, "expires_in": seconds}, args.json, text)
    return 0


def show(args: argparse.Namespace) -> int:
    """List editors."""
    found = [editor._asdict() for editor in editor_accounts(connect(args.stack)).all()]
    result(found, args.json, "\n".join(f"{e['role']:<8}{e['name']} <{e['email']}>" for e in found))
    return 0


@retry_conflicts
def remove(args: argparse.Namespace) -> int:
    """Remove an editor."""
    cloud = connect(args.stack)
    accounts = editor_accounts(cloud)
    email = normalise_address(args.email)
    known = accounts.find(email)
    editor_service(cloud).record(
        "editor",
        f"editor:{known.id if known else 'unknown'}",
        {"role": ""},
        lambda: accounts.remove(email),
        lambda _: (_recorded(known), None),
    )
    result({"email": email}, args.json, f"{email} is no longer an editor; tokens in use expire within 15 minutes")
    return 0
