"""Plural rules in the notation of Unicode CLDR (UTS #35, "Language Plural Rules"), for whole numbers.

A rule is a condition such as `n % 100 = 3..10` or `i = 0,1`, joined by `and` and `or`. The operands `n` and `i` are the number;
`v`, `w`, `f`, `t`, `c` and `e` speak of decimals and exponents, so they are 0 here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CATEGORIES = ("zero", "one", "two", "few", "many", "other")
"""The plural categories, in the order in which their rules are tried. `other` has no rule."""
_RELATION = re.compile(r"([nivwftce])(?: ?% ?(\d+))? ?(!?=) ?(\d+(?:\.\.\d+)?(?:, ?\d+(?:\.\.\d+)?)*)")


def plural_category(rules: Mapping[str, str], number: int) -> str:
    """Return the category of a number: the first one whose rule holds, else `other`.

    Args:
        rules: by category.

    Raises:
        ValueError: a rule cannot be read.
    """
    return next((name for name in CATEGORIES if name in rules and _holds(rules[name], abs(number))), "other")


def _holds(rule: str, number: int) -> bool:
    return any(all(_is_true(part, number) for part in either.split(" and ")) for either in rule.split(" or "))


def _is_true(relation: str, number: int) -> bool:
    found = _RELATION.fullmatch(relation.strip())
    if not found:
        raise ValueError(f"not a plural rule: {relation}")
    operand, modulus, sign, ranges = found.groups()
    value = number if operand in "ni" else 0
    value = value % int(modulus) if modulus else value
    return any(_contains(each, value) for each in ranges.split(",")) is (sign == "=")


def _contains(numbers: str, value: int) -> bool:
    first, _, last = numbers.strip().partition("..")
    return int(first) <= value <= int(last or first)
