"""Outdated pages: those of articles in whose place in a list something has changed since they were made.

A changed profile requests the pages of the articles that are in its lists, and a changed article those that come after it, where
they show something else than it is now. An article that enters a list only after that, with a page made before it, would be missed.
So what its page shows of others is compared with what they are once it is in the list. An article whose lists are complete was in
them before: what has changed since had its page requested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightdesk.ports import Ports
from nightdesk.repositories import newest_entries
from nightdesk.usecases.pipeline.lists import Shared
from nightdesk.usecases.pipeline.related import RELATED, digest_earlier, digest_shown, earlier_in, related_facts
from nightdesk.usecases.pipeline.translations import others_in


def to_be_shown(slug: str, shows: Mapping[str, Any], shared: Shared, ports: Ports) -> str:
    """Return a digest of what an article's page must show of others by now (`digest_shown`); empty if it shows that.

    Args:
        shows: what the page shows, from the article's facts, which were read after its entries had been written.
        shared: what was read of its lists since.
    """
    earlier = {name: _earlier(name, shows["place"], shared, ports) for name in shows["earlier"]}
    translations = {name: others_in(name, slug, ports) for name in shows.get("translations", {})}
    now = {
        **shows,
        "profiles": {key: _digest_of(key, shared, ports) for key in shows["profiles"]},
        "earlier": digest_earlier(earlier),
        **({"translations": digest_earlier(translations)} if translations else {}),
    }
    return digest_shown(now) if now != shows else ""


def _digest_of(key: str, shared: Shared, ports: Ports) -> str:
    if key not in shared.profiles:
        stat = ports.private.stat(key)
        shared.profiles[key] = stat.metadata.get("digest", "") if stat else ""
    return shared.profiles[key]


def _earlier(name: str, place: str, shared: Shared, ports: Ports) -> list[dict[str, Any]]:
    entries = newest_entries.preceding(*shared.newest.get(name, ([], False)), place, RELATED)
    return earlier_in(name, place, ports) if entries is None else [related_facts(entry.card) for entry in entries]
