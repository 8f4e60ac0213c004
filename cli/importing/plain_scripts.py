"""JavaScript that is nothing but plain values, as Eleventy's front matter and data often are. It is read, and never run."""

from __future__ import annotations

import json
import re
from typing import Any

from .lenient_yaml import lenient_yaml

_STRING = re.compile(r"(\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?",
    re.DOTALL,
)
_OBJECT = re.compile(r"\s*(?:export\s+default\s|module\.exports\s*=)?\s*(\{.*\})\s*;?\s*", re.DOTALL)
_DECLARATION = re.compile(r"(?:^|\n)[ \t]*(?:export\s+)?(?:const|let|var)\s+(\w+)\s*=")
_WORD = re.compile(r"[A-Za-z_$][\w$]*(?!\s*:|[\w$])")
_KNOWN = frozenset(["true", "false", "null", "undefined"])


def plain_script(text: str) -> dict[str, Any] | None:
    """Return the values that a script declares or exports; None if it does anything else, such as computing one of them."""
    if len(text) > 100_000:
        return None
    text = without_comments(text)
    if exported := _OBJECT.fullmatch(text):
        value = _value(exported[1])
        return value if isinstance(value, dict) else None
    found = list(_DECLARATION.finditer(text))
    if not found or text[: found[0].start()].strip():
        return None
    ends = [each.start() for each in found[1:]] + [len(text)]
    values = {
        each[1]: _value(text[each.end() : end].strip().removesuffix(";")) for each, end in zip(found, ends, strict=True)
    }
    return None if any(value is _COMPUTED for value in values.values()) else values


def without_comments(text: str) -> str:
    """Return a script without its comments; what looks like one in a string stays."""
    return _TOKEN.sub(lambda found: "" if found["comment"] else found[0], text)


_COMPUTED = object()


def _value(typed: str) -> Any:
    """Return a literal as a plain value."""
    parts = _STRING.split(typed)
    bare = "".join(parts[::2])
    if re.search(r"[`()=;+*?$<>&|]|\.\.\.", bare) or set(_WORD.findall(bare)) - _KNOWN:
        return _COMPUTED
    made = [_text(part) if number % 2 else re.sub(r":\s*", ": ", part) for number, part in enumerate(parts)]
    plain = (
        " ".join("".join(made).split()) if not any(parts[1::2]) else "".join(made).replace("\t", " ").replace("\n", " ")
    )
    try:
        return lenient_yaml(f"x: {plain.replace('undefined', 'null')}")[0]["x"]
    except (ValueError, KeyError):
        return _COMPUTED


def _text(literal: str) -> str:
    plain = re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), literal[1:-1], flags=re.DOTALL
    )
    return json.dumps(plain)
