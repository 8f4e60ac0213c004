"""Cursors: where a list goes on. What is in one is nobody's business but ours; one that is not ours is refused."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from typing import Any

from .problems import impossible

_LONGEST = 1000


def cursor(of: str, place: str | int) -> str | None:
    """A cursor for a place in a list; None where that is at its end.

    Args:
        of: the list and its filters. A cursor serves that list alone.
    """
    if not place:
        return None
    return base64.urlsafe_b64encode(json.dumps([of, place]).encode()).rstrip(b"=").decode()


def place_of(text: str, of: str, form: str) -> str:
    """The place that a cursor stands for; empty without one.

    Args:
        form: what places of that list look like, as a regular expression.

    Raises:
        HttpError: it is not one of ours, or is of another list.
    """
    if not text:
        return ""
    found: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(base64.urlsafe_b64decode(text[:_LONGEST].encode("ascii") + b"=" * (-len(text) % 4)))
    if isinstance(found, list) and len(found) == 2 and found[0] == of and re.fullmatch(form, str(found[1])):
        return str(found[1])
    raise impossible("query", "cursor", "is none of this list's cursors")
