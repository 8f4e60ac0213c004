"""The settings in `site.yaml` of what the outside world is told."""

from __future__ import annotations

import re

from nightdesk.domain.addresses import is_public_or_loopback
from nightdesk.domain.crawlers import AI_CRAWLERS, Robots
from nightdesk.domain.keys import KeyReader, Value
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import Webhook
from nightdesk.domain.webhooks import TOLD_EVENTS

_MOST = 10
_SECRETS = 3
WEBHOOKS_FORM = (
    f"list of `{{url, events, secret}}`, at most {_MOST}: addresses that are told of events; without `events`, of all; "
    "`secret` is a name, see below"
)
_SECRET_NAME = re.compile(r"(?!whsec)[A-Za-z0-9-]{1,20}")


def read_webhooks(value: Value) -> tuple[Webhook, ...]:
    """Return the webhooks that a value lists, and report what is wrong with it."""
    webhooks: dict[str, Webhook] = {}
    for keys in value.mappings():
        webhook = _webhook(keys)
        if webhook.url in webhooks:
            keys.report(Kind.FEED_REPEATED, "url", typed=webhook.url)
        webhooks[webhook.url] = webhook
        keys.report_unknown(Kind.UNKNOWN_SETTING)
    value.check_count(webhooks, _MOST)
    return tuple(webhooks.values())


def _webhook(keys: KeyReader) -> Webhook:
    url = keys.value("url").text()
    if not is_public_or_loopback(url):
        keys.report(Kind.WEBHOOK_URL, "url")
    events = keys.value("events")
    named = events.texts(commas=True)
    for name, node in named:
        if name not in TOLD_EVENTS:
            events.report(Kind.WEBHOOK_EVENT, node, typed=name, events=", ".join(TOLD_EVENTS))
    secrets = [name for name, _ in keys.value("secret").texts(commas=True)] or ["1"]
    if len(secrets) > _SECRETS or not all(map(_SECRET_NAME.fullmatch, secrets)):
        keys.report(Kind.WEBHOOK_SECRET, "secret")
    return Webhook(url, tuple(dict.fromkeys(name for name, _ in named)), tuple(dict.fromkeys(secrets)))


def read_hub(value: Value) -> str:
    """Return the address of a WebSub hub, and report what is wrong with it."""
    url = value.text()
    if url and not is_public_or_loopback(url):
        value.report(Kind.HUB_URL)
    return url


def read_llms(value: Value, robots: Robots) -> bool:
    """Return whether there is a `/llms.txt`, and warn if nobody may read it."""
    wanted = value.flag()
    if wanted and robots.blocks(AI_CRAWLERS["ai_training"] + AI_CRAWLERS["ai_search"]):
        value.report(Kind.LLMS_BLOCKED, names=", ".join(robots.block) or "all")
    return wanted
