"""Assemble: a whole site at once, of all that the drafts bucket holds, by the same stages; each list is made once, at the end."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nightdesk.domain.documents import LIVE, REJECTED, Document
from nightdesk.domain.drafts import classify
from nightdesk.domain.editorial import opened
from nightdesk.rendering.environment import Theme

from .gate import gate, sort_key
from .index import enter
from .lists import months_of, refresh, refresh_site
from .ports import Ports
from .render import Rendered, render
from .stored import editorial_key, load_decisions, load_site

Progress = Callable[[int, int], None]
"""Told how much of how much is done."""
States = dict[str, list[str]]
Problems = dict[str, list[dict[str, Any]]]


def assemble(
    keys: Iterable[str], ports: Ports, theme: Theme, progress: Progress | None = None
) -> tuple[States, Problems]:  # fmt: skip
    """Make the site of the files at `keys` in a world that holds nothing else.

    Returns:
        Slugs by state, and for each file that was refused, its problems.
    """
    subjects = sorted(
        (key for key in keys if classify(key)), key=lambda key: (key.startswith("drafts/"), key != "site.yaml", key)
    )
    rejected: Problems = {}
    ahead = deque(subjects)
    looks = 0
    while ahead:
        key = ahead.popleft()
        rejected.pop(key, None)
        for rendered in render(key, ports):
            if rendered.state == REJECTED:
                rejected[key] = problems_of(rendered)
            # Who lost a slug to this draft, or waited for one that it gave up, is looked at again.
            touched = [event.detail["key"] for event in rendered.events if event.type == "DraftTouched"]
            ahead.extend(other for other in touched if other not in ahead)
        looks += 1
        if progress:
            progress(min(looks, len(subjects)), 2 * len(subjects))
    return _publish(ports, theme, progress), rejected


def problems_of(rendered: Rendered) -> list[dict[str, Any]]:
    """What a refused file was refused for."""
    return next(list(event.detail["problems"]) for event in rendered.events if event.type == "DraftRejected")


def _publish(ports: Ports, theme: Theme, progress: Progress | None) -> States:
    """Gate and index in order of time, so that each article finds those before it; then make each list once."""
    documents = [
        Document.from_bytes(blob.body) for key, _ in ports.work.list("articles/") if (blob := ports.work.get(key))
    ]
    states: dict[str, list[str]] = defaultdict(list)
    dirty: dict[str, set[str]] = defaultdict(set)
    total = len(documents)
    site = load_site(ports)

    def place(document: Document) -> str:
        """Where it comes in the order of time, for which editors' decisions count as well."""
        dated = opened(document, load_decisions(ports.work.get(editorial_key(document.slug))), site)
        return dated.date and sort_key(dated)

    for number, document in enumerate(sorted(documents, key=place), 1):
        gated = gate(document.slug, ports, theme)
        assert gated  # its document was just listed
        if not document.moved:
            states[gated.state].append(document.slug)
        listed = enter(document.slug, ports) if gated.state == LIVE else None
        for name, months in months_of(listed.pending if listed else ()).items():
            dirty[name] |= months
        if progress:
            progress(total + number, 2 * total)
    for kind in ("topic", "author"):
        for key, _ in ports.work.list(f"{kind}s/"):
            dirty.setdefault(f"{kind}:{Path(key).stem}", set())
    for name, months in sorted(dirty.items()):
        refresh(name, months, site, ports, theme)
    refresh_site(ports, theme, each_list=False)
    return dict(states)
