"""What a build keeps for the next one: the buckets and tables as it left them, and the files that it read.

It lies in the newsroom's cache, never in the folder of the site, because it holds text that readers may have to pay for.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from nightdesk.adapters.memory import Clock, MemoryBus, MemoryCdn, MemorySchedules
from nightdesk.adapters.sqlite import SqliteObjects, SqliteStore, SqliteTable
from nightdesk.domain.documents import digest
from nightdesk.entrypoints.build_output import SiteFolder
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme

_FORMAT = 2
_RACY = 2_000_000_000
"""Nanoseconds: a file that was changed so shortly before it was read may be changed again without a newer time."""
_PACKAGE = Path(__file__).resolve().parents[1]


class SourceFile(NamedTuple):
    """A file that a build read.

    Attributes:
        time: when it was changed, in nanoseconds; 0 if that does not tell of every change.
    """

    size: int
    time: int
    sha256: str


Sources = Mapping[str, SourceFile]


class BuildState:
    """The ports of a build, all in one file.

    Args:
        path: where the state is kept; None to keep none.
        out: the folder of the site.
    """

    def __init__(self, path: Path | None, out: Path, base_url: str, clock: Clock) -> None:
        self.store = SqliteStore(path)
        self.site = SiteFolder(self.store, out, clock)
        self.private = SqliteObjects(self.store, "private", clock)
        self.articles = SqliteTable(self.store, "articles")
        self.bus, self.schedules = MemoryBus(), MemorySchedules()
        self.schedules.requested = {
            (datetime.fromisoformat(moment), slug) for moment, slug in self.store.fact("schedules") or ()
        }
        self.ports = Ports(
            drafts=SqliteObjects(self.store, "drafts", clock),
            private=self.private,
            site=self.site,
            articles=self.articles,
            bus=self.bus,
            cdn=MemoryCdn(),
            schedules=self.schedules,
            updates=SqliteTable(self.store, "updates"),
            base_url=base_url,
            clock=clock,
            can_pay=True,
        )

    def sources(self) -> dict[str, SourceFile]:
        """Return the files that the last build read, by key."""
        return {key: SourceFile(*facts) for key, facts in (self.store.fact("sources") or {}).items()}

    def save(self, fingerprint: str, sources: Sources) -> None:
        """Keep everything for the next build."""
        self.store.set_fact("schedules", [[moment.isoformat(), slug] for moment, slug in self.schedules.requested])
        self.store.set_fact("sources", {key: list(source) for key, source in sources.items()})
        self.store.set_fact("fingerprint", fingerprint)
        self.store.commit()

    def close(self) -> None:
        """Close the files; what was not saved is lost."""
        self.site.close()
        self.store.close()


def read_sources(files: Mapping[str, Path], known: Sources) -> tuple[dict[str, SourceFile], set[str]]:
    """Return what is known of the files now, and the keys of those that changed since."""
    now, sources, changed = time.time_ns(), {}, set()
    for key, path in files.items():
        found, before = os.stat(path), known.get(key)
        if before and before.time == found.st_mtime_ns and before.size == found.st_size:
            sources[key] = before
            continue
        fresh = sha256(path.read_bytes()).hexdigest()
        moment = found.st_mtime_ns if found.st_mtime_ns < now - _RACY else 0
        sources[key] = SourceFile(found.st_size, moment, fresh)
        if not before or before.sha256 != fresh:
            changed.add(key)
    return sources, changed


def fingerprint(theme: Theme, base_url: str, recipe: str) -> str:
    """Return a digest of everything besides the files that a site depends on: code, packages, theme and options."""
    parts = [str(_FORMAT), sys.version, base_url, recipe, _digest_of(theme), _code()]
    return digest("\n".join(parts).encode())


def _digest_of(theme: Theme) -> str:
    found = sha256()
    for path in sorted(path for path in theme.directory.rglob("*") if path.is_file()):
        body = path.read_bytes()
        found.update(f"{path.relative_to(theme.directory)} {len(body)}\n".encode() + body)
    return found.hexdigest()


@cache
def _code() -> str:
    """Return what changes with the code of this package, and with the packages that are installed."""
    found = [f"{os.stat(sysconfig.get_paths()['purelib']).st_mtime_ns}"]
    for where, _, names in os.walk(_PACKAGE):
        for name in names:
            if name.endswith(".py"):
                facts = os.stat(os.path.join(where, name))
                found.append(f"{where}/{name} {facts.st_size} {facts.st_mtime_ns}")
    return "\n".join(sorted(found))
