"""Build: the same stages over folders, with no cloud, each list made once at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.documents import LIVE, REJECTED, Document
from nightdesk.domain.drafts import classify
from nightdesk.rendering.environment import Theme

from .gate import gate, sort_key
from .index import enter
from .lists import months_of, refresh, refresh_site
from .ports import ANY, Output, Ports
from .render import render
from .stored import IMAGE_TYPES, load_site


class Built(NamedTuple):
    """What a build made: slugs by state, and for each file that was refused or warned of, its problems."""

    states: dict[str, list[str]]
    rejected: dict[str, list[dict[str, object]]]
    objects: int


def read_folder(folder: Path) -> dict[str, Path]:
    """Keys of the drafts bucket, for a folder that is laid out like it, or that holds only drafts.

    A folder named `drafts` may have its siblings `authors`, `topics`, `pages` and `site.yaml` beside it.
    """
    root = folder if (folder / "drafts").is_dir() else folder.parent
    drafts = folder / "drafts" if (folder / "drafts").is_dir() else folder
    found = {"site.yaml": root / "site.yaml"} if (root / "site.yaml").is_file() else {}
    for name, where in (
        ("authors", root / "authors"),
        ("topics", root / "topics"),
        ("pages", root / "pages"),
        ("drafts", drafts),
    ):
        for path in sorted(where.rglob("*")):
            if path.is_file():
                found[f"{name}/{path.relative_to(where).as_posix()}"] = path
    return found


def build(
    drafts: Path,
    out: Path,
    theme: Theme,
    now: datetime,
    base_url: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Write every page of every tier as files.

    Args:
        drafts: a folder as `read_folder` takes it.
        out: where to; made if it is missing. Files that are the same already are left alone.
        base_url: the site's address, where its settings name none.
        progress: told how many files of how many are done.
    """
    ports = memory_ports(base_url, lambda: now)
    files = read_folder(drafts)
    for key, path in files.items():
        ports.drafts.put(Output(key, path.read_bytes(), IMAGE_TYPES.get(path.suffix.lower(), "text/markdown")), ANY)
    subjects = sorted(
        (key for key in files if classify(key)), key=lambda key: (key.startswith("drafts/"), key != "site.yaml", key)
    )
    rejected = {}
    for number, key in enumerate(subjects, 1):
        for rendered in render(key, ports):
            if rendered.state == REJECTED:
                rejected[key] = next(list(e.detail["problems"]) for e in rendered.events if e.type == "DraftRejected")
        if progress:
            progress(number, 2 * len(subjects))
    states = _publish(ports, theme, progress)
    count = _write(ports, out)
    return Built(states, rejected, count)


def _publish(
    ports: Ports, theme: Theme, progress: Callable[[int, int], None] | None
) -> dict[str, list[str]]:  # fmt: skip
    """Gate and index in order of time, so that each article finds those before it; then make each list once."""
    documents = [
        Document.from_bytes(blob.body) for key, _ in ports.work.list("articles/") if (blob := ports.work.get(key))
    ]
    states: dict[str, list[str]] = defaultdict(list)
    dirty: dict[str, set[str]] = defaultdict(set)
    total = len(documents)
    for number, document in enumerate(sorted(documents, key=sort_key), 1):
        gated = gate(document.slug, ports, theme)
        assert gated  # its document was just listed
        states[gated.state].append(document.slug)
        listed = enter(document.slug, ports) if gated.state == LIVE else None
        for name, months in months_of(listed.pending if listed else ()).items():
            dirty[name] |= months
        if progress:
            progress(total + number, 2 * total)
    for kind in ("topic", "author"):
        for key, _ in ports.work.list(f"{kind}s/"):
            dirty.setdefault(f"{kind}:{Path(key).stem}", set())
    site = load_site(ports)
    for name, months in sorted(dirty.items()):
        refresh(name, months, site, ports, theme)
    refresh_site(ports, theme, each_list=False)
    return dict(states)


def _write(ports: Ports, out: Path) -> int:
    count = 0
    made: set[Path] = set()
    for key, output in ports.site.outputs.items():  # type: ignore[attr-defined]  # memory_ports gives MemoryObjects
        path = out / key
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        if not path.is_file() or path.stat().st_size != len(output.body) or path.read_bytes() != output.body:
            path.write_bytes(output.body)
        count += 1
    return count
