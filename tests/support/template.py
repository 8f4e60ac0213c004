"""`template.yaml` as tests read it: long-form intrinsic functions, and loops expanded."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

from nightdesk_local.deploy import load_template

ROOT = Path(__file__).resolve().parents[2]
_LOOP = "Fn::ForEach::"


@cache
def expanded_template() -> dict[str, Any]:
    """Return the template with its loops expanded. It is shared: do not change it."""
    return expand_loops(load_template(ROOT / "template.yaml"))


def expand_loops(template: dict[str, Any]) -> dict[str, Any]:
    """Expand what the transform AWS::LanguageExtensions would: `Fn::ForEach` over a list of names, and what depends on the name.

    Only what our template uses: no nested loops, no collections that are functions. `test_template.py` compares the result with
    that of SAM CLI and of the emulator.
    """
    expanded = dict(template)
    for section in ("Resources", "Outputs"):
        expanded[section] = {}
        for key, value in template[section].items():
            members = _members(value, template["Mappings"]) if key.startswith(_LOOP) else {key: copy.deepcopy(value)}
            assert not expanded[section].keys() & members.keys(), f"{key} repeats a name"
            expanded[section] |= members
    return expanded


def _members(loop: list[Any], mappings: dict[str, Any]) -> dict[str, Any]:
    identifier, names, fragment = loop
    return {
        key.replace(f"${{{identifier}}}", name): _filled(value, identifier, name, mappings)
        for name in names
        for key, value in fragment.items()
    }


def _filled(node: Any, identifier: str, name: str, mappings: dict[str, Any]) -> Any:
    """Return a copy of `node` with the loop's identifier replaced by `name`."""
    if isinstance(node, list):
        return [_filled(value, identifier, name, mappings) for value in node]
    if not isinstance(node, dict):
        return node
    if node == {"Ref": identifier}:
        return name
    if isinstance(node.get("Fn::Sub"), str):
        text = node["Fn::Sub"].replace(f"${{{identifier}}}", name)
        return {"Fn::Sub": text} if "${" in text else text
    filled = {key: _filled(value, identifier, name, mappings) for key, value in node.items()}
    if "Fn::Sub" in filled:
        text, variables = filled["Fn::Sub"]
        return {"Fn::Sub": [text.replace(f"${{{identifier}}}", name), variables]}
    if "Fn::FindInMap" in filled:
        top, first, second, *default = filled["Fn::FindInMap"]
        return mappings[top].get(first, {}).get(second, default[0]["DefaultValue"] if default else None)
    return filled
