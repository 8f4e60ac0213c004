"""`nightdesk login`: signs an editor in through the browser, for the editors' API."""

from __future__ import annotations

import argparse
import secrets
import time
import webbrowser
from urllib.parse import urlsplit

from nightdesk.adapters.oauth import OAuthEndpoint
from nightdesk.domain.editor_sign_in import CALLBACK_PORTS, Attempt, Authority, SignInFailed, authorization_url
from nightdesk.usecases.editors.sign_in import EditorSignIn
from nightdesk_local.cloud import Cloud, find, home

from .connect import connect
from .console import result, say
from .loopback import Loopback
from .session_files import SessionFiles

_PATIENCE = 300.0
"""Seconds within which a person signs in; a code of Cognito is valid as long."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-browser", action="store_true", help="print the address to open instead of opening it")
    parser.add_argument(
        "--url", help="the stack's output EditorsSignInUrl; with --client, no AWS credentials are needed"
    )
    parser.add_argument("--client", metavar="ID", help="the stack's output EditorsSignInClient")
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--token", action="store_true", help="print a fresh bearer token of the session, and nothing else"
    )
    other.add_argument("--end", action="store_true", help="end the session, and revoke its refresh token")
    parser.set_defaults(run=login)


COMMANDS = {"login": _arguments}


def login(args: argparse.Namespace) -> int:
    """Sign in, print a token of the session, or end it."""
    service = EditorSignIn(OAuthEndpoint(), SessionFiles(home()), time.time)
    if args.end:
        return _end(args, service)
    if args.token:
        return _token(args, service)
    authority = _named(args) if args.url or args.client else authority_of(connect(args.stack), args.stack or "")
    attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(64))
    with Loopback(attempt, CALLBACK_PORTS) as loopback:
        _show(authorization_url(authority, attempt, loopback.port), args.no_browser)
        query = loopback.wait(_PATIENCE)
    identity = service.finish(authority, attempt, loopback.port, query)
    data = {"email": identity.email, "name": identity.name, "role": identity.role}
    result(data, args.json, f"Signed in as {identity.name or identity.email} <{identity.email}>, {identity.role}")
    return 0


def authority_of(cloud: Cloud, stack: str) -> Authority:
    """Return where the editors of a stack sign in.

    Args:
        stack: its name on AWS; empty for the local cloud.

    Raises:
        SignInFailed: the stack was deployed by a release that had no sign-in.
    """
    if "EditorsSignInClient" not in cloud.outputs:
        raise SignInFailed("This stack has no sign-in yet. Deploy it again, or use “nightdesk editors token EMAIL”.")
    return Authority(stack, cloud.sign_in, cloud.outputs["EditorsSignInClient"])


def _named(args: argparse.Namespace) -> Authority:
    """Return where an editor without AWS credentials signs in.

    Raises:
        SignInFailed: a part is missing, or the address is not one of HTTPS.
    """
    if not (args.stack and args.url and args.client):
        raise SignInFailed(
            "Type all three: --stack NAME --url URL --client ID; “nightdesk outputs” shows an administrator the last two."
        )
    address = urlsplit(args.url)
    if address.scheme != "https" or not address.hostname:
        raise SignInFailed(f"“{args.url}” is not an HTTPS address; type one such as https://….amazoncognito.com")
    return Authority(args.stack, args.url.rstrip("/"), args.client)


def _show(address: str, only_print: bool) -> None:
    """Open the sign-in page, or print its address where there is no browser."""
    if not only_print and webbrowser.open(address):
        say(f"Your browser shows the sign-in page. If it does not, open this address:\n{address}")
    else:
        say(f"Open this address in a browser on this machine:\n{address}")


def _token(args: argparse.Namespace, service: EditorSignIn) -> int:
    """Print a token. Needs no AWS credentials: the session knows where it came from."""
    cloud = None if args.stack else find()
    session = service.session(args.stack or "", authority_of(cloud, "") if cloud else None)
    seconds = int(session.expires - time.time())
    result({"token": session.identity, "expires_in": seconds}, args.json, session.identity)
    return 0


def _end(args: argparse.Namespace, service: EditorSignIn) -> int:
    ended = service.end(args.stack or "")
    result({"ended": ended}, args.json, "You are signed out." if ended else "You were not signed in.")
    return 0
