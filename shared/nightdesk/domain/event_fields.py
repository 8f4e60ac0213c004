"""The fields of events: what a value must be, beside its type, and what is wrong with one."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple, get_args, get_origin


class Matches(NamedTuple):
    """The whole string matches a regular expression."""

    pattern: str


class AtLeast(NamedTuple):
    """The number is not below a minimum."""

    minimum: int


def problem_in(value: object, hint: Any) -> str:
    """Return what is wrong with a value of a JSON document, or an empty string."""
    if get_origin(hint) is Annotated:
        base, *rules = get_args(hint)
        return problem_in(value, base) or next((told for rule in rules if (told := _broken(rule, value))), "")
    expected = get_origin(hint) or hint
    if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
        return f"must be of type {expected.__name__}"
    if expected is list:
        return next((told for item in value if (told := problem_in(item, get_args(hint)[0]))), "")
    return ""


def _broken(rule: object, value: Any) -> str:
    if isinstance(rule, AtLeast) and value < rule.minimum:
        return f"must be at least {rule.minimum}"
    if isinstance(rule, Matches) and not re.fullmatch(rule.pattern, value):
        return f"must match {rule.pattern}"
    return ""
