"""Build: the same stages over folders, with no cloud."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.documents import REJECTED
from nightdesk.rendering.environment import Theme

from .assemble import Progress, assemble
from .catalogue import draft_record
from .ports import ANY, Output, Ports
from .stored import IMAGE_TYPES
from .ticker import refresh as refresh_ticker
from .update_files import take_file


class Built(NamedTuple):
    """What a build made: slugs by state, and for each file that was refused or warned of, its problems."""

    states: dict[str, list[str]]
    rejected: dict[str, list[dict[str, object]]]
    objects: int


def read_folder(folder: Path) -> dict[str, Path]:
    """Keys of the drafts bucket, for a folder that is laid out like it, or that holds only drafts.

    A folder named `drafts` may have its siblings `authors`, `topics`, `pages`, `updates` and `site.yaml` beside it.
    """
    root = folder if (folder / "drafts").is_dir() else folder.parent
    drafts = folder / "drafts" if (folder / "drafts").is_dir() else folder
    found = {"site.yaml": root / "site.yaml"} if (root / "site.yaml").is_file() else {}
    for name, where in (
        ("authors", root / "authors"),
        ("topics", root / "topics"),
        ("pages", root / "pages"),
        ("updates", root / "updates"),
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
    progress: Progress | None = None,
) -> Built:
    """Write every page of every tier as files: those of a site on which readers can sign in and pay.

    Args:
        drafts: a folder as `read_folder` takes it.
        out: where to; made if it is missing. Files that are the same already are left alone.
        base_url: the site's address, where its settings name none.
        progress: told how many files of how many are done.
    """
    ports = replace(memory_ports(base_url, lambda: now), can_pay=True)
    files = read_folder(drafts)
    for key, path in files.items():
        ports.drafts.put(Output(key, path.read_bytes(), IMAGE_TYPES.get(path.suffix.lower(), "text/markdown")), ANY)
    states, rejected = assemble(files, ports, theme, progress)
    for key in files:
        if take_file(key, ports) == REJECTED and (record := draft_record(ports.articles, key)):
            rejected[key] = record["problems"]
    refresh_ticker(ports, theme, everything=True)
    return Built(states, rejected, _write(ports, out))


def _write(ports: Ports, out: Path) -> int:
    outputs: dict[str, Output] = ports.site.outputs  # type: ignore[attr-defined]  # memory_ports gives MemoryObjects
    for folder in {key.rpartition("/")[0] for key in outputs}:
        (out / folder).mkdir(parents=True, exist_ok=True)
    for key, output in outputs.items():
        path = os.path.join(out, key)
        if not _holds(path, output.body):
            with open(path, "wb") as file:
                file.write(output.body)
    return len(outputs)


def _holds(path: str, body: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == body
    except FileNotFoundError:
        return False
