"""What variables of Liquid and Nunjucks stand for, and the filters that change them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nightdesk.domain.text import slugify

Values = Callable[[str], Any]
"""Returns the value that a name such as `site.title` stands for; None for none."""
_PART = re.compile(r"\.?([\w-]+)|\[\s*(?:\"([^\"]*)\"|'([^']*)'|(-?\d+))\s*\]")
_SAME = frozenset(
    [
        "escape", "escape_once", "xml_escape", "h", "e", "safe", "strip", "trim", "lstrip", "rstrip", "markdownify", "smartify",
        "normalize_whitespace", "strip_newlines", "url", "htmlbaseurl", "uri_escape", "dump", "string", "md", "markdown", "newline_to_br",
    ]
)  # fmt: skip
"""Filters that change nothing in a text or an address that readers see."""


def lookup(roots: Mapping[str, Any], name: str) -> Any:
    """Return what a dotted name stands for among nested mappings and lists; None for nothing."""
    value: Any = roots
    position = 0
    while position < len(name):
        found = _PART.match(name, position)
        if not found:
            return None
        position = found.end()
        key = next(group for group in found.groups() if group is not None)
        if isinstance(value, Mapping):
            value = value.get(key, value.get(key.lower()))
        elif isinstance(value, list) and key.lstrip("-").isdigit():
            value = value[int(key)] if -len(value) <= int(key) < len(value) else None
        elif isinstance(value, list) and key in ("first", "last") and value:
            value = value[0 if key == "first" else -1]
        else:
            return None
    return value


def evaluate(expression: str, values: Values, unknown: Callable[[str], None], prefix: str = "") -> str | None:
    """Return the text of an expression with filters; None if it is not known.

    Args:
        unknown: is called with each filter whose effect is not known.
        prefix: the path of the site, which `relative_url` puts before addresses.
    """
    first, *filters = [part.strip() for part in re.split(r"\|(?=(?:[^\"']|\"[^\"]*\"|'[^']*')*$)", expression)]
    value = _operand(first, values)
    for each in filters:
        name, _, rest = each.partition(":") if "(" not in each.partition(":")[0] else each.rstrip(")").partition("(")
        arguments = [_operand(part.strip(), values) or "" for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^,\s]+", rest)]
        name = name.strip()
        if name == "default":
            value = value or (arguments[0] if arguments else None)
        elif value is not None:
            value = _filtered(value, name, arguments, prefix, unknown)
    return value


def _operand(typed: str, values: Values) -> str | None:
    quoted = re.fullmatch(r"\"([^\"]*)\"|'([^']*)'", typed)
    if quoted:
        return quoted[1] or quoted[2] or ""
    if re.fullmatch(r"-?\d+(\.\d+)?", typed):
        return typed
    value = values(typed) if typed else None
    return value if isinstance(value, str) else None


def _filtered(value: str, name: str, given: list[str], prefix: str, unknown: Callable[[str], None]) -> str | None:
    simple: dict[str, Callable[[], str]] = {
        "relative_url": lambda: f"{prefix}/{value.lstrip('/')}" if not re.match(r"[a-z]+:|//|#", value) else value,
        "absolute_url": lambda: f"{prefix}/{value.lstrip('/')}" if not re.match(r"[a-z]+:|//|#", value) else value,
        "upcase": value.upper, "upper": value.upper, "downcase": value.lower, "lower": value.lower,
        "capitalize": value.capitalize, "title": value.title, "slugify": lambda: slugify(value), "slug": lambda: slugify(value),
        "strip_html": lambda: html.unescape(re.sub(r"<[^>]*>", "", value)),
    }  # fmt: skip
    if name in _SAME:
        return value
    if name in simple:
        return simple[name]()
    if name in ("append", "prepend", "remove", "replace", "split", "date") and given:
        return _with_argument(value, name, given)
    unknown(name)
    return value


def _with_argument(value: str, name: str, given: list[str]) -> str | None:
    if name == "append":
        return value + given[0]
    if name == "prepend":
        return given[0] + value
    if name == "remove":
        return value.replace(given[0], "")
    if name == "replace":
        return value.replace(given[0], given[1] if len(given) > 1 else "")
    if name == "date":
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            return None
        form = re.sub(r"%-([a-zA-Z])", lambda found: date.strftime(f"%{found[1]}").lstrip("0") or "0", given[0])
        return date.strftime(form)
    return None
