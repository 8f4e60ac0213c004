"""Processes that share the work of a build, with the results of one.

Each worker runs a use case for its share of the keys, on the state that the build has committed, and keeps apart what it writes.
The build applies these writes in the order of the keys. If one would overwrite what an earlier key wrote, such as a slug that two
drafts claim, the build runs that key itself instead. So the outcome is the same for any number of processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nightdesk.adapters.memory import MemoryBus, MemoryCdn, MemorySchedules
from nightdesk.adapters.sqlite_overlay import OverlayObjects, OverlayTable, ReadOnlyStore, Writes
from nightdesk.domain.events import Event
from nightdesk.entrypoints.build_state import BuildState
from nightdesk.ports import Ports

Result = TypeVar("Result")
_FEW = 100
"""So few keys are not worth other processes."""
_APART = 10**12
"""More writes than any build makes: the numbers of two workers never meet."""


class _Outcome(NamedTuple):
    """What a worker made of a key."""

    result: Any
    writes: Writes
    events: list[Event]
    schedules: set[tuple[datetime, str]]


class BuildWorkers:
    """Runs use cases for many keys.

    Args:
        state: of the build.
        path: of its file; None for a state that other processes cannot read.
        processes: how many to use; by default one for each processor that this process may use.
        few: how many keys are not worth other processes.
    """

    def __init__(self, state: BuildState, path: Path | None, processes: int = 0, few: int = _FEW) -> None:
        self._state = state
        self._path = path
        self._few = few
        can_fork = "fork" in multiprocessing.get_all_start_methods()
        self._processes = (processes or _processors()) if path and can_fork else 1
        self._next = 1

    def __call__(self, call: Callable[[str, Ports], Result], keys: Sequence[str]) -> Iterator[Result]:
        """Yield what `call` returns for each key, in their order."""
        if self._processes < 2 or len(keys) <= self._few:
            yield from (call(key, self._state.ports) for key in keys)
            return
        self._state.store.show_others()
        context = multiprocessing.get_context("fork")
        receivers: list[Connection] = []
        workers = []
        try:
            for number in range(self._processes):
                receiver, sender = context.Pipe(duplex=False)
                share, first_write = keys[number :: self._processes], self._next * _APART
                worker = context.Process(target=self._work, args=(call, share, sender, first_write), daemon=True)
                worker.start()
                sender.close()  # so that the end of the worker ends what is received
                receivers.append(receiver)
                workers.append(worker)
                self._next += 1
            for place, key in enumerate(keys):
                outcome = _receive(receivers[place % self._processes])
                applied = outcome is not None and self._apply(outcome)
                yield outcome.result if outcome and applied else call(key, self._state.ports)
        finally:
            for receiver in receivers:
                receiver.close()
            for worker in workers:
                worker.terminate()
                worker.join()

    def _work(
        self, call: Callable[[str, Ports], Any], keys: Sequence[str], sender: Connection, first_write: int
    ) -> None:
        """Send the outcome for each key; None where it failed, for the build to fail in the same way."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the build ends its workers
        assert self._path
        with closing(ReadOnlyStore(self._path, first_write)) as store, suppress(BrokenPipeError):
            for key in keys:
                sender.send(_run(call, key, self._state.ports, store))

    def _apply(self, outcome: _Outcome) -> bool:
        """Write what a worker wrote. Returns False, and writes nothing, if something else was written there meanwhile."""
        state = self._state
        buckets = {each.bucket: each for each in (state.private, state.site)}
        for bucket, objects in outcome.writes.objects.items():
            if any(buckets[bucket].version_of(key) != write.over for key, write in objects.items()):
                return False
        items = outcome.writes.items
        if any(state.articles.version_of(*key) != write.over for key, write in items.items()):
            return False
        for bucket, objects in outcome.writes.objects.items():
            for key, write in objects.items():
                if write.row:
                    buckets[bucket].write_row(key, write.row)
                else:
                    buckets[bucket].delete(key)
        for (pk, sk), item in items.items():
            state.articles.write_row(pk, sk, item.row)
        state.bus.emit(outcome.events)
        state.schedules.requested |= outcome.schedules
        return True


def _run(call: Callable[[str, Ports], Any], key: str, ports: Ports, store: ReadOnlyStore) -> _Outcome | None:
    """Return what a use case makes of a key."""
    private, site, drafts = (OverlayObjects(store, name, ports.clock) for name in ("private", "site", "drafts"))
    articles, bus, schedules = OverlayTable(store, "articles"), MemoryBus(), MemorySchedules()
    apart = replace(
        ports,
        drafts=drafts,
        private=private,
        site=site,
        articles=articles,
        bus=bus,
        cdn=MemoryCdn(),
        schedules=schedules,
        updates=OverlayTable(store, "updates"),
    )
    try:
        result = call(key, apart)
    except Exception:
        return None
    writes = Writes({each.bucket: each.written for each in (private, site) if each.written}, articles.written)
    return _Outcome(result, writes, list(bus.events), schedules.requested)


def _receive(receiver: Connection) -> _Outcome | None:
    """Return the next outcome of a worker; None if there is none, because the use case or the worker failed."""
    with suppress(EOFError, OSError):
        return receiver.recv()  # type: ignore[no-any-return]
    return None


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
