"""Turns: how a run knows, with one read, that it was alone, so that its inputs need not be read again.

Every run that makes lists enters its name at those that it may overwrite before it reads, and removes it when it has ended. If
there was no other name when it entered, and nobody has entered since, no other run wrote these pages or changed what their
runs change for each other: the months of a list, and how many articles it has. If another input changed after it was read, the
run that the change starts has yet to enter, and will overwrite what this one wrote. A run that was not alone reads its inputs
again, as `converge` does.

Gate changes nothing that its other runs read, so it is enough to know that nobody has begun since (`LastTurn`): a run that began
before, and writes later, finds that this one has begun, and reads again.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from nightdesk.domain.errors import Conflict, NightdeskError
from nightdesk.ports import ANY, Change, Item, Ports, Stat
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.turns import read_turns, read_turns_and, turn_change
from nightdesk.usecases.pipeline.converge import Converged, Inputs, Value, converge

_PER_TRANSACTION = 100
"""Writes that TransactWriteItems takes (DynamoDB API reference)."""


class Converge(Protocol):
    """Makes outputs match their inputs, as `converge` does."""

    def __call__(
        self, read: Callable[[], Inputs], apply: Callable[[Inputs], tuple[Value, bool]]
    ) -> Converged[Inputs, Value]: ...


class Turns:
    """The turns of one run at several lists of pages, which are checked together when all are written.

    A run that is alone also knows what the last one left stored of the pages, so it need not ask. What it has written itself
    it leaves to the next one, and to the stage that invalidates.

    Args:
        names: of the turns.

    Attributes:
        pages: what is known to be stored, by the name of the turn and the key.
    """

    def __init__(self, names: Sequence[str], ports: Ports) -> None:
        self._names = list(dict.fromkeys(names))
        self._ports = ports
        self._token = secrets.token_hex(8)
        self._shared: set[str] = set()
        self._versions: dict[str, int] = {}
        self._written: dict[str, list[Callable[[], bool]]] = defaultdict(list)
        self.pages: dict[str, dict[str, Stat]] = {name: {} for name in names}

    def __enter__(self) -> Turns:
        self.enter()
        return self

    def __exit__(self, failed: type[BaseException] | None, *about: object) -> None:
        if failed and issubclass(failed, Exception):
            with suppress(NightdeskError):  # then its name stays for a while, and others read again
                self._leave_each(self._names)

    def enter(self) -> None:
        """Enter the run. Call this before any inputs are read.

        Raises:
            Transient: other runs did the same at every attempt.
        """
        for start in range(0, len(self._names), _PER_TRANSACTION):
            names = self._names[start : start + _PER_TRANSACTION]
            compare_and_swap(partial(self._enter, names), f"the turn at {names[0]}")

    def _enter(self, names: Sequence[str]) -> None:
        table, now = self._ports.articles, self._ports.clock()
        turns = dict(zip(names, read_turns(table, names), strict=True))
        others = {name: turn.at_work(now) for name, turn in turns.items()}
        mine = {self._token: int(now.timestamp())}
        table.write([turn_change(name, others[name] | mine, now, turn.version) for name, turn in turns.items()])
        self._shared |= {name for name in names if others[name]}
        self._versions |= {name: (turn.version or 0) + 1 for name, turn in turns.items()}
        for name, turn in turns.items():
            self.pages[name].clear()
            self.pages[name].update(turn.pages)

    def at(self, name: str) -> Converge:
        """Return what makes a list. Its inputs are read again only by `changed`."""

        def once(
            read: Callable[[], Inputs], apply: Callable[[Inputs], tuple[Value, bool]]
        ) -> Converged[Inputs, Value]:  # fmt: skip
            inputs = read()
            try:
                value, wrote = apply(inputs)
            except Conflict:
                self.pages[name].clear()
                self._shared.add(name)
                done = converge(read, apply)
                # It has checked the inputs of this list; what all lists are made from is left to `changed`.
                self._written[name].append(lambda: False)
                return done
            if wrote:
                self._written[name].append(lambda: read() != inputs)
            return Converged(inputs, value, wrote)

        return once

    def changed(self, common: Callable[[], bool] = lambda: False) -> set[str]:
        """Return the turns at the lists that must be made again, because inputs changed while other runs were at work.

        Args:
            common: returns True if an input of all lists has changed.
        """
        return self.changed_and_read((), common)[0] if self._written else set()

    def changed_and_read(
        self, keys: Sequence[tuple[str, str]], common: Callable[[], bool] = lambda: False
    ) -> tuple[set[str], list[Item | None]]:
        """Return what `changed` does, and the items of the Articles table with some keys, read with the same call."""
        found, items = read_turns_and(self._ports.articles, self._names, keys)
        turns = zip(self._names, found, strict=True)
        self._shared |= {name for name, turn in turns if turn.version != self._versions[name]}
        if self._written and self._shared and common():
            return set(self._written), items
        shared = [name for name in self._names if name in self._shared]
        return {name for name in shared if any(is_old() for is_old in self._written.get(name, ()))}, items

    def leave(self, with_them: Sequence[Change] = ()) -> bool:
        """Remove the run, and write other changes with it if that takes no other call.

        Returns:
            True if these were written.
        """
        table, now = self._ports.articles, self._ports.clock()
        alone = [
            turn_change(name, {}, now, self._versions[name], self.pages[name])
            for name in self._names
            if name not in self._shared
        ]
        both = [*with_them, *alone]
        written = False
        if both and len(both) <= _PER_TRANSACTION:
            try:
                table.write(both)
                written = True
            except Conflict:
                pass
        self._leave_each([name for name in self._names if not written or name in self._shared])
        return written

    def _leave_each(self, names: Sequence[str]) -> None:
        for name in names:
            compare_and_swap(partial(self._leave, name), f"the turn at {name}")

    def _leave(self, name: str) -> None:
        [turn] = read_turns(self._ports.articles, [name])
        if self._token in turn.runs:
            left = {run: since for run, since in turn.runs.items() if run != self._token}
            self._ports.articles.write([turn_change(name, left, self._ports.clock(), turn.version)])


def in_turn(name: str, ports: Ports, only: str = "") -> Converge:
    """Return what makes a list in a turn of its own. It asks what is stored, because it may have to mend that.

    Args:
        only: the key of the only page that it may write; empty for any of the list.
    """

    def run(
        read: Callable[[], Inputs], apply: Callable[[Inputs], tuple[Value, bool]]
    ) -> Converged[Inputs, Value]:  # fmt: skip
        with Turns([name], ports) as turns:
            done = turns.at(name)(read, apply)
            if turns.changed():
                done = converge(read, apply)
            pages = turns.pages[name]
            turns.pages[name] = {key: page for key, page in pages.items() if only and key != only}
            turns.leave()
        return done

    return run


def take_turns(names: Sequence[str], ports: Ports, token: str = "") -> None:
    """Take the turns (`LastTurn`) at some pages from the runs at work, which therefore read their inputs again.

    Args:
        token: of the run that takes them; empty for one that writes none of these pages.

    Raises:
        Transient: other runs did the same at every attempt.
    """
    now = ports.clock()
    run = {token or secrets.token_hex(8): int(now.timestamp())}
    for start in range(0, len(names), _PER_TRANSACTION):
        changes = [turn_change(name, run, now, ANY) for name in names[start : start + _PER_TRANSACTION]]
        compare_and_swap(partial(ports.articles.write, changes), f"the turn at {names[start]}")


def turn_of_article(slug: str) -> str:
    """Return the name of the turn at an article's pages."""
    return f"article:{slug}"


class LastTurn:
    """The turn of one run at some pages, which it keeps until another one begins.

    Args:
        name: of the turn.
    """

    def __init__(self, name: str, ports: Ports) -> None:
        self._name = name
        self._ports = ports
        self._token = secrets.token_hex(8)
        self._taken = False

    def take(self) -> None:
        """Take the turn, once. Call this before any inputs are read.

        Raises:
            Transient: other runs did the same at every attempt.
        """
        if not self._taken:
            take_turns([self._name], self._ports, self._token)
            self._taken = True

    def is_kept(self) -> bool:
        """Return True if no other run has taken the turn since."""
        return self._token in read_turns(self._ports.articles, [self._name])[0].runs
