"""YAML as other generators read it: with aliases and merged mappings, and with the last value of a key that is set twice."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Reads every value as text."""
_MAX_VALUES = 20_000
"""More than any settings have; aliases of aliases grow beyond all measure."""
_MAX_DEPTH = 20
_NOTHING = ("", "~", "null", "Null", "NULL")


class TooLarge(ValueError):
    """YAML that is nested too deeply, or whose aliases stand for more than anything needs."""


def lenient_yaml(text: str) -> tuple[dict[str, Any], dict[str, list[Any]], dict[str, int]]:
    """Return a mapping, the values of keys that are set twice with different ones, and the line of each key, from 1.

    Raises:
        ValueError: it does not parse, or is no mapping, or is too large.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("the YAML does not parse") from error
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("the YAML is no mapping")
    work = _Work()
    values = work.plain(root, 1)
    given: dict[str, list[Any]] = {}
    lines: dict[str, int] = {}
    for key, value in root.value:
        given.setdefault(str(key.value), []).append(work.plain(value, 2))
        lines[str(key.value)] = key.start_mark.line + 1
    repeated = {
        key: each for key, each in given.items() if len(each) > 1 and key != "<<" and any(v != each[0] for v in each)
    }
    return values, repeated, lines


class _Work:
    def __init__(self) -> None:
        self._count = 0

    def plain(self, node: Any, depth: int) -> Any:
        self._count += 1
        if self._count > _MAX_VALUES or depth > _MAX_DEPTH:
            raise TooLarge("the YAML is too large, or nested too deeply")
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(each, depth + 1) for each in node.value]
        if not isinstance(node, yaml.MappingNode):
            return None if node.style is None and node.value in _NOTHING else str(node.value)
        merged: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for key, value in node.value:
            made = self.plain(value, depth + 1)
            if key.value == "<<":
                for each in made if isinstance(made, list) else [made]:
                    merged |= {k: v for k, v in each.items() if k not in merged} if isinstance(each, dict) else {}
            else:
                values[str(key.value)] = made
        return {**merged, **values}
