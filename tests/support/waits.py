"""How often a use case waits for a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from nightdesk.ports import Ports, one_by_one


class Waits:
    """Counts the calls that wait for each other; calls that are made at once count as one."""

    def __init__(self) -> None:
        self.count = 0
        self._at_once = False

    def ports(self, ports: Ports) -> Ports:
        stores = {name: Counted(getattr(ports, name), self) for name in ("drafts", "private", "site", "articles")}
        return replace(ports, in_parallel=self.in_parallel, **stores)

    def in_parallel(self, call: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
        self.add()
        before, self._at_once = self._at_once, True
        try:
            return one_by_one(call, values)
        finally:
            self._at_once = before

    def add(self) -> None:
        self.count += not self._at_once


class Counted:
    """A store whose calls are counted."""

    def __init__(self, inner: Any, waits: Waits) -> None:
        self._inner, self._waits = inner, waits

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            self._waits.add()
            return found(*args, **named)

        return call
