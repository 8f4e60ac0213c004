"""Calls on ports as lines of a log: short, but distinguishable."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from nightdesk.domain.events import Event
from nightdesk.ports import Output


def describe_call(name: str, args: tuple[object, ...], result: object) -> str:
    """Return a line about a call, its arguments and its result."""
    return f"{name}({', '.join(map(summarise, args))}) -> {summarise(result)}"


def summarise(value: object) -> str:
    """Return an argument or a result as text. Long ones are shortened to their beginning and a digest."""
    if isinstance(value, Output):
        return f"{value.key}: {summarise(value.body)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes ~{_digest(value)}"
    if isinstance(value, Event):
        return f"{value.name} {value.to_detail()}"
    if isinstance(value, str):
        return value if len(value) <= 60 else f"{value[:40]}… ~{_digest(value.encode())}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"({', '.join(map(summarise, value))})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(summarise, value))}]"
    if isinstance(value, Mapping):
        shown = (f"{key}: {summarise(item)}" for key, item in value.items() if key not in ("pk", "sk", "card"))
        return "{" + ", ".join(shown) + "}"
    return str(value)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:6]
