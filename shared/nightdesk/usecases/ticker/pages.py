"""Writes the ticker's pages and files.

    /updates/                       the newest updates, as a page
    /updates/latest.json            the same, as data
    /updates/box.json               the newest update, and the topics that have a file: what an Update box loads first
    /updates/topics/<topic>.json    the newest updates of one topic

A refresh finds its work in the table: changes that no page shows yet, and updates that have ended. Both are removed from
the table only after the pages are written and the events sent, so a refresh that was interrupted can be repeated. One post
writes the first three files and that of its topic, however many updates there are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import PagesWritten, TickerRefreshed
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import TICKER_TAG, fronts_of, key_of, path_of
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import MAX_SHOWN_PER_TOPIC, Update, newest_first, public_fields, select_shown
from nightdesk.ports import Output, Ports, TickerTimer
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.list_pages import updates_html
from nightdesk.repositories import updates_table
from nightdesk.repositories.items import set_item
from nightdesk.repositories.private_bucket import JSON, load_site
from nightdesk.usecases.pipeline.converge import converge, store_or_remove
from nightdesk.usecases.pipeline.invalidate import bulk_tag

CACHE = "public, max-age=0, s-maxage=60"
"""A post invalidates what it changes. This limits how long an older copy lives that an edge fetched meanwhile."""
HTML = "text/html; charset=utf-8"
MAX_DELAY = 900
"""Seconds by which a refresh can be delayed: the limit of SQS (API reference, SendMessage)."""


class _Inputs(NamedTuple):
    """`live` and `of_topic` are what is shown at the time of reading, so an update that ends meanwhile changes them."""

    site: Site
    live: tuple[Update, ...]
    of_topic: dict[str, tuple[Update, ...]]
    topics: list[str]


class _Files(NamedTuple):
    outputs: list[Output]
    topics: dict[str, bool]


def refresh(ports: Ports, theme: Theme, everything: bool = False) -> tuple[str, ...]:
    """Write the ticker's pages and files if an update changed or ended; sends the events.

    Args:
        everything: write all of them in any case, because the settings or the theme changed.

    Returns:
        The paths that may have changed.
    """
    paths: dict[str, None] = {}
    now = iso_utc_milliseconds(ports.clock())
    while True:
        changed, ended = updates_table.incomplete(ports.updates), updates_table.ended(ports.updates, now)
        if not (changed or ended or everything):
            return tuple(paths)
        topics = {updates_table.topic_of(item) for item in changed} | {update.topic for update in ended} - {""}
        if everything:
            topics.update(updates_table.topics(ports.updates))
        written = _write_files(sorted(topics - {""}), ports, theme)
        bulk = bulk_tag(TICKER_TAG, len(written))
        ports.bus.emit([PagesWritten(written, bulk), TickerRefreshed(written)])
        paths.update(dict.fromkeys(written))
        if changed:
            updates_table.complete(ports.updates, changed)
        for update in ended:
            updates_table.remove_from_lists(ports.updates, update)
        if max(len(changed), len(ended)) < updates_table.BATCH:
            return tuple(paths)
        everything = False


def _write_files(topics: Sequence[str], ports: Ports, theme: Theme) -> list[str]:
    def read() -> _Inputs:
        site, live = load_site(ports), updates_table.newest(ports.updates, "live", updates_table.MANY)
        of_topic = {topic: updates_table.newest(ports.updates, f"topic#{topic}", updates_table.FEW) for topic in topics}
        topics_with_file, now = updates_table.topics(ports.updates), ports.clock()
        shown = {topic: newest_first(found, now, MAX_SHOWN_PER_TOPIC) for topic, found in of_topic.items()}
        return _Inputs(site, select_shown(live, now), shown, topics_with_file)

    def apply(inputs: _Inputs) -> tuple[_Files, bool]:
        files = _make_files(inputs, theme)
        wrote = store_or_remove(files.outputs, ports)
        marked = [
            set_item(ports.updates, "topics", topic, {} if has_file else None)
            for topic, has_file in files.topics.items()
        ]
        return files, wrote or any(marked)

    return [path_of(output.key) for output in converge(read, apply).value.outputs]


def _make_files(inputs: _Inputs, theme: Theme) -> _Files:
    has_file = {topic: bool(found) for topic, found in inputs.of_topic.items()}
    unchanged = {topic for topic in inputs.topics if topic not in has_file}
    topics = sorted(unchanged | {topic for topic in has_file if has_file[topic]})
    page = updates_html(theme, inputs.site, inputs.live)
    outputs = [
        _file("/updates/", page.encode(), HTML),
        _data("/updates/latest.json", {"updates": [public_fields(update) for update in inputs.live]}),
        _data(
            "/updates/box.json", {"updates": [public_fields(update) for update in inputs.live[:1]], "topics": topics}
        ),
    ]
    for topic, found in inputs.of_topic.items():
        data = {"updates": [public_fields(update) for update in found]} if found else None
        outputs.append(_data(f"/updates/topics/{topic}.json", data))
    return _Files(outputs, has_file)


def _data(path: str, data: dict[str, Any] | None) -> Output:
    return _file(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() if data else b"", JSON)


def _file(path: str, body: bytes, kind: str) -> Output:
    tags = [TICKER_TAG, *(front.tag for front in fronts_of(path))]
    return Output(key_of(path), body, kind, CACHE, {"cache-tag": ",".join(tags)})


def schedule_next_end(ports: Ports, timer: TickerTimer) -> None:
    """Request a refresh for the moment at which the next update ends, unless that is so far off that later refreshes find it."""
    now = ports.clock()
    end = updates_table.next_end(ports.updates, iso_utc_milliseconds(now))
    if not end:
        return
    seconds = math.ceil((datetime.fromisoformat(end) - now).total_seconds())
    requested = ports.updates.get("wake", "wake")
    if seconds <= MAX_DELAY and (not requested or requested["at"] != end):
        timer.wake_in(max(1, seconds))
        with suppress(Conflict):  # another run requested it too, which does no harm
            set_item(ports.updates, "wake", "wake", {"at": end})
