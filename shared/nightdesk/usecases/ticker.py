"""The ticker's pages and files, in line with the updates that are live now.

    /updates/                       the newest updates, as a page
    /updates/latest.json            the same, as data
    /updates/box.json               the newest one, and which topics have a file: what an Update box asks first
    /updates/topics/<topic>.json    the newest few of one topic

A look finds out by itself what there is to do: changes that are not shown yet, and updates that have ended. Both leave
the table only when pages and events are out, so a run that dies is simply run again. One post writes the three of the
site and the one of its topic, whatever else there is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.errors import Conflict
from nightdesk.domain.site import Site
from nightdesk.domain.updates import SHOWN_OF_TOPIC, Update, choose, moment_text, newest_first, public_form
from nightdesk.rendering import pages
from nightdesk.rendering.environment import Theme

from . import board
from .catalogue import mark
from .converge import converge, store_or_remove
from .invalidate import MANY
from .paths import TICKER_TAG, front_of, key_of, path_of
from .ports import Event, Output, Ports, Timer
from .stored import JSON, load_site

CACHE = "public, max-age=0, s-maxage=60"
"""A post invalidates what it changes; this bounds what an edge fetch that was under way then may put back."""
HTML = "text/html; charset=utf-8"
LONGEST = 900
"""How far ahead a look can be asked for: what SQS lets a message wait (API reference, SendMessage)."""


class _Inputs(NamedTuple):
    """`live` and `of_topic` have what is shown at the time of reading: an end that comes while we work changes them."""

    site: Site
    live: tuple[Update, ...]
    of_topic: dict[str, tuple[Update, ...]]
    topics: list[str]


class _Made(NamedTuple):
    outputs: list[Output]
    topics: dict[str, bool]


def refresh(ports: Ports, theme: Theme, everything: bool = False) -> tuple[str, ...]:
    """Bring the ticker's pages in line with its updates, if there is a reason to; sends the events.

    Args:
        everything: also where no update changed: the settings or the theme did.

    Returns:
        The paths that may have changed.
    """
    paths: dict[str, None] = {}
    now = moment_text(ports.clock())
    while True:
        changed, ended = board.unsettled(ports.updates), board.ended(ports.updates, now)
        if not (changed or ended or everything):
            return tuple(paths)
        topics = {board.topic_of(item) for item in changed} | {update.topic for update in ended} - {""}
        if everything:
            topics.update(board.topics(ports.updates))
        made = _bring_in_line(sorted(topics - {""}), ports, theme)
        bulk = {"bulk": TICKER_TAG} if len(made) >= MANY else {}
        ports.bus.emit([Event("PagesWritten", {"paths": made, **bulk}), Event("TickerRefreshed", {"paths": made})])
        paths.update(dict.fromkeys(made))
        if changed:
            board.settle(ports.updates, changed)
        for update in ended:
            with suppress(Conflict):  # it lives longer now, or another run saw to it
                board.leave(ports.updates, update)
        if max(len(changed), len(ended)) < board.BATCH:
            return tuple(paths)
        everything = False


def _bring_in_line(topics: Sequence[str], ports: Ports, theme: Theme) -> list[str]:
    def read() -> _Inputs:
        site, live = load_site(ports), board.newest(ports.updates, "live", board.MANY)
        of_topic = {topic: board.newest(ports.updates, f"topic#{topic}", board.FEW) for topic in topics}
        there, now = board.topics(ports.updates), ports.clock()
        shown = {topic: newest_first(found, now, SHOWN_OF_TOPIC) for topic, found in of_topic.items()}
        return _Inputs(site, choose(live, now), shown, there)

    def write(made: _Made) -> bool:
        wrote = store_or_remove(ports.site, made.outputs)
        marked = [mark(ports.updates, "topics", topic, {} if there else None) for topic, there in made.topics.items()]
        return wrote or any(marked)

    made = converge(read, lambda inputs: _make(inputs, theme), write)
    return [path_of(output.key) for output in made.outputs]


def _make(inputs: _Inputs, theme: Theme) -> _Made:
    there = {topic: bool(found) for topic, found in inputs.of_topic.items()}
    topics = sorted({topic for topic in inputs.topics if there.get(topic, True)} | {t for t in there if there[t]})
    page = pages.updates_html(theme, inputs.site, inputs.live)
    outputs = [
        _file("/updates/", page.encode(), HTML),
        _data("/updates/latest.json", {"updates": [public_form(update) for update in inputs.live]}),
        _data("/updates/box.json", {"updates": [public_form(update) for update in inputs.live[:1]], "topics": topics}),
    ]
    for topic, found in inputs.of_topic.items():
        data = {"updates": [public_form(update) for update in found]} if found else None
        outputs.append(_data(f"/updates/topics/{topic}.json", data))
    return _Made(outputs, there)


def _data(path: str, data: dict[str, Any] | None) -> Output:
    return _file(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() if data else b"", JSON)


def _file(path: str, body: bytes, kind: str) -> Output:
    front = front_of(path)
    tags = [TICKER_TAG, *([front[0]] if front else [])]
    return Output(key_of(path), body, kind, CACHE, {"cache-tag": ",".join(tags)})


def look_at_next_end(ports: Ports, timer: Timer) -> None:
    """Ask for a look at the moment when the next update ends, unless that is far off: later looks will find it in time."""
    now = ports.clock()
    end = board.next_end(ports.updates, moment_text(now))
    if not end:
        return
    seconds = math.ceil((datetime.fromisoformat(end) - now).total_seconds())
    asked = ports.updates.get("wake", "wake")
    if seconds <= LONGEST and (not asked or asked["at"] != end):
        timer.wake(max(1, seconds))
        with suppress(Conflict):  # then it is asked for twice
            mark(ports.updates, "wake", "wake", {"at": end})
