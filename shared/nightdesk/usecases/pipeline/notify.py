"""Notify: tell webhooks, search engines and a hub what happened. Nothing on the site waits for it or depends on it.

Several receivers may want an event, and one of them may be down. So this stage sends itself one message for each receiver,
which is retried separately. A receiver may get the same message more than once, always with the same id; it never misses one
without a dead letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from nightdesk.domain.addresses import host_of, is_loopback_address, is_public_link
from nightdesk.domain.errors import Transient
from nightdesk.domain.events import CacheInvalidated, NoticeRequested
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import indexnow_key
from nightdesk.domain.webhooks import (
    Notice,
    data_of,
    find_webhook,
    signed_headers,
    signing_key,
    webhook_body,
    webhook_id,
)
from nightdesk.ports import Ports

INDEXNOW = "indexnow"
WEBSUB = "websub"
TOLD, REFUSED, DROPPED = "told", "refused", "dropped"
_PATHS_EACH = {INDEXNOW: 500, WEBSUB: 5}
"""Paths in one message: as many as fit into an event, or a few if each is a separate request."""
_TRANSIENT = (408, 409, 425, 429)
"""Statuses below 500 that ask for another attempt later."""
_GONE = 410
"""The status by which the receiver of a webhook asks for no more attempts (standardwebhooks.com)."""
_AGENT = {"User-Agent": "Nightdesk (notifies)"}
_JSON = {**_AGENT, "Content-Type": "application/json; charset=utf-8"}
_FORM = {**_AGENT, "Content-Type": "application/x-www-form-urlencoded"}
_ARTICLE = re.compile(r"(/articles/[^/]+/)\*")
_FEED = re.compile(r"/(?:.+/)?feed\.(?:xml|json)")


class Web(Protocol):
    """Servers on the web that are told something. They are not ours."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body, and return the status of the response. No redirect is followed.

        Raises:
            Permanent: the address is not one that may be posted to.
            Transient: there was no response, or not in time.
        """


class Outside(NamedTuple):
    """What this stage needs besides the pipeline's ports.

    Attributes:
        webhook_key: returns the stack's key, from which the secrets of webhooks are derived.
        indexnow: where IndexNow is told; empty where it must not be, as on a laptop.
    """

    web: Web
    webhook_key: Callable[[], str]
    indexnow: str = ""


class Outcome(NamedTuple):
    """What became of a notice: `TOLD`, `REFUSED` for good, or `DROPPED`, because the settings ask for it no longer.

    Attributes:
        host: that was told.
        status: its last answer; 0 for none.
    """

    result: str
    host: str = ""
    status: int = 0


def plan_notices(notices: Sequence[Notice], site: Site) -> list[NoticeRequested]:
    """Return a request for each one who must be told of some events, as the settings say.

    Search engines and the hub are told of everything in the batch together, after the cache has dropped its copies.
    """
    planned = [
        NoticeRequested(webhook_id(webhook.url), notice.id, notice.event.name, notice.created, data_of(notice.event))
        for notice in notices
        for webhook in site.webhooks
        if not webhook.events or notice.event.name in webhook.events
    ]
    fresh = [notice for notice in notices if isinstance(notice.event, CacheInvalidated)]
    paths = list(dict.fromkeys(path for notice in fresh for path in data_of(notice.event)["paths"]))
    if site.indexnow:
        planned += _gathered(INDEXNOW, [found[1] for path in paths if (found := _ARTICLE.fullmatch(path))], fresh)
    if site.websub:
        planned += _gathered(WEBSUB, filter(_FEED.fullmatch, paths), fresh)
    return planned


def _gathered(to: str, paths: Iterable[str], notices: Sequence[Notice]) -> list[NoticeRequested]:
    found = list(paths)
    return [
        NoticeRequested(to, notices[0].id, notices[0].event.name, notices[0].created, {"paths": part})
        for start in range(0, len(found), _PATHS_EACH[to])
        if (part := found[start : start + _PATHS_EACH[to]])
    ]


def give_notice(notice: NoticeRequested, site: Site, ports: Ports, outside: Outside) -> Outcome:
    """Tell one of those who are to be told.

    Raises:
        Transient: it must be tried again.
    """
    if notice.to == INDEXNOW:
        return _tell_search_engines(notice, site, outside)
    if notice.to == WEBSUB:
        return _tell_hub(notice, site, outside)
    webhook = find_webhook(notice.to, site)
    if not webhook:
        return Outcome(DROPPED)
    body = webhook_body(notice)
    stack_key = outside.webhook_key()
    keys = [signing_key(stack_key, webhook.url, name) for name in webhook.secrets]
    signed = signed_headers(notice.event, int(ports.clock().timestamp()), body, keys)
    outcome = _post(webhook.url, {**_JSON, **signed}, body, outside)
    if outcome.result == REFUSED and outcome.status != _GONE:
        # The receiver's operator can fix it: a wrong secret, or a path that does not exist yet.
        raise Transient(f"{outcome.host} answered {outcome.status}")
    return outcome


def _tell_search_engines(notice: NoticeRequested, site: Site, outside: Outside) -> Outcome:
    """Tell IndexNow (indexnow.org/documentation) of articles that changed or are gone."""
    if not (site.indexnow and outside.indexnow and is_public_link(f"{site.base_url}/")):
        return Outcome(DROPPED)
    key = indexnow_key(site.base_url)
    said = {
        "host": host_of(site.base_url),
        "key": key,
        "keyLocation": f"{site.base_url}/{key}.txt",
        "urlList": [site.base_url + path for path in notice.data["paths"]],
    }
    return _post(outside.indexnow, _JSON, json.dumps(said).encode(), outside)


def _tell_hub(notice: NoticeRequested, site: Site, outside: Outside) -> Outcome:
    """Tell the hub of each feed that changed (WebSub, section 7: how a publisher does that is left to the hub)."""
    if not (site.websub and (is_public_link(f"{site.base_url}/") or is_loopback_address(host_of(site.websub)))):
        return Outcome(DROPPED)
    outcome = Outcome(DROPPED)
    for path in notice.data["paths"]:
        body = urlencode({"hub.mode": "publish", "hub.url": site.base_url + path}).encode()
        outcome = _post(site.websub, _FORM, body, outside)
        if outcome.result == REFUSED:
            break
    return outcome


def _post(url: str, headers: Mapping[str, str], body: bytes, outside: Outside) -> Outcome:
    host = host_of(url)
    status = outside.web.post(url, headers, body)
    if status >= 500 or status in _TRANSIENT:
        raise Transient(f"{host} answered {status}")
    return Outcome(TOLD if 200 <= status < 300 else REFUSED, host, status)
