"""`nightdesk webhooks`: who receives events, and the secrets with which receivers verify them."""

from __future__ import annotations

import argparse

from nightdesk.domain.errors import NotFound
from nightdesk.domain.site import Webhook
from nightdesk.domain.webhooks import secret_text, signing_key
from nightdesk.entrypoints.operator_ports import operator_ports, webhook_key
from nightdesk.repositories.private_bucket import load_site

from .connect import connect
from .console import result


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", default="", help="print the secrets of this webhook; without it, list all")
    parser.set_defaults(run=webhooks)


COMMANDS = {"webhooks": _arguments}


def webhooks(args: argparse.Namespace) -> int:
    """List webhooks, or print the secrets of one."""
    cloud = connect(args.stack)
    found = load_site(operator_ports(cloud)).webhooks
    if not args.url:
        rows = [{"url": one.url, "events": list(one.events), "secrets": list(one.secrets)} for one in found]
        lines = [f"{one.url}  {', '.join(one.events) or 'all events'}" for one in found]
        result(rows, args.json, "\n".join(lines) or "site.yaml has no webhooks.")
        return 0
    webhook = next((one for one in found if one.url == args.url), None)
    if not webhook:
        raise NotFound(f"site.yaml has no webhook {args.url}; “nightdesk webhooks” lists those that it has.")
    secrets = _secrets(webhook, webhook_key(cloud))
    result(secrets, args.json, "\n".join(f"{name:<20}  {secret}" for name, secret in secrets.items()))
    return 0


def _secrets(webhook: Webhook, stack_key: str) -> dict[str, str]:
    """Return the secrets of a webhook by their names."""
    return {name: secret_text(signing_key(stack_key, webhook.url, name)) for name in webhook.secrets}
